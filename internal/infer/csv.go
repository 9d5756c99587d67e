package infer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// csv sees the records of a text whose first line names the columns. cut says that the text ends somewhere: its last
// record does not count.
func (s *sampler) csv(data []byte, delimiter string, declared, cut bool) error {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	r.Comma, _ = utf8.DecodeRuneInString(delimiter)
	r.FieldsPerRecord = -1
	names, err := r.Read()
	if err != nil {
		return fmt.Errorf("the first line is no record: %w", err)
	}
	if err := s.header(names, declared); err != nil {
		return err
	}
	var held []string // the last record of a text that is cut is not looked at
	for s.records < maxRecords {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if _, ok := errors.AsType[*csv.ParseError](err); ok || err == nil && len(rec) != len(names) {
			continue // a bad record, as the reader of the source will find it
		}
		if err != nil {
			return err
		}
		if held != nil {
			s.record(held)
		}
		held = rec
	}
	if held != nil && !cut && s.records < maxRecords {
		s.record(held)
	}
	return nil
}

// header takes the names of the columns. Unless the statement says that a header is there, values are none.
func (s *sampler) header(names []string, declared bool) error {
	for i, n := range names {
		n = strings.TrimSpace(n)
		switch k := word([]byte(n), true); {
		case n == "":
			return fmt.Errorf("the first line is no header: field %d is empty", i+1)
		case !declared && k != text:
			return fmt.Errorf("the first line is no header: field %d is %q", i+1, n)
		}
		before := len(s.root.fields)
		if f := s.root.field(n); f == nil {
			return fmt.Errorf("the header has more than %d fields", maxFields)
		}
		if len(s.root.fields) == before {
			return fmt.Errorf("the header names %q twice", n)
		}
	}
	return nil
}

func (s *sampler) record(rec []string) {
	for i, v := range rec {
		if v != "" {
			s.root.fields[i].shape.see(word([]byte(v), true))
		}
	}
	s.records++
}
