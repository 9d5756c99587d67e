package operator

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

var overIn = fields("k:STRING v:BIGINT d:DOUBLE s:STRING")

// overCalls are the functions of the model, which overValues computes in the same order, each with the drawn frame.
var overCalls = []OverAgg{
	{Func: "COUNT"},
	{Func: "SUM", Args: []int{1}},
	{Func: "MIN", Args: []int{1}},
	{Func: "MAX", Args: []int{3}},
	{Func: "FIRST_VALUE", Args: []int{1}, IgnoreNulls: true},
	{Func: "LAST_VALUE", Args: []int{3}, IgnoreNulls: true},
	{Func: "AVG", Args: []int{2}},
	{Func: "STDDEV", Args: []int{2}},
}

const overOut = " n:BIGINT s:BIGINT lo:BIGINT hi:STRING fi:BIGINT la:STRING av:DOUBLE sd:DOUBLE"

func overSpec(frame OverAgg, number bool) *Over {
	o := &Over{Partition: []int{0}, Schema: &vector.Schema{Fields: slices.Clone(overIn.Fields)}}
	for _, a := range overCalls {
		a.RangeMs, a.Rows, a.ByRows = frame.RangeMs, frame.Rows, frame.ByRows
		o.Aggs = append(o.Aggs, a)
	}
	o.Schema.Fields = append(o.Schema.Fields, fields(overOut).Fields...)
	if number {
		o.Aggs = append(o.Aggs, OverAgg{Func: "ROW_NUMBER", RangeMs: -1, Rows: -1})
		o.Schema.Fields = append(o.Schema.Fields, vector.Field{Name: "rn", Type: vector.TBigInt})
	}
	return o
}

// inFrame are the rows of the frame of row i of a partition in order.
func inFrame(part []event, i int, f OverAgg) []event {
	to := i + 1
	if !f.ByRows && f.Rows < 0 {
		for to < len(part) && part[to].time == part[i].time {
			to++
		}
	}
	from := 0
	switch {
	case f.Rows >= 0:
		from = max(0, i-int(f.Rows))
	case f.RangeMs >= 0:
		for part[from].time < part[i].time-f.RangeMs {
			from++
		}
	}
	return part[from:to]
}

func overValues(rows []event) []string {
	sum, ints := 0, []string{}
	var strs []string
	var nums []float64
	for _, r := range rows {
		if n, err := strconv.Atoi(r.values[1]); err == nil {
			sum += n
			ints = append(ints, r.values[1])
		}
		if x, err := strconv.ParseFloat(r.values[2], 64); err == nil {
			nums = append(nums, x)
		}
		if r.values[3] != "null" {
			strs = append(strs, r.values[3])
		}
	}
	out := []string{strconv.Itoa(len(rows)), "null", "null", "null", "null", "null"}
	if len(ints) > 0 {
		atoi := func(a, b string) int {
			x, _ := strconv.Atoi(a)
			y, _ := strconv.Atoi(b)
			return cmp.Compare(x, y)
		}
		out[1], out[2], out[4] = strconv.Itoa(sum), slices.MinFunc(ints, atoi), ints[0]
	}
	if len(strs) > 0 {
		out[3], out[5] = slices.Max(strs), strs[len(strs)-1]
	}
	mean, sd := exactSpread(nums)
	return append(out, mean, sd)
}

// exactSpread is mean and sample deviation in high precision.
func exactSpread(xs []float64) (mean, sd string) {
	if len(xs) == 0 {
		return "null", "null"
	}
	f := func(x float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(x) }
	n := f(float64(len(xs)))
	sum := f(0)
	for _, x := range xs {
		sum.Add(sum, f(x))
	}
	m := f(0).Quo(sum, n)
	text := func(x *big.Float) string {
		y, _ := x.Float64()
		return strconv.FormatFloat(y, 'g', -1, 64)
	}
	if len(xs) < 2 {
		return text(m), "null"
	}
	sq := f(0)
	for _, x := range xs {
		d := f(0).Sub(f(x), m)
		sq.Add(sq, d.Mul(d, d))
	}
	return text(m), text(f(0).Sqrt(sq.Quo(sq, f(float64(len(xs)-1)))))
}

// closeRows compares rows whose numbers may differ by 1e-9.
func closeRows(want, got []string) string {
	if len(want) != len(got) {
		return gocmp.Diff(want, got)
	}
	for i := range want {
		a, b := strings.Fields(want[i]), strings.Fields(got[i])
		if len(a) != len(b) {
			return gocmp.Diff(want, got)
		}
		for k := range a {
			x, err1 := strconv.ParseFloat(a[k], 64)
			y, err2 := strconv.ParseFloat(b[k], 64)
			if a[k] != b[k] && (err1 != nil || err2 != nil || math.Abs(x-y) > 1e-9*math.Max(1, math.Abs(x))) {
				return gocmp.Diff(want, got)
			}
		}
	}
	return ""
}

func drawOver(t *rapid.T) []event {
	var out []event
	now := int64(0)
	for range rapid.IntRange(0, 80).Draw(t, "events") {
		if rapid.IntRange(0, 9).Draw(t, "what") == 0 {
			now += int64(rapid.IntRange(0, 9).Draw(t, "step"))
			out = append(out, event{wm: true, time: now - 4})
			continue
		}
		out = append(out, event{time: now + int64(rapid.IntRange(-6, 6).Draw(t, "dt")), values: []string{
			rapid.SampledFrom([]string{"a", "b", "null"}).Draw(t, "k"),
			rapid.SampledFrom([]string{"1", "2", "-3", "7", "null"}).Draw(t, "v"),
			rapid.SampledFrom([]string{"0.1", "1e6", "-2.5", "3e-7", "null"}).Draw(t, "d"),
			rapid.SampledFrom([]string{"x", "yy", "z", "null"}).Draw(t, "s"),
		}})
	}
	return append(out, event{wm: true, time: vector.MaxTime})
}

func drawFrame(t *rapid.T) OverAgg {
	f := OverAgg{RangeMs: -1, Rows: -1}
	switch rapid.IntRange(0, 3).Draw(t, "frame") {
	case 0:
		f.RangeMs = int64(rapid.IntRange(0, 12).Draw(t, "range"))
	case 1:
		f.Rows = int64(rapid.IntRange(0, 5).Draw(t, "rows"))
	case 2:
		f.ByRows = true
	}
	return f
}

func TestOverAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events, frame := drawOver(rt), drawFrame(rt)
		var all []event
		wm, late := vector.NoTime, 0
		for _, e := range events {
			switch {
			case e.wm:
				wm = max(wm, e.time)
			case e.time < wm:
				late++
			default:
				all = append(all, e)
			}
		}
		slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.time, b.time) })
		parts := map[string][]event{}
		for _, e := range all {
			parts[e.values[0]] = append(parts[e.values[0]], e)
		}
		var want []string
		next := map[string]int{}
		for _, e := range all {
			k := e.values[0]
			row := append(slices.Clone(e.values), overValues(inFrame(parts[k], next[k], frame))...)
			next[k]++
			row = append(row, strconv.Itoa(next[k]))
			for i, s := range row {
				if i == 2 && s != "null" {
					x, _ := strconv.ParseFloat(s, 64)
					row[i] = strconv.FormatFloat(x, 'g', -1, 64)
				}
			}
			want = append(want, "+ @"+strconv.FormatInt(e.time, 10)+" "+strings.Join(row, " "))
		}
		var first []string
		for _, size := range []int{1, 7, 1024} {
			r := &recorder{}
			play(t, build(t, overIn, r, overSpec(frame, true)), []*vector.Schema{overIn}, events, size)
			if d := closeRows(want, r.rows); d != "" || r.late != late {
				rt.Fatalf("%+v batches of %d, %d late, want %d: -want +got\n%s", frame, size, r.late, late, d)
			}
			if first == nil {
				first = r.rows
			}
			if d := gocmp.Diff(first, r.rows); d != "" {
				rt.Fatalf("batches of 1 and of %d differ in bits:\n%s", size, d)
			}
		}
	})
}

func TestOverRestoreAnywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events, frame := drawOver(rt), drawFrame(rt)
		checkRestore(t, rt, overIn, events, overSpec(frame, rapid.Bool().Draw(rt, "number")))
	})
}

// TestOverDoubleRecovers: a value that dwarfs the others leaves no trace once it is out of the frame.
func TestOverDoubleRecovers(t *testing.T) {
	t.Parallel()
	var events []event
	for i := range 200 {
		v := "0.1"
		if i == 50 {
			v = "1e300"
		}
		events = append(events, event{time: int64(i), values: []string{"a", "1", v, "x"}})
	}
	events = append(events, event{wm: true, time: vector.MaxTime})
	r := &recorder{}
	play(t, build(t, overIn, r, overSpec(OverAgg{RangeMs: 9, Rows: -1}, false)), []*vector.Schema{overIn}, events, 64)
	last := strings.Fields(r.rows[len(r.rows)-1])
	if avg, _ := strconv.ParseFloat(last[12], 64); math.Abs(avg-0.1) > 1e-12 {
		t.Errorf("AVG of tens of 0.1 after 1e300 passed is %s", last[12])
	}
}
