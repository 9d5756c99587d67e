package operator

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// The trades of a day, with answers that two other engines agree on. The files are not part of the repository.
const sharedData = "../../../../shared/data"

var tradesIn = fields("ts:BIGINT symbol:STRING price:DECIMAL(18,4) size:BIGINT exchange:STRING condition:STRING")

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedData, path))
	if err != nil {
		t.Skipf("needs the data set beside the repository: %v", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// trades are the rows that keep wants, as events, with a watermark every 500 rows and at the end.
func trades(t *testing.T, keep func(row []string) bool) []event {
	t.Helper()
	var out []event
	most := vector.NoTime
	for i, r := range readCSV(t, "trades.csv.gz") {
		ts, err := strconv.ParseInt(r[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if keep == nil || keep(r) {
			values := slices.Clone(r[1:])
			for k, v := range values {
				if v == "" {
					values[k] = "null"
				}
			}
			out = append(out, event{time: ts, values: values})
		}
		if most = max(most, ts); i%500 == 499 {
			out = append(out, event{wm: true, time: most})
		}
	}
	return append(out, event{wm: true, time: vector.MaxTime})
}

// compareAnswer compares rows without op and time with the columns cols of the answer: each row once, numbers to 1e-9.
func compareAnswer(t *testing.T, name string, cols []int, got []string, pick []int) {
	t.Helper()
	var want []string
	for _, r := range readCSV(t, name) {
		parts := make([]string, len(cols))
		for i, c := range cols {
			if parts[i] = r[c]; parts[i] == "" {
				parts[i] = "null"
			}
		}
		want = append(want, strings.Join(parts, " "))
	}
	rows := make([]string, len(got))
	for i, g := range got {
		f := strings.Fields(g)[2:]
		parts := make([]string, len(pick))
		for k, p := range pick {
			parts[k] = f[p]
		}
		rows[i] = strings.Join(parts, " ")
	}
	slices.Sort(want)
	slices.Sort(rows)
	if len(want) != len(rows) {
		t.Fatalf("%s: %d rows, want %d", name, len(rows), len(want))
	}
	for i := range want {
		if !closeRow(want[i], rows[i]) {
			t.Fatalf("%s: got %s, want %s", name, rows[i], want[i])
		}
	}
}

func closeRow(want, got string) bool {
	a, b := strings.Fields(want), strings.Fields(got)
	return slices.EqualFunc(a, b, func(x, y string) bool {
		f, err1 := strconv.ParseFloat(x, 64)
		g, err2 := strconv.ParseFloat(y, 64)
		return x == y || err1 == nil && err2 == nil && math.Abs(f-g) <= 1e-9*math.Abs(f)
	})
}

func runTrades(t *testing.T, events []event, specs ...Spec) []string {
	t.Helper()
	r := &recorder{}
	play(t, build(t, tradesIn, r, specs...), []*vector.Schema{tradesIn}, events, 1024)
	if r.fail+r.late+len(r.derived) > 0 {
		t.Fatalf("%d failed, %d late, derived %v", r.fail, r.late, r.derived)
	}
	return r.rows
}

func TestRealData(t *testing.T) {
	t.Parallel()
	all := trades(t, nil)
	agg := func(keys []int, w Window, calls ...string) *Aggregate {
		var aggs []Agg
		for _, c := range calls {
			a, _ := goldenCall(t, c)
			aggs = append(aggs, a)
		}
		return benchSpec(tradesIn, keys, w, EmitFinal, aggs...)
	}
	const minute = 60_000
	got := runTrades(t, all, agg([]int{1}, Window{Kind: Tumbling, SizeMs: 5 * minute}, "COUNT()", "AVG(2)", "MIN(2)",
		"MAX(2)", "SUM(3)"))
	compareAnswer(t, "answers/trades/t1_tumbling.csv", []int{0, 1, 2, 3, 4, 5, 6, 7}, got, []int{
		0, 1, 2, 3, 4, 5, 6,
		7,
	})
	got = runTrades(t, all, agg([]int{1}, Window{Kind: Hopping, SizeMs: 60 * minute, AdvanceMs: 5 * minute},
		"AVG(2)", "MAX(2)",
		"MIN(2)", "STDDEV(2)", "COUNT()"))
	compareAnswer(t, "answers/trades/t2_sliding.csv", []int{0, 1, 2, 3, 4, 5, 6, 7}, got, []int{0, 1, 2, 3, 4, 5, 6, 7})
	got = runTrades(t, all, agg([]int{1, 4}, Window{Kind: Session, SizeMs: 20_000}, "COUNT()", "SUM(3)"))
	got = slices.DeleteFunc(got, func(s string) bool { n, _ := strconv.Atoi(strings.Fields(s)[6]); return n < 5 })
	compareAnswer(t, "answers/trades/t7_session.csv", []int{0, 1, 2, 3, 4, 5}, got, []int{0, 1, 2, 3, 4, 5})
	got = runTrades(t, all, agg([]int{1}, Window{Kind: Tumbling, SizeMs: 15 * minute}, "COUNT(DISTINCT:4)",
		"COUNT(DISTINCT:5)",
		"COUNT(DISTINCT:2)"))
	compareAnswer(t, "answers/trades/t8_distinct.csv", []int{0, 1, 2, 3, 4}, got, []int{0, 1, 3, 4, 5})
}

func TestRealMovingAverages(t *testing.T) {
	t.Parallel()
	ibm := trades(t, func(r []string) bool { return r[2] == "IBM" && r[5] == "N" })
	over := &Over{Partition: []int{1}, Schema: &vector.Schema{Fields: slices.Clone(tradesIn.Fields)}}
	for _, ms := range []int64{900_000, 3_600_000, 14_400_000} {
		over.Aggs = append(over.Aggs, OverAgg{Func: "AVG", Args: []int{2}, RangeMs: ms, Rows: -1})
		over.Schema.Fields = append(over.Schema.Fields, vector.Field{Name: "ma", Type: vector.TDecimal(38, 16)})
	}
	got := runTrades(t, ibm, over)
	compareAnswer(t, "answers/trades/t3_moving_averages.csv", []int{1, 2, 3, 4, 5}, got, []int{0, 2, 6, 7, 8})
}
