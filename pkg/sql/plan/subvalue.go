package plan

import (
	"fmt"
	"maps"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// bindItemSubqueries makes columns of the subqueries in a select list.
func (b *Binder) bindItemSubqueries(q *ast.Query, sc *scope) (*scope, error) {
	for _, it := range q.Items {
		if it.Expr == nil || findSubquery(it.Expr) == nil {
			continue
		}
		var err error
		if sc, err = b.bindSubqueryValues(withMeta(sc), it.Expr); err != nil {
			return nil, err
		}
	}
	return sc, nil
}

// bindSubqueryValues makes columns of the subqueries in an expression: each is grouped by what it has to equal in the
// query around it, and joined to its rows.
func (b *Binder) bindSubqueryValues(sc *scope, e ast.Expr) (*scope, error) {
	var err error
	walk(e, func(x ast.Expr) bool {
		if err != nil {
			return false
		}
		switch n := x.(type) {
		case *ast.Subquery:
			sc, err = b.subqueryAsValue(sc, n, n)
			return false
		case *ast.In:
			if n.Query != nil {
				sc, err = b.inAsValue(sc, n)
				return false
			}
		case *ast.Binary:
			if s, ok := n.R.(*ast.Subquery); ok && s.Quantifier != "" {
				sc, err = b.quantifiedAsValue(sc, n, s)
				return false
			}
		}
		return true
	})
	return sc, err
}

func (s *scope) withValue(e ast.Expr, x expr.Expr) *scope {
	out := *s
	out.subqueries = maps.Clone(s.subqueries)
	if out.subqueries == nil {
		out.subqueries = map[ast.Expr]expr.Expr{}
	}
	out.subqueries[e] = x
	return &out
}

// call builds a call in the tree of the statement.
func call(name string, at ast.Span, args ...ast.Expr) ast.Expr {
	return &ast.Call{E: ast.E{At: at}, Name: ast.Ident{Name: name, At: at}, Args: args}
}

func star(at ast.Span) ast.Expr { return &ast.Star{E: ast.E{At: at}} }

// subqueryAsValue binds EXISTS, or a scalar subquery.
func (b *Binder) subqueryAsValue(sc *scope, s *ast.Subquery, e ast.Expr) (*scope, error) {
	switch {
	case s.Quantifier != "":
		return nil, unsupported(s.At, s.Quantifier+" without a comparison in front")
	case s.Exists:
		out, cols, err := b.joinGrouped(sc, existential(s.Query), []ast.Expr{call("COUNT", s.At, star(s.At))}, nil)
		if err != nil {
			return nil, err
		}
		op := ">"
		if s.Not {
			op = "="
		}
		x, err := compose(op, s.At, orZero(cols[0], s.At), zero(s.At))
		return out.withValue(e, x), err
	default:
		return b.scalar(sc, s)
	}
}

// scalar binds a subquery that is one value: of one row, or null without any.
func (b *Binder) scalar(sc *scope, s *ast.Subquery) (*scope, error) {
	q := s.Query
	if len(q.Items) != 1 || q.Items[0].Star {
		return nil, oneColumn(q)
	}
	item := q.Items[0].Expr
	if q.Values == nil && q.Union == nil && len(q.GroupBy) == 0 && q.Window == nil && containsAggregateCall(item) {
		out, cols, err := b.joinGrouped(sc, q, []ast.Expr{item}, nil)
		if err != nil {
			return nil, err
		}
		if c, ok := item.(*ast.Call); ok && isCount(c) {
			return out.withValue(s, orZero(cols[0], s.At)), nil
		}
		return out.withValue(s, cols[0]), nil
	}
	if q.Limit == 1 && len(q.OrderBy) > 0 {
		return nil, unsupported(q.LimitAt, "ORDER BY with LIMIT in a scalar subquery").
			WithHint("ARG_MAX(value, sort key) or ARG_MIN(value, sort key) takes the same row")
	}
	limited := q.Limit == 1 && q.Offset == 0
	if limited {
		plain := *q
		plain.Limit = -1
		q = &plain
	}
	q, item = grouped(q, item)
	out, cols, err := b.joinGrouped(sc, q, []ast.Expr{call("MAX", s.At, item), call("COUNT", s.At, star(s.At))}, nil)
	if err != nil {
		return nil, err
	}
	if limited {
		return out.withValue(s, cols[0]), nil
	}
	x, err := single1(cols[0], orZero(cols[1], s.At), s.At)
	return out.withValue(s, x), err
}

func isCount(c *ast.Call) bool {
	return c.Over == nil && strings.EqualFold(c.Name.Name, "COUNT")
}

// grouped is a query whose rows an aggregate can read: itself when it is plain, else as a relation.
func grouped(q *ast.Query, item ast.Expr) (*ast.Query, ast.Expr) {
	if isPlain(q) {
		return q, item
	}
	at := q.At
	inner := *q
	name := ast.Ident{Name: "$value", Quoted: true, At: at}
	if q.Values == nil {
		inner.Items = []ast.SelectItem{{Expr: q.Items[0].Expr, Alias: &name, At: at}}
	} else {
		name.Name = "column1"
	}
	inner.With = nil
	return &ast.Query{
		At: at, Limit: -1, With: q.With, From: &ast.SubqueryRef{Query: &inner, At: at},
		Items: []ast.SelectItem{{Expr: &ast.Name{E: ast.E{At: at}, Parts: []ast.Ident{name}}, At: at}},
	}, &ast.Name{E: ast.E{At: at}, Parts: []ast.Ident{name}}
}

// singleRow fails a record whose scalar subquery has more than one row.
var singleRow = expr.External("SINGLE_ROW", []vector.Type{vector.TBigInt}, vector.TBoolean,
	func(args []any) (any, error) {
		if n, ok := args[0].(int64); ok && n > 1 {
			return nil, fmt.Errorf("the scalar subquery has %d rows, it may have one", n)
		}
		return true, nil
	})

// single1 is value where there is one row at most; with more it fails for the record.
func single1(value, rows expr.Expr, at ast.Span) (expr.Expr, error) {
	ok, err := expr.Leat.Apply(singleRow, []expr.Expr{orZero(rows, at)}, at)
	if err != nil {
		return nil, err
	}
	return &expr.Case{When: []expr.Expr{ok}, Then: []expr.Expr{value}, T: value.Type(), At: at}, nil
}

func zero(at ast.Span) expr.Expr { return &expr.Literal{V: int64(0), T: vector.TBigInt, At: at} }

func compose(op string, at ast.Span, args ...expr.Expr) (expr.Expr, error) {
	return expr.NewCall(op, args, at)
}

// orZero is a count, 0 where there is no group.
func orZero(x expr.Expr, at ast.Span) expr.Expr {
	out, err := compose("COALESCE", at, x, zero(at))
	if err != nil {
		return x
	}
	return out
}

// inAsValue binds x IN (query) as TRUE, FALSE or NULL.
func (b *Binder) inAsValue(sc *scope, n *ast.In) (*scope, error) {
	if len(n.Query.Items) != 1 && n.Query.Values == nil || len(n.Query.Items) == 1 && n.Query.Items[0].Star {
		return nil, oneColumn(n.Query)
	}
	q := *n.Query
	q.Distinct = false
	var item ast.Expr
	if q.Values == nil {
		item = q.Items[0].Expr
	}
	plainQ, y := grouped(&q, item)
	count := call("COUNT", n.At, star(n.At))
	out, found, err := b.joinGrouped(sc, plainQ, []ast.Expr{count}, &corrKey{inner: y, outer: n.X, term: n})
	if err != nil {
		return nil, err
	}
	out, all, err := b.joinGrouped(out, plainQ, []ast.Expr{count, call("COUNT", n.At, y)}, nil)
	if err != nil {
		return nil, err
	}
	x, err := b.binder(out).bind(n.X)
	if err != nil {
		return nil, err
	}
	v := verdict{at: n.At, total: orZero(all[0], n.At), known: orZero(all[1], n.At), x: x}
	hit, err := compose(">", n.At, orZero(found[0], n.At), zero(n.At))
	if err != nil {
		return nil, err
	}
	value, err := v.any(hit, n.Not)
	return out.withValue(n, value), err
}

// verdict is the three-valued result of a comparison with the rows of a subquery.
type verdict struct {
	at           ast.Span
	total, known expr.Expr // rows, and those that are not null
	x            expr.Expr
}

// any is FALSE without rows, NULL for a null on the left, TRUE on a hit, NULL beside a null row, else FALSE; negated
// where not.
func (v verdict) any(hit expr.Expr, not bool) (expr.Expr, error) {
	truth := func(b bool) expr.Expr { return &expr.Literal{V: b != not, T: vector.TBoolean, At: v.at} }
	null := &expr.Literal{T: vector.TBoolean, At: v.at}
	empty, err := compose("=", v.at, v.total, zero(v.at))
	if err != nil {
		return nil, err
	}
	isNull, err := compose("IS NULL", v.at, v.x)
	if err != nil {
		return nil, err
	}
	some, err := compose(">", v.at, v.total, v.known)
	if err != nil {
		return nil, err
	}
	return &expr.Case{
		When: []expr.Expr{empty, isNull, hit, some}, Then: []expr.Expr{truth(false), null, truth(true), null},
		Else: truth(false), T: vector.TBoolean, At: v.at,
	}, nil
}

// opposite is the comparison that is true where the other one is false.
var opposite = map[string]string{
	"=": "<>", "<>": "=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<",
}

// quantifiedAsValue binds x op ANY (query) and x op ALL (query): ALL is NOT (x opposite ANY).
func (b *Binder) quantifiedAsValue(sc *scope, n *ast.Binary, s *ast.Subquery) (*scope, error) {
	op, not := n.Op, s.Quantifier == "ALL"
	other, ok := opposite[op]
	if !ok {
		return nil, sqlerr.New(sqlerr.BadStatement, n.At, "%s before %s is no comparison", op, s.Quantifier)
	}
	if not {
		op = other
	}
	if op == "=" {
		in := &ast.In{E: n.E, X: n.L, Query: s.Query, Not: not}
		out, err := b.inAsValue(sc, in)
		if err != nil {
			return nil, err
		}
		return out.withValue(n, out.subqueries[in]), nil
	}
	if len(s.Query.Items) != 1 || s.Query.Items[0].Star {
		return nil, oneColumn(s.Query)
	}
	q, y := grouped(s.Query, s.Query.Items[0].Expr)
	out, c, err := b.joinGrouped(sc, q, []ast.Expr{
		call("COUNT", n.At, star(n.At)), call("COUNT", n.At, y), call("MIN", n.At, y), call("MAX", n.At, y),
	}, nil)
	if err != nil {
		return nil, err
	}
	x, err := b.binder(out).bind(n.L)
	if err != nil {
		return nil, err
	}
	hit, err := anyHit(op, n.At, x, c[2], c[3])
	if err != nil {
		return nil, err
	}
	v := verdict{at: n.At, total: orZero(c[0], n.At), known: orZero(c[1], n.At), x: x}
	value, err := v.any(hit, not)
	return out.withValue(n, value), err
}

// anyHit compares x with the value of a group that decides.
func anyHit(op string, at ast.Span, x, least, most expr.Expr) (expr.Expr, error) {
	switch op {
	case ">", ">=":
		return compose(op, at, x, least)
	case "<", "<=":
		return compose(op, at, x, most)
	}
	lo, err := compose("<>", at, x, least)
	if err != nil {
		return nil, err
	}
	hi, err := compose("<>", at, x, most)
	if err != nil {
		return nil, err
	}
	return compose("OR", at, lo, hi)
}

// joinGrouped groups the rows of a subquery by what they have to equal in the query around it (and by extra), computes
// aggregates of each group, and joins them to the rows of sc; null where there is no group.
func (b *Binder) joinGrouped(
	sc *scope, q *ast.Query, aggs []ast.Expr, extra *corrKey,
) (*scope, []expr.Expr, error) {
	c, err := b.correlate(q, sc)
	if err != nil {
		return nil, nil, err
	}
	if len(c.rest) > 0 {
		return nil, nil, unsupported(c.rest[0].Span(), "this condition on the query around the subquery").
			WithHint("a subquery that is a value refers to it by equalities; WHERE [NOT] EXISTS takes any condition")
	}
	keys := c.keys
	if extra != nil {
		keys = append(keys, *extra)
	}
	inner := &ast.Query{At: q.At, Limit: -1, From: q.From, With: q.With}
	if len(c.own) > 0 {
		inner.Where = allOf(c.own)
	}
	if len(keys) == 0 { // one group, which every row meets
		truth := &ast.Literal{E: ast.E{At: q.At}, Kind: ast.BoolLit, Text: "TRUE"}
		keys = []corrKey{{inner: truth, outer: truth, term: truth}}
	}
	for i, k := range keys {
		inner.GroupBy = append(inner.GroupBy, k.inner)
		inner.Items = append(inner.Items, named(k.inner, fmt.Sprintf("$key%d", i)))
	}
	for i, a := range aggs {
		inner.Items = append(inner.Items, named(a, fmt.Sprintf("$value%d", i)))
	}
	in, err := b.bindSubquery(&ast.SubqueryRef{Query: inner, At: q.At})
	if err != nil {
		return nil, nil, err
	}
	if err := b.endless(in.node, q.At); err != nil {
		return nil, nil, err
	}
	return b.joinGroups(sc, in, keys, len(aggs))
}

func named(e ast.Expr, name string) ast.SelectItem {
	return ast.SelectItem{Expr: e, Alias: &ast.Ident{Name: name, Quoted: true, At: e.Span()}, At: e.Span()}
}

func (b *Binder) joinGroups(sc, in *scope, keys []corrKey, aggs int) (*scope, []expr.Expr, error) {
	g := &joining{b: b, j: &ast.Join{Kind: ast.Left, At: keys[0].term.Span()}, l: sc, r: in}
	for i, k := range keys {
		x, err := b.binder(sc).bind(k.outer)
		if err != nil {
			return nil, nil, err
		}
		eq, err := b.equal(x, column(in.node, i),
			&ast.Binary{E: ast.E{At: k.term.Span()}, Op: "=", L: k.outer, R: k.inner})
		if err != nil {
			return nil, nil, err
		}
		g.eqs = append(g.eqs, *eq)
	}
	first := len(in.relations)
	var both *scope
	var err error
	switch {
	case !isTable(sc.node) && (isTable(in.node) || b.Mode == Bounded && tablesOnly(in.node)) && !b.batch(sc.node):
		g.columns()
		both = joinScope(g.l, g.r)
		time, key, alts := sc.node.EventTime, sc.node.Key, sc.node.KeyAlts
		g.node(both, &operator.LookupJoin{StreamKeys: g.lk, TableKeys: g.rk, Left: true, Schema: both.node.Schema})
		both.node.EventTime, both.node.Key, both.node.KeyAlts = time, key, alts
		both.node.Updating, both.node.Table = false, false
	case isTable(sc.node) && !sc.node.Retracts && len(sc.node.Key) > 0 && in.node.Updating && !in.node.Retracts:
		both, err = g.foreignJoin(g.eqs)
	default:
		both, err = g.changes()
	}
	if err != nil {
		return nil, nil, err
	}
	width := len(g.l.node.Schema.Fields)
	cols := make([]expr.Expr, aggs)
	for i := range cols {
		cols[i] = column(both.node, width+len(keys)+i)
	}
	out := *sc
	out.relations = both.relations[:len(both.relations)-first]
	out.node = both.node
	return b.settleBounded(&out), cols, nil
}

// tablesOnly tells that n reads declared tables and nothing else.
func tablesOnly(n *Node) bool {
	if n.Scan != nil {
		return n.Scan.Kind == ast.Table && n.Scan.Query == ""
	}
	for _, in := range n.Inputs {
		if !tablesOnly(in) {
			return false
		}
	}
	return true
}
