package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// nullKey tells that rows of a table may have a null in their key: not those of a declared table, nor any in the ksql
// profile, whose groups have no null key.
func (g *joining) nullKey(n *Node) bool {
	if g.b.Profile == expr.Ksql {
		return false
	}
	for n.Scan == nil {
		switch n.Spec.(type) {
		case *operator.Filter, *operator.Project, *operator.Retract:
			n = n.Inputs[0]
		default:
			return true
		}
	}
	return n.Scan.Source == nil
}

// twoNulls tells that a row of either side may be alone under one key of the result.
func (g *joining) twoNulls() bool {
	return g.j.Kind == ast.Full && g.nullKey(g.l.node) && g.nullKey(g.r.node)
}

// markLeft gives the rows of the left side a column that is null where a result has none of them.
func (g *joining) markLeft() int {
	l := *g.l
	exprs, names := identity(l.node)
	exprs = append(exprs, &expr.Literal{V: true, T: vector.TBoolean, At: g.j.At})
	l.node = extend(l.node, exprs, append(names, freeName("$there", names)))
	g.l = &l
	return len(exprs) - 1
}

// sideKey adds to a key that may be null on either side which side it is of, so that the two rows are told apart. Where
// a change gives the row of a key again, the key of rows that meet is the same whether the other one is there or not.
func (g *joining) sideKey(both *scope, mark int) (*scope, error) {
	n := both.node
	at := g.j.At
	alone, err := expr.NewCall("IS NULL", []expr.Expr{column(n, mark)}, at)
	if err != nil {
		return nil, err
	}
	side := alone
	if _, changes := n.Spec.(*operator.ChangeJoin); !changes {
		if side, err = g.ofNulls(n, alone); err != nil {
			return nil, err
		}
	}
	exprs, names := identity(n)
	out := *both
	out.node = extend(n, append(exprs, side), append(names, freeName("ROWSIDE", names)))
	out.node.Key, out.node.KeyAlts = append(slices.Clone(n.Key), len(exprs)), nil
	return &out, nil
}

// ofNulls is x where a column of the key is null, else null.
func (g *joining) ofNulls(n *Node, x expr.Expr) (expr.Expr, error) {
	var when, then []expr.Expr
	for _, k := range n.Key {
		null, err := expr.NewCall("IS NULL", []expr.Expr{column(n, k)}, g.j.At)
		if err != nil {
			return nil, err
		}
		when, then = append(when, null), append(then, x)
	}
	return g.b.Profile.Case(when, then, nil, g.j.At)
}
