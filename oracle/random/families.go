package random

import (
	"fmt"
)

// family is a shape of queries.
type family struct {
	name string
	make func(g *gen) *Query
}

var families = []family{
	{"project", (*gen).project},
	{"project", (*gen).project},
	{"group", (*gen).group},
	{"group", (*gen).group},
	{"sets", (*gen).sets},
	{"window", (*gen).window},
	{"window", (*gen).window},
	{"within", (*gen).within},
	{"unbounded", (*gen).unbounded},
	{"streamtable", (*gen).streamTable},
	{"tabletable", (*gen).tableTable},
	{"foreign", (*gen).foreign},
	{"asof", (*gen).asof},
	{"subquery", (*gen).subquery},
	{"subquery", (*gen).subquery},
	{"union", (*gen).union},
	{"cte", (*gen).cte},
	{"distinct", (*gen).distinct},
	{"over", (*gen).over},
	{"over", (*gen).over},
	{"topn", (*gen).topN},
	{"limit", (*gen).limit},
	{"twice", (*gen).twice},
	{"joingroups", (*gen).joinGroups},
	{"nway", (*gen).nWay},
}

func (g *gen) project() *Query {
	src, scope := g.source("a")
	return &Query{From: src, Items: g.items(1+g.r.IntN(4), 3, scope), Where: g.cond(scope)}
}

// grouped fills the groups and items of q.
func (g *gen) grouped(q *Query, scope []*Expr) *Query {
	q.Grouped, q.Final = true, true
	q.Items = append(q.Items, cloneAll(q.Group)...)
	for range 1 + g.r.IntN(3) {
		k := g.kind()
		e := g.agg(k, scope)
		if k == Int && g.oneIn(4) {
			e = call(Int, "($1 + $2)", e, g.agg(Int, scope))
		}
		q.Items = append(q.Items, e)
	}
	if g.oneIn(3) {
		q.Having = pick(g, []*Expr{
			call(Bool, "(COUNT(*) > 1)"), call(Bool, "($1 IS NOT NULL)", g.agg(Int, scope)),
			call(Bool, "($1 < 9)", g.agg(Int, scope)),
		})
	}
	return q
}

func (g *gen) group() *Query {
	src, scope := g.source("a")
	return g.grouped(&Query{From: src, Where: g.cond(scope), Group: g.groupKeys(g.r.IntN(3), scope)}, scope)
}

func (g *gen) sets() *Query {
	src, scope := g.source("a")
	q := &Query{From: src, Where: g.cond(scope), Sets: pick(g, []string{"ROLLUP", "CUBE", "GROUPING SETS"})}
	seen := map[string]bool{}
	for _, k := range g.groupKeys(1+g.r.IntN(3), scope) {
		if len(k.Kids) == 0 && !seen[k.Text[0]] {
			q.Group, seen[k.Text[0]] = append(q.Group, k), true
		}
	}
	if len(q.Group) == 0 {
		q.Group = []*Expr{g.leafColumn(Int, scope)}
	}
	g.grouped(q, scope)
	q.Final = false // a key that is null and one that is left out look alike
	return q
}

func (g *gen) window() *Query {
	name := pick(g, []string{"a", "b"})
	scope := g.columns(name, "a")
	q := &Query{From: &Source{Name: name, Alias: "a"}, Where: g.cond(scope), Group: g.groupKeys(g.r.IntN(3), scope)}
	q.Window = &Window{Kind: pick(g, []string{"TUMBLING", "HOPPING", "SESSION", "CUMULATE"}), TVF: g.oneIn(3)}
	q.Window.Step = pick(g, []int{100, 1000, 5000})
	q.Window.Size = q.Window.Step * (1 + g.r.IntN(4))
	if q.Window.Kind == "SESSION" {
		q.Window.TVF = false
	}
	if q.Window.Kind == "TUMBLING" || q.Window.Kind == "SESSION" {
		q.Window.Step = 0
	}
	q.Items = []*Expr{
		calls(Int, "window_start", "a.window_start"), calls(Int, "window_end", "a.window_end"),
	}
	return g.grouped(q, scope)
}

// on is the condition of a join.
func on(e *Expr) *Expr {
	e.Whole = true
	return e
}

func (g *gen) within() *Query {
	before, after := g.r.IntN(4000), g.r.IntN(4000)
	q := &Query{From: &Source{Name: "a", Alias: "a", NotNull: "k"}, Joins: []*Join{{
		Kind: pick(g, []string{"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"}), Source: &Source{Name: "b", Alias: "b", NotNull: "k"},
		On: on(call(Bool, "a.k = b.k")), Within: fmt.Sprintf("(%d MILLISECONDS, %d MILLISECONDS)", before, after),
		Near: fmt.Sprintf("b.ts - a.ts BETWEEN -%d AND %d", before, after),
	}}}
	return g.joined(q, append(g.columns("a", "a"), g.columns("b", "b")...))
}

// joined fills the items of a join.
func (g *gen) joined(q *Query, scope []*Expr) *Query {
	q.Where = g.cond(scope)
	if g.oneIn(4) {
		q.Group = g.groupKeys(g.r.IntN(3), scope)
		return g.grouped(q, scope)
	}
	q.Items = g.items(1+g.r.IntN(3), 1, scope)
	for range 2 {
		q.Items = append(q.Items, pick(g, scope).clone())
	}
	return q
}

func (g *gen) unbounded() *Query {
	cond := pick(g, []string{"a.k = b.k", "a.k = b.w", "a.k = b.k AND a.v > b.w", "a.s = b.s", "a.k + 1 = b.k * 2", "a.k = b.k AND a.s = b.s"})
	q := &Query{From: &Source{Name: "a", Alias: "a"}, Joins: []*Join{{
		Kind:   pick(g, []string{"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"}),
		Source: &Source{Name: "b", Alias: "b"}, On: on(call(Bool, cond)),
	}}}
	return g.joined(q, append(g.columns("a", "a"), g.columns("b", "b")...))
}

func (g *gen) streamTable() *Query {
	cond := pick(g, []string{"a.k = u.pk", "a.v = u.pk", "a.k = u.pk AND u.ref > a.v", "a.v = u.ref", "a.k + 1 = u.pk", "a.s = u.name"})
	q := &Query{From: &Source{Name: "a", Alias: "a"}, Joins: []*Join{{
		Kind: pick(g, []string{"JOIN", "LEFT JOIN"}), Source: &Source{Name: "u", Alias: "u"}, On: on(call(Bool, cond)),
	}}}
	return g.joined(q, append(g.columns("a", "a"), g.columns("u", "u")...))
}

func (g *gen) tableTable() *Query {
	cond := pick(g, []string{"u.pk = r.pk", "u.pk = r.pk AND u.ref > r.z"})
	kind := pick(g, []string{"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"})
	q := &Query{From: &Source{Name: "u", Alias: "u"}, Joins: []*Join{{
		Kind: kind, Source: &Source{Name: "r", Alias: "r"}, On: on(call(Bool, cond)),
	}}}
	return g.joined(q, append(g.columns("u", "u"), g.columns("r", "r")...))
}

func (g *gen) foreign() *Query {
	cond := pick(g, []string{"u.ref = r.pk", "u.ref = r.z", "u.name = r.s", "u.ref = r.pk AND r.z > 1", "u.ref + 1 = r.pk"})
	q := &Query{From: &Source{Name: "u", Alias: "u"}, Joins: []*Join{{
		Kind: pick(g, []string{"JOIN", "LEFT JOIN"}), Source: &Source{Name: "r", Alias: "r"}, On: on(call(Bool, cond)),
	}}}
	return g.joined(q, append(g.columns("u", "u"), g.columns("r", "r")...))
}

func (g *gen) asof() *Query {
	q := &Query{From: &Source{Name: "a", Alias: "a"}, Joins: []*Join{{
		Kind: pick(g, []string{"ASOF JOIN", "ASOF LEFT JOIN"}), Source: &Source{Name: "b", Alias: "b", Latest: "k, ts"},
		On: on(call(Bool, pick(g, []string{"a.k = b.k AND a.ts >= b.ts", "a.k = b.k AND a.ts > b.ts"}))),
	}}}
	return g.joined(q, append(g.columns("a", "a"), g.columns("b", "b")...))
}

func (g *gen) nWay() *Query {
	q := &Query{From: &Source{Name: "a", Alias: "a"}, Joins: []*Join{
		{Kind: pick(g, []string{"JOIN", "LEFT JOIN"}), Source: &Source{Name: "u", Alias: "u"}, On: on(call(Bool, "a.k = u.pk"))},
		{
			Kind: pick(g, []string{"JOIN", "LEFT JOIN"}), Source: &Source{Name: "r", Alias: "r"},
			On: on(call(Bool, pick(g, []string{"u.ref = r.pk", "a.v = r.pk", "r.pk = u.pk"}))),
		},
	}}
	scope := append(g.columns("a", "a"), g.columns("u", "u")...)
	if g.oneIn(2) {
		q.Joins[0] = &Join{Kind: "JOIN", Source: &Source{Name: "b", Alias: "b"}, On: on(call(Bool, "a.k = b.k"))}
		q.Joins[1].On = on(call(Bool, pick(g, []string{"b.w = r.pk", "a.v = r.pk"})))
		scope = append(g.columns("a", "a"), g.columns("b", "b")...)
	}
	return g.joined(q, append(scope, g.columns("r", "r")...))
}

func (g *gen) subquery() *Query {
	scope := g.columns("a", "a")
	q := &Query{From: &Source{Name: "a", Alias: "a"}, Items: append(g.items(2, 1, scope), pick(g, scope).clone())}
	from := pick(g, []string{"u", "r", "b"})
	inner := g.columns(from, "i")
	sub := &Query{From: &Source{Name: from, Alias: "i"}, Items: []*Expr{g.leafColumn(Int, inner)}, Where: g.cond(inner)}
	key := map[string]string{"u": "i.pk", "r": "i.pk", "b": "i.k"}[from]
	correlate := func() {
		c := call(Bool, "("+key+" = a."+pick(g, []string{"k", "v"})+")")
		c.Whole = true
		if sub.Where != nil {
			c = &Expr{Kind: Bool, Text: [2]string{"($1 AND $2)", "($1 AND $2)"}, Kids: []*Expr{c, sub.Where}, Whole: true}
		}
		sub.Where = c
	}
	with := func(text string, k Kind, kids ...*Expr) *Expr {
		return &Expr{Kind: k, Text: [2]string{text, text}, Sub: sub, Kids: kids, Whole: true}
	}
	switch g.r.IntN(7) {
	case 0:
		q.Where = with("($1 IN ($q))", Bool, g.leafColumn(Int, scope))
	case 1:
		q.Where = with("($1 NOT IN ($q))", Bool, g.leafColumn(Int, scope))
	case 2:
		correlate()
		q.Where = with("EXISTS ($q)", Bool)
	case 3:
		correlate()
		q.Where = with("NOT EXISTS ($q)", Bool)
	case 4:
		sub.Items, sub.Grouped = []*Expr{g.agg(Int, inner)}, true
		q.Where = with("($1 "+pick(g, []string{"<", ">=", "="})+" ($q))", Bool, g.expr(Int, 1, scope))
	case 5:
		correlate()
		sub.Items, sub.Grouped = []*Expr{g.agg(Int, inner)}, true
		q.Items = append(q.Items, with("($q)", Int))
	default:
		correlate()
		q.Where = with("($1 "+pick(g, []string{"IN", "NOT IN"})+" ($q))", Bool, g.leafColumn(Int, scope))
	}
	if q.Where != nil && g.oneIn(3) {
		q.Where = call(Bool, pick(g, []string{"($1 AND $2)", "($1 OR $2)", "(NOT $1 AND $2)"}), q.Where, g.expr(Bool, 1, scope))
	}
	return q
}

func (g *gen) union() *Query {
	q := g.project()
	q.From = &Source{Name: "a", Alias: "a"}
	scope := g.columns("a", "a")
	q.Items, q.Where = g.items(2, 2, scope), g.cond(scope)
	other := pick(g, []string{"a", "b"})
	scope = g.columns(other, "b")
	q.Union = &Query{From: &Source{Name: other, Alias: "b"}, Where: g.cond(scope)}
	for _, e := range q.Items {
		q.Union.Items = append(q.Union.Items, g.expr(e.Kind, 2, scope))
	}
	if g.oneIn(2) {
		return q
	}
	outer := &Query{From: &Source{Sub: q, Alias: "o"}}
	scope = results(q, "o")
	outer.Group = g.groupKeys(1, scope)
	return g.grouped(outer, scope)
}

func (g *gen) cte() *Query {
	w := g.plain(pick(g, []string{"a", "b"}), "i")
	w.Items = append(w.Items, g.leafColumn(Int, g.columns(w.From.Name, "i")))
	last := len(w.Items) - 1
	q := &Query{With: w, From: &Source{Name: "w", Alias: "p"}}
	scope := results(w, "p")
	if g.oneIn(2) {
		q.Joins = []*Join{{
			Kind: pick(g, []string{"JOIN", "LEFT JOIN"}), Source: &Source{Name: "w", Alias: "o"},
			On: on(call(Bool, fmt.Sprintf("p.c%d = o.c%d", last, last))),
		}}
		scope = append(scope, results(w, "o")...)
	}
	return g.joined(q, scope)
}

func (g *gen) distinct() *Query {
	src, scope := g.source("a")
	q := &Query{Distinct: true, From: src, Where: g.cond(scope)}
	for range 1 + g.r.IntN(3) {
		q.Items = append(q.Items, g.groupKeys(1, scope)...)
	}
	q.Final = src.Sub == nil && g.rels[src.Name].Table
	return q
}

func (g *gen) limit() *Query {
	name := pick(g, []string{"a", "b", "u", "r"})
	scope := g.columns(name, "a")
	q := &Query{From: &Source{Name: name, Alias: "a"}, Items: g.items(2, 2, scope), Where: g.cond(scope), Limit: 1 + g.r.IntN(10)}
	first := g.leafColumn(pick(g, []Kind{Int, Text, Double, Decimal}), scope)
	unique := map[bool]string{true: "a.pk", false: "a.id"}[g.rels[name].Table]
	q.Order = fmt.Sprintf("%s %s NULLS %s, %s", first.Text[0], pick(g, []string{"ASC", "DESC"}), pick(g, []string{"FIRST", "LAST"}), unique)
	return q
}

func (g *gen) twice() *Query {
	src, scope := g.source("a")
	in := g.grouped(&Query{From: src, Where: g.cond(scope), Group: g.groupKeys(1+g.r.IntN(2), scope)}, scope)
	in.Final = false
	scope = results(in, "o")
	q := &Query{From: &Source{Sub: in, Alias: "o"}, Where: g.cond(scope), Group: g.groupKeys(g.r.IntN(2), scope)}
	return g.grouped(q, scope)
}

func (g *gen) joinGroups() *Query {
	side := func(name, alias, key string) (*Source, []*Expr) {
		scope := g.columns(name, "i")
		in := g.grouped(&Query{From: &Source{Name: name, Alias: "i"}, Where: g.cond(scope), Group: []*Expr{column(Int, "i."+key)}}, scope)
		return &Source{Sub: in, Alias: alias}, results(in, alias)
	}
	left, scope := side("a", "p", "k")
	right, more := side("b", "q", "k")
	q := &Query{From: left, Joins: []*Join{{
		Kind: pick(g, []string{"JOIN", "LEFT JOIN", "FULL JOIN"}), Source: right, On: on(call(Bool, "p.c0 = q.c0")),
	}}}
	g.joined(q, append(scope, more...))
	q.Final = q.Final && q.Joins[0].Kind != "FULL JOIN" // a null key on both sides is one key of a table
	return q
}
