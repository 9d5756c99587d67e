package expr

import (
	"bytes"
	"cmp"
	"fmt"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Bounds of nested values.
const (
	maxNesting  = 8
	maxElements = 1_000_000
)

// newVector returns an empty vector of any type, whose strings are flat.
func newVector(t vector.Type) *vector.Vector {
	if t.Phys() != vector.PhysNested {
		return vector.NewVector(t, 0)
	}
	v := &vector.Vector{Type: t}
	resetNested(v)
	return v
}

// resetNested empties a nested vector that its caller owns, and keeps its memory.
func resetNested(v *vector.Vector) {
	v.Len, v.Valid = 0, nil
	kids := kidTypes(v.Type)
	if len(v.Kids) != len(kids) {
		v.Kids = make([]*vector.Vector, len(kids))
	}
	for i, t := range kids {
		switch {
		case v.Kids[i] == nil:
			v.Kids[i] = newVector(t)
		case t.Phys() == vector.PhysNested:
			resetNested(v.Kids[i])
		default:
			vector.Reset(v.Kids[i])
			if t.Phys() == vector.PhysStr && len(v.Kids[i].Offs) == 0 {
				v.Kids[i].Offs = []uint32{0}
			}
		}
	}
	if v.Type.Kind != vector.Struct {
		v.Offs = append(v.Offs[:0], 0)
	}
}

// kidTypes are the types of the vectors inside of one of type t.
func kidTypes(t vector.Type) []vector.Type {
	switch t.Kind {
	case vector.Array:
		return []vector.Type{*t.Elem}
	case vector.Map:
		return []vector.Type{*t.Key, *t.Elem}
	case vector.Struct:
		out := make([]vector.Type, len(t.Fields))
		for i, f := range t.Fields {
			out[i] = f.Type
		}
		return out
	default:
		return nil
	}
}

// appendRow appends row i of src to dst, which is flat and of the same type.
func appendRow(dst, src *vector.Vector, i int) { appendRange(dst, src, i, i+1) }

// appendRange appends rows [lo, hi) of src to dst, which is flat and of the same type.
func appendRange(dst, src *vector.Vector, lo, hi int) {
	if lo >= hi {
		return
	}
	at := dst.Len
	switch src.Type.Phys() {
	case vector.PhysNone:
		for range hi - lo {
			vector.AppendNull(dst)
		}
		return
	case vector.PhysBool:
		dst.Bool = append(dst.Bool, src.Bool[lo:hi]...)
	case vector.PhysI64:
		dst.I64 = append(dst.I64, src.I64[lo:hi]...)
	case vector.PhysF64:
		dst.F64 = append(dst.F64, src.F64[lo:hi]...)
	case vector.PhysI128:
		dst.I128 = append(dst.I128, src.I128[lo:hi]...)
	case vector.PhysStr:
		for i := lo; i < hi; i++ {
			if !src.Null(i) {
				dst.Data = append(dst.Data, src.Bytes(i)...)
			}
			dst.Offs = append(dst.Offs, uint32(len(dst.Data)))
		}
	case vector.PhysNested:
		appendInner(dst, src, lo, hi)
	}
	vector.SetLen(dst, at+hi-lo)
	if src.Valid == nil {
		return
	}
	for i := lo; i < hi; i++ {
		if src.Null(i) {
			vector.SetNull(dst, at+i-lo)
		}
	}
}

// appendInner appends what is inside of rows [lo, hi) of a nested vector.
func appendInner(dst, src *vector.Vector, lo, hi int) {
	if src.Type.Kind == vector.Struct {
		for k, kid := range src.Kids {
			appendRange(dst.Kids[k], kid, lo, hi)
		}
		return
	}
	first, base := src.Offs[lo], uint32(dst.Kids[0].Len)
	for _, o := range src.Offs[lo+1 : hi+1] {
		dst.Offs = append(dst.Offs, o-first+base)
	}
	for k, kid := range src.Kids {
		appendRange(dst.Kids[k], kid, int(first), int(src.Offs[hi]))
	}
}

// appendNull appends a null row to a flat vector of any type.
func appendNull(v *vector.Vector) {
	if v.Type.Phys() != vector.PhysNested {
		vector.AppendNull(v)
		return
	}
	padInner(v, 1)
	vector.SetLen(v, v.Len+1)
	vector.SetNull(v, v.Len-1)
}

// padInner gives n rows of a nested vector nothing inside.
func padInner(v *vector.Vector, n int) {
	for range n {
		if v.Type.Kind != vector.Struct {
			v.Offs = append(v.Offs, v.Offs[len(v.Offs)-1])
			continue
		}
		for _, k := range v.Kids {
			appendNull(k)
		}
	}
}

// truncate cuts a flat vector back to n rows.
func truncate(v *vector.Vector, n int) {
	switch v.Type.Phys() {
	case vector.PhysNone:
	case vector.PhysBool:
		v.Bool = v.Bool[:n]
	case vector.PhysI64:
		v.I64 = v.I64[:n]
	case vector.PhysF64:
		v.F64 = v.F64[:n]
	case vector.PhysI128:
		v.I128 = v.I128[:n]
	case vector.PhysStr:
		v.Offs = v.Offs[:n+1]
		v.Data = v.Data[:v.Offs[n]]
	case vector.PhysNested:
		inner := n
		if v.Type.Kind != vector.Struct {
			v.Offs = v.Offs[:n+1]
			inner = int(v.Offs[n])
		}
		for _, k := range v.Kids {
			truncate(k, inner)
		}
	}
	if v.Valid != nil {
		v.Valid = v.Valid[:vector.Words(n)]
	}
	v.Len = n
}

// span returns where the elements of row i of an ARRAY or MAP are.
func span(v *vector.Vector, i int) (lo, hi int) { return int(v.Offs[i]), int(v.Offs[i+1]) }

// rowNested makes a kernel from a function that appends the elements of row i, or the fields of a STRUCT, to the Kids
// of the result.
func rowNested(fn func(f *Frame, i int) error) Kernel {
	return func(f *Frame) {
		o, done := f.Out, 0
		for i := range f.live {
			padInner(o, i-done)
			done = i + 1
			var at int
			if len(o.Kids) > 0 {
				at = o.Kids[0].Len
			}
			err := fn(f, i)
			if err == nil && o.Type.Kind != vector.Struct && o.Kids[0].Len-at > maxElements {
				err = fail(CodeBadArgument, fmt.Sprintf("%d elements in one value; the limit is %d",
					o.Kids[0].Len-at, maxElements))
			}
			if err != nil {
				for _, k := range o.Kids {
					truncate(k, at)
				}
				f.reject(i, err)
				padInner(o, 1)
				continue
			}
			if o.Type.Kind != vector.Struct {
				o.Offs = append(o.Offs, uint32(o.Kids[0].Len))
			}
		}
		padInner(o, f.N-done)
	}
}

// copyInner appends what is inside of row k of src as the row of Out that rowNested works on.
func copyInner(o, src *vector.Vector, k int) {
	lo, hi := k, k+1
	if src.Type.Kind != vector.Struct {
		lo, hi = span(src, k)
	}
	for j, kid := range src.Kids {
		appendRange(o.Kids[j], kid, lo, hi)
	}
}

// pickAt makes a kernel whose row i is row k of the vector that find names; k < 0 is null.
func pickAt(t vector.Type, find func(f *Frame, i int) (*vector.Vector, int)) Kernel {
	switch t.Phys() {
	case vector.PhysStr:
		return rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
			v, k := find(f, i)
			if k < 0 || isNull(v, k) {
				return dst, errNull
			}
			return append(dst, v.Bytes(k)...), nil
		})
	case vector.PhysNested:
		return rowNested(func(f *Frame, i int) error {
			v, k := find(f, i)
			if k < 0 || isNull(v, k) {
				return errNull
			}
			copyInner(f.Out, v, k)
			return nil
		})
	default:
		return func(f *Frame) {
			for i := range f.live {
				if v, k := find(f, i); k < 0 || isNull(v, k) {
					f.setNull(i)
				} else {
					copyFixed(f.Out, i, v, k)
				}
			}
		}
	}
}

// copyFixed writes row k of src, of a type of fixed size, to row i of dst.
func copyFixed(dst *vector.Vector, i int, src *vector.Vector, k int) {
	switch src.Type.Phys() {
	case vector.PhysBool:
		dst.Bool[i] = src.Bool[k]
	case vector.PhysI64:
		dst.I64[i] = src.I64[k]
	case vector.PhysF64:
		dst.F64[i] = src.F64[k]
	case vector.PhysI128:
		dst.I128[i] = src.I128[k]
	case vector.PhysNone, vector.PhysStr, vector.PhysNested:
	}
}

// sameValue reports whether row i of a and row j of b, of one type, are equal; nulls are equal to each other.
func sameValue(a *vector.Vector, i int, b *vector.Vector, j int) bool {
	if na, nb := isNull(a, i), isNull(b, j); na || nb {
		return na && nb
	}
	switch a.Type.Kind {
	case vector.Array, vector.Map:
		alo, ahi := span(a, i)
		blo, bhi := span(b, j)
		if ahi-alo != bhi-blo {
			return false
		}
		for k, kid := range a.Kids {
			for n := range ahi - alo {
				if !sameValue(kid, alo+n, b.Kids[k], blo+n) {
					return false
				}
			}
		}
		return true
	case vector.Struct:
		for k, kid := range a.Kids {
			if !sameValue(kid, i, b.Kids[k], j) {
				return false
			}
		}
		return true
	default:
		return compareValue(a, i, b, j) == 0
	}
}

// compareValue orders row i of a and row j of b, scalars of one type that are not null. NaN is above all numbers.
func compareValue(a *vector.Vector, i int, b *vector.Vector, j int) int {
	switch a.Type.Phys() {
	case vector.PhysBool:
		return int(b2u(a.Bool[i])) - int(b2u(b.Bool[j]))
	case vector.PhysF64:
		x, y := a.F64[i], b.F64[j]
		if math.IsNaN(x) || math.IsNaN(y) {
			return int(b2u(math.IsNaN(x))) - int(b2u(math.IsNaN(y)))
		}
		return cmp.Compare(x, y)
	case vector.PhysI128:
		return a.I128[i].Cmp(b.I128[j])
	case vector.PhysStr:
		return bytes.Compare(a.Bytes(i), b.Bytes(j))
	case vector.PhysI64:
		return cmp.Compare(a.I64[i], b.I64[j])
	default:
		return 0
	}
}
