// Package errcode is the one list of error codes of the command line and the APIs, and the error that carries one.
//
// A code is LEAT-Nxxx; N is the exit code of the process: 1 a bug of ours, 2 flags or configuration, 3 SQL, 4 cannot
// reach or timed out, 5 state or data refuses, 6 a check says no.
package errcode

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// Code names an error for programs.
type Code string

// The exit codes that come from signals, after a clean stop.
const (
	ExitInterrupted = 130
	ExitTerminated  = 143
)

// Exit returns the exit code of the process: the first digit of the code, 1 for a code of another form.
func (c Code) Exit() int {
	const prefix = "LEAT-"
	if len(c) > len(prefix) && c[:len(prefix)] == prefix && c[len(prefix)] >= '1' && c[len(prefix)] <= '6' {
		return int(c[len(prefix)] - '0')
	}
	return 1
}

// Retryable tells whether the same request may succeed later without a change.
func (c Code) Retryable() bool { return c.Exit() == 4 }

// Error is an error with a code. Msg says what is wrong and where, Hint what to do (may be empty), Err is the cause.
type Error struct {
	Code Code
	Msg  string
	Hint string
	Err  error
}

// New makes an Error with a formatted message; a %w in the format becomes its cause.
func New(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Msg: err.Error(), Err: errors.Unwrap(err)}
}

// WithHint returns e with its hint set.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

func (e *Error) Error() string { return e.Msg }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// What a NATS server answers that has no room for one more stream.
const (
	noResources jetstream.ErrorCode = 10023
	noStorage   jetstream.ErrorCode = 10047
)

// Of returns the code of err: its own, that of the SQL front end, or one that fits a known cause. An error that nobody
// gave a code is a bug of ours.
func Of(err error) Code {
	var own *Error
	var sql *sqlerr.Error
	var broker *jetstream.APIError
	switch {
	case errors.As(err, &own):
		return own.Code
	case errors.As(err, &sql):
		return Code(sql.Code)
	case errors.As(err, &broker) && (broker.ErrorCode == noResources || broker.ErrorCode == noStorage):
		return StoreFull
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, context.Canceled):
		return Cancelled
	}
	return Internal
}

// Hint returns what err advises to do, or "".
func Hint(err error) string {
	var own *Error
	var sql *sqlerr.Error
	switch {
	case errors.As(err, &own):
		return own.Hint
	case errors.As(err, &sql):
		return sql.Hint
	case Of(err) == StoreFull:
		return "streams reserve their largest size: raise max_file_store of the NATS server, or the account's limit"
	}
	return ""
}
