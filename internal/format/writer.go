package format

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// RowWriter writes batches as rows for users: Begin once, Write for every batch, End once. Only the selected rows of a
// batch are written. It keeps nothing of a batch. Errors are the ones of the writer below.
type RowWriter interface {
	Begin(schema *vector.Schema) error
	Write(b *vector.Batch) error
	End() error
}

// Outputs are the names that NewWriter knows.
var outputs = []string{"jsonl", "csv", "table", "vertical", "json"}

// NewWriter returns the writer named kind: jsonl (ndjson), csv, table, vertical or json.
func NewWriter(kind string, w io.Writer) (RowWriter, error) {
	switch strings.ToLower(kind) {
	case "jsonl", "ndjson":
		return &jsonWriter{w: w}, nil
	case "json":
		return &jsonWriter{w: w, list: true}, nil
	case "csv":
		return &csvWriter{w: w, delim: ','}, nil
	case "table":
		return &tableWriter{w: w, narrow: onTerminal(w)}, nil
	case "vertical":
		return &verticalWriter{w: w}, nil
	}
	return nil, fmt.Errorf("output %q: want one of %s", kind, strings.Join(outputs, ", "))
}

// onTerminal tells whether w is a terminal, or a buffer before one that says so.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// flushBytes is how much a writer collects before it writes within a batch.
const flushBytes = 64 << 10

// live calls f for each selected row of b until it fails.
func live(b *vector.Batch, f func(i int) error) error {
	if b.Sel == nil {
		for i := range b.Rows {
			if err := f(i); err != nil {
				return err
			}
		}
		return nil
	}
	for _, i := range b.Sel {
		if err := f(int(i)); err != nil {
			return err
		}
	}
	return nil
}

// jsonWriter writes an object a line, or a list of them.
type jsonWriter struct {
	w    io.Writer
	list bool
	keys []string
	buf  []byte
	rows int
}

func (j *jsonWriter) Begin(s *vector.Schema) error {
	j.keys = JSONKeys(s)
	if j.list {
		j.buf = append(j.buf, '[')
	}
	return nil
}

// JSONKeys returns what stands before each value of a row in JSON; AppendRow takes it.
func JSONKeys(s *vector.Schema) []string {
	keys := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		before := byte(',')
		if i == 0 {
			before = '{'
		}
		keys[i] = string(appendKey([]byte{before}, f.Name))
	}
	return keys
}

// AppendRow appends row i of b as a JSON object without a newline.
func AppendRow(dst []byte, keys []string, b *vector.Batch, i int) []byte {
	if len(keys) == 0 {
		return append(dst, '{', '}')
	}
	for k, v := range b.Cols {
		dst = append(dst, keys[k]...)
		dst = vector.AppendJSON(dst, v, i)
	}
	return append(dst, '}')
}

func (j *jsonWriter) Write(b *vector.Batch) error {
	err := live(b, func(i int) error {
		if j.list && j.rows > 0 {
			j.buf = append(j.buf, ',')
		}
		if j.list {
			j.buf = append(j.buf, '\n')
		}
		j.buf = AppendRow(j.buf, j.keys, b, i)
		if !j.list {
			j.buf = append(j.buf, '\n')
		}
		j.rows++
		if len(j.buf) >= flushBytes {
			return j.flush()
		}
		return nil
	})
	if err != nil || j.list {
		return err
	}
	return j.flush()
}

func (j *jsonWriter) flush() error {
	if len(j.buf) == 0 {
		return nil
	}
	_, err := j.w.Write(j.buf)
	j.buf = j.buf[:0]
	return err
}

func (j *jsonWriter) End() error {
	if j.list {
		if j.rows > 0 {
			j.buf = append(j.buf, '\n')
		}
		j.buf = append(j.buf, ']', '\n')
	}
	return j.flush()
}

// csvWriter writes a header and fields as RFC 4180 quotes them, lines ending in a newline alone. A null is an empty
// field, the empty string is "".
type csvWriter struct {
	w     io.Writer
	delim byte
	buf   []byte
	text  []byte
}

func (c *csvWriter) Begin(s *vector.Schema) error {
	for i, f := range s.Fields {
		if i > 0 {
			c.buf = append(c.buf, c.delim)
		}
		c.buf = appendField(c.buf, []byte(f.Name), c.delim)
	}
	c.buf = append(c.buf, '\n')
	return c.flush()
}

func (c *csvWriter) Write(b *vector.Batch) error {
	err := live(b, func(i int) error {
		for k, v := range b.Cols {
			if k > 0 {
				c.buf = append(c.buf, c.delim)
			}
			switch {
			case v.Null(i):
				if len(b.Cols) == 1 {
					// A lone null would be an empty line, which is no record: the reader gives null for "" there too
					// unless the column is text.
					c.buf = append(c.buf, lone(v.Type)...)
				}
			case v.Type.Kind == vector.String:
				c.buf = appendField(c.buf, v.Bytes(i), c.delim)
			default:
				c.text = vector.AppendText(c.text[:0], v, i)
				if len(c.text) == 0 || bytes.IndexByte(c.text, c.delim) >= 0 || v.Kids != nil {
					c.buf = appendField(c.buf, c.text, c.delim)
					continue
				}
				c.buf = append(c.buf, c.text...)
			}
		}
		c.buf = append(c.buf, '\n')
		if len(c.buf) >= flushBytes {
			return c.flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.flush()
}

// lone is what stands for a null in a file of one column.
func lone(t vector.Type) string {
	if t.Phys() == vector.PhysStr {
		return ""
	}
	return `""`
}

func (c *csvWriter) flush() error {
	if len(c.buf) == 0 {
		return nil
	}
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

func (c *csvWriter) End() error { return c.flush() }

// appendField appends a text field, quoted where it has to be.
func appendField(dst, s []byte, delim byte) []byte {
	plain := len(s) > 0 && s[0] != ' ' && s[len(s)-1] != ' '
	for _, ch := range s {
		if ch == delim || ch == '"' || ch == '\n' || ch == '\r' {
			plain = false
			break
		}
	}
	if plain {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for _, ch := range s {
		if ch == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, ch)
	}
	return append(dst, '"')
}
