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
	X   Expr
	T   vector.Type
	Try bool
	At  sqlerr.Span
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

// RowError is a failure of one row; the operator that evaluates decides by on_error what becomes of the row.
type RowError struct {
	Row  uint32
	Code string // LEAT-52xx
	Msg  string
}

// Context collects what evaluation of one batch leaves behind. It is reset for each batch and owned by one goroutine.
type Context struct {
	Errors []RowError
}
