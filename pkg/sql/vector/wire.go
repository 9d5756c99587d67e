package vector

import (
	"fmt"
	"unsafe"

	"github.com/leatsql/leat/pkg/messages"
)

// Specs returns the columns of s as the wire names them.
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
	w := messages.ColumnType{Kind: t.Kind.String(), Precision: t.Precision, Scale: t.Scale}
	switch t.Kind {
	case Array, Map:
		elem := wireInside(*t.Elem)
		w.Elem = &elem
		if t.Kind == Map {
			key := wireInside(*t.Key)
			w.Key = &key
		}
	case Struct:
		w.Fields = make([]messages.ColumnSpec, len(t.Fields))
		for i, f := range t.Fields {
			w.Fields[i] = messages.ColumnSpec{Name: f.Name, Type: wireInside(f.Type)}
		}
	default:
	}
	return w
}

// wireInside is wireType inside a nested type, where NULL, which the wire does not know, goes out as STRING.
func wireInside(t Type) messages.ColumnType {
	if t.Kind == Null {
		t = TString
	}
	return wireType(t)
}

func typeOf(t messages.ColumnType) (Type, bool) {
	for k := Boolean; k <= Struct; k++ {
		if kindNames[k] == t.Kind {
			out := Type{Kind: k, Precision: t.Precision, Scale: t.Scale}
			return out, nestedTypeOf(&out, &t)
		}
	}
	return Type{}, false
}

// nestedTypeOf sets what lies below a nested type.
func nestedTypeOf(out *Type, t *messages.ColumnType) bool {
	for _, below := range [...]struct {
		from *messages.ColumnType
		to   **Type
	}{{t.Elem, &out.Elem}, {t.Key, &out.Key}} {
		if below.from == nil {
			continue
		}
		kid, ok := typeOf(*below.from)
		if !ok {
			return false
		}
		*below.to = &kid
	}
	for _, f := range t.Fields {
		kid, ok := typeOf(f.Type)
		if !ok {
			return false
		}
		out.Fields = append(out.Fields, Field{Name: f.Name, Type: kid})
	}
	return true
}

// onWire reports whether t is w on the wire.
func onWire(t *Type, w *messages.ColumnType) bool {
	if kindNames[t.Kind] != w.Kind || t.Precision != w.Precision || t.Scale != w.Scale ||
		len(t.Fields) != len(w.Fields) {
		return false
	}
	switch t.Kind {
	case Array:
		return onWireInside(t.Elem, w.Elem)
	case Map:
		return onWireInside(t.Key, w.Key) && onWireInside(t.Elem, w.Elem)
	case Struct:
		for i := range t.Fields {
			if t.Fields[i].Name != w.Fields[i].Name || !onWireInside(&t.Fields[i].Type, &w.Fields[i].Type) {
				return false
			}
		}
	default:
	}
	return true
}

func onWireInside(t *Type, w *messages.ColumnType) bool {
	return onWire(t, w) || t.Kind == Null && w.Kind == kindNames[String]
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
		if v.Type.Phys() == PhysNested && !fromStart(v) {
			v = Gather(v, allRows(v.Len))
		}
		dst.Cols[i] = toColumn(v, dst.Specs[i].Type)
	}
	dst.Ops, dst.Time, dst.Clock = cast[byte](b.Ops), b.Time, b.Clock
}

func toColumn(v *Vector, t messages.ColumnType) messages.Column {
	if v.Type.Kind == Null {
		v = nullStrings(v.Len)
	}
	c := messages.Column{
		Type: t, Valid: v.Valid, Bool: v.Bool, I64: v.I64, F64: v.F64,
		I128:  cast[messages.Int128](v.I128),
		Codes: v.Codes, Offs: v.Offs, Data: v.Data,
	}
	if len(v.Kids) > 0 {
		c.Kids = make([]messages.Column, len(v.Kids))
		for k, kid := range v.Kids {
			c.Kids[k] = toColumn(kid, wireInside(kid.Type))
		}
	}
	return c
}

// fromStart reports whether the lists in v begin with the first element, as the wire wants them.
func fromStart(v *Vector) bool {
	if v.Type.Kind != Struct && v.Type.Phys() == PhysNested && v.Offs[0] != 0 {
		return false
	}
	for _, k := range v.Kids {
		if !fromStart(k) {
			return false
		}
	}
	return true
}

func allRows(n int) []uint32 {
	sel := make([]uint32, n)
	for i := range sel {
		sel[i] = uint32(i)
	}
	return sel
}

func nullStrings(rows int) *Vector {
	return &Vector{
		Type: TString, Len: rows, Valid: make([]uint64, Words(rows)),
		Codes: make([]uint32, rows), Offs: []uint32{0, 0},
	}
}

// FromColumns makes into the rows of c, sharing its slices. schema says what is expected: another type is an error;
// names are schema's. Columns are only ever added behind the others: those that c lacks are null, those that schema
// lacks are left out. Only Schema, Rows, Cols, Sel, Ops, Time and Clock are set: watermark and origin are the caller's.
func FromColumns(c *messages.Columns, schema *Schema, into *Batch) error {
	into.Schema, into.Rows, into.Sel = schema, c.Rows, nil
	into.Ops, into.Time, into.Clock = cast[Op](c.Ops), c.Time, c.Clock
	n := len(schema.Fields)
	vectors := make([]Vector, n)
	if len(into.Cols) != n {
		into.Cols = make([]*Vector, n)
	}
	for i := range n {
		f := &schema.Fields[i]
		if i >= len(c.Cols) {
			into.Cols[i] = nulls(f.Type, c.Rows)
			continue
		}
		col := &c.Cols[i]
		if !onWire(&f.Type, &col.Type) {
			return fmt.Errorf("column %q is %s in the message, %s in the schema", f.Name, col.Type.String(), f.Type)
		}
		vectors[i] = Vector{
			Type: f.Type, Len: c.Rows, Valid: col.Valid, Bool: col.Bool, I64: col.I64, F64: col.F64,
			I128:  cast[Int128](col.I128),
			Codes: col.Codes, Offs: col.Offs, Data: col.Data,
		}
		if f.Type.Phys() == PhysNested {
			fillKids(&vectors[i], col)
		}
		into.Cols[i] = &vectors[i]
	}
	return nil
}

// nulls is a column without values.
func nulls(t Type, rows int) *Vector {
	v := NewVector(t, rows)
	for range rows {
		AppendNull(v)
	}
	return v
}

// fillKids makes the vectors below one, sharing the slices of c.
func fillKids(v *Vector, c *messages.Column) {
	rows := v.Len
	if v.Type.Kind == Struct {
		v.Offs = nil
	} else {
		rows = int(v.Offs[v.Len])
	}
	v.Kids = make([]*Vector, v.Type.Kids())
	for k := range v.Kids {
		col, t := &c.Kids[k], v.Type.Kid(k)
		if t.Kind == Null {
			v.Kids[k] = &Vector{Type: t, Len: rows, Valid: make([]uint64, Words(rows))}
			continue
		}
		v.Kids[k] = &Vector{
			Type: t, Len: rows, Valid: col.Valid, Bool: col.Bool, I64: col.I64, F64: col.F64,
			I128:  cast[Int128](col.I128),
			Codes: col.Codes, Offs: col.Offs, Data: col.Data,
		}
		if t.Phys() == PhysNested {
			fillKids(v.Kids[k], col)
		}
	}
	Order(v)
}

// cast views a slice as one of another type of the same layout: Op is a byte, and both Int128 are two words.
func cast[To, From any](s []From) []To {
	if s == nil {
		return nil
	}
	return unsafe.Slice((*To)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}
