package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// parseExpr reads one expression; the tests' own binder below knows columns by name.
func parseExpr(text string) (ast.Expr, error) {
	stmts, errs := parser.Parse("SELECT "+text+" AS x FROM t;", parser.Options{})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	sel, ok := stmts[0].(*ast.Select)
	if !ok || len(sel.Query.Items) != 1 {
		return nil, fmt.Errorf("%q is no single expression", text)
	}
	return sel.Query.Items[0].Expr, nil
}

type columns map[string]*Column

// underKsql, as the name of a column, binds under the ksql profile.
const underKsql = "(ksql)"

func (c columns) profile() Profile {
	if _, ok := c[underKsql]; ok {
		return Ksql
	}
	return Leat
}

func (c columns) bindAll(list ...ast.Expr) ([]Expr, error) {
	var out []Expr
	for _, a := range list {
		x, err := c.bind(a)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

func (c columns) call(name string, at sqlerr.Span, args ...ast.Expr) (Expr, error) {
	bound, err := c.bindAll(args...)
	if err != nil {
		return nil, err
	}
	return c.profile().Call(name, bound, at)
}

// not binds NOT x; no profile changes it.
func not(x Expr, err error, yes bool) (Expr, error) {
	if err != nil || !yes {
		return x, err
	}
	return NewCall("NOT", []Expr{x}, x.Span())
}

func (c columns) bind(e ast.Expr) (Expr, error) {
	switch n := e.(type) {
	case *ast.Literal:
		return bindLiteral(n)
	case *ast.Name:
		if col, ok := c[n.Parts[0].Name]; ok {
			return col, nil
		}
		if IsTimeUnit(n.Parts[0].Name) {
			return &Literal{V: n.Parts[0].Name, T: vector.TString}, nil
		}
		return nil, sqlerr.New(sqlerr.UnknownColumn, n.At, "no column %s", n.Parts[0].Name)
	case *ast.Unary:
		if n.Op == "+" {
			return c.bind(n.X)
		}
		return c.call(map[string]string{"-": "NEG", "NOT": "NOT"}[n.Op], n.At, n.X)
	case *ast.Binary:
		return c.call(n.Op, n.At, n.L, n.R)
	case *ast.IsNull:
		x, err := c.call("IS NULL", n.At, n.X)
		return not(x, err, n.Not)
	case *ast.Between:
		x, err := c.call("BETWEEN", n.At, n.X, n.Lo, n.Hi)
		return not(x, err, n.Not)
	case *ast.In:
		x, err := c.call("IN", n.At, append([]ast.Expr{n.X}, n.List...)...)
		return not(x, err, n.Not)
	case *ast.Like:
		args := []ast.Expr{n.X, n.Pattern}
		if n.Escape != "" {
			args = append(args, &ast.Literal{Kind: ast.StringLit, Text: n.Escape})
		}
		x, err := c.call("LIKE", n.At, args...)
		return not(x, err, n.Not)
	case *ast.Case:
		return c.bindCase(n)
	case *ast.Cast:
		x, err := c.bind(n.X)
		if err != nil {
			return nil, err
		}
		return c.profile().Cast(x, n.To, n.Try, n.At)
	case *ast.Call:
		if strings.EqualFold(n.Name.Name, "TRY") {
			x, err := c.bind(n.Args[0])
			return &Try{X: x}, err
		}
		return c.lambdaCall(n.Name.Name, n.At, n.Args)
	default:
		return c.bindNested(e)
	}
}

func (c columns) bindCase(n *ast.Case) (Expr, error) {
	when, err := c.bindAll(n.When...)
	if err != nil {
		return nil, err
	}
	if n.Of != nil {
		for i, w := range n.When {
			if when[i], err = c.call("=", n.At, n.Of, w); err != nil {
				return nil, err
			}
		}
	}
	then, err := c.bindAll(n.Then...)
	if err != nil {
		return nil, err
	}
	var els Expr
	if n.Else != nil {
		if els, err = c.bind(n.Else); err != nil {
			return nil, err
		}
	}
	return c.profile().Case(when, then, els, n.At)
}

func bindLiteral(n *ast.Literal) (Expr, error) {
	lit := func(v any, t vector.Type) (Expr, error) { return &Literal{V: v, T: t, At: n.At}, nil }
	switch n.Kind {
	case ast.NullLit:
		return lit(nil, vector.TNull)
	case ast.BoolLit:
		return lit(strings.EqualFold(n.Text, "true"), vector.TBoolean)
	case ast.IntLit:
		v, err := strconv.ParseInt(n.Text, 10, 64)
		if err != nil {
			return nil, err
		}
		if v > math.MaxInt32 {
			return lit(v, vector.TBigInt)
		}
		return lit(v, vector.TInt)
	case ast.DecimalLit:
		p, s, _ := vector.DecimalShape([]byte(n.Text))
		v, err := vector.ParseDecimal([]byte(n.Text), int(p), int(s))
		if err != nil {
			return nil, err
		}
		return lit(v, vector.TDecimal(p, s))
	case ast.DoubleLit:
		v, err := strconv.ParseFloat(n.Text, 64)
		if err != nil {
			return nil, err
		}
		return lit(v, vector.TDouble)
	case ast.StringLit:
		return lit(n.Text, vector.TString)
	case ast.IntervalLit:
		return lit(n.Ms, vector.TInterval)
	default:
		t := map[ast.LiteralKind]vector.Type{
			ast.DateLit: vector.TDate, ast.TimeLit: vector.TTime,
			ast.TimestampLit: vector.TTimestamp,
		}[n.Kind]
		return NewCast(&Literal{V: n.Text, T: vector.TString, At: n.At}, t, false, n.At)
	}
}

func mustBind(tb testing.TB, text string, cols columns) Expr {
	tb.Helper()
	a, err := parseExpr(text)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	x, err := cols.bind(a)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return x
}

func mustCompile(tb testing.TB, x Expr) *Program {
	tb.Helper()
	p, err := Compile(x)
	if err != nil {
		tb.Fatalf("%s: %v", x, err)
	}
	return p
}
