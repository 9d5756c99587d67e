package parser

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// query reads [WITH ctes] member [UNION ALL member ...] with the clauses of the whole.
func (p *parser) query() *ast.Query {
	if !p.enter() {
		return &ast.Query{}
	}
	defer p.leave()
	from := p.pos
	var ctes []ast.CTE
	if p.is("WITH") && !p.peek(1).is("(") {
		ctes = p.ctes()
	}
	head := p.member(true)
	head.With = append(ctes, head.With...)
	last := head
	for p.is("UNION") && !p.failed {
		at := p.advance().at
		if !p.accept("ALL") {
			p.accept("DISTINCT")
			p.notSupported(at, "UNION without ALL is not supported").hint("write UNION ALL")
		}
		if last != head && hasTail(last) || last == head && hasTail(head) {
			p.failAt(at, "ORDER BY, LIMIT and EMIT stand before UNION").
				hint("write them after the last SELECT, or put this SELECT in parentheses")
		}
		last.Union = p.member(false)
		last = last.Union
	}
	if t := p.tok(); t.is("INTERSECT") || t.is("EXCEPT") {
		p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "%s is not supported", upper(t)).
			WithHint("WHERE [NOT] EXISTS (SELECT ...) over a table does the same"))
	}
	if last != head {
		moveTail(head, last)
	}
	head.At = p.since(from)
	return head
}

func hasTail(q *ast.Query) bool {
	return q.OrderBy != nil || q.Limit >= 0 || q.Offset > 0 || q.Emit != ast.EmitDefault
}

// moveTail gives the clauses after the last member of a union to the first, since they are the union's.
func moveTail(head, last *ast.Query) {
	head.OrderBy, head.Emit, head.EmitAt = last.OrderBy, last.Emit, last.EmitAt
	head.Limit, head.LimitAt, head.Offset = last.Limit, last.LimitAt, last.Offset
	last.OrderBy, last.Emit, last.EmitAt = nil, ast.EmitDefault, ast.Span{}
	last.Limit, last.LimitAt, last.Offset = -1, ast.Span{}, 0
	head.Sources = append(head.Sources, last.Sources...)
	head.Into = append(head.Into, last.Into...)
	last.Sources, last.Into = nil, nil
}

func (p *parser) ctes() []ast.CTE {
	var ctes []ast.CTE
	p.advance()
	if t := p.tok(); t.is("RECURSIVE") && p.isName(p.peek(1)) {
		p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "WITH RECURSIVE is not supported"))
	}
	for !p.failed {
		c := ast.CTE{Name: p.name("a name", "after WITH")}
		p.expect("AS", "after "+c.Name.Name)
		p.expect("(", "before the query of "+c.Name.Name)
		c.Query = p.query()
		p.expect(")", "after the query of "+c.Name.Name)
		ctes = append(ctes, c)
		if !p.accept(",") {
			break
		}
	}
	return ctes
}

// member reads one SELECT, VALUES or query in parentheses; first tells the first of a union.
func (p *parser) member(first bool) *ast.Query {
	from := p.pos
	switch {
	case p.accept("SELECT"):
		return p.selectQuery(from)
	case p.accept("VALUES"):
		q := &ast.Query{Limit: -1, Values: p.valueRows()}
		p.clauses(q)
		q.At = p.since(from)
		return q
	case p.is("("):
		return p.parenthesised(from, first)
	default:
		p.unexpected("SELECT")
		return &ast.Query{Limit: -1}
	}
}

// parenthesised reads (query). With clauses of its own, or as a member of a union, it is SELECT * FROM (query).
func (p *parser) parenthesised(from int, first bool) *ast.Query {
	p.advance()
	inner := p.query()
	p.expect(")", "after the query")
	q := &ast.Query{Limit: -1}
	if p.clauses(q) == 0 && first && !p.is("UNION") {
		return inner
	}
	q.At = p.since(from)
	q.Items = []ast.SelectItem{{Star: true, At: inner.At}}
	q.From = &ast.SubqueryRef{Query: inner, At: inner.At}
	return q
}

func (p *parser) selectQuery(from int) *ast.Query {
	q := &ast.Query{Limit: -1}
	if p.is("DISTINCT") {
		at := p.advance().at
		q.Distinct = true
		if p.is("ON") {
			p.fail(sqlerr.New(sqlerr.NotSupported, at, "DISTINCT ON is not supported").
				WithHint("take one row of a group with ROW_NUMBER() OVER (...) and WHERE"))
		}
	} else if p.is("ALL") && !p.peek(1).is(",") && !p.peek(1).is("FROM") && p.peek(1).kind != eof {
		p.advance()
	}
	q.Items = p.items()
	if p.accept("INTO") {
		p.into(q)
	}
	if p.accept("FROM") {
		q.From = p.relation()
	}
	p.clauses(q)
	q.At = p.since(from)
	return q
}

func (p *parser) items() []ast.SelectItem {
	var items []ast.SelectItem
	for !p.failed {
		if len(items) == maxItems {
			p.fail(sqlerr.New(sqlerr.TooLarge, p.tok().at, "more than %d items in a select list", maxItems))
			break
		}
		items = append(items, p.item())
		p.listAt = p.pos
		if !p.accept(",") {
			break
		}
	}
	return items
}

func (p *parser) item() ast.SelectItem {
	from := p.pos
	it := ast.SelectItem{}
	t := p.tok()
	p.expecting("DISTINCT")
	p.expecting("*")
	switch {
	case t.is("*"):
		p.advance()
		it.Star = true
	case p.isName(t) && p.peek(1).is(".") && p.peek(2).is("*"):
		p.advance()
		p.advance()
		p.advance()
		it.Star = true
		it.Of = &ast.Name{E: ast.E{At: t.at}, Parts: []ast.Ident{p.ident(t)}}
	case t.kind == eof || t.kind == word && isReserved(t.text) && !p.startsExpr(t):
		p.noItem()
	default:
		it.Expr = p.expr()
		if p.is("->") && p.peek(1).is("*") {
			p.advance()
			p.advance()
			it.Star, it.Fields, it.Of, it.Expr = true, true, it.Expr, nil
		}
	}
	if !it.Star {
		p.itemTail(&it)
	}
	it.At = p.since(from)
	return it
}

func (p *parser) noItem() {
	p.expectOperand()
	after := "SELECT"
	if p.last().is(",") {
		after = "the comma"
	}
	p.unexpected("a column or expression after " + after)
}

// itemTail reads [PRIMARY KEY | KEY] [[AS] alias] [PRIMARY KEY | KEY].
func (p *parser) itemTail(it *ast.SelectItem) {
	it.Key = p.keyMark()
	it.Alias = p.alias("")
	if !it.Key && it.Alias != nil {
		it.Key = p.keyMark()
	}
}

func (p *parser) keyMark() bool {
	if p.acceptAll("PRIMARY", "KEY") {
		return true
	}
	return p.accept("KEY")
}

// alias reads [AS] name.
func (p *parser) alias(of string) *ast.Ident {
	if p.accept("AS") {
		t := p.tok()
		if t.kind == str {
			p.failAt(t.at, "expected a name after AS, found the string '%s'", clip(t.text)).
				hint("names are quoted with double quotes: \"%s\"", clip(t.text))
			return nil
		}
		id := p.name("a name", "after AS"+of)
		return &id
	}
	t := p.tok()
	if !p.isName(t) || t.kind == word && inSet(aliasStops, t.text) ||
		t.is("STRATEGY") && p.peek(1).kind == word && !isReserved(p.peek(1).text) {
		return nil
	}
	if t.kind == word {
		p.aliasAt = p.pos
	}
	p.expecting("AS")
	p.advance()
	id := p.ident(t)
	return &id
}

// clause is one row of the table of clauses.
type clause struct {
	words []string
	read  func(p *parser, q *ast.Query)
}

// queryClauses may stand in any order, each once.
func queryClauses() []clause {
	return []clause{
		{[]string{"WHERE"}, func(p *parser, q *ast.Query) { q.Where = p.expr() }},
		{[]string{"WINDOW"}, func(p *parser, q *ast.Query) {
			if p.is("ROWS") {
				q.Buffer = p.rowsWindow()
				return
			}
			q.Window = p.windowClause()
		}},
		{[]string{"GROUP", "BY"}, (*parser).groupBy},
		{[]string{"PARTITION", "BY"}, func(p *parser, q *ast.Query) {
			q.PartitionBy, q.Partition = true, p.exprList("")
		}},
		{[]string{"HAVING"}, func(p *parser, q *ast.Query) { q.Having = p.expr() }},
		{[]string{"ORDER", "BY"}, func(p *parser, q *ast.Query) { q.OrderBy = p.orderItems() }},
		{[]string{"EMIT"}, (*parser).emit},
		{[]string{"LIMIT"}, func(p *parser, q *ast.Query) { q.Limit = p.count("LIMIT") }},
		{[]string{"OFFSET"}, func(p *parser, q *ast.Query) {
			if q.Offset = p.count("OFFSET"); p.is("ROWS") {
				p.advance()
			}
		}},
		{[]string{"INTO"}, (*parser).into},
		{[]string{"WITH"}, func(p *parser, q *ast.Query) {
			q.Sources = append(q.Sources, p.propertyList("after WITH")...)
		}},
	}
}

// clauses reads the clauses after FROM and returns how many there were.
func (p *parser) clauses(q *ast.Query) int {
	all := queryClauses()
	var seen [16]bool
	for n := 0; ; n++ {
		i := p.clauseAt(all)
		if i < 0 || p.failed {
			return n
		}
		c := all[i]
		at := p.advance().at
		if len(c.words) > 1 && !p.expect(c.words[1], "after "+c.words[0]) {
			return n
		}
		if seen[i] && c.words[0] != "WITH" {
			p.failAt(at, "%s is written twice", strings.Join(c.words, " ")).hint("%s", twiceHint[c.words[0]])
			return n
		}
		seen[i] = true
		c.read(p, q)
		if c.words[0] == "LIMIT" {
			q.LimitAt = at.Join(p.last().at)
		}
	}
}

var twiceHint = map[string]string{
	"WHERE": "join the conditions with AND", "HAVING": "join the conditions with AND",
	"GROUP": "list all expressions after one GROUP BY",
}

func (p *parser) clauseAt(all []clause) int {
	for i, c := range all {
		if c.words[0] == "WITH" && !p.peek(1).is("(") {
			continue
		}
		if p.is(c.words[0]) {
			return i
		}
	}
	if t := p.tok(); t.is("MATCH_RECOGNIZE") || t.is("QUALIFY") || t.is("FETCH") {
		p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "%s is not supported", upper(t)))
	}
	return -1
}

func (p *parser) emit(q *ast.Query) {
	q.EmitAt = p.last().at
	switch {
	case p.accept("CHANGES"):
		q.Emit = ast.EmitChanges
	case p.accept("FINAL"):
		q.Emit = ast.EmitFinal
	default:
		p.unexpected("CHANGES or FINAL after EMIT")
	}
	q.EmitAt = q.EmitAt.Join(p.last().at)
}

func (p *parser) into(q *ast.Query) {
	for !p.failed {
		q.Into = append(q.Into, p.tableName("after INTO"))
		if !p.accept(",") {
			return
		}
	}
}

func (p *parser) orderItems() []ast.OrderItem {
	var items []ast.OrderItem
	for !p.failed {
		o := ast.OrderItem{Expr: p.expr()}
		if p.accept("DESC") {
			o.Desc = true
		} else {
			p.accept("ASC")
		}
		if p.accept("NULLS") {
			o.NullsSet = true
			if o.NullsLast = p.accept("LAST"); !o.NullsLast && !p.accept("FIRST") {
				p.unexpected("FIRST or LAST after NULLS")
			}
		}
		items = append(items, o)
		if !p.accept(",") {
			break
		}
	}
	return items
}
