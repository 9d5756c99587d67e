package operator

import (
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// rowTable keeps one row per key, flat, in the order of the keys' first arrival. Row numbers are those of its keys.
type rowTable struct {
	schema *vector.Schema
	by     []int // key columns
	keys   *keyTable
	cols   []cells
	times  []int64
	here   []bool // false: deleted
	mem    *arena.Space
}

// cells is one column of a rowTable.
type cells struct {
	t     vector.Type
	kind  valKind
	words []uint64 // one per row, two for wide values (low, high) and strings (offset, length)
	null  []bool
	heap  []byte // strings, and nested values as keptBytes writes them
	waste int
	buf   []byte
	mem   *arena.Space
}

func newRowTable(s *vector.Schema, by []int) *rowTable {
	t := &rowTable{schema: s, by: by}
	types := make([]vector.Type, len(by))
	for i, c := range by {
		types[i] = s.Fields[c].Type
	}
	t.keys = newKeyTable(types)
	for _, f := range s.Fields {
		t.cols = append(t.cols, cells{t: f.Type, kind: valueKind(f.Type)})
	}
	return t
}

// use says where the table lies from now on.
func (t *rowTable) use(mem *arena.Space) {
	t.mem = mem
	t.keys.use(mem)
	for i := range t.cols {
		t.cols[i].mem = mem
	}
}

// free gives the memory of the table back; it must not be used any more.
func (t *rowTable) free() {
	t.keys.free()
	t.times, t.here = arena.Free(t.mem, t.times), arena.Free(t.mem, t.here)
	for i := range t.cols {
		c := &t.cols[i]
		c.words, c.null, c.heap = arena.Free(t.mem, c.words), arena.Free(t.mem, c.null), arena.Free(t.mem, c.heap)
	}
}

func (t *rowTable) stateBytes() int64 {
	n := t.keys.stateBytes() + int64(8*cap(t.times)+cap(t.here))
	for i := range t.cols {
		c := &t.cols[i]
		n += int64(8*cap(c.words) + cap(c.null) + cap(c.heap))
	}
	return n
}

// live is the number of rows.
func (t *rowTable) live() int { return t.keys.n - t.keys.gone }

// set makes row i of b the row of its key.
func (t *rowTable) set(b *vector.Batch, i int) {
	id := int(t.keys.addRow(b, t.by, i))
	if id == len(t.times) {
		t.times, t.here = arena.Append(t.mem, t.times, b.Time[i]), arena.Append(t.mem, t.here, true)
		for k := range t.cols {
			t.cols[k].add(b.Cols[k], i)
		}
		return
	}
	t.times[id] = b.Time[i]
	for k := range t.cols {
		t.cols[k].set(id, b.Cols[k], i)
	}
}

// find returns the number of the row with the key of row i of b.
func (t *rowTable) find(b *vector.Batch, i int) (uint32, bool) {
	id, found := t.keys.findRow(b, t.by, i)
	return id, found && t.here[id]
}

// appendRow appends row id to b.
func (t *rowTable) appendRow(b *vector.Batch, id uint32) {
	for k := range t.cols {
		if c := &t.cols[k]; c.null[id] {
			vector.AppendNull(b.Cols[k])
		} else {
			c.appendOne(b.Cols[k], int(id))
		}
	}
	b.Time = append(b.Time, t.times[id])
	b.Rows++
}

// remove deletes the row with the key of row i of b, if there is one.
func (t *rowTable) remove(b *vector.Batch, i int) {
	id, found := t.keys.findRow(b, t.by, i)
	if !found || t.keys.kind == keyNone && !t.here[0] {
		return
	}
	if t.keys.kind == keyNone {
		t.keys.n, t.times, t.here = 0, t.times[:0], t.here[:0]
		for k := range t.cols {
			c := &t.cols[k]
			c.words, c.null, c.heap, c.waste = c.words[:0], c.null[:0], c.heap[:0], 0
		}
		return
	}
	t.keys.remove(id)
	t.here[id] = false
	for k := range t.cols {
		t.cols[k].drop(int(id))
	}
}

// tidy drops deleted rows and overwritten strings once they are the larger part. Row numbers change.
func (t *rowTable) tidy() {
	if t.keys.gone > 1<<10 && 2*t.keys.gone > t.keys.n {
		t.compact()
	}
	for k := range t.cols {
		if c := &t.cols[k]; c.waste > 1<<16 && 2*c.waste > len(c.heap) {
			c.compact()
		}
	}
}

func (t *rowTable) compact() {
	keys := t.keys.like()
	n := 0
	for id, here := range t.here {
		if !here {
			continue
		}
		keys.addFrom(t.keys, uint32(id))
		t.times[n] = t.times[id]
		for k := range t.cols {
			t.cols[k].move(n, id)
		}
		n++
	}
	t.keys.free()
	t.keys, t.times, t.here = keys, arena.Fit(t.mem, t.times[:n]), arena.Fit(t.mem, t.here[:n])
	for i := range t.here {
		t.here[i] = true
	}
	for k := range t.cols {
		t.cols[k].cut(n)
	}
}

// width is the number of words of a value.
func (c *cells) width() int {
	if c.kind == valWord {
		return 1
	}
	return 2
}

// add appends row i of v.
func (c *cells) add(v *vector.Vector, i int) {
	c.words = arena.Append(c.mem, c.words, 0)
	if c.kind != valWord {
		c.words = arena.Append(c.mem, c.words, 0)
	}
	c.null = arena.Append(c.mem, c.null, true)
	c.set(len(c.null)-1, v, i)
}

// set makes row i of v the value of row id.
func (c *cells) set(id int, v *vector.Vector, i int) {
	c.drop(id)
	if v.Null(i) || v.Type.Phys() == vector.PhysNone {
		return
	}
	c.null[id] = false
	switch c.kind {
	case valWord:
		c.words[id] = rawWord(v, i)
	case valWide:
		c.words[2*id], c.words[2*id+1] = v.I128[i].Lo, uint64(v.I128[i].Hi)
	case valStr:
		b := keptBytes(&c.buf, v, i)
		c.words[2*id], c.words[2*id+1] = uint64(len(c.heap)), uint64(len(b))
		c.heap = arena.AppendAll(c.mem, c.heap, b)
	}
}

// drop makes the value of row id null.
func (c *cells) drop(id int) {
	if c.kind == valStr && !c.null[id] {
		c.waste += int(c.words[2*id+1])
	}
	c.null[id] = true
	for k := range c.width() {
		c.words[c.width()*id+k] = 0
	}
}

func (c *cells) move(to, from int) {
	w := c.width()
	copy(c.words[w*to:w*to+w], c.words[w*from:])
	c.null[to] = c.null[from]
}

func (c *cells) cut(n int) {
	c.words, c.null = arena.Fit(c.mem, c.words[:n*c.width()]), arena.Fit(c.mem, c.null[:n])
}

func (c *cells) compact() {
	heap := arena.Make[byte](c.mem, len(c.heap)-c.waste)[:0]
	for id, null := range c.null {
		if !null {
			v := c.str(id)
			c.words[2*id] = uint64(len(heap))
			heap = append(heap, v...)
		}
	}
	arena.Free(c.mem, c.heap)
	c.heap, c.waste = heap, 0
}

func (c *cells) str(id int) []byte { return c.heap[c.words[2*id] : c.words[2*id]+c.words[2*id+1]] }

// rawWord is word without making doubles canonical: values come out as they went in.
func rawWord(v *vector.Vector, i int) uint64 {
	if v.Type.Phys() == vector.PhysF64 {
		return float64Bits(v.F64[i])
	}
	return word(v, i)
}

// appendTo appends the values of the rows ids to v.
func (c *cells) appendTo(v *vector.Vector, ids []uint32) {
	for _, id := range ids {
		if c.null[id] {
			vector.AppendNull(v)
			continue
		}
		c.appendOne(v, int(id))
	}
}

func (c *cells) appendOne(v *vector.Vector, id int) {
	switch c.kind {
	case valWord:
		appendWord(v, c.words[id])
	case valWide:
		v.I128 = append(v.I128, vector.Int128{Lo: c.words[2*id], Hi: int64(c.words[2*id+1])})
		vector.SetLen(v, v.Len+1)
	case valStr:
		appendKept(v, c.str(id))
	}
}

// each emits the rows in order, in batches.
func (t *rowTable) each(emit Emit) {
	ids := make([]uint32, 0, outRows)
	send := func() {
		if len(ids) == 0 {
			return
		}
		b := vector.NewBatch(t.schema, len(ids))
		for k := range t.cols {
			t.cols[k].appendTo(b.Cols[k], ids)
		}
		for _, id := range ids {
			b.Time = append(b.Time, t.times[id])
		}
		b.Rows = len(ids)
		emit(b)
		ids = ids[:0]
	}
	for id, here := range t.here {
		if !here {
			continue
		}
		if ids = append(ids, uint32(id)); len(ids) == outRows {
			send()
		}
	}
	send()
}

// snapshot appends the rows in order.
func (t *rowTable) snapshot(dst []byte) []byte {
	dst = putU64(dst, uint64(t.live()))
	one := make([]uint32, 1)
	row := make([]*vector.Vector, len(t.cols))
	for i := range row {
		row[i] = vector.NewVector(t.cols[i].t, 1)
	}
	for id, here := range t.here {
		if !here {
			continue
		}
		one[0] = uint32(id)
		dst = putI64(dst, t.times[id])
		for k := range t.cols {
			vector.Reset(row[k])
			t.cols[k].appendTo(row[k], one)
			dst = appendRaw(dst, row[k], 0)
		}
	}
	return dst
}

// restore reads the rows back.
func (t *rowTable) restore(r *reader) {
	fresh := newRowTable(t.schema, t.by)
	fresh.use(t.mem)
	n := r.count(8)
	b := vector.NewBatch(t.schema, 1)
	b.Rows, b.Time = 1, []int64{0}
	for range n {
		if !readRow(r, b) {
			return
		}
		before := fresh.keys.n
		if fresh.set(b, 0); fresh.keys.n == before {
			r.fail("key twice")
			return
		}
	}
	t.free()
	*t = *fresh
}
