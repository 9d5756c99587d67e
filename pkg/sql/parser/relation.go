package parser

import (
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// relation reads what follows FROM: relations with their joins. A comma is a cross join.
func (p *parser) relation() ast.Relation {
	if !p.enter() {
		return &ast.TableRef{}
	}
	defer p.leave()
	left := p.primaryRelation("after FROM")
	for !p.failed {
		from := p.pos
		kind, asof, ok := p.joinKind()
		if !ok {
			break
		}
		j := &ast.Join{Kind: kind, AsOf: asof, L: left, At: p.since(from)}
		j.R = p.primaryRelation("after JOIN")
		if kind != ast.Cross {
			p.joinCondition(j)
		}
		left = j
	}
	return left
}

// joinKinds maps the words before the relation to the kind of join; OUTER is optional after the side.
var joinKinds = []struct {
	word string
	kind ast.JoinKind
}{{"LEFT", ast.Left}, {"RIGHT", ast.Right}, {"FULL", ast.Full}, {"INNER", ast.Inner}, {"CROSS", ast.Cross}}

func (p *parser) joinKind() (kind ast.JoinKind, asof, ok bool) {
	if t := p.tok(); t.is("NATURAL") {
		p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "NATURAL JOIN is not supported").
			WithHint("write JOIN ... ON a = b"))
	}
	if p.accept(",") {
		return ast.Cross, false, true
	}
	side := false
	asof = p.accept("ASOF")
	for _, k := range joinKinds {
		if p.accept(k.word) {
			kind, side = k.kind, true
			break
		}
	}
	if side && kind != ast.Inner && kind != ast.Cross {
		p.accept("OUTER")
	}
	if side && !asof {
		asof = p.accept("ASOF")
	}
	if p.accept("JOIN") {
		return kind, asof, true
	}
	if side || asof {
		p.unexpected("JOIN after " + upper(p.last()))
	}
	return kind, false, false
}

// joinCondition reads [WITHIN ..] ON condition [WITHIN ..].
func (p *parser) joinCondition(j *ast.Join) {
	j.Within = p.within()
	switch {
	case p.accept("ON"):
		j.On = p.expr()
	case p.is("USING"):
		p.fail(sqlerr.New(sqlerr.NotSupported, p.tok().at, "USING is not supported").WithHint("write ON a.key = b.key"))
	default:
		p.unexpected("ON and a condition after the joined " + relationWord(j.R))
	}
	if j.Within == nil {
		j.Within = p.within()
	} else if p.is("WITHIN") {
		p.failAt(p.tok().at, "WITHIN is written twice")
	}
}

func relationWord(r ast.Relation) string {
	if t, ok := r.(*ast.TableRef); ok && t.Name.Name != "" {
		return `"` + clip(t.Name.Name) + `"`
	}
	return "relation"
}

// within reads WITHIN d | (before, after) [GRACE PERIOD d].
func (p *parser) within() *ast.Within {
	from := p.pos
	if !p.accept("WITHIN") {
		return nil
	}
	w := &ast.Within{GraceMs: -1}
	if p.accept("(") {
		w.BeforeMs = p.duration("after WITHIN (")
		p.expect(",", "between the durations before and after")
		w.AfterMs = p.duration("after the comma")
		p.expect(")", "after the durations")
	} else {
		w.BeforeMs = p.duration("after WITHIN")
		w.AfterMs = w.BeforeMs
	}
	if p.accept("GRACE") {
		p.accept("PERIOD")
		w.GraceMs = p.duration("after GRACE")
	}
	w.At = p.since(from)
	return w
}

func (p *parser) primaryRelation(where string) ast.Relation {
	from := p.pos
	t := p.tok()
	p.expecting(wantTable)
	var r ast.Relation
	switch {
	case t.is("("):
		r = p.derived(from)
	case t.kind == str:
		p.advance()
		r = &ast.TableRef{Name: ast.Ident{Name: t.text, Quoted: true, At: t.at}, File: true}
	case t.is("TABLE") && p.peek(1).is("("):
		p.advance()
		p.advance()
		r = p.tableFunction()
		p.expect(")", "after the table function")
	case tvfOf(t) != nil && p.peek(1).is("("), t.is("UNNEST") && p.peek(1).is("("):
		r = p.tableFunction()
	case t.is("LATERAL"):
		p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "LATERAL is not supported"))
	default:
		r = &ast.TableRef{Name: p.late(p.name("a stream, a table or a query in parentheses", where))}
		p.foreignRelation(r)
	}
	p.finishRelation(r, from)
	return r
}

// foreignRelation refuses what other systems write after a name.
func (p *parser) foreignRelation(r ast.Relation) {
	t := p.tok()
	switch {
	case t.is("("):
		p.fail(sqlerr.New(sqlerr.NotSupported, r.(*ast.TableRef).Name.At, "the table function %s is not supported",
			clip(p.last().text)).WithHint("table functions are TUMBLE, HOP, SESSION, CUMULATE and UNNEST"))
	case t.is("."), t.is(":"):
		p.failAt(t.at, "the name of a stream or table has one part").
			hint("quote a name with a point in it: \"a.b\"")
	}
}

// finishRelation reads the alias and sets the span.
func (p *parser) finishRelation(r ast.Relation, from int) {
	if p.tok().is("MATCH_RECOGNIZE") {
		p.fail(sqlerr.New(sqlerr.NotSupported, p.tok().at, "MATCH_RECOGNIZE is not supported"))
	}
	alias := p.alias("")
	switch x := r.(type) {
	case *ast.TableRef:
		x.Alias = alias
		x.At = p.since(from)
	case *ast.SubqueryRef:
		x.Alias = alias
		x.At = p.since(from)
	case *ast.WindowTVF:
		x.Alias = alias
		x.At = p.since(from)
	case *ast.Unnest:
		x.Alias = alias
		if alias != nil && p.is("(") {
			x.Columns = p.nameList("a column", "after the alias")
		}
		x.At = p.since(from)
	case *ast.Join:
		if alias != nil {
			p.failAt(alias.At, "a join in parentheses takes no alias").hint("give each relation its own")
		}
	}
}

// derived reads (query) or (relation join relation).
func (p *parser) derived(from int) ast.Relation {
	if p.startsQuery(p.peek(1)) || p.peek(1).is("(") && p.queryInParens() {
		p.advance()
		q := p.query()
		p.expect(")", "after the query")
		return &ast.SubqueryRef{Query: q}
	}
	p.advance()
	r := p.relation()
	p.expect(")", "after the join")
	if _, ok := r.(*ast.Join); !ok && !p.failed {
		p.failAt(p.since(from), "parentheses around a relation are not needed here").
			hint("parentheses hold a query or a join")
	}
	return r
}

// queryInParens reports whether the parentheses here hold a query, as in ((SELECT 1) UNION ALL SELECT 2), and no join
// that starts with one, as in ((SELECT 1) a JOIN b ON ...).
func (p *parser) queryInParens() bool {
	i := 1
	for p.peek(i).is("(") {
		i++
	}
	if !p.startsQuery(p.peek(i)) {
		return false
	}
	depth := 0
	for i = 1; p.peek(i).kind != eof; i++ {
		switch t := p.peek(i); {
		case t.is("("):
			depth++
		case t.is(")"):
			if depth--; depth == 0 {
				t = p.peek(i + 1)
				return t.is(")") || t.is("UNION") || t.is("ORDER") || t.is("LIMIT") || t.is("EMIT")
			}
		}
	}
	return true
}
