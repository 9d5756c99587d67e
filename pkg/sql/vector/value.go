package vector

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// Entry is an entry of a MAP as Value gives it.
type Entry struct{ Key, Val any }

// Value returns row i: nil for NULL, else bool, int64, float64, Int128 (DECIMAL of any precision), string, []byte (a
// copy), []any (ARRAY, and STRUCT with a value a field) or []Entry (MAP). It allocates and is for constants, tests and
// error messages.
func (v *Vector) Value(i int) any {
	if v.Type.Phys() == PhysNone || v.Null(i) {
		return nil
	}
	switch v.Type.Phys() {
	case PhysBool:
		return v.Bool[i]
	case PhysF64:
		return v.F64[i]
	case PhysI128:
		return v.I128[i]
	case PhysStr:
		if v.Type.Kind == Bytes {
			return append([]byte{}, v.Bytes(i)...)
		}
		return string(v.Bytes(i))
	case PhysNested:
		return nestedValue(v, i)
	default:
		if v.Type.Kind == Decimal {
			return FromInt64(v.I64[i])
		}
		return v.I64[i]
	}
}

// Dec returns the unscaled value of row i of a DECIMAL vector.
func (v *Vector) Dec(i int) Int128 {
	if v.Type.Precision > 18 {
		return v.I128[i]
	}
	return FromInt64(v.I64[i])
}

// AppendText appends row i in its SQL text form, as CAST to STRING gives it; NULL appends nothing. BYTES is base64, a
// nested value JSON.
func AppendText(dst []byte, v *Vector, i int) []byte {
	if v.Type.Phys() == PhysNone || v.Null(i) {
		return dst
	}
	switch v.Type.Kind {
	case Boolean:
		return strconv.AppendBool(dst, v.Bool[i])
	case Int, BigInt:
		return strconv.AppendInt(dst, v.I64[i], 10)
	case Double:
		return AppendDouble(dst, v.F64[i])
	case Decimal:
		return AppendDecimal(dst, v.Dec(i), int(v.Type.Scale))
	case String:
		return append(dst, v.Bytes(i)...)
	case Bytes:
		return base64.StdEncoding.AppendEncode(dst, v.Bytes(i))
	case Date:
		return AppendDate(dst, v.I64[i])
	case Time:
		return AppendTime(dst, v.I64[i])
	case Timestamp:
		return AppendTimestamp(dst, v.I64[i])
	case Interval:
		return AppendInterval(dst, v.I64[i])
	default:
		return appendNestedJSON(dst, v, i)
	}
}

// AppendDouble appends the shortest decimal text that reads back as f; NaN, Infinity, -Infinity.
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == math.Trunc(f) && math.Abs(f) < 1e15:
		if f == 0 && math.Signbit(f) {
			return append(dst, "-0.0"...)
		}
		return append(strconv.AppendInt(dst, int64(f), 10), ".0"...)
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' { // e-09 to e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// AppendJSON appends row i as a JSON value: numbers with all their digits, NaN and infinities as strings, dates and
// times as ISO strings, BYTES as base64, NULL as null. An ARRAY is a list, a MAP an object in the order of its keys, a
// STRUCT an object in the order of its fields.
func AppendJSON(dst []byte, v *Vector, i int) []byte {
	if v.Type.Phys() == PhysNone || v.Null(i) {
		return append(dst, "null"...)
	}
	switch v.Type.Kind {
	case Boolean, Int, BigInt, Decimal:
		return AppendText(dst, v, i)
	case Double:
		if f := v.F64[i]; math.IsNaN(f) || math.IsInf(f, 0) {
			return append(AppendDouble(append(dst, '"'), f), '"')
		}
		return AppendDouble(dst, v.F64[i])
	case String:
		return AppendJSONString(dst, v.Bytes(i))
	case Array, Map, Struct:
		return appendNestedJSON(dst, v, i)
	default:
		return append(AppendText(append(dst, '"'), v, i), '"')
	}
}

const hexDigits = "0123456789abcdef"

// plainJSON marks the ASCII bytes that stand for themselves in a JSON string.
var plainJSON = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// AppendJSONString appends s quoted and escaped. U+2028 and U+2029 are escaped too, so that the result is JavaScript;
// invalid UTF-8 becomes U+FFFD.
func AppendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plainJSON[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = appendEscaped(append(dst, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(append(dst, s[start:i]...), "\ufffd"...)
			start = i + n
		} else if r == '\u2028' || r == '\u2029' {
			dst = append(append(dst, s[start:i]...), `\u202`...)
			dst = append(dst, hexDigits[r&15])
			start = i + n
		}
		i += n
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}

// view is s as a string without a copy, for calls that do not keep it.
func view(s []byte) string { return unsafe.String(unsafe.SliceData(s), len(s)) }
