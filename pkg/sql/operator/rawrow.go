package operator

import (
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func float64Bits(f float64) uint64 { return math.Float64bits(f) }

// appendRaw is appendValue that keeps the bits of doubles.
func appendRaw(dst []byte, v *vector.Vector, i int) []byte {
	if v.Type.Phys() == vector.PhysF64 && !v.Null(i) {
		return putU64(append(dst, 1), math.Float64bits(v.F64[i]))
	}
	if v.Type.Phys() == vector.PhysNested && !v.Null(i) {
		return appendNested(append(dst, 1), v, i, appendRaw)
	}
	return appendValue(dst, v, i)
}

// readRow fills b, a batch of one row, with the time and the values at the front of a snapshot; false when they are not
// whole.
func readRow(r *reader, b *vector.Batch) bool {
	b.Time[0] = r.i64()
	for _, v := range b.Cols {
		vector.Reset(v)
		readRaw(r, v)
	}
	return r.err == nil
}

// readRaw appends to v the value at the front of a snapshot.
func readRaw(r *reader, v *vector.Vector) {
	if r.err != nil {
		return
	}
	rest := readValue(v, r.src)
	if rest == nil {
		r.fail("value")
		return
	}
	r.src = rest
}
