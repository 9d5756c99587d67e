package vector

import "slices"

// newNested gives an empty nested vector its kids and offsets.
func newNested(v *Vector, capacity int) {
	if v.Type.Kind != Struct {
		v.Offs = append(make([]uint32, 0, capacity+1), 0)
		capacity = 0
	}
	v.Kids = make([]*Vector, v.Type.Kids())
	for k := range v.Kids {
		v.Kids[k] = NewVector(v.Type.Kid(k), capacity)
	}
}

func resetNested(v *Vector) {
	for _, k := range v.Kids {
		Reset(k)
	}
	if v.Type.Kind != Struct {
		v.Offs = append(v.Offs[:0], 0)
	}
}

// appendEmpty appends the value that stands under a null.
func appendEmpty(v *Vector) {
	if v.Type.Kind != Struct {
		v.Offs = append(v.Offs, v.Offs[len(v.Offs)-1])
		return
	}
	for _, k := range v.Kids {
		AppendNull(k)
	}
}

// appendNested appends the rows sel of src to dst (nil: all), whose validity and length are the caller's.
func appendNested(dst, src *Vector, sel []uint32) {
	if dst.Kids == nil {
		newNested(dst, src.Len)
	}
	if src.Type.Kind == Struct {
		for k, kid := range src.Kids {
			Append(dst.Kids[k], kid, sel)
		}
		return
	}
	if sel == nil {
		appendLists(dst, src)
		return
	}
	elems := 0
	for _, i := range sel {
		elems += int(src.Offs[i+1] - src.Offs[i])
	}
	rows, end := make([]uint32, 0, elems), dst.Offs[len(dst.Offs)-1]
	dst.Offs = slices.Grow(dst.Offs, len(sel))
	for _, i := range sel {
		for e := src.Offs[i]; e < src.Offs[i+1]; e++ {
			rows = append(rows, e)
		}
		end += src.Offs[i+1] - src.Offs[i]
		dst.Offs = append(dst.Offs, end)
	}
	for k, kid := range src.Kids {
		Append(dst.Kids[k], kid, rows)
	}
}

// appendLists appends all rows of an ARRAY or MAP.
func appendLists(dst, src *Vector) {
	from, to := src.Offs[0], src.Offs[src.Len]
	base := dst.Offs[len(dst.Offs)-1]
	for k, kid := range src.Kids {
		if from != 0 || int(to) != kid.Len {
			kid = SliceVector(kid, int(from), int(to))
		}
		Append(dst.Kids[k], kid, nil)
	}
	dst.Offs = slices.Grow(dst.Offs, src.Len)
	for _, o := range src.Offs[1 : src.Len+1] {
		dst.Offs = append(dst.Offs, o-from+base)
	}
}

// sliceNested gives out the rows [from, to) of v. The elements before them stay in the kids; those behind do not, so
// that rows can be appended to the slice.
func sliceNested(out, v *Vector, from, to int) {
	out.Kids = make([]*Vector, len(v.Kids))
	if v.Type.Kind != Struct {
		out.Offs = v.Offs[from : to+1 : to+1]
		from, to = 0, int(v.Offs[to])
	}
	for k, kid := range v.Kids {
		out.Kids[k] = SliceVector(kid, from, to)
	}
}

// Truncate drops the rows of v from n on; v is the caller's own.
func Truncate(v *Vector, n int) {
	switch v.Type.Phys() {
	case PhysNone:
	case PhysBool:
		v.Bool = v.Bool[:n]
	case PhysI64:
		v.I64 = v.I64[:n]
	case PhysF64:
		v.F64 = v.F64[:n]
	case PhysI128:
		v.I128 = v.I128[:n]
	case PhysStr:
		if v.Codes != nil {
			v.Codes = v.Codes[:n]
			break
		}
		v.Offs, v.Data = v.Offs[:n+1], v.Data[:v.Offs[n]]
	case PhysNested:
		kids := n
		if v.Type.Kind != Struct {
			v.Offs = v.Offs[:n+1]
			kids = int(v.Offs[n])
		}
		for _, k := range v.Kids {
			Truncate(k, kids)
		}
	}
	v.Len = n
}
