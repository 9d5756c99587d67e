package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// rankLimit is what an outer query wants of ROW_NUMBER, RANK or DENSE_RANK of a subquery: numbers up to n only.
type rankLimit struct {
	n      int64
	number bool // the number itself is read
}

// one stands for the number where it is not computed: the first row's is 1, others are not read.
func (r *rankLimit) one(at ast.Span) expr.Expr {
	return &expr.Literal{V: int64(1), T: vector.TBigInt, At: at}
}

var rankKinds = map[string]operator.Rank{
	"ROW_NUMBER": operator.RowNumber, "RANK": operator.RankWithGaps, "DENSE_RANK": operator.DenseRank,
}

// findTopN recognises SELECT .. FROM (SELECT .., ROW_NUMBER() OVER (..) AS n ..) WHERE n <= k. It returns the query
// without that condition, and notes the limit for the subquery.
func (b *Binder) findTopN(q *ast.Query) *ast.Query {
	sub, ok := q.From.(*ast.SubqueryRef)
	if !ok || q.Where == nil {
		return q
	}
	name := rankColumn(sub.Query)
	if name == nil {
		return q
	}
	terms := conjuncts(q.Where)
	at := slices.IndexFunc(terms, func(e ast.Expr) bool { return rankBound(e, *name) > 0 })
	if at < 0 {
		return q
	}
	limit := &rankLimit{n: rankBound(terms[at], *name)}
	out := *q
	out.Where = andAll(slices.Delete(slices.Clone(terms), at, at+1))
	limit.number = limit.n > 1 && readsName(&out, *name)
	if b.ranks == nil {
		b.ranks = map[*ast.Query]*rankLimit{}
	}
	b.ranks[sub.Query] = limit
	return &out
}

// rankColumn is the name of the column that numbers the rows of a query, if that is its only window function.
func rankColumn(q *ast.Query) *ast.Ident {
	if q.Distinct || q.Limit >= 0 || q.Offset > 0 || q.Union != nil || q.Values != nil {
		return nil
	}
	var name *ast.Ident
	for i, it := range q.Items {
		if it.Star {
			continue
		}
		c, ok := it.Expr.(*ast.Call)
		switch {
		case ok && numbers(c) && name == nil && it.Alias != nil:
			name = q.Items[i].Alias
		case findOver(it.Expr) != nil:
			return nil
		}
	}
	return name
}

// numbers tells that a call numbers rows.
func numbers(c *ast.Call) bool {
	return c.Over != nil && numbering[strings.ToUpper(c.Name.Name)] && len(c.Args) == 0
}

// rankBound is the k of n <= k, n < k + 1, n = 1, n BETWEEN 1 AND k; 0 for other conditions.
func rankBound(e ast.Expr, name ast.Ident) int64 {
	switch e := e.(type) {
	case *ast.Between:
		if lo, ok := integer(e.Lo); ok && lo <= 1 && !e.Not && isName(e.X, name) {
			hi, _ := integer(e.Hi)
			return hi
		}
	case *ast.Binary:
		l, op, r := e.L, e.Op, e.R
		if isName(r, name) {
			l, r = r, l
			op = map[string]string{">=": "<=", ">": "<", "=": "="}[op]
		}
		k, ok := integer(r)
		switch {
		case !ok || !isName(l, name):
		case op == "<=", op == "=" && k == 1:
			return k
		case op == "<":
			return k - 1
		}
	}
	return 0
}

func integer(e ast.Expr) (int64, bool) {
	l, ok := e.(*ast.Literal)
	if !ok || l.Kind != ast.IntLit {
		return 0, false
	}
	n, err := strconv.ParseInt(l.Text, 10, 64)
	return n, err == nil
}

func isName(e ast.Expr, name ast.Ident) bool {
	n, ok := e.(*ast.Name)
	return ok && same(n.Parts[len(n.Parts)-1], name.Name)
}

func andAll(terms []ast.Expr) ast.Expr {
	if len(terms) == 0 {
		return nil
	}
	out := terms[0]
	for _, t := range terms[1:] {
		out = &ast.Binary{E: ast.E{At: out.Span().Join(t.Span())}, Op: "AND", L: out, R: t}
	}
	return out
}

// readsName tells whether a query reads a column of its subquery: by name, or with a *.
func readsName(q *ast.Query, name ast.Ident) bool {
	found := false
	look := func(e ast.Expr) {
		walk(e, func(x ast.Expr) bool {
			found = found || isName(x, name)
			return !found
		})
	}
	for _, it := range q.Items {
		found = found || it.Star
		look(it.Expr)
	}
	for _, o := range q.OrderBy {
		look(o.Expr)
	}
	for _, e := range slices.Concat(q.GroupBy, q.Partition, []ast.Expr{q.Where, q.Having}) {
		look(e)
	}
	return found
}

// topN keeps the first rows of each partition.
func (o *overBinding) topN(n *Node, s *overSpec) *Node {
	call := s.calls[0]
	spec := &operator.TopN{
		Order: s.order, N: o.rank.n, Rank: rankKinds[call.name], Number: o.rank.number,
	}
	n, spec.Partition, spec.WindowEnd = o.partitioned(n, s)
	spec.Key, spec.Retracts = upsertKey(n), n.Retracts || n.Bag
	spec.Final = o.final(n, spec.WindowEnd)
	out := appended(n, spec, s.calls)
	if !spec.Number {
		out.Schema = n.Schema
		s.first = -1
	}
	spec.Schema = out.Schema
	o.changing(out, spec.Final)
	if spec.Final {
		return out
	}
	switch {
	case spec.Rank == operator.RowNumber && spec.N == 1 && len(spec.Partition) > 0:
		out.Key = slices.Clone(spec.Partition)
	case spec.Rank == operator.RowNumber && spec.Number:
		out.Key = append(slices.Clone(spec.Partition), s.first)
	}
	out.KeyCols, out.KeyAlts, out.Bag = out.Key, nil, len(out.Key) == 0
	return out
}

// firstRows is ORDER BY .. LIMIT n over rows that never end: the n first rows of the moment, as a changelog.
func (b *Binder) firstRows(n *Node, keys []operator.SortKey, limit int64) *Node {
	spec := &operator.TopN{
		Order: keys, N: limit, Key: upsertKey(n), Retracts: n.Retracts || n.Bag, WindowEnd: -1, Schema: n.Schema,
	}
	p := n.Props
	p.Updating, p.Retracts, p.Table, p.Bag = true, true, true, len(n.Key) == 0
	return &Node{Spec: spec, Inputs: []*Node{n}, Props: p}
}
