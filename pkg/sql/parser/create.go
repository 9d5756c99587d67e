package parser

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

func (p *parser) create() ast.Statement {
	from := p.pos
	p.advance()
	c := &ast.Create{OrReplace: p.acceptAll("OR", "REPLACE")}
	c.Source = p.accept("SOURCE")
	switch {
	case p.accept("STREAM"):
		return p.createObject(from, c)
	case p.accept("TABLE"):
		c.Kind = ast.Table
		return p.createObject(from, c)
	case c.Source:
		p.unexpected("STREAM or TABLE after SOURCE")
	case p.accept("SINK"):
		return p.createSink(from)
	case p.accept("TYPE"):
		return p.createType(from)
	case p.accept("FUNCTION"):
		return p.createFunction(from, c.OrReplace)
	case p.accept("METRIC"):
		return p.createMetric(from)
	default:
		p.createOther()
	}
	return nil
}

func (p *parser) createOther() {
	t := p.tok()
	for _, w := range []string{"VIEW", "MATERIALIZED", "INDEX", "CONNECTOR", "SCHEMA", "DATABASE", "USER"} {
		if t.is(w) {
			err := sqlerr.New(sqlerr.NotSupported, t.at, "CREATE %s is not supported", w)
			if w == "VIEW" || w == "MATERIALIZED" {
				setHint(err, "CREATE TABLE ... AS SELECT keeps its result up to date")
			}
			if w == "CONNECTOR" {
				setHint(err, "CREATE STREAM ... WITH (connector = ...) and CREATE SINK connect Leat")
			}
			p.fail(err)
			return
		}
	}
	p.unexpected("STREAM, TABLE, SINK or TYPE after CREATE")
}

func (p *parser) createObject(from int, c *ast.Create) ast.Statement {
	what := "STREAM"
	if c.Kind == ast.Table {
		what = "TABLE"
	}
	c.IfNotExists = p.ifNotExists()
	p.expecting(wantName)
	c.Name = p.name("a name", "after CREATE "+what)
	if p.is("(") {
		c.Columns = p.columns()
	}
	if p.accept("FROM") {
		p.createFrom(c)
	}
	if p.is("WITH") && p.peek(1).is("(") {
		c.With = p.properties()
	}
	if p.accept("AS") {
		if c.Source {
			p.failAt(p.tok().at, "CREATE SOURCE declares an object; a query does not fill it")
		}
		c.As = p.query()
	}
	if p.tok().is("SELECT") {
		p.failAt(p.tok().at, "expected AS before SELECT")
	}
	if c.As == nil && c.Columns == nil && c.With == nil && c.FromNATS == "" && c.FromFile == "" && !p.failed {
		p.unexpected("columns in parentheses, WITH (...), FROM or AS SELECT")
	}
	c.Stmt = p.stmt(from)
	return c
}

// createFrom reads NATS 'subject' or 'file'.
func (p *parser) createFrom(c *ast.Create) {
	nats := p.accept("NATS")
	c.FromAt = p.tok().at
	if nats {
		c.FromNATS = p.string("a subject in quotes after FROM NATS")
		return
	}
	c.FromFile = p.string("NATS 'subject' or 'file' after FROM")
}

func (p *parser) ifNotExists() bool { return p.acceptAll("IF", "NOT", "EXISTS") }

func (p *parser) columns() []ast.ColumnDef {
	var cols []ast.ColumnDef
	p.expect("(", "before the columns")
	for !p.failed {
		if len(cols) == maxItems {
			p.fail(sqlerr.New(sqlerr.TooLarge, p.tok().at, "more than %d columns", maxItems))
			break
		}
		cols = append(cols, p.columnDef())
		p.listAt = p.pos
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", `or "," after the column`)
	return cols
}

func (p *parser) columnDef() ast.ColumnDef {
	from := p.pos
	if p.are("PRIMARY", "KEY") && p.peek(2).is("(") {
		p.fail(sqlerr.New(sqlerr.NotSupported, p.tok().at, "PRIMARY KEY (...) as an entry is not supported").
			WithHint("write PRIMARY KEY after each column of the key"))
	}
	c := ast.ColumnDef{Name: p.name("a column name", "")}
	c.Type = p.dataType()
	for more := true; more && !p.failed; {
		more = p.columnOption(&c)
	}
	c.At = p.since(from)
	return c
}

// columnOption reads one thing after a column's type.
func (p *parser) columnOption(c *ast.ColumnDef) bool {
	at := p.tok().at
	switch {
	case p.accept("PRIMARY"):
		p.expect("KEY", "after PRIMARY")
		c.Key, c.Primary = true, true
	case p.accept("KEY"):
		c.Key = true
	case p.accept("HEADERS"):
		c.Headers = true
	case p.accept("HEADER"):
		p.expect("(", "after HEADER")
		if c.Header = p.string("the name of a header in quotes"); c.Header == "" && !p.failed {
			p.failAt(p.last().at, "the name of a header is empty")
		}
		p.expect(")", "after the name of the header")
	case p.acceptAll("NOT", "NULL"):
		p.notSupported(at.Join(p.last().at), "NOT NULL is not supported").
			hint("filter with WHERE %s IS NOT NULL", c.Name.Name)
	case p.accept("DEFAULT"):
		p.expr()
		p.notSupported(at.Join(p.last().at), "DEFAULT is not supported").
			hint("select COALESCE(%s, value)", c.Name.Name)
	default:
		return false
	}
	return true
}

func (p *parser) createSink(from int) ast.Statement {
	s := &ast.CreateSink{IfNotExists: p.ifNotExists()}
	s.Name = p.name("a name", "after CREATE SINK")
	p.expect("FROM", "after the name of the sink")
	s.From = p.tableName("after FROM")
	p.expect("TO", "and a target after the source of the sink")
	if at := p.tok().at; p.is("OBJECT") {
		p.fail(sqlerr.New(sqlerr.NotSupported, at, "a sink TO OBJECT is not supported").
			WithHint("TO KV 'bucket' keeps the last row of each key; TO FILE 'path' writes a file"))
	}
	targets := []string{"NATS", "KV", "FILE", "CONSOLE", "HTTP", "POSTGRES"}
	for _, target := range targets {
		if p.accept(target) {
			s.Target = target
			break
		}
	}
	if s.Target == "" {
		p.unexpected("NATS, KV, FILE, CONSOLE, HTTP or POSTGRES after TO")
	}
	if s.Target != "CONSOLE" {
		s.AddressAt = p.tok().at
		what := map[string]string{
			"NATS": "a subject", "KV": "a bucket", "FILE": "a path", "HTTP": "a URL",
			"POSTGRES": "a connection string",
		}[s.Target]
		s.Address = p.string(what + " in quotes after " + s.Target)
	}
	if p.is("WITH") {
		s.With = p.properties()
	}
	s.Stmt = p.stmt(from)
	return s
}

func (p *parser) createFunction(from int, replace bool) ast.Statement {
	f := &ast.CreateFunction{OrReplace: replace, IfNotExists: p.ifNotExists()}
	f.Name = p.name("a name", "after CREATE FUNCTION")
	p.expect("(", "before the parameters")
	for !p.failed && !p.is(")") {
		if len(f.Params) == maxParams {
			p.fail(sqlerr.New(sqlerr.TooLarge, p.tok().at, "more than %d parameters", maxParams))
			break
		}
		at := p.pos
		param := ast.ColumnDef{Name: p.name("the name of a parameter", "")}
		param.Type = p.dataType()
		param.At = p.since(at)
		f.Params = append(f.Params, param)
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "after the parameters")
	p.expect("RETURNS", "and a type after the parameters")
	f.Returns = p.dataType()
	if p.accept("LANGUAGE") && !p.accept("WASM") {
		p.unexpected("WASM after LANGUAGE")
	}
	p.expect("AS", "and the path of a WebAssembly module")
	f.FileAt = p.tok().at
	f.File = p.string("the path of a WebAssembly module in quotes")
	if p.accept("EXPORT") {
		f.Export = p.string("the name of what the module exports in quotes")
	}
	f.Stmt = p.stmt(from)
	return f
}

// maxParams bounds the parameters of a function.
const maxParams = 16

func (p *parser) createType(from int) ast.Statement {
	t := &ast.CreateType{IfNotExists: p.ifNotExists()}
	t.Name = p.name("a name", "after CREATE TYPE")
	p.expect("AS", "after the name of the type")
	t.Type = p.dataType()
	t.Stmt = p.stmt(from)
	return t
}

func (p *parser) createMetric(from int) ast.Statement {
	at := p.last().at
	p.name("a name", "after CREATE METRIC")
	p.expect("AS", "after the name of the metric")
	p.query()
	p.notSupported(at, "CREATE METRIC is not supported").hint("CREATE TABLE ... AS SELECT keeps the same numbers")
	return &ast.Create{Stmt: p.stmt(from)}
}

// properties reads WITH (name = literal, ...).
func (p *parser) properties() []ast.Property {
	p.expect("WITH", "before properties")
	return p.propertyList("after WITH")
}

func (p *parser) propertyList(where string) []ast.Property {
	props := []ast.Property{}
	p.expect("(", where)
	for !p.failed && !p.is(")") {
		if len(props) == maxItems {
			p.fail(sqlerr.New(sqlerr.TooLarge, p.tok().at, "more than %d properties", maxItems))
			break
		}
		props = append(props, p.property(props))
		p.listAt = p.pos
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", `or "," after the property`)
	return props
}

func (p *parser) property(before []ast.Property) ast.Property {
	from := p.pos
	prop := ast.Property{Name: p.propertyName()}
	if !p.accept("=") {
		p.unexpected(`"=" after the property ` + prop.Name)
	}
	prop.ValueAt = p.tok().at
	prop.Value = p.propertyValue(prop.Name)
	prop.ValueAt = prop.ValueAt.Join(p.last().at)
	prop.At = p.since(from)
	for _, b := range before {
		if b.Name == prop.Name && !p.failed {
			p.fail(sqlerr.New(sqlerr.BadProperty, prop.At, "the property %q is given twice", prop.Name))
		}
	}
	return prop
}

// propertyName reads name, a.b.c or 'a.b.c'.
func (p *parser) propertyName() string {
	p.expecting(wantProperty)
	t := p.tok()
	if t.kind != str && t.kind != quoted && t.kind != word && t.kind != digitWord {
		p.unexpected("the name of a property")
		return ""
	}
	p.advance()
	parts := []string{t.text}
	for t.kind == word && p.accept(".") {
		n := p.tok()
		if n.kind != word && n.kind != digitWord && n.kind != integer {
			p.unexpected(`a name after "."`)
			break
		}
		p.advance()
		parts = append(parts, n.text)
	}
	return strings.ToLower(strings.Join(parts, "."))
}

func (p *parser) propertyValue(name string) string {
	p.expecting(wantString)
	sign := ""
	if p.accept("-") {
		sign = "-"
	}
	t := p.tok()
	switch t.kind {
	case integer, decimal, double, digitWord:
	case str, quoted:
		if sign != "" {
			p.unexpected("a number after -")
		}
	case word:
		if sign != "" || isReserved(t.text) && !t.is("TRUE") && !t.is("FALSE") && !t.is("ON") {
			p.unexpected("a value for " + name)
			return ""
		}
	default:
		p.unexpected("a value for " + name)
		return ""
	}
	p.advance()
	return sign + t.text
}
