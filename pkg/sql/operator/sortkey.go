package operator

import (
	"bytes"
	"encoding/binary"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// sortKey appends bytes that order as the rows do: for each key a byte that places nulls, then the value, big-endian
// with its sign turned, strings with 0 written 0 FF and ended by 0 0. DESC turns the bits of the value.
func sortKey(dst []byte, b *vector.Batch, keys []SortKey, i int) []byte {
	for _, k := range keys {
		v := b.Cols[k.Col]
		if v.Null(i) || v.Type.Phys() == vector.PhysNone {
			if k.NullsLast {
				dst = append(dst, 2)
			} else {
				dst = append(dst, 0)
			}
			continue
		}
		dst = append(dst, 1)
		at := len(dst)
		dst = orderedBytes(dst, v, i)
		if k.Desc {
			for n := at; n < len(dst); n++ {
				dst[n] = ^dst[n]
			}
		}
	}
	return dst
}

func orderedBytes(dst []byte, v *vector.Vector, i int) []byte {
	switch v.Type.Phys() {
	case vector.PhysStr:
		s := v.Bytes(i)
		for {
			n := bytes.IndexByte(s, 0)
			if n < 0 {
				return append(append(dst, s...), 0, 0)
			}
			dst = append(append(dst, s[:n]...), 0, 0xFF)
			s = s[n+1:]
		}
	case vector.PhysI128:
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.I128[i].Hi)^1<<63)
		return binary.BigEndian.AppendUint64(dst, v.I128[i].Lo)
	default:
		return binary.BigEndian.AppendUint64(dst, uint64(orderedWord(v.Type, word(v, i)))^1<<63)
	}
}
