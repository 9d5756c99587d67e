package operator

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestProcessingTime: windows follow the append time of messages, also of one without rows.
func TestProcessingTime(t *testing.T) {
	t.Parallel()
	in := fields("v:INT")
	r := &recorder{}
	w := Window{Kind: Tumbling, SizeMs: 10, ProcessingTime: true}
	c := build(t, in, r, benchSpec(in, nil, w, EmitFinal, Agg{Func: "SUM", Args: []int{0}, Filter: -1}))
	step := func(at int64, vals ...int64) {
		b := vector.NewBatch(in, len(vals))
		for _, v := range vals {
			appendWord(b.Cols[0], uint64(v))
			b.Time = append(b.Time, 5000)
			b.Rows++
		}
		b.AppendTime = at
		c.Process(0, b)
		c.Flush()
	}
	step(3, 1, 2)
	step(12, 4)
	step(21)
	if d := gocmp.Diff([]string{"+ @5000 0 10 3", "+ @5000 10 20 4"}, r.rows); d != "" {
		t.Error(d)
	}
}

// TestCounts: every input row ends in one count, and what happens behind the first stateful operator is not one.
func TestCounts(t *testing.T) {
	t.Parallel()
	in := fields("k:STRING v:BIGINT")
	r := &recorder{}
	a := benchSpec(in, []int{0}, Window{Kind: Tumbling, SizeMs: 10}, EmitFinal, Agg{
		Func: "SUM", Args: []int{1},
		Filter: -1,
	})
	a.DropNull = true
	c := build(t, in, r, &Filter{Pred: compare(t, ">", 1, "v", 0), Schema: in}, a,
		&Filter{Pred: compare(t, ">", 3, "sum", 5), Schema: a.Schema},
		&Filter{Pred: compare(t, "<", 3, "sum", 100), Schema: a.Schema})
	row := func(ts int64, k, v string) event { return event{time: ts, values: []string{k, v}} }
	play(t, c, []*vector.Schema{in}, []event{
		row(1, "a", "3"), row(2, "a", "-1"), row(3, "null", "4"), row(4, "b", "6"),
		row(5, "c", "200"), row(6, "d", "null"),
		{wm: true, time: 10},
		row(7, "a", "9"),
		{
			wm:   true,
			time: vector.MaxTime,
		},
	}, 7)
	if r.filtered != 2 || r.skipped != 1 || r.late != 1 || r.fail != 0 {
		t.Errorf("filtered %d, skipped %d, late %d, failed %d; want 2, 1, 1, 0", r.filtered, r.skipped, r.late, r.fail)
	}
	if d := gocmp.Diff([]string{"+ @4 b 0 10 6"}, r.rows); d != "" {
		t.Error(d)
	}
}

// TestFailedRows: a row that fails is reported as the row of the chain's input, once, and leaves alone.
func TestFailedRows(t *testing.T) {
	t.Parallel()
	in := fields("a:BIGINT b:BIGINT")
	div, ok := expr.Lookup("/")
	if !ok {
		t.Fatal("no division")
	}
	col := func(i int) expr.Expr { return &expr.Column{Index: i, Name: in.Fields[i].Name, T: vector.TBigInt} }
	q := &expr.Call{Func: div, Args: []expr.Expr{col(0), col(1)}, T: vector.TBigInt}
	r := &recorder{}
	out := fields("q:BIGINT p:BIGINT")
	c := build(t, in, r, &Filter{Pred: compare(t, ">", 0, "a", 1), Schema: in},
		&Project{Exprs: []expr.Expr{q, q}, Schema: out, EventTime: -1}, &Materialize{Keys: []int{0}, Schema: out})
	play(t, c, []*vector.Schema{in}, []event{
		{values: []string{"1", "0"}},
		{values: []string{"4", "2"}},
		{values: []string{"5", "0"}},
		{values: []string{"9", "3"}},
	}, 9)
	if d := gocmp.Diff([]string{"+ @0 2 2", "+ @0 3 3"}, r.rows); d != "" {
		t.Error(d)
	}
	if r.filtered != 1 || len(r.failures) != 1 || r.failures[0][:4] != "5 0:" {
		t.Errorf("filtered %d, failures %q", r.filtered, r.failures)
	}
	var scan recorder
	if !c.Scan(scan.emit) || !slices.Equal(scan.rows, r.rows) {
		t.Errorf("scan gives %v", scan.rows)
	}
}
