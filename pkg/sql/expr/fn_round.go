package expr

import (
	"fmt"
	"math"
	"strconv"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// roundMode is what becomes of the digits that are cut.
type roundMode uint8

const (
	roundTiesUp roundMode = iota // to the nearest, ties towards plus infinity
	roundCut                     // towards zero
	roundUp                      // towards plus infinity
	roundDown                    // towards minus infinity
)

func roundFuncs() []*Func {
	whole := func(name, doc string, m roundMode, fn func(float64) float64) *Func {
		return mathFunc(name, name+"(x)", doc, on("INT -> INT", share), on("BIGINT -> BIGINT", share),
			onDec("DECIMAL -> DECIMAL", wholeDec, roundDec(m)), on("DOUBLE -> DOUBLE", mapF64(fn)))
	}
	digits := func(name, doc string, m roundMode) *Func {
		return mathFunc(name, name+"(x[, digits])", doc,
			on("INT -> INT", share), on("BIGINT -> BIGINT", share), onDec("DECIMAL -> DECIMAL", wholeDec, roundDec(m)),
			on("DOUBLE -> BIGINT", roundF64(m)),
			on("INT, INT -> INT", roundI64N(m)), on("BIGINT, INT -> BIGINT", roundI64N(m)),
			onDec("DECIMAL, INT -> DECIMAL", sameDec, roundDecN(m)), on("DOUBLE, INT -> DOUBLE", roundF64N(m)))
	}
	return []*Func{
		whole("CEIL", "Returns the smallest whole number that is not below x.", roundUp, math.Ceil).as("CEILING"),
		whole("FLOOR", "Returns the largest whole number that is not above x.", roundDown, math.Floor),
		digits("ROUND", "Rounds to a number of digits after the point; halves go up. Without digits a DOUBLE "+
			"becomes a "+
			"BIGINT and a DECIMAL gets scale 0.", roundTiesUp),
		digits("TRUNC", "Cuts after a number of digits. Without digits a DOUBLE becomes a BIGINT and a DECIMAL gets "+
			"scale 0.", roundCut).as("TRUNCATE"),
	}
}

// wholeDec is the type of a DECIMAL that was rounded to scale 0, which may carry into one digit more.
func wholeDec(args []vector.Type) vector.Type {
	t := args[0]
	if t.Scale == 0 {
		return t
	}
	return vector.TDecimal(min(t.Precision-t.Scale+1, vector.MaxDigits), 0)
}

// cutDigits divides by 10^n, n >= 0.
func cutDigits(v vector.Int128, n int, m roundMode) vector.Int128 {
	if n == 0 {
		return v
	}
	if n > vector.MaxDigits {
		n = vector.MaxDigits
	}
	unit := vector.Pow10(n)
	q, r := v.QuoRem(unit)
	one := vector.FromInt64(1)
	twice := r.Add(r)
	switch {
	case m == roundTiesUp && r.Sign() > 0 && !twice.Less(unit), m == roundUp && r.Sign() > 0:
		return q.Add(one)
	case m == roundTiesUp && r.Sign() < 0 && twice.Less(unit.Neg()), m == roundDown && r.Sign() < 0:
		return q.Sub(one)
	default:
		return q
	}
}

func roundDec(m roundMode) Kernel {
	return rowDec(func(f *Frame, i int) (vector.Int128, error) {
		v := cutDigits(f.Args[0].Dec(i), int(f.Args[0].Type.Scale), m)
		if !v.Fits(int(f.Out.Type.Precision)) {
			return v, outside(f, i)
		}
		return v, nil
	})
}

// outside is the error of a result that its type does not hold.
func outside(f *Frame, i int) error {
	return fail(CodeOverflow, fmt.Sprintf("rounded, %s is outside of %s", vector.AppendText(nil, f.Args[0], i),
		f.Out.Type))
}

// roundAt rounds v of scale s to n digits after the point and brings it back to scale s.
func roundAt(v vector.Int128, s, n int, m roundMode) (vector.Int128, bool) {
	cut := s - n
	if cut <= 0 {
		return v, true
	}
	if cut > vector.MaxDigits {
		return vector.Int128{}, true
	}
	return cutDigits(v, cut, m).MulChecked(vector.Pow10(cut))
}

func roundDecN(m roundMode) Kernel {
	return rowDec(func(f *Frame, i int) (vector.Int128, error) {
		v, ok := roundAt(f.Args[0].Dec(i), int(f.Args[0].Type.Scale), clampDigits(f.i64(1, i)), m)
		if !ok || !v.Fits(int(f.Out.Type.Precision)) {
			return v, outside(f, i)
		}
		return v, nil
	})
}

func clampDigits(n int64) int { return int(max(min(n, 400), -400)) }

func roundI64N(m roundMode) Kernel {
	return rowI64(func(f *Frame, i int) (int64, error) {
		d, ok := roundAt(vector.FromInt64(f.i64(0, i)), 0, clampDigits(f.i64(1, i)), m)
		v, fits := d.Int64()
		if !ok || !fits || f.Out.Type.Kind == vector.Int && v != int64(int32(v)) {
			return 0, outside(f, i)
		}
		return v, nil
	})
}

func roundF64(m roundMode) Kernel {
	return rowI64(func(f *Frame, i int) (int64, error) {
		return truncDouble(roundWhole(f.f64(0, i), m), f.Out.Type)
	})
}

func roundWhole(v float64, m roundMode) float64 {
	if m == roundCut {
		return math.Trunc(v)
	}
	r := math.Floor(v)
	if v-r >= 0.5 {
		r++
	}
	return r
}

// roundF64N rounds the decimal number that a double shows, so that 1.005 to 2 digits is 1.01.
func roundF64N(m roundMode) Kernel {
	return rowF64(func(f *Frame, i int) (float64, error) {
		v, n := f.f64(0, i), clampDigits(f.i64(1, i))
		if math.IsNaN(v) || math.IsInf(v, 0) || v == 0 {
			return v, nil
		}
		var buf [40]byte
		text := strconv.AppendFloat(buf[:0], v, 'e', -1, 64)
		var d vector.Int128
		var err error
		if m == roundCut {
			d, err = vector.TruncText(text, n)
		} else {
			d, err = vector.RoundText(text, n)
		}
		switch {
		case err != nil: // more than 38 digits: rounding changes nothing
			return v, nil //nolint:nilerr // a double that is too large to round is the answer
		case n >= 0:
			return d.Float64(n), nil
		default:
			return d.Float64(0) * math.Pow10(-n), nil
		}
	})
}
