package infer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

var errNoObject = errors.New("a record is no JSON object")

// sampler collects the shape of records.
type sampler struct {
	root    shape
	records int
}

// json sees the rows of one message or line: objects one behind the other, or lists of them. A text that is broken
// brings an error and may leave something behind: places are added, never types that a value does not have.
func (s *sampler) json(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	for s.records < maxRecords {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'):
			if err := s.row(dec); err != nil {
				return err
			}
		case json.Delim('['):
			for s.records < maxRecords && dec.More() {
				if t, err = dec.Token(); err != nil || t != json.Delim('{') {
					return errors.Join(err, errNoObject)
				}
				if err := s.row(dec); err != nil {
					return err
				}
			}
			if s.records < maxRecords {
				if _, err := dec.Token(); err != nil {
					return err
				}
			}
		default:
			return errNoObject
		}
	}
	return nil
}

func (s *sampler) row(dec *json.Decoder) error {
	s.root.kind = object
	if err := s.object(dec, &s.root, 0); err != nil {
		return err
	}
	s.records++
	return nil
}

// object reads the fields behind an opening brace; at is nil where they do not matter.
func (s *sampler) object(dec *json.Decoder, at *shape, depth int) error {
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		var to *shape
		if at != nil && at.kind == object {
			if to = at.field(name); to == nil && at != &s.root {
				at.see(text)
			} else if to == nil {
				return fmt.Errorf("the records have more than %d fields", maxFields)
			}
		}
		if err := s.value(dec, to, depth); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// value reads a value that lies in depth containers below the record.
func (s *sampler) value(dec *json.Decoder, at *shape, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("values lie deeper than %d", maxDepth)
	}
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if at == nil {
		at = &shape{kind: text}
	}
	switch v := t.(type) {
	case bool:
		at.see(boolean)
	case json.Number:
		at.see(number(v.String()))
	case string:
		at.see(word([]byte(v), false))
	case json.Delim:
		return s.container(dec, at, v, depth)
	}
	return nil
}

func (s *sampler) container(dec *json.Decoder, at *shape, open json.Delim, depth int) error {
	k := list
	if open == '{' {
		k = object
	}
	if depth >= maxNested {
		k = text
	}
	at.see(k)
	if at.kind == text {
		at = nil
	}
	if open == '{' {
		return s.object(dec, at, depth+1)
	}
	if at != nil && at.elem == nil {
		at.elem = &shape{}
	}
	for dec.More() {
		var elem *shape
		if at != nil {
			elem = at.elem
		}
		if err := s.value(dec, elem, depth+1); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}
