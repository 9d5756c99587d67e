package ast

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// reservedWords are names only in quotes: without them a clause or an expression would be ambiguous.
var reservedWords = wordSet(`SELECT FROM WHERE GROUP HAVING ORDER BY LIMIT JOIN ON UNION AND OR NOT AS BETWEEN IN IS
	LIKE CASE WHEN THEN ELSE END NULL TRUE FALSE DISTINCT WITH CREATE`)

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

const maxReserved = 8 // bytes of the longest reserved word

// Reserved reports whether a word is a name only in quotes.
func Reserved(word string) bool {
	var buf [maxReserved]byte
	if len(word) > maxReserved {
		return false
	}
	for i := range len(word) {
		c := word[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		buf[i] = c
	}
	return reservedWords[string(buf[:len(word)])]
}

// String returns the name as it is written in a statement.
func (i Ident) String() string {
	if i.Quoted || !plain(i.Name) {
		return quoteName(i.Name)
	}
	return i.Name
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func quoteString(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// plain reports whether a name can stand without quotes, reserved words aside.
func plain(s string) bool {
	digits := 0
	for i, r := range s {
		switch {
		case '0' <= r && r <= '9':
			if digits == i {
				digits++
			}
		case digits > 0 && r >= utf8.RuneSelf:
			return false
		case r == '_' || r == '@' || r == '$' || unicode.IsLetter(r):
		case i > 0 && r >= utf8.RuneSelf && (unicode.IsMark(r) || unicode.IsDigit(r)):
		default:
			return false
		}
	}
	return digits < len(s) && (digits == 0 || !exponent(s[digits:]))
}

// exponent reports whether a word after digits makes a number of them: e3.
func exponent(s string) bool {
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	return len(s) > 1 && strings.Trim(s[1:], "0123456789") == ""
}

// FormatDuration writes ms in the largest unit that is exact: 15m, 36h, 1799500ms.
func FormatDuration(ms int64) string {
	units := []struct {
		name string
		ms   int64
	}{{"d", 86_400_000}, {"h", 3_600_000}, {"m", 60_000}, {"s", 1000}}
	for _, u := range units {
		if ms != 0 && ms%u.ms == 0 {
			return strconv.FormatInt(ms/u.ms, 10) + u.name
		}
	}
	if ms == 0 {
		return "0s"
	}
	return strconv.FormatInt(ms, 10) + "ms"
}

// FormatType writes a type as the parser reads it.
func FormatType(t vector.Type) string {
	switch t.Kind {
	case vector.Array:
		return "ARRAY<" + FormatType(*t.Elem) + ">"
	case vector.Map:
		return "MAP<" + FormatType(*t.Key) + ", " + FormatType(*t.Elem) + ">"
	case vector.Struct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = fieldName(f.Name) + " " + FormatType(f.Type)
		}
		return "STRUCT<" + strings.Join(parts, ", ") + ">"
	default:
		return t.String()
	}
}

func fieldName(s string) string {
	if !plain(s) || Reserved(s) {
		return quoteName(s)
	}
	return s
}
