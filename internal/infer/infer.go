package infer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Bounds of a sample.
const (
	maxRecords = 1000
	maxBytes   = 1 << 20
)

// Sample is the beginning of what a source holds.
type Sample struct {
	Format    string // json or csv
	Delimiter string // of csv
	Header    bool   // the statement says that the text begins with a header
	Text      []byte // of a file
	Cut       bool   // more text follows
	Messages  [][]byte
}

// Columns returns the columns that hold the records of a sample, in the order in which they come first, and how many
// records were looked at.
func Columns(s Sample) (columns []vector.Field, records int, err error) {
	var c sampler
	switch s.Format {
	case "csv":
		err = c.csv(s.Text, s.Delimiter, s.Header, s.Cut)
	case "json":
		err = c.texts(s)
	default:
		err = fmt.Errorf("the columns of format %s cannot be found out", s.Format)
	}
	if err != nil {
		return nil, 0, err
	}
	if len(c.root.fields) == 0 {
		return nil, 0, errors.New("no record has a field")
	}
	for _, f := range c.root.fields {
		if f.name == "" {
			return nil, 0, errors.New("a field has an empty name")
		}
		columns = append(columns, vector.Field{Name: f.name, Type: f.shape.typ()})
	}
	return columns, c.records, nil
}

// texts sees JSON, line by line or message by message. What is broken is left to the reader of the source.
func (s *sampler) texts(in Sample) error {
	var first error
	see := func(data []byte) {
		if err := s.json(data); err != nil && first == nil {
			first = err
		}
	}
	for _, m := range in.Messages {
		if s.records < maxRecords {
			see(m)
		}
	}
	for rest := bytes.TrimPrefix(in.Text, []byte("\ufeff")); len(rest) > 0 && s.records < maxRecords; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if rest = after; !whole && in.Cut {
			break
		}
		see(line)
	}
	if s.records == 0 && first != nil {
		return first
	}
	if s.records == 0 && len(in.Text) >= maxBytes {
		return fmt.Errorf("the first record is longer than %d bytes", maxBytes)
	}
	if s.records == 0 {
		return errors.New("there is no record")
	}
	return nil
}
