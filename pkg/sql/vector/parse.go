package vector

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// ErrSyntax says that a text is not a value of the type.
var ErrSyntax = errors.New("the text is not a value of the type")

// ErrRange says that a number lies outside of its type.
var ErrRange = errors.New("the value is outside of the range of the type")

// ParseInto appends the value of type v.Type that text spells to v. v is flat (no Codes). On an error nothing is
// appended; the error wraps ErrSyntax, ErrRange or ErrDecimalRange.
func ParseInto(v *Vector, text []byte) error {
	switch v.Type.Kind {
	case Boolean:
		b, err := ParseBool(text)
		if err != nil {
			return bad(text, v.Type, err)
		}
		v.Bool = append(v.Bool, b)
	case Double:
		f, err := ParseDouble(text)
		if err != nil {
			return bad(text, v.Type, err)
		}
		v.F64 = append(v.F64, f)
	case Decimal:
		d, err := ParseDecimal(trimSpace(text), int(v.Type.Precision), int(v.Type.Scale))
		if err != nil {
			return bad(text, v.Type, err)
		}
		appendDec(v, d)
	case String:
		appendBytes(v, text)
	case Bytes:
		out, err := base64.StdEncoding.AppendDecode(v.Data, text)
		if err != nil {
			return bad(text, v.Type, ErrSyntax)
		}
		v.Data = out
		v.Offs = append(v.Offs, uint32(len(v.Data)))
	case Null, Array, Map, Struct:
		return fmt.Errorf("text has no form for %s: %w", v.Type, ErrSyntax)
	default:
		n, err := ParseI64(v.Type.Kind, text)
		if err != nil {
			return bad(text, v.Type, err)
		}
		v.I64 = append(v.I64, n)
	}
	SetLen(v, v.Len+1)
	return nil
}

func appendDec(v *Vector, d Int128) {
	if v.Type.Precision > 18 {
		v.I128 = append(v.I128, d)
		return
	}
	v.I64 = append(v.I64, int64(d.Lo))
}

func appendBytes(v *Vector, s []byte) {
	if len(v.Offs) == 0 {
		v.Offs = append(v.Offs, 0)
	}
	v.Data = append(v.Data, s...)
	v.Offs = append(v.Offs, uint32(len(v.Data)))
}

func bad(text []byte, t Type, err error) error {
	if len(text) > 40 {
		text = append(append([]byte{}, text[:37]...), "..."...)
	}
	return fmt.Errorf("%q as %s: %w", text, t, err)
}

// ParseI64 reads a value of a kind that is kept in I64: INT, BIGINT, DATE, TIME, TIMESTAMP, INTERVAL.
func ParseI64(k Kind, text []byte) (int64, error) {
	switch k {
	case Date:
		return ParseDate(text)
	case Time:
		return ParseTime(text)
	case Timestamp:
		return ParseTimestamp(text)
	case Interval:
		return ParseInterval(text)
	default:
		n, err := ParseInt(text)
		if err == nil && k == Int && (n < math.MinInt32 || n > math.MaxInt32) {
			err = ErrRange
		}
		return n, err
	}
}

// ParseInt reads a whole number, which may be written as 12.0 or 1e3.
func ParseInt(text []byte) (int64, error) {
	text = trimSpace(text)
	if len(text) > 0 && len(text) < 19 {
		if n, ok := shortInt(text); ok {
			return n, nil
		}
	}
	n, err := strconv.ParseInt(view(text), 10, 64)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, strconv.ErrRange) {
		return 0, ErrRange
	}
	d, err := scanDecimal(text)
	if err != nil {
		return 0, err
	}
	return d.whole()
}

// shortInt reads at most 18 digits.
func shortInt(text []byte) (int64, bool) {
	neg := text[0] == '-'
	if neg || text[0] == '+' {
		text = text[1:]
	}
	if len(text) == 0 {
		return 0, false
	}
	var n int64
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}

// whole returns the value when it is a whole number: 12.00 and 1.2e1 are 12, and 12.5 is no whole number.
func (d scanned) whole() (int64, error) {
	v, exact, err := d.at(MaxDigits, 0, false)
	if err != nil {
		return 0, ErrRange
	}
	if !exact {
		return 0, ErrSyntax
	}
	n, ok := v.Int64()
	if !ok {
		return 0, ErrRange
	}
	return n, nil
}

// ParseDouble reads a double; NaN, Infinity and Inf are accepted with any sign.
func ParseDouble(text []byte) (float64, error) {
	text = trimSpace(text)
	for _, c := range text {
		if c == '_' || c == 'x' || c == 'X' || c == 'p' || c == 'P' {
			return 0, ErrSyntax // Go's forms, not SQL's
		}
	}
	f, err := strconv.ParseFloat(view(text), 64)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, strconv.ErrRange):
		return 0, ErrRange
	default:
		return 0, ErrSyntax
	}
}

func parseFloat(text []byte) float64 {
	f, _ := strconv.ParseFloat(view(text), 64)
	return f
}

// ParseBool reads a prefix of true, yes, false or no, without regard to case; also 1, 0, on and off.
func ParseBool(text []byte) (bool, error) {
	text = trimSpace(text)
	for _, w := range [...]struct {
		word  string
		exact bool
		value bool
	}{
		{"true", false, true},
		{"yes", false, true},
		{"false", false, false},
		{"no", false, false},
		{"1", true, true},
		{"0", true, false},
		{"on", true, true},
		{"off", true, false},
	} {
		if matchFold(text, w.word) && (!w.exact || len(text) == len(w.word)) {
			return w.value, nil
		}
	}
	return false, ErrSyntax
}

// matchFold reports whether text is a prefix of word, not empty, without regard to case.
func matchFold(text []byte, word string) bool {
	if len(text) == 0 || len(text) > len(word) {
		return false
	}
	for i, c := range text {
		if c|0x20 != word[i] && c != word[i] {
			return false
		}
	}
	return true
}

// ParseInterval reads a duration such as 15m, 250ms, 1h or 2d; a bare number is milliseconds.
func ParseInterval(text []byte) (int64, error) {
	text = trimSpace(text)
	n := len(text)
	for n > 0 && (text[n-1]|0x20 >= 'a' && text[n-1]|0x20 <= 'z') {
		n--
	}
	v, err := ParseInt(text[:n])
	if err != nil {
		return 0, err
	}
	unit, ok := intervalUnits[string(text[n:])]
	if !ok {
		return 0, ErrSyntax
	}
	if v > math.MaxInt64/unit || v < math.MinInt64/unit {
		return 0, ErrRange
	}
	return v * unit, nil
}

var intervalUnits = map[string]int64{"": 1, "ms": 1, "s": MsSecond, "m": MsMinute, "h": MsHour, "d": MsDay}
