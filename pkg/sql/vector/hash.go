package vector

import "github.com/leatsql/leat/pkg/messages"

// HashKeys sets dst[k] to the hash of the key of the k-th selected row (nil sel: of row k); the key is the columns cols,
// in key order. The partition of the row is the hash modulo the number of partitions. dst has a place for each of them.
func HashKeys(dst []uint64, cols []*Vector, rows int, sel []uint32) {
	var h messages.KeyHasher
	if sel != nil {
		rows = len(sel)
	}
	dst = dst[:rows]
	if len(cols) == 1 && cols[0].Codes != nil && len(cols[0].Offs) <= rows {
		hashEntries(dst, cols[0], sel, &h)
		return
	}
	for k := range dst {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		h.Reset()
		for _, v := range cols {
			AppendKey(&h, v, i)
		}
		dst[k] = h.Sum()
	}
}

// hashEntries hashes a dictionary once an entry instead of once a row.
func hashEntries(dst []uint64, v *Vector, sel []uint32, h *messages.KeyHasher) {
	one := Vector{Type: v.Type, Offs: v.Offs, Data: v.Data}
	hashes := make([]uint64, len(v.Offs)-1)
	for k := range hashes {
		h.Reset()
		AppendKey(h, &one, k)
		hashes[k] = h.Sum()
	}
	h.Reset()
	h.AppendNull()
	null := h.Sum()
	for k := range dst {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if v.Null(i) {
			dst[k] = null
			continue
		}
		dst[k] = hashes[v.Codes[i]]
	}
}

// AppendKey appends the value of row i of v to a key.
func AppendKey(h *messages.KeyHasher, v *Vector, i int) {
	if v.Null(i) {
		h.AppendNull()
		return
	}
	switch v.Type.Kind {
	case Null:
		h.AppendNull()
	case Boolean:
		h.AppendBool(v.Bool[i])
	case Int, BigInt:
		h.AppendInt(v.I64[i])
	case Double:
		h.AppendDouble(v.F64[i])
	case Decimal:
		if v.Type.Precision > 18 {
			h.AppendDecimal128(messages.Int128(v.I128[i]), v.Type.Scale)
			return
		}
		h.AppendDecimal(v.I64[i], v.Type.Scale)
	case String:
		h.AppendStringBytes(v.Bytes(i))
	case Bytes:
		h.AppendBytes(v.Bytes(i))
	case Date:
		h.AppendDate(v.I64[i])
	case Time:
		h.AppendTime(v.I64[i])
	case Timestamp:
		h.AppendTimestamp(v.I64[i])
	case Interval:
		h.AppendInterval(v.I64[i])
	case Array, Map, Struct:
		panic("vector: nested types are no keys")
	}
}
