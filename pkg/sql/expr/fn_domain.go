package expr

import (
	"fmt"
	"math"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// domainFuncs are functions that are not defined for every number: outside of it they fail, and are NaN or an infinity
// under ksql.
func domainFuncs() []*Func {
	one := func(name, doc string, fn func(float64) float64) *Func {
		return mathFunc(name, name+"(x)", doc, on("DOUBLE -> DOUBLE", inDomain(name, fn)))
	}
	return []*Func{
		one("SQRT", "Returns the square root; fails below zero.", math.Sqrt),
		one("LN", "Returns the natural logarithm; fails for zero and below.", math.Log),
		one("LOG2", "Returns the logarithm to base 2; fails for zero and below.", math.Log2),
		one("LOG10", "Returns the logarithm to base 10; fails for zero and below.", math.Log10),
		one("ASIN", "Returns the angle in radians whose sine is x; fails outside of -1 to 1.", math.Asin),
		one("ACOS", "Returns the angle in radians whose cosine is x; fails outside of -1 to 1.", math.Acos),
		mathFunc("LOG", "LOG([base,] x)", "Returns the logarithm to a base, 10 when it is left out (under ksql e); "+
			"fails for zero and below.", on("DOUBLE -> DOUBLE", inDomain("LOG", math.Log10)),
			on("DOUBLE, DOUBLE -> DOUBLE", inDomain2("LOG", logBase))),
		mathFunc("POWER", "POWER(base, exponent)", "Returns base to the power of exponent, as DOUBLE; fails for a "+
			"fraction of a power of a number below zero.", on("DOUBLE, DOUBLE -> DOUBLE", inDomain2("POWER",
			math.Pow))).as("POW"),
	}
}

// logBase is NaN for a base of which there is no logarithm.
func logBase(base, x float64) float64 {
	switch {
	case base <= 0 || base == 1 || x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	case base == 10:
		return math.Log10(x)
	case base == 2:
		return math.Log2(x)
	default:
		return math.Log(x) / math.Log(base)
	}
}

// undefined says that y, computed of x, is no number, or the pole of a logarithm at zero.
func undefined(y, x float64) bool {
	return math.IsNaN(y) && !math.IsNaN(x) || math.IsInf(y, -1) && x == 0
}

func inDomain(name string, fn func(float64) float64) Kernel {
	return rowF64(func(f *Frame, i int) (float64, error) {
		x := f.f64(0, i)
		y := fn(x)
		if undefined(y, x) {
			return 0, fail(CodeBadArgument, fmt.Sprintf("%s(%s) is not defined", name, vector.AppendDouble(nil, x)))
		}
		return y, nil
	})
}

func inDomain2(name string, fn func(a, b float64) float64) Kernel {
	return rowF64(func(f *Frame, i int) (float64, error) {
		a, x := f.f64(0, i), f.f64(1, i)
		y := fn(a, x)
		if math.IsNaN(y) && !math.IsNaN(a) && !math.IsNaN(x) || name == "LOG" && undefined(y, x) {
			return 0, fail(CodeBadArgument, fmt.Sprintf("%s(%s, %s) is not defined", name, vector.AppendDouble(nil, a),
				vector.AppendDouble(nil, x)))
		}
		return y, nil
	})
}

// ksqlPlain is a function of one double without errors.
func ksqlPlain(fn func(float64) float64) func(f *Func) {
	return func(f *Func) { f.Overloads = []Overload{on("DOUBLE -> DOUBLE", mapF64(fn))} }
}

func ksqlLog(f *Func) {
	f.Overloads = []Overload{
		on("DOUBLE -> DOUBLE", mapF64(math.Log)), on("DOUBLE, DOUBLE -> DOUBLE", map2F64(logBase)),
	}
}

func ksqlPower(f *Func) {
	f.Overloads = []Overload{on("DOUBLE, DOUBLE -> DOUBLE", map2F64(math.Pow))}
}

// ksqlRound makes a BIGINT of an INT, and saturates where a DOUBLE does not fit.
func ksqlRound(m roundMode) func(f *Func) {
	return func(f *Func) {
		f.Overloads = slices.DeleteFunc(slices.Clone(f.Overloads), func(o Overload) bool {
			return o.Params[0] == vector.Int && len(o.Params) == 1
		})
		for i := range f.Overloads {
			if o := &f.Overloads[i]; len(o.Params) == 1 && o.Params[0] == vector.Double {
				o.Kernel = roundSaturate(m)
			}
		}
	}
}

func roundSaturate(m roundMode) Kernel {
	return func(f *Frame) {
		for i := range f.live {
			f.Out.I64[i] = saturate(roundWhole(f.f64(0, i), m), math.MinInt64, math.MaxInt64)
		}
	}
}

// ksqlWhole keeps the type of a DECIMAL.
func ksqlWhole(m roundMode) func(f *Func) {
	return func(f *Func) {
		f.Overloads = slices.Clone(f.Overloads)
		for i := range f.Overloads {
			if o := &f.Overloads[i]; o.Params[0] == vector.Decimal {
				o.outType = sameDec
				o.Kernel = rowDec(func(f *Frame, i int) (vector.Int128, error) {
					t := f.Out.Type
					v, ok := roundAt(f.Args[0].Dec(i), int(t.Scale), 0, m)
					if !ok || !v.Fits(int(t.Precision)) {
						return v, outside(f, i)
					}
					return v, nil
				})
			}
		}
	}
}
