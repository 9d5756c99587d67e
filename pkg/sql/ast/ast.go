// Package ast is the syntax tree of the dialect. Every node knows where it stands; offsets are bytes of the script.
package ast

import (
	"math"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Span is a range of the source.
type Span = sqlerr.Span

// Ident is a name as written. Quoted names match exactly, others without regard to case. Exact is set on names without
// quotes that the parser has made capitals of: they match capitals only.
type Ident struct {
	Name   string
	Quoted bool
	Exact  bool
	At     Span
}

// Node is anything with a place in the source.
type Node interface{ Span() Span }

// Statement is one statement of a script.
type Statement interface {
	Node
	statement()
}

// Stmt is what every statement carries: its span (without the semicolon) and the text of it after variables.
type Stmt struct {
	At          Span
	Text        string
	Annotations map[string]string // from comments `-- @name: value` before the statement
}

// Span returns where the statement stands.
func (s Stmt) Span() Span { return s.At }
func (Stmt) statement()   {}

// ObjectKind is stream or table.
type ObjectKind uint8

// The kinds of objects.
const (
	Stream ObjectKind = iota
	Table
)

// Property is one entry of WITH (...). Value is string, int64, float64 text or bool as written.
type Property struct {
	Name  string // lower case
	Value string
	At    Span // of the whole entry

	ValueAt Span
}

// ColumnDef is a column of CREATE STREAM or TABLE.
type ColumnDef struct {
	Name    Ident
	Type    vector.Type
	Key     bool   // KEY
	Primary bool   // PRIMARY KEY
	Headers bool   // HEADERS
	Header  string // HEADER('k')
	At      Span
}

// Create is CREATE [OR REPLACE] [SOURCE] STREAM|TABLE, with columns, or AS query, or FROM NATS 'subject'.
type Create struct {
	Stmt
	Kind        ObjectKind
	OrReplace   bool
	Source      bool
	IfNotExists bool
	Name        Ident
	Columns     []ColumnDef
	With        []Property
	As          *Query // nil for a declared object
	FromNATS    string // CREATE STREAM s FROM NATS 'orders.>'
	FromFile    string // CREATE STREAM s FROM 'orders.csv'
	FromAt      Span   // of the subject or path
}

// CreateType is CREATE TYPE [IF NOT EXISTS] n AS type. The parser puts the type in where later statements name it.
type CreateType struct {
	Stmt
	IfNotExists bool
	Name        Ident
	Type        vector.Type
}

// CreateFunction is CREATE [OR REPLACE] FUNCTION [IF NOT EXISTS] n(a TYPE, ...) RETURNS TYPE [LANGUAGE WASM] AS 'file'
// [EXPORT 'name'].
type CreateFunction struct {
	Stmt
	OrReplace, IfNotExists bool
	Name                   Ident
	Params                 []ColumnDef
	Returns                vector.Type
	File                   string
	FileAt                 Span
	Export                 string // "": the name
}

// CreateSink is CREATE SINK n FROM obj TO target.
type CreateSink struct {
	Stmt
	IfNotExists bool
	Name        Ident
	From        Ident
	Target      string // NATS, KV, FILE, CONSOLE, HTTP, POSTGRES
	Address     string // 'out.{col}', bucket, path, url
	AddressAt   Span
	With        []Property
}

// InsertSelect is INSERT INTO n query; InsertValues is INSERT INTO n [(cols)] VALUES (...), (...).
type InsertSelect struct {
	Stmt
	Target  Ident
	QueryID string
	Query   *Query
}

// InsertValues is INSERT INTO n [(cols)] VALUES rows of constant expressions.
type InsertValues struct {
	Stmt
	Target  Ident
	Columns []Ident
	Rows    [][]Expr
}

// Select is a query as a statement: push with EMIT, pull without.
type Select struct {
	Stmt
	Query *Query
}

// Drop is DROP STREAM|TABLE|SINK|TYPE|FUNCTION [IF EXISTS] n [DELETE TOPIC].
type Drop struct {
	Stmt
	What        string // STREAM, TABLE, SINK, TYPE, FUNCTION
	IfExists    bool
	Name        Ident
	DeleteTopic bool
}

// Control is TERMINATE | PAUSE | RESUME id | ALL.
type Control struct {
	Stmt
	Verb string // TERMINATE, PAUSE, RESUME
	ID   Ident
	All  bool
}

// Show is SHOW or LIST what [EXTENDED].
type Show struct {
	Stmt
	What     string // STREAMS, TABLES, TOPICS, QUERIES, FUNCTIONS, TYPES, PROPERTIES, VARIABLES, SINKS
	Extended bool
}

// Describe is DESCRIBE n | FUNCTION f | SINK n [EXTENDED].
type Describe struct {
	Stmt
	What     string // "", FUNCTION, SINK
	Name     Ident
	Extended bool
}

// Explain is EXPLAIN [(options)] query, statement or id.
type Explain struct {
	Stmt
	Options   map[string]string // upper-case option -> TRUE, FALSE or a format
	Statement Statement         // nil when ID is set
	ID        Ident
}

// Print is PRINT topic [FROM BEGINNING] [LIMIT n].
type Print struct {
	Stmt
	Topic         Ident
	FromBeginning bool
	Limit         int64 // -1: none
}

// Set is SET 'k' = 'v', UNSET 'k' (Unset), DEFINE v = 'x' (Define), UNDEFINE v (Define and Unset), RUN SCRIPT (What).
type Set struct {
	Stmt
	Key    string
	Value  string
	Unset  bool
	Define bool
}

// RunScript is RUN SCRIPT 'file'.
type RunScript struct {
	Stmt
	File string
}

// Alter is ALTER QUERY id SET (k = v) or ALTER STREAM|TABLE n ADD COLUMN.
type Alter struct {
	Stmt
	What    string // QUERY, STREAM, TABLE
	Name    Ident
	Columns []ColumnDef
	With    []Property
}

// EmitMode is how results come.
type EmitMode uint8

// EMIT clause of a query.
const (
	EmitDefault EmitMode = iota
	EmitChanges
	EmitFinal
)

// Query is SELECT ... or a UNION ALL of queries.
type Query struct {
	At       Span
	With     []CTE
	Distinct bool
	Items    []SelectItem
	From     Relation // nil: SELECT of constants
	Window   *Window
	// Buffer is WINDOW ROWS (BUFFER n ROWS ..) of velostream: aggregates go over the last n rows of each group.
	Buffer      *Over
	Where       Expr
	GroupBy     []Expr
	Grouping    [][]int // GROUPING SETS, ROLLUP, CUBE: indexes of GroupBy; nil for plain
	Partition   []Expr
	PartitionBy bool // PARTITION BY was written (Partition may hold NULL only)
	Having      Expr
	OrderBy     []OrderItem
	Emit        EmitMode
	EmitAt      Span
	Limit       int64 // -1: none
	LimitAt     Span
	Offset      int64
	Sources     []Property // velostream's WITH on a SELECT
	Into        []Ident    // velostream's INTO sink, sink
	Union       *Query     // UNION ALL with the next one; ORDER BY, LIMIT, OFFSET, EMIT of the whole stand in the first
	Values      [][]Expr   // VALUES (...) as a query
}

// Span returns where the query stands.
func (q *Query) Span() Span { return q.At }

// CTE is one entry of WITH name AS (query).
type CTE struct {
	Name  Ident
	Query *Query
}

// SelectItem is `*`, `alias.*`, `expr->*` or an expression with an optional alias.
type SelectItem struct {
	Star   bool
	Of     Expr // for alias.* (a Name) and expr->*
	Fields bool // expr->*
	Expr   Expr
	Alias  *Ident
	Key    bool // `id PRIMARY KEY` or `id KEY` in a projection
	At     Span
}

// OrderItem is one ORDER BY key.
type OrderItem struct {
	Expr      Expr
	Desc      bool
	NullsSet  bool // NULLS FIRST|LAST was written
	NullsLast bool
}

// Relation is what FROM and JOIN take.
type Relation interface {
	Node
	relation()
}

// TableRef names a stream or table, or a file ('x.csv'), with an alias.
type TableRef struct {
	Name  Ident
	File  bool // FROM 'file.csv'
	Alias *Ident
	At    Span
}

// SubqueryRef is (query) alias.
type SubqueryRef struct {
	Query *Query
	Alias *Ident
	At    Span
}

// WindowTVF is TABLE(TUMBLE(TABLE t, ...)) or TUMBLE(t, size): a relation with window columns.
type WindowTVF struct {
	Of         Relation
	Window     *Window
	TimeColumn *Ident
	Partition  []Expr
	Alias      *Ident
	At         Span
}

// Unnest is UNNEST(expr) [WITH ORDINALITY] [AS alias [(columns)]] as a relation.
type Unnest struct {
	Expr       Expr
	Ordinality bool // WITH ORDINALITY: a column with the position, from 1
	Alias      *Ident
	Columns    []Ident
	At         Span
}

// JoinKind is the kind of a join.
type JoinKind uint8

// The kinds of joins.
const (
	Inner JoinKind = iota
	Left
	Right
	Full
	Cross
)

// Join joins two relations.
type Join struct {
	Kind   JoinKind
	AsOf   bool
	L, R   Relation
	On     Expr
	Within *Within
	At     Span // of the JOIN keyword(s)
}

// Within is WITHIN d or (before, after), with GRACE PERIOD.
type Within struct {
	BeforeMs, AfterMs int64
	GraceMs           int64 // -1: not given
	At                Span
}

func (*TableRef) relation()    {}
func (*SubqueryRef) relation() {}
func (*WindowTVF) relation()   {}
func (*Unnest) relation()      {}
func (*Join) relation()        {}

// Span returns where the relation stands.
func (r *TableRef) Span() Span { return r.At }

// Span returns where the relation stands.
func (r *SubqueryRef) Span() Span { return r.At }

// Span returns where the relation stands.
func (r *WindowTVF) Span() Span { return r.At }

// Span returns where the relation stands.
func (r *Unnest) Span() Span { return r.At }

// Span returns where the join stands.
func (r *Join) Span() Span { return r.At }

// WindowKind is the kind of a window.
type WindowKind uint8

// The kinds of windows.
const (
	Tumbling WindowKind = iota
	Hopping             // also SLIDING(size, advance)
	Session
	Cumulate
)

// Window is a WINDOW clause; durations in ms, -1 where not given.
type Window struct {
	Kind           WindowKind
	SizeMs         int64 // Session: the gap; Cumulate: the largest size
	AdvanceMs      int64 // Hopping: advance; Cumulate: step
	GraceMs        int64
	RetentionMs    int64
	ProcessingTime bool
	TimeColumn     *Ident // TUMBLING(ts, 1m)
	At             Span
}

// Expr is an unbound expression.
type Expr interface {
	Node
	expr()
}

// E is what every expression carries.
type E struct{ At Span }

// Span returns where the expression stands.
func (e E) Span() Span { return e.At }
func (E) expr()        {}

// LiteralKind is the kind of a literal.
type LiteralKind uint8

// The kinds of literals; Text holds the value as written, without quotes.
const (
	NullLit LiteralKind = iota
	BoolLit
	IntLit
	DecimalLit // 1.50
	DoubleLit  // 1e3
	StringLit
	DateLit
	TimeLit
	TimestampLit
	IntervalLit // Ms holds the value
)

type (
	// Literal is a constant.
	Literal struct {
		E
		Kind LiteralKind
		Text string
		Ms   int64
	}
	// Name is a column reference: a, t.a. Dereference of structs is Field.
	Name struct {
		E
		Parts []Ident
	}
	// Star is the * of COUNT(*).
	Star struct{ E }
	// Unary is -, +, NOT.
	Unary struct {
		E
		Op string
		X  Expr
	}
	// Binary is arithmetic, comparison, AND, OR, ||, IS [NOT] DISTINCT FROM (ops "IS DISTINCT FROM", ...).
	Binary struct {
		E
		Op   string // upper case
		L, R Expr
	}
	// IsNull is IS [NOT] NULL; also IS [NOT] TRUE|FALSE with Truth.
	IsNull struct {
		E
		X     Expr
		Not   bool
		Truth string // "", TRUE, FALSE
	}
	// Between is [NOT] BETWEEN.
	Between struct {
		E
		X, Lo, Hi Expr
		Not       bool
	}
	// In is [NOT] IN (list) or (query).
	In struct {
		E
		X     Expr
		List  []Expr
		Query *Query
		Not   bool
	}
	// Like is [NOT] LIKE p [ESCAPE 'c'].
	Like struct {
		E
		X, Pattern Expr
		Escape     string
		Not        bool
	}
	// Case is CASE; Of is nil for the searched form.
	Case struct {
		E
		Of         Expr
		When, Then []Expr
		Else       Expr
	}
	// Cast is CAST(x AS t), TRY_CAST and ::.
	Cast struct {
		E
		X   Expr
		To  vector.Type
		Try bool
	}
	// Call is f(args) with everything a call may carry.
	Call struct {
		E
		Name        Ident
		Args        []Expr
		Distinct    bool
		Filter      Expr
		Over        *Over
		OrderBy     []OrderItem // within aggregates, WITHIN GROUP
		IgnoreNulls bool
		// RespectNulls: RESPECT NULLS was written.
		RespectNulls bool
	}
	// Field is x->f or x.f on a struct.
	Field struct {
		E
		X    Expr
		Name Ident
	}
	// Index is x[i].
	Index struct {
		E
		X, I Expr
	}
	// ArrayLit is ARRAY[...].
	ArrayLit struct {
		E
		Items []Expr
	}
	// MapLit is MAP(k := v, ...).
	MapLit struct {
		E
		Keys, Values []Expr
	}
	// StructLit is STRUCT(f := v, ...).
	StructLit struct {
		E
		Names  []Ident
		Values []Expr
	}
	// Lambda is x => e or (x, y) => e.
	Lambda struct {
		E
		Params []Ident
		Body   Expr
	}
	// Subquery is a scalar subquery, EXISTS (Exists), ANY or ALL (Quantifier).
	Subquery struct {
		E
		Query      *Query
		Exists     bool
		Not        bool
		Quantifier string
	}
	// AtTimeZone is x AT TIME ZONE 'z'.
	AtTimeZone struct {
		E
		X    Expr
		Zone Expr
	}
)

// Over is OVER (PARTITION BY .. ORDER BY .. frame), or velostream's ROWS WINDOW BUFFER n ROWS.
type Over struct {
	Partition []Expr
	OrderBy   []OrderItem
	Frame     *Frame
	// ExpireMs: a partition that was silent for longer begins anew (EXPIRE AFTER d INACTIVITY); 0 is never.
	ExpireMs int64
	// Full: results leave once the buffer holds so many rows (ROWS WINDOW BUFFER n ROWS .. EMIT ON BUFFER FULL); 0: all
	// do.
	Full int64
	At   Span
}

// UnboundedFollowing is the value of Frame.Following for UNBOUNDED FOLLOWING.
const UnboundedFollowing = math.MaxInt64

// Frame is ROWS or RANGE BETWEEN n PRECEDING AND CURRENT ROW. Preceding -1 is UNBOUNDED; RANGE counts ms.
type Frame struct {
	Rows      bool
	Preceding int64
	Following int64 // 0: CURRENT ROW; n FOLLOWING is n, n PRECEDING is -n
	At        Span
}
