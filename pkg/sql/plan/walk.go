package plan

import "github.com/leatsql/leat/pkg/sql/ast"

// walk visits e and, while visit says so, everything below it. Subqueries are not entered.
func walk(e ast.Expr, visit func(ast.Expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	for _, c := range children(e) {
		walk(c, visit)
	}
}

func children(e ast.Expr) []ast.Expr {
	switch n := e.(type) {
	case *ast.Unary:
		return []ast.Expr{n.X}
	case *ast.Binary:
		return []ast.Expr{n.L, n.R}
	case *ast.IsNull:
		return []ast.Expr{n.X}
	case *ast.Between:
		return []ast.Expr{n.X, n.Lo, n.Hi}
	case *ast.In:
		return append([]ast.Expr{n.X}, n.List...)
	case *ast.Like:
		return []ast.Expr{n.X, n.Pattern}
	case *ast.Case:
		out := append([]ast.Expr{}, n.When...)
		out = append(out, n.Then...)
		return nonNil(append(out, n.Of, n.Else))
	case *ast.Cast:
		return []ast.Expr{n.X}
	case *ast.Call:
		return nonNil(append(append([]ast.Expr{}, n.Args...), callTail(n)...))
	case *ast.Field:
		return []ast.Expr{n.X}
	case *ast.Index:
		return []ast.Expr{n.X, n.I}
	case *ast.ArrayLit:
		return n.Items
	case *ast.MapLit:
		return append(append([]ast.Expr{}, n.Keys...), n.Values...)
	case *ast.StructLit:
		return n.Values
	case *ast.Lambda:
		return []ast.Expr{n.Body}
	case *ast.AtTimeZone:
		return []ast.Expr{n.X, n.Zone}
	default:
		return nil
	}
}

// callTail lists the expressions behind the arguments of a call.
func callTail(n *ast.Call) []ast.Expr {
	out := []ast.Expr{n.Filter}
	for _, o := range n.OrderBy {
		out = append(out, o.Expr)
	}
	if n.Over != nil {
		out = append(out, n.Over.Partition...)
		for _, o := range n.Over.OrderBy {
			out = append(out, o.Expr)
		}
	}
	return out
}

func nonNil(list []ast.Expr) []ast.Expr {
	out := list[:0]
	for _, e := range list {
		if e != nil {
			out = append(out, e)
		}
	}
	return out
}
