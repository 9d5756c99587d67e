package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
)

// crossTerms are the equalities of WHERE on their way to the cross joins of FROM: FROM a, b WHERE a.k = b.k compares
// keys, as a JOIN with ON does.
type crossTerms struct {
	waiting []ast.Expr
	used    []ast.Expr
}

// crossTermsOf takes the equalities out of WHERE where every join of FROM is inner, so that it does not matter when
// they are tested.
func crossTermsOf(q *ast.Query) *crossTerms {
	t := &crossTerms{}
	if q.Where == nil || !innerOnly(q.From) {
		return t
	}
	for _, c := range conjuncts(q.Where) {
		if bin, ok := c.(*ast.Binary); ok && bin.Op == "=" && findSubquery(c) == nil {
			t.waiting = append(t.waiting, c)
		}
	}
	return t
}

func innerOnly(r ast.Relation) bool {
	j, ok := r.(*ast.Join)
	return !ok || (j.Kind == ast.Inner || j.Kind == ast.Cross) && !j.AsOf && innerOnly(j.L) && innerOnly(j.R)
}

// rest is WHERE without the terms that a join has taken; nil where none is left.
func (t *crossTerms) rest(where ast.Expr) ast.Expr {
	if len(t.used) == 0 {
		return where
	}
	left := slices.DeleteFunc(conjuncts(where), func(c ast.Expr) bool { return slices.Contains(t.used, c) })
	if len(left) == 0 {
		return nil
	}
	return allOf(left)
}

// takeCrossTerms gives a cross join the equalities of WHERE between its sides.
func (g *joining) takeCrossTerms() {
	t := g.b.cross
	if g.j.Kind != ast.Cross || t == nil {
		return
	}
	both := joinScope(g.l, g.r)
	for _, c := range t.waiting {
		eq, err := g.b.splitEquality(c, g.l, g.r, both)
		if err == nil && eq != nil && !slices.Contains(t.used, c) {
			g.eqs, t.used = append(g.eqs, *eq), append(t.used, c)
		}
	}
	if len(g.eqs) > 0 {
		j := *g.j
		j.Kind, j.On = ast.Inner, g.eqs[0].term
		g.j = &j
	}
}
