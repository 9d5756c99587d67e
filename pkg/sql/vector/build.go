package vector

import (
	"fmt"
	"slices"
)

// Nested values are built from the inside out: append the elements of a row to the kids (AppendFrom, AppendNull, or
// the slices themselves and SetLen), then Close the row. For one row of ARRAY<BIGINT>:
//
//	AppendFrom(v.Kids[0], elements, 3)
//	AppendNull(v.Kids[0])
//	Close(v) // [elements[3], null]

// AppendFrom appends row i of src to dst, which is the caller's own and of the same type.
func AppendFrom(dst, src *Vector, i int) {
	if src.Null(i) || src.Type.Phys() == PhysNone {
		AppendNull(dst)
		return
	}
	switch src.Type.Phys() {
	case PhysBool:
		dst.Bool = append(dst.Bool, src.Bool[i])
	case PhysF64:
		dst.F64 = append(dst.F64, src.F64[i])
	case PhysI128:
		dst.I128 = append(dst.I128, src.I128[i])
	case PhysStr:
		AppendBytes(dst, src.Bytes(i))
		return
	case PhysNested:
		appendElements(dst, src, i)
	default:
		dst.I64 = append(dst.I64, src.I64[i])
	}
	SetLen(dst, dst.Len+1)
}

// appendElements appends the kids of row i of src to those of dst.
func appendElements(dst, src *Vector, i int) {
	from, to := i, i+1
	if src.Type.Kind != Struct {
		from, to = src.Elements(i)
		dst.Offs = append(dst.Offs, dst.Offs[len(dst.Offs)-1]+uint32(to-from))
	}
	for k, kid := range src.Kids {
		for e := from; e < to; e++ {
			AppendFrom(dst.Kids[k], kid, e)
		}
	}
}

// AppendBytes appends a value to a STRING or BYTES vector.
func AppendBytes(dst *Vector, s []byte) {
	dst.Data = append(dst.Data, s...)
	if len(dst.Offs) == 0 {
		dst.Offs = append(dst.Offs, 0)
	}
	dst.Offs = append(dst.Offs, uint32(len(dst.Data)))
	if dst.Codes != nil {
		dst.Codes = append(dst.Codes, uint32(len(dst.Offs)-2))
	}
	SetLen(dst, dst.Len+1)
}

// Close ends a row of a nested vector that is not null: what was appended to the kids since the last row is its value.
// The entries of a MAP are put in order; of equal keys the last one stays, and an entry with a null key is dropped.
func Close(v *Vector) {
	if v.Type.Kind == Map {
		sortEntries(v)
	}
	if v.Type.Kind != Struct {
		v.Offs = append(v.Offs, uint32(v.Kids[0].Len))
	}
	SetLen(v, v.Len+1)
}

// sortEntries orders the entries at the end of a MAP that belong to no row yet.
func sortEntries(v *Vector) {
	keys, from := v.Kids[0], int(v.Offs[len(v.Offs)-1])
	inOrder := true
	for e := from; e < keys.Len && inOrder; e++ {
		inOrder = !keys.Null(e) && (e == from || Compare(keys, e-1, keys, e) < 0)
	}
	if inOrder {
		return
	}
	order := make([]uint32, 0, keys.Len-from)
	for e := from; e < keys.Len; e++ {
		if !keys.Null(e) {
			order = append(order, uint32(e))
		}
	}
	slices.SortStableFunc(order, func(a, b uint32) int { return Compare(keys, int(a), keys, int(b)) })
	n := 0
	for k, e := range order {
		if k+1 < len(order) && Compare(keys, int(e), keys, int(order[k+1])) == 0 {
			continue
		}
		order[n] = e
		n++
	}
	for _, kid := range v.Kids {
		rows := NewVector(kid.Type, n)
		for _, e := range order[:n] {
			AppendFrom(rows, kid, int(e))
		}
		Truncate(kid, from)
		Append(kid, rows, nil)
	}
}

// Order puts the entries of the rows of a MAP in order, as Close does, where its maker did not; other vectors stay as
// they are.
func Order(v *Vector) {
	if v.Type.Kind == Map && !inOrder(v) {
		*v = *reorder(v)
	}
}

// inOrder reports whether the entries of all rows of a MAP ascend by key.
func inOrder(v *Vector) bool {
	keys := v.Kids[0]
	for i := range v.Len {
		from, to := v.Elements(i)
		for e := from; e < to; e++ {
			if keys.Null(e) || e > from && Compare(keys, e-1, keys, e) >= 0 {
				return false
			}
		}
	}
	return true
}

// reorder returns a MAP with the entries of its rows in order.
func reorder(v *Vector) *Vector {
	out := NewVector(v.Type, v.Len)
	for i := range v.Len {
		if v.Null(i) {
			AppendNull(out)
			continue
		}
		from, to := v.Elements(i)
		for k, kid := range v.Kids {
			for e := from; e < to; e++ {
				AppendFrom(out.Kids[k], kid, e)
			}
		}
		Close(out)
	}
	return out
}

// AppendAny appends a value as Value gives it; a value of another type is an error and appends nothing.
func AppendAny(v *Vector, x any) error {
	before := v.Len
	if x == nil {
		AppendNull(v)
		return nil
	}
	ok := true
	switch v.Type.Phys() {
	case PhysBool:
		var b bool
		b, ok = x.(bool)
		v.Bool = append(v.Bool, b)
	case PhysF64:
		var f float64
		f, ok = x.(float64)
		v.F64 = append(v.F64, f)
	case PhysStr:
		return appendText(v, x)
	case PhysNested:
		return appendAnyNested(v, x)
	case PhysI128:
		var d Int128
		d, ok = x.(Int128)
		v.I128 = append(v.I128, d)
	case PhysI64:
		var n int64
		n, ok = int64Of(v.Type, x)
		v.I64 = append(v.I64, n)
	case PhysNone:
		return mismatch(v, x)
	}
	SetLen(v, before+1)
	if !ok {
		Truncate(v, before)
		return mismatch(v, x)
	}
	return nil
}

func mismatch(v *Vector, x any) error { return fmt.Errorf("%T is no value of %s", x, v.Type) }

func int64Of(t Type, x any) (int64, bool) {
	if t.Kind == Decimal {
		d, ok := x.(Int128)
		n, fits := d.Int64()
		return n, ok && fits
	}
	n, ok := x.(int64)
	return n, ok
}

func appendText(v *Vector, x any) error {
	switch s := x.(type) {
	case string:
		AppendBytes(v, []byte(s))
	case []byte:
		AppendBytes(v, s)
	default:
		return mismatch(v, x)
	}
	return nil
}

func appendAnyNested(v *Vector, x any) error {
	marks := make([]int, len(v.Kids))
	for k, kid := range v.Kids {
		marks[k] = kid.Len
	}
	if err := appendKids(v, x); err != nil {
		for k, kid := range v.Kids {
			Truncate(kid, marks[k])
		}
		return err
	}
	Close(v)
	return nil
}

func appendKids(v *Vector, x any) error {
	switch list := x.(type) {
	case []any:
		if v.Type.Kind == Map || v.Type.Kind == Struct && len(list) != len(v.Kids) {
			return mismatch(v, x)
		}
		for k, e := range list {
			kid := v.Kids[0]
			if v.Type.Kind == Struct {
				kid = v.Kids[k]
			}
			if err := AppendAny(kid, e); err != nil {
				return err
			}
		}
	case []Entry:
		if v.Type.Kind != Map {
			return mismatch(v, x)
		}
		for _, e := range list {
			if err := AppendAny(v.Kids[0], e.Key); err != nil {
				return err
			}
			if err := AppendAny(v.Kids[1], e.Val); err != nil {
				return err
			}
		}
	default:
		return mismatch(v, x)
	}
	return nil
}

// nestedValue is Value of a nested type.
func nestedValue(v *Vector, i int) any {
	if v.Type.Kind == Struct {
		out := make([]any, len(v.Kids))
		for k, kid := range v.Kids {
			out[k] = kid.Value(i)
		}
		return out
	}
	from, to := v.Elements(i)
	if v.Type.Kind == Map {
		out := make([]Entry, 0, to-from)
		for e := from; e < to; e++ {
			out = append(out, Entry{v.Kids[0].Value(e), v.Kids[1].Value(e)})
		}
		return out
	}
	out := make([]any, 0, to-from)
	for e := from; e < to; e++ {
		out = append(out, v.Kids[0].Value(e))
	}
	return out
}
