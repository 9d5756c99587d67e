package parser

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
)

type kind uint8

const (
	eof       kind = iota
	word           // an unquoted name or a keyword
	quoted         // "x" or `x`
	str            // 'x'
	integer        // 1
	decimal        // 1.50
	double         // 1e3
	digitWord      // 15m, 1R: a duration or a name that starts with a digit
	op             // punctuation and operators
)

// token is one lexical unit. text is the decoded value: quotes are gone, everything else is as written.
type token struct {
	kind kind
	text string
	at   ast.Span // in the script
	from int      // in the text of the statement
	to   int
}

// is reports whether t is the keyword or operator s; s is in upper case.
func (t *token) is(s string) bool {
	return (t.kind == word || t.kind == op) && len(t.text) == len(s) && strings.EqualFold(t.text, s)
}

// found describes t for a message.
func (t *token) found() string {
	switch t.kind {
	case eof:
		return "the end of the statement"
	case str:
		return "the string '" + clip(t.text) + "'"
	case quoted:
		return `the name "` + clip(t.text) + `"`
	case integer, decimal, double:
		return "the number " + clip(t.text)
	case op:
		return `"` + t.text + `"`
	default:
		if isReserved(t.text) {
			return strings.ToUpper(t.text)
		}
		return `"` + clip(t.text) + `"`
	}
}

const clipRunes = 30

func clip(s string) string {
	n := 0
	for i := range s {
		if n == clipRunes {
			return s[:i] + "..."
		}
		n++
	}
	return s
}

// aliasStops begin the next clause, so that they are no alias without AS.
var aliasStops = wordSet(`EMIT WINDOW PARTITION OFFSET INNER LEFT RIGHT FULL CROSS OUTER ASOF NATURAL WITHIN INTO GRACE
	RETENTION SET PRIMARY KEY USING FILTER OVER ESCAPE AT INTERSECT EXCEPT FETCH MATCH_RECOGNIZE ROWS RANGE
	TUMBLING HOPPING SLIDING SESSION CUMULATE PRECEDING FOLLOWING EXPIRE DESC ASC NULLS VALUES`)

const maxWord = 24

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

func inSet(m map[string]bool, w string) bool {
	var buf [maxWord]byte
	if len(w) > maxWord {
		return false
	}
	for i := range len(w) {
		c := w[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		buf[i] = c
	}
	return m[string(buf[:len(w)])]
}

func isReserved(w string) bool { return ast.Reserved(w) }
