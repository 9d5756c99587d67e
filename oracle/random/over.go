package random

import (
	"fmt"
	"strings"
)

// frames are frames of rows and of ranges; the order is by time and, where rows count, by id.
var frames = []string{
	"", "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
	"ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING", "ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING",
	"RANGE BETWEEN 2000 PRECEDING AND CURRENT ROW", "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
	"RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
}

func (g *gen) over() *Query {
	name := pick(g, []string{"a", "a", "b", "u"})
	scope := g.columns(name, "a")
	q := &Query{From: &Source{Name: name, Alias: "a"}, Where: g.cond(scope), Items: []*Expr{scope[0].clone()}}
	for range 1 + g.r.IntN(3) {
		q.Items = append(q.Items, g.overItem(name, scope, len(q.Items) == 1))
	}
	return q
}

// overItem is a window function. The first one of a query takes rows of one time in the order of the log, which is that
// of id; what the others see depends on it.
func (g *gen) overItem(name string, scope []*Expr, first bool) *Expr {
	by := ""
	if !g.oneIn(3) {
		by = "PARTITION BY " + g.leafColumn(pick(g, []Kind{Int, Text, Bool}), scope).Text[0] + " "
	}
	order := [2]string{"a.ts", "a.ts, a.id"}
	if g.rels[name].Table {
		order = [2]string{"a.pk", "a.pk"}
	} else if g.oneIn(2) {
		c := g.leafColumn(pick(g, []Kind{Int, Double, Text, Decimal}), scope).Text[0] + pick(g, []string{" DESC NULLS LAST", " NULLS FIRST"})
		order = [2]string{c + ", a.id", c + ", a.id"}
	}
	frame := pick(g, frames)
	if strings.HasPrefix(frame, "RANGE BETWEEN 2000") && (order[0] != "a.ts" || g.rels[name].Table) {
		frame = ""
	}
	over := func(order [2]string, frame string) (out [2]string) {
		for d := range out {
			out[d] = fmt.Sprintf(" OVER (%sORDER BY %s %s)", by, order[d], frame)
		}
		return out
	}
	rows, ties := order, order
	if ties[0] == "a.ts" {
		ties[Duck] = "a.ts"
		if !first {
			rows[Leat] = "a.ts, a.id"
		}
	}
	ranked, frames := over(rows, ""), over(rows, frame)
	if frame == "" || strings.HasPrefix(frame, "RANGE") {
		frames = over(ties, frame)
	}
	k := pick(g, []Kind{Int, Int, Double, Decimal, Text})
	arg := g.leafColumn(k, scope)
	k = arg.Kind
	e := func(k Kind, text string, over [2]string, kids ...*Expr) *Expr {
		return &Expr{Kind: k, Text: [2]string{text + over[Leat], text + over[Duck]}, Kids: kids, Whole: true}
	}
	switch g.r.IntN(9) {
	case 0:
		return e(Int, "ROW_NUMBER()", ranked)
	case 1:
		return e(k, fmt.Sprintf("LAG($1, %d)", 1+g.r.IntN(2)), ranked, arg)
	case 2:
		return e(k, "LEAD($1)", ranked, arg)
	case 3:
		return e(Int, pick(g, []string{"RANK()", "DENSE_RANK()"}), over(ties, ""))
	case 4, 5:
		if !strings.HasPrefix(frame, "ROWS") { // which one of equal times is the last is nobody's business
			frames = over(rows, "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW")
		}
		value := pick(g, []string{"FIRST_VALUE", "LAST_VALUE"})
		return e(k, value+pick(g, []string{"($1)", "($1)", "($1 IGNORE NULLS)"}), frames, arg)
	case 6:
		return e(Int, "COUNT(*)", frames)
	default:
		kind := pick(g, []Kind{Int, Int, Double, Decimal, Text})
		fn := pick(g, aggregates[kind])
		for strings.Contains(fn.leat, "CAST") || strings.Contains(fn.leat, "DISTINCT") {
			fn = pick(g, aggregates[kind])
		}
		a := g.apply(kind, fn, func(k Kind) *Expr { return g.leaf(k, scope) })
		return e(kind, a.Text[0], frames, a.Kids...)
	}
}

func (g *gen) topN() *Query {
	name := pick(g, []string{"a", "a", "b"})
	scope := g.columns(name, "a")
	fn := pick(g, []string{"ROW_NUMBER()", "RANK()", "DENSE_RANK()"})
	order := g.leafColumn(pick(g, []Kind{Int, Double, Text, Decimal}), scope).Text[0] + pick(g, []string{" DESC NULLS LAST", " NULLS FIRST", " DESC NULLS FIRST"})
	if fn == "ROW_NUMBER()" {
		order += ", a.id"
	}
	by := ""
	if !g.oneIn(4) {
		by = "PARTITION BY " + g.leafColumn(pick(g, []Kind{Int, Text, Bool}), scope).Text[0] + " "
	}
	in := &Query{From: &Source{Name: name, Alias: "a"}, Where: g.cond(scope), Items: []*Expr{
		column(Int, "a.id"), pick(g, scope).clone(), pick(g, scope).clone(), column(Int, fmt.Sprintf("%s OVER (%sORDER BY %s)", fn, by, order)),
	}}
	in.Items[3].Whole = true
	q := &Query{From: &Source{Sub: in, Alias: "o"}}
	limit := call(Bool, fmt.Sprintf("(o.c3 %s)", pick(g, []string{"<= 1", "= 1", "<= 3", "< 5"})))
	limit.Whole = true
	q.Where = limit
	scope = results(in, "o")
	if g.oneIn(3) {
		q.Group = g.groupKeys(1, scope)
		return g.grouped(q, scope)
	}
	q.Items = scope[:3]
	if g.oneIn(2) {
		q.Items = scope
	}
	return q
}
