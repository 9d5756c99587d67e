package format

import (
	"math"
	"math/bits"
	"strconv"
	"unsafe"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// pow10 has the powers of ten that fit an int64.
var pow10 = [19]int64{
	1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
	1e17, 1e18,
}

// floatPow10 has the powers of ten that a float64 holds exactly.
var floatPow10 = [23]float64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
	1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// status is how the reading of a number ended.
type status uint8

const (
	isNumber status = iota
	noNumber        // other text
	tooFine         // more places than the type has
	tooLarge        // more digits than the type has
)

// scanInt reads an integer of at most 18 digits at p, as JSON writes it. end is behind it; ok is false for anything
// else, also where a fraction or exponent follows.
func scanInt(data []byte, p int) (v int64, end int, ok bool) {
	neg := false
	if p < len(data) && data[p] == '-' {
		neg = true
		p++
	}
	first := p
	for p < len(data) {
		d := data[p] - '0'
		if d > 9 {
			break
		}
		v = v*10 + int64(d)
		p++
	}
	n := p - first
	if n == 0 || n > 18 || n > 1 && data[first] == '0' {
		return 0, 0, false
	}
	if p < len(data) && (data[p] == '.' || data[p]|0x20 == 'e') {
		return 0, 0, false
	}
	if neg {
		v = -v
	}
	return v, p, true
}

// fixedPoint is mant * 10^-places.
type fixedPoint struct {
	mant   int64
	places int
}

// scanFixed reads a plain decimal of at most 18 digits at p. ok is false for anything else.
func scanFixed(data []byte, p int) (v fixedPoint, end int, ok bool) {
	var mant int64
	places := 0
	neg := false
	if p < len(data) && data[p] == '-' {
		neg = true
		p++
	}
	first := p
	for p < len(data) && data[p]-'0' <= 9 {
		mant = mant*10 + int64(data[p]-'0')
		p++
	}
	n := p - first
	if n == 0 || n > 1 && data[first] == '0' {
		return fixedPoint{}, 0, false
	}
	if p < len(data) && data[p] == '.' {
		p++
		dot := p
		for p < len(data) && data[p]-'0' <= 9 {
			mant = mant*10 + int64(data[p]-'0')
			p++
		}
		places = p - dot
		if places == 0 {
			return fixedPoint{}, 0, false
		}
	}
	if n+places > 18 || p < len(data) && data[p]|0x20 == 'e' {
		return fixedPoint{}, 0, false
	}
	if neg {
		mant = -mant
	}
	return fixedPoint{mant, places}, p, true
}

// numberEnd returns where the JSON number that begins at p ends, or -1 when none does.
func numberEnd(data []byte, p int) int {
	if p < len(data) && data[p] == '-' {
		p++
	}
	first := p
	p = digitsEnd(data, p)
	if p == first || p-first > 1 && data[first] == '0' {
		return -1
	}
	if p < len(data) && data[p] == '.' {
		first = p + 1
		if p = digitsEnd(data, first); p == first {
			return -1
		}
	}
	if p < len(data) && data[p]|0x20 == 'e' {
		p++
		if p < len(data) && (data[p] == '+' || data[p] == '-') {
			p++
		}
		first = p
		if p = digitsEnd(data, first); p == first {
			return -1
		}
	}
	return p
}

func digitsEnd(data []byte, p int) int {
	for p < len(data) && data[p]-'0' <= 9 {
		p++
	}
	return p
}

// parseScaled reads a decimal number exactly and returns it times 10^scale. Besides JSON's form it takes a plus sign,
// leading zeros, and a point without digits on one side. precision bounds the digits of the result.
func parseScaled(s []byte, precision, scale int) (vector.Int128, status) {
	neg := len(s) > 0 && s[0] == '-'
	if neg || len(s) > 0 && s[0] == '+' {
		s = s[1:]
	}
	n, ok := splitNumber(s)
	if !ok {
		return vector.Int128{}, noNumber
	}
	whole, frac := n.whole, n.frac
	// take is how many digits of whole+frac the result has; the ones behind must be zeros.
	take := len(whole) + n.exp + scale
	digit := func(i int) byte {
		if i < len(whole) {
			return whole[i] - '0'
		}
		return frac[i-len(whole)] - '0'
	}
	total, i := len(whole)+len(frac), 0
	for i < total && digit(i) == 0 {
		i++
	}
	if i == total {
		return vector.Int128{}, isNumber
	}
	for k := max(take, i); k < total; k++ {
		if digit(k) != 0 {
			return vector.Int128{}, tooFine
		}
	}
	if take <= i { // all that was left were zeros
		return vector.Int128{}, isNumber
	}
	if take-i > precision {
		return vector.Int128{}, tooLarge
	}
	var hi, lo uint64
	for ; i < take; i++ {
		d := uint64(0)
		if i < total {
			d = uint64(digit(i))
		}
		h, l := bits.Mul64(lo, 10)
		var carry uint64
		lo, carry = bits.Add64(l, d, 0)
		hi = hi*10 + h + carry
	}
	if neg {
		lo, hi = -lo, ^hi
		if lo == 0 {
			hi++
		}
	}
	return vector.Int128{Lo: lo, Hi: int64(hi)}, isNumber
}

// numberParts are the digits of a number before and behind the point, and the exponent (at most 100,000).
type numberParts struct {
	whole, frac []byte
	exp         int
}

// splitNumber cuts an unsigned number into its parts.
func splitNumber(s []byte) (n numberParts, ok bool) {
	p := digitsEnd(s, 0)
	n.whole = s[:p]
	if p < len(s) && s[p] == '.' {
		q := digitsEnd(s, p+1)
		n.frac, p = s[p+1:q], q
	}
	if len(n.whole)+len(n.frac) == 0 {
		return numberParts{}, false
	}
	if p < len(s) && s[p]|0x20 == 'e' {
		p++
		neg := p < len(s) && s[p] == '-'
		if neg || p < len(s) && s[p] == '+' {
			p++
		}
		first := p
		for p < len(s) && s[p]-'0' <= 9 {
			n.exp = min(n.exp*10+int(s[p]-'0'), 100_000)
			p++
		}
		if p == first {
			return numberParts{}, false
		}
		if neg {
			n.exp = -n.exp
		}
	}
	return n, p == len(s)
}

// parseInt reads an integer exactly; 1.0 and 1e3 are integers.
func parseInt(s []byte) (int64, status) {
	if v, end, ok := scanInt(s, 0); ok && end == len(s) {
		return v, isNumber
	}
	v, st := parseScaled(s, 19, 0)
	if st == isNumber && v.Hi != int64(v.Lo)>>63 {
		return 0, tooLarge
	}
	return int64(v.Lo), st
}

// parseFloat reads a double; NaN and Infinity are taken as JSON strings and CSV fields write them.
func parseFloat(s []byte) (float64, status) {
	if v, end, ok := scanFixed(s, 0); ok && end == len(s) {
		if f, exact := fixedFloat(v, s[0] == '-'); exact {
			return f, isNumber
		}
	}
	if len(s) == 0 {
		return 0, noNumber
	}
	body := s
	if s[0] == '-' || s[0] == '+' {
		body = s[1:]
	}
	if len(body) == 0 || body[0] != '.' && body[0]-'0' > 9 {
		return specialFloat(body, s[0] == '-')
	}
	for _, c := range body { // ParseFloat takes more than we do: hexadecimal, underscores
		if c-'0' > 9 && c != '.' && c|0x20 != 'e' && c != '+' && c != '-' {
			return 0, noNumber
		}
	}
	f, err := strconv.ParseFloat(unsafe.String(&s[0], len(s)), 64)
	switch {
	case err == nil:
		return f, isNumber
	case math.IsInf(f, 0):
		return 0, tooLarge
	}
	return 0, noNumber
}

// fixedFloat returns mant * 10^-places when that needs one correctly rounded division.
func fixedFloat(v fixedPoint, neg bool) (f float64, exact bool) {
	if v.mant > 1<<53 || v.mant < -1<<53 {
		return 0, false
	}
	f = float64(v.mant) / floatPow10[v.places]
	if v.mant == 0 && neg {
		f = math.Copysign(0, -1)
	}
	return f, true
}

func specialFloat(s []byte, neg bool) (float64, status) {
	switch string(s) {
	case "NaN", "nan":
		return math.NaN(), isNumber
	case "Infinity", "inf", "Inf":
		if neg {
			return math.Inf(-1), isNumber
		}
		return math.Inf(1), isNumber
	}
	return 0, noNumber
}
