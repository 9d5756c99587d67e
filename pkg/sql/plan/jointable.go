package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// lookup binds a stream-table join: rows of the stream meet the table's rows of that moment.
func (g *joining) lookup() (*scope, error) {
	if g.j.Kind == ast.Right || g.j.Kind == ast.Full {
		return nil, sqlerr.New(sqlerr.BadStatement, g.j.At, "a stream-table join is INNER or LEFT").
			WithHint("only rows of the stream trigger results")
	}
	if g.b.Mode == Bounded && g.r.node.Bag {
		return g.changes()
	}
	if key := g.keyEqualities(g.r, func(e equality) expr.Expr { return e.r }); key != nil {
		if len(key) == len(g.eqs) && len(g.rest) == 0 || g.j.Kind == ast.Inner {
			return g.lookupKey(key)
		}
	}
	g.columns()
	both := joinScope(g.l, g.r)
	on, err := g.residual(both)
	if err != nil {
		return nil, err
	}
	time := g.l.node.EventTime
	g.node(both, &operator.LookupMany{
		Kind: g.kind(), StreamKeys: g.lk, TableKeys: g.rk, TablePK: upsertKey(g.r.node), On: on,
		Schema: both.node.Schema,
	})
	both.node.EventTime, both.node.Updating, both.node.Table = time, false, false
	return g.streamKey(both), nil
}

// lookupKey binds a stream-table join on the table's primary key; other terms of ON are conditions behind it.
func (g *joining) lookupKey(key []equality) (*scope, error) {
	for _, e := range g.eqs {
		if !slices.ContainsFunc(key, func(k equality) bool { return k.term == e.term && sameExpr(k.r, e.r) }) {
			g.rest = append(g.rest, e.term)
		}
	}
	g.eqs = key
	g.columns()
	both := joinScope(g.l, g.r)
	time := g.l.node.EventTime
	g.node(both, &operator.LookupJoin{
		StreamKeys: g.lk, TableKeys: g.rk, Left: g.j.Kind == ast.Left, Schema: both.node.Schema,
	})
	both.node.EventTime, both.node.Updating, both.node.Table = time, false, false
	return g.filtered(g.streamKey(both))
}

// filtered puts the terms of ON that the operator does not know above an inner join.
func (g *joining) filtered(both *scope) (*scope, error) {
	out := *both
	for _, c := range g.rest {
		x, err := g.b.binder(both).bind(c)
		if err != nil {
			return nil, err
		}
		out.node = filter(out.node, x)
	}
	return &out, nil
}

// keyEqualities returns the equalities that name each column of a table's primary key once, in its order; nil where
// there are not.
func (g *joining) keyEqualities(table *scope, of func(equality) expr.Expr) []equality {
	n := table.node
	if len(n.Key) == 0 || n.Retracts {
		return nil
	}
	var out []equality
	for _, k := range n.Key {
		i := slices.IndexFunc(g.eqs, func(e equality) bool { return keyColumn(of(e)) == k })
		if i < 0 {
			return nil
		}
		out = append(out, g.eqs[i])
	}
	return out
}

// keyColumn is the column that an expression holds one to one: itself, or widened.
func keyColumn(e expr.Expr) int {
	if c, ok := e.(*expr.Cast); ok && c.X.Type().Numeric() && c.T.Numeric() {
		if t, err := expr.CommonType(c.X.Type(), c.T); err == nil && t.Equal(c.T) {
			return plain(c.X)
		}
	}
	return plain(e)
}

// tableFirst binds a join whose left side is a table and whose right side is none.
func (g *joining) tableFirst() (*scope, error) {
	if g.b.Mode == Bounded && g.b.Profile != expr.Ksql {
		return g.changes() // all rows are there at the end: both sides trigger
	}
	return nil, sqlerr.New(sqlerr.BadStatement, g.j.At, "a join of a table with a stream starts with the stream").
		WithHint("FROM %s JOIN %s ON ...", nameOf(g.r), nameOf(g.l))
}

func nameOf(sc *scope) string {
	if len(sc.relations) == 0 {
		return "..."
	}
	return sc.relations[0].alias.Name
}

// tables binds a join of two tables: on both primary keys, on a reference to the right one, or on any columns.
func (g *joining) tables() (*scope, error) {
	left := g.keyEqualities(g.l, func(e equality) expr.Expr { return e.l })
	right := g.keyEqualities(g.r, func(e equality) expr.Expr { return e.r })
	whole := right != nil && len(right) == len(g.eqs)
	inner := g.j.Kind == ast.Inner
	switch {
	case !whole || len(g.rest) > 0 && !inner:
		return g.changes()
	case left != nil && len(left) == len(right) && !g.l.node.Retracts:
		return g.tableJoin(left)
	case (inner || g.j.Kind == ast.Left) && len(g.l.node.Key) > 0 && !g.l.node.Retracts && !g.l.node.Bag:
		return g.foreignJoin(right)
	default:
		return g.changes()
	}
}

// tableJoin joins two tables on their primary keys.
func (g *joining) tableJoin(key []equality) (*scope, error) {
	g.eqs = key
	nulls := [2]bool{g.nullKey(g.l.node), g.nullKey(g.r.node)}
	mark := -1
	if g.twoNulls() {
		mark = g.markLeft()
	}
	g.columns()
	both := joinScope(g.l, g.r)
	width := len(g.l.node.Schema.Fields)
	l := g.l.node
	n := g.node(both, &operator.TableJoin{
		Kind: g.kind(), LeftKeys: g.lk, RightKeys: g.rk, KeepNulls: nulls, Schema: both.node.Schema,
	})
	n.Updating, n.Table = true, true
	switch g.j.Kind {
	case ast.Full:
		if both = g.rowKey(both); mark >= 0 {
			return g.sideKey(both, mark)
		}
		return both, nil
	case ast.Right:
		n.Key, n.KeyAlts = shifted(g.rk, width), nil
		for _, c := range g.lk {
			n.KeyAlts = append(n.KeyAlts, []int{c})
		}
	default:
		n.Key = slices.Clone(g.lk)
		alts := make([][]int, len(g.lk))
		for i := range g.lk {
			alts[i] = []int{width + g.rk[i]}
			if at := slices.Index(l.Key, g.lk[i]); at >= 0 && at < len(l.KeyAlts) {
				alts[i] = append(slices.Clone(l.KeyAlts[at]), width+g.rk[i])
			}
		}
		n.KeyAlts = alts
	}
	return g.filtered(both)
}

// foreignJoin joins a table with the rows of another one to which its columns refer.
func (g *joining) foreignJoin(key []equality) (*scope, error) {
	g.eqs = key
	g.columns()
	both := joinScope(g.l, g.r)
	l := g.l.node
	n := g.node(both, &operator.ForeignJoin{
		Kind: g.kind(), LeftPK: slices.Clone(l.Key), LeftKeys: g.lk, RightKeys: g.rk,
		KeepNulls: g.b.Profile != expr.Ksql, Schema: both.node.Schema,
	})
	n.Updating, n.Table = true, true
	n.Key, n.KeyAlts = slices.Clone(l.Key), l.KeyAlts
	return g.filtered(both)
}
