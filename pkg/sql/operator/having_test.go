package operator

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// compare is `column > n` for tests: an operator of the table of functions.
func compare(tb testing.TB, op string, col int, name string, n int64) expr.Expr {
	tb.Helper()
	f, ok := expr.Lookup(op)
	if !ok {
		tb.Fatalf("no function %q", op)
	}
	return &expr.Call{Func: f, T: vector.TBoolean, Args: []expr.Expr{
		&expr.Column{
			Index: col, Name: name,
			T: vector.TBigInt,
		},
		&expr.Literal{V: n, T: vector.TBigInt},
	}}
}

func havingSpec(tb testing.TB, w Window, emit Emission, n int64) (*Aggregate, *Filter) {
	tb.Helper()
	a := modelSpec(w, emit)
	col := 3
	if w.Kind == NoWindow {
		col = 1
	}
	return a, &Filter{Pred: compare(tb, ">", col, "n", n), Schema: a.Schema}
}

func TestHavingAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, events := drawWindow(rt), drawEvents(rt)
		emit := Emission(rapid.IntRange(0, 2).Draw(rt, "emit"))
		_, m := runModel(w, events)
		var want []string
		for _, g := range m.groups {
			if len(g.rows) > 1 {
				want = append(want, g.text(w.Kind != NoWindow))
			}
		}
		slices.Sort(want)
		key := 3
		if w.Kind == NoWindow {
			key = 1
		}
		for _, size := range []int{1, 1024} {
			r := &recorder{}
			a, f := havingSpec(t, w, emit, 1)
			play(t, build(t, modelIn, r, a, f), []*vector.Schema{modelIn}, events, size)
			if d := gocmp.Diff(want, applyChanges(rt, r.rows, key)); d != "" {
				rt.Fatalf("%+v emit %d batches of %d: -want +got\n%s\n%s", w, emit, size, d, strings.Join(r.rows, "\n"))
			}
			if r.filtered > 0 {
				rt.Fatalf("HAVING counted %d input rows as filtered", r.filtered)
			}
		}
		a, f := havingSpec(t, w, emit, 1)
		checkRestore(t, rt, modelIn, events, a, f)
	})
}

// TestTableFilter: a WHERE over a changelog that is not an aggregate's.
func TestTableFilter(t *testing.T) {
	t.Parallel()
	s := fields("k:STRING v:BIGINT")
	change := func(op vector.Op, v string) event { return event{op: op, values: strings.Fields(v)} }
	r := &recorder{}
	c := build(t, s, r, &Filter{Pred: compare(t, ">", 1, "v", 5), Keys: []int{0}, Schema: s},
		&Materialize{Keys: []int{0}, Schema: s})
	play(t, c, []*vector.Schema{s}, []event{
		change(vector.Insert, "a 1"), change(vector.Insert, "b 9"),
		change(vector.UpdateAfter, "a 7"), change(vector.UpdateAfter, "b 3"), change(vector.Delete, "a 7"),
		change(vector.Delete, "b 3"), change(vector.UpdateAfter, "c 8"), change(vector.UpdateAfter, "c 9"),
	}, 3)
	want := []string{"+ @0 b 9", "+ @0 a 7", "x @0 b 3", "x @0 a 7", "+ @0 c 8", "^ @0 c 9"}
	if d := gocmp.Diff(want, r.rows); d != "" {
		t.Error(d)
	}
	if r.filtered != 2 {
		t.Errorf("%d filtered, want 2", r.filtered)
	}
	var scan recorder
	if !c.Scan(scan.emit) || !slices.Equal(scan.rows, []string{"+ @0 c 9"}) {
		t.Errorf("scan gives %v", scan.rows)
	}
}
