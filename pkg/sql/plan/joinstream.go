package plan

import (
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// within binds a stream-stream join with WITHIN.
func (g *joining) within() (*scope, error) {
	for _, sc := range []*scope{g.l, g.r} {
		if isTable(sc.node) {
			return nil, sqlerr.New(sqlerr.BadStatement, g.j.Within.At, "WITHIN joins two streams; %s is a table",
				describe(sc)).WithHint("leave WITHIN out: rows of the stream meet the table's row of that moment")
		}
	}
	if g.j.Kind == ast.Cross {
		return nil, sqlerr.New(sqlerr.BadStatement, g.j.At, "WITHIN needs ON with an equality")
	}
	if err := g.needEquality("WITHIN"); err != nil {
		return nil, err
	}
	return g.windowJoin(g.j.Within.BeforeMs, g.j.Within.AfterMs)
}

// windowJoin joins rows of two streams whose times lie close together.
func (g *joining) windowJoin(before, after int64) (*scope, error) {
	g.columns()
	both := joinScope(g.l, g.r)
	on, err := g.residual(both)
	if err != nil {
		return nil, err
	}
	spec := &operator.WindowJoin{
		Kind: g.kind(), LeftKeys: g.lk, RightKeys: g.rk, BeforeMs: before, AfterMs: after, On: on,
		Schema: both.node.Schema,
	}
	w := g.j.Within
	if w != nil && w.GraceMs >= 0 {
		spec.GraceMs = w.GraceMs
	}
	if g.b.Profile == expr.Ksql {
		spec.StreamTime = true
		if w == nil || w.GraceMs < 0 {
			spec.Eager, spec.GraceMs = true, dayMs
		}
	}
	g.node(both, spec)
	return g.streamKey(both), nil
}

// asof binds ASOF JOIN: the condition has equalities, and one comparison of the times.
func (g *joining) asof() (*scope, error) {
	switch {
	case g.j.Kind != ast.Inner && g.j.Kind != ast.Left:
		return nil, sqlerr.New(sqlerr.BadStatement, g.j.At, "an ASOF join is INNER or LEFT")
	case g.j.Within != nil:
		return nil, unsupported(g.j.Within.At, "WITHIN on an ASOF join")
	case isTable(g.l.node) || isTable(g.r.node):
		return nil, unsupported(g.j.At, "an ASOF join with a table").
			WithHint("it joins two streams; a plain JOIN takes the table's row of the moment")
	}
	if err := g.needEquality("ASOF"); err != nil {
		return nil, err
	}
	strict, found := false, -1
	for i, c := range g.rest {
		t, ok := g.timeBound(c)
		if ok && t.hiSet && !t.loSet && (t.hi == 0 || t.hi == -1) {
			if found >= 0 {
				return nil, sqlerr.New(sqlerr.BadStatement, c.Span(), "ON of an ASOF join compares the times once")
			}
			found, strict = i, t.hi == -1
		}
	}
	if found < 0 {
		return nil, sqlerr.New(sqlerr.BadStatement, g.j.On.Span(), "ON of an ASOF join compares the event times").
			WithHint("... ASOF JOIN q ON t.key = q.key AND t.ts >= q.ts")
	}
	g.rest = append(g.rest[:found:found], g.rest[found+1:]...)
	g.columns()
	both := joinScope(g.l, g.r)
	on, err := g.residual(both)
	if err != nil {
		return nil, err
	}
	time := g.l.node.EventTime
	g.node(both, &operator.AsofJoin{
		Kind: g.kind(), LeftKeys: g.lk, RightKeys: g.rk, Strict: strict, On: on, Schema: both.node.Schema,
	})
	both.node.EventTime = time
	return g.streamKey(both), nil
}

// changes binds the join of rows of any kind on any columns. Nothing bounds the state but a TTL.
func (g *joining) changes() (*scope, error) {
	mark := -1
	if g.twoNulls() && changeKey(g.l.node) != nil && changeKey(g.r.node) != nil {
		mark = g.markLeft()
	}
	g.columns()
	l, r := *g.l, *g.r
	l.node, r.node = oneRow(l.node), oneRow(r.node)
	g.l, g.r = &l, &r
	both := joinScope(g.l, g.r)
	on, err := g.residual(both)
	if err != nil {
		return nil, err
	}
	spec := &operator.ChangeJoin{
		Kind: g.kind(), LeftKeys: g.lk, RightKeys: g.rk, LeftPK: upsertKey(l.node), RightPK: upsertKey(r.node),
		On: on, TTLMs: g.b.StateTTLMs, DropNulls: g.b.Profile == expr.Ksql, Schema: both.node.Schema,
	}
	g.warn(spec)
	n := g.node(both, spec)
	if !l.node.Updating && !r.node.Updating && spec.Kind == operator.InnerJoin {
		n.Updating, n.Table = false, false
		return g.streamKey(both), nil
	}
	n.Updating, n.Table, n.Retracts = true, true, true
	n.Key, n.KeyAlts = nil, nil
	lkey, rkey := changeKey(l.node), changeKey(r.node)
	if lkey == nil || rkey == nil {
		n.Bag = true
		return both, nil
	}
	n.Key = append(append([]int{}, lkey...), shifted(rkey, len(l.node.Schema.Fields))...)
	if mark >= 0 {
		return g.sideKey(both, mark)
	}
	n.Bag = len(n.Key) == 0
	return both, nil
}

// oneRow lets the one row of an aggregate without GROUP BY say what it replaces, since no key does.
func oneRow(n *Node) *Node {
	if n.Updating && len(n.Key) == 0 && !n.Bag {
		return retracting(n)
	}
	return n
}

// upsertKey is the key by which a join takes the changes of a side; nil where it goes by the whole row.
func upsertKey(n *Node) []int {
	if !n.Updating || n.Retracts || n.Bag || len(n.Key) == 0 {
		return nil
	}
	return append([]int{}, n.Key...)
}

// changeKey tells the rows of a side apart: its key, none for a single row, nil where rows may be equal.
func changeKey(n *Node) []int {
	if !n.Updating || n.Bag {
		return nil
	}
	return append([]int{}, n.Key...)
}

// warn says that the state of a join of endless streams grows.
func (g *joining) warn(spec *operator.ChangeJoin) {
	if g.b.Mode == Bounded || spec.TTLMs > 0 || isTable(g.l.node) && isTable(g.r.node) {
		return
	}
	g.b.Warnings = append(g.b.Warnings, "the join of "+describe(g.l)+" and "+describe(g.r)+
		" keeps every row: its state grows without end. WITHIN, a condition on the times, or SET 'state.ttl' = '1 "+
		"day' bounds it")
}
