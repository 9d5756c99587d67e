package operator

import (
	"math"
	"math/bits"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func neg128(x vector.Int128) vector.Int128 {
	lo, c := bits.Add64(^x.Lo, 1, 0)
	return vector.Int128{Lo: lo, Hi: ^x.Hi + int64(c)}
}

func cmp128(a, b vector.Int128) int {
	switch {
	case a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo:
		return -1
	case a == b:
		return 0
	default:
		return 1
	}
}

func float128(x vector.Int128) float64 {
	neg := x.Hi < 0
	if neg {
		x = neg128(x)
	}
	f := math.Ldexp(float64(uint64(x.Hi)), 64) + float64(x.Lo)
	if neg {
		return -f
	}
	return f
}

// max38 is 10^38, the first magnitude that DECIMAL(38, s) cannot hold.
var max38 = vector.Int128{Lo: 0x098a224000000000, Hi: 0x4b3b4ca85a86c47a}

// fits38 reports whether x has at most 38 digits.
func fits38(x vector.Int128) bool {
	if x.Hi < 0 {
		x = neg128(x)
	}
	return x.Hi >= 0 && cmp128(x, max38) < 0
}

// meanDecimal is sum * 10^shift / n, rounded half up (away from zero), false if it has more than 38 digits. shift is
// at most 16, n is above 0.
func meanDecimal(sum vector.Int128, shift int, n uint64) (vector.Int128, bool) {
	neg := sum.Hi < 0
	if neg {
		sum = neg128(sum)
	}
	k := uint64(math.Pow10(shift))
	// Three words of the product, least first.
	h0, w0 := bits.Mul64(sum.Lo, k)
	h1, w1 := bits.Mul64(uint64(sum.Hi), k)
	w1, c := bits.Add64(w1, h0, 0)
	w2 := h1 + c
	q2, r := bits.Div64(0, w2, n)
	q1, r := bits.Div64(r, w1, n)
	q0, r := bits.Div64(r, w0, n)
	if r >= n-r {
		q0, c = bits.Add64(q0, 1, 0)
		q1, c = bits.Add64(q1, 0, c)
		q2 += c
	}
	out := vector.Int128{Lo: q0, Hi: int64(q1)}
	if q2 != 0 || out.Hi < 0 || !fits38(out) {
		return vector.Int128{}, false
	}
	if neg {
		out = neg128(out)
	}
	return out, true
}
