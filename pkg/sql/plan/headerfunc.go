package plan

import (
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// headerCalls are the functions that read the headers of a record, and how many arguments are written.
var headerCalls = map[string]int{"HEADER": 1, "HAS_HEADER": 1, "REMOVE_HEADER": 1, "HEADER_KEYS": 0}

// headerCall puts the column of headers in front of the arguments of a function that reads it; nil if it is another
// function.
func (b *exprBinder) headerCall(name string, n *ast.Call) (expr.Expr, error) {
	count, ok := headerCalls[name]
	if !ok || len(n.Args) != count {
		return nil, nil
	}
	var list []*expr.Column
	for _, r := range b.scope.relations {
		for i := r.from; i < r.to; i++ {
			if expr.IsHeaders(b.scope.node.Schema.Fields[i].Type) {
				list = append(list, column(b.scope.node, i))
			}
		}
	}
	switch len(list) {
	case 0:
		return nil, sqlerr.New(sqlerr.UnknownColumn, n.At, "%s reads a column of headers, and there is none", name).
			WithHint("declare it: headers ARRAY<STRUCT<key STRING, value BYTES>> HEADERS")
	case 1:
		args, err := b.bindAll(n.Args)
		if err != nil {
			return nil, err
		}
		list[0].At = n.At
		return b.profile.Call(name, append([]expr.Expr{list[0]}, args...), n.At)
	default:
		return nil, sqlerr.New(sqlerr.Ambiguous, n.At, "%s: two relations have a column of headers", name)
	}
}
