package parser

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// lexer turns the text of one statement, variables replaced, into tokens whose spans lie in the script.
type lexer struct {
	src    string
	pos    int
	at     *offsets
	tokens []token
	notes  map[string]string
	err    *sqlerr.Error
}

// operators by first byte, longest first.
var operators = [128][]string{
	'(': {"("}, ')': {")"}, '[': {"["}, ']': {"]"}, ',': {","}, ';': {";"}, '.': {"."}, '+': {"+"}, '*': {"*"},
	'/': {"/"}, '%': {"%"}, '-': {"->>", "->", "-"}, '=': {"=>", "==", "="}, '<': {"<=", "<>", "<"},
	'>': {">=", ">"}, '!': {"!=", "!"}, '|': {"||", "|"}, ':': {":=", "::", ":"}, '~': {"~"}, '^': {"^"}, '&': {"&"},
	'?': {"?"}, '{': {"{"}, '}': {"}"},
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c == '_' || c == '@' || c == '$'
}

// run lexes everything; the last token is eof, also after an error.
func (l *lexer) run() {
	for l.err == nil && l.skip() {
		l.next()
	}
	end := len(l.src)
	if n := len(l.tokens); n > 0 && l.err == nil {
		end = l.tokens[n-1].to
	}
	p := l.at.end(end)
	l.tokens = append(l.tokens, token{kind: eof, at: ast.Span{Start: p, End: p}, from: end, to: end})
}

// skip passes blanks and comments and reports whether a token follows.
func (l *lexer) skip() bool {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			l.pos++
		case c == '-' && strings.HasPrefix(l.src[l.pos:], "--"):
			line := l.src[l.pos:]
			if i := strings.IndexByte(line, '\n'); i >= 0 {
				line = line[:i]
			}
			l.note(line[2:])
			l.pos += len(line)
		case c == '/' && strings.HasPrefix(l.src[l.pos:], "/*"):
			i := strings.Index(l.src[l.pos+2:], "*/")
			if i < 0 {
				l.fail(l.pos, l.pos+2, "the comment that starts here has no end").hint("close it with */")
				return false
			}
			l.pos += i + 4
		case strings.HasPrefix(l.src[l.pos:], "\ufeff"), strings.HasPrefix(l.src[l.pos:], "\u00a0"):
			_, n := utf8.DecodeRuneInString(l.src[l.pos:])
			l.pos += n
		default:
			return true
		}
	}
	return false
}

// note keeps `@name: value` of a comment before the first token. A name that comes again adds a line.
func (l *lexer) note(comment string) {
	comment = strings.TrimSpace(comment)
	if len(l.tokens) > 0 || !strings.HasPrefix(comment, "@") {
		return
	}
	name, value, ok := strings.Cut(comment[1:], ":")
	if !ok {
		name, value, _ = strings.Cut(comment[1:], " ")
	}
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	if name == "" {
		return
	}
	if l.notes == nil {
		l.notes = map[string]string{}
	}
	if old, again := l.notes[name]; again {
		value = old + "\n" + value
	}
	l.notes[name] = value
}

func (l *lexer) fail(from, to int, msg string, args ...any) report {
	l.err = sqlerr.New(sqlerr.Syntax, l.span(from, to), msg, args...)
	return report{l.err}
}

func (l *lexer) span(from, to int) ast.Span {
	return ast.Span{Start: l.at.start(from), End: max(l.at.end(to), l.at.start(from))}
}

func (l *lexer) emit(k kind, from int, text string) {
	l.tokens = append(l.tokens, token{kind: k, text: text, at: l.span(from, l.pos), from: from, to: l.pos})
}

func (l *lexer) next() {
	c := l.src[l.pos]
	switch {
	case c == '\'':
		l.string()
	case c == '"' || c == '`':
		l.quotedName(c)
	case isDigit(c) || c == '.' && l.fraction():
		l.number()
	case isWordByte(c) || c >= utf8.RuneSelf:
		l.name()
	default:
		l.operator(c)
	}
}

// fraction reports whether the point at pos starts a number like .5 and is not the one of t.1R.
func (l *lexer) fraction() bool {
	if l.pos+1 >= len(l.src) || !isDigit(l.src[l.pos+1]) {
		return false
	}
	n := len(l.tokens)
	if n == 0 || l.tokens[n-1].to != l.pos {
		return true
	}
	last := l.tokens[n-1]
	return last.kind == op && !last.is(")") && !last.is("]")
}

// body reads up to the closing quote q, in which a doubled quote stands for one.
func (l *lexer) body(q byte) (string, bool) {
	from := l.pos + 1
	doubled := false
	for i := from; i < len(l.src); i++ {
		if l.src[i] != q {
			continue
		}
		if i+1 < len(l.src) && l.src[i+1] == q {
			doubled = true
			i++
			continue
		}
		l.pos = i + 1
		text := l.src[from:i]
		if doubled {
			text = strings.ReplaceAll(text, string([]byte{q, q}), string(q))
		}
		return text, true
	}
	return "", false
}

func (l *lexer) string() {
	from := l.pos
	text, ok := l.body('\'')
	if !ok {
		l.fail(from, from+1, "the string that starts here has no end").
			hint("close it with '; a quote inside is written ''")
		return
	}
	l.emit(str, from, text)
}

func (l *lexer) quotedName(q byte) {
	from := l.pos
	text, ok := l.body(q)
	switch {
	case !ok:
		l.fail(from, from+1, "the quoted name that starts here has no end").
			hint("close it with %c; strings are written with '...'", q)
	case text == "":
		l.fail(from, l.pos, "a quoted name is empty").hint("an empty string is written ''")
	default:
		l.emit(quoted, from, text)
	}
}

func (l *lexer) name() {
	from := l.pos
	for l.pos < len(l.src) {
		if c := l.src[l.pos]; c < utf8.RuneSelf {
			if !isWordByte(c) {
				break
			}
			l.pos++
			continue
		}
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if !unicode.IsLetter(r) && (l.pos == from || !unicode.IsMark(r) && !unicode.IsDigit(r)) {
			break
		}
		l.pos += n
	}
	if l.pos == from {
		l.strange(from)
		return
	}
	l.emit(word, from, l.src[from:l.pos])
}

func (l *lexer) strange(from int) {
	r, n := utf8.DecodeRuneInString(l.src[from:])
	if r == utf8.RuneError {
		l.fail(from, from+n, "byte %#02x is not UTF-8 here", l.src[from])
		return
	}
	err := l.fail(from, from+n, "unexpected character %+q", r)
	if strings.ContainsRune("‘’“”´", r) {
		err.hint("a word processor's quotes are no quotes in SQL: write '...' for strings, \"...\" for names")
	}
}

func (l *lexer) operator(c byte) {
	if c < utf8.RuneSelf {
		for _, o := range operators[c] {
			if strings.HasPrefix(l.src[l.pos:], o) {
				from := l.pos
				l.pos += len(o)
				l.emit(op, from, o)
				return
			}
		}
	}
	l.strange(l.pos)
}

func (l *lexer) digits() {
	for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
		l.pos++
	}
}

// number reads 1, 1.50, 1e3, and words that start with a digit: 15m, 1.5h, 1R.
func (l *lexer) number() {
	from := l.pos
	k := integer
	l.digits()
	afterPoint := from > 0 && l.src[from-1] == '.' && len(l.tokens) > 0 && l.tokens[len(l.tokens)-1].to == from
	if !afterPoint && l.pointOfNumber() {
		k = decimal
		l.pos++
		l.digits()
	}
	if l.exponent() {
		k = double
	}
	if l.pos < len(l.src) && isWordByte(l.src[l.pos]) {
		for l.pos < len(l.src) && isWordByte(l.src[l.pos]) {
			l.pos++
		}
		k = digitWord
	}
	l.emit(k, from, l.src[from:l.pos])
}

// pointOfNumber reports whether a point follows that belongs to the number: a digit comes next, or no name (1.).
func (l *lexer) pointOfNumber() bool {
	if l.pos >= len(l.src) || l.src[l.pos] != '.' {
		return false
	}
	if l.pos+1 == len(l.src) || isDigit(l.src[l.pos+1]) {
		return true
	}
	next := l.src[l.pos+1]
	return !isWordByte(next) && !strings.ContainsRune("\"`.*", rune(next)) && next < utf8.RuneSelf
}

// exponent reads e3, E+3, e-3 where nothing of a word follows.
func (l *lexer) exponent() bool {
	i := l.pos
	if i >= len(l.src) || l.src[i]|0x20 != 'e' {
		return false
	}
	i++
	if i < len(l.src) && (l.src[i] == '+' || l.src[i] == '-') {
		i++
	}
	digits := i
	for i < len(l.src) && isDigit(l.src[i]) {
		i++
	}
	if i == digits || i < len(l.src) && isWordByte(l.src[i]) {
		return false
	}
	l.pos = i
	return true
}
