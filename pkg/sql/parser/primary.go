package parser

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// special is a form that starts with a word and a following token that tells it from a column of that name.
type special struct {
	word, next string
	read       func(p *parser) ast.Expr
}

func specials() []special {
	return []special{
		{"CAST", "(", (*parser).cast},
		{"TRY_CAST", "(", (*parser).cast},
		{"EXTRACT", "(", (*parser).extract},
		{"ARRAY", "[", (*parser).array},
		{"ARRAY", "(", (*parser).array},
		{"MAP", "(", (*parser).mapping},
		{"STRUCT", "(", (*parser).structure},
		{"SUBSTRING", "(", (*parser).substring},
		{"EXISTS", "(", (*parser).exists},
	}
}

// bareCalls are functions that SQL writes without parentheses.
var bareCalls = []string{"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"}

// startsExpr reports whether the reserved word t may begin an expression.
func (p *parser) startsExpr(t *token) bool {
	return slices.ContainsFunc([]string{"CASE", "NOT", "NULL", "TRUE", "FALSE"}, t.is) ||
		t.is("JOIN") && p.peek(1).is("(")
}

// primary reads a literal, a column, a call, or something in parentheses.
func (p *parser) primary() ast.Expr {
	p.expectOperand()
	t := p.tok()
	switch t.kind {
	case str:
		return p.literal(ast.StringLit)
	case integer:
		return p.literal(ast.IntLit)
	case decimal:
		return p.literal(ast.DecimalLit)
	case double:
		return p.literal(ast.DoubleLit)
	case digitWord:
		return p.digitStart(t)
	case quoted:
		return p.nameOrCall()
	case word:
		return p.wordStart(t)
	case op:
		return p.opStart(t)
	default:
		p.noOperand()
		return nothing(p)
	}
}

func (p *parser) expectOperand() {
	for _, w := range []string{wantColumn, wantFunction, "CASE", "CAST", "NOT", "NULL"} {
		p.expecting(w)
	}
}

func (p *parser) literal(k ast.LiteralKind) ast.Expr {
	t := p.advance()
	return &ast.Literal{E: ast.E{At: t.at}, Kind: k, Text: t.text}
}

// digitStart reads 15m as an interval, 1R as a name.
func (p *parser) digitStart(t *token) ast.Expr {
	number, u, ok := parseShort(t.text)
	if !ok || p.peek(1).is(".") {
		if strings.Contains(t.text, ".") {
			p.badUnit(t)
			return nothing(p)
		}
		return p.nameOrCall()
	}
	p.advance()
	ms, ok := toMs(number, u)
	if !ok {
		p.badNumber(t.at, number, u)
	}
	return &ast.Literal{E: ast.E{At: t.at}, Kind: ast.IntervalLit, Text: ast.FormatDuration(ms), Ms: ms}
}

func (p *parser) opStart(t *token) ast.Expr {
	switch {
	case t.is("("):
		return p.parens()
	case t.is("["):
		return p.bracketArray()
	case t.is("*"):
		p.unexpected("an expression")
	default:
		p.noOperand()
	}
	return nothing(p)
}

// noOperand says that an expression is missing, after what.
func (p *parser) noOperand() {
	if p.pos == 0 {
		p.unexpected("an expression")
		return
	}
	l := p.last()
	p.unexpected("an expression after " + strings.TrimPrefix(l.found(), "the end of the statement"))
}

func (p *parser) wordStart(t *token) ast.Expr {
	switch {
	case t.is("NULL"):
		p.advance()
		return &ast.Literal{E: ast.E{At: t.at}, Kind: ast.NullLit, Text: "NULL"}
	case t.is("TRUE"), t.is("FALSE"):
		p.advance()
		return &ast.Literal{E: ast.E{At: t.at}, Kind: ast.BoolLit, Text: upper(t)}
	case t.is("CASE"):
		return p.caseExpr()
	case t.is("INTERVAL") && p.startsDuration(p.peek(1)):
		return p.interval()
	case t.is("NOT"):
		p.failAt(t.at, "NOT stands after an operator").hint("put NOT and what follows in parentheses")
		return nothing(p)
	}
	next := p.peek(1)
	if next.kind == str {
		for _, l := range literalKinds {
			if t.is(l.word) {
				p.advance()
				lit := p.advance()
				return &ast.Literal{E: ast.E{At: t.at.Join(lit.at)}, Kind: l.kind, Text: lit.text}
			}
		}
	}
	for _, s := range specials() {
		if next.is(s.next) && t.is(s.word) {
			return s.read(p)
		}
	}
	for _, w := range bareCalls {
		if t.is(w) && !next.is("(") && !next.is(".") {
			p.advance()
			return &ast.Call{E: ast.E{At: t.at}, Name: p.ident(t), Args: []ast.Expr{}}
		}
	}
	if isReserved(t.text) && (!next.is("(") || !t.is("JOIN")) {
		p.noOperand()
		return nothing(p)
	}
	return p.nameOrCall()
}

// interval reads INTERVAL '10' SECOND and INTERVAL 15m; the text of the literal is the short form.
func (p *parser) interval() ast.Expr {
	from := p.pos
	p.advance()
	ms := p.intervalValue()
	return &ast.Literal{E: ast.E{At: p.since(from)}, Kind: ast.IntervalLit, Text: ast.FormatDuration(ms), Ms: ms}
}

func (p *parser) intervalValue() int64 {
	from := p.pos
	t := p.tok()
	if t.kind == digitWord {
		if _, _, ok := parseShort(t.text); !ok {
			p.badUnit(t)
			return 0
		}
	}
	return p.durationValue(from)
}

// parens reads (e) and (query).
func (p *parser) parens() ast.Expr {
	from := p.pos
	if p.startsQuery(p.peek(1)) {
		q := p.queryInside()
		return &ast.Subquery{E: ast.E{At: p.since(from)}, Query: q}
	}
	p.advance()
	x := p.expr()
	if p.is(",") && !p.failed {
		p.fail(sqlerr.New(sqlerr.NotSupported, p.since(from), "a row of values is not supported here").
			WithHint("compare column by column: a = 1 AND b = 2"))
		return x
	}
	p.expect(")", "after the expression")
	return x
}

// lambdaParams returns the number of parameters of the lambda that starts here, or 0.
func (p *parser) lambdaParams() int {
	if !p.tok().is("(") {
		return 0
	}
	for n := 1; ; n++ {
		if !p.isName(p.peek(2*n - 1)) {
			return 0
		}
		switch t := p.peek(2 * n); {
		case t.is(","):
		case t.is(")") && p.peek(2*n+1).is("=>"):
			return n
		default:
			return 0
		}
	}
}

func (p *parser) lambda(n int) ast.Expr {
	from := p.pos
	l := &ast.Lambda{}
	if n == 0 {
		l.Params = []ast.Ident{p.ident(p.advance())}
	}
	for range n {
		p.advance()
		l.Params = append(l.Params, p.ident(p.advance()))
	}
	if n > 0 {
		p.expect(")", "after the parameters")
	}
	p.expect("=>", "after the parameters")
	l.Body = p.expr()
	l.At = p.since(from)
	return l
}

func (p *parser) caseExpr() ast.Expr {
	from := p.pos
	p.advance()
	c := &ast.Case{}
	if !p.is("WHEN") && !p.is("THEN") && !p.is("ELSE") && !p.is("END") {
		c.Of = p.expr()
	}
	for p.accept("WHEN") {
		c.When = append(c.When, p.expr())
		p.expect("THEN", "after the condition of WHEN")
		c.Then = append(c.Then, p.expr())
	}
	if c.When == nil {
		p.unexpected("WHEN after CASE")
	}
	if p.accept("ELSE") {
		c.Else = p.expr()
	}
	if !p.accept("END") {
		if c.Else == nil {
			p.unexpected("WHEN, ELSE or END in CASE")
		} else {
			p.unexpected("END after CASE")
		}
	}
	c.At = p.since(from)
	return c
}

// cast reads CAST(x AS t) and TRY_CAST(x AS t).
func (p *parser) cast() ast.Expr {
	from := p.pos
	c := &ast.Cast{Try: p.advance().is("TRY_CAST")}
	p.advance()
	c.X = p.expr()
	p.expect("AS", "and a type in CAST")
	c.To = p.dataType()
	p.expect(")", "after the type of CAST")
	c.At = p.since(from)
	return c
}

// extract reads EXTRACT(unit FROM x) and EXTRACT('unit', x); both become EXTRACT('UNIT', x).
func (p *parser) extract() ast.Expr {
	if p.peek(3).is("FROM") {
		from := p.pos
		c := &ast.Call{Name: p.ident(p.advance())}
		p.advance()
		t := p.advance()
		if t.kind != word && t.kind != str && t.kind != quoted {
			p.failAt(t.at, "expected a unit (YEAR, MONTH, DAY, HOUR, ...) in EXTRACT, found %s", t.found())
		}
		p.advance()
		unit := &ast.Literal{E: ast.E{At: t.at}, Kind: ast.StringLit, Text: upper(t)}
		c.Args = []ast.Expr{unit, p.expr()}
		p.expect(")", "after EXTRACT")
		c.At = p.since(from)
		return c
	}
	return p.nameOrCall()
}

// substring reads SUBSTRING(s FROM a FOR b) besides SUBSTRING(s, a, b).
func (p *parser) substring() ast.Expr {
	from := p.pos
	c := &ast.Call{Name: p.ident(p.advance()), Args: []ast.Expr{}}
	p.advance()
	if !p.is(")") {
		c.Args = append(c.Args, p.expr())
	}
	switch {
	case len(c.Args) > 0 && p.accept("FROM"):
		c.Args = append(c.Args, p.expr())
		if p.accept("FOR") {
			c.Args = append(c.Args, p.expr())
		}
	case p.accept(","):
		c.Args = append(c.Args, p.exprList("")...)
	}
	p.expect(")", "after the arguments of SUBSTRING")
	c.At = p.since(from)
	return c
}

func (p *parser) exists() ast.Expr {
	if !p.startsQuery(p.peek(2)) {
		return p.nameOrCall()
	}
	from := p.pos
	p.advance()
	q := p.queryInside()
	return &ast.Subquery{E: ast.E{At: p.since(from)}, Query: q, Exists: true}
}

// array reads ARRAY[a, b] and ARRAY(a, b).
func (p *parser) array() ast.Expr {
	from := p.pos
	p.advance()
	closing := "]"
	if p.advance().is("(") {
		closing = ")"
	}
	a := &ast.ArrayLit{Items: p.exprList(closing)}
	p.expect(closing, "after the items of ARRAY")
	a.At = p.since(from)
	return a
}

func (p *parser) bracketArray() ast.Expr {
	from := p.pos
	p.advance()
	a := &ast.ArrayLit{Items: p.exprList("]")}
	p.expect("]", "after the items")
	a.At = p.since(from)
	return a
}

// mapping reads MAP(k := v, ...) and MAP(k, v, ...).
func (p *parser) mapping() ast.Expr {
	from := p.pos
	p.advance()
	p.advance()
	m := &ast.MapLit{}
	for !p.failed && !p.is(")") {
		m.Keys = append(m.Keys, p.expr())
		if !p.accept(":=") && !p.accept(",") {
			p.unexpected(`":=" and a value after the key in MAP`)
		}
		m.Values = append(m.Values, p.expr())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "after the entries of MAP")
	m.At = p.since(from)
	return m
}

// structure reads STRUCT(f := v, ...), and STRUCT(v, ...) whose fields are col1, col2, ...
func (p *parser) structure() ast.Expr {
	from := p.pos
	p.advance()
	p.advance()
	s := &ast.StructLit{}
	if !p.peek(1).is(":=") && !p.is(")") {
		at := p.tok().at
		s.Values = p.exprList(")")
		if p.session.upper {
			p.notSupported(at, "STRUCT without the names of its fields is not supported").
				hint("write STRUCT(name := 'Ann', age := 30)")
		}
		for i, v := range s.Values {
			s.Names = append(s.Names, ast.Ident{Name: fmt.Sprintf("col%d", i+1), Quoted: true, At: v.Span()})
		}
	}
	for !p.failed && !p.is(")") {
		s.Names = append(s.Names, p.fieldName())
		p.expect(":=", "and a value after the field in STRUCT")
		s.Values = append(s.Values, p.expr())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "after the fields of STRUCT")
	s.At = p.since(from)
	return s
}
