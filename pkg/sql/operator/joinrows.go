package operator

import (
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// A chunk of joinRows holds 1<<rowBits rows at most; row numbers are below 1<<31, so that a reference has a bit left.
const (
	rowBits   = 12
	rowsChunk = 1 << rowBits
	chunkMask = 1<<(31-rowBits) - 1
)

// noKey is the key number of a row that joins nothing, goneKey that of one that was taken out.
const (
	noKey   = ^uint32(0)
	goneKey = noKey - 1
)

// joinRows keeps rows of one side of a join as columns, in chunks, in the order in which they came, each with what the
// join knows about it. A row keeps its number until compact. Whole chunks can be dropped; a number of a row in one
// finds nothing any more.
type joinRows struct {
	schema *vector.Schema
	chunks []*joinChunk // nil: dropped
	base   uint32       // number of the first chunk
	live   int
	gone   int   // rows that were taken out of chunks that are there
	least  int   // rows gone that are worth a compact
	oldest int64 // no chunk ends below this time; NoTime: not known
	mem    *arena.Space
}

type joinChunk struct {
	cols []*vector.Vector
	meta []rowMeta
	// The times of its rows are within these bounds.
	minTime, maxTime int64
	block            *arena.Block // once it takes no more rows
}

// rowMeta is what a join knows about a row. Links are row numbers + 1, 0 is none.
type rowMeta struct {
	time       int64
	seq        uint64 // place of the row among all that came
	next, prev uint32 // neighbours in the chain of its key
	key        uint32 // number of its key
	hits       int32  // partners, where the join counts them
	negative   bool   // taken back before it came
}

func newJoinRows(s *vector.Schema) *joinRows {
	return &joinRows{schema: s, least: rowsChunk, oldest: vector.NoTime}
}

// chunk returns the chunk of row id, nil if it was dropped.
func (s *joinRows) chunk(id uint32) *joinChunk {
	c := (id>>rowBits - s.base) & chunkMask
	if int(c) >= len(s.chunks) {
		return nil
	}
	return s.chunks[c]
}

// at returns what is known about row id, nil if its chunk was dropped.
func (s *joinRows) at(id uint32) *rowMeta {
	c := s.chunk(id)
	if c == nil {
		return nil
	}
	return &c.meta[id&(rowsChunk-1)]
}

// room returns the last chunk with room for n rows more (at most a chunk's), and the number of its next row.
func (s *joinRows) room(n int) (*joinChunk, uint32) {
	last := len(s.chunks) - 1
	if last < 0 || s.chunks[last] == nil || len(s.chunks[last].meta)+n > rowsChunk {
		s.seal(last)
		s.chunks = append(s.chunks, s.open(n, last))
		s.oldest = vector.NoTime
		last++
	}
	c := s.chunks[last]
	return c, ((s.base+uint32(last))&chunkMask)<<rowBits | uint32(len(c.meta))
}

// open makes a chunk for n rows, or for as many as the chunk before it had.
func (s *joinRows) open(n, before int) *joinChunk {
	c := &joinChunk{minTime: vector.MaxTime, maxTime: vector.NoTime}
	var like *joinChunk
	if before >= 0 && s.chunks[before] != nil {
		like = s.chunks[before]
		n = max(n, len(like.meta))
	}
	for k, f := range s.schema.Fields {
		v := vector.NewVector(f.Type, n)
		if like != nil && like.cols[k].Codes == nil && len(like.cols[k].Data) > 0 {
			v.Data = make([]byte, 0, len(like.cols[k].Data)+len(like.cols[k].Data)/32)
		}
		c.cols = append(c.cols, v)
	}
	c.meta = make([]rowMeta, 0, n)
	return c
}

// seal moves a chunk that takes no more rows to where the state lies.
func (s *joinRows) seal(at int) {
	if s.mem == nil || at < 0 || s.chunks[at] == nil {
		return
	}
	c := s.chunks[at]
	size := arena.BlockBytes[rowMeta](len(c.meta))
	for _, v := range c.cols {
		size += blockBytes(v)
	}
	c.block = s.mem.Keep(size)
	c.meta = arena.Put(c.block, c.meta)
	for _, v := range c.cols {
		putVector(c.block, v)
	}
}

// add keeps the rows idx of b and appends their numbers to ids. seq is that of the first.
func (s *joinRows) add(b *vector.Batch, idx []uint32, seq uint64, ids []uint32) []uint32 {
	for len(idx) > 0 {
		n := min(len(idx), rowsChunk)
		c, id := s.room(n)
		part := idx[:n]
		if n == b.Rows {
			part = nil
		}
		for k, v := range c.cols {
			vector.Append(v, b.Cols[k], part)
		}
		for k, i := range idx[:n] {
			t := b.Time[i]
			c.minTime, c.maxTime = min(c.minTime, t), max(c.maxTime, t)
			c.meta = append(c.meta, rowMeta{time: t, seq: seq, key: noKey})
			ids = append(ids, id+uint32(k))
			seq++
		}
		s.live += n
		idx = idx[n:]
	}
	return ids
}

// take takes row id out; its values can be read until compact.
func (s *joinRows) take(id uint32) {
	m := s.at(id)
	m.key, m.next, m.prev = goneKey, 0, 0
	s.live--
	s.gone++
}

// each calls f for the rows that are there, in the order of their numbers.
func (s *joinRows) each(f func(id uint32, c *joinChunk, m *rowMeta)) {
	for k, c := range s.chunks {
		if c == nil {
			continue
		}
		first := ((s.base + uint32(k)) & chunkMask) << rowBits
		for i := range c.meta {
			if c.meta[i].key != goneKey {
				f(first+uint32(i), c, &c.meta[i])
			}
		}
	}
}

// dropBefore drops the chunks all of whose rows have a time below t, and returns the number of rows that were there.
func (s *joinRows) dropBefore(t int64) int {
	n := 0
	if t <= s.oldest {
		return 0
	}
	s.oldest = vector.MaxTime
	for k, c := range s.chunks {
		if c == nil {
			continue
		}
		if c.maxTime >= t {
			s.oldest = min(s.oldest, c.maxTime)
			continue
		}
		for i := range c.meta {
			if c.meta[i].key == goneKey {
				s.gone--
			} else {
				n++
			}
		}
		s.mem.Release(c.block)
		s.chunks[k] = nil
	}
	s.live -= n
	done := 0
	for done < len(s.chunks) && s.chunks[done] == nil {
		done++
	}
	s.base = (s.base + uint32(done)) & chunkMask
	if done == len(s.chunks) {
		s.chunks = s.chunks[:0]
	} else {
		s.chunks = append(s.chunks[:0], s.chunks[done:]...)
	}
	return n
}

// worthCompacting reports whether most of the rows are gone.
func (s *joinRows) worthCompacting() bool { return s.gone > s.least && s.gone > s.live }

// compact drops the rows that are gone. move maps the old numbers of the others to the new ones.
func (s *joinRows) compact() (move func(uint32) uint32) {
	old := *s
	*s = *newJoinRows(old.schema)
	s.least, s.mem = old.least, old.mem
	moved := make([]uint32, len(old.chunks)<<rowBits)
	var idx []uint32
	for k, c := range old.chunks {
		if c == nil {
			continue
		}
		idx = idx[:0]
		for i := range c.meta {
			if c.meta[i].key != goneKey {
				idx = append(idx, uint32(i))
			}
		}
		s.moveIn(c, idx, moved[k<<rowBits:])
		s.mem.Release(c.block)
		old.chunks[k] = nil
	}
	move = func(id uint32) uint32 { return moved[(id>>rowBits-old.base)&chunkMask<<rowBits|id&(rowsChunk-1)] }
	s.each(func(_ uint32, _ *joinChunk, m *rowMeta) {
		if m.next != 0 {
			m.next = move(m.next-1) + 1
		}
		if m.prev != 0 {
			m.prev = move(m.prev-1) + 1
		}
	})
	return move
}

// moveIn appends the rows idx of a chunk of another store; moved is their new numbers by row.
func (s *joinRows) moveIn(from *joinChunk, idx, moved []uint32) {
	for len(idx) > 0 {
		n := len(idx)
		if last := len(s.chunks) - 1; last >= 0 && len(s.chunks[last].meta) < rowsChunk {
			n = min(n, rowsChunk-len(s.chunks[last].meta))
		}
		c, id := s.room(n)
		for k, v := range c.cols {
			vector.Append(v, from.cols[k], idx[:n])
		}
		for k, i := range idx[:n] {
			m := from.meta[i]
			c.minTime, c.maxTime = min(c.minTime, m.time), max(c.maxTime, m.time)
			c.meta = append(c.meta, m)
			moved[i] = id + uint32(k)
		}
		s.live += n
		idx = idx[n:]
	}
}

// metaBytes is the size of a rowMeta.
const metaBytes = 40

func (s *joinRows) stateBytes() int64 {
	n := int64(0)
	for _, c := range s.chunks {
		if c == nil {
			continue
		}
		n += int64(metaBytes * cap(c.meta))
		for _, v := range c.cols {
			n += vectorBytes(v)
		}
	}
	return n
}

// putRow appends the time and the values of row i of a chunk to a snapshot.
func (c *joinChunk) putRow(dst []byte, i uint32) []byte {
	dst = putI64(dst, c.meta[i].time)
	for _, v := range c.cols {
		dst = appendRaw(dst, v, int(i))
	}
	return dst
}

// rowReader adds the rows of a snapshot to a store.
type rowReader struct {
	rows *joinRows
	b    *vector.Batch
	ids  []uint32
}

func newRowReader(s *joinRows) *rowReader {
	r := &rowReader{rows: s, b: vector.NewBatch(s.schema, 1)}
	r.b.Rows, r.b.Time = 1, []int64{0}
	return r
}

// firstRow is the index of the only row of a batch.
var firstRow = []uint32{0}

// read adds the row at the front of the snapshot; nil when it is not whole. b holds it until the next call.
func (r *rowReader) read(src *reader, seq uint64) (uint32, *rowMeta) {
	if !readRow(src, r.b) {
		return 0, nil
	}
	r.ids = r.rows.add(r.b, firstRow, seq, r.ids[:0])
	return r.ids[0], r.rows.at(r.ids[0])
}
