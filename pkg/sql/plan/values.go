package plan

import (
	"fmt"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// constants is a leaf of constant rows.
func constants(rows [][]expr.Expr, s *vector.Schema) *Node {
	return &Node{Values: rows, Props: Props{
		Schema: s, Partitions: 1, EventTime: -1, WindowStart: -1, WindowEnd: -1,
	}}
}

// maxValues bounds the rows of VALUES.
const maxValues = 10_000

// bindValues binds VALUES (...), (...) as a query: columns column1, column2, ...
func (b *Binder) bindValues(q *ast.Query) (*Node, error) {
	if b.Mode == Persistent {
		return nil, unsupported(q.At, "VALUES in a query that keeps running").
			WithHint("INSERT INTO stream VALUES (...)")
	}
	if len(q.Values) > maxValues {
		return nil, sqlerr.New(sqlerr.TooLarge, q.At, "%d rows in VALUES; the limit is %d", len(q.Values), maxValues)
	}
	width := len(q.Values[0])
	rows := make([][]expr.Expr, len(q.Values))
	eb := b.binder(&scope{node: constants(nil, &vector.Schema{})})
	types := make([]vector.Type, width)
	for i, row := range q.Values {
		if len(row) != width {
			return nil, sqlerr.New(sqlerr.BadStatement, rowSpan(row, q.At), "%d values here, %d in the first row",
				len(row), width)
		}
		bound, err := eb.bindAll(row)
		if err != nil {
			return nil, err
		}
		rows[i] = bound
		for c, x := range bound {
			if types[c], err = expr.CommonType(types[c], x.Type()); err != nil {
				return nil, sqlerr.New(sqlerr.TypeMismatch, row[c].Span(), "column %d of VALUES: %s", c+1, err)
			}
		}
	}
	s := &vector.Schema{Fields: make([]vector.Field, width)}
	for c, t := range types {
		if t.Kind == vector.Null {
			return nil, sqlerr.New(sqlerr.TypeMismatch, q.Values[0][c].Span(), "column %d of VALUES is NULL "+
				"without a type", c+1).WithHint("CAST(NULL AS STRING)")
		}
		s.Fields[c] = vector.Field{Name: fmt.Sprintf("column%d", c+1), Type: t}
	}
	for _, row := range rows {
		for c := range row {
			x, err := b.Profile.Cast(row[c], s.Fields[c].Type, false, row[c].Span())
			if err != nil {
				return nil, err
			}
			if row[c], err = folded(x); err != nil {
				return nil, err
			}
		}
	}
	n := constants(rows, s)
	exprs, names := identity(n)
	out := project(n, exprs, names)
	if !b.inner {
		b.selected = width
	}
	return b.bindOrderLimit(q, &scope{node: n}, out)
}

// folded evaluates a constant expression.
func folded(x expr.Expr) (expr.Expr, error) {
	p, err := expr.Compile(x)
	if err != nil {
		return nil, err
	}
	ctx := &expr.Context{}
	v := p.Eval(ctx, &vector.Batch{Schema: &vector.Schema{}, Rows: 1, Time: []int64{0}})
	if len(ctx.Errors) > 0 {
		return nil, sqlerr.New(sqlerr.TypeMismatch, x.Span(), "%s", ctx.Errors[0].Msg)
	}
	return &constant{Expr: x, v: vector.CloneVector(v)}, nil
}

// constant is a constant expression with its value.
type constant struct {
	expr.Expr
	v *vector.Vector
}

// Constants returns the rows of a stage that reads nothing.
func (s *Stage) Constants() *vector.Batch {
	b := &vector.Batch{
		Schema: s.constants, Rows: len(s.Values), Time: make([]int64, len(s.Values)), Watermark: vector.MaxTime,
	}
	for c, f := range s.constants.Fields {
		v := vector.NewVector(f.Type, 0)
		for _, row := range s.Values {
			if k, ok := row[c].(*constant); ok {
				vector.Append(v, k.v, nil)
			}
		}
		b.Cols = append(b.Cols, v)
	}
	return b
}
