package plan

import (
	"fmt"
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// bindJoin binds a stream-table join. Other joins are refused by name.
func (b *Binder) bindJoin(j *ast.Join) (*scope, error) {
	if j.AsOf {
		return nil, unsupported(j.At, "ASOF JOIN")
	}
	if j.Within != nil {
		return nil, unsupported(j.Within.At, "a stream-stream join (WITHIN)")
	}
	l, err := b.bindFrom(j.L)
	if err != nil {
		return nil, err
	}
	r, err := b.bindFrom(j.R)
	if err != nil {
		return nil, err
	}
	if err := refuseJoin(j, l, r); err != nil {
		return nil, err
	}
	return b.lookupJoin(j, l, r)
}

func refuseJoin(j *ast.Join, l, r *scope) error {
	switch {
	case !l.node.Table && !r.node.Table:
		return unsupported(j.At, "a stream-stream join").WithHint("one side is to be a TABLE; WITHIN joins of " +
			"streams come later")
	case l.node.Table && r.node.Table:
		return unsupported(j.At, "a table-table join")
	case l.node.Table:
		return unsupported(j.At, "a join with the table first").WithHint("FROM stream JOIN table ON ...")
	case j.Kind == ast.Right || j.Kind == ast.Full:
		return sqlerr.New(sqlerr.BadStatement, j.At, "a stream-table join is INNER or LEFT").
			WithHint("only rows of the stream trigger results")
	case j.Kind == ast.Cross || j.On == nil:
		return sqlerr.New(sqlerr.BadStatement, j.At, "a join needs ON with an equality of the table's key")
	}
	return nil
}

// equality is one `stream expression = table column` of ON.
type equality struct {
	l, r expr.Expr
	at   ast.Span
}

func (b *Binder) lookupJoin(j *ast.Join, l, r *scope) (*scope, error) {
	both := joinScope(l, r)
	var eqs []equality
	var rest []expr.Expr
	var others []ast.Expr
	for _, c := range conjuncts(j.On) {
		eq, x, err := b.splitEquality(c, l, r, both)
		if err != nil {
			return nil, err
		}
		if x == nil && !isKey(eq.r, r.node) { // an equality that finds no row of the table: a condition like others
			if x, err = b.binder(both).bind(c); err != nil {
				return nil, err
			}
			others = append(others, c)
		}
		if x != nil {
			rest = append(rest, x)
			continue
		}
		eqs = append(eqs, eq)
	}
	if len(eqs) == 0 && len(others) > 0 {
		return nil,
			unsupported(others[0].Span(), "a join on other columns than the primary key of "+r.relations[0].describe())
	}
	if len(eqs) == 0 {
		return nil, sqlerr.New(sqlerr.BadStatement, j.On.Span(),
			"ON needs an equality between the stream and the table's key")
	}
	if len(rest) > 0 && j.Kind == ast.Left {
		return nil, unsupported(rest[0].Span(), "a further condition in ON of a LEFT JOIN")
	}
	n, err := lookupNode(j, l, r, eqs)
	if err != nil {
		return nil, err
	}
	both.node.Schema, both.node = n.Schema, n
	for _, x := range rest {
		both.node = filter(both.node, x)
	}
	return both, nil
}

// joinScope is the scope behind a join: the left columns, then the right ones.
// isKey tells whether x is a column of the table's primary key.
func isKey(x expr.Expr, table *Node) bool {
	c, ok := x.(*expr.Column)
	return ok && slices.Contains(table.Key, c.Index)
}

func joinScope(l, r *scope) *scope {
	width := len(l.node.Schema.Fields)
	s := &vector.Schema{Fields: append(slices.Clone(l.node.Schema.Fields), r.node.Schema.Fields...)}
	n := &Node{Props: l.node.Props}
	n.Schema = s
	out := &scope{node: n, relations: slices.Clone(l.relations)}
	for _, rel := range r.relations {
		rel.from, rel.to = rel.from+width, rel.to+width
		out.relations = append(out.relations, rel)
	}
	return out
}

func conjuncts(e ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.Binary); ok && b.Op == "AND" {
		return append(conjuncts(b.L), conjuncts(b.R)...)
	}
	return []ast.Expr{e}
}

// splitEquality takes one conjunct of ON apart; one that is no equality between the sides comes back bound over both.
func (b *Binder) splitEquality(c ast.Expr, l, r, both *scope) (equality, expr.Expr, error) {
	rest, err := b.binder(both).bind(c)
	if err != nil {
		return equality{}, nil, err
	}
	bin, ok := c.(*ast.Binary)
	if !ok || bin.Op != "=" {
		return equality{}, rest, wantBoolean(rest, "ON")
	}
	bindIn := func(s *scope, e ast.Expr) expr.Expr {
		x, err := b.binder(s).bind(e)
		if err != nil {
			return nil
		}
		return x
	}
	for _, sides := range [2][2]ast.Expr{{bin.L, bin.R}, {bin.R, bin.L}} {
		x, y := bindIn(l, sides[0]), bindIn(r, sides[1])
		if x == nil || y == nil {
			continue
		}
		t, err := expr.CommonType(x.Type(), y.Type())
		if err != nil {
			return equality{}, nil, sqlerr.New(sqlerr.TypeMismatch, bin.At, "ON compares %s with %s", x.Type(),
				y.Type())
		}
		if !x.Type().Equal(t) {
			if x, err = expr.NewCast(x, t, false, x.Span()); err != nil {
				return equality{}, nil, err
			}
		}
		return equality{l: x, r: y, at: bin.At}, nil, nil
	}
	return equality{}, rest, nil
}

// lookupNode checks that the equalities are the table's key and puts the join together.
func lookupNode(j *ast.Join, l, r *scope, eqs []equality) (*Node, error) {
	if len(r.node.Key) == 0 {
		return nil, sqlerr.New(sqlerr.BadStatement, j.At, "%s has no primary key to join on",
			r.relations[0].describe()).
			WithHint("declare it: CREATE TABLE ... (id BIGINT PRIMARY KEY, ...)")
	}
	var streamKeys, tableKeys []int
	left := l.node
	exprs, names := identity(left)
	for _, k := range r.node.Key {
		i := slices.IndexFunc(eqs, func(e equality) bool {
			c, ok := e.r.(*expr.Column)
			return ok && c.Index == k
		})
		if i < 0 {
			return nil, unsupported(j.On.Span(), fmt.Sprintf("a join on other columns than the primary key of %s",
				r.relations[0].describe()))
		}
		col := slices.IndexFunc(exprs, func(e expr.Expr) bool { return sameExpr(e, eqs[i].l) })
		if col < 0 {
			col = len(exprs)
			exprs, names = append(exprs, eqs[i].l), append(names, fmt.Sprintf("$join%d", col))
		}
		streamKeys, tableKeys = append(streamKeys, col), append(tableKeys, k)
	}
	if len(eqs) > len(r.node.Key) {
		return nil, unsupported(j.On.Span(), "ON with more equalities than the primary key has columns")
	}
	if len(exprs) > len(left.Schema.Fields) {
		return nil, unsupported(j.On.Span(), "ON with an expression").
			WithHint("compute it in a subquery and join on the column")
	}
	out := joinScope(l, r).node
	out.Inputs = []*Node{left, r.node}
	out.Spec = &operator.LookupJoin{
		StreamKeys: streamKeys, TableKeys: tableKeys, Left: j.Kind == ast.Left,
		Schema: out.Schema,
	}
	out.Part, out.Key = slices.Clone(streamKeys), left.Key
	return out, nil
}
