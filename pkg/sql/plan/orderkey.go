package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
)

// orderNames are the columns of the result that hold the input's columns which ORDER BY names.
type orderNames map[*ast.Name]int

// bindOrderKey binds an ORDER BY key: an ordinal, a result column, or an expression over result columns. A name with
// its relation is the input's column, also where a column of the result has that name; where the input's rows are not
// there any more, as behind an aggregation, it is the result's column of the name.
func (b *Binder) bindOrderKey(e ast.Expr, sc *scope, named orderNames) (expr.Expr, error) {
	n := sc.node
	if l, ok := e.(*ast.Literal); ok && l.Kind == ast.IntLit {
		i, err := ordinal(l, len(n.Schema.Fields))
		if err != nil {
			return nil, err
		}
		return column(n, i), nil
	}
	eb := b.binder(sc)
	eb.special = func(e ast.Expr) (expr.Expr, error) {
		name, ok := e.(*ast.Name)
		if !ok {
			return nil, nil
		}
		if col, ok := named[name]; ok {
			return column(n, col), nil
		}
		if len(name.Parts) != 2 {
			return nil, nil
		}
		return sc.resolve(&ast.Name{E: name.E, Parts: name.Parts[1:]})
	}
	return eb.bind(e)
}

// addOrderKeys appends to a plain projection the columns of its input that ORDER BY names and the result does not have.
func (b *Binder) addOrderKeys(q *ast.Query, from *scope, n *Node) (*Node, orderNames) {
	p, ok := n.Spec.(*operator.Project)
	if !ok || n.Inputs[0] != from.node || q.Distinct {
		return n, nil
	}
	result := &scope{node: n, relations: []relation{{alias: ast.Ident{Name: "the result"}, to: len(n.Schema.Fields)}}}
	exprs, names, at := slices.Clone(p.Exprs), fieldNames(n), orderNames{}
	for _, o := range q.OrderBy {
		walk(o.Expr, func(e ast.Expr) bool {
			name, ok := e.(*ast.Name)
			if !ok || len(name.Parts) == 1 && len(result.find(nil, name.Parts[0])) > 0 {
				return true
			}
			x, err := from.resolve(name)
			if err != nil {
				return true
			}
			col := slices.IndexFunc(exprs, func(e expr.Expr) bool { return sameExpr(e, x) })
			if col < 0 {
				col = len(exprs)
				exprs, names = append(exprs, x), append(names, freeName(name.Parts[len(name.Parts)-1].Name, names))
			}
			at[name] = col
			return true
		})
	}
	if len(exprs) == len(p.Exprs) {
		return n, at
	}
	out := project(from.node, exprs, names)
	out.Updating, out.Table = n.Updating, n.Table
	return out, at
}
