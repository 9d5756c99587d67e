package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// isSubquery tells that an expression holds a query of its own.
func isSubquery(e ast.Expr) bool {
	switch n := e.(type) {
	case *ast.Subquery:
		return true
	case *ast.In:
		return n.Query != nil
	default:
		return false
	}
}

// findSubquery returns the first expression in e that holds a query, or nil.
func findSubquery(e ast.Expr) ast.Expr {
	var found ast.Expr
	walk(e, func(x ast.Expr) bool {
		if found == nil && isSubquery(x) {
			found = x
		}
		return found == nil
	})
	return found
}

// membership is a term of WHERE that keeps a row by whether a subquery has a row for it: EXISTS and IN, or not.
type membership struct {
	q   *ast.Query
	x   ast.Expr // of IN; nil: EXISTS
	not bool
	at  ast.Span
}

func membershipOf(e ast.Expr) (membership, bool) {
	switch n := e.(type) {
	case *ast.Subquery:
		return membership{q: n.Query, not: n.Not, at: n.At}, n.Exists
	case *ast.In:
		return membership{q: n.Query, x: n.X, not: n.Not, at: n.At}, n.Query != nil && findSubquery(n.X) == nil
	case *ast.Unary:
		m, ok := membershipOf(n.X)
		m.not = !m.not
		return m, ok && n.Op == "NOT"
	case *ast.Binary:
		s, ok := n.R.(*ast.Subquery)
		if !ok || findSubquery(n.L) != nil {
			return membership{}, false
		}
		m := membership{q: s.Query, x: n.L, not: n.Op != "=", at: n.At}
		return m, s.Quantifier == "ANY" && n.Op == "=" || s.Quantifier == "ALL" && (n.Op == "<>" || n.Op == "!=")
	default:
		return membership{}, false
	}
}

// bindSubqueryTerms binds the terms of WHERE that hold subqueries: EXISTS and IN keep rows by a semi or anti join,
// other subqueries become columns. What is left to bind comes back.
func (b *Binder) bindSubqueryTerms(sc *scope, where ast.Expr) (*scope, ast.Expr, error) {
	if findSubquery(where) == nil {
		return sc, where, nil
	}
	var members []membership
	var own, others []ast.Expr
	for _, c := range conjuncts(where) {
		m, ok := membershipOf(c)
		switch {
		case findSubquery(c) == nil:
			own = append(own, c)
		case ok:
			members = append(members, m)
		default:
			others = append(others, c)
		}
	}
	sc, err := b.bindOwn(withMeta(sc), own)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range members {
		if sc, err = b.semiJoin(sc, m); err != nil {
			return nil, nil, err
		}
	}
	if len(others) == 0 {
		return sc, nil, nil
	}
	rest := allOf(others)
	if sc, err = b.bindSubqueryValues(sc, rest); err != nil {
		return nil, nil, err
	}
	return sc, rest, nil
}

func (b *Binder) bindOwn(sc *scope, terms []ast.Expr) (*scope, error) {
	if len(terms) == 0 {
		return sc, nil
	}
	return b.bindWhere(sc, allOf(terms))
}

// allOf is the conjunction of terms.
func allOf(terms []ast.Expr) ast.Expr {
	out := terms[0]
	for _, t := range terms[1:] {
		out = &ast.Binary{E: ast.E{At: out.Span().Join(t.Span())}, Op: "AND", L: out, R: t}
	}
	return out
}

// semiJoin keeps the rows of sc for which a subquery has a row, or has none.
func (b *Binder) semiJoin(sc *scope, m membership) (*scope, error) {
	q := m.q
	if m.x == nil {
		q = existential(q)
	}
	if m.x != nil && m.not {
		c, err := b.correlate(q, sc)
		if err != nil {
			return nil, err
		}
		if len(c.keys)+len(c.rest) > 0 || isTable(sc.node) { // whether a null speaks depends on the row around it
			return b.filterByValue(sc, m)
		}
	}
	s, err := b.takeApart(q, sc, m)
	if err != nil {
		return nil, err
	}
	return b.joinSemi(sc, s, m)
}

// filterByValue computes IN as a value, and keeps the rows on which it is true.
func (b *Binder) filterByValue(sc *scope, m membership) (*scope, error) {
	e := &ast.In{E: ast.E{At: m.at}, X: m.x, Query: m.q, Not: m.not}
	sc, err := b.bindSubqueryValues(sc, e)
	if err != nil {
		return nil, err
	}
	pred, err := b.binder(sc).bind(e)
	if err != nil {
		return nil, err
	}
	out := *sc
	out.node = filter(sc.node, pred)
	return &out, nil
}

// existential is q without the clauses that do not change whether it has a row.
func existential(q *ast.Query) *ast.Query {
	out := *q
	out.Distinct, out.OrderBy = false, nil
	if out.Limit > 0 && out.Offset == 0 {
		out.Limit = -1
	}
	if out.Having == nil && out.Window == nil && out.Union == nil && out.Values == nil && len(out.GroupBy) > 0 {
		out.GroupBy, out.Grouping = nil, nil
		out.Items = []ast.SelectItem{{Expr: &ast.Literal{E: ast.E{At: q.At}, Kind: ast.IntLit, Text: "1"}, At: q.At}}
	}
	return &out
}

// apart is a subquery taken apart: its rows, what they have to equal, and its other terms that read the query around.
type apart struct {
	sc   *scope
	eqs  []equality // l: of the query around, r: of the subquery
	rest []ast.Expr
}

// takeApart binds a subquery of EXISTS or IN.
func (b *Binder) takeApart(q *ast.Query, outer *scope, m membership) (*apart, error) {
	defer b.withCTEs(q)()
	if !isPlain(q) {
		return b.wholeQuery(q, outer, m)
	}
	c, err := b.correlate(q, outer)
	if err != nil {
		return nil, err
	}
	in, err := b.bindFrom(q.From)
	if err != nil {
		return nil, err
	}
	if in, err = b.bindOwn(withMeta(in), c.own); err != nil {
		return nil, err
	}
	s := &apart{sc: in, rest: c.rest}
	for _, k := range c.keys {
		if err := s.compare(b, outer, k.outer, k.inner, k.term); err != nil {
			return nil, err
		}
	}
	if m.x == nil {
		return s, nil
	}
	if len(q.Items) != 1 || q.Items[0].Star {
		return nil, oneColumn(q)
	}
	return s, s.compare(b, outer, m.x, q.Items[0].Expr, m.x)
}

func oneColumn(q *ast.Query) error {
	return sqlerr.New(sqlerr.BadStatement, q.At, "this subquery has to have one column")
}

// compare adds an equality between an expression of the query around and one of the subquery.
func (s *apart) compare(b *Binder, outer *scope, x, y, term ast.Expr) error {
	l, err := b.binder(outer).bind(x)
	if err != nil {
		return err
	}
	r, err := b.binder(s.sc).bind(y)
	if err != nil {
		return err
	}
	eq, err := b.equal(l, r, &ast.Binary{E: ast.E{At: term.Span()}, Op: "=", L: x, R: y})
	if err != nil {
		return err
	}
	s.eqs = append(s.eqs, *eq)
	return nil
}

// wholeQuery binds a subquery that groups, unites or limits as a relation.
func (b *Binder) wholeQuery(q *ast.Query, outer *scope, m membership) (*apart, error) {
	in, err := b.bindSubquery(&ast.SubqueryRef{Query: q, At: q.At})
	if err != nil {
		return nil, err
	}
	s := &apart{sc: in}
	if m.x == nil {
		return s, nil
	}
	r := in.relations[0]
	if r.to != 1 {
		return nil, oneColumn(q)
	}
	l, err := b.binder(outer).bind(m.x)
	if err != nil {
		return nil, err
	}
	eq, err := b.equal(l, column(in.node, 0), &ast.Binary{E: ast.E{At: m.at}, Op: "=", L: m.x, R: m.x})
	if err != nil {
		return nil, err
	}
	s.eqs = append(s.eqs, *eq)
	return s, nil
}

// joinSemi puts the semi or anti join together.
func (b *Binder) joinSemi(outer *scope, s *apart, m membership) (*scope, error) {
	g := &joining{b: b, j: &ast.Join{At: m.at}, l: outer, r: s.sc, eqs: s.eqs, rest: s.rest}
	if err := b.endless(s.sc.node, m.at); err != nil {
		return nil, err
	}
	g.columns()
	r := *g.r
	r.node = oneRow(r.node)
	g.r = &r
	on, err := g.residual(innerScope(g.l, g.r))
	if err != nil {
		return nil, err
	}
	kind := operator.SemiJoin
	if m.not {
		kind = operator.AntiJoin
	}
	out := *g.l
	n := &Node{Props: g.l.node.Props, Inputs: []*Node{g.l.node, g.r.node}}
	out.node = n
	aware := m.not && m.x != nil
	if !isTable(g.l.node) && isTable(g.r.node) && !b.batch(g.l.node) {
		n.Spec = &operator.LookupMany{
			Kind: kind, StreamKeys: g.lk, TableKeys: g.rk, TablePK: upsertKey(g.r.node), On: on, NullAware: aware,
			Schema: n.Schema,
		}
		return &out, nil
	}
	n.Spec = &operator.ChangeJoin{
		Kind: kind, LeftKeys: g.lk, RightKeys: g.rk, LeftPK: upsertKey(g.l.node), RightPK: upsertKey(g.r.node), On: on,
		NullAware: aware, Schema: n.Schema,
	}
	l := g.l.node
	if l.Updating || g.r.node.Updating || kind == operator.AntiJoin {
		n.Updating, n.Table, n.Retracts = true, true, true
		n.Bag = changeKey(l) == nil
		if n.Bag {
			n.Key, n.KeyAlts = nil, nil
		}
	}
	return b.settleBounded(&out), nil
}

// innerScope is the scope of a subquery's terms: its own names first, then those around it.
func innerScope(outer, in *scope) *scope {
	both := joinScope(outer, in)
	k := len(outer.relations)
	return &scope{
		node: both.node, relations: both.relations[k:],
		outer: &scope{node: both.node, relations: both.relations[:k]},
	}
}

// settleBounded folds the changes of a bounded query: what counts is the end.
func (b *Binder) settleBounded(sc *scope) *scope {
	if b.Mode != Bounded || !sc.node.Updating {
		return sc
	}
	out := *sc
	out.node = foldTable(sc.node)
	return &out
}

// batch tells that the left side of a lookup may come before the table is complete: in a bounded run tables are read
// first, so one that triggers comes too early.
func (b *Binder) batch(n *Node) bool { return b.Mode == Bounded && fromTables(n) }

// fromTables tells that rows of a table trigger the rows of n.
func fromTables(n *Node) bool {
	switch {
	case n.Scan != nil:
		return n.Scan.Kind == ast.Table
	case n.Spec == nil:
		return true
	case lookedUp(n.Spec):
		return fromTables(n.Inputs[0])
	}
	return slices.ContainsFunc(n.Inputs, fromTables)
}

// endless refuses a subquery over a stream in a query that never ends.
func (b *Binder) endless(n *Node, at ast.Span) error {
	if b.Mode == Bounded {
		return nil
	}
	if s := streamOf(n); s != nil {
		return unsupported(at, "a subquery over stream "+s.Name+" in a query that never ends").
			WithHint("CREATE TABLE t AS SELECT ... FROM %s GROUP BY ..., and write the subquery over t", s.Name)
	}
	return nil
}

// streamOf is a stream that n reads, or nil.
func streamOf(n *Node) *Object {
	if n.Scan != nil && n.Scan.Kind != ast.Table {
		return n.Scan
	}
	for _, in := range n.Inputs {
		if s := streamOf(in); s != nil {
			return s
		}
	}
	return nil
}

// isPlain tells that a query is FROM and WHERE with a select list, and no more.
func isPlain(q *ast.Query) bool {
	items := slices.ContainsFunc(q.Items, func(it ast.SelectItem) bool {
		return it.Expr != nil && (containsAggregateCall(it.Expr) || findOver(it.Expr) != nil)
	})
	return !items && !q.Distinct && len(q.GroupBy) == 0 && q.Having == nil && q.Window == nil && q.Limit < 0 &&
		q.Offset == 0 && q.Union == nil && q.Values == nil && !q.PartitionBy
}

// correlation is how a subquery reads the query around it.
type correlation struct {
	own  []ast.Expr // terms that read the subquery alone
	keys []corrKey
	rest []ast.Expr // other terms that read both
}

// corrKey is a term `inner expression = outer expression`.
type corrKey struct {
	inner, outer, term ast.Expr
}

// correlate sorts the terms of a subquery's WHERE by what they read.
func (b *Binder) correlate(q *ast.Query, outer *scope) (*correlation, error) {
	c := &correlation{}
	if q.Where == nil {
		return c, nil
	}
	defer b.withCTEs(q)()
	in, err := b.bindFrom(q.From)
	if err != nil {
		return nil, err
	}
	in = withMeta(in)
	inner := innerScope(outer, in)
	binds := func(sc *scope, e ast.Expr) bool {
		_, err := b.binder(sc).bind(e)
		return err == nil
	}
	for _, t := range conjuncts(q.Where) {
		if findSubquery(t) != nil || binds(in, t) {
			c.own = append(c.own, t)
			continue
		}
		if _, err := b.binder(inner).bind(t); err != nil {
			return nil, err
		}
		k, ok := corrKey{}, false
		if bin, eq := t.(*ast.Binary); eq && bin.Op == "=" {
			switch {
			case binds(in, bin.L) && !binds(in, bin.R) && binds(outer, bin.R):
				k, ok = corrKey{bin.L, bin.R, t}, true
			case binds(in, bin.R) && !binds(in, bin.L) && binds(outer, bin.L):
				k, ok = corrKey{bin.R, bin.L, t}, true
			}
		}
		if ok {
			c.keys = append(c.keys, k)
		} else {
			c.rest = append(c.rest, t)
		}
	}
	return c, nil
}

// subqueryValue finds the column that stands for a subquery.
func (s *scope) subqueryValue(e ast.Expr) (expr.Expr, bool) {
	x, ok := s.subqueries[e]
	return x, ok
}
