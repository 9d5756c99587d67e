// Package vector holds the columns that operators work on: types, vectors, batches.
package vector

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is the family of a type.
type Kind uint8

// The kinds.
const (
	Null Kind = iota // type of a bare NULL literal
	Boolean
	Int       // 32-bit range, kept in I64
	BigInt    // 64-bit
	Double    // IEEE 754 binary64
	Decimal   // exact, precision 1..38; unscaled value in I64 when Precision <= 18, else in I128
	String    // UTF-8
	Bytes     // raw
	Date      // days since the epoch, in I64
	Time      // ms of the day, in I64
	Timestamp // ms since the epoch UTC, in I64
	Interval  // ms, in I64
	Array
	Map
	Struct
)

// Type is an SQL type. Precision and Scale are set for Decimal only.
type Type struct {
	Kind      Kind
	Precision uint8
	Scale     uint8
	Elem      *Type   // Array: element; Map: value
	Key       *Type   // Map: key
	Fields    []Field // Struct
}

// Field is a named column of a schema or of a struct.
type Field struct {
	Name string
	Type Type
}

// Phys is how the values of a type lie in a Vector.
type Phys uint8

// The physical forms.
const (
	PhysNone   Phys = iota // Null: no values
	PhysBool               // Vector.Bool
	PhysI64                // Vector.I64
	PhysF64                // Vector.F64
	PhysI128               // Vector.I128
	PhysStr                // Vector.Codes, Vector.Offs, Vector.Data
	PhysNested             // Vector.Kids, Vector.Offs
)

// Phys returns the physical form of t.
func (t Type) Phys() Phys {
	switch t.Kind {
	case Null:
		return PhysNone
	case Boolean:
		return PhysBool
	case Double:
		return PhysF64
	case Decimal:
		if t.Precision > 18 {
			return PhysI128
		}
		return PhysI64
	case String, Bytes:
		return PhysStr
	case Array, Map, Struct:
		return PhysNested
	default:
		return PhysI64
	}
}

// Simple types by name.
var (
	TNull      = Type{Kind: Null}
	TBoolean   = Type{Kind: Boolean}
	TInt       = Type{Kind: Int}
	TBigInt    = Type{Kind: BigInt}
	TDouble    = Type{Kind: Double}
	TString    = Type{Kind: String}
	TBytes     = Type{Kind: Bytes}
	TDate      = Type{Kind: Date}
	TTime      = Type{Kind: Time}
	TTimestamp = Type{Kind: Timestamp}
	TInterval  = Type{Kind: Interval}
)

// Bounds of nested values: how deep a type may nest, and how many elements one value may have.
const (
	MaxDepth    = 8
	MaxElements = 1_000_000
)

// TArray returns ARRAY<elem>.
func TArray(elem Type) Type { return Type{Kind: Array, Elem: &elem} }

// TMap returns MAP<key, value>.
func TMap(key, value Type) Type { return Type{Kind: Map, Key: &key, Elem: &value} }

// TStruct returns STRUCT<fields>.
func TStruct(fields ...Field) Type { return Type{Kind: Struct, Fields: fields} }

// TDecimal returns DECIMAL(p, s).
func TDecimal(p, s uint8) Type { return Type{Kind: Decimal, Precision: p, Scale: s} }

var kindNames = [...]string{
	"NULL", "BOOLEAN", "INT", "BIGINT", "DOUBLE", "DECIMAL", "STRING", "BYTES", "DATE", "TIME",
	"TIMESTAMP", "INTERVAL", "ARRAY", "MAP", "STRUCT",
}

func (k Kind) String() string { return kindNames[k] }

// String returns the type as it is written in a statement.
func (t Type) String() string {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("DECIMAL(%d, %d)", t.Precision, t.Scale)
	case Array:
		return "ARRAY<" + t.Elem.String() + ">"
	case Map:
		return "MAP<" + t.Key.String() + ", " + t.Elem.String() + ">"
	case Struct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = f.Name + " " + f.Type.String()
		}
		return "STRUCT<" + strings.Join(parts, ", ") + ">"
	default:
		return t.Kind.String()
	}
}

// Equal reports whether two types are the same; the names of a struct's fields count, by their letters and case.
func (t Type) Equal(o Type) bool {
	if t.Kind != o.Kind {
		return false
	}
	switch t.Kind {
	case Decimal:
		return t.Precision == o.Precision && t.Scale == o.Scale
	case Array:
		return t.Elem.Equal(*o.Elem)
	case Map:
		return t.Key.Equal(*o.Key) && t.Elem.Equal(*o.Elem)
	case Struct:
		return slices.EqualFunc(t.Fields, o.Fields, func(a, b Field) bool {
			return a.Name == b.Name && a.Type.Equal(b.Type)
		})
	default:
		return true
	}
}

// Depth is how deep a type nests: 0 for a flat one, 1 for ARRAY<INT>.
func (t Type) Depth() int {
	deepest := -1
	for k := range t.Kids() {
		deepest = max(deepest, t.Kid(k).Depth())
	}
	return deepest + 1
}

// Kids is how many vectors lie below one of type t: the element of an ARRAY, key and value of a MAP, the fields of a
// STRUCT.
func (t Type) Kids() int {
	switch t.Kind {
	case Array:
		return 1
	case Map:
		return 2
	case Struct:
		return len(t.Fields)
	default:
		return 0
	}
}

// Kid returns the type of the k-th vector below one of type t.
func (t Type) Kid(k int) Type {
	switch {
	case t.Kind == Struct:
		return t.Fields[k].Type
	case t.Kind == Map && k == 0:
		return *t.Key
	default:
		return *t.Elem
	}
}

// Numeric reports whether arithmetic is defined on t.
func (t Type) Numeric() bool {
	return t.Kind == Int || t.Kind == BigInt || t.Kind == Double || t.Kind == Decimal
}
