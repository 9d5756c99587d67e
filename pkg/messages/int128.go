package messages

import "math/bits"

// div10 returns v / 10, rounded towards zero, and whether something is left over (as the remainder's size).
func (v Int128) div10() (q Int128, rest uint64) {
	lo, hi := v.Lo, uint64(v.Hi)
	if v.Hi < 0 {
		lo, hi = negate(lo, hi)
	}
	qhi := hi / 10
	qlo, rest := bits.Div64(hi%10, lo, 10)
	if v.Hi < 0 {
		qlo, qhi = negate(qlo, qhi)
	}
	return Int128{Lo: qlo, Hi: int64(qhi)}, rest
}

func negate(lo, hi uint64) (uint64, uint64) {
	lo, borrow := bits.Sub64(0, lo, 0)
	hi, _ = bits.Sub64(0, hi, borrow)
	return lo, hi
}
