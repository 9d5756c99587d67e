package vector

import (
	"fmt"
	"unsafe"

	"github.com/leatsql/leat/pkg/messages"
)

// Specs returns the columns of s as the wire names them. Nested types have no form on the wire yet.
func Specs(s *Schema) []messages.ColumnSpec {
	specs := make([]messages.ColumnSpec, len(s.Fields))
	for i, f := range s.Fields {
		specs[i] = messages.ColumnSpec{Name: f.Name, Type: wireType(f.Type)}
	}
	return specs
}

// SchemaOf returns the schema that specs name.
func SchemaOf(specs []messages.ColumnSpec) (*Schema, error) {
	s := &Schema{Fields: make([]Field, len(specs))}
	for i, c := range specs {
		t, ok := typeOf(c.Type)
		if !ok {
			return nil, fmt.Errorf("column %q has a type unknown here: %s", c.Name, c.Type.String())
		}
		s.Fields[i] = Field{Name: c.Name, Type: t}
	}
	return s, nil
}

// SchemaID returns the id of s on the wire.
func SchemaID(s *Schema) uint64 { return messages.SchemaID(Specs(s)) }

func wireType(t Type) messages.ColumnType {
	return messages.ColumnType{Kind: t.Kind.String(), Precision: t.Precision, Scale: t.Scale}
}

func typeOf(t messages.ColumnType) (Type, bool) {
	for k := Boolean; k <= Interval; k++ {
		if kindNames[k] == t.Kind {
			return Type{Kind: k, Precision: t.Precision, Scale: t.Scale}, true
		}
	}
	return Type{}, false
}

// ToColumns puts the selected rows of b into dst, for the encoder. Without a Sel the slices are shared with b; with one
// the rows are gathered. A column of the type NULL goes out as a STRING without values.
func ToColumns(b *Batch, dst *messages.Columns) {
	b = Compact(b)
	dst.Rows = b.Rows
	if len(dst.Specs) != len(b.Cols) {
		dst.Specs, dst.Cols = make([]messages.ColumnSpec, len(b.Cols)), make([]messages.Column, len(b.Cols))
	}
	for i, v := range b.Cols {
		if v.Type.Kind == Null {
			v = nullStrings(b.Rows)
		}
		dst.Specs[i] = messages.ColumnSpec{Name: b.Schema.Fields[i].Name, Type: wireType(v.Type)}
		dst.Cols[i] = messages.Column{
			Type: dst.Specs[i].Type, Valid: v.Valid, Bool: v.Bool, I64: v.I64, F64: v.F64,
			I128:  cast[messages.Int128](v.I128),
			Codes: v.Codes, Offs: v.Offs, Data: v.Data,
		}
	}
	dst.Ops, dst.Time, dst.Clock = cast[byte](b.Ops), b.Time, b.Clock
}

func nullStrings(rows int) *Vector {
	return &Vector{
		Type: TString, Len: rows, Valid: make([]uint64, Words(rows)),
		Codes: make([]uint32, rows), Offs: []uint32{0, 0},
	}
}

// FromColumns makes into the rows of c, sharing its slices. schema says what is expected: another number of columns, or
// another type, is an error; names are schema's. Only Schema, Rows, Cols, Sel, Ops, Time and Clock are set: watermark and
// origin are the caller's.
func FromColumns(c *messages.Columns, schema *Schema, into *Batch) error {
	if len(c.Cols) != len(schema.Fields) {
		return fmt.Errorf("message has %d columns, the schema %d", len(c.Cols), len(schema.Fields))
	}
	into.Schema, into.Rows, into.Sel = schema, c.Rows, nil
	into.Ops, into.Time, into.Clock = cast[Op](c.Ops), c.Time, c.Clock
	vectors := make([]Vector, len(c.Cols))
	if len(into.Cols) != len(c.Cols) {
		into.Cols = make([]*Vector, len(c.Cols))
	}
	for i := range c.Cols {
		col, f := &c.Cols[i], &schema.Fields[i]
		if col.Type != wireType(f.Type) {
			return fmt.Errorf("column %q is %s in the message, %s in the schema", f.Name, col.Type.String(), f.Type)
		}
		vectors[i] = Vector{
			Type: f.Type, Len: c.Rows, Valid: col.Valid, Bool: col.Bool, I64: col.I64, F64: col.F64,
			I128:  cast[Int128](col.I128),
			Codes: col.Codes, Offs: col.Offs, Data: col.Data,
		}
		into.Cols[i] = &vectors[i]
	}
	return nil
}

// cast views a slice as one of another type of the same layout: Op is a byte, and both Int128 are two words.
func cast[To, From any](s []From) []To {
	if s == nil {
		return nil
	}
	return unsafe.Slice((*To)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}
