package vector

import (
	"bytes"
	"math"
	"strconv"
)

// AppendDecimal appends a with scale digits after the point: AppendDecimal(nil, 1050, 2) is 10.50.
func AppendDecimal(dst []byte, a Int128, scale int) []byte {
	if v, ok := a.Int64(); ok && v != math.MinInt64 {
		return appendDecimal64(dst, v, scale)
	}
	if a.Hi < 0 {
		dst = append(dst, '-')
	}
	var buf [48]byte
	q, r := quoAbs(a.Abs(), pow10[18])
	var digits []byte
	if q.Hi == 0 && q.Lo < 1e18 {
		digits = strconv.AppendUint(buf[:0], q.Lo, 10)
	} else {
		q2, r2 := quoAbs(q, pow10[18])
		digits = strconv.AppendUint(buf[:0], q2.Lo, 10)
		digits = appendPadded(digits, r2.Lo, 18)
	}
	digits = appendPadded(digits, r.Lo, 18)
	return appendPoint(dst, digits, scale)
}

func appendDecimal64(dst []byte, v int64, scale int) []byte {
	if v < 0 {
		dst, v = append(dst, '-'), -v
	}
	if scale == 0 {
		return strconv.AppendUint(dst, uint64(v), 10)
	}
	if scale <= 18 {
		unit := pow10[scale].Lo
		dst = strconv.AppendUint(dst, uint64(v)/unit, 10)
		dst = append(dst, '.')
		return appendPadded(dst, uint64(v)%unit, scale)
	}
	var buf [24]byte
	return appendPoint(dst, strconv.AppendUint(buf[:0], uint64(v), 10), scale)
}

func appendPoint(dst, digits []byte, scale int) []byte {
	if len(digits) > scale {
		dst = append(dst, digits[:len(digits)-scale]...)
		if scale == 0 {
			return dst
		}
		dst = append(dst, '.')
		return append(dst, digits[len(digits)-scale:]...)
	}
	dst = append(dst, '0', '.')
	for range scale - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// appendPadded appends v with leading zeros to width digits.
func appendPadded(dst []byte, v uint64, width int) []byte {
	at := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := at + width - 1; i >= at && v != 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}

// ParseDecimal reads a number such as -12.50, .5, 1e3 or 2.5E-4 into the unscaled value of DECIMAL(p, s): exact when it
// fits, digits beyond the scale rounded half away from zero. ErrDecimalRange says that it has too many digits,
// ErrSyntax that it is no number.
func ParseDecimal(text []byte, p, s int) (Int128, error) {
	if v, ok := plainDecimal(text, p, s); ok {
		return FromInt64(v), nil
	}
	d, err := scanDecimal(text)
	if err != nil {
		return Int128{}, err
	}
	v, _, err := d.at(p, s, false)
	return v, err
}

// plainDecimal reads what most texts are: at most 18 digits with the padding, none of them to be cut, and no exponent.
func plainDecimal(text []byte, p, s int) (int64, bool) {
	i, neg := 0, false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		i, neg = 1, text[0] == '-'
	}
	if len(text) > 19 || s > 18 {
		return 0, false
	}
	var v int64
	point, start := -1, i
	for ; i < len(text); i++ {
		c := text[i] - '0'
		if c > 9 {
			if text[i] != '.' || point >= 0 {
				return 0, false
			}
			point = i
			continue
		}
		v = v*10 + int64(c)
	}
	digits, pad := i-start, s
	if point >= 0 {
		digits--
		pad -= i - point - 1
	}
	if digits == 0 || pad < 0 || digits+pad > 18 {
		return 0, false
	}
	v *= int64(pow10[pad].Lo)
	if neg {
		v = -v
	}
	return v, p >= 18 || v < int64(pow10[p].Lo) && v > -int64(pow10[p].Lo)
}

// RoundText is ParseDecimal for a scale that may be negative, with ties going up: -1.5 is -1 at scale 0. The value is
// the result times 10^-s.
func RoundText(text []byte, s int) (Int128, error) {
	d, err := scanDecimal(text)
	if err != nil {
		return Int128{}, err
	}
	v, _, err := d.at(MaxDigits, s, d.neg)
	return v, err
}

// TruncText is RoundText without rounding.
func TruncText(text []byte, s int) (Int128, error) {
	d, err := scanDecimal(text)
	if err != nil {
		return Int128{}, err
	}
	whole := d.point()
	v, k, ok := d.first(whole + d.exp + s)
	if pad := whole + d.exp + s - k; ok && pad > 0 && v.Sign() != 0 {
		if pad > MaxDigits {
			return v, ErrDecimalRange
		}
		v, ok = v.MulChecked(pow10[pad])
	}
	if !ok || !v.Fits(MaxDigits) {
		return v, ErrDecimalRange
	}
	if d.neg {
		v = v.Neg()
	}
	return v, nil
}

// point returns the number of digits before the point.
func (d scanned) point() int {
	if i := bytes.IndexByte(d.digits, '.'); i >= 0 {
		return i
	}
	return len(d.digits)
}

// DecimalShape returns the precision and scale that a number written without an exponent needs; ok is false when it is
// none, or needs more than 38 digits.
func DecimalShape(text []byte) (precision, scale uint8, ok bool) {
	d, err := scanDecimal(text)
	if err != nil || d.exp != 0 || bytes.ContainsAny(text, "eE") {
		return 0, 0, false
	}
	whole := d.point()
	s := max(len(d.digits)-whole-1, 0)
	whole -= len(d.digits[:whole]) - len(bytes.TrimLeft(d.digits[:whole], "0"))
	if whole+s > MaxDigits {
		return 0, 0, false
	}
	return uint8(max(whole+s, 1)), uint8(s), true
}

// scanned is a decimal number taken apart: value = digits * 10^exp, negated if neg.
type scanned struct {
	digits []byte // ASCII digits with at most one point among them
	exp    int
	neg    bool
}

func scanDecimal(text []byte) (scanned, error) {
	var d scanned
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		d.neg = text[i] == '-'
		i++
	}
	start, digits, points := i, 0, 0
	for ; i < len(text); i++ {
		if c := text[i]; c >= '0' && c <= '9' {
			digits++
		} else if c == '.' && points == 0 {
			points++
		} else {
			break
		}
	}
	if digits == 0 {
		return d, ErrSyntax
	}
	d.digits = text[start:i]
	if i == len(text) {
		return d, nil
	}
	if text[i] != 'e' && text[i] != 'E' {
		return d, ErrSyntax
	}
	exp, err := parseExponent(text[i+1:])
	d.exp = exp
	return d, err
}

// maxExponent bounds the exponents that are told apart: beyond it a value overflows or is zero at every scale.
const maxExponent = 1 << 20

func parseExponent(text []byte) (int, error) {
	neg := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		neg, text = text[0] == '-', text[1:]
	}
	if len(text) == 0 {
		return 0, ErrSyntax
	}
	exp := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, ErrSyntax
		}
		exp = min(exp*10+int(c-'0'), maxExponent)
	}
	if neg {
		exp = -exp
	}
	return exp, nil
}

// at returns the unscaled value at scale s, and whether no digit but zero was cut. A half is rounded away from zero, or
// towards zero when tiesDown.
func (d scanned) at(p, s int, tiesDown bool) (v Int128, exact bool, err error) {
	keep := d.point() + d.exp + s
	v, k, ok := d.first(keep)
	exact = true
	cut, more := byte('0'), false // the first digit that is cut, and whether another than zero follows
	for i, c := range d.rest(k) {
		if c == '.' || c == '0' {
			continue
		}
		exact = false
		if i == 0 && k == keep {
			cut = c
		} else {
			more = true
		}
	}
	if pad := keep - k; ok && pad > 0 && v.Sign() != 0 {
		if pad > MaxDigits {
			return v, true, ErrDecimalRange
		}
		v, ok = v.MulChecked(pow10[pad])
	}
	if cut > '5' || cut == '5' && (more || !tiesDown) {
		v = v.Add(Int128{Lo: 1})
	}
	if !ok || !v.Fits(p) {
		return v, exact, ErrDecimalRange
	}
	if d.neg {
		v = v.Neg()
	}
	return v, exact, nil
}

// first returns the number that the first n digits make, and how many there were.
func (d scanned) first(n int) (v Int128, k int, ok bool) {
	var lo uint64 // 18 digits at a time are gathered in one word
	fill := 0
	for _, c := range d.digits {
		if k >= n {
			break
		}
		if c == '.' {
			continue
		}
		k++
		lo, fill = lo*10+uint64(c-'0'), fill+1
		if fill == 18 {
			if v, ok = appendDigits(v, lo, fill); !ok {
				return v, k, false
			}
			lo, fill = 0, 0
		}
	}
	v, ok = appendDigits(v, lo, fill)
	return v, k, ok
}

// rest returns what follows the first k digits, without a point at its front.
func (d scanned) rest(k int) []byte {
	for i, c := range d.digits {
		if c == '.' {
			continue
		}
		if k == 0 {
			return d.digits[i:]
		}
		k--
	}
	return nil
}

// appendDigits returns v * 10^n + lo.
func appendDigits(v Int128, lo uint64, n int) (Int128, bool) {
	if v.Hi == 0 && v.Lo == 0 {
		return Int128{Lo: lo}, true
	}
	v, ok := v.MulChecked(pow10[n])
	return v.Add(Int128{Lo: lo}), ok
}
