package conform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// layout splits the columns of an object into those of its key and those of its value.
type layout struct {
	o          *plan.Object
	schema     *vector.Schema
	keys       []int
	values     []int
	start, end int // bounds of the window, or -1
}

func layoutOf(o *plan.Object) *layout {
	l := &layout{o: o, schema: o.Schema()}
	l.start, l.end = o.Bounds()
	for i := range o.Columns {
		switch {
		case i == l.start, i == l.end:
		case slices.Contains(o.Key, i):
		case isHeader(o, i):
		default:
			l.values = append(l.values, i)
		}
	}
	for _, k := range o.Key {
		if k != l.start && k != l.end {
			l.keys = append(l.keys, k)
		}
	}
	return l
}

func (l *layout) part(cols []int) *vector.Schema {
	s := &vector.Schema{Fields: make([]vector.Field, len(cols))}
	for i, c := range cols {
		s.Fields[i] = l.schema.Fields[c]
	}
	return s
}

// appendTime is when the broker took every record, which UNIX_TIMESTAMP() and its like read.
const appendTime = 1_700_000_000_000

// decode makes a batch of one row of a record; nil where the record is no row of the object.
func (l *layout) decode(r *Record) (*vector.Batch, error) {
	keys, err := l.decodeKey(r)
	if err != nil {
		return nil, err
	}
	table := l.o.Kind == ast.Table
	if table && nullKey(keys) {
		return nil, nil //nolint:nilnil // dropped: a table has no row without a key
	}
	out := &vector.Batch{
		Schema: l.schema, Rows: 1, Time: []int64{r.Timestamp}, Watermark: vector.NoTime, AppendTime: appendTime,
		Cols: make([]*vector.Vector, len(l.schema.Fields)),
	}
	if r.Value == nil && len(l.values) > 0 {
		out.Ops = []vector.Op{vector.Delete}
	} else {
		values, err := l.decodePart(l.values, l.o.Encoding.Value, l.o.Encoding.ValueDelimiter, r.value(), r.Timestamp)
		if err != nil {
			return nil, err
		}
		for i, c := range l.values {
			out.Cols[c] = values.Cols[i]
		}
		if values.Rows > 0 && l.timeIn(l.values) {
			out.Time = values.Time
		}
	}
	if keys != nil {
		for i, c := range l.keys {
			out.Cols[c] = keys.Cols[i]
		}
		if l.timeIn(l.keys) {
			out.Time = keys.Time
		}
	}
	return out, l.fill(out, r)
}

// fill sets the columns that stand in neither key nor value.
func (l *layout) fill(out *vector.Batch, r *Record) error {
	if l.start >= 0 && r.Window == nil && l.o.Windowed {
		return fmt.Errorf("the record has no window")
	}
	for i := range out.Cols {
		if out.Cols[i] != nil {
			continue
		}
		t := l.schema.Fields[i].Type
		v := headerColumn(l.o, i, r)
		switch {
		case v != nil:
		case i == l.start:
			v = &vector.Vector{Type: t, Len: 1, I64: []int64{r.Window.Start}}
		case i == l.end:
			v = &vector.Vector{Type: t, Len: 1, I64: []int64{l.windowEnd(r)}}
		default:
			v = nullVector(t)
		}
		out.Cols[i] = v
	}
	return nil
}

// windowEnd is the end of the window of a record: of a known size, or as given.
func (l *layout) windowEnd(r *Record) int64 {
	if l.o.WindowMs > 0 && l.o.WindowType != "SESSION" {
		return r.Window.Start + l.o.WindowMs
	}
	return r.Window.End
}

func (l *layout) timeIn(cols []int) bool {
	return slices.ContainsFunc(cols, func(c int) bool { return l.o.Columns[c].Name == l.o.EventTime })
}

func nullKey(keys *vector.Batch) bool {
	if keys == nil {
		return true
	}
	for _, v := range keys.Cols {
		if !v.Null(0) {
			return false
		}
	}
	return true
}

func (l *layout) decodeKey(r *Record) (*vector.Batch, error) {
	if len(l.keys) == 0 || r.Key == nil {
		return nil, nil //nolint:nilnil // no key is no error
	}
	key := r.Key
	enc := l.o.Encoding.Key
	if enc == "json" && len(l.keys) == 1 {
		enc = "kafka"
	}
	return l.decodePart(l.keys, enc, l.o.Encoding.KeyDelimiter, key, r.Timestamp)
}

// decodePart reads the text of a value or key with the decoder of its format.
func (l *layout) decodePart(cols []int, enc, delimiter string, v any, now int64) (*vector.Batch, error) {
	if len(cols) == 0 {
		return &vector.Batch{}, nil
	}
	schema := l.part(cols)
	opt := format.Options{}
	if l.timeIn(cols) {
		opt.EventTime, opt.EventTimeFormat = l.o.EventTime, l.o.EventTimeFormat
	}
	b, err := format.NewBuilder(schema, opt)
	if err != nil {
		return nil, fmt.Errorf("read a record: %w", err)
	}
	b.Now = now
	var text []byte
	if enc == "kafka" { // one bare value
		enc = "json"
		v = map[string]any{schema.Fields[0].Name: v}
	}
	if s, ok := v.(string); ok && enc == "csv" {
		text = []byte(s)
	} else if raw, ok := v.(json.RawMessage); ok {
		text = raw
	} else if text, err = json.Marshal(plain(v)); err != nil {
		return nil, fmt.Errorf("write a record: %w", err)
	}
	d, err := format.New(format.Config{Format: enc, Delimiter: delimiter, Header: "false"}, schema)
	if err != nil {
		return nil, fmt.Errorf("read a record: %w", err)
	}
	d.Start()
	d.Decode(text, true, b)
	if bad := b.TakeBad(); len(bad) > 0 {
		return nil, fmt.Errorf("a record is refused: %s [%s]", bad[0].Reason, bad[0].Code)
	}
	out := b.Take()
	if out == nil || out.Rows != 1 {
		return nil, fmt.Errorf("%q is not one record of format %s", text, enc)
	}
	return out, nil
}

// value is the value as it was written, where that is an object in JSON; else its tree.
func (r *Record) value() any {
	if _, ok := r.Value.(map[string]any); ok && len(r.Text) > 0 {
		return r.Text
	}
	return r.Value
}

// encode makes the record of row i as a sink of the object writes it.
func (l *layout) encode(b *vector.Batch, i int) Record {
	r := Record{Topic: l.o.External, Timestamp: b.Time[i], Timed: true}
	if r.Topic == "" {
		r.Topic = l.o.Name
	}
	e := l.o.Encoding
	if len(l.keys) > 0 && e.Key != "none" {
		r.Key = l.encodePart(b, i, part{l.keys, e.Key, e.KeyDelimiter, true})
	}
	if b.Op(i) != vector.Delete {
		r.Value = l.encodePart(b, i, part{l.values, e.Value, e.ValueDelimiter, false})
	}
	if l.start >= 0 && l.end >= 0 {
		r.Window = &Window{Start: b.Cols[l.start].I64[i], End: b.Cols[l.end].I64[i], Type: "time"}
		if l.o.WindowType == "SESSION" {
			r.Window.Type = "session"
		}
	}
	return r
}

// part is the key or the value of a record: its columns and how they are written.
type part struct {
	cols           []int
	enc, delimiter string
	key            bool
}

func (l *layout) encodePart(b *vector.Batch, i int, p part) any {
	switch {
	case p.enc == "none":
		return nil
	case p.enc == "csv" && p.key && len(p.cols) == 1 && b.Cols[p.cols[0]].Null(i):
		return nil
	case p.enc == "csv":
		return delimited(b, i, p.cols, p.delimiter)
	case p.enc == "kafka" && len(p.cols) == 1, p.key && len(p.cols) == 1:
		return tree(b.Cols[p.cols[0]], i)
	}
	out := map[string]any{}
	for _, c := range p.cols {
		out[l.schema.Fields[c].Name] = tree(b.Cols[c], i)
	}
	return out
}

// delimited writes the columns as one line of CSV.
func delimited(b *vector.Batch, i int, cols []int, delimiter string) any {
	if delimiter == "" {
		delimiter = ","
	}
	var line bytes.Buffer
	for k, c := range cols {
		if k > 0 {
			line.WriteString(delimiter)
		}
		v := b.Cols[c]
		if v.Type.Phys() == vector.PhysNone || v.Null(i) {
			continue
		}
		text := fmt.Sprint(plain(tree(v, i)))
		if strings.ContainsAny(text, delimiter+"\"\r\n") {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		line.WriteString(text)
	}
	return line.String()
}
