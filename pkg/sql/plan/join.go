package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// joining is a join on its way from the statement to the plan.
type joining struct {
	b    *Binder
	j    *ast.Join
	l, r *scope
	// eqs are the equalities of ON between the sides, rest its other terms.
	eqs    []equality
	rest   []ast.Expr
	lk, rk []int // the columns of eqs, once they are computed
}

// equality is one `left expression = right expression` of ON; both have the same type.
type equality struct {
	l, r expr.Expr
	term ast.Expr
}

// bindJoin binds a join of two relations.
func (b *Binder) bindJoin(j *ast.Join) (*scope, error) {
	l, err := b.bindFrom(j.L)
	if err != nil {
		return nil, err
	}
	r, err := b.bindFrom(j.R)
	if err != nil {
		return nil, err
	}
	g := &joining{b: b, j: j, l: withMeta(l), r: withMeta(r)}
	if err := g.check(); err != nil {
		return nil, err
	}
	if err := g.split(); err != nil {
		return nil, err
	}
	if b.Profile == expr.Ksql {
		if err := g.ksqlRules(); err != nil {
			return nil, err
		}
	}
	g.takeCrossTerms()
	g.windows()
	return g.choose()
}

// check refuses what no join of the two sides can be.
func (g *joining) check() error {
	for _, r := range g.r.relations {
		for _, l := range g.l.relations {
			if same(r.alias, l.alias.Name) {
				return sqlerr.New(sqlerr.Ambiguous, r.alias.At, "two relations of FROM are named %q", r.alias.Name).
					WithHint("give one of them an alias")
			}
		}
	}
	if g.j.On == nil && g.j.Kind != ast.Cross {
		return sqlerr.New(sqlerr.BadStatement, g.j.At, "a join needs ON with a condition")
	}
	return g.refuseSubquery()
}

// refuseSubquery refuses a subquery in ON.
func (g *joining) refuseSubquery() error {
	if g.j.On == nil {
		return nil
	}
	if q := findSubquery(g.j.On); q != nil {
		return unsupported(q.Span(), "a subquery in ON").WithHint("write the condition in WHERE, or join the subquery")
	}
	return nil
}

// choose takes the operator that joins the two sides.
func (g *joining) choose() (*scope, error) {
	l, r := g.l.node, g.r.node
	switch {
	case g.j.AsOf:
		return g.asof()
	case g.j.Within != nil:
		return g.within()
	case isTable(l) && isTable(r):
		return g.tables()
	case isTable(r):
		return g.lookup()
	case isTable(l):
		return g.tableFirst()
	}
	if sc, err := g.interval(); sc != nil || err != nil {
		return sc, err
	}
	return g.changes()
}

// isTable tells that the last row of a key counts.
func isTable(n *Node) bool { return n.Table || n.Updating }

// describe names a side in messages.
func describe(sc *scope) string {
	if len(sc.relations) == 0 {
		return "this side"
	}
	return sc.relations[len(sc.relations)-1].describe()
}

// kind is the kind of the join as operators have it.
func (g *joining) kind() operator.JoinKind {
	return map[ast.JoinKind]operator.JoinKind{
		ast.Inner: operator.InnerJoin, ast.Left: operator.LeftJoin, ast.Right: operator.RightJoin,
		ast.Full: operator.FullJoin, ast.Cross: operator.InnerJoin,
	}[g.j.Kind]
}

// split takes ON apart.
func (g *joining) split() error {
	if g.j.On == nil {
		return nil
	}
	both := joinScope(g.l, g.r)
	for _, c := range conjuncts(g.j.On) {
		eq, err := g.b.splitEquality(c, g.l, g.r, both)
		if err != nil {
			return err
		}
		if eq == nil {
			g.rest = append(g.rest, c)
			continue
		}
		g.eqs = append(g.eqs, *eq)
	}
	return nil
}

// splitEquality returns a term of ON as an equality between the sides, or nil where it is another condition.
func (b *Binder) splitEquality(c ast.Expr, l, r, both *scope) (*equality, error) {
	bin, ok := c.(*ast.Binary)
	if !ok || bin.Op != "=" {
		x, err := b.binder(both).bind(c)
		if err != nil {
			return nil, err
		}
		return nil, wantBoolean(x, "ON")
	}
	bindIn := func(s *scope, e ast.Expr) expr.Expr {
		x, err := b.binder(s).bind(e)
		if err != nil || !readsColumn(x) {
			return nil
		}
		return x
	}
	for _, e := range []ast.Expr{bin.L, bin.R} { // a name that both sides have is ambiguous
		if _, err := b.binder(both).bind(e); err != nil {
			return nil, err
		}
	}
	for _, sides := range [2][2]ast.Expr{{bin.L, bin.R}, {bin.R, bin.L}} {
		if x, y := bindIn(l, sides[0]), bindIn(r, sides[1]); x != nil && y != nil {
			return b.equal(x, y, bin)
		}
	}
	_, err := b.binder(both).bind(c)
	return nil, err
}

// equal gives both sides of an equality one type.
func (b *Binder) equal(x, y expr.Expr, bin *ast.Binary) (*equality, error) {
	if x.Type().Equal(y.Type()) {
		return &equality{l: x, r: y, term: bin}, nil
	}
	t, err := expr.CommonType(x.Type(), y.Type())
	if err != nil || b.Profile == expr.Ksql {
		return nil, sqlerr.New(sqlerr.TypeMismatch, bin.At, "ON compares %s with %s", x.Type(), y.Type()).
			WithHint("CAST one side to the type of the other")
	}
	if x, err = expr.NewCast(x, t, false, x.Span()); err != nil {
		return nil, err
	}
	if y, err = expr.NewCast(y, t, false, y.Span()); err != nil {
		return nil, err
	}
	return &equality{l: x, r: y, term: bin}, nil
}

// windows adds the window to the condition where both sides are windowed sources.
func (g *joining) windows() {
	l, r := g.l.node, g.r.node
	if len(g.eqs) == 0 || !windowedSource(g.l) || !windowedSource(g.r) {
		return
	}
	for _, pair := range [2][2]int{{l.WindowStart, r.WindowStart}, {l.WindowEnd, r.WindowEnd}} {
		if pair[0] < 0 || pair[1] < 0 {
			continue
		}
		x, y := column(l, pair[0]), column(r, pair[1])
		if !slices.ContainsFunc(g.eqs, func(e equality) bool { return sameExpr(e.l, x) && sameExpr(e.r, y) }) {
			g.eqs = append(g.eqs, equality{l: x, r: y, term: g.j.On})
		}
	}
}

func windowedSource(sc *scope) bool {
	return len(sc.relations) > 0 && sc.relations[0].object != nil && sc.relations[0].object.Windowed &&
		sc.node.WindowStart >= 0
}

// columns computes the columns that the join compares, on each side.
func (g *joining) columns() {
	left, right := make([]expr.Expr, len(g.eqs)), make([]expr.Expr, len(g.eqs))
	for i, e := range g.eqs {
		left[i], right[i] = e.l, e.r
	}
	l, r := *g.l, *g.r
	l.node, g.lk = addColumns(l.node, left, "$left")
	r.node, g.rk = addColumns(r.node, right, "$right")
	g.l, g.r = &l, &r
}

// residual binds the terms of ON that are no equalities over both sides; nil without any.
func (g *joining) residual(both *scope) (expr.Expr, error) {
	var on expr.Expr
	for _, c := range g.rest {
		x, err := g.b.binder(both).bind(c)
		if err != nil {
			return nil, err
		}
		if on, err = and(on, x); err != nil {
			return nil, err
		}
	}
	return on, nil
}

// and puts two conditions together; on may be nil.
func and(on, x expr.Expr) (expr.Expr, error) {
	if on == nil {
		return x, nil
	}
	return expr.NewCall("AND", []expr.Expr{on, x}, x.Span())
}

// node puts the join together.
func (g *joining) node(both *scope, spec operator.Spec) *Node {
	n := both.node
	n.Spec = spec
	n.Inputs = []*Node{g.l.node, g.r.node}
	l, r := g.l.node, g.r.node
	n.DelayMs, n.DelaySet = max(l.DelayMs, r.DelayMs), l.DelaySet || r.DelaySet
	n.Partitions = max(l.Partitions, r.Partitions)
	n.Hidden, n.KeyCols, n.Retracts, n.Bag = 0, nil, false, false
	n.EventTime = -1
	n.Part = nil
	return n
}

// needEquality refuses a join that compares nothing.
func (g *joining) needEquality(what string) error {
	if len(g.eqs) > 0 {
		return nil
	}
	at := g.j.At
	if g.j.On != nil {
		at = g.j.On.Span()
	}
	return sqlerr.New(sqlerr.BadStatement, at, "ON needs an equality between %s and %s", describe(g.l), describe(g.r)).
		WithHint("%s joins rows of equal keys", what)
}
