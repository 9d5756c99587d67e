package operator

import (
	"encoding/binary"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Values of one row as bytes: a tag (0 null, 1 value), then 8 bytes for numbers (16 for wide decimals) or a length and
// the bytes. An ARRAY or MAP is the number of its elements and those (key, value, key, value), a STRUCT its fields.
// Equal values have equal bytes: -0 is 0 and there is one NaN.

// nanBits is the one NaN of keys and ordered values.
const nanBits = 0x7FF8000000000001

// canonBits returns the bits that stand for a double where equality counts.
func canonBits(f float64) uint64 {
	if f == 0 {
		return 0
	}
	if f != f {
		return nanBits
	}
	return math.Float64bits(f)
}

// word returns row i of a column of 8 bytes or less as canonical bits.
func word(v *vector.Vector, i int) uint64 {
	switch v.Type.Phys() {
	case vector.PhysBool:
		if v.Bool[i] {
			return 1
		}
		return 0
	case vector.PhysF64:
		return canonBits(v.F64[i])
	default:
		return uint64(v.I64[i])
	}
}

// appendValue appends row i of v.
func appendValue(dst []byte, v *vector.Vector, i int) []byte {
	if v.Null(i) || v.Type.Phys() == vector.PhysNone {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	switch v.Type.Phys() {
	case vector.PhysStr:
		return putBytes(dst, v.Bytes(i))
	case vector.PhysI128:
		return putI64(putU64(dst, v.I128[i].Lo), v.I128[i].Hi)
	case vector.PhysNested:
		return appendNested(dst, v, i, appendValue)
	default:
		return putU64(dst, word(v, i))
	}
}

// appendRow appends row i of the columns cols.
func appendRow(dst []byte, b *vector.Batch, cols []int, i int) []byte {
	for _, c := range cols {
		dst = appendValue(dst, b.Cols[c], i)
	}
	return dst
}

// readValue appends to v the value at the front of src and returns what follows; nil if src is malformed.
func readValue(v *vector.Vector, src []byte) []byte {
	if len(src) == 0 {
		return nil
	}
	tag := src[0]
	src = src[1:]
	if tag == 0 {
		vector.AppendNull(v)
		return src
	}
	if tag != 1 {
		return nil
	}
	phys := v.Type.Phys()
	switch phys {
	case vector.PhysNone:
		return nil
	case vector.PhysNested:
		return readNested(v, src)
	case vector.PhysStr:
		if len(src) < 4 {
			return nil
		}
		n := uint64(binary.LittleEndian.Uint32(src))
		if uint64(len(src)-4) < n {
			return nil
		}
		v.Data = append(v.Data, src[4:4+n]...)
		v.Offs = append(v.Offs, uint32(len(v.Data)))
		vector.SetLen(v, v.Len+1)
		return src[4+n:]
	case vector.PhysI128:
		if len(src) < 16 {
			return nil
		}
		v.I128 = append(v.I128, vector.Int128{
			Lo: binary.LittleEndian.Uint64(src),
			Hi: int64(binary.LittleEndian.Uint64(src[8:])),
		})
		vector.SetLen(v, v.Len+1)
		return src[16:]
	default:
		if len(src) < 8 {
			return nil
		}
		appendWord(v, binary.LittleEndian.Uint64(src))
		return src[8:]
	}
}

// appendWord appends the value whose canonical bits are w.
func appendWord(v *vector.Vector, w uint64) {
	switch v.Type.Phys() {
	case vector.PhysBool:
		v.Bool = append(v.Bool, w != 0)
	case vector.PhysF64:
		v.F64 = append(v.F64, math.Float64frombits(w))
	default:
		v.I64 = append(v.I64, int64(w))
	}
	vector.SetLen(v, v.Len+1)
}

// validValues reports whether src is values of the given types and nothing else.
func validValues(types []vector.Type, src []byte) bool {
	for _, t := range types {
		if src = validValue(t, src); src == nil {
			return false
		}
	}
	return len(src) == 0
}

// validValue returns what follows a value of type t; nil if there is none.
func validValue(t vector.Type, src []byte) []byte {
	if len(src) == 0 {
		return nil
	}
	tag := src[0]
	src = src[1:]
	if tag == 0 {
		return src
	}
	n := uint64(8)
	switch t.Phys() {
	case vector.PhysNone:
		return nil
	case vector.PhysNested:
		if tag != 1 {
			return nil
		}
		return validNested(t, src)
	case vector.PhysI128:
		n = 16
	case vector.PhysStr:
		if len(src) < 4 {
			return nil
		}
		n = 4 + uint64(binary.LittleEndian.Uint32(src))
	default:
	}
	if n > uint64(len(src)) || tag != 1 {
		return nil
	}
	return src[n:]
}
