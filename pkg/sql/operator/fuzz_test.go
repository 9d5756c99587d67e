package operator

import (
	"slices"
	"testing"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// fuzzSpecs are chains of every operator with state, over modelIn; the last is a join.
func fuzzSpecs() [][]Spec {
	keep := &Filter{Pred: &expr.Column{Index: 2, Name: "f", T: vector.TBoolean}, Keys: []int{0}, Schema: modelIn}
	over := &Over{Partition: []int{0}, Schema: &vector.Schema{Fields: append(append([]vector.Field{},
		modelIn.Fields...),
		fields("a:DOUBLE b:BIGINT c:STRING d:BIGINT e:DOUBLE").Fields...)}}
	over.Aggs = []OverAgg{
		{Func: "AVG", Args: []int{1}, RangeMs: 5, Rows: -1},
		{
			Func: "MAX", Args: []int{1},
			RangeMs: -1, Rows: 3,
		},
		{Func: "MIN", Args: []int{0}, RangeMs: 4, Rows: -1},
		{Func: "SUM", Args: []int{1}, RangeMs: -1, Rows: -1},
		{Func: "STDDEV", Args: []int{1}, RangeMs: 7, Rows: -1},
	}
	return [][]Spec{
		{modelSpec(Window{}, EmitBatch)},
		{modelSpec(Window{Kind: Tumbling, SizeMs: 5}, EmitFinal)},
		{modelSpec(Window{Kind: Hopping, SizeMs: 5, AdvanceMs: 2}, EmitBatch), &Limit{N: 9}},
		{modelSpec(Window{Kind: Session, SizeMs: 3}, EmitBatch)},
		{over},
		{keep, &Materialize{Keys: []int{0}, Schema: modelIn}},
		{&Sort{Keys: []SortKey{{Col: 1, Desc: true}}, Limit: 3, Schema: modelIn}},
		{&Retract{Keys: []int{0}, Schema: modelIn}},
		{&Settle{Keys: []int{0}, Schema: modelIn}},
		{&Dedup{Keys: []int{0}, TTLMs: 9, Schema: modelIn}},
		{&TopN{
			Partition: []int{0}, Order: []SortKey{{Col: 1}}, N: 2, Key: []int{0, 1}, WindowEnd: -1, Schema: modelIn,
		}},
		{&TopN{
			Partition: []int{1}, Order: []SortKey{{Col: 0}}, N: 2, Retracts: true,
			WindowEnd: 1, Final: true, Schema: modelIn,
		}},
		{&TableOver{
			Partition: []int{0}, Order: []SortKey{{Col: 1}}, Retracts: true, WindowEnd: -1,
			Schema: &vector.Schema{Fields: slices.Concat(modelIn.Fields, fields("a:DOUBLE").Fields)},
			Aggs:   []TableOverAgg{{Func: "AVG", Args: []int{1}, Filter: 2, Rows: true, From: FrameBound{Offset: -2}}},
		}},
		{fuzzFunctions()},
		{&LookupJoin{
			StreamKeys: []int{0}, TableKeys: []int{0},
			Schema: &vector.Schema{Fields: slices.Concat(modelIn.Fields, joinTable.Fields)},
		}},
	}
}

// fuzzFunctions are the aggregates with a state, over modelIn, with retraction.
func fuzzFunctions() *Aggregate {
	s := &Aggregate{Keys: []int{2}, Retracts: true, Schema: fields("f:BOOLEAN")}
	for _, a := range []Agg{
		{Func: "SUM", Args: []int{1}, Distinct: true},
		{Func: "MEDIAN", Args: []int{1}},
		{Func: "MAX", Args: []int{0}},
		{Func: "COLLECT_SET", Args: []int{0}},
		{Func: "ARG_MIN", Args: []int{0, 1}},
		{Func: "STRING_AGG", Args: []int{0}},
		{Func: "HISTOGRAM", Args: []int{0}},
		{Func: "CORR", Args: []int{1, 1}},
		{Func: "LATEST", Args: []int{1}},
		{Func: "APPROX_COUNT_DISTINCT", Args: []int{0}},
		{Func: "TOPK", Args: []int{0, 1}},
		{Func: "APPROX_PERCENTILE", Args: []int{1, 1}},
	} {
		t, err := ResolveAggIn(expr.Leat, a.Func, typesOf(modelIn, a.Args))
		if err != nil {
			panic(err)
		}
		a.Filter = -1
		s.Aggs = append(s.Aggs, a)
		s.Schema.Fields = append(s.Schema.Fields, vector.Field{Name: a.Func, Type: t})
	}
	return s
}

var fuzzInputs = []*vector.Schema{modelIn, joinTable}

func fuzzChain(tb testing.TB, which int, r *recorder) *Chain {
	tb.Helper()
	specs := fuzzSpecs()
	c, err := BuildOn(fuzzInputs, specs[which%len(specs)], r, r.emit)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func fuzzEvents() []event {
	var out []event
	for i := range 40 {
		out = append(out, event{time: int64(i*7%23 + i/2), values: []string{
			[]string{"a", "b", "null"}[i%3], []string{"1", "-5", "null", "9"}[i%4], []string{
				"true", "false",
				"null",
			}[i*i%3],
		}})
		if i%9 == 8 {
			out = append(out, event{wm: true, time: int64(i / 2)})
		}
	}
	return append(out, event{flush: true})
}

// FuzzRestore: hostile bytes give an error or a state that works; they never make a chain panic.
func FuzzRestore(f *testing.F) {
	for i := range fuzzSpecs() {
		c := fuzzChain(f, i, &recorder{})
		if c.join >= 0 {
			play(f, c, fuzzInputs, []event{{port: 1, values: []string{"a", "x", "1", "2.50"}}}, 7)
		}
		play(f, c, fuzzInputs, fuzzEvents(), 7)
		f.Add(byte(i), c.Snapshot(nil))
	}
	f.Fuzz(func(t *testing.T, which byte, snap []byte) {
		r := &recorder{}
		c := fuzzChain(t, int(which), r)
		if c.Restore(snap) != nil {
			return
		}
		c.Scan(r.emit)
		play(t, c, fuzzInputs, fuzzEvents(), 7)
		c.Snapshot(nil)
		c.Advance(vector.MaxTime)
		c.Flush()
	})
}
