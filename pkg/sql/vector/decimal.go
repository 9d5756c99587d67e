package vector

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
)

// MaxDigits is the largest precision of a DECIMAL.
const MaxDigits = 38

// ErrDecimalRange says that a value has more than 38 digits, or more than its type holds.
var ErrDecimalRange = errors.New("the value has more digits than the type holds")

// pow10 holds 10^0 .. 10^38.
var pow10 = makePow10()

func makePow10() [MaxDigits + 1]Int128 {
	var t [MaxDigits + 1]Int128
	t[0] = Int128{Lo: 1}
	for i := 1; i < len(t); i++ {
		hi, lo := bits.Mul64(t[i-1].Lo, 10)
		t[i] = Int128{Lo: lo, Hi: t[i-1].Hi*10 + int64(hi)}
	}
	return t
}

// Pow10 returns 10^n for n in 0..38.
func Pow10(n int) Int128 { return pow10[n] }

// Pow10I64 returns 10^n for n in 0..18.
func Pow10I64(n int) int64 { return int64(pow10[n].Lo) }

// FromInt64 widens v.
func FromInt64(v int64) Int128 { return Int128{Lo: uint64(v), Hi: v >> 63} }

// Int64 returns the value when it fits 64 bits.
func (a Int128) Int64() (int64, bool) { return int64(a.Lo), a.Hi == int64(a.Lo)>>63 }

// Neg returns -a.
func (a Int128) Neg() Int128 {
	lo, borrow := bits.Sub64(0, a.Lo, 0)
	return Int128{Lo: lo, Hi: int64(-uint64(a.Hi) - borrow)}
}

// Abs returns the magnitude of a.
func (a Int128) Abs() Int128 {
	if a.Hi < 0 {
		return a.Neg()
	}
	return a
}

// Sign is -1, 0 or 1.
func (a Int128) Sign() int {
	if a.Hi < 0 {
		return -1
	}
	if a.Hi == 0 && a.Lo == 0 {
		return 0
	}
	return 1
}

// Cmp is -1, 0 or 1 as a is below, equal to or above b.
func (a Int128) Cmp(b Int128) int {
	if a.Hi != b.Hi {
		if a.Hi < b.Hi {
			return -1
		}
		return 1
	}
	if a.Lo == b.Lo {
		return 0
	}
	if a.Lo < b.Lo {
		return -1
	}
	return 1
}

// Less reports a < b.
func (a Int128) Less(b Int128) bool { return a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo }

// Add returns a + b modulo 2^128; two values of at most 37 digits never wrap.
func (a Int128) Add(b Int128) Int128 {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	hi, _ := bits.Add64(uint64(a.Hi), uint64(b.Hi), carry)
	return Int128{Lo: lo, Hi: int64(hi)}
}

// Sub returns a - b modulo 2^128.
func (a Int128) Sub(b Int128) Int128 {
	lo, borrow := bits.Sub64(a.Lo, b.Lo, 0)
	hi, _ := bits.Sub64(uint64(a.Hi), uint64(b.Hi), borrow)
	return Int128{Lo: lo, Hi: int64(hi)}
}

// Fits reports whether a has at most p digits (p in 1..38).
func (a Int128) Fits(p int) bool {
	m, limit := a.Abs(), pow10[p]
	return m.Hi >= 0 && m.Less(limit)
}

// AddChecked returns a + b; ok is false when the sum has more than 38 digits.
func (a Int128) AddChecked(b Int128) (sum Int128, ok bool) {
	sum = a.Add(b)
	wrapped := (a.Hi^sum.Hi)&(b.Hi^sum.Hi) < 0
	return sum, !wrapped && sum.Fits(MaxDigits)
}

// SubChecked returns a - b; ok is false when the difference has more than 38 digits.
func (a Int128) SubChecked(b Int128) (diff Int128, ok bool) {
	diff = a.Sub(b)
	wrapped := (a.Hi^b.Hi)&(a.Hi^diff.Hi) < 0
	return diff, !wrapped && diff.Fits(MaxDigits)
}

// mulAbs multiplies two magnitudes; ok is false when the product does not fit 127 bits.
func mulAbs(a, b Int128) (Int128, bool) {
	if a.Hi == 0 && b.Hi == 0 {
		hi, lo := bits.Mul64(a.Lo, b.Lo)
		return Int128{Lo: lo, Hi: int64(hi)}, int64(hi) >= 0
	}
	if a.Hi != 0 && b.Hi != 0 {
		return Int128{}, false
	}
	if b.Hi != 0 {
		a, b = b, a
	}
	hi, lo := bits.Mul64(a.Lo, b.Lo)
	over, mid := bits.Mul64(uint64(a.Hi), b.Lo)
	hi, carry := bits.Add64(hi, mid, 0)
	return Int128{Lo: lo, Hi: int64(hi)}, over == 0 && carry == 0 && int64(hi) >= 0
}

// MulChecked returns a * b; ok is false when the product has more than 38 digits.
func (a Int128) MulChecked(b Int128) (Int128, bool) {
	p, ok := mulAbs(a.Abs(), b.Abs())
	if !ok || !p.Less(pow10[MaxDigits]) {
		return Int128{}, false
	}
	if a.Hi^b.Hi < 0 {
		p = p.Neg()
	}
	return p, true
}

// quoAbs divides magnitudes, b > 0.
func quoAbs(a, b Int128) (q, r Int128) {
	switch {
	case a.Hi == 0 && b.Hi == 0:
		return Int128{Lo: a.Lo / b.Lo}, Int128{Lo: a.Lo % b.Lo}
	case b.Hi == 0:
		hi, rest := uint64(a.Hi)/b.Lo, uint64(a.Hi)%b.Lo
		lo, rem := bits.Div64(rest, a.Lo, b.Lo)
		return Int128{Lo: lo, Hi: int64(hi)}, Int128{Lo: rem}
	case a.Less(b):
		return Int128{}, a
	}
	// b has more than 64 bits, so the quotient has at most 63: divide by the top word of b, then correct.
	shift := uint(bits.LeadingZeros64(uint64(b.Hi)))
	top := uint64(b.Hi)<<shift | b.Lo>>1>>(63-shift)
	ahi, alo := uint64(a.Hi)>>1, a.Lo>>1|uint64(a.Hi)<<63
	guess, _ := bits.Div64(ahi, alo, top)
	guess >>= 63 - shift
	if guess != 0 {
		guess--
	}
	q = Int128{Lo: guess}
	p, _ := mulAbs(q, b)
	r = a.Sub(p)
	if !r.Less(b) {
		q.Lo++
		r = r.Sub(b)
	}
	return q, r
}

// QuoRem divides a by b, which is not zero, truncating; the remainder has the sign of a.
func (a Int128) QuoRem(b Int128) (q, r Int128) {
	q, r = quoAbs(a.Abs(), b.Abs())
	if a.Hi^b.Hi < 0 {
		q = q.Neg()
	}
	if a.Hi < 0 {
		r = r.Neg()
	}
	return q, r
}

// divHalfUp divides by b != 0 and rounds half away from zero.
func (a Int128) divHalfUp(b Int128) Int128 {
	q, r := quoAbs(a.Abs(), b.Abs())
	if rest := b.Abs().Sub(r); !r.Less(rest) {
		q = q.Add(Int128{Lo: 1})
	}
	if a.Hi^b.Hi < 0 {
		q = q.Neg()
	}
	return q
}

// DivScaled returns a * 10^exp / b rounded half away from zero, b != 0; ok is false when it has more than 38 digits.
func (a Int128) DivScaled(b Int128, exp int) (Int128, bool) {
	if exp >= 0 && exp <= MaxDigits {
		if n, ok := mulAbs(a.Abs(), pow10[exp]); ok {
			if a.Hi < 0 {
				n = n.Neg()
			}
			q := n.divHalfUp(b)
			return q, q.Fits(MaxDigits)
		}
	}
	return divBig(a, b, exp)
}

// divBig is DivScaled for numerators above 127 bits.
func divBig(a, b Int128, exp int) (Int128, bool) {
	n, d := a.Abs().Big(), b.Abs().Big()
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
	if exp >= 0 {
		n.Mul(n, scale)
	} else {
		d.Mul(d, scale)
	}
	q, r := n.QuoRem(n, d, new(big.Int))
	if r.Lsh(r, 1).Cmp(d) >= 0 {
		q.Add(q, big.NewInt(1))
	}
	out, ok := FromBig(q)
	if a.Hi^b.Hi < 0 {
		out = out.Neg()
	}
	return out, ok
}

// Rescale moves the decimal point of a from scale from to scale to, rounding half away from zero when digits are cut;
// ok is false when the result has more than 38 digits.
func (a Int128) Rescale(from, to int) (Int128, bool) {
	switch {
	case from == to:
		return a, true
	case from < to:
		return a.MulChecked(pow10[to-from])
	default:
		return a.divHalfUp(pow10[from-to]), true
	}
}

// Big returns a as a big.Int.
func (a Int128) Big() *big.Int {
	m := a.Abs()
	out := new(big.Int).SetUint64(uint64(m.Hi))
	out.Lsh(out, 64).Or(out, new(big.Int).SetUint64(m.Lo))
	if a.Hi < 0 {
		out.Neg(out)
	}
	return out
}

// FromBig narrows b; ok is false when it has more than 38 digits.
func FromBig(b *big.Int) (Int128, bool) {
	if b.BitLen() > 127 {
		return Int128{}, false
	}
	m := new(big.Int).Abs(b)
	lo := new(big.Int).And(m, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	out := Int128{Lo: lo, Hi: int64(m.Rsh(m, 64).Uint64())}
	if b.Sign() < 0 {
		out = out.Neg()
	}
	return out, out.Fits(MaxDigits)
}

// Float64 returns the double that is nearest to a / 10^scale.
func (a Int128) Float64(scale int) float64 {
	// Both operands are exact below 2^53 and 10^22, so one division rounds once.
	if v, ok := a.Int64(); ok && v > -1<<53 && v < 1<<53 && scale <= 22 {
		return float64(v) / math.Pow10(scale)
	}
	var buf [48]byte
	return parseFloat(AppendDecimal(buf[:0], a, scale))
}

// MulInt64 returns a * b, which always fits.
func MulInt64(a, b int64) Int128 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	return Int128{Lo: lo, Hi: int64(hi) - a>>63&b - b>>63&a}
}

// MulRescaled returns a * b / 10^cut rounded half away from zero; ok is false when it has more than 38 digits.
func (a Int128) MulRescaled(b Int128, cut int) (Int128, bool) {
	n := a.Big()
	n.Mul(n, b.Big())
	unit := pow10[cut].Big()
	neg := n.Sign() < 0
	q, r := n.QuoRem(n.Abs(n), unit, new(big.Int))
	if r.Lsh(r, 1).Cmp(unit) >= 0 {
		q.Add(q, big.NewInt(1))
	}
	out, ok := FromBig(q)
	if neg {
		out = out.Neg()
	}
	return out, ok
}
