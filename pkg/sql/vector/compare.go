package vector

import (
	"bytes"
	"cmp"
)

// Compare orders row i of v and row j of w, of the same type: null before values, FALSE before TRUE, NaN after all
// numbers and equal to itself, strings by bytes, lists and structs by their first difference, the shorter list first,
// maps by their entries. Rows that are equal have equal keys (AppendKey).
func Compare(v *Vector, i int, w *Vector, j int) int {
	vNull, wNull := v.Null(i), w.Null(j)
	if vNull || wNull || v.Type.Phys() == PhysNone {
		return cmp.Compare(truth(wNull), truth(vNull))
	}
	switch v.Type.Phys() {
	case PhysBool:
		return cmp.Compare(truth(v.Bool[i]), truth(w.Bool[j]))
	case PhysF64:
		return compareDouble(v.F64[i], w.F64[j])
	case PhysI128:
		return v.I128[i].Cmp(w.I128[j])
	case PhysStr:
		return bytes.Compare(v.Bytes(i), w.Bytes(j))
	case PhysNested:
		return compareNested(v, i, w, j)
	default:
		return cmp.Compare(v.I64[i], w.I64[j])
	}
}

// Equal reports whether row i of v and row j of w, of the same type, are the same value; null is equal to null.
func Equal(v *Vector, i int, w *Vector, j int) bool {
	if v.Type.Kind != Struct && v.Type.Phys() == PhysNested && !v.Null(i) && !w.Null(j) &&
		v.Offs[i+1]-v.Offs[i] != w.Offs[j+1]-w.Offs[j] {
		return false
	}
	return Compare(v, i, w, j) == 0
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compareDouble(a, b float64) int {
	if a != a || b != b {
		return cmp.Compare(truth(a != a), truth(b != b))
	}
	return cmp.Compare(a, b)
}

func compareNested(v *Vector, i int, w *Vector, j int) int {
	if v.Type.Kind == Struct {
		for k := range v.Kids {
			if c := Compare(v.Kids[k], i, w.Kids[k], j); c != 0 {
				return c
			}
		}
		return 0
	}
	from, to := v.Elements(i)
	at, end := w.Elements(j)
	for e := from; e < to && at < end; e++ {
		for k := range v.Kids {
			if c := Compare(v.Kids[k], e, w.Kids[k], at); c != 0 {
				return c
			}
		}
		at++
	}
	return cmp.Compare(to-from, end-int(w.Offs[j]))
}
