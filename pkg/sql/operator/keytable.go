package operator

import (
	"bytes"

	"github.com/zeebo/xxh3"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// keyKind is how a key table keeps its keys.
type keyKind uint8

const (
	keyNone  keyKind = iota // no key columns: one key
	keyInt                  // one column of 8 bytes or less, as canonical bits
	keyBytes                // one string column, its bytes
	keyMulti                // everything else, as appendRow writes it
)

// keyTable numbers keys densely in the order of their first arrival: open addressing with linear probing, no pointers
// inside. NULL is a key like any other. The zero number of keys holds one small allocation.
type keyTable struct {
	kind  keyKind
	types []vector.Type
	slots []uint32 // number + 1, 0 = free
	words []uint64 // keyInt: the key
	hash  []uint32 // keyBytes, keyMulti
	ends  []uint32 // end of key i in arena, counted from base[i>>baseBits]
	base  []uint64
	arena []byte
	n     int
	gone  int    // removed keys, which keep their numbers
	null  uint32 // number + 1 of the null key of keyInt and keyBytes
	buf   []byte
	mem   *arena.Space
}

const (
	baseBits = 14
	minSlots = 16
)

func newKeyTable(types []vector.Type) *keyTable {
	t := &keyTable{types: types, kind: keyMulti}
	switch {
	case len(types) == 0:
		t.kind = keyNone
	case len(types) > 1:
	case types[0].Phys() == vector.PhysStr:
		t.kind = keyBytes
	case types[0].Phys() == vector.PhysBool, types[0].Phys() == vector.PhysI64, types[0].Phys() == vector.PhysF64:
		t.kind = keyInt
	}
	t.slots = make([]uint32, minSlots)
	return t
}

// like makes an empty table of the same keys in the same memory.
func (t *keyTable) like() *keyTable {
	n := newKeyTable(t.types)
	n.use(t.mem)
	return n
}

// use says where the table lies from now on.
func (t *keyTable) use(mem *arena.Space) {
	t.mem = mem
	arena.Adopt(mem, t.slots)
}

// free gives the memory of the table back; it must not be used any more.
func (t *keyTable) free() {
	t.slots, t.words = arena.Free(t.mem, t.slots), arena.Free(t.mem, t.words)
	t.hash, t.ends, t.arena = arena.Free(t.mem, t.hash), arena.Free(t.mem, t.ends), arena.Free(t.mem, t.arena)
}

// reset empties the table and keeps its memory, unless that is far above what was used.
func (t *keyTable) reset() {
	if len(t.slots) > minSlots && len(t.slots) > 16*(t.n+1) {
		arena.Free(t.mem, t.slots)
		t.slots = arena.Make[uint32](t.mem, minSlots)
	} else {
		clear(t.slots)
	}
	t.words, t.hash, t.ends, t.base, t.arena = t.words[:0], t.hash[:0], t.ends[:0], t.base[:0], t.arena[:0]
	t.n, t.gone, t.null = 0, 0, 0
}

// stateBytes is the memory of the table.
func (t *keyTable) stateBytes() int64 {
	return int64(4*cap(t.slots) + 8*cap(t.words) + 4*cap(t.hash) + 4*cap(t.ends) + 8*cap(t.base) + cap(t.arena))
}

func mixWord(k uint64) uint32 {
	h := k * 0x9E3779B97F4A7C15
	return uint32(h>>32) ^ uint32(h)
}

func (t *keyTable) end(i uint32) uint64 { return t.base[i>>baseBits] + uint64(t.ends[i]) }

// key returns the bytes of key i of a keyBytes or keyMulti table.
func (t *keyTable) key(i uint32) []byte {
	lo := uint64(0)
	if i > 0 {
		lo = t.end(i - 1)
	}
	return t.arena[lo:t.end(i)]
}

// addWord returns the number of key k of a keyInt table, adding it when new.
func (t *keyTable) addWord(k uint64) uint32 {
	m := uint32(len(t.slots) - 1)
	for i := mixWord(k) & m; ; i = (i + 1) & m {
		s := t.slots[i]
		if s == 0 {
			t.words = arena.Append(t.mem, t.words, k)
			return t.added(i)
		}
		if t.words[s-1] == k && s != t.null {
			return s - 1
		}
	}
}

// addBytes returns the number of the key with bytes k, adding it when new.
func (t *keyTable) addBytes(k []byte) uint32 { return t.addHashed(k, uint32(xxh3.Hash(k))) }

// addHashed is addBytes for a key whose hash is known.
func (t *keyTable) addHashed(k []byte, h uint32) uint32 {
	m := uint32(len(t.slots) - 1)
	for i := h & m; ; i = (i + 1) & m {
		s := t.slots[i]
		if s == 0 {
			t.appendKey(k, h)
			return t.added(i)
		}
		if t.hash[s-1] == h && s != t.null && bytes.Equal(t.key(s-1), k) {
			return s - 1
		}
	}
}

func (t *keyTable) appendKey(k []byte, h uint32) {
	if t.n&(1<<baseBits-1) == 0 {
		t.base = append(t.base, uint64(len(t.arena)))
	}
	t.arena = arena.AppendAll(t.mem, t.arena, k)
	t.hash = arena.Append(t.mem, t.hash, h)
	t.ends = arena.Append(t.mem, t.ends, uint32(uint64(len(t.arena))-t.base[t.n>>baseBits]))
}

// added counts a key that stands at the end of the columns and belongs in slot i.
func (t *keyTable) added(i uint32) uint32 {
	t.n++
	t.slots[i] = uint32(t.n)
	if 2*t.n > len(t.slots) {
		t.grow()
	}
	return uint32(t.n - 1)
}

// addNull returns the number of the null key.
func (t *keyTable) addNull() uint32 {
	if t.null != 0 {
		return t.null - 1
	}
	if t.kind == keyInt {
		t.words = arena.Append(t.mem, t.words, 0)
	} else {
		t.appendKey(nil, 0)
	}
	t.n++
	t.null = uint32(t.n)
	return t.null - 1
}

// addNone returns the only key of a table without key columns.
func (t *keyTable) addNone() uint32 {
	t.n = 1
	return 0
}

func (t *keyTable) hashOf(i uint32) uint32 {
	if t.kind == keyInt {
		return mixWord(t.words[i])
	}
	return t.hash[i]
}

func (t *keyTable) grow() {
	old := t.slots
	t.slots = arena.Make[uint32](t.mem, 2*len(old))
	m := uint32(len(t.slots) - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		i := t.hashOf(s-1) & m
		for t.slots[i] != 0 {
			i = (i + 1) & m
		}
		t.slots[i] = s
	}
	arena.Free(t.mem, old)
}

// find returns the number of the key with bytes k, or of word w in a keyInt table.
func (t *keyTable) find(k []byte, w uint64) (uint32, bool) {
	var h uint32
	if t.kind == keyInt {
		h = mixWord(w)
	} else {
		h = uint32(xxh3.Hash(k))
	}
	m := uint32(len(t.slots) - 1)
	for i := h & m; t.slots[i] != 0; i = (i + 1) & m {
		s := t.slots[i]
		if t.kind == keyInt {
			if t.words[s-1] == w {
				return s - 1, true
			}
		} else if t.hash[s-1] == h && bytes.Equal(t.key(s-1), k) {
			return s - 1, true
		}
	}
	return 0, false
}

// remove takes key number id out of the table; the number is not used again.
func (t *keyTable) remove(id uint32) {
	t.gone++
	if t.null == id+1 {
		t.null = 0
		return
	}
	m := uint32(len(t.slots) - 1)
	i := t.hashOf(id) & m
	for t.slots[i] != id+1 {
		i = (i + 1) & m
	}
	for j := (i + 1) & m; t.slots[j] != 0; j = (j + 1) & m {
		// An entry moves into the hole when its home is not between the hole and where it stands.
		if home := t.hashOf(t.slots[j]-1) & m; (j-home)&m >= (j-i)&m {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = 0
}

// addRow returns the number of the key in the columns cols of row i.
func (t *keyTable) addRow(b *vector.Batch, cols []int, i int) uint32 {
	switch t.kind {
	case keyNone:
		return t.addNone()
	case keyInt:
		if v := b.Cols[cols[0]]; !v.Null(i) {
			return t.addWord(word(v, i))
		}
		return t.addNull()
	case keyBytes:
		if v := b.Cols[cols[0]]; !v.Null(i) {
			return t.addBytes(v.Bytes(i))
		}
		return t.addNull()
	default:
		t.buf = appendRow(t.buf[:0], b, cols, i)
		return t.addBytes(t.buf)
	}
}

// findRow returns the number of the key in the columns cols of row i, if it is there.
func (t *keyTable) findRow(b *vector.Batch, cols []int, i int) (uint32, bool) {
	switch t.kind {
	case keyNone:
		return 0, t.n > 0
	case keyInt, keyBytes:
		v := b.Cols[cols[0]]
		if v.Null(i) {
			return t.null - 1, t.null != 0
		}
		if t.kind == keyInt {
			return t.find(nil, word(v, i))
		}
		return t.find(v.Bytes(i), 0)
	default:
		t.buf = appendRow(t.buf[:0], b, cols, i)
		return t.find(t.buf, 0)
	}
}

// addFrom returns the number here of key i of another table of the same types.
func (t *keyTable) addFrom(o *keyTable, i uint32) uint32 {
	switch {
	case t.kind == keyNone:
		return t.addNone()
	case o.null == i+1:
		return t.addNull()
	case t.kind == keyInt:
		return t.addWord(o.words[i])
	default:
		return t.addHashed(o.key(i), o.hash[i])
	}
}

// findFrom returns the number here of key i of another table of the same types, if it is there.
func (t *keyTable) findFrom(o *keyTable, i uint32) (uint32, bool) {
	switch {
	case t.kind == keyNone:
		return 0, t.n > 0
	case o.null == i+1:
		return t.null - 1, t.null != 0
	case t.kind == keyInt:
		return t.find(nil, o.words[i])
	default:
		return t.find(o.key(i), 0)
	}
}

// appendKeys appends the keys ids to the columns cols, one for each key column.
func (t *keyTable) appendKeys(cols []*vector.Vector, ids []uint32) {
	switch t.kind {
	case keyNone:
	case keyInt:
		for _, id := range ids {
			if t.null == id+1 {
				vector.AppendNull(cols[0])
				continue
			}
			appendWord(cols[0], t.words[id])
		}
	case keyBytes:
		v := cols[0]
		for _, id := range ids {
			if t.null == id+1 {
				vector.AppendNull(v)
				continue
			}
			v.Data = append(v.Data, t.key(id)...)
			v.Offs = append(v.Offs, uint32(len(v.Data)))
			vector.SetLen(v, v.Len+1)
		}
	default:
		for _, id := range ids {
			src := t.key(id)
			for _, v := range cols {
				src = readValue(v, src)
			}
		}
	}
}

// putKey appends key i to a snapshot.
func (t *keyTable) putKey(dst []byte, i uint32) []byte {
	switch {
	case t.kind == keyNone:
		return dst
	case t.kind == keyMulti:
		return putBytes(dst, t.key(i))
	case t.null == i+1:
		return append(dst, 0)
	case t.kind == keyInt:
		return putU64(append(dst, 1), t.words[i])
	default:
		return putBytes(append(dst, 1), t.key(i))
	}
}

// readKey adds the key at the front of a snapshot; a key that is there already is a mistake.
func (t *keyTable) readKey(r *reader) uint32 {
	n := t.n
	id := t.readAny(r)
	if t.n == n {
		r.fail("key twice")
	}
	return id
}

// readAny adds the key at the front of a snapshot, or finds it.
func (t *keyTable) readAny(r *reader) uint32 {
	switch {
	case t.kind == keyNone:
		return t.addNone()
	case t.kind == keyMulti:
		k := r.bytes()
		if r.err == nil && !validValues(t.types, k) {
			r.fail("key")
		}
		if r.err != nil {
			return 0
		}
		return t.addBytes(k)
	case !r.bool():
		return t.addNull()
	case t.kind == keyInt:
		return t.addWord(r.u64())
	default:
		return t.addBytes(r.bytes())
	}
}

// count is the number of keys that were not removed.
func (t *keyTable) count() int { return t.n - t.gone }

// live lists the numbers of the keys that were not removed.
func (t *keyTable) live() []uint32 {
	if t.kind == keyNone {
		return make([]uint32, t.n)
	}
	in := make([]bool, t.n)
	for _, s := range t.slots {
		if s != 0 {
			in[s-1] = true
		}
	}
	if t.null != 0 {
		in[t.null-1] = true
	}
	out := make([]uint32, 0, t.n-t.gone)
	for id, ok := range in {
		if ok {
			out = append(out, uint32(id))
		}
	}
	return out
}
