package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/expr"
)

// remap returns e with other column numbers; pseudo columns stay. Every column has a place.
func remap(e expr.Expr, at func(int) int) expr.Expr {
	var visit func(e expr.Expr) expr.Expr
	all := func(list []expr.Expr) []expr.Expr { return mapExprs(list, visit) }
	visit = func(e expr.Expr) expr.Expr {
		switch n := e.(type) {
		case *expr.Column:
			if n.Index < 0 {
				return n
			}
			c := *n
			c.Index = at(n.Index)
			return &c
		case *expr.Call:
			c := *n
			c.Args = all(n.Args)
			return &c
		case *expr.Cast:
			c := *n
			c.X = visit(n.X)
			return &c
		case *expr.Try:
			c := *n
			c.X = visit(n.X)
			return &c
		case *expr.Case:
			c := *n
			c.When, c.Then = all(n.When), all(n.Then)
			if n.Else != nil {
				c.Else = visit(n.Else)
			}
			return &c
		case *expr.Lambda:
			c := *n
			c.Body = visit(n.Body)
			return &c
		default:
			return e
		}
	}
	return visit(e)
}

func mapExprs(list []expr.Expr, f func(expr.Expr) expr.Expr) []expr.Expr {
	out := slices.Clone(list)
	for i, x := range out {
		out[i] = f(x)
	}
	return out
}
