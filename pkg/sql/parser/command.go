package parser

import (
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

func (p *parser) drop() ast.Statement {
	from := p.pos
	p.advance()
	d := &ast.Drop{}
	for _, what := range []string{"STREAM", "TABLE", "SINK", "TYPE", "FUNCTION"} {
		if p.accept(what) {
			d.What = what
			break
		}
	}
	if d.What == "" {
		p.unexpected("STREAM, TABLE, SINK, TYPE or FUNCTION after DROP")
	}
	d.IfExists = p.acceptAll("IF", "EXISTS")
	d.Name = p.tableName("after DROP " + d.What)
	if (d.What == "STREAM" || d.What == "TABLE") && p.accept("DELETE") {
		p.expect("TOPIC", "after DELETE")
		d.DeleteTopic = true
	}
	d.Stmt = p.stmt(from)
	return d
}

// control reads TERMINATE, PAUSE, RESUME, and STOP of velostream, which is TERMINATE.
func (p *parser) control() ast.Statement {
	from := p.pos
	c := &ast.Control{Verb: strings.ToUpper(p.advance().text)}
	if c.Verb == "STOP" {
		c.Verb = "TERMINATE"
	}
	if t := p.tok(); (t.is("QUERY") || t.is("JOB")) && (p.isName(p.peek(1)) || p.tokens[from].is("STOP")) {
		p.advance()
	}
	if p.accept("ALL") {
		c.All = true
	} else {
		c.ID = p.name("the id of a query, or ALL,", "after "+strings.ToUpper(p.tokens[from].text))
	}
	if at := p.tok().at; p.accept("FORCE") {
		p.notSupported(at, "FORCE is not supported").hint("TERMINATE stops a query after its present step")
	}
	c.Stmt = p.stmt(from)
	return c
}

// job reads velostream's START JOB n AS statement and DEPLOY JOB n VERSION 'v' AS statement [STRATEGY s].
func (p *parser) job() ast.Statement {
	from := p.pos
	verb := strings.ToUpper(p.advance().text)
	if !p.accept("JOB") && (verb != "START" || !p.accept("QUERY")) {
		p.unexpected("JOB after " + verb)
	}
	at := p.since(from)
	p.name("a name", "after "+verb+" JOB")
	if verb == "DEPLOY" {
		p.expect("VERSION", "after the name of the job")
		p.string("a version in quotes")
	}
	p.expect("AS", "before the statement of the job")
	if t := p.tok(); !p.startsQuery(t) && !t.is("CREATE") && !t.is("INSERT") && !t.is("(") {
		p.unexpected("SELECT, CREATE or INSERT after AS")
	}
	p.statement()
	if p.accept("STRATEGY") {
		p.name("a strategy", "after STRATEGY")
		if p.accept("(") {
			p.expr()
			p.expect(")", "after the strategy")
		}
	}
	if p.is("WITH") {
		p.properties()
	}
	p.notSupported(at, "%s JOB is not supported", verb).hint("CREATE STREAM ... AS SELECT keeps running")
	return &ast.Control{Stmt: p.stmt(from)}
}

func (p *parser) rollback() ast.Statement {
	from := p.pos
	p.advance()
	p.expect("JOB", "after ROLLBACK")
	at := p.since(from)
	p.name("a name", "after ROLLBACK JOB")
	if p.accept("VERSION") {
		p.string("a version in quotes")
	}
	p.notSupported(at, "ROLLBACK JOB is not supported").hint("CREATE OR REPLACE takes the older text")
	return &ast.Control{Stmt: p.stmt(from)}
}

var showable = []string{
	"STREAMS", "TABLES", "TOPICS", "QUERIES", "FUNCTIONS", "TYPES", "PROPERTIES", "VARIABLES",
	"SINKS", "METRICS",
}

// foreignShow are things that other systems show.
var foreignShow = []string{
	"JOBS", "SCHEMA", "CONNECTORS", "PARTITIONS", "STATUS", "VERSIONS", "DATABASES", "COLUMNS",
	"JOB", "ALL", "CREATE",
}

func (p *parser) show() ast.Statement {
	from := p.pos
	verb := strings.ToUpper(p.advance().text)
	s := &ast.Show{}
	for _, what := range showable {
		if p.accept(what) {
			s.What = what
			break
		}
	}
	if s.What == "" {
		p.showOther(verb)
	}
	if t := p.tok(); s.What == "PROPERTIES" && t.kind != eof {
		p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "SHOW PROPERTIES takes no object").
			WithHint("DESCRIBE name EXTENDED shows them"))
	}
	s.Extended = p.accept("EXTENDED")
	s.Stmt = p.stmt(from)
	return s
}

func (p *parser) showOther(verb string) {
	t := p.tok()
	for _, what := range foreignShow {
		if t.is(what) {
			p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "%s %s is not supported", verb, what).
				WithHint("SHOW knows %s", strings.Join(showable, ", ")))
			return
		}
	}
	p.unexpected(strings.Join(showable[:len(showable)-1], ", ") + " or METRICS after " + verb)
}

func (p *parser) describe() ast.Statement {
	from := p.pos
	p.advance()
	d := &ast.Describe{}
	for _, what := range []string{"FUNCTION", "SINK", "STREAM", "TABLE"} {
		p.expecting(what)
		if p.isName(p.peek(1)) && !p.peek(1).is("EXTENDED") && p.accept(what) {
			d.What = what
			break
		}
	}
	if d.What == "STREAM" || d.What == "TABLE" {
		d.What = ""
	}
	if d.What == "FUNCTION" {
		p.expecting(wantFunction)
	}
	d.Name = p.tableName("after DESCRIBE")
	d.Extended = p.accept("EXTENDED")
	d.Stmt = p.stmt(from)
	return d
}

// explainOptions are the options that take TRUE or FALSE.
var explainOptions = []string{
	"ANALYZE", "COSTS", "BUFFERS", "TIMING", "VERBOSE", "PLAN", "TOPOLOGY", "LIVE", "METRICS",
	"PERFORMANCE", "BOTTLENECKS",
}

var explainFormats = []string{"TEXT", "JSON", "YAML", "DOT", "MERMAID"}

func (p *parser) explain() ast.Statement {
	from := p.pos
	p.advance()
	e := &ast.Explain{Options: map[string]string{}}
	for _, o := range []string{"TOPOLOGY", "ANALYZE", "VERBOSE"} {
		if p.peek(1).kind != eof && p.accept(o) {
			e.Options[o] = "TRUE"
		}
	}
	if p.is("(") && !p.startsQuery(p.peek(1)) && !p.peek(1).is("(") {
		p.explainList(e.Options)
	}
	t := p.tok()
	switch {
	case verbOf(t) != nil && p.peek(1).kind != eof, t.is("("):
		e.Statement = p.statement()
	default:
		p.expecting("SELECT")
		p.expecting("CREATE")
		e.ID = p.name("a query, a statement or the id of a query", "after EXPLAIN")
	}
	e.Stmt = p.stmt(from)
	return e
}

func (p *parser) explainList(options map[string]string) {
	p.advance()
	for !p.failed {
		if p.accept("FORMAT") {
			options["FORMAT"] = p.oneOf(explainFormats, "a format")
		} else {
			o := p.oneOf(explainOptions, "an option of EXPLAIN")
			switch {
			case p.accept("FALSE"), p.accept("OFF"):
				options[o] = "FALSE"
			default:
				if !p.accept("TRUE") {
					p.accept("ON")
				}
				options[o] = "TRUE"
			}
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "after the options of EXPLAIN")
}

func (p *parser) oneOf(words []string, what string) string {
	for _, w := range words {
		if p.accept(w) {
			return w
		}
	}
	p.unexpected(what + " (" + strings.Join(words, ", ") + ")")
	return ""
}

func (p *parser) printTopic() ast.Statement {
	from := p.pos
	p.advance()
	s := &ast.Print{Limit: -1}
	if t := p.tok(); t.kind == str && t.text != "" {
		s.Topic = ast.Ident{Name: t.text, Quoted: true, At: t.at}
		p.advance()
	} else {
		s.Topic = p.tableName("after PRINT")
	}
	if p.accept("FROM") {
		p.expect("BEGINNING", "after FROM")
		s.FromBeginning = true
	}
	if p.accept("LIMIT") {
		s.Limit = p.count("LIMIT")
	}
	s.Stmt = p.stmt(from)
	return s
}

// count reads the number of rows of LIMIT and OFFSET.
func (p *parser) count(clause string) int64 {
	p.expecting(wantNumber)
	t := p.tok()
	switch {
	case t.is("-") || t.kind == decimal || t.kind == double:
		p.failAt(t.at, "%s takes a whole number that is not negative", clause)
		return 0
	case t.kind != integer:
		p.unexpected("a number of rows after " + clause)
		return 0
	}
	n, err := strconv.ParseInt(t.text, 10, 64)
	if err != nil {
		p.failAt(t.at, "%s %s is too large", clause, clip(t.text))
		return 0
	}
	p.advance()
	return n
}

// set reads SET 'k' = 'v' and SET k = v.
func (p *parser) set() ast.Statement {
	from := p.pos
	p.advance()
	s := &ast.Set{Key: p.propertyName()}
	p.expect("=", "after the name of the property")
	s.Value = p.propertyValue(s.Key)
	s.Stmt = p.stmt(from)
	return s
}

func (p *parser) unset() ast.Statement {
	from := p.pos
	p.advance()
	s := &ast.Set{Unset: true, Key: p.propertyName()}
	s.Stmt = p.stmt(from)
	return s
}

func (p *parser) define() ast.Statement {
	from := p.pos
	p.advance()
	s := &ast.Set{Define: true, Key: p.name("a name", "after DEFINE").Name}
	p.expect("=", "after the name of the variable")
	s.Value = p.string("a value in quotes")
	s.Stmt = p.stmt(from)
	return s
}

func (p *parser) undefine() ast.Statement {
	from := p.pos
	p.advance()
	s := &ast.Set{Define: true, Unset: true, Key: p.name("a name", "after UNDEFINE").Name}
	s.Stmt = p.stmt(from)
	return s
}

func (p *parser) runScript() ast.Statement {
	from := p.pos
	p.advance()
	p.expect("SCRIPT", "after RUN")
	s := &ast.RunScript{File: p.string("a file name in quotes after RUN SCRIPT")}
	s.Stmt = p.stmt(from)
	return s
}

func (p *parser) alter() ast.Statement {
	from := p.pos
	p.advance()
	a := &ast.Alter{}
	for _, what := range []string{"QUERY", "STREAM", "TABLE"} {
		if p.accept(what) {
			a.What = what
			break
		}
	}
	if a.What == "" {
		p.unexpected("QUERY, STREAM or TABLE after ALTER")
	}
	a.Name = p.tableName("after ALTER " + a.What)
	if a.What == "QUERY" {
		p.expect("SET", "after the id of the query")
		a.With = p.propertyList("after SET")
	} else {
		p.addColumns(a)
	}
	a.Stmt = p.stmt(from)
	return a
}

// addColumns reads ADD [COLUMN] c type, [ADD [COLUMN]] c type ...
func (p *parser) addColumns(a *ast.Alter) {
	for _, w := range []string{"DROP", "ALTER", "RESET", "RENAME"} {
		if t := p.tok(); t.is(w) {
			p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "ALTER %s ... %s is not supported", a.What, w).
				WithHint("ALTER adds columns; CREATE OR REPLACE changes more"))
			return
		}
	}
	p.expect("ADD", "after the name")
	for !p.failed {
		p.accept("COLUMN")
		a.Columns = append(a.Columns, p.columnDef())
		if !p.accept(",") {
			return
		}
		p.accept("ADD")
	}
}
