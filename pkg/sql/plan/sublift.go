package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
)

// liftSubqueries rewrites a query that aggregates and holds subqueries in its select list or HAVING: the aggregation
// becomes a subquery in FROM, so that what is left is a projection with a WHERE.
func (b *Binder) liftSubqueries(q *ast.Query) *ast.Query {
	items := slices.ContainsFunc(q.Items, func(it ast.SelectItem) bool {
		return it.Expr != nil && findSubquery(it.Expr) != nil
	})
	grouped := len(q.GroupBy) > 0 || q.Window != nil || q.Having != nil || slices.ContainsFunc(q.Items,
		func(it ast.SelectItem) bool { return it.Expr != nil && containsAggregateCall(it.Expr) })
	having := q.Having != nil && findSubquery(q.Having) != nil
	stars := slices.ContainsFunc(q.Items, func(it ast.SelectItem) bool { return it.Star })
	if !grouped || !items && !having || stars || q.Grouping != nil || q.Emit == ast.EmitFinal || q.Distinct {
		return q
	}
	l := &lift{q: q}
	return l.rewrite()
}

// lift is a rewriting in progress: what the inner query selects.
type lift struct {
	q     *ast.Query
	items []ast.SelectItem
	texts []string
	keys  []string
}

func (l *lift) rewrite() *ast.Query {
	q := l.q
	inner, outer := *q, *q
	inner.With, inner.OrderBy, inner.Limit, inner.Offset, inner.Having = nil, nil, -1, 0, nil
	inner.Emit = ast.EmitDefault
	for _, g := range q.GroupBy {
		l.keys = append(l.keys, ast.FormatExpr(l.group(g)))
	}
	outer.Items = make([]ast.SelectItem, len(q.Items))
	for i, it := range q.Items {
		it.Expr = l.replace(it.Expr)
		if it.Alias == nil {
			if n, ok := q.Items[i].Expr.(*ast.Name); ok {
				it.Alias = &n.Parts[len(n.Parts)-1]
			}
		}
		outer.Items[i] = it
	}
	outer.GroupBy, outer.Window, outer.Where, outer.Having = nil, nil, nil, nil
	if q.Having != nil {
		outer.Where = l.replace(l.aliases(q.Having))
	}
	inner.Items = l.items
	outer.From = &ast.SubqueryRef{Query: &inner, Alias: l.alias(), At: q.At}
	return &outer
}

// alias names the inner query as its only relation is named, for subqueries that refer to it.
func (l *lift) alias() *ast.Ident {
	t, ok := l.q.From.(*ast.TableRef)
	switch {
	case !ok:
		return nil
	case t.Alias != nil:
		return t.Alias
	default:
		return &t.Name
	}
}

// group is an expression of GROUP BY, with the select item that an ordinal or an alias means.
func (l *lift) group(g ast.Expr) ast.Expr {
	switch n := g.(type) {
	case *ast.Literal:
		if i, err := ordinal(n, len(l.q.Items)); n.Kind == ast.IntLit && err == nil {
			return l.q.Items[i].Expr
		}
	case *ast.Name:
		for _, it := range l.q.Items {
			if len(n.Parts) == 1 && it.Alias != nil && same(n.Parts[0], it.Alias.Name) {
				return it.Expr
			}
		}
	}
	return g
}

// aliases puts the select items in where HAVING names them.
func (l *lift) aliases(e ast.Expr) ast.Expr {
	return rewriteExpr(e, func(x ast.Expr) ast.Expr {
		n, ok := x.(*ast.Name)
		if !ok || len(n.Parts) != 1 {
			return nil
		}
		for _, it := range l.q.Items {
			if it.Alias != nil && same(n.Parts[0], it.Alias.Name) {
				return it.Expr
			}
		}
		return nil
	})
}

// replace puts columns of the inner query in place of aggregates, group expressions and names.
func (l *lift) replace(e ast.Expr) ast.Expr {
	return rewriteExpr(e, func(x ast.Expr) ast.Expr {
		if c, ok := x.(*ast.Call); ok && c.Over == nil && isAggregate(strings.ToUpper(c.Name.Name)) {
			return l.column(x, "")
		}
		if n, ok := x.(*ast.Name); ok {
			return l.column(x, n.Parts[len(n.Parts)-1].Name)
		}
		if slices.Contains(l.keys, ast.FormatExpr(x)) && findSubquery(x) == nil {
			return l.column(x, "")
		}
		return nil
	})
}

// column is the column of the inner query that computes e.
func (l *lift) column(e ast.Expr, name string) ast.Expr {
	text := ast.FormatExpr(e)
	i := slices.Index(l.texts, text)
	if i < 0 {
		i = len(l.items)
		if name == "" || slices.ContainsFunc(l.items, func(it ast.SelectItem) bool { return it.Alias.Name == name }) {
			name = fmt.Sprintf("$lift%d", i)
		}
		l.items, l.texts = append(l.items, named(e, name)), append(l.texts, text)
	}
	id := ast.Ident{Name: l.items[i].Alias.Name, Quoted: true, At: e.Span()}
	return &ast.Name{E: ast.E{At: e.Span()}, Parts: []ast.Ident{id}}
}
