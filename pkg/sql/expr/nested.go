package expr

import (
	"fmt"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// prepareNested empties the result of a kernel whose type is nested.
func prepareNested(o *vector.Vector) {
	if o.Kids == nil {
		*o = *vector.NewVector(o.Type, 0)
	}
	vector.Reset(o)
}

// appendRows appends rows [lo, hi) of src to dst.
func appendRows(dst, src *vector.Vector, lo, hi int) {
	for i := lo; i < hi; i++ {
		vector.AppendFrom(dst, src, i)
	}
}

// rowNested makes a kernel from a function that appends the elements of row i, or the fields of a STRUCT, to the Kids
// of the result.
func rowNested(fn func(f *Frame, i int) error) Kernel {
	return func(f *Frame) {
		done := 0
		for i := range f.live {
			f.padNested(i - done)
			done = i + 1
			at := kidLen(f.Out)
			err := fn(f, i)
			if n := kidLen(f.Out) - at; err == nil && f.Out.Type.Kind != vector.Struct && n > vector.MaxElements {
				err = fail(CodeBadArgument, fmt.Sprintf("%d elements in one value; the limit is %d", n,
					vector.MaxElements))
			}
			if err != nil {
				for _, k := range f.Out.Kids {
					vector.Truncate(k, at)
				}
				f.reject(i, err)
				f.padNested(1)
				continue
			}
			f.closeNested(i)
		}
		f.padNested(f.N - done)
	}
}

func kidLen(v *vector.Vector) int {
	if len(v.Kids) == 0 {
		return 0
	}
	return v.Kids[0].Len
}

// closeNested ends row i, which is not null. The length and validity of Out are those of all rows already.
func (f *Frame) closeNested(i int) {
	o, valid := f.Out, f.Out.Valid
	o.Len, o.Valid = i, nil
	vector.Close(o)
	o.Len, o.Valid = f.N, valid
}

// padNested gives the next n rows, which are null or of no interest, nothing inside.
func (f *Frame) padNested(n int) {
	for range n {
		if f.Out.Type.Kind != vector.Struct {
			f.Out.Offs = append(f.Out.Offs, f.Out.Offs[len(f.Out.Offs)-1])
			continue
		}
		for _, k := range f.Out.Kids {
			vector.AppendNull(k)
		}
	}
}

// copyInner appends what is inside of row k of src to the Kids of o.
func copyInner(o, src *vector.Vector, k int) {
	lo, hi := k, k+1
	if src.Type.Kind != vector.Struct {
		lo, hi = src.Elements(k)
	}
	for j, kid := range src.Kids {
		appendRows(o.Kids[j], kid, lo, hi)
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

// rebuilt copies v with the rows that dead names made null, so that nothing lies inside of them.
func rebuilt(v *vector.Vector, dead func(i int) bool) *vector.Vector {
	out := vector.NewVector(v.Type, v.Len)
	for i := range v.Len {
		if dead(i) {
			vector.AppendNull(out)
		} else {
			vector.AppendFrom(out, v, i)
		}
	}
	return out
}
