package operator

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// store holds the records of groups, flat: the words, the bytes of string values and the sets of distinct values.
type store struct {
	lay   *layout
	recs  []uint64
	n     uint32 // records given out, free ones included
	free  []uint32
	heap  []byte
	waste int // bytes of heap that no record names
	sets  []*distinctSet
	owner uint64
	buf   []byte

	states     []aggState // of the aggregates that words do not do for
	freeStates []uint32
	stateSize  int64
	mem        *arena.Space
}

// distinctSet is the values of one DISTINCT aggregate of all groups: keys are the owner's number and the value.
type distinctSet struct {
	keys *keyTable
	next []uint32 // number of the owner's next value + 1
	dead int      // values of owners that are gone
	mem  *arena.Space
}

func newStore(l *layout) *store {
	s := &store{lay: l}
	for _, t := range l.sets {
		s.sets = append(s.sets, &distinctSet{keys: newKeyTable([]vector.Type{vector.TBigInt, t})})
	}
	return s
}

// like makes an empty store of the same layout in the same memory.
func (s *store) like() *store {
	n := newStore(s.lay)
	n.use(s.mem)
	return n
}

// use says where the store lies from now on.
func (s *store) use(mem *arena.Space) {
	s.mem = mem
	for _, d := range s.sets {
		d.mem = mem
		d.keys.use(mem)
	}
}

// freeAll gives the memory of the store back; it must not be used any more.
func (s *store) freeAll() {
	s.recs, s.free, s.heap = arena.Free(s.mem, s.recs), arena.Free(s.mem, s.free), arena.Free(s.mem, s.heap)
	for _, d := range s.sets {
		d.keys.free()
		d.next = arena.Free(s.mem, d.next)
	}
}

// reset empties the store and keeps its memory.
func (s *store) reset() {
	s.recs, s.n, s.free, s.heap, s.waste = s.recs[:0], 0, s.free[:0], s.heap[:0], 0
	clear(s.states)
	s.states, s.freeStates, s.stateSize = s.states[:0], s.freeStates[:0], 0
	for _, d := range s.sets {
		d.keys.reset()
		d.next, d.dead = d.next[:0], 0
	}
}

func (s *store) stateBytes() int64 {
	n := int64(8*cap(s.recs)+4*cap(s.free)+cap(s.heap)+16*cap(s.states)+4*cap(s.freeStates)) + s.stateSize
	for _, d := range s.sets {
		n += d.keys.stateBytes() + int64(4*cap(d.next))
	}
	return n
}

// rec returns the words of record g; they move when a record is added.
func (s *store) rec(g uint32) []uint64 {
	at := int(g) * s.lay.stride
	return s.recs[at : at+s.lay.stride : at+s.lay.stride]
}

// alloc gives out an empty record.
func (s *store) alloc() uint32 {
	g := s.n
	if k := len(s.free); k > 0 {
		g = s.free[k-1]
		s.free = s.free[:k-1]
		copy(s.rec(g), s.lay.init)
	} else {
		s.recs = arena.AppendAll(s.mem, s.recs, s.lay.init)
		s.n++
	}
	if s.lay.owner >= 0 {
		s.rec(g)[s.lay.owner] = s.owner
		s.owner++
	}
	return g
}

// release takes record g back.
func (s *store) release(g uint32) {
	s.clean(g)
	s.free = arena.Append(s.mem, s.free, g)
}

// clean drops what record g holds.
func (s *store) clean(g uint32) {
	r := s.rec(g)
	for i := range s.lay.aggs {
		d := &s.lay.aggs[i]
		if d.shared {
			continue
		}
		if d.kind == kindState {
			s.dropState(d, r)
			continue
		}
		if d.val == valStr && r[wFlags]&d.has != 0 {
			s.waste += int(r[s.valueAt(d)+1])
		}
		if d.set >= 0 {
			s.sets[d.set].dead += int(uint32(r[d.setOff]))
		}
	}
	r[wFlags] = 0
}

// tidy drops what no record names any more, once that is the larger part.
func (s *store) tidy() {
	if k := len(s.free); k > 1<<12 && k == int(s.n) { // as many as there ever were at once, and none is left
		s.recs, s.free, s.n = arena.Free(s.mem, s.recs), arena.Free(s.mem, s.free), 0
	}
	if s.waste > 1<<16 && 2*s.waste > len(s.heap) {
		s.compactHeap()
	}
	for i, set := range s.sets {
		if set.dead > 1<<10 && 2*set.dead > set.keys.n {
			s.rebuildSet(i)
		}
	}
}

// valueAt is the first word of the value of a kind that keeps one.
func (s *store) valueAt(d *aggDef) int {
	if d.kind >= kindFirst {
		return d.off + 1
	}
	return d.off
}

func (s *store) compactHeap() {
	heap := arena.Make[byte](s.mem, len(s.heap)-s.waste)[:0]
	for g := range s.n {
		r := s.rec(g)
		for i := range s.lay.aggs {
			d := &s.lay.aggs[i]
			if d.shared || d.val != valStr || r[wFlags]&d.has == 0 {
				continue
			}
			at := s.valueAt(d)
			v := s.heap[r[at] : r[at]+r[at+1]]
			r[at] = uint64(len(heap))
			heap = append(heap, v...)
		}
	}
	arena.Free(s.mem, s.heap)
	s.heap, s.waste = heap, 0
}

// rebuildSet keeps the values of live records only.
func (s *store) rebuildSet(i int) {
	old := s.sets[i]
	set := &distinctSet{keys: old.keys.like(), mem: s.mem}
	s.sets[i] = set
	for g := range s.n {
		r := s.rec(g)
		if r[wFlags]&flagLive == 0 {
			continue
		}
		for k := range s.lay.aggs {
			d := &s.lay.aggs[k]
			if d.shared || d.set != i {
				continue
			}
			values := old.list(uint32(r[d.setOff] >> 32))
			r[d.setOff] = 0
			for _, v := range values {
				set.insert(r, d.setOff, old.keys.key(v))
			}
		}
	}
	old.keys.free()
	arena.Free(s.mem, old.next)
}

// list returns the numbers of an owner's values in the order of their arrival; head is the number of the last + 1.
func (d *distinctSet) list(head uint32) []uint32 {
	var out []uint32
	for head != 0 {
		out = append(out, head-1)
		head = d.next[head-1]
	}
	slices.Reverse(out)
	return out
}

// insert adds a value to the set of record r, key is owner and value; false when it is there.
func (d *distinctSet) insert(r []uint64, off int, key []byte) bool {
	n := d.keys.n
	id := d.keys.addBytes(key)
	if d.keys.n == n {
		return false
	}
	d.next = arena.Append(d.mem, d.next, uint32(r[off]>>32))
	r[off] = uint64(id+1)<<32 | uint64(uint32(r[off])+1)
	return true
}

// ownedKey appends the key under which record r keeps a value; value starts with its tag.
func (s *store) ownedKey(dst []byte, r []uint64) []byte {
	return putU64(append(dst, 1), r[s.lay.owner])
}

// ownedPrefix is the length of the owner in such a key.
const ownedPrefix = 9

// setStr makes b the string value in the words at, at+1 of r; had says that there is one already.
func (s *store) setStr(r []uint64, at int, b []byte, had bool) {
	if had {
		old := int(r[at+1])
		if len(b) <= old {
			copy(s.heap[r[at]:], b)
			r[at+1] = uint64(len(b))
			s.waste += old - len(b)
			return
		}
		s.waste += old
	}
	r[at], r[at+1] = uint64(len(s.heap)), uint64(len(b))
	s.heap = arena.AppendAll(s.mem, s.heap, b)
}

func (s *store) str(r []uint64, at int) []byte { return s.heap[r[at] : r[at]+r[at+1]] }
