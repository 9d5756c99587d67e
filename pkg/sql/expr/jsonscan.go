package expr

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonDepth bounds the nesting of JSON that is read.
const jsonDepth = 200

// jsonSpace skips white space.
func jsonSpace(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t' || s[0] == '\n' || s[0] == '\r') {
		s = s[1:]
	}
	return s
}

// jsonValue splits a JSON value, with what is white space before it removed, from what follows it.
func jsonValue(s []byte, depth int) (value, rest []byte, ok bool) {
	s = jsonSpace(s)
	if len(s) == 0 || depth > jsonDepth {
		return nil, s, false
	}
	switch s[0] {
	case '{', '[':
		rest, ok = jsonItems(s, depth, func(_, _ []byte) bool { return true })
	case '"':
		rest, ok = jsonText(s)
	case 't':
		rest, ok = jsonWord(s, "true")
	case 'f':
		rest, ok = jsonWord(s, "false")
	case 'n':
		rest, ok = jsonWord(s, "null")
	default:
		rest, ok = jsonNumber(s)
	}
	return s[:len(s)-len(rest)], rest, ok
}

// jsonItems calls each for the elements of an array (with a nil key) or the members of an object, until it says false;
// the keys are as written, with their quotes.
func jsonItems(s []byte, depth int, each func(key, value []byte) bool) (rest []byte, ok bool) {
	object, end := s[0] == '{', byte(']')
	if object {
		end = '}'
	}
	s = jsonSpace(s[1:])
	if len(s) > 0 && s[0] == end {
		return s[1:], true
	}
	going := true
	for {
		var key, value []byte
		if object {
			s = jsonSpace(s)
			if len(s) == 0 || s[0] != '"' {
				return s, false
			}
			after, ok := jsonText(s)
			if !ok {
				return s, false
			}
			key, s = s[:len(s)-len(after)], jsonSpace(after)
			if len(s) == 0 || s[0] != ':' {
				return s, false
			}
			s = s[1:]
		}
		value, s, ok = jsonValue(s, depth+1)
		if !ok {
			return s, false
		}
		going = going && each(key, value)
		s = jsonSpace(s)
		if len(s) == 0 || s[0] != ',' && s[0] != end {
			return s, false
		}
		last := s[0] == end
		if s = s[1:]; last {
			return s, true
		}
	}
}

func jsonWord(s []byte, word string) ([]byte, bool) {
	if len(s) < len(word) || string(s[:len(word)]) != word {
		return s, false
	}
	return s[len(word):], true
}

// jsonText skips a string.
func jsonText(s []byte) ([]byte, bool) {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[i+1:], true
		case c < ' ':
			return s, false
		case c == '\\':
			i++
			if i == len(s) {
				return s, false
			}
			switch s[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if _, ok := hex4(s, i+1); !ok {
					return s, false
				}
				i += 4
			default:
				return s, false
			}
		}
	}
	return s, false
}

func hex4(s []byte, at int) (rune, bool) {
	if at+4 > len(s) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(s[at:at+4]), 16, 16)
	return rune(v), err == nil
}

func jsonDigits(s []byte) ([]byte, bool) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[n:], n > 0
}

func jsonNumber(s []byte) ([]byte, bool) {
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	zero := len(s) > 0 && s[0] == '0'
	rest, ok := jsonDigits(s)
	if !ok || zero && len(s)-len(rest) > 1 {
		return s, false
	}
	if len(rest) > 0 && rest[0] == '.' {
		if rest, ok = jsonDigits(rest[1:]); !ok {
			return s, false
		}
	}
	if len(rest) > 0 && rest[0]|0x20 == 'e' {
		rest = rest[1:]
		if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		if rest, ok = jsonDigits(rest); !ok {
			return s, false
		}
	}
	return rest, true
}

// jsonWhole returns the one value that s is.
func jsonWhole(s []byte) ([]byte, bool) {
	v, rest, ok := jsonValue(s, 0)
	return v, ok && len(jsonSpace(rest)) == 0
}

// appendJSONText appends a JSON string, given with its quotes, without its escapes.
func appendJSONText(dst, quoted []byte) []byte {
	s := quoted[1 : len(quoted)-1]
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(s, i+1)
			i += 4
			if utf16.IsSurrogate(r) && i+2 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
				if low, ok := hex4(s, i+3); ok {
					if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
						r = both
						i += 6
					}
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// appendCompact appends a valid JSON value without white space between its tokens.
func appendCompact(dst, value []byte) []byte {
	text := false
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case text && c == '\\':
			dst = append(dst, c, value[i+1])
			i++
			continue
		case c == '"':
			text = !text
		case !text && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			continue
		}
		dst = append(dst, c)
	}
	return dst
}
