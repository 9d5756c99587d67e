package parser

import (
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// The levels of precedence, from loose to tight.
const (
	levelOr = iota + 1
	levelAnd
	levelNot
	levelCompare
	levelConcat
	levelAdd
	levelMultiply
	levelUnary
)

// binaryOps maps an operator to its level and its name in the tree.
var binaryOps = []struct {
	text  string
	level int
	name  string
}{
	{"OR", levelOr, "OR"},
	{"AND", levelAnd, "AND"},
	{"||", levelConcat, "||"},
	{"+", levelAdd, "+"},
	{"-", levelAdd, "-"},
	{"*", levelMultiply, "*"},
	{"/", levelMultiply, "/"},
	{"%", levelMultiply, "%"},
	{"=", levelCompare, "="},
	{"<>", levelCompare, "<>"},
	{"!=", levelCompare, "<>"},
	{"<", levelCompare, "<"},
	{"<=", levelCompare, "<="},
	{">", levelCompare, ">"},
	{">=", levelCompare, ">="},
}

// expr reads an expression.
func (p *parser) expr() ast.Expr { return p.exprAt(levelOr) }

// exprAt reads an expression of operators that bind at least as tightly as level.
func (p *parser) exprAt(level int) ast.Expr {
	if !p.enter() {
		return nothing(p)
	}
	defer p.leave()
	left := p.prefix(level)
	for !p.failed {
		next, ok := p.infix(left, level)
		if !ok {
			break
		}
		left = next
	}
	return left
}

// nothing stands for an expression that could not be read; the statement is dropped.
func nothing(p *parser) ast.Expr { return &ast.Literal{E: ast.E{At: p.tok().at}} }

func (p *parser) prefix(level int) ast.Expr {
	t := p.tok()
	switch {
	case t.is("NOT") && level <= levelNot:
		p.advance()
		x := p.exprAt(levelNot)
		at := t.at.Join(x.Span())
		if s, ok := x.(*ast.Subquery); ok && s.Exists && !s.Not {
			s.Not, s.At = true, at
			return s
		}
		return &ast.Unary{E: ast.E{At: at}, Op: "NOT", X: x}
	case t.is("-"), t.is("+"):
		p.advance()
		x := p.exprAt(levelUnary)
		return &ast.Unary{E: ast.E{At: t.at.Join(x.Span())}, Op: t.text, X: x}
	default:
		return p.postfix(p.primary())
	}
}

// infix reads one operator and its right side after left.
func (p *parser) infix(left ast.Expr, level int) (ast.Expr, bool) {
	t := p.tok()
	if t.kind == eof || t.is(")") || t.is(",") {
		p.expectInfix()
		return left, false
	}
	for i := range binaryOps {
		o := &binaryOps[i]
		if !t.is(o.text) {
			continue
		}
		if o.level < level {
			return left, false
		}
		p.advance()
		return p.binary(left, o.name, o.level, t), true
	}
	p.expectInfix()
	if level <= levelCompare {
		return p.condition(left)
	}
	return left, false
}

func (p *parser) expectInfix() {
	for _, w := range []string{"AND", "OR", "IS", "BETWEEN", "IN", "LIKE", "NOT"} {
		p.expecting(w)
	}
}

func (p *parser) binary(left ast.Expr, name string, level int, t *token) ast.Expr {
	if level == levelCompare {
		if b, ok := left.(*ast.Binary); ok && isComparison(b.Op) && !p.inParens(left) {
			p.failAt(t.at, "comparisons do not chain").hint("write a < b AND b < c")
			return left
		}
		if q := p.quantified(); q != nil {
			return &ast.Binary{E: ast.E{At: left.Span().Join(q.Span())}, Op: name, L: left, R: q}
		}
	}
	right := p.exprAt(level + 1)
	return &ast.Binary{E: ast.E{At: left.Span().Join(right.Span())}, Op: name, L: left, R: right}
}

// inParens reports whether the expression that was read last ended with its own parenthesis.
func (p *parser) inParens(x ast.Expr) bool {
	return p.peek(-2).is(")") && p.peek(-2).at.End > x.Span().End
}

func isComparison(name string) bool {
	switch name {
	case "=", "<>", "<", "<=", ">", ">=":
		return true
	default:
		return false
	}
}

// quantified reads ANY (query), SOME (query), ALL (query).
func (p *parser) quantified() ast.Expr {
	t := p.tok()
	if !p.peek(1).is("(") || !p.startsQuery(p.peek(2)) || !t.is("ANY") && !t.is("SOME") && !t.is("ALL") {
		return nil
	}
	from := p.pos
	p.advance()
	q := p.queryInside()
	quantifier := upper(t)
	if quantifier == "SOME" {
		quantifier = "ANY"
	}
	return &ast.Subquery{E: ast.E{At: p.since(from)}, Query: q, Quantifier: quantifier}
}

// queryInside reads (query).
func (p *parser) queryInside() *ast.Query {
	p.expect("(", "before the query")
	q := p.query()
	p.expect(")", "after the query")
	return q
}

// condition reads IS, BETWEEN, IN, LIKE and their negations after left.
func (p *parser) condition(left ast.Expr) (ast.Expr, bool) {
	t := p.tok()
	not := t.is("NOT")
	if not {
		n := p.peek(1)
		if !n.is("BETWEEN") && !n.is("IN") && !n.is("LIKE") {
			return left, false
		}
		p.advance()
	}
	switch {
	case !not && p.accept("IS"):
		return p.isCondition(left), true
	case p.accept("BETWEEN"):
		lo := p.exprAt(levelConcat)
		p.expect("AND", "between the bounds of BETWEEN")
		hi := p.exprAt(levelConcat)
		return &ast.Between{E: ast.E{At: left.Span().Join(hi.Span())}, X: left, Lo: lo, Hi: hi, Not: not}, true
	case p.accept("IN"):
		return p.in(left, not), true
	case p.accept("LIKE"):
		return p.like(left, not), true
	case t.is("=="):
		p.failAt(t.at, `unexpected "=="`).hint("equality is written with one =")
	case t.is("~"):
		p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "the operator ~ is not supported").
			WithHint("write LIKE, or REGEXP_EXTRACT(a, 'pattern') IS NOT NULL"))
	case t.is("ILIKE"), t.is("RLIKE"), t.is("REGEXP"), t.is("SIMILAR"):
		if n := p.peek(1); n.kind == str || t.is("SIMILAR") {
			p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "%s is not supported", upper(t)).
				WithHint("write LCASE(a) LIKE 'p%%', or use REGEXP_EXTRACT"))
		}
	}
	return left, false
}

func (p *parser) isCondition(left ast.Expr) ast.Expr {
	not := p.accept("NOT")
	e := func() ast.E { return ast.E{At: left.Span().Join(p.last().at)} }
	switch {
	case p.accept("NULL"):
		return &ast.IsNull{E: e(), X: left, Not: not}
	case p.accept("TRUE"):
		return &ast.IsNull{E: e(), X: left, Not: not, Truth: "TRUE"}
	case p.accept("FALSE"):
		return &ast.IsNull{E: e(), X: left, Not: not, Truth: "FALSE"}
	case p.acceptAll("DISTINCT", "FROM"):
		right := p.exprAt(levelConcat)
		name := "IS DISTINCT FROM"
		if not {
			name = "IS NOT DISTINCT FROM"
		}
		return &ast.Binary{E: ast.E{At: left.Span().Join(right.Span())}, Op: name, L: left, R: right}
	default:
		p.unexpected("NULL, TRUE, FALSE or DISTINCT FROM after IS")
		return left
	}
}

func (p *parser) in(left ast.Expr, not bool) ast.Expr {
	x := &ast.In{X: left, Not: not}
	switch {
	case !p.is("("):
		p.unexpected(`a list in parentheses after IN`)
	case p.startsQuery(p.peek(1)):
		x.Query = p.queryInside()
	default:
		p.advance()
		x.List = p.exprList(")")
		if len(x.List) == 0 {
			p.unexpected("a value in the list of IN")
		}
		p.expect(")", "after the list of IN")
	}
	x.At = left.Span().Join(p.last().at)
	return x
}

func (p *parser) like(left ast.Expr, not bool) ast.Expr {
	x := &ast.Like{X: left, Pattern: p.exprAt(levelConcat), Not: not}
	if p.accept("ESCAPE") {
		at := p.tok().at
		x.Escape = p.string("one character in quotes after ESCAPE")
		if n := len([]rune(x.Escape)); n != 1 && !p.failed {
			p.failAt(at, "ESCAPE takes one character, not %d", n)
		}
	}
	x.At = left.Span().Join(p.last().at)
	return x
}

// exprList reads e, e, ... up to closing, which may come at once; closing "" takes one or more.
func (p *parser) exprList(closing string) []ast.Expr {
	list := []ast.Expr{}
	for !p.failed {
		if closing != "" && len(list) == 0 && p.is(closing) {
			break
		}
		list = append(list, p.expr())
		p.listAt = p.pos
		if !p.accept(",") {
			break
		}
	}
	return list
}

// postfix reads [i], ->f, .f, ::t and AT TIME ZONE after x.
func (p *parser) postfix(x ast.Expr) ast.Expr {
	for !p.failed {
		at := func() ast.E { return ast.E{At: x.Span().Join(p.last().at)} }
		switch {
		case p.is("->") && p.peek(1).is("*"):
			return x
		case p.accept("->"), p.accept("."):
			if t := p.tok(); t.kind == str || t.kind == integer && p.last().is("->") {
				p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "-> takes a field of a struct, not %s", t.found()).
					WithHint("write JSON_VALUE(column, '$.path') for JSON text"))
				return x
			}
			name := p.fieldName()
			x = &ast.Field{E: at(), X: x, Name: name}
		case p.is("->>"):
			p.fail(sqlerr.New(sqlerr.NotSupported, p.tok().at, "->> is not supported").
				WithHint("write JSON_VALUE(column, '$.path')"))
		case p.accept("["):
			i := p.expr()
			p.expect("]", "after the index")
			x = &ast.Index{E: at(), X: x, I: i}
		case p.accept("::"):
			to := p.dataType()
			x = &ast.Cast{E: at(), X: x, To: to}
		case p.acceptAll("AT", "TIME", "ZONE"):
			zone := p.primary()
			x = &ast.AtTimeZone{E: at(), X: x, Zone: zone}
		default:
			return x
		}
	}
	return x
}

// fieldName reads a name after -> or a point, where keywords are names too.
func (p *parser) fieldName() ast.Ident {
	p.expecting(wantColumn)
	t := p.tok()
	if t.kind != word && t.kind != quoted && t.kind != digitWord {
		p.unexpected("a field after " + p.last().found())
		return ast.Ident{}
	}
	p.advance()
	return p.ident(t)
}
