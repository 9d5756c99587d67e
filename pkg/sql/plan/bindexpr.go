package plan

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// exprBinder binds expressions in a scope. special, if set, sees every node first: the aggregate and OVER binders use
// it to replace calls by columns.
type exprBinder struct {
	scope   *scope
	aliases map[string]expr.Expr // select aliases, lower case; used where no column has the name
	special func(ast.Expr) (expr.Expr, error)
	// star, if set, maps a column of the input that a * stands for.
	star    func(col int, at ast.Span) (expr.Expr, error)
	profile expr.Profile
	extern  Functions
	params  []*expr.Param // of the lambdas around what is bound
	lambdas int           // the last id of a parameter
}

// binder binds expressions in a scope, under the profile of the statement.
func (b *Binder) binder(sc *scope) *exprBinder {
	return &exprBinder{scope: sc, extern: b.Functions, profile: b.Profile}
}

func unsupported(at ast.Span, what string) *sqlerr.Error {
	return sqlerr.New(sqlerr.NotSupported, at, "%s is not supported", what)
}

func (b *exprBinder) bindAll(list []ast.Expr) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(list))
	for i, a := range list {
		e, err := b.bind(a)
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

// bind types an expression.
func (b *exprBinder) bind(e ast.Expr) (expr.Expr, error) {
	if x, ok := b.scope.subqueryValue(e); ok {
		return x, nil
	}
	if n, ok := e.(*ast.Name); ok {
		if p := b.param(n); p != nil {
			return p, nil
		}
	}
	if b.special != nil && !b.readsParam(e) {
		if x, err := b.special(e); x != nil || err != nil {
			return x, err
		}
	}
	switch n := e.(type) {
	case *ast.Literal:
		return bindLiteral(n)
	case *ast.Name:
		return b.bindName(n)
	case *ast.Unary:
		return b.bindUnary(n)
	case *ast.Binary:
		if err := refuseNull(n); err != nil {
			return nil, err
		}
		return b.call(n.Op, n.At, n.L, n.R)
	case *ast.IsNull:
		return b.bindIsNull(n)
	case *ast.Between:
		return b.negate(n.Not, n.At)(b.call("BETWEEN", n.At, n.X, n.Lo, n.Hi))
	case *ast.Like:
		return b.bindLike(n)
	case *ast.In:
		return b.bindIn(n)
	case *ast.Case:
		return b.bindCase(n)
	case *ast.Cast:
		return b.bindCast(n)
	case *ast.Call:
		return b.bindCall(n)
	case *ast.AtTimeZone:
		return b.call("CONVERT_TZ", n.At, n.X, &ast.Literal{E: ast.E{At: n.At}, Kind: ast.StringLit, Text: "UTC"},
			n.Zone)
	default:
		if x, err := b.bindNested(e); x != nil || err != nil {
			return x, err
		}
		return b.refuse(e)
	}
}

func (b *exprBinder) bindUnary(n *ast.Unary) (expr.Expr, error) {
	if l, ok := n.X.(*ast.Literal); ok && n.Op == "-" && l.Kind == ast.IntLit { // -9223372036854775808 is in range
		return bindLiteral(&ast.Literal{E: n.E, Kind: l.Kind, Text: "-" + l.Text})
	}
	return b.call(map[string]string{"-": "NEG", "+": "+", "NOT": "NOT"}[n.Op], n.At, n.X)
}

func (b *exprBinder) bindCast(n *ast.Cast) (expr.Expr, error) {
	x, err := b.bind(n.X)
	if err != nil {
		return nil, err
	}
	if err := b.ksqlCast(x.Type(), n.To, n.At); err != nil {
		return nil, err
	}
	return b.profile.Cast(x, n.To, n.Try, n.At)
}

// refuseNull refuses a comparison with a literal NULL: it is never true.
func refuseNull(n *ast.Binary) error {
	if !slices.Contains([]string{"=", "<>", "!=", "<", "<=", ">", ">="}, n.Op) {
		return nil
	}
	for _, side := range []ast.Expr{n.L, n.R} {
		if l, ok := side.(*ast.Literal); ok && l.Kind == ast.NullLit {
			return sqlerr.New(sqlerr.BadStatement, n.At, "a comparison with NULL is never true").
				WithHint("IS NULL, IS NOT NULL")
		}
	}
	return nil
}

func (b *exprBinder) refuse(e ast.Expr) (expr.Expr, error) {
	switch e.(type) {
	case *ast.Star:
		return nil, sqlerr.New(sqlerr.BadStatement, e.Span(), "* stands only in a select list and in COUNT(*)")
	case *ast.Subquery:
		return nil, unsupported(e.Span(), "a subquery in an expression")
	default:
		return nil, unsupported(e.Span(), "this expression")
	}
}

func (b *exprBinder) bindName(n *ast.Name) (expr.Expr, error) {
	x, err := b.scope.resolve(n)
	if err == nil {
		return x, nil
	}
	if len(n.Parts) > 1 {
		if x, inner := b.bindPath(n); x != nil || inner != nil {
			return x, inner
		}
		return nil, err
	}
	if a, ok := b.aliases[strings.ToLower(n.Parts[0].Name)]; ok {
		return a, nil
	}
	return nil, err
}

// call binds the arguments and applies a row of the table of functions.
func (b *exprBinder) call(name string, at ast.Span, args ...ast.Expr) (expr.Expr, error) {
	_, own := b.extern[name]
	if _, known := expr.Lookup(name); !known && !own { // before the arguments, which may be wrong for that reason alone
		var aggregates []string
		for _, a := range operator.Aggregates() {
			aggregates = append(aggregates, a.Name)
		}
		return nil, expr.UnknownFunc(name, aggregates, at)
	}
	bound, err := b.bindAll(args)
	if err != nil {
		return nil, err
	}
	if name == "+" && len(bound) == 1 {
		return bound[0], nil
	}
	if f, ok := b.extern[name]; ok {
		return b.profile.Apply(f, bound, at)
	}
	return b.profile.Call(name, bound, at)
}

func (b *exprBinder) negate(not bool, at ast.Span) func(expr.Expr, error) (expr.Expr, error) {
	return func(x expr.Expr, err error) (expr.Expr, error) {
		if err != nil || !not {
			return x, err
		}
		return b.profile.Call("NOT", []expr.Expr{x}, at)
	}
}

func (b *exprBinder) bindIsNull(n *ast.IsNull) (expr.Expr, error) {
	if n.Truth == "" {
		return b.negate(n.Not, n.At)(b.call("IS NULL", n.At, n.X))
	}
	truth := &ast.Literal{E: ast.E{At: n.At}, Kind: ast.BoolLit, Text: n.Truth}
	return b.negate(!n.Not, n.At)(b.call("IS DISTINCT FROM", n.At, n.X, truth))
}

func (b *exprBinder) bindLike(n *ast.Like) (expr.Expr, error) {
	args := []ast.Expr{n.X, n.Pattern}
	if n.Escape != "" {
		args = append(args, &ast.Literal{E: ast.E{At: n.At}, Kind: ast.StringLit, Text: n.Escape})
	}
	return b.negate(n.Not, n.At)(b.call("LIKE", n.At, args...))
}

func (b *exprBinder) bindIn(n *ast.In) (expr.Expr, error) {
	if n.Query != nil {
		return nil, unsupported(n.At, "IN (SELECT ...)")
	}
	return b.negate(n.Not, n.At)(b.call("IN", n.At, append([]ast.Expr{n.X}, n.List...)...))
}

func (b *exprBinder) bindCase(n *ast.Case) (expr.Expr, error) {
	var when []expr.Expr
	for _, w := range n.When {
		var x expr.Expr
		var err error
		if n.Of != nil {
			x, err = b.call("=", w.Span(), n.Of, w)
		} else {
			x, err = b.bind(w)
		}
		if err != nil {
			return nil, err
		}
		when = append(when, x)
	}
	then, err := b.bindAll(n.Then)
	if err != nil {
		return nil, err
	}
	var els expr.Expr
	if n.Else != nil {
		if els, err = b.bind(n.Else); err != nil {
			return nil, err
		}
	}
	return b.profile.Case(when, then, els, n.At)
}

func (b *exprBinder) bindCall(n *ast.Call) (expr.Expr, error) {
	name := strings.ToUpper(n.Name.Name)
	if n.Over != nil {
		return nil, sqlerr.New(sqlerr.BadStatement, n.At, "%s(...) OVER stands only in the select list", name)
	}
	if isAggregate(name) {
		if _, scalar := expr.Lookup(name); !scalar {
			return nil, sqlerr.New(sqlerr.BadStatement, n.At, "the aggregate %s may not stand here", name).
				WithHint("aggregates stand in the select list and in HAVING, and do not nest")
		}
	}
	if n.Distinct || n.Filter != nil {
		return nil, sqlerr.New(sqlerr.BadStatement, n.At,
			"DISTINCT and FILTER belong to aggregates; %s is a scalar function", name)
	}
	if name == "TRY" && len(n.Args) == 1 {
		x, err := b.bind(n.Args[0])
		if err != nil {
			return nil, err
		}
		return &expr.Try{X: x, At: n.At}, nil
	}
	args := n.Args
	if hasLambda(args) {
		return b.lambdaCall(name, n)
	}
	if f, ok := expr.Lookup(name); ok && f.Unit {
		args = unitFirst(args)
	}
	if x, err := b.headerCall(name, n); x != nil || err != nil {
		return x, err
	}
	return b.call(name, n.At, args...)
}

// unitFirst turns the unit of DATEADD(DAYS, 3, d), which reads like a column, into a string.
func unitFirst(args []ast.Expr) []ast.Expr {
	if len(args) == 0 {
		return args
	}
	name, ok := args[0].(*ast.Name)
	if !ok || len(name.Parts) != 1 || !expr.IsTimeUnit(name.Parts[0].Name) {
		return args
	}
	unit := &ast.Literal{E: name.E, Kind: ast.StringLit, Text: name.Parts[0].Name}
	return append([]ast.Expr{unit}, args[1:]...)
}

func isAggregate(name string) bool { return operator.IsAggregate(name) }

// wantBoolean refuses a condition of another type.
func wantBoolean(x expr.Expr, clause string) error {
	if k := x.Type().Kind; k != vector.Boolean && k != vector.Null {
		return sqlerr.New(sqlerr.TypeMismatch, x.Span(), "%s wants a BOOLEAN, this is %s", clause, x.Type()).
			WithHint("compare it with something")
	}
	return nil
}
