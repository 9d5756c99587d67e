package expr

import (
	"math"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// ksqlCasts are the conversions that the ksql profile makes in another way: whole numbers wrap, doubles saturate, a
// text that is no truth value is FALSE, and doubles are written as Java writes them.
var ksqlCasts = map[vector.Kind]map[vector.Kind]Kernel{
	vector.BigInt:  {vector.Int: castWrap},
	vector.Double:  {vector.Int: castSaturate, vector.BigInt: castSaturate, vector.String: castJavaText},
	vector.Decimal: {vector.Int: castDecWrap, vector.BigInt: castDecWrap},
	vector.String:  {vector.Boolean: castJavaBool},
	vector.Time:    {vector.String: castJavaText}, vector.Timestamp: {vector.String: castJavaText},
}

func castWrap(f *Frame) {
	copy(f.Out.I64, f.Args[0].I64[:f.N])
	wrapInt(f)
}

func castSaturate(f *Frame) {
	out := f.Out.I64
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if f.Out.Type.Kind == vector.Int {
		low, high = math.MinInt32, math.MaxInt32
	}
	for i := range f.live {
		out[i] = saturate(f.Args[0].F64[i], low, high)
	}
}

// saturate is v cut to a whole number from low to high; of NaN it is 0.
func saturate(v float64, low, high int64) int64 {
	switch {
	case math.IsNaN(v):
		return 0
	case v >= float64(high):
		return high
	case v <= float64(low):
		return low
	default:
		return int64(v)
	}
}

// castDecWrap cuts the fraction and keeps the low bits.
func castDecWrap(f *Frame) {
	a, out := f.Args[0], f.Out.I64
	unit := vector.Pow10(int(a.Type.Scale))
	for i := range f.live {
		q, _ := exact(a, i).QuoRem(unit)
		out[i] = int64(q.Lo)
	}
	wrapInt(f)
}

var castJavaBool = rowBool(func(f *Frame, i int) (bool, error) {
	s := strings.ToLower(strings.TrimSpace(string(f.Args[0].Bytes(i))))
	return s != "" && (strings.HasPrefix("true", s) || strings.HasPrefix("yes", s)), nil
})

// appendJavaDouble writes 1.0E10 from 10^7 on and 1.0E-4 below 10^-3, like Double.toString.
func appendJavaDouble(dst []byte, v float64) []byte {
	a := math.Abs(v)
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) || a >= 1e-3 && a < 1e7 {
		return vector.AppendDouble(dst, v)
	}
	text := strconv.FormatFloat(v, 'E', -1, 64) // -1.5E+10
	mantissa, exponent := text, ""
	for i := range len(text) {
		if text[i] == 'E' {
			mantissa, exponent = text[:i], text[i+1:]
			break
		}
	}
	dst = append(dst, mantissa...)
	if len(mantissa) <= 2 && mantissa[len(mantissa)-1] != '.' { // one digit
		dst = append(dst, ".0"...)
	}
	n, _ := strconv.Atoi(exponent)
	return strconv.AppendInt(append(dst, 'E'), int64(n), 10)
}
