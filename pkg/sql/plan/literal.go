package plan

import (
	"math"
	"math/bits"
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
	digits := strings.TrimLeft(strings.Replace(n.Text, ".", "", 1), "0")
	scale := 0
	if i := strings.IndexByte(n.Text, '.'); i >= 0 {
		scale = len(n.Text) - i - 1
	}
	precision := max(len(digits), scale, 1)
	if precision > 38 {
		return nil, sqlerr.New(sqlerr.TypeMismatch, n.At, "%s has %d digits; DECIMAL holds 38", n.Text, precision)
	}
	var hi, lo uint64 // value = hi<<64 + lo
	for i := range len(n.Text) {
		c := n.Text[i]
		if c == '.' {
			continue
		}
		hi, lo = mul10(hi, lo, uint64(c-'0'))
	}
	return &expr.Literal{
		V: vector.Int128{Lo: lo, Hi: int64(hi)}, T: vector.TDecimal(uint8(precision), uint8(scale)),
		At: n.At,
	}, nil
}

func mul10(hi, lo, add uint64) (uint64, uint64) {
	h, l := bits.Mul64(lo, 10)
	l2 := l + add
	if l2 < l {
		h++
	}
	return hi*10 + h, l2
}
