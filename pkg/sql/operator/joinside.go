package operator

import (
	"cmp"
	"errors"
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// joinSide is the rows of one side of a join that are changed one by one. With a primary key a row replaces the one
// with its key and takes its place; without, rows are a bag, in which a row that is taken back before it came counts
// negative.
type joinSide struct {
	*joinRows
	side     int
	keys     *joinKeys
	pk       []int // nil: a bag
	pks      *keyTable
	byPK     []uint32 // by number of the primary key: row + 1, 0 none
	seq      uint64
	negative int
	open     int // rows with a null in their key that may be any value
}

func newJoinSide(s *vector.Schema, side int, keys *joinKeys, pk []int) (*joinSide, error) {
	j := &joinSide{joinRows: newJoinRows(s), side: side, keys: keys, pk: pk}
	if pk == nil {
		return j, nil
	}
	types := make([]vector.Type, len(pk))
	for i, c := range pk {
		if c < 0 || c >= len(s.Fields) {
			return nil, errors.New("a primary key column that the table does not have")
		}
		types[i] = s.Fields[c].Type
	}
	j.pks = newKeyTable(types)
	return j, nil
}

// current returns the row with the primary key of row i of b, number + 1.
func (s *joinSide) current(b *vector.Batch, i int) uint32 {
	if id, found := s.pks.findRow(b, s.pk, i); found {
		return s.byPK[id]
	}
	return 0
}

// put lets row id, which is row i of b, take effect under a key (noKey: it joins nothing). It takes the place of the
// row old - 1, which replace has taken out; 0: a new place.
func (s *joinSide) put(b *vector.Batch, i int, id, key uint32) {
	if s.pk != nil {
		n := s.pks.addRow(b, s.pk, i)
		for int(n) >= len(s.byPK) {
			s.byPK = arena.Append(s.mem, s.byPK, 0)
		}
		s.byPK[n] = id + 1
	}
	if key == noKey {
		return
	}
	if s.keys.open(s.side, b, i) {
		s.open++
	}
	s.keys.link(s.side, s.joinRows, key, id)
}

// forget takes row id out.
func (s *joinSide) forget(id uint32) {
	c, i := s.chunk(id), int(id&(rowsChunk-1))
	stored := vector.Batch{Cols: c.cols}
	m := &c.meta[i]
	if s.pk != nil {
		if n, found := s.pks.findRow(&stored, s.pk, i); found {
			s.byPK[n] = 0
			if s.pks.kind != keyNone {
				s.pks.remove(n)
			}
		}
	}
	if m.negative {
		s.negative--
	}
	if m.key != noKey && s.keys.open(s.side, &stored, i) {
		s.open--
	}
	s.keys.unlink(s.side, s.joinRows, id)
	s.take(id)
}

// equal returns the first row under a key that has the values of row i of b, number + 1, among the negative ones or the
// others.
func (s *joinSide) equal(b *vector.Batch, i int, key uint32, negative bool) uint32 {
	if key == noKey {
		return 0
	}
	for at := s.keys.ends[s.side][key].first; at != 0; {
		c, k := s.chunk(at-1), int((at-1)&(rowsChunk-1))
		m := &c.meta[k]
		if m.negative == negative && sameRow(c.cols, k, b.Cols, i) {
			return at
		}
		at = m.next
	}
	return 0
}

func sameRow(a []*vector.Vector, i int, b []*vector.Vector, k int) bool {
	for c := range a {
		if !vector.Equal(a[c], i, b[c], k) {
			return false
		}
	}
	return true
}

// addNegative keeps row i of b as one that was taken back before it came.
func (s *joinSide) addNegative(b *vector.Batch, i, key uint32, seq uint64) *rowMeta {
	ids := s.add(b, []uint32{i}, seq, nil)
	s.negative++
	m := s.at(ids[0])
	m.negative = true
	s.put(b, int(i), ids[0], key)
	return m
}

// matching appends the rows, number + 1, that row i of the columns of the other side may join under its key, in the
// order of their places; with nulls that may be any value, those with such a value come last.
func (s *joinSide) matching(cols []*vector.Vector, i int, key uint32, dst []uint32) []uint32 {
	if s.keys.wild {
		return s.matchingNulls(&vector.Batch{Cols: cols}, i, key, dst)
	}
	if key == noKey {
		return dst
	}
	return s.chain(key, dst)
}

func (s *joinSide) chain(key uint32, dst []uint32) []uint32 {
	for at := s.keys.ends[s.side][key].first; at != 0; {
		dst = append(dst, at)
		at = s.at(at - 1).next
	}
	return dst
}

// matchingNulls is matching where a null in the last key column may be any value.
func (s *joinSide) matchingNulls(b *vector.Batch, i int, key uint32, dst []uint32) []uint32 {
	other := 1 - s.side
	switch {
	case s.keys.barren(other, b, i):
		return dst
	case s.keys.open(other, b, i):
		return s.matchingAny(b, i, dst)
	}
	if key != noKey {
		dst = s.chain(key, dst)
	}
	if s.open > 0 {
		if k, found := s.keys.openKey(other, b, i); found {
			dst = s.chain(k, dst)
		}
	}
	return dst
}

// matchingAny appends the rows whose key columns but the last are those of row i of the other side.
func (s *joinSide) matchingAny(b *vector.Batch, i int, dst []uint32) []uint32 {
	mine, theirs, from := s.keys.cols[s.side], s.keys.cols[1-s.side], len(dst)
	s.each(func(id uint32, c *joinChunk, m *rowMeta) {
		if m.key == noKey {
			return
		}
		for n, k := range theirs[:len(theirs)-1] {
			if !vector.Equal(b.Cols[k], i, c.cols[mine[n]], int(id&(rowsChunk-1))) {
				return
			}
		}
		dst = append(dst, id+1)
	})
	s.sort(dst[from:])
	return dst
}

// sort orders rows, number + 1, by their places.
func (s *joinSide) sort(rows []uint32) {
	slices.SortFunc(rows, func(a, b uint32) int { return cmp.Compare(s.at(a-1).seq, s.at(b-1).seq) })
}

// expire forgets the rows with a time below t.
func (s *joinSide) expire(t int64) {
	for k, c := range s.chunks {
		if c == nil || c.minTime >= t {
			continue
		}
		first := ((s.base + uint32(k)) & chunkMask) << rowBits
		c.minTime = vector.MaxTime
		for i := range c.meta {
			m := &c.meta[i]
			switch {
			case m.key == goneKey:
			case m.time < t:
				s.forget(first + uint32(i))
			default:
				c.minTime = min(c.minTime, m.time)
			}
		}
	}
}

// tidy drops what is gone once it is the larger part; true: row numbers have changed.
func (s *joinSide) tidy() bool {
	if !s.worthCompacting() {
		return false
	}
	move := s.compact()
	s.keys.moved(s.side, move)
	if s.pk == nil {
		return true
	}
	pks := s.pks.like()
	var byPK []uint32
	for id, row := range s.byPK {
		if row != 0 {
			pks.addFrom(s.pks, uint32(id))
			byPK = arena.Append(s.mem, byPK, move(row-1)+1)
		}
	}
	s.pks.free()
	arena.Free(s.mem, s.byPK)
	s.pks, s.byPK = pks, byPK
	return true
}

// snapshot appends the rows by their places.
func (s *joinSide) snapshot(dst []byte) []byte {
	dst = putU64(putU64(dst, s.seq), uint64(s.live))
	list, last, sorted := make([]uint32, 0, s.live), uint64(0), true
	s.each(func(id uint32, _ *joinChunk, m *rowMeta) {
		list = append(list, id+1)
		sorted = sorted && m.seq >= last
		last = m.seq
	})
	if !sorted {
		s.sort(list)
	}
	for _, at := range list {
		c, i := s.chunk(at-1), (at-1)&(rowsChunk-1)
		m := &c.meta[i]
		dst = putU32(putBool(putU64(dst, m.seq), m.negative), uint32(m.hits))
		dst = c.putRow(dst, i)
	}
	return dst
}

// restore takes the rows of a snapshot into an empty side.
func (s *joinSide) restore(r *reader) {
	s.seq = r.u64()
	in := newRowReader(s.joinRows)
	gid := []uint32{0}
	for range r.count(21) {
		seq, negative, hits := r.u64(), r.bool(), r.u32()
		id, m := in.read(r, seq)
		if r.err != nil {
			return
		}
		if s.pk != nil && (negative || s.current(in.b, 0) != 0) {
			r.fail("primary key")
			return
		}
		if m.negative, m.hits = negative, int32(hits); negative {
			s.negative++
		}
		gid[0] = noKey
		if !s.keys.barren(s.side, in.b, 0) {
			s.keys.lookup(s.side, in.b, rows{firstRow, gid})
		}
		s.put(in.b, 0, id, gid[0])
	}
}

func (s *joinSide) stateBytes() int64 {
	n := s.joinRows.stateBytes() + int64(4*cap(s.byPK))
	if s.pks != nil {
		n += s.pks.stateBytes()
	}
	return n
}
