package conform

import "github.com/leatsql/leat/pkg/sql/vector"

// nullVector is one row of NULL of any type.
func nullVector(t vector.Type) *vector.Vector {
	v := &vector.Vector{Type: t, Len: 1, Valid: []uint64{0}}
	switch t.Phys() {
	case vector.PhysBool:
		v.Bool = []bool{false}
	case vector.PhysI64:
		v.I64 = []int64{0}
	case vector.PhysF64:
		v.F64 = []float64{0}
	case vector.PhysI128:
		v.I128 = []vector.Int128{{}}
	case vector.PhysStr:
		v.Offs = []uint32{0, 0}
	case vector.PhysNested:
		nullKids(v)
	case vector.PhysNone: // it has no values
	}
	return v
}

func nullKids(v *vector.Vector) {
	switch v.Type.Kind {
	case vector.Array:
		v.Offs = []uint32{0, 0}
		v.Kids = []*vector.Vector{vector.NewVector(*v.Type.Elem, 0)}
	case vector.Map:
		v.Offs = []uint32{0, 0}
		v.Kids = []*vector.Vector{vector.NewVector(*v.Type.Key, 0), vector.NewVector(*v.Type.Elem, 0)}
	default:
		for _, f := range v.Type.Fields {
			v.Kids = append(v.Kids, nullVector(f.Type))
		}
	}
}
