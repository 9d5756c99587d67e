package expr

import (
	"testing"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

func i64col(t vector.Type, vals ...int64) *vector.Vector {
	v := vector.NewVector(t, len(vals))
	v.I64 = append(v.I64, vals...)
	vector.SetLen(v, len(vals))
	return v
}

func TestSmoke(t *testing.T) {
	x := &Column{Index: 0, Name: "x", T: vector.TBigInt}
	one := &Literal{V: int64(1), T: vector.TInt}
	zero := &Literal{V: int64(0), T: vector.TInt}
	ne, err := NewCall("<>", []Expr{x, zero}, sqlerr.Span{})
	if err != nil {
		t.Fatal(err)
	}
	div, err := NewCall("/", []Expr{one, x}, sqlerr.Span{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCase([]Expr{ne}, []Expr{div}, nil, sqlerr.Span{})
	if err != nil {
		t.Fatal(err)
	}
	b := &vector.Batch{Rows: 3, Cols: []*vector.Vector{i64col(vector.TBigInt, 0, 1, 2)}}
	for _, e := range []Expr{c, div, ne} {
		p, err := Compile(e)
		if err != nil {
			t.Fatal(err)
		}
		ctx := &Context{}
		v := p.Eval(ctx, b)
		t.Log(e, v.Value(0), v.Value(1), v.Value(2), ctx.Errors)
	}
	p, _ := Compile(ne)
	t.Log(p.Filter(&Context{}, b, nil))
}
