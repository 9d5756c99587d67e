package parser

import (
	"maps"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Limits of a script where Options name none.
const (
	DefaultMaxBytes = 64 << 10
	DefaultMaxDepth = 100
	maxItems        = 200 // columns of an object, items of a select list
	maxErrors       = 10
)

// Options tune Parse. The zero value is useful.
type Options struct {
	Vars     map[string]string      // values of ${name}; DEFINE in the script adds to a copy
	Types    map[string]vector.Type // by upper-case name, what CREATE TYPE made; CREATE TYPE adds to a copy
	Upper    bool                   // names without quotes become capitals, as after SET 'dialect' = 'ksql'
	MaxBytes int                    // of the script, default 64 KiB
	MaxDepth int                    // of nesting, default 100
}

// session is what one statement of a script leaves to the next.
type session struct {
	vars     map[string]string
	types    map[string]vector.Type
	upper    bool
	maxDepth int
}

func newSession(o Options) *session {
	s := &session{vars: map[string]string{}, types: map[string]vector.Type{}, upper: o.Upper, maxDepth: o.MaxDepth}
	maps.Copy(s.vars, o.Vars)
	maps.Copy(s.types, o.Types)
	if s.maxDepth <= 0 {
		s.maxDepth = DefaultMaxDepth
	}
	return s
}

// Parse reads a script. It returns the statements that are right and up to 10 errors, in the order of the script.
func Parse(script string, opts Options) ([]ast.Statement, []*sqlerr.Error) {
	if err := tooLong(script, opts); err != nil {
		return nil, []*sqlerr.Error{err}
	}
	s := newSession(opts)
	var stmts []ast.Statement
	var errs []*sqlerr.Error
	for from := 0; from < len(script) && len(errs) < maxErrors; {
		end, _ := statementEnd(script, from)
		stmt, more := s.statement(script, from, end)
		errs = append(errs, more...)
		if stmt != nil {
			s.keep(stmt)
			stmts = append(stmts, stmt)
		}
		from = end + 1
	}
	return stmts, errs[:min(len(errs), maxErrors)]
}

func tooLong(script string, opts Options) *sqlerr.Error {
	limit := opts.MaxBytes
	if limit <= 0 {
		limit = DefaultMaxBytes
	}
	if len(script) <= limit {
		return nil
	}
	return sqlerr.New(sqlerr.TooLarge, ast.Span{Start: limit, End: limit},
		"the script has %d bytes; the limit is %d", len(script), limit).WithHint("cut it into several scripts")
}

// ParseExpr reads one expression, as a condition given on its own.
func ParseExpr(text string, opts Options) (ast.Expr, *sqlerr.Error) {
	if err := tooLong(text, opts); err != nil {
		return nil, err
	}
	p, err := newSession(opts).open(text, 0, len(text))
	if err != nil {
		return nil, err
	}
	x := p.expr()
	p.finish()
	if len(p.errs) > 0 {
		return nil, p.errs[0]
	}
	return x, nil
}

// statement reads script[from:end]; nil without errors is an empty statement.
func (s *session) statement(script string, from, end int) (ast.Statement, []*sqlerr.Error) {
	p, err := s.open(script, from, end)
	if err != nil {
		return nil, []*sqlerr.Error{err}
	}
	if p.tok().kind == eof {
		return nil, nil
	}
	stmt := p.statement()
	p.finish()
	if len(p.errs) > 0 || stmt == nil {
		return nil, p.errs
	}
	return stmt, nil
}

// keep takes over what a statement says to the ones after it.
func (s *session) keep(stmt ast.Statement) {
	switch st := stmt.(type) {
	case *ast.Set:
		if st.Define && st.Unset {
			delete(s.vars, st.Key)
		} else if st.Define {
			s.vars[st.Key] = st.Value
		} else if strings.EqualFold(st.Key, "dialect") {
			s.upper = !st.Unset && st.Value == "ksql"
		}
	case *ast.CreateType:
		s.types[strings.ToUpper(st.Name.Name)] = st.Type
	case *ast.Drop:
		if st.What == "TYPE" {
			delete(s.types, strings.ToUpper(st.Name.Name))
		}
	default:
	}
}

// open expands and lexes one statement.
func (s *session) open(script string, from, end int) (*parser, *sqlerr.Error) {
	text, at, err := expand(script, from, end, s.vars)
	if err != nil {
		return nil, err
	}
	l := lexer{src: text, at: at, tokens: make([]token, 0, len(text)/4+2)}
	l.run()
	if l.err != nil {
		return nil, l.err
	}
	return &parser{session: s, src: text, tokens: l.tokens, notes: l.notes, aliasAt: -1}, nil
}

// parser reads the tokens of one statement.
type parser struct {
	session *session
	src     string
	tokens  []token
	notes   map[string]string
	pos     int
	depth   int
	errs    []*sqlerr.Error
	failed  bool
	want    []string // what was looked for at pos
	endWant []string // what was looked for at the end of the text, from further back
	aliasAt int      // token that was taken for an alias without AS
	listAt  int      // token before which a comma may be missing
}

func (p *parser) tok() *token { return &p.tokens[p.pos] }

// peek returns the token n places ahead, or back; past the end it is eof.
func (p *parser) peek(n int) *token { return &p.tokens[max(0, min(p.pos+n, len(p.tokens)-1))] }

// last returns the token before the present one.
func (p *parser) last() *token { return &p.tokens[max(p.pos-1, 0)] }

func (p *parser) advance() *token {
	t := p.tok()
	if p.pos < len(p.tokens)-1 {
		p.pos++
		p.want = p.want[:0]
	}
	return t
}

// expecting notes what may stand at the present token, for messages and for completion.
func (p *parser) expecting(what string) {
	if !p.failed {
		p.want = append(p.want, what)
	}
}

// is reports whether the present token is the keyword or operator s.
func (p *parser) is(s string) bool {
	p.expecting(s)
	return p.tok().is(s)
}

// are reports whether the present tokens are these.
func (p *parser) are(words ...string) bool {
	p.expecting(words[0])
	for i, w := range words {
		t := p.peek(i)
		if t.kind == eof && i > 0 && !p.failed {
			p.endWant = append(p.endWant, w)
		}
		if !t.is(w) {
			return false
		}
	}
	return true
}

// accept passes the keyword or operator s if it comes next.
func (p *parser) accept(s string) bool {
	if !p.is(s) {
		return false
	}
	p.advance()
	return true
}

// acceptAll passes these tokens if all of them come next.
func (p *parser) acceptAll(words ...string) bool {
	if !p.are(words...) {
		return false
	}
	for range words {
		p.advance()
	}
	return true
}

// expect passes s or fails. where completes the message: "after GROUP".
func (p *parser) expect(s, where string) bool {
	if p.accept(s) {
		return true
	}
	p.unexpected(quoteOp(s) + " " + where)
	return false
}

func quoteOp(s string) string {
	if c := s[0]; 'A' <= c && c <= 'Z' {
		return s
	}
	return `"` + s + `"`
}

// enter counts nesting; every call is paired with leave.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > p.session.maxDepth {
		p.fail(sqlerr.New(sqlerr.TooLarge, p.tok().at, "the statement is nested deeper than %d levels",
			p.session.maxDepth).WithHint("split it with CREATE STREAM ... AS, or drop needless parentheses"))
		return false
	}
	return true
}

func (p *parser) leave() { p.depth-- }

// since returns the span from the token at index from to the last one read.
func (p *parser) since(from int) ast.Span {
	at := p.tokens[from].at
	if p.pos > from {
		at = at.Join(p.tokens[p.pos-1].at)
	}
	return at
}
