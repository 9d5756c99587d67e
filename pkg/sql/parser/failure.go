package parser

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// clauseWords are the keywords that a mistyped word after a table or a column may have meant.
var clauseWords = []string{
	"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "EMIT", "WINDOW",
	"PARTITION", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "ASOF", "WITHIN", "UNION", "AS",
	"ON", "AND", "OR", "WITH",
}

// fail keeps the first syntax error of the statement and moves to its end.
func (p *parser) fail(err *sqlerr.Error) {
	if !p.failed {
		p.errs = append(p.errs, err)
	}
	p.failed = true
	p.pos = len(p.tokens) - 1
}

// report is an error that was kept, to which a hint may be added.
type report struct{ kept *sqlerr.Error }

func (r report) hint(format string, args ...any) { setHint(r.kept, format, args...) }

func setHint(err *sqlerr.Error, format string, args ...any) { err.Hint = fmt.Sprintf(format, args...) }

func (p *parser) failAt(at ast.Span, format string, args ...any) report {
	err := sqlerr.New(sqlerr.Syntax, at, format, args...)
	p.fail(err)
	return report{err}
}

// notSupported keeps an error about something that was understood, and the reading goes on.
func (p *parser) notSupported(at ast.Span, format string, args ...any) report {
	err := sqlerr.New(sqlerr.NotSupported, at, format, args...)
	if !p.failed && len(p.errs) < maxErrors {
		p.errs = append(p.errs, err)
	}
	return report{err}
}

// unexpected fails at the present token: expected this, found that.
func (p *parser) unexpected(expected string) {
	if p.failed {
		return
	}
	t := p.tok()
	if err := p.mistypedAlias(); err != nil {
		p.fail(err)
		return
	}
	err := sqlerr.New(sqlerr.Syntax, t.at, "expected %s, found %s", expected, t.found())
	p.hint(err, t)
	p.openParenthesis(err, expected)
	p.fail(err)
}

// mistypedAlias finds the word that was taken for an alias but was meant as a keyword: FROM trades WHER price > 1.
func (p *parser) mistypedAlias() *sqlerr.Error {
	if p.aliasAt < 0 || p.aliasAt != p.pos-1 {
		return nil
	}
	a := p.last()
	near := sqlerr.Nearest(a.text, clauseWords)
	if near == "" || a.kind != word {
		return nil
	}
	return sqlerr.New(sqlerr.Syntax, a.at, "unexpected %q before %s", clip(a.text), p.tok().found()).
		WithHint("did you mean %s?", near)
}

// hint adds what the user most likely has to do.
func (p *parser) hint(err *sqlerr.Error, t *token) {
	switch {
	case t.is("=="):
		setHint(err, "equality is written with one =")
	case t.is("!"):
		setHint(err, "write NOT, or <> for inequality")
	case t.is("|"):
		setHint(err, "strings are joined with ||")
	case t.is("&"):
		setHint(err, "write AND between conditions")
	case t.is("->>"):
		setHint(err, "write JSON_VALUE(column, '$.path')")
	case t.is("{"), t.is("}"):
		setHint(err, "a variable is written ${name}")
	case t.is("=>"):
		setHint(err, "greater or equal is >=; a lambda is an argument of a function: TRANSFORM(a, x => x + 1)")
	case t.is("=") && p.last().is("="):
		setHint(err, "equality is written with one =")
	case t.kind == word && !isReserved(t.text):
		if near := sqlerr.Nearest(t.text, p.keywordsWanted()); near != "" {
			setHint(err, "did you mean %s?", near)
			return
		}
		p.missingComma(err, t)
	case t.kind == word:
		p.reservedHint(err, t)
	default:
		p.missingComma(err, t)
	}
}

func (p *parser) reservedHint(err *sqlerr.Error, t *token) {
	switch {
	case t.is("FROM") && p.last().is("SELECT"):
		setHint(err, "write * for all columns")
	case p.last().is(",") && p.pos > 0:
		setHint(err, "remove the comma before %s", strings.ToUpper(t.text))
	case p.wants(wantName) || p.wants(wantTable) || p.wants(wantColumn):
		setHint(err, "%s is a keyword; to use it as a name, quote it: \"%s\"", strings.ToUpper(t.text), t.text)
	}
}

// openParenthesis tells which parenthesis is still open where its end was expected.
func (p *parser) openParenthesis(err *sqlerr.Error, expected string) {
	if err.Hint != "" || !strings.HasPrefix(expected, `")"`) {
		return
	}
	depth := 0
	for i := p.pos - 1; i >= 0; i-- {
		switch t := &p.tokens[i]; {
		case t.is(")"):
			depth++
		case t.is("(") && depth == 0:
			next := p.tokens[i+1]
			setHint(err, "the ( before %s is open", clip(p.src[next.from:next.to]))
			return
		case t.is("("):
			depth--
		}
	}
}

func (p *parser) missingComma(err *sqlerr.Error, t *token) {
	if t.is(")") && p.last().is(",") {
		setHint(err, "remove the comma before )")
		return
	}
	starts := t.kind != eof && t.kind != op
	if p.listAt > 0 && p.listAt == p.pos && starts {
		setHint(err, "is a comma missing before %s?", clip(p.src[t.from:t.to]))
	}
}

// The kinds of names that completion offers, as they stand in the list of what is expected.
const (
	wantTable    = "<table>"
	wantColumn   = "<column>"
	wantFunction = "<function>"
	wantType     = "<type>"
	wantName     = "<name>"
	wantString   = "<string>"
	wantNumber   = "<number>"
	wantDuration = "<duration>"
	wantProperty = "<property>"
)

func (p *parser) wants(what string) bool { return slices.Contains(p.want, what) }

func (p *parser) keywordsWanted() []string {
	var words []string
	for _, w := range p.want {
		if len(w) > 1 && 'A' <= w[0] && w[0] <= 'Z' {
			words = append(words, w)
		}
	}
	return words
}

// finish requires the end of the statement.
func (p *parser) finish() {
	if p.failed || p.tok().kind == eof {
		return
	}
	t := p.tok()
	if err := p.mistypedAlias(); err != nil {
		p.fail(err)
		return
	}
	err := sqlerr.New(sqlerr.Syntax, t.at, "unexpected %s after %s", t.found(), p.last().found())
	switch {
	case t.is(")"):
		setHint(err, "there is no ( for it")
	case verbOf(t) != nil:
		setHint(err, "statements end with a semicolon")
	default:
		p.hint(err, t)
	}
	p.fail(err)
}
