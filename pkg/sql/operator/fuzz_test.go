package operator

import (
	"testing"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// fuzzChains are chains of every operator with state, over modelIn or, with a table, the join's inputs.
func fuzzChains(t testing.TB, r *recorder) []*Chain {
	keep := &Filter{Pred: &expr.Column{Index: 2, Name: "f", T: vector.TBoolean}, Keys: []int{0}, Schema: modelIn}
	over := &Over{Partition: []int{0}, Schema: &vector.Schema{Fields: append(append([]vector.Field{}, modelIn.Fields...),
		fields("a:DOUBLE b:BIGINT c:STRING d:BIGINT e:DOUBLE").Fields...)}}
	over.Aggs = []OverAgg{{Func: "AVG", Args: []int{1}, RangeMs: 5, Rows: -1}, {Func: "MAX", Args: []int{1}, RangeMs: -1, Rows: 3},
		{Func: "MIN", Args: []int{0}, RangeMs: 4, Rows: -1}, {Func: "SUM", Args: []int{1}, RangeMs: -1, Rows: -1},
		{Func: "STDDEV", Args: []int{1}, RangeMs: 7, Rows: -1}}
	specs := [][]Spec{
		{modelSpec(Window{}, EmitBatch)},
		{modelSpec(Window{Kind: Tumbling, SizeMs: 5}, EmitFinal)},
		{modelSpec(Window{Kind: Hopping, SizeMs: 5, AdvanceMs: 2}, EmitBatch), &Limit{N: 9}},
		{modelSpec(Window{Kind: Session, SizeMs: 3}, EmitBatch)},
		{over},
		{keep, &Materialize{Keys: []int{0}, Schema: modelIn}},
		{&Sort{Keys: []SortKey{{Col: 1, Desc: true}}, Limit: 3, Schema: modelIn}},
	}
	var out []*Chain
	for _, s := range specs {
		out = append(out, build(t, modelIn, r, s...))
	}
	j, err := BuildOn([]*vector.Schema{modelIn, joinTable}, []Spec{&LookupJoin{StreamKeys: []int{0}, TableKeys: []int{0},
		Schema: &vector.Schema{Fields: append(append([]vector.Field{}, modelIn.Fields...), joinTable.Fields...)}}}, r, r.emit)
	if err != nil {
		t.Fatal(err)
	}
	return append(out, j)
}

func fuzzEvents() []event {
	var out []event
	for i := range 40 {
		out = append(out, event{time: int64(i*7%23 + i/2), values: []string{
			[]string{"a", "b", "null"}[i%3], []string{"1", "-5", "null", "9"}[i%4], []string{"true", "false", "null"}[i*i%3]}})
		if i%9 == 8 {
			out = append(out, event{wm: true, time: int64(i / 2)})
		}
	}
	return append(out, event{flush: true})
}

// FuzzRestore: hostile bytes give an error or a state that works; they never make a chain panic.
func FuzzRestore(f *testing.F) {
	r := &recorder{}
	in := []*vector.Schema{modelIn, joinTable}
	for i, c := range fuzzChains(f, r) {
		if i == 7 {
			play(f, c, in, []event{{port: 1, values: []string{"a", "x", "1", "2.50"}}}, 7)
		}
		play(f, c, in, fuzzEvents(), 7)
		f.Add(byte(i), c.Snapshot(nil))
	}
	f.Fuzz(func(t *testing.T, which byte, snap []byte) {
		r := &recorder{}
		chains := fuzzChains(t, r)
		c := chains[int(which)%len(chains)]
		if c.Restore(snap) != nil {
			return
		}
		c.Scan(r.emit)
		play(t, c, in, fuzzEvents(), 7)
		c.Snapshot(nil)
		c.Advance(vector.MaxTime)
		c.Flush()
	})
}
