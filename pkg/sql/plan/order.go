package plan

import (
	"fmt"
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// bindOrderLimit puts Sort or Limit on top.
func (b *Binder) bindOrderLimit(q *ast.Query, in *scope, n *Node) (*Node, error) {
	if q.Limit >= 0 && b.Mode == Persistent && len(q.OrderBy) == 0 {
		return nil, sqlerr.New(sqlerr.BadStatement, q.LimitAt, "LIMIT has no meaning in a query that keeps running")
	}
	if q.Offset > 0 && b.Mode != Bounded {
		return nil, sqlerr.New(sqlerr.BadStatement, q.LimitAt, "OFFSET needs bounded input or a pull query")
	}
	if len(q.OrderBy) == 0 {
		if q.Limit < 0 && q.Offset == 0 {
			return n, nil
		}
		spec := &operator.Limit{N: q.Limit, Offset: q.Offset, Schema: n.Schema}
		return &Node{Spec: spec, Inputs: []*Node{n}, Props: n.Props}, nil
	}
	byWindow := q.Emit == ast.EmitFinal && !n.Updating
	if b.Mode != Bounded && !byWindow && q.Limit < 0 {
		return nil, sqlerr.New(sqlerr.BadStatement, q.OrderBy[0].Expr.Span(),
			"ORDER BY has no meaning on an endless result").
			WithHint("it orders bounded input (leat run), pull queries and the windows of EMIT FINAL; " +
				"with LIMIT it keeps the first rows")
	}
	return b.bindOrder(q, in, n, byWindow)
}

// bindOrder sorts the result n; a key may also read columns of the input that the select list leaves out. Over an
// endless result the rows of each closed window are sorted, or the first rows of the moment are kept.
func (b *Binder) bindOrder(q *ast.Query, from *scope, n *Node, byWindow bool) (*Node, error) {
	hidden := n.Hidden
	shown := len(n.Schema.Fields) - hidden
	n, named := b.addOrderKeys(q, from, n)
	in, keys, err := b.orderKeys(q, n, named)
	if err != nil {
		return nil, err
	}
	var sorted *Node
	switch {
	case b.Mode == Bounded:
		sorted = &Node{Spec: &operator.Sort{
			Keys: keys, Limit: q.Limit, Offset: q.Offset, Schema: in.Schema,
		}, Inputs: []*Node{in}, Props: in.Props}
	case byWindow && in.WindowEnd < 0:
		return nil, sqlerr.New(sqlerr.BadStatement, q.OrderBy[0].Expr.Span(),
			"ORDER BY of an endless result orders each window; its end is not selected").
			WithHint("add window_end to the select list")
	case byWindow:
		sorted = &Node{Spec: &operator.Sort{
			Keys: keys, Limit: q.Limit, ByWindow: true, WindowEnd: in.WindowEnd, Schema: in.Schema,
		}, Inputs: []*Node{in}, Props: in.Props}
	default:
		sorted = b.firstRows(in, keys, q.Limit)
	}
	if width := shown + hidden; len(in.Schema.Fields) > width {
		exprs, names := identity(sorted)
		props := sorted.Props
		sorted = project(sorted, exprs[:width], names[:width])
		sorted.Updating, sorted.Retracts = props.Updating, props.Retracts
		sorted.Hidden = hidden
	}
	return sorted, nil
}

// orderKeys binds ORDER BY over the result; a key that is no column of it becomes one.
func (b *Binder) orderKeys(q *ast.Query, n *Node, named orderNames) (*Node, []operator.SortKey, error) {
	sc := &scope{node: n, relations: []relation{{alias: ast.Ident{Name: "the result"}, to: len(n.Schema.Fields)}}}
	exprs, names := identity(n)
	var keys []operator.SortKey
	for _, o := range q.OrderBy {
		x, err := b.bindOrderKey(o.Expr, sc, named)
		if err != nil {
			return nil, nil, err
		}
		col := slices.IndexFunc(exprs, func(e expr.Expr) bool { return sameExpr(e, x) })
		if col < 0 {
			col = len(exprs)
			exprs, names = append(exprs, x), append(names, fmt.Sprintf("$sort%d", col))
		}
		nullsLast := !o.Desc // as in PostgreSQL: NULLs are larger than all values
		if o.NullsSet {
			nullsLast = o.NullsLast
		}
		keys = append(keys, operator.SortKey{Col: col, Desc: o.Desc, NullsLast: nullsLast})
	}
	if len(exprs) == len(n.Schema.Fields) {
		return n, keys, nil
	}
	return project(n, exprs, names), keys, nil
}
