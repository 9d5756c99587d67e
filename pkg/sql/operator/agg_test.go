package operator

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

func TestResolveAgg(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, args, want string }{
		{"COUNT", "", "BIGINT"},
		{"count", "STRING", "BIGINT"},
		{"SUM", "INT", "BIGINT"},
		{"SUM", "BIGINT", "BIGINT"},
		{"SUM", "DECIMAL(10,2)", "DECIMAL(38, 2)"},
		{"SUM", "DOUBLE", "DOUBLE"},
		{"AVG", "INT", "DOUBLE"},
		{"AVG", "DECIMAL(10,2)", "DECIMAL(38, 16)"},
		{"AVG", "DECIMAL(38,20)", "DECIMAL(38, 20)"},
		{
			"MIN", "STRING",
			"STRING",
		},
		{"STDDEV", "INT", "DOUBLE"},
		{"VARIANCE", "DECIMAL(5,1)", "DOUBLE"},
		{"LATEST_BY_OFFSET", "BOOLEAN", "BOOLEAN"},
		{"SUM", "STRING", "SUM of STRING is not defined"},
		{
			"SUM", "",
			"SUM is called as SUM(x) | SUM(DISTINCT x), not with 0 arguments",
		},
		{"NOPE", "", "no aggregate NOPE"},
	}
	for _, c := range cases {
		var args []vector.Type
		for a := range strings.FieldsSeq(c.args) {
			args = append(args, parseType(a))
		}
		got, err := ResolveAggIn(expr.Leat, c.name, args)
		text := got.String()
		if err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%s(%s): %s, want %s", c.name, c.args, text, c.want)
		}
	}
	names := map[string]bool{}
	for _, a := range Aggregates() {
		for _, n := range append([]string{a.Name}, a.Aliases...) {
			if names[n] || !IsAggregate(strings.ToLower(n)) || n != strings.ToUpper(n) {
				t.Errorf("aggregate %s", n)
			}
			names[n] = true
		}
		if a.Doc == "" || a.Usage == "" || a.Result == "" {
			t.Errorf("%s is not documented", a.Name)
		}
	}
}

// TestSpread: mean and deviation are within 1e-9 of the exact ones, also far from zero, merged over panes, and after
// rows were taken out; batch borders change no bit.
func TestSpread(t *testing.T) {
	t.Parallel()
	in := fields("d:DOUBLE")
	rapid.Check(t, func(rt *rapid.T) {
		base := rapid.SampledFrom([]float64{0, 1, 1e6, -1e5}).Draw(rt, "base")
		xs := rapid.SliceOfN(rapid.Float64Range(-100, 100), 1, 60).Draw(rt, "xs")
		var events []event
		for i := range xs {
			xs[i] += base
			events = append(events, event{time: int64(i % 12), values: []string{strconv.FormatFloat(xs[i], 'g', -1,
				64)}})
		}
		mean, sd := exactSpread(xs)
		want := []string{"+ @" + strconv.Itoa(min(11, len(xs)-1)) + " 0 12 " + mean + " " + sd}
		events = append(events, event{wm: true, time: vector.MaxTime})
		w := Window{Kind: Cumulate, SizeMs: 12, AdvanceMs: 4}
		var bits []string
		for _, size := range []int{1, 7, 1024} {
			r := &recorder{}
			play(t, build(t, in, r, benchSpec(in, nil, w, EmitFinal, Agg{Func: "AVG", Args: []int{0}, Filter: -1},
				Agg{Func: "STDDEV", Args: []int{0}, Filter: -1})), []*vector.Schema{in}, events, size)
			got := r.rows[len(r.rows)-1:]
			if d := closeRows(want, got); d != "" {
				rt.Fatal(d)
			}
			if bits != nil && !slices.Equal(bits, r.rows) {
				rt.Fatalf("batches of %d: %v, of 1: %v", size, r.rows, bits)
			}
			bits = r.rows
		}
	})
}

// TestRetract: taking rows out gives what the rows that are left give.
func TestRetract(t *testing.T) {
	t.Parallel()
	in := fields("k:STRING v:BIGINT d:DOUBLE p:DECIMAL(30,2)")
	rapid.Check(t, func(rt *rapid.T) {
		aggs := []Agg{
			{Func: "COUNT"},
			{Func: "SUM", Args: []int{1}},
			{Func: "AVG", Args: []int{2}},
			{
				Func: "SUM",
				Args: []int{3},
			},
			{Func: "AVG", Args: []int{3}},
			{Func: "VAR_POP", Args: []int{2}},
		}
		for i := range aggs {
			aggs[i].Filter = -1
		}
		var live, all []event
		for range rapid.IntRange(1, 40).Draw(rt, "n") {
			if len(live) > 0 && rapid.IntRange(0, 2).Draw(rt, "out") == 0 {
				i := rapid.IntRange(0, len(live)-1).Draw(rt, "which")
				e := live[i]
				e.op = rapid.SampledFrom([]vector.Op{vector.UpdateBefore, vector.Delete}).Draw(rt, "op")
				all, live = append(all, e), slices.Delete(live, i, i+1)
				continue
			}
			e := event{values: []string{
				rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "k"),
				rapid.SampledFrom([]string{"1", "-5", "null"}).Draw(rt, "v"), rapid.SampledFrom([]string{
					"1.5",
					"2.25", "-8", "null",
				}).Draw(rt, "d"),
				rapid.SampledFrom([]string{"123456789012345678901.50", "-0.01", "null"}).Draw(rt, "p"),
			}}
			all, live = append(all, e), append(live, e)
		}
		end := event{wm: true, time: vector.MaxTime}
		run := func(events []event) []string {
			r := &recorder{}
			spec := benchSpec(in, []int{0}, Window{}, EmitFinal, aggs...)
			spec.Retracts, spec.KeepEmpty = true, true
			play(t, build(t, in, r, spec), []*vector.Schema{in}, append(events, end), 7)
			slices.Sort(r.rows)
			return r.rows
		}
		got, want := run(all), run(live)
		// An emptied group stays; the rows that are left know nothing of it.
		got = slices.DeleteFunc(got, func(s string) bool { return strings.Fields(s)[3] == "0" })
		if d := closeRows(want, got); d != "" {
			rt.Fatal(d)
		}
	})
}

// TestAllocs: the allocations of a batch do not grow with its rows.
func TestAllocs(t *testing.T) {
	in, batches := benchBatches(2, 500, 1000)
	small := vector.Slice(batches[0], 0, 64)
	for name, spec := range map[string]Spec{
		"int":    benchSpec(in, []int{0}, Window{}, EmitFinal, four(2)...),
		"string": benchSpec(in, []int{1}, Window{}, EmitFinal, four(3)...),
		"two":    benchSpec(in, []int{0, 1}, Window{}, EmitFinal, four(4)...),
		"window": benchSpec(in, []int{1}, Window{Kind: Hopping, SizeMs: 10, AdvanceMs: 5, GraceMs: math.MaxInt32},
			EmitFinal, four(2)...),
	} {
		c, err := BuildOn([]*vector.Schema{in}, []Spec{spec}, nothing{}, nothing{}.emit)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range batches {
			c.Process(0, b)
		}
		few := testing.AllocsPerRun(20, func() { c.Process(0, small) })
		many := testing.AllocsPerRun(20, func() { c.Process(0, batches[0]) })
		if many > few+1 {
			t.Errorf("%s: %v allocations for 64 rows, %v for %d", name, few, many, benchRows)
		}
	}
}
