package sqlerr

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Document is an error as programs read it.
type Document struct {
	Error Body `json:"error"`
}

// Body is the content of a Document.
type Body struct {
	Code      Code   `json:"code"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	Retryable bool   `json:"retryable"`
	Position  *Place `json:"position,omitempty"`
}

// Place is a range of a source: line and column in characters from 1, offset and length in bytes.
type Place struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
}

// Describe returns the document of an error; without src it has no position.
func Describe(file, src string, err *Error) Document {
	body := Body{
		Code: err.Code, Message: err.Msg, Hint: err.Hint,
		Retryable: strings.HasPrefix(string(err.Code), "LEAT-4"),
	}
	if src != "" {
		start := max(0, min(err.Span.Start, len(src)))
		end := max(start, min(err.Span.End, len(src)))
		line, col := Position(src, start)
		body.Position = &Place{File: file, Line: line, Column: col, Offset: start, Length: end - start}
	}
	return Document{Error: body}
}

// JSON returns the document of an error as one line of JSON.
func JSON(file, src string, err *Error) ([]byte, error) {
	b, jerr := json.Marshal(Describe(file, src, err))
	if jerr != nil {
		return nil, fmt.Errorf("encode an error message: %w", jerr)
	}
	return b, nil
}
