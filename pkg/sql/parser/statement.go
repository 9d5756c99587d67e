package parser

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// verb is one row of the table of statements.
type verb struct {
	word string
	read func(p *parser) ast.Statement
}

// verbs lists the statements by their first word. A function, since EXPLAIN reads statements itself.
func verbs() []verb {
	return []verb{
		{"SELECT", (*parser).selectStatement},
		{"WITH", (*parser).selectStatement},
		{"VALUES", (*parser).selectStatement},
		{"CREATE", (*parser).create},
		{"INSERT", (*parser).insert},
		{"DROP", (*parser).drop},
		{"TERMINATE", (*parser).control},
		{"PAUSE", (*parser).control},
		{"RESUME", (*parser).control},
		{"STOP", (*parser).control},
		{"SHOW", (*parser).show},
		{"LIST", (*parser).show},
		{"DESCRIBE", (*parser).describe},
		{"EXPLAIN", (*parser).explain},
		{"PRINT", (*parser).printTopic},
		{"SET", (*parser).set},
		{"UNSET", (*parser).unset},
		{"DEFINE", (*parser).define},
		{"UNDEFINE", (*parser).undefine},
		{"RUN", (*parser).runScript},
		{"ALTER", (*parser).alter},
		{"START", (*parser).job},
		{"DEPLOY", (*parser).job},
		{"ROLLBACK", (*parser).rollback},
	}
}

// foreignVerbs are statements of other systems, with what to do instead.
var foreignVerbs = []struct{ word, hint string }{
	{"UPDATE", "a table follows its stream: INSERT a new row with the same key"},
	{"DELETE", "a row of a table is deleted by a null value for its key"},
	{"MERGE", "a table follows its stream: INSERT a new row with the same key"},
	{"UPSERT", "INSERT INTO a table with the key replaces the row"},
	{"TRUNCATE", "DROP the object and create it again"},
	{"BEGIN", "each statement stands for itself"},
	{"COMMIT", "each statement stands for itself"},
	{"USE", "there is one catalog"},
	{"GRANT", "rights are those of the NATS account"},
	{"REVOKE", "rights are those of the NATS account"},
	{"COPY", "write CREATE SINK ... TO FILE, or INSERT INTO ... SELECT"},
	{"ANALYZE", "write EXPLAIN (ANALYZE) query"},
}

func verbOf(t *token) *verb {
	if t.kind != word {
		return nil
	}
	all := verbs()
	for i := range all {
		if t.is(all[i].word) {
			return &all[i]
		}
	}
	return nil
}

// statement reads one statement; its kind is told by the first word.
func (p *parser) statement() ast.Statement {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	t := p.tok()
	if t.is("(") {
		return p.selectStatement()
	}
	for _, v := range verbs() {
		p.expecting(v.word)
		if t.is(v.word) {
			return v.read(p)
		}
	}
	p.noStatement(t)
	return nil
}

func (p *parser) noStatement(t *token) {
	for _, f := range foreignVerbs {
		if t.is(f.word) {
			p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "%s is not supported", f.word).WithHint("%s", f.hint))
			return
		}
	}
	if t.is("ASSERT") {
		p.failAt(t.at, "ASSERT belongs in test scripts").hint("run the script with: leat test")
		return
	}
	err := p.failAt(t.at, "expected a statement, found %s", t.found())
	names := make([]string, 0, len(verbs()))
	for _, v := range verbs() {
		names = append(names, v.word)
	}
	if near := sqlerr.Nearest(t.text, names); near != "" && t.kind == word {
		err.hint("did you mean %s?", near)
		return
	}
	err.hint("a statement starts with SELECT, CREATE, INSERT, DROP, SHOW, DESCRIBE, EXPLAIN, SET ...")
}

// stmt makes what every statement carries, once it is read from the token at index from.
func (p *parser) stmt(from int) ast.Stmt {
	s := ast.Stmt{At: p.since(from), Annotations: p.notes}
	if end := p.last().to; p.pos > from {
		s.Text = p.src[p.tokens[from].from:end]
	}
	return s
}

func (p *parser) selectStatement() ast.Statement {
	from := p.pos
	q := p.query()
	return &ast.Select{Stmt: p.stmt(from), Query: q}
}

func (p *parser) insert() ast.Statement {
	from := p.pos
	p.advance()
	p.expect("INTO", "after INSERT")
	target := p.tableName("after INSERT INTO")
	var queryID string
	if p.is("WITH") && p.peek(1).is("(") {
		for _, prop := range p.properties() {
			if prop.Name != "query_id" {
				p.fail(sqlerr.New(sqlerr.BadProperty, prop.At, "INSERT INTO has no property %q", prop.Name).
					WithHint("it knows query_id"))
			}
			queryID = prop.Value
		}
	}
	var columns []ast.Ident
	columnsAt := p.pos
	if p.is("(") && !p.startsQuery(p.peek(1)) {
		columns = p.nameList("a column", "in the column list")
	}
	if p.accept("VALUES") {
		rows := p.valueRows()
		return &ast.InsertValues{Stmt: p.stmt(from), Target: target, Columns: columns, Rows: rows}
	}
	if columns != nil && !p.failed {
		p.notSupported(p.tokens[columnsAt].at.Join(p.last().at), "a column list before a query is not supported").
			hint("select the columns in the order of %s", target.Name)
	}
	if !p.is("SELECT") && !p.is("WITH") && !p.is("(") {
		p.unexpected("VALUES or SELECT")
	}
	q := p.query()
	return &ast.InsertSelect{Stmt: p.stmt(from), Target: target, QueryID: queryID, Query: q}
}

// startsQuery reports whether t begins a query.
func (p *parser) startsQuery(t *token) bool { return t.is("SELECT") || t.is("WITH") || t.is("VALUES") }

// valueRows reads (e, ...), (e, ...).
func (p *parser) valueRows() [][]ast.Expr {
	var rows [][]ast.Expr
	for {
		p.expect("(", "before the values")
		row := p.exprList(")")
		p.expect(")", "after the values")
		rows = append(rows, row)
		if p.failed || !p.accept(",") {
			return rows
		}
	}
}

// nameList reads (a, b, ...).
func (p *parser) nameList(what, where string) []ast.Ident {
	var names []ast.Ident
	p.expect("(", where)
	for !p.failed {
		names = append(names, p.name(what, where))
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", where)
	return names
}

// name reads a name; what and where complete the message.
func (p *parser) name(what, where string) ast.Ident {
	p.expecting(wantName)
	t := p.tok()
	if !p.isName(t) {
		p.unexpected(strings.TrimSpace(what + " " + where))
		return ast.Ident{}
	}
	p.advance()
	return p.ident(t)
}

func (p *parser) tableName(where string) ast.Ident {
	p.expecting(wantTable)
	return p.late(p.name("a name", where))
}

// late reads the rest of query.late, the name of the stream of a query's late rows.
func (p *parser) late(id ast.Ident) ast.Ident {
	if id.Name == "" || !p.is(".") || !p.peek(1).is("LATE") {
		return id
	}
	p.advance()
	id.At.End = p.advance().at.End
	id.Name += ".late"
	return id
}

// ident makes a name of a token; Options.Upper makes capitals of one without quotes.
func (p *parser) ident(t *token) ast.Ident {
	id := ast.Ident{Name: t.text, Quoted: t.kind == quoted, At: t.at}
	if p.session.upper && !id.Quoted {
		id.Name, id.Exact = strings.ToUpper(id.Name), true
	}
	return id
}

// isName reports whether t can be a name: quoted, or a word that is not reserved.
func (p *parser) isName(t *token) bool {
	switch t.kind {
	case quoted:
		return true
	case word:
		return !isReserved(t.text)
	case digitWord:
		return !strings.Contains(t.text, ".")
	default:
		return false
	}
}

// string reads '...'; what completes the message.
func (p *parser) string(what string) string {
	p.expecting(wantString)
	t := p.tok()
	if t.kind != str {
		if t.kind == quoted {
			p.failAt(t.at, "expected %s, found the name %q", what, clip(t.text)).
				hint("strings are written with single quotes: '%s'", clip(t.text))
			return ""
		}
		p.unexpected(what)
		if t.kind == word && !isReserved(t.text) && len(p.errs) > 0 && p.errs[len(p.errs)-1].Hint == "" {
			setHint(p.errs[len(p.errs)-1], "strings are written with single quotes: '%s'", clip(t.text))
		}
		return ""
	}
	return p.advance().text
}
