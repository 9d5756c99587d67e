package plan

import (
	"math"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// bindLiteral types a constant: 1 is INT up to 31 bits and BIGINT above, 1.50 is DECIMAL(3, 2), 1e3 is DOUBLE.
func bindLiteral(n *ast.Literal) (expr.Expr, error) {
	lit := func(v any, t vector.Type) (expr.Expr, error) { return &expr.Literal{V: v, T: t, At: n.At}, nil }
	switch n.Kind {
	case ast.NullLit:
		return lit(nil, vector.TNull)
	case ast.BoolLit:
		return lit(strings.EqualFold(n.Text, "true"), vector.TBoolean)
	case ast.IntLit:
		v, err := strconv.ParseInt(n.Text, 10, 64)
		if err != nil {
			return nil, sqlerr.New(sqlerr.TypeMismatch, n.At, "%s is outside of BIGINT", n.Text).
				WithHint("write %s.0 for a DECIMAL", n.Text)
		}
		if v > math.MaxInt32 || v < math.MinInt32 {
			return lit(v, vector.TBigInt)
		}
		return lit(v, vector.TInt)
	case ast.DecimalLit:
		return bindDecimal(n)
	case ast.DoubleLit:
		v, err := strconv.ParseFloat(n.Text, 64)
		if err != nil {
			return nil, sqlerr.New(sqlerr.TypeMismatch, n.At, "%s is outside of DOUBLE", n.Text)
		}
		return lit(v, vector.TDouble)
	case ast.StringLit:
		return lit(n.Text, vector.TString)
	case ast.IntervalLit:
		return lit(n.Ms, vector.TInterval)
	default:
		to := map[ast.LiteralKind]vector.Type{
			ast.DateLit: vector.TDate, ast.TimeLit: vector.TTime,
			ast.TimestampLit: vector.TTimestamp,
		}[n.Kind]
		x, err := expr.NewCast(&expr.Literal{V: n.Text, T: vector.TString, At: n.At}, to, false, n.At)
		if err != nil {
			return nil, err
		}
		return x, nil
	}
}

func bindDecimal(n *ast.Literal) (expr.Expr, error) {
	p, s, ok := vector.DecimalShape([]byte(n.Text))
	if !ok {
		whole, fraction, _ := strings.Cut(n.Text, ".")
		digits := max(len(strings.TrimLeft(whole+fraction, "0")), len(fraction))
		return nil, sqlerr.New(sqlerr.TypeMismatch, n.At, "%s has %d digits; DECIMAL holds 38", n.Text, digits)
	}
	v, err := vector.ParseDecimal([]byte(n.Text), int(p), int(s))
	if err != nil {
		return nil, sqlerr.New(sqlerr.TypeMismatch, n.At, "%s: %s", n.Text, err)
	}
	return &expr.Literal{V: v, T: vector.TDecimal(p, s), At: n.At}, nil
}
