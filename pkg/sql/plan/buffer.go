package plan

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
)

// bufferedQuery makes OVER calls of the aggregates of a query with WINDOW ROWS (BUFFER n ROWS): each row gives the
// aggregates over the last n rows of its group.
func (b *Binder) bufferedQuery(q *ast.Query) (*ast.Query, error) {
	switch {
	case q.Window != nil:
		return nil, unsupported(q.Buffer.At, "WINDOW ROWS beside another window")
	case q.Having != nil:
		return nil, unsupported(q.Having.Span(), "HAVING with WINDOW ROWS").
			WithHint("filter in an outer query: SELECT ... FROM (SELECT ... WINDOW ROWS (...)) WHERE ...")
	case q.Grouping != nil:
		return nil, unsupported(q.Buffer.At, "GROUPING SETS with WINDOW ROWS")
	}
	out := *q
	over := *q.Buffer
	if over.Partition == nil {
		over.Partition = q.GroupBy
	}
	out.Buffer, out.GroupBy, out.Items = nil, nil, make([]ast.SelectItem, len(q.Items))
	if out.Emit == ast.EmitFinal { // a result over the last rows is final already
		out.Emit = ast.EmitChanges
	}
	for i, it := range q.Items {
		it.Expr = rewriteExpr(it.Expr, func(e ast.Expr) ast.Expr {
			c, ok := e.(*ast.Call)
			if !ok || c.Over != nil || !isAggregate(strings.ToUpper(c.Name.Name)) {
				return nil
			}
			call := *c
			call.Over = &over
			return &call
		})
		out.Items[i] = it
	}
	return &out, nil
}
