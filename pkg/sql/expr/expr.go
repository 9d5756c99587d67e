// Package expr is bound scalar expressions: typed trees, the table of functions, and their compilation to kernels.
package expr

import (
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Expr is a bound, typed expression over the columns of one batch.
type Expr interface {
	Type() vector.Type
	// Span is where the expression stands in the statement.
	Span() sqlerr.Span
	// String is the expression in canonical SQL; two expressions with equal strings over one schema are equal.
	String() string
}

// Pseudo columns: a Column with a negative Index reads row metadata instead of Cols.
const (
	ColRowtime    = -1 - iota // event time, BIGINT ms
	ColAppendTime             // broker append time (now(), processing time), BIGINT ms
	ColPartition              // INT
	ColOffset                 // BIGINT: sequence of the message
)

// Column reads column Index of the input batch.
type Column struct {
	Index int
	Name  string
	T     vector.Type
	At    sqlerr.Span
}

// Literal is a constant. V is nil (NULL), bool, int64 (INT, BIGINT, DATE, TIME, TIMESTAMP, INTERVAL), float64,
// vector.Int128 (DECIMAL of any precision, unscaled), string or []byte.
type Literal struct {
	V  any
	T  vector.Type
	At sqlerr.Span
}

// Call applies a scalar function of the table (operators too: "+", "=", "LIKE", "AND"..., named as in the table).
type Call struct {
	Func *Func
	Args []Expr
	T    vector.Type
	At   sqlerr.Span
}

// Cast converts X to T. Try gives null where a value does not convert.
type Cast struct {
	X       Expr
	T       vector.Type
	Try     bool
	Profile Profile
	At      sqlerr.Span
}

// Case is a searched CASE: the first When that is true gives its Then; Else may be nil (null).
type Case struct {
	When, Then []Expr
	Else       Expr
	T          vector.Type
	At         sqlerr.Span
}

// Try evaluates X and gives null where X fails for a row.
type Try struct {
	X  Expr
	At sqlerr.Span
}

// Type returns the type of the column.
func (c *Column) Type() vector.Type { return c.T }

// Type returns the type of the constant.
func (l *Literal) Type() vector.Type { return l.T }

// Type returns the result type of the overload.
func (c *Call) Type() vector.Type { return c.T }

// Type returns the type that X is converted to.
func (c *Cast) Type() vector.Type { return c.T }

// Type returns the common type of the branches.
func (c *Case) Type() vector.Type { return c.T }

// Type returns the type of X.
func (t *Try) Type() vector.Type { return t.X.Type() }

// Span returns where the column is named.
func (c *Column) Span() sqlerr.Span { return c.At }

// Span returns where the constant stands.
func (l *Literal) Span() sqlerr.Span { return l.At }

// Span returns where the call stands.
func (c *Call) Span() sqlerr.Span { return c.At }

// Span returns where the CAST stands.
func (c *Cast) Span() sqlerr.Span { return c.At }

// Span returns where the CASE stands.
func (c *Case) Span() sqlerr.Span { return c.At }

// Span returns where the TRY stands.
func (t *Try) Span() sqlerr.Span { return t.At }

// The codes of row errors; 5201 to 5207 belong to records that cannot be read, 5215 and 5216 to operators.
const (
	CodeDivideByZero = "LEAT-5211"
	CodeOverflow     = "LEAT-5212"
	CodeBadValue     = "LEAT-5213" // a value that does not convert or parse
	CodeBadArgument  = "LEAT-5214" // an argument that the function does not accept
)

// RowError is a failure of one row; the operator that evaluates decides by on_error what becomes of the row.
type RowError struct {
	Row  uint32
	Code string // LEAT-521x
	Msg  string
}

// Context collects what evaluation of one batch leaves behind. It is reset for each batch and owned by one goroutine.
// One Eval or Filter reports a row once, in ascending order of rows; several programs may each report the same row.
type Context struct {
	Errors []RowError
}
