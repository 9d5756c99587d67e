package plan

import (
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// maxRelations bounds the relations of a statement, counted each time that a WITH query is used.
const maxRelations = 200

// bindFrom binds what stands in FROM.
func (b *Binder) bindFrom(r ast.Relation) (*scope, error) {
	if b.relations++; r != nil && b.relations > maxRelations {
		return nil, sqlerr.New(sqlerr.TooLarge, r.Span(), "the statement reads more than %d relations", maxRelations)
	}
	switch r := r.(type) {
	case nil:
		return &scope{node: constants([][]expr.Expr{{}}, &vector.Schema{})}, nil
	case *ast.TableRef:
		return b.bindTable(r)
	case *ast.SubqueryRef:
		return b.bindSubquery(r)
	case *ast.Join:
		if u, ok := r.R.(*ast.Unnest); ok {
			return b.joinUnnest(r, u)
		}
		return b.bindJoin(r)
	case *ast.Unnest:
		one := &scope{node: constants([][]expr.Expr{{}}, &vector.Schema{})}
		return b.bindUnnest(one, r, false)
	case *ast.WindowTVF:
		return b.bindTVF(r)
	default:
		return nil, unsupported(r.Span(), "this relation")
	}
}

func (b *Binder) bindTable(r *ast.TableRef) (*scope, error) {
	if r.File {
		return b.bindFile(r)
	}
	if sc, err := b.bindCTE(r); sc != nil || err != nil {
		return sc, err
	}
	o, err := lookup(b.Catalog, r.Name)
	if err != nil {
		return nil, err
	}
	alias := ast.Ident{Name: o.Name, Quoted: true, At: r.At}
	if r.Alias != nil {
		alias = *r.Alias
	}
	n := scanNode(o)
	return &scope{node: n, relations: []relation{{alias: alias, from: 0, to: len(n.Schema.Fields), object: o}}}, nil
}

func (b *Binder) bindSubquery(r *ast.SubqueryRef) (*scope, error) {
	was := b.inner
	b.inner = true
	n, err := b.bindQuery(r.Query, false)
	b.inner = was
	if err != nil {
		return nil, err
	}
	alias := ast.Ident{Name: "the subquery", Quoted: true}
	if r.Alias != nil {
		alias = *r.Alias
	}
	return subqueryScope(n, alias), nil
}

// subqueryScope is the scope of a query in FROM; columns that it kept for its key alone cannot be named.
func subqueryScope(n *Node, alias ast.Ident) *scope {
	return &scope{node: n, relations: []relation{{alias: alias, from: 0, to: len(n.Schema.Fields) - n.Hidden}}}
}

// cte is a WITH query in the scope of the statement, and the ones in front of it that it may name.
type cte struct {
	name  ast.Ident
	query *ast.Query
	outer *cte
}

// bindCTE binds a name of WITH; nil where it is none. Each use is bound anew.
func (b *Binder) bindCTE(r *ast.TableRef) (*scope, error) {
	for c := b.ctes; c != nil; c = c.outer {
		if !same(r.Name, c.name.Name) {
			continue
		}
		was := b.ctes
		b.ctes = c.outer
		defer func() { b.ctes = was }()
		alias := r.Alias
		if alias == nil {
			alias = &ast.Ident{Name: c.name.Name, Quoted: true, At: r.At}
		}
		return b.bindSubquery(&ast.SubqueryRef{Query: c.query, Alias: alias, At: r.At})
	}
	return nil, nil
}

// withCTEs makes the WITH queries of q known; the result forgets them.
func (b *Binder) withCTEs(q *ast.Query) func() {
	was := b.ctes
	for i := range q.With {
		b.ctes = &cte{name: q.With[i].Name, query: q.With[i].Query, outer: b.ctes}
	}
	return func() { b.ctes = was }
}

// bindWhere puts the condition of WHERE on a scope.
func (b *Binder) bindWhere(sc *scope, where ast.Expr) (*scope, error) {
	sc, where, err := b.bindSubqueryTerms(sc, where)
	if err != nil || where == nil {
		return sc, err
	}
	pred, err := b.binder(sc).bind(where)
	if err != nil {
		return nil, err
	}
	if err := wantBoolean(pred, "WHERE"); err != nil {
		return nil, err
	}
	out := *sc
	out.node = pushFilter(sc.node, pred)
	return &out, nil
}
