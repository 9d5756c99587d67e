// Package sqlerr is the one form of error of the SQL front end: what is wrong, where, and what to do.
package sqlerr

import "fmt"

// Span is a range of byte offsets in the statement text, half-open.
type Span struct{ Start, End int }

// Join returns the smallest span that covers both.
func (s Span) Join(o Span) Span { return Span{min(s.Start, o.Start), max(s.End, o.End)} }

// Code names an error for programs: the first digit is the exit code of the command line.
type Code string

// The codes of the front end. 31xx name resolution and types, 30xx syntax, 32xx not supported, 33xx limits.
const (
	Syntax        Code = "LEAT-3001"
	TooLarge      Code = "LEAT-3301"
	UnknownColumn Code = "LEAT-3101"
	UnknownObject Code = "LEAT-3102"
	UnknownFunc   Code = "LEAT-3103"
	TypeMismatch  Code = "LEAT-3104"
	Ambiguous     Code = "LEAT-3105"
	BadProperty   Code = "LEAT-3106"
	BadStatement  Code = "LEAT-3107"
	NotSupported  Code = "LEAT-3201"
	Exists        Code = "LEAT-5001"
	NotFound      Code = "LEAT-5002"
	InUse         Code = "LEAT-5003"
)

// Error is an error in a statement. Msg says what is wrong, Hint what to do (may be empty).
type Error struct {
	Code Code
	Span Span
	Msg  string
	Hint string
}

// New makes an Error with a formatted message.
func New(code Code, span Span, format string, args ...any) *Error {
	return &Error{Code: code, Span: span, Msg: fmt.Sprintf(format, args...)}
}

// WithHint returns e with its hint set.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

func (e *Error) Error() string { return fmt.Sprintf("%s [%s]", e.Msg, e.Code) }
