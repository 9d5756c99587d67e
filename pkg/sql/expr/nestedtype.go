package expr

import (
	"fmt"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// widenNested returns the type that values of two nested types widen to: element by element; a STRUCT gets the fields
// of both, in the order in which they come. The items of a literal collection are literals for what stands beside them.
func widenNested(t vector.Type, o Operand) (vector.Type, error) {
	u := o.T
	if t.Kind != u.Kind {
		return t, fmt.Errorf("%s and %s have no common type", t, u)
	}
	switch t.Kind {
	case vector.Array:
		elem, err := beside(*t.Elem, *u.Elem, o.parts)
		return vector.TArray(elem), err
	case vector.Map:
		var keys, values []Operand
		for i := 0; i+1 < len(o.parts); i += 2 {
			keys, values = append(keys, o.parts[i]), append(values, o.parts[i+1])
		}
		key, err := beside(*t.Key, *u.Key, keys)
		if err != nil {
			return t, err
		}
		value, err := beside(*t.Elem, *u.Elem, values)
		return vector.TMap(key, value), err
	default:
		return unionFields(t, o)
	}
}

// beside is the common type of t and of the items of a literal, or of u where there is no literal.
func beside(t, u vector.Type, items []Operand) (vector.Type, error) {
	if items == nil {
		items = []Operand{{T: u}}
	}
	return commonType(append([]Operand{{T: t}}, items...))
}

func unionFields(t vector.Type, o Operand) (vector.Type, error) {
	out := vector.TStruct(slices.Clone(t.Fields)...)
	for i, f := range o.T.Fields {
		k := fieldNamed(out, f.Name)
		if k < 0 {
			out.Fields = append(out.Fields, f)
			continue
		}
		item := Operand{T: f.Type}
		if o.parts != nil {
			item = o.parts[i]
		}
		both, err := commonType([]Operand{{T: out.Fields[k].Type}, item})
		if err != nil {
			return t, fmt.Errorf("field %s: %w", f.Name, err)
		}
		out.Fields[k].Type = both
	}
	return out, nil
}

// fieldNamed returns the field of a STRUCT with exactly this name, or -1.
func fieldNamed(t vector.Type, name string) int {
	return slices.IndexFunc(t.Fields, func(f vector.Field) bool { return f.Name == name })
}

// castable reports whether a CAST leads from one type to another.
func (p Profile) castable(from, to vector.Type) bool {
	if from.Kind == vector.Null || from.Equal(to) {
		return true
	}
	if from.Phys() != vector.PhysNested {
		_, ok := p.castKernel(from, to)
		return ok && to.Phys() != vector.PhysNested
	}
	if to.Kind == vector.String {
		return true
	}
	if from.Kind != to.Kind {
		return false
	}
	switch from.Kind {
	case vector.Array:
		return p.castable(*from.Elem, *to.Elem)
	case vector.Map:
		return p.castable(*from.Key, *to.Key) && p.castable(*from.Elem, *to.Elem)
	default:
		for _, f := range to.Fields {
			if k := fieldNamed(from, f.Name); k >= 0 && !p.castable(from.Fields[k].Type, f.Type) {
				return false
			}
		}
		return true
	}
}

// holdsNull reports whether a type has a part of which nothing is known: ARRAY[] is an ARRAY<NULL>.
func holdsNull(t vector.Type) bool {
	if t.Kind == vector.Null {
		return true
	}
	for k := range t.Kids() {
		if holdsNull(t.Kid(k)) {
			return true
		}
	}
	return false
}

// settled is the type with STRING for parts of which nothing is known.
func settled(t vector.Type) vector.Type {
	switch t.Kind {
	case vector.Null:
		return vector.TString
	case vector.Array:
		return vector.TArray(settled(*t.Elem))
	case vector.Map:
		return vector.TMap(settled(*t.Key), settled(*t.Elem))
	case vector.Struct:
		out := vector.TStruct(slices.Clone(t.Fields)...)
		for i := range out.Fields {
			out.Fields[i].Type = settled(out.Fields[i].Type)
		}
		return out
	default:
		return t
	}
}

// Settle gives a result a type that a column may have: the elements of an empty ARRAY become STRINGs. x itself where
// its type is known; a bare NULL stays what it is.
func Settle(x Expr) Expr {
	t := x.Type()
	if t.Phys() != vector.PhysNested || !holdsNull(t) {
		return x
	}
	return &Cast{X: x, T: settled(t), At: x.Span()}
}
