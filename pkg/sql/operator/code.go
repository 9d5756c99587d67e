package operator

import "github.com/leatsql/leat/pkg/sql/expr"

// The codes of errors of rows that operators find themselves. They follow those of expressions, 5211 to 5214, and share
// the one that means the same.
const (
	CodeOverflow     = expr.CodeOverflow    // a number does not fit its type
	CodeOutOfRange   = "LEAT-5215"          // an event time that the operator cannot hold
	CodeBadArgument  = expr.CodeBadArgument // a constant that a function does not accept
	CodeNotSupported = "LEAT-5216"          // a change of a row that the operator cannot follow
)
