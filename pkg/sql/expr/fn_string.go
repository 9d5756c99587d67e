package expr

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func stringFunc(name, usage, doc string, over ...Overload) *Func {
	return &Func{Name: name, Category: "string", Usage: []string{usage}, Doc: doc, Overloads: over}
}

func stringFuncs() []*Func {
	one := func(name, doc string, fn func(dst, s []byte) []byte) *Func {
		return stringFunc(name, name+"(s)", doc, on("STRING -> STRING",
			rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) { return fn(dst, f.text(0, i)), nil })))
	}
	list := []*Func{
		{
			Name: "CONCAT", Category: "string", Usage: []string{"CONCAT(a, b, ...)"}, NullSafe: true,
			Doc: "Joins its arguments; NULL ones are left out.", Resolve: concatMatch(1, concatKernel),
		},
		{
			Name: "CONCAT_WS", Category: "string", Usage: []string{"CONCAT_WS(separator, a, b, ...)"}, NullSafe: true,
			firstStrict: true, Doc: "Joins its arguments with a separator between them; NULL ones are left out, and " +
				"a NULL " +
				"separator gives NULL.", Resolve: concatMatch(2, concatWSKernel),
		},
		stringFunc("LEN", "LEN(s)", "Returns the number of characters of a STRING or of bytes of BYTES.",
			on("STRING -> INT", lenText), on("BYTES -> INT", lenBytes)).as("LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH"),
		one("UCASE", "Returns the text in upper case.", appendUpper).as("UPPER"),
		one("LCASE", "Returns the text in lower case.", appendLower).as("LOWER"),
		one("INITCAP", "Returns the text with each word in lower case and its first letter in upper case.",
			appendInitCap),
		one("TRIM", "Removes white space at both ends.", func(dst, s []byte) []byte {
			return append(dst,
				trimBoth(s)...)
		}),
		one("LTRIM", "Removes white space at the start.", func(dst, s []byte) []byte {
			return append(dst,
				trimLeft(s)...)
		}),
		one("RTRIM", "Removes white space at the end.", func(dst, s []byte) []byte {
			return append(dst,
				trimRight(s)...)
		}),
		stringFunc("SUBSTRING", "SUBSTRING(s, position[, length])", "Returns the part of s from a position on, which "+
			"counts from 1, or from the end when it is negative.",
			on("STRING, INT[, INT] -> STRING", substrText), on("BYTES, INT[, INT] -> BYTES", substrBytes)).as("SUBSTR"),
		stringFunc("INSTR", "INSTR(s, part[, position[, occurrence]])", "Returns the position of a part of s, counted "+
			"from 1; 0 when there is none. A negative position searches backwards from the end.",
			on("STRING, STRING[, INT[, INT]] -> INT", instrKernel)),
		stringFunc(
			"POSITION",
			"POSITION(part, s)",
			"Returns the position of a part of s, counted from 1; 0 when there is none.",
			on("STRING, STRING -> INT", positionKernel),
		).as("LOCATE"),
		stringFunc("LEFT", "LEFT(s, n)", "Returns the first n characters, or all but the last -n.",
			on("STRING, INT -> STRING", sideKernel(true))),
		stringFunc("RIGHT", "RIGHT(s, n)", "Returns the last n characters, or all but the first -n.",
			on("STRING, INT -> STRING", sideKernel(false))),
		stringFunc("REPLACE", "REPLACE(s, old, new)", "Replaces every occurrence of a part of s.",
			on("STRING, STRING, STRING -> STRING", replaceKernel)),
		stringFunc("LPAD", "LPAD(s, length, padding)", "Fills s at its start, or cuts it, to a length.",
			on("STRING, INT, STRING -> STRING", padText(true)), on("BYTES, INT, BYTES -> BYTES", padBytes(true))),
		stringFunc("RPAD", "RPAD(s, length, padding)", "Fills s at its end, or cuts it, to a length.",
			on("STRING, INT, STRING -> STRING", padText(false)), on("BYTES, INT, BYTES -> BYTES", padBytes(false))),
		one("MD5", "Returns the MD5 sum of the text in hexadecimal digits.", appendMD5),
	}
	return append(append(list, pieceFuncs()...), maskFuncs()...)
}

// pieceFuncs make and pick pieces of texts.
func pieceFuncs() []*Func {
	return []*Func{
		stringFunc("CHR", "CHR(code)", "Returns the character of a code point, or of an escape such as '\\u0041'.",
			on("INT -> STRING", chrKernel), on("STRING -> STRING", chrTextKernel)),
		{
			Name: "ELT", Category: "string", Usage: []string{"ELT(n, a, b, ...)"}, NullSafe: true, firstStrict: true,
			Doc: "Returns the n-th of the values after it, NULL when there is none.", Overloads: []Overload{
				on("INT, STRING... -> STRING", eltKernel),
			},
		},
		{
			Name: "FIELD", Category: "string", Usage: []string{"FIELD(s, a, b, ...)"}, NullSafe: true,
			Doc:       "Returns the position of s among the values after it, counted from 1; 0 when it is not there.",
			Overloads: []Overload{on("STRING, STRING... -> INT", fieldKernel)},
		},
		stringFunc("SPLIT_PART", "SPLIT_PART(s, separator, n)", "Returns the n-th part of s, counted from 1, or "+
			"from the "+
			"end when n is negative; the empty string when there is none.",
			on("STRING, STRING, INT -> STRING", splitPart)),
		stringFunc("SPLIT_INDEX", "SPLIT_INDEX(s, separator, n)", "Returns the n-th part of s, counted from 0; NULL "+
			"when "+
			"there is none.", on("STRING, STRING, INT -> STRING", splitIndex)),
		{
			Name: "UUID", Category: "string", Usage: []string{"UUID()", "UUID(bytes)"}, NotDeterministic: true,
			Doc: "Returns a random UUID that is drawn from the position of the record, or the UUID that 16 " +
				"bytes are.",
			Overloads: []Overload{on(" -> STRING", uuidKernel), on("BYTES -> STRING", uuidBytes)},
		},
	}
}

// concatMatch takes STRING or BYTES; other types are taken as their text.
func concatMatch(least int, k Kernel) func([]Operand) (*Match, error) {
	return func(args []Operand) (*Match, error) {
		if len(args) < least {
			return nil, &misfit{}
		}
		t, texts := vector.TString, 0
		for _, a := range args {
			if a.T.Kind == vector.Bytes {
				t = vector.TBytes
			} else if a.T.Kind != vector.Null {
				texts++
			}
		}
		if t.Kind == vector.Bytes && texts > 0 {
			return nil, &misfit{}
		}
		m := &Match{Out: t, Kernel: k}
		for range args {
			m.Args = append(m.Args, t)
		}
		return m, nil
	}
}

// CONCAT, CONCAT_WS, ELT and FIELD look at nulls themselves.
var (
	concatKernel = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		for _, a := range f.Args {
			if !isNull(a, i) {
				dst = append(dst, a.Bytes(i)...)
			}
		}
		return dst, nil
	})
	concatWSKernel = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		first := true
		for _, a := range f.Args[1:] {
			if isNull(a, i) {
				continue
			}
			if !first {
				dst = append(dst, f.text(0, i)...)
			}
			dst, first = append(dst, a.Bytes(i)...), false
		}
		return dst, nil
	})
	eltKernel = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		n := f.i64(0, i)
		if n < 1 || n >= int64(len(f.Args)) || isNull(f.Args[n], i) {
			return dst, errNull
		}
		return append(dst, f.text(int(n), i)...), nil
	})
	fieldKernel = rowI64(func(f *Frame, i int) (int64, error) {
		if isNull(f.Args[0], i) {
			return 0, nil
		}
		for k, a := range f.Args[1:] {
			if !isNull(a, i) && bytes.Equal(a.Bytes(i), f.text(0, i)) {
				return int64(k + 1), nil
			}
		}
		return 0, nil
	})
	lenText  = rowI64(func(f *Frame, i int) (int64, error) { return int64(utf8.RuneCount(f.text(0, i))), nil })
	lenBytes = rowI64(func(f *Frame, i int) (int64, error) { return int64(len(f.text(0, i))), nil })
)

func appendUpper(dst, s []byte) []byte { return appendCase(dst, s, 'a', unicode.ToUpper) }
func appendLower(dst, s []byte) []byte { return appendCase(dst, s, 'A', unicode.ToLower) }

// appendCase maps letters; ASCII letters from first on change by one bit.
func appendCase(dst, s []byte, first byte, to func(rune) rune) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c-first < 26 {
				c ^= 0x20
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(dst, c)
		case r == 'ß' && first == 'a':
			dst = append(dst, "SS"...)
		default:
			dst = utf8.AppendRune(dst, to(r))
		}
		i += n
	}
	return dst
}

func appendInitCap(dst, s []byte) []byte {
	start := true
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRune(s[i:])
		if start {
			dst = appendUpper(dst, s[i:i+n])
		} else {
			dst = appendLower(dst, s[i:i+n])
		}
		start = unicode.IsSpace(r)
		i += n
	}
	return dst
}

func trimLeft(s []byte) []byte {
	for len(s) > 0 && s[0] <= ' ' {
		s = s[1:]
	}
	return s
}

func trimRight(s []byte) []byte {
	for len(s) > 0 && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	return s
}

func trimBoth(s []byte) []byte { return trimLeft(trimRight(s)) }

// substrSpan returns the half-open range of a SUBSTRING in a text of length units.
func substrSpan(f *Frame, i, length int) (int, int) {
	pos := f.i64(1, i)
	from := 0
	switch {
	case pos < 0:
		from = int(max(int64(length)+pos, 0))
	case pos > 0:
		from = int(min(pos-1, int64(length)))
	}
	to := length
	if len(f.Args) == 3 {
		to = from + int(max(min(f.i64(2, i), int64(length-from)), 0))
	}
	return from, to
}

var (
	substrText = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		s := f.text(0, i)
		from, to := substrSpan(f, i, utf8.RuneCount(s))
		a := runeOffset(s, from)
		return append(dst, s[a:a+runeOffset(s[a:], to-from)]...), nil
	})
	substrBytes = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		s := f.text(0, i)
		from, to := substrSpan(f, i, len(s))
		return append(dst, s[from:to]...), nil
	})
	replaceKernel = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		s, old, repl := f.text(0, i), f.text(1, i), f.text(2, i)
		if len(old) == 0 {
			return append(dst, s...), nil
		}
		for {
			at := bytes.Index(s, old)
			if at < 0 {
				return append(dst, s...), nil
			}
			dst = append(append(dst, s[:at]...), repl...)
			s = s[at+len(old):]
		}
	})
	instrKernel    = rowI64(instr)
	positionKernel = rowI64(func(f *Frame, i int) (int64, error) {
		at := bytes.Index(f.text(1, i), f.text(0, i))
		if at < 0 {
			return 0, nil
		}
		return int64(utf8.RuneCount(f.text(1, i)[:at])) + 1, nil
	})
)

// sideKernel is LEFT and RIGHT.
func sideKernel(left bool) Kernel {
	return rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		s := f.text(0, i)
		length := int64(utf8.RuneCount(s))
		n := min(f.i64(1, i), length)
		if n < 0 {
			n = max(length+n, 0)
		}
		if left {
			return append(dst, s[:runeOffset(s, int(n))]...), nil
		}
		return append(dst, s[runeOffset(s, int(length-n)):]...), nil
	})
}

// runeOffset returns the byte offset of code point n.
func runeOffset(s []byte, n int) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, w := utf8.DecodeRune(s[at:])
		at += w
	}
	return at
}

// instr searches forwards from a position, or backwards from one that is counted from the end.
func instr(f *Frame, i int) (int64, error) {
	s, part := f.text(0, i), f.text(1, i)
	pos, nth := int64(1), int64(1)
	if len(f.Args) > 2 {
		pos = f.i64(2, i)
	}
	if len(f.Args) > 3 {
		nth = f.i64(3, i)
	}
	if nth < 1 || pos == 0 {
		return 0, nil
	}
	length := int64(utf8.RuneCount(s))
	if pos > 0 {
		if pos > length {
			return 0, nil
		}
		at := runeOffset(s, int(pos-1))
		for {
			k := bytes.Index(s[at:], part)
			if k < 0 {
				return 0, nil
			}
			at += k
			if nth--; nth == 0 {
				return int64(utf8.RuneCount(s[:at])) + 1, nil
			}
			_, w := utf8.DecodeRune(s[at:])
			if at += w; w == 0 {
				return 0, nil
			}
		}
	}
	if -pos > length {
		return 0, nil
	}
	for at := runeOffset(s, int(length+pos)); ; {
		if bytes.HasPrefix(s[at:], part) {
			if nth--; nth == 0 {
				return int64(utf8.RuneCount(s[:at])) + 1, nil
			}
		}
		if at == 0 {
			return 0, nil
		}
		_, w := utf8.DecodeLastRune(s[:at])
		at -= w
	}
}

// maxPad bounds the length that LPAD and RPAD make.
const maxPad = 1 << 20

func padText(left bool) Kernel { return padKernel(left, utf8.RuneCount, runeOffset) }

func padBytes(left bool) Kernel {
	return padKernel(left, func(s []byte) int { return len(s) }, func(s []byte, n int) int { return min(n, len(s)) })
}

func padKernel(left bool, count func([]byte) int, offset func([]byte, int) int) Kernel {
	return rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		s, n, pad := f.text(0, i), f.i64(1, i), f.text(2, i)
		if n < 0 || len(pad) == 0 {
			return dst, errNull
		}
		if n > maxPad {
			return dst, fail(CodeBadArgument, fmt.Sprintf("padding to %d characters; the limit is %d", n, maxPad))
		}
		missing := int(n) - count(s)
		if missing <= 0 {
			return append(dst, s[:offset(s, int(n))]...), nil
		}
		if !left {
			dst = append(dst, s...)
		}
		for per := count(pad); missing > 0; missing -= per {
			dst = append(dst, pad[:offset(pad, min(per, missing))]...)
		}
		if left {
			dst = append(dst, s...)
		}
		return dst, nil
	})
}

var chrKernel = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
	c := f.i64(0, i)
	if c < 0 || c > unicode.MaxRune || !utf8.ValidRune(rune(c)) {
		return dst, errNull
	}
	return utf8.AppendRune(dst, rune(c)), nil
})

// chrTextKernel reads one or more escapes \uXXXX; two of them may be a surrogate pair.
var chrTextKernel = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
	s := f.text(0, i)
	var high rune
	for len(s) > 0 {
		if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
			return dst, errNull
		}
		c, err := strconv.ParseUint(string(s[2:6]), 16, 16)
		if err != nil {
			return dst, errNull
		}
		s = s[6:]
		switch r := rune(c); {
		case high != 0 && r >= 0xdc00 && r < 0xe000:
			dst, high = utf8.AppendRune(dst, (high-0xd800)<<10+(r-0xdc00)+0x10000), 0
		case r >= 0xd800 && r < 0xdc00:
			high = r
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst, nil
})

func appendMD5(dst, s []byte) []byte {
	sum := md5.Sum(s)
	return hex.AppendEncode(dst, sum[:])
}

// nthPart returns part n, counted from 0, of s.
func nthPart(s, sep []byte, n int) ([]byte, bool) {
	if len(sep) == 0 {
		return s, n == 0
	}
	for ; ; n-- {
		at := bytes.Index(s, sep)
		if n == 0 {
			if at >= 0 {
				s = s[:at]
			}
			return s, true
		}
		if at < 0 {
			return nil, false
		}
		s = s[at+len(sep):]
	}
}

var (
	splitPart = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		s, sep, n := f.text(0, i), f.text(1, i), f.i64(2, i)
		if n == 0 {
			return dst, fail(CodeBadArgument, "SPLIT_PART counts parts from 1")
		}
		if n < 0 {
			n += 2
			if len(sep) > 0 {
				n += int64(bytes.Count(s, sep))
			}
			if n < 1 {
				return dst, nil
			}
		}
		part, _ := nthPart(s, sep, int(n-1))
		return append(dst, part...), nil
	})
	splitIndex = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		n := f.i64(2, i)
		if n < 0 {
			return dst, errNull
		}
		part, ok := nthPart(f.text(0, i), f.text(1, i), int(n))
		if !ok {
			return dst, errNull
		}
		return append(dst, part...), nil
	})
	uuidKernel = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		var b [16]byte
		for k := range 2 {
			h := recordHash(f, i, uint64(k+1)<<56)
			for j := range 8 {
				b[8*k+j] = byte(h >> (8 * j))
			}
		}
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
		return appendUUID(dst, b[:]), nil
	})
	uuidBytes = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		b := f.text(0, i)
		if len(b) != 16 {
			return dst, errNull
		}
		return appendUUID(dst, b), nil
	})
)

func appendUUID(dst, b []byte) []byte {
	for k, part := range [...][2]int{{0, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		if k > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[part[0]:part[1]])
	}
	return dst
}
