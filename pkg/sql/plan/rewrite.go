package plan

import "github.com/leatsql/leat/pkg/sql/ast"

// rewriteExpr returns e with other expressions in place of those for which with gives one. Subqueries stay as they are,
// but for the expression in front of IN.
func rewriteExpr(e ast.Expr, with func(ast.Expr) ast.Expr) ast.Expr {
	if e == nil {
		return nil
	}
	if x := with(e); x != nil {
		return x
	}
	sub := func(x ast.Expr) ast.Expr { return rewriteExpr(x, with) }
	all := func(list []ast.Expr) []ast.Expr {
		out := make([]ast.Expr, len(list))
		for i, x := range list {
			out[i] = sub(x)
		}
		return out
	}
	switch n := e.(type) {
	case *ast.In:
		c := *n
		c.X, c.List = sub(n.X), all(n.List)
		return &c
	case *ast.Case:
		c := *n
		c.When, c.Then = all(n.When), all(n.Then)
		c.Of, c.Else = optional(n.Of, sub), optional(n.Else, sub)
		return &c
	case *ast.Call:
		c := *n
		c.Args = all(n.Args)
		return &c
	default:
		return rewriteParts(e, sub)
	}
}

// rewriteParts rewrites the parts of an expression that has a fixed number of them.
func rewriteParts(e ast.Expr, sub func(ast.Expr) ast.Expr) ast.Expr {
	switch n := e.(type) {
	case *ast.Unary:
		c := *n
		c.X = sub(n.X)
		return &c
	case *ast.Binary:
		c := *n
		c.L, c.R = sub(n.L), sub(n.R)
		return &c
	case *ast.IsNull:
		c := *n
		c.X = sub(n.X)
		return &c
	case *ast.Between:
		c := *n
		c.X, c.Lo, c.Hi = sub(n.X), sub(n.Lo), sub(n.Hi)
		return &c
	case *ast.Like:
		c := *n
		c.X, c.Pattern = sub(n.X), sub(n.Pattern)
		return &c
	case *ast.Cast:
		c := *n
		c.X = sub(n.X)
		return &c
	case *ast.Field:
		c := *n
		c.X = sub(n.X)
		return &c
	case *ast.Index:
		c := *n
		c.X, c.I = sub(n.X), sub(n.I)
		return &c
	default:
		return e
	}
}

func optional(e ast.Expr, sub func(ast.Expr) ast.Expr) ast.Expr {
	if e == nil {
		return nil
	}
	return sub(e)
}
