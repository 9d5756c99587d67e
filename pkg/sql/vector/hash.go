package vector

import "github.com/leatsql/leat/pkg/messages"

// HashKeys sets dst[k] to the hash of the key of the k-th selected row (nil sel: of row k); the key is the columns
// cols, in key order. The partition of a row is its hash modulo the number of partitions. dst has a place for each row.
func HashKeys(dst []uint64, cols []*Vector, rows int, sel []uint32) {
	var h messages.KeyHasher
	if sel != nil {
		rows = len(sel)
	}
	dst = dst[:rows]
	if len(cols) == 1 && hashOne(dst, cols[0], sel, &h) {
		return
	}
	for k := range dst {
		i := rowAt(sel, k)
		h.Reset()
		for _, v := range cols {
			AppendKey(&h, v, i)
		}
		dst[k] = h.Sum()
	}
}

// hashOne hashes a key of one string or integer column, the usual ones; false when it is of another type.
func hashOne(dst []uint64, v *Vector, sel []uint32, h *messages.KeyHasher) bool {
	switch v.Type.Kind {
	case String:
		if v.Codes != nil && len(v.Offs) <= len(dst) {
			hashEntries(dst, v, sel, h)
			break
		}
		for k := range dst {
			dst[k] = h.HashString(v.Bytes(rowAt(sel, k)))
		}
	case Int, BigInt:
		for k := range dst {
			dst[k] = messages.HashInt(v.I64[rowAt(sel, k)])
		}
	default:
		return false
	}
	if v.Valid == nil {
		return true
	}
	h.Reset()
	h.AppendNull()
	null := h.Sum()
	for k := range dst {
		if v.Null(rowAt(sel, k)) {
			dst[k] = null
		}
	}
	return true
}

// hashEntries hashes a dictionary once an entry instead of once a row.
func hashEntries(dst []uint64, v *Vector, sel []uint32, h *messages.KeyHasher) {
	hashes := make([]uint64, len(v.Offs)-1)
	for k := range hashes {
		hashes[k] = h.HashString(v.Data[v.Offs[k]:v.Offs[k+1]])
	}
	for k := range dst {
		dst[k] = hashes[v.Codes[rowAt(sel, k)]]
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
		appendNestedKey(h, v, i)
	}
}

// appendNestedKey appends a nested value: what it is, how many values follow, and those. Equal values have equal bytes.
func appendNestedKey(h *messages.KeyHasher, v *Vector, i int) {
	if v.Type.Kind == Struct {
		h.AppendStruct(len(v.Kids))
		for _, k := range v.Kids {
			AppendKey(h, k, i)
		}
		return
	}
	from, to := v.Elements(i)
	if v.Type.Kind == Map {
		h.AppendMap(to - from)
	} else {
		h.AppendArray(to - from)
	}
	for e := from; e < to; e++ {
		for _, k := range v.Kids {
			AppendKey(h, k, e)
		}
	}
}
