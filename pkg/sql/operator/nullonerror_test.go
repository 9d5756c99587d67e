package operator

import (
	"slices"
	"testing"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// notes counts what was noted and filtered.
type notes struct {
	recorder
	noted []uint32
}

func (n *notes) Noted(_ *vector.Batch, row uint32, _, _ string) { n.noted = append(n.noted, row) }

// quotient is 10 / column 0.
func quotient(t *testing.T) expr.Expr {
	t.Helper()
	x, err := expr.Ksql.Call("/", []expr.Expr{
		&expr.Literal{V: int64(10), T: vector.TInt}, &expr.Column{Index: 0, Name: "a", T: vector.TInt},
	}, sqlerr.Span{})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func oneColumn(name string, t vector.Type) *vector.Schema {
	return &vector.Schema{Fields: []vector.Field{{Name: name, Type: t}}}
}

func divisors() *vector.Batch {
	return &vector.Batch{
		Rows: 4, Schema: oneColumn("a", vector.TInt), Time: []int64{1, 2, 3, 4},
		Cols: []*vector.Vector{{Type: vector.TInt, Len: 4, I64: []int64{5, 0, 2, 0}}},
	}
}

// TestNullOnErrorProject keeps the rows that fail, as nulls with a note; without it they are failures.
func TestNullOnErrorProject(t *testing.T) {
	t.Parallel()
	for _, null := range []bool{true, false} {
		p, err := newProject(&Project{
			Exprs: []expr.Expr{quotient(t)}, Schema: oneColumn("q", vector.TInt), EventTime: -1, NullOnError: null,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := &notes{}
		p.Process(&Context{Report: r, Derived: r}, 0, divisors(), r.emit)
		want, noted, failed := []string{"+ @1 2", "+ @3 5"}, []uint32(nil), 2
		if null {
			want, noted, failed = []string{"+ @1 2", "+ @2 null", "+ @3 5", "+ @4 null"}, []uint32{1, 3}, 0
		}
		if !slices.Equal(r.rows, want) || !slices.Equal(r.noted, noted) || r.fail != failed {
			t.Errorf("NullOnError %v: rows %q, noted %v, failed %d", null, r.rows, r.noted, r.fail)
		}
	}
}

// TestNullOnErrorEventTime drops a row whose event time fails all the same.
func TestNullOnErrorEventTime(t *testing.T) {
	t.Parallel()
	q, err := expr.Ksql.Cast(quotient(t), vector.TBigInt, false, sqlerr.Span{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProject(&Project{
		Exprs: []expr.Expr{q}, Schema: oneColumn("q", vector.TBigInt), EventTime: 0, NullOnError: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &notes{}
	p.Process(&Context{Report: r, Derived: r}, 0, divisors(), r.emit)
	if want := []string{"+ @2 2", "+ @5 5"}; !slices.Equal(r.rows, want) || len(r.noted) != 2 || r.fail != 2 {
		t.Errorf("rows %q, noted %v, failed %d", r.rows, r.noted, r.fail)
	}
}

// TestNullOnErrorFilter drops the rows that fail, with a note.
func TestNullOnErrorFilter(t *testing.T) {
	t.Parallel()
	pred, err := expr.Ksql.Call(
		">",
		[]expr.Expr{quotient(t), &expr.Literal{V: int64(3), T: vector.TInt}},
		sqlerr.Span{},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]int{nil, {0}} {
		f, err := newFilter(&Filter{Pred: pred, Keys: keys, NullOnError: true}, oneColumn("a", vector.TInt))
		if err != nil {
			t.Fatal(err)
		}
		r := &notes{}
		f.Process(&Context{Report: r, Derived: r}, 0, divisors(), r.emit)
		if want := []string{"+ @3 2"}; !slices.Equal(r.rows, want) || !slices.Equal(r.noted, []uint32{1, 3}) ||
			r.filtered != 3 || r.fail != 0 {
			t.Errorf("keys %v: rows %q, noted %v, filtered %d, failed %d", keys, r.rows, r.noted, r.filtered, r.fail)
		}
	}
}
