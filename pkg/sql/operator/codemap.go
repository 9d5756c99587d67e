package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// codeMap maps the dictionary codes of a batch to key numbers, so that a string is hashed once for each batch and
// distinct value. Entries carry a stamp: a new table or dictionary clears them by a new stamp.
type codeMap struct {
	ids   []uint64 // stamp<<32 | number
	stamp uint32
}

// next makes room for codes below n and forgets what was there.
func (m *codeMap) next(n int) {
	if len(m.ids) < n {
		m.ids = make([]uint64, n+n/2)
		m.stamp = 0
	}
	m.stamp++
	if m.stamp == 0 {
		clear(m.ids)
		m.stamp = 1
	}
}

// lookup writes the key number of each row to rs.gids, adding keys that are new.
func (m *codeMap) lookup(t *keyTable, b *vector.Batch, cols []int, rs rows) {
	gids := rs.gids[:len(rs.idx)]
	switch {
	case t.kind == keyNone:
		if len(gids) > 0 {
			t.addNone()
			clear(gids)
		}
	case t.kind == keyBytes && b.Cols[cols[0]].Codes != nil:
		m.lookupCodes(t, b.Cols[cols[0]], rs)
	case t.kind == keyInt && b.Cols[cols[0]].Valid == nil && b.Cols[cols[0]].Type.Phys() == vector.PhysI64:
		vals := b.Cols[cols[0]].I64
		for k, i := range rs.idx {
			gids[k] = t.addWord(uint64(vals[i]))
		}
	default:
		for k, i := range rs.idx {
			gids[k] = t.addRow(b, cols, int(i))
		}
	}
}

func (m *codeMap) lookupCodes(t *keyTable, v *vector.Vector, rs rows) {
	gids := rs.gids[:len(rs.idx)]
	m.next(len(v.Offs))
	ids, codes, stamp := m.ids, v.Codes, uint64(m.stamp)
	for k, i := range rs.idx {
		if v.Valid != nil && v.Null(int(i)) {
			gids[k] = t.addNull()
			continue
		}
		c := codes[i]
		e := ids[c]
		if e>>32 != stamp {
			e = stamp<<32 | uint64(t.addBytes(v.Data[v.Offs[c]:v.Offs[c+1]]))
			ids[c] = e
		}
		gids[k] = uint32(e)
	}
}
