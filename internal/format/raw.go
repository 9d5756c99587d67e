package format

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Raw makes one value of each message or, with lines, of each line.
type Raw struct {
	lines   bool
	col     int
	scratch []byte
}

// only is the one column of a schema that is none of keys; -1 where there is not one.
func only(s *vector.Schema, keys []string) int {
	found := -1
	for i, f := range s.Fields {
		if slices.Contains(keys, f.Name) {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}

// NewRaw returns a decoder for a schema of one STRING or BYTES column beside the keys.
func NewRaw(lines bool, s *vector.Schema, keys ...string) (*Raw, error) {
	col := only(s, keys)
	if col < 0 || s.Fields[col].Type.Phys() != vector.PhysStr {
		return nil, fmt.Errorf("format raw wants one column of STRING or BYTES")
	}
	return &Raw{lines: lines, col: col}, nil
}

// Start implements Decoder.
func (d *Raw) Start() {}

// Decode implements Decoder.
func (d *Raw) Decode(data []byte, final bool, b *Builder) int {
	p := 0
	for p < len(data) && !b.Full() {
		end, next := len(data), len(data)
		if d.lines {
			if k := bytes.IndexByte(data[p:], '\n'); k >= 0 {
				end, next = p+k, p+k+1
			} else if !final {
				break
			}
			if end > p && data[end-1] == '\r' {
				end--
			}
		}
		b.begin()
		d.value(b, data[p:end])
		b.commit(data[p:end])
		b.Line += bytes.Count(data[p:next], newline)
		p = next
	}
	return p
}

func (d *Raw) value(b *Builder, s []byte) {
	c := &b.cols[d.col]
	if c.typ.Kind == vector.String && !utf8.Valid(s) {
		d.scratch = appendValid(d.scratch[:0], s)
		s = d.scratch
	}
	b.bytesValue(c, s)
}

// Bare decodes one value a message as Kafka's serializers write it: text, bytes, or a number of 4 or 8 bytes, high byte
// first.
type Bare struct{ raw Raw }

// NewBare returns a decoder for a schema of one column beside the keys.
func NewBare(s *vector.Schema, keys ...string) (*Bare, error) {
	col := only(s, keys)
	if col < 0 {
		return nil, fmt.Errorf("format kafka wants one column, the schema has %d", len(s.Fields))
	}
	switch t := s.Fields[col].Type; t.Kind {
	case vector.String, vector.Bytes, vector.Int, vector.BigInt, vector.Double:
		return &Bare{raw: Raw{col: col}}, nil
	default:
		return nil, fmt.Errorf("format kafka: %s is not supported; want STRING, BYTES, INT, BIGINT or DOUBLE", t)
	}
}

// Start implements Decoder.
func (d *Bare) Start() {}

// Decode implements Decoder.
func (d *Bare) Decode(data []byte, _ bool, b *Builder) int {
	if b.Full() || len(data) == 0 {
		return 0
	}
	b.begin()
	c := &b.cols[d.raw.col]
	switch k := c.typ.Kind; {
	case k == vector.String || k == vector.Bytes:
		d.raw.value(b, data)
	case k == vector.Int && len(data) == 4:
		b.int64(c, int64(int32(binary.BigEndian.Uint32(data))))
	case k == vector.BigInt && len(data) == 8:
		b.int64(c, int64(binary.BigEndian.Uint64(data)))
	case k == vector.Double && len(data) == 8:
		b.float64(c, math.Float64frombits(binary.BigEndian.Uint64(data)))
	default:
		b.refuse(CodeValue, c.name, fmt.Sprintf("%d bytes are not %s", len(data), c.typ))
	}
	b.commit(data)
	return len(data)
}

// noneDecoder makes a row without columns of each message.
type noneDecoder struct{}

func (noneDecoder) Start() {}

func (noneDecoder) Decode(data []byte, _ bool, b *Builder) int {
	if b.Full() || len(data) == 0 {
		return 0
	}
	b.begin()
	b.commit(data)
	return len(data)
}
