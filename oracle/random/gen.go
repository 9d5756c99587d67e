package random

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// gen makes queries. Its columns are those of the relations in scope.
type gen struct {
	r    *rand.Rand
	rels map[string]Relation
}

// NewQuery makes a query over relations, of a family; the name says which.
func NewQuery(r *rand.Rand, data []Relation) (string, *Query) {
	g := &gen{r: r, rels: map[string]Relation{}}
	for _, d := range data {
		g.rels[d.Name] = d
	}
	fam := families[r.IntN(len(families))]
	return fam.name, fam.make(g)
}

// columns are the columns of a relation under an alias.
func (g *gen) columns(name, alias string) []*Expr {
	var out []*Expr
	for _, c := range g.rels[name].Columns {
		out = append(out, column(c.Kind, alias+"."+c.Name))
	}
	return out
}

// results are the columns of a query under an alias.
func results(q *Query, alias string) []*Expr {
	var out []*Expr
	for i, e := range q.Items {
		out = append(out, column(e.Kind, fmt.Sprintf("%s.c%d", alias, i)))
	}
	return out
}

func (g *gen) oneIn(n int) bool { return g.r.IntN(n) == 0 }

func pick[T any](g *gen, list []T) T { return list[g.r.IntN(len(list))] }

// leaf is a column of a kind, or a literal.
func (g *gen) leaf(k Kind, scope []*Expr) *Expr {
	var fit []*Expr
	for _, c := range scope {
		if c.Kind == k {
			fit = append(fit, c)
		}
	}
	if len(fit) > 0 && !g.oneIn(5) {
		return pick(g, fit).clone()
	}
	if g.oneIn(8) {
		return null(k)
	}
	return g.literal(k)
}

func (g *gen) literal(k Kind) *Expr {
	switch k {
	case Int:
		return column(k, fmt.Sprint(g.r.IntN(9)))
	case Double:
		return column(k, fmt.Sprintf("%d.25e0", g.r.IntN(9)))
	case Decimal:
		return column(k, fmt.Sprintf("%d.%02d", g.r.IntN(12), g.r.IntN(100)))
	case Text:
		return column(k, "'"+pick(g, texts)+"'")
	case Bool:
		return column(k, pick(g, []string{"TRUE", "FALSE"}))
	case Date:
		return column(k, fmt.Sprintf("DATE '20%02d-0%d-%02d'", 19+g.r.IntN(3), 1+g.r.IntN(9), 1+g.r.IntN(28)))
	default:
		return column(k, fmt.Sprintf("TIMESTAMP '2020-1%d-%02dT%02d:30:00'", g.r.IntN(3), 1+g.r.IntN(28), g.r.IntN(24)))
	}
}

// expr is an expression of a kind, at most depth operators deep.
func (g *gen) expr(k Kind, depth int, scope []*Expr) *Expr {
	if depth == 0 || g.oneIn(4) {
		return g.leaf(k, scope)
	}
	return g.apply(k, pick(g, functions[k]), func(k Kind) *Expr { return g.expr(k, depth-1, scope) })
}

func (g *gen) apply(k Kind, fn function, operand func(Kind) *Expr) *Expr {
	var kids []*Expr
	for _, a := range fn.args {
		kids = append(kids, operand(a))
	}
	duck := fn.duck
	if duck == "" {
		duck = fn.leat
	}
	return calls(k, fn.leat, duck, kids...)
}

func (g *gen) kind() Kind { return Kind(g.r.IntN(int(kinds))) }

// items are n expressions of any kind.
func (g *gen) items(n, depth int, scope []*Expr) []*Expr {
	var out []*Expr
	for range n {
		out = append(out, g.expr(g.kind(), depth, scope))
	}
	return out
}

// cond is a condition, or nil.
func (g *gen) cond(scope []*Expr) *Expr {
	if g.oneIn(2) {
		return nil
	}
	return g.expr(Bool, 2, scope)
}

// agg is an aggregate of a kind.
func (g *gen) agg(k Kind, scope []*Expr) *Expr {
	var e *Expr
	if k == Double && g.oneIn(4) {
		e = call(Double, pick(g, squares)+"($1)", g.leaf(pick(g, []Kind{Int, Double}), short(scope)))
	} else {
		e = g.apply(k, pick(g, aggregates[k]), func(k Kind) *Expr { return g.expr(k, 1, scope) })
	}
	e.Whole = true
	if g.oneIn(4) {
		e.Kids = append(e.Kids, g.expr(Bool, 1, scope))
		where := fmt.Sprintf(" FILTER (WHERE $%d)", len(e.Kids))
		for d, t := range e.Text {
			if t == "CAST(AVG($1) AS DOUBLE)" {
				return e
			}
			e.Text[d] = t + where
		}
	}
	return e
}

// short leaves out columns with large numbers.
func short(scope []*Expr) []*Expr {
	var out []*Expr
	for _, c := range scope {
		if t := c.Text[Leat]; len(t) < 3 || t[len(t)-3:] != ".ts" {
			out = append(out, c)
		}
	}
	return out
}

// groupKeys are up to n expressions that group well.
func (g *gen) groupKeys(n int, scope []*Expr) []*Expr {
	var out []*Expr
	for range n {
		k := pick(g, []Kind{Int, Int, Text, Bool, Date})
		e := g.leafColumn(k, scope)
		if g.oneIn(3) {
			e = g.expr(k, 2, scope)
		}
		if len(e.Kids) == 0 && !strings.Contains(e.Text[Leat], ".") { // a number would be an ordinal
			e = g.leafColumn(k, scope)
		}
		out = append(out, e)
	}
	return out
}

// leafColumn is a column of a kind, of another kind where there is none.
func (g *gen) leafColumn(k Kind, scope []*Expr) *Expr {
	for range 20 {
		if c := pick(g, scope); c.Kind == k {
			return c.clone()
		}
	}
	return pick(g, scope).clone()
}

// source is a stream or a table, or a query over one.
func (g *gen) source(alias string) (*Source, []*Expr) {
	name := pick(g, []string{"a", "a", "b", "u", "r"})
	if g.oneIn(4) {
		sub := g.plain(name, "i")
		return &Source{Sub: sub, Alias: alias}, results(sub, alias)
	}
	return &Source{Name: name, Alias: alias}, g.columns(name, alias)
}

// plain is a projection of a relation with a condition.
func (g *gen) plain(name, alias string) *Query {
	scope := g.columns(name, alias)
	return &Query{
		From: &Source{Name: name, Alias: alias}, Items: g.items(2+g.r.IntN(3), 2, scope), Where: g.cond(scope),
	}
}
