package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// maxErrors is how many errors of one command are printed.
const maxErrors = 10

// sourceError is an error about a text that the user wrote; it is printed with the line it points at.
type sourceError struct {
	file, text string
	err        error
}

func (e *sourceError) Error() string { return e.err.Error() }

func (e *sourceError) Unwrap() error { return e.err }

// inSource says that err is about text, which stands in file ("" for a statement on the command line).
func inSource(err error, file, text string) error {
	if err == nil {
		return nil
	}
	return &sourceError{file: file, text: text, err: err}
}

// usageErr is an error in the command line.
func usageErr(format string, args ...any) *errcode.Error {
	return errcode.New(errcode.Usage, format, args...)
}

// exitCode is the first digit of the error's code.
func exitCode(err error) int { return errcode.Code(located(flatten(err)[0]).err.Code).Exit() }

// flatten takes joined errors apart.
func flatten(err error) []error {
	var source *sourceError
	many, ok := err.(interface{ Unwrap() []error })
	if !ok && errors.As(err, &source) {
		if inner := flatten(source.err); len(inner) > 1 {
			for i := range inner {
				inner[i] = inSource(inner[i], source.file, source.text)
			}
			return inner
		}
	}
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range many.Unwrap() {
		all = append(all, flatten(e)...)
	}
	if len(all) == 0 {
		return []error{err}
	}
	return all
}

// place is an error in the form of the SQL front end, with the text it is about.
type place struct {
	file, text string
	err        *sqlerr.Error
	position   *sqlerr.Place // where a server told it and the text is not at hand
	retryable  bool
}

// located gives any error that form.
func located(err error) place {
	var p place
	if source, ok := errors.AsType[*sourceError](err); ok {
		p.file, p.text = source.file, source.text
	}
	var sql *sqlerr.Error
	var remote *api.Error
	switch {
	case errors.As(err, &sql):
		p.err = sql
	case errors.As(err, &remote):
		p.err = sqlerr.New(sqlerr.Code(remote.Code), sqlerr.Span{}, "%s", remote.Message)
		p.err.Hint = remote.Hint
		p.retryable = remote.Retryable
		if at := remote.Position; at != nil {
			p.err.Span = sqlerr.Span{Start: at.Offset, End: at.Offset + at.Length}
			p.position = &sqlerr.Place{Line: at.Line, Column: at.Column, Offset: at.Offset, Length: at.Length}
			return p
		}
		p.text = ""
	default:
		p.err = sqlerr.New(sqlerr.Code(errcode.Of(err)), sqlerr.Span{}, "%s", err.Error())
		p.err.Hint = errcode.Hint(err)
		p.text = ""
	}
	return p
}

// printError writes err in the one form of errors: for people, or with -o json one JSON document a line.
func (g *globals) printError(err error) {
	all := flatten(err)
	for _, e := range all[:min(len(all), maxErrors)] {
		p := located(e)
		if g.output == outputJSON {
			_ = p.writeJSON(g.stderr) // nowhere to say so
			continue
		}
		g.renderError(p)
	}
	if more := len(all) - maxErrors; more > 0 && g.output != outputJSON {
		fmt.Fprintf(g.stderr, "leat: and %d more errors\n", more)
	}
}

// renderError prints an error for people; where colours are wanted its first line is bold and red.
func (g *globals) renderError(p place) {
	if !g.colored(g.stderr) {
		_ = sqlerr.Render(g.stderr, p.file, p.text, p.err) // nowhere to say so
		return
	}
	var sb strings.Builder
	_ = sqlerr.Render(&sb, p.file, p.text, p.err) // a Builder takes all
	first, rest, _ := strings.Cut(sb.String(), "\n")
	fmt.Fprintf(g.stderr, "\x1b[1;31m%s\x1b[0m\n%s", first, rest)
}

func (p place) writeJSON(w io.Writer) error {
	doc := sqlerr.Describe(p.file, p.text, p.err)
	doc.Error.Retryable = doc.Error.Retryable || p.retryable
	if doc.Error.Position == nil {
		doc.Error.Position = p.position
	}
	return json.NewEncoder(w).Encode(doc)
}
