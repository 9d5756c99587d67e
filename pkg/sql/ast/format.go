package ast

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// printer writes canonical SQL: one line, every optional word decided, parentheses where precedence needs them.
type printer struct{ strings.Builder }

func (w *printer) put(parts ...string) {
	for _, s := range parts {
		w.WriteString(s)
	}
}

// opt writes s where the condition holds.
func (w *printer) opt(on bool, s string) {
	if on {
		w.WriteString(s)
	}
}

// Format writes a statement as canonical SQL, without a semicolon. Parsing the text gives the same tree.
func Format(s Statement) string {
	w := &printer{}
	w.statement(s)
	return w.String()
}

// FormatExpr writes an expression as canonical SQL.
func FormatExpr(x Expr) string {
	w := &printer{}
	w.expr(x, levelOr)
	return w.String()
}

func (w *printer) createFunction(s *CreateFunction) {
	w.put("CREATE ")
	w.opt(s.OrReplace, "OR REPLACE ")
	w.put("FUNCTION ")
	w.opt(s.IfNotExists, "IF NOT EXISTS ")
	w.put(s.Name.String(), " (")
	for i, p := range s.Params {
		w.opt(i > 0, ", ")
		w.put(p.Name.String(), " ", FormatType(p.Type))
	}
	w.put(") RETURNS ", FormatType(s.Returns), " LANGUAGE WASM AS ", quoteString(s.File))
	w.opt(s.Export != "", " EXPORT "+quoteString(s.Export))
}

func (w *printer) statement(s Statement) {
	switch s := s.(type) {
	case *Select:
		w.query(s.Query)
	case *Create:
		w.create(s)
	case *CreateSink:
		w.createSink(s)
	case *CreateFunction:
		w.createFunction(s)
	case *CreateType:
		w.put("CREATE TYPE ")
		w.opt(s.IfNotExists, "IF NOT EXISTS ")
		w.put(s.Name.String(), " AS ", FormatType(s.Type))
	case *InsertSelect:
		w.put("INSERT INTO ", s.Target.String(), " ")
		w.opt(s.QueryID != "", "WITH (query_id = "+quoteString(s.QueryID)+") ")
		w.query(s.Query)
	case *InsertValues:
		w.put("INSERT INTO ", s.Target.String())
		if s.Columns != nil {
			w.put(" ")
			w.names(s.Columns)
		}
		w.put(" VALUES ")
		w.rows(s.Rows)
	case *Explain:
		w.explain(s)
	default:
		w.command(s)
	}
}

// command writes the statements without a query.
func (w *printer) command(s Statement) {
	switch s := s.(type) {
	case *Drop:
		w.put("DROP ", s.What, " ")
		w.opt(s.IfExists, "IF EXISTS ")
		w.put(s.Name.String())
		w.opt(s.DeleteTopic, " DELETE TOPIC")
	case *Control:
		w.put(s.Verb, " ")
		if s.All {
			w.put("ALL")
			return
		}
		w.put(s.ID.String())
	case *Show:
		w.put("SHOW ", s.What)
		w.opt(s.Extended, " EXTENDED")
	case *Describe:
		w.put("DESCRIBE ")
		w.opt(s.What != "", s.What+" ")
		w.put(s.Name.String())
		w.opt(s.Extended, " EXTENDED")
	case *Print:
		w.put("PRINT ", s.Topic.String())
		w.opt(s.FromBeginning, " FROM BEGINNING")
		w.opt(s.Limit >= 0, " LIMIT "+strconv.FormatInt(s.Limit, 10))
	case *Set:
		w.set(s)
	case *RunScript:
		w.put("RUN SCRIPT ", quoteString(s.File))
	case *Alter:
		w.alter(s)
	}
}

func (w *printer) create(s *Create) {
	w.put("CREATE ")
	w.opt(s.OrReplace, "OR REPLACE ")
	w.opt(s.Source, "SOURCE ")
	w.put([...]string{Stream: "STREAM ", Table: "TABLE "}[s.Kind])
	w.opt(s.IfNotExists, "IF NOT EXISTS ")
	w.put(s.Name.String())
	if s.Columns != nil {
		w.put(" (")
		for i := range s.Columns {
			w.opt(i > 0, ", ")
			w.column(&s.Columns[i])
		}
		w.put(")")
	}
	w.opt(s.FromNATS != "", " FROM NATS "+quoteString(s.FromNATS))
	w.opt(s.FromFile != "", " FROM "+quoteString(s.FromFile))
	if s.With != nil {
		w.put(" WITH ")
		w.properties(s.With)
	}
	if s.As != nil {
		w.put(" AS ")
		w.query(s.As)
	}
}

func (w *printer) column(c *ColumnDef) {
	w.put(c.Name.String(), " ", FormatType(c.Type))
	switch {
	case c.Primary:
		w.put(" PRIMARY KEY")
	case c.Key:
		w.put(" KEY")
	}
	w.opt(c.Headers, " HEADERS")
	w.opt(c.Header != "", " HEADER("+quoteString(c.Header)+")")
}

func (w *printer) createSink(s *CreateSink) {
	w.put("CREATE SINK ")
	w.opt(s.IfNotExists, "IF NOT EXISTS ")
	w.put(s.Name.String(), " FROM ", s.From.String(), " TO ", s.Target)
	w.opt(s.Target != "CONSOLE", " "+quoteString(s.Address))
	if s.With != nil {
		w.put(" WITH ")
		w.properties(s.With)
	}
}

func (w *printer) properties(props []Property) {
	w.put("(")
	for i, p := range props {
		w.opt(i > 0, ", ")
		if plain(p.Name) && !Reserved(p.Name) {
			w.put(p.Name)
		} else {
			w.put(quoteString(p.Name))
		}
		w.put(" = ", quoteString(p.Value))
	}
	w.put(")")
}

func (w *printer) explain(s *Explain) {
	w.put("EXPLAIN ")
	if len(s.Options) > 0 {
		w.put("(")
		for i, o := range slices.Sorted(maps.Keys(s.Options)) {
			w.opt(i > 0, ", ")
			w.put(o, " ", s.Options[o])
		}
		w.put(") ")
	}
	if s.Statement != nil {
		w.statement(s.Statement)
		return
	}
	w.put(s.ID.String())
}

func (w *printer) set(s *Set) {
	switch {
	case s.Define && s.Unset:
		w.put("UNDEFINE ", Ident{Name: s.Key}.String())
	case s.Define:
		w.put("DEFINE ", Ident{Name: s.Key}.String(), " = ", quoteString(s.Value))
	case s.Unset:
		w.put("UNSET ", quoteString(s.Key))
	default:
		w.put("SET ", quoteString(s.Key), " = ", quoteString(s.Value))
	}
}

func (w *printer) alter(s *Alter) {
	w.put("ALTER ", s.What, " ", s.Name.String())
	if s.What == "QUERY" {
		w.put(" SET ")
		w.properties(s.With)
		return
	}
	w.put(" ADD ")
	for i := range s.Columns {
		w.opt(i > 0, ", ")
		w.put("COLUMN ")
		w.column(&s.Columns[i])
	}
}

func (w *printer) names(names []Ident) {
	w.put("(")
	for i, n := range names {
		w.opt(i > 0, ", ")
		w.put(n.String())
	}
	w.put(")")
}

func (w *printer) rows(rows [][]Expr) {
	for i, r := range rows {
		w.opt(i > 0, ", ")
		w.put("(")
		w.list(r)
		w.put(")")
	}
}
