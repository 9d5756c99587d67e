package plan

import (
	"fmt"
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// metaColumns are the metadata that a join keeps of the rows of its sides, in the order of relation.meta. Columns that
// nobody reads are dropped later.
var metaColumns = [metaSlots]string{"rowtime", "rowpartition", "rowoffset"}

// withMeta adds the row metadata of a scope with one relation as columns, so that it can still be read behind a join.
func withMeta(sc *scope) *scope {
	if len(sc.relations) != 1 || sc.relations[0].meta[0] > 0 {
		return sc
	}
	exprs, names := identity(sc.node)
	r := sc.relations[0]
	for i, name := range metaColumns {
		c := systemColumns[name]
		exprs, names = append(exprs, &c), append(names, "$"+name)
		r.meta[i] = len(exprs)
	}
	out := *sc
	out.node = extend(sc.node, exprs, names)
	out.relations = []relation{r}
	return &out
}

// extend is a projection that only adds columns: what is known of the rows stays.
func extend(n *Node, exprs []expr.Expr, names []string) *Node {
	out := project(n, exprs, names)
	p := n.Props
	p.Schema = out.Schema
	p.Hidden = 0
	out.Props = p
	return out
}

// addColumns appends expressions to n, unless a column computes them already; it returns their columns.
func addColumns(n *Node, list []expr.Expr, prefix string) (*Node, []int) {
	exprs, names := identity(n)
	cols := make([]int, len(list))
	for i, x := range list {
		col := slices.IndexFunc(exprs, func(e expr.Expr) bool { return sameExpr(e, x) })
		if col < 0 {
			col = len(exprs)
			exprs, names = append(exprs, x), append(names, fmt.Sprintf("%s%d", prefix, col))
		}
		cols[i] = col
	}
	if len(exprs) == len(n.Schema.Fields) {
		return n, cols
	}
	return extend(n, exprs, names), cols
}

// joinScope is the scope behind a join of two scopes: the left columns, then the right ones.
func joinScope(l, r *scope) *scope {
	width := len(l.node.Schema.Fields)
	n := &Node{Props: l.node.Props}
	n.Schema = &vector.Schema{Fields: append(slices.Clone(l.node.Schema.Fields), r.node.Schema.Fields...)}
	out := &scope{node: n, relations: slices.Clone(l.relations)}
	for _, rel := range r.relations {
		rel.from, rel.to = rel.from+width, rel.to+width
		for i, m := range rel.meta {
			if m > 0 {
				rel.meta[i] = m + width
			}
		}
		out.relations = append(out.relations, rel)
	}
	return out
}

// isJoin tells that a node has a left and a right side.
func isJoin(n *Node) bool {
	switch n.Spec.(type) {
	case *operator.LookupJoin, *operator.LookupMany, *operator.WindowJoin, *operator.AsofJoin, *operator.TableJoin,
		*operator.ForeignJoin, *operator.ChangeJoin:
		return true
	default:
		return false
	}
}

// conjuncts are the terms of a condition that all have to be true.
func conjuncts(e ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.Binary); ok && b.Op == "AND" {
		return append(conjuncts(b.L), conjuncts(b.R)...)
	}
	return []ast.Expr{e}
}

// readsColumn tells that an expression reads a column or the metadata of a row.
func readsColumn(e expr.Expr) bool {
	if _, ok := e.(*expr.Column); ok {
		return true
	}
	return slices.ContainsFunc(operands(e), readsColumn)
}

// plain returns the column that an expression is, or -1.
func plain(e expr.Expr) int {
	if c, ok := e.(*expr.Column); ok {
		return c.Index
	}
	return -1
}
