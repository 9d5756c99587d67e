package format

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func appendInt(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

// appendFloat writes a double so that it reads back the same, as encoding/json does; NaN, Infinity, -Infinity.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	if n := len(dst); format == 'e' && n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

func appendDigits(dst []byte, v, width int) []byte {
	for p := 1; width > 0; width-- {
		p = 1
		for range width - 1 {
			p *= 10
		}
		dst = append(dst, byte('0'+v/p%10))
	}
	return dst
}

// dateOf returns the date of a day counted from 1970-01-01.
func dateOf(days int64) (year, month, day int) {
	z := days + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp) + 3
	if month > 12 {
		month -= 12
	}
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}

func appendDate(dst []byte, days int64) []byte {
	if days < -719528 || days > 2932896 { // outside the years 0 to 9999
		return appendInt(dst, days)
	}
	y, m, d := dateOf(days)
	dst = append(appendDigits(dst, y, 4), '-')
	dst = append(appendDigits(dst, m, 2), '-')
	return appendDigits(dst, d, 2)
}

func appendClock(dst []byte, ms int64) []byte {
	dst = append(appendDigits(dst, int(ms/msHour), 2), ':')
	dst = append(appendDigits(dst, int(ms/msMinute%60), 2), ':')
	dst = append(appendDigits(dst, int(ms/msSecond%60), 2), '.')
	return appendDigits(dst, int(ms%msSecond), 3)
}

// appendTimestamp writes a time as ISO with ms and Z; one outside the years 0 to 9999 as its number.
func appendTimestamp(dst []byte, ms int64) []byte {
	days := ms / msDay
	if ms%msDay < 0 {
		days--
	}
	if days < -719528 || days > 2932896 {
		return appendInt(dst, ms)
	}
	dst = append(appendDate(dst, days), 'T')
	return append(appendClock(dst, ms-days*msDay), 'Z')
}

// appendText appends the value of row i as text, without quotes; a null is nothing.
func appendText(dst []byte, v *vector.Vector, i int) []byte {
	if v.Null(i) {
		return dst
	}
	switch v.Type.Kind {
	case vector.Boolean:
		return strconv.AppendBool(dst, v.Bool[i])
	case vector.Double:
		return appendFloat(dst, v.F64[i])
	case vector.Decimal:
		if v.Type.Phys() == vector.PhysI128 {
			return vector.AppendDecimal(dst, v.I128[i], int(v.Type.Scale))
		}
		return appendFixed(dst, v.I64[i], int(v.Type.Scale))
	case vector.String:
		return append(dst, v.Bytes(i)...)
	case vector.Bytes:
		return base64.StdEncoding.AppendEncode(dst, v.Bytes(i))
	case vector.Date:
		return appendDate(dst, v.I64[i])
	case vector.Time:
		return appendClock(dst, v.I64[i])
	case vector.Timestamp:
		return appendTimestamp(dst, v.I64[i])
	case vector.Null:
		return dst
	default:
		return appendInt(dst, v.I64[i])
	}
}

// appendFixed writes v / 10^scale with all its places.
func appendFixed(dst []byte, v int64, scale int) []byte {
	if scale == 0 {
		return appendInt(dst, v)
	}
	u := uint64(v)
	if v < 0 {
		dst = append(dst, '-')
		u = -u
	}
	p := uint64(pow10[scale])
	dst = strconv.AppendUint(dst, u/p, 10)
	at := len(dst)
	dst = append(dst, "0000000000000000000"[:scale+1]...)
	dst[at] = '.'
	for rest, k := u%p, at+scale; k > at; k-- {
		dst[k] = byte('0' + rest%10)
		rest /= 10
	}
	return dst
}

// appendJSON appends the value of row i as JSON.
func appendJSON(dst []byte, v *vector.Vector, i int) []byte {
	if v.Null(i) {
		return append(dst, "null"...)
	}
	switch v.Type.Kind {
	case vector.String:
		return appendString(dst, v.Bytes(i))
	case vector.Double:
		if f := v.F64[i]; math.IsNaN(f) || math.IsInf(f, 0) {
			return append(appendFloat(append(dst, '"'), f), '"')
		}
	case vector.Bytes, vector.Date, vector.Time, vector.Timestamp:
		return append(appendText(append(dst, '"'), v, i), '"')
	case vector.Null:
		return append(dst, "null"...)
	}
	return appendText(dst, v, i)
}

// appendKey appends a name as it begins a field of a JSON object.
func appendKey(dst []byte, name string) []byte { return append(appendString(dst, []byte(name)), ':') }

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string; broken UTF-8 becomes U+FFFD.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		dst = append(dst, s[from:i]...)
		switch {
		case c >= utf8.RuneSelf:
			dst = utf8.AppendRune(dst, utf8.RuneError)
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
