package operator

import (
	"cmp"
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// waiting is rows that wait for the watermark, in columns as they came, with a list of them by (time, arrival).
type waiting struct {
	schema *vector.Schema
	chunks []*chunk // by number - base
	base   uint32
	list   []waiter
	fresh  []waiter
	mem    *arena.Space
}

// chunk is rows in the order of arrival.
type chunk struct {
	b    *vector.Batch
	left int          // rows that still wait
	kept *arena.Block // once it takes no more rows
}

// waiter is one row: row of chunk number chunk. The pair grows with arrival.
type waiter struct {
	time       int64
	chunk, row uint32
}

// chunkRows is when a new chunk begins.
const chunkRows = 4096

func compareWaiters(a, b waiter) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.chunk, b.chunk), cmp.Compare(a.row, b.row))
}

// add keeps the rows idx of b.
func (w *waiting) add(b *vector.Batch, idx []uint32) {
	if len(idx) == 0 {
		return
	}
	if len(w.chunks) == 0 || w.chunks[len(w.chunks)-1].b.Rows >= chunkRows {
		w.seal()
		w.chunks = append(w.chunks, &chunk{b: vector.NewBatch(w.schema, 0)})
	}
	c := w.chunks[len(w.chunks)-1]
	number := w.base + uint32(len(w.chunks)-1)
	w.fresh = w.fresh[:0]
	for k, i := range idx {
		w.fresh = append(w.fresh, waiter{b.Time[i], number, uint32(c.b.Rows + k)})
	}
	for k, v := range c.b.Cols {
		keep(v, b.Cols[k], idx)
	}
	c.b.Rows += len(idx)
	c.left += len(idx)
	w.merge()
}

// seal moves the last chunk, which takes no more rows, to where the state lies.
func (w *waiting) seal() {
	if w.mem == nil || len(w.chunks) == 0 {
		return
	}
	c, size := w.chunks[len(w.chunks)-1], int64(0)
	for _, v := range c.b.Cols {
		size += blockBytes(v)
	}
	c.kept = w.mem.Keep(size)
	for _, v := range c.b.Cols {
		putVector(c.kept, v)
	}
}

// keep appends rows of src to a vector that outlives the call: a dictionary that is shared at first is copied.
func keep(dst, src *vector.Vector, idx []uint32) {
	vector.Append(dst, src, idx)
	if dst.Codes != nil && len(dst.Offs) > 0 && len(src.Offs) > 0 && &dst.Offs[0] == &src.Offs[0] {
		dst.Offs, dst.Data = slices.Clone(dst.Offs), slices.Clone(dst.Data)
	}
}

// merge puts the fresh rows into the list; rows in order only append.
func (w *waiting) merge() {
	slices.SortFunc(w.fresh, compareWaiters)
	if n := len(w.list); n == 0 || w.list[n-1].time <= w.fresh[0].time {
		w.list = arena.AppendAll(w.mem, w.list, w.fresh)
		return
	}
	at, _ := slices.BinarySearchFunc(w.list, w.fresh[0], compareWaiters)
	tail := slices.Clone(w.list[at:])
	w.list = w.list[:at]
	for i, k := 0, 0; i < len(tail) || k < len(w.fresh); {
		if k == len(w.fresh) || i < len(tail) && compareWaiters(tail[i], w.fresh[k]) < 0 {
			w.list = arena.Append(w.mem, w.list, tail[i])
			i++
			continue
		}
		w.list = arena.Append(w.mem, w.list, w.fresh[k])
		k++
	}
}

// due is the number of rows with a time below wm.
func (w *waiting) due(wm int64) int {
	if wm == vector.MaxTime {
		return len(w.list)
	}
	n, _ := slices.BinarySearchFunc(w.list, wm, func(x waiter, t int64) int { return cmp.Compare(x.time, t) })
	return n
}

func (w *waiting) chunk(x waiter) *vector.Batch { return w.chunks[x.chunk-w.base].b }

// gather appends the rows to b.
func (w *waiting) gather(b *vector.Batch, rows []waiter) {
	var sel []uint32
	for i := 0; i < len(rows); {
		first := rows[i].chunk
		sel = sel[:0]
		for ; i < len(rows) && rows[i].chunk == first; i++ {
			sel = append(sel, rows[i].row)
			b.Time = append(b.Time, rows[i].time)
		}
		src := w.chunks[first-w.base].b
		for k, v := range src.Cols {
			vector.Append(b.Cols[k], v, sel)
		}
	}
	b.Rows += len(rows)
}

// drop forgets the first n rows.
func (w *waiting) drop(n int) {
	for _, x := range w.list[:n] {
		w.chunks[x.chunk-w.base].left--
	}
	w.list = arena.Fit(w.mem, slices.Delete(w.list, 0, n))
	done := 0
	for done < len(w.chunks)-1 && w.chunks[done].left == 0 {
		done++
	}
	if done == len(w.chunks)-1 && w.chunks[done].left == 0 {
		done++
	}
	for _, c := range w.chunks[:done] {
		w.mem.Release(c.kept)
	}
	w.base += uint32(done)
	w.chunks = slices.Delete(w.chunks, 0, done)
}

func (w *waiting) stateBytes() int64 {
	n := int64(16 * cap(w.list))
	for _, c := range w.chunks {
		for _, v := range c.b.Cols {
			n += vectorBytes(v)
		}
	}
	return n
}

func vectorBytes(v *vector.Vector) int64 {
	n := int64(8*cap(v.Valid) + cap(v.Bool) + 8*cap(v.I64) + 8*cap(v.F64) + 16*cap(v.I128) + 4*cap(v.Codes) +
		4*cap(v.Offs) + cap(v.Data))
	for _, k := range v.Kids {
		n += vectorBytes(k)
	}
	return n
}

// snapshot appends the rows by (time, arrival).
func (w *waiting) snapshot(dst []byte) []byte {
	dst = putU64(dst, uint64(len(w.list)))
	for _, x := range w.list {
		dst = putI64(dst, x.time)
		for _, v := range w.chunk(x).Cols {
			dst = appendRaw(dst, v, int(x.row))
		}
	}
	return dst
}

func (w *waiting) restore(r *reader) {
	*w = waiting{schema: w.schema, mem: w.mem}
	b := vector.NewBatch(w.schema, 1)
	b.Rows, b.Time = 1, []int64{0}
	for range r.count(8) {
		if !readRow(r, b) {
			return
		}
		w.add(b, []uint32{0})
	}
}
