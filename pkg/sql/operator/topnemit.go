package operator

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// shown appends the rows of a partition that count, with their numbers.
func (t *topN) shown(dst []topShown, part *topPart) []topShown {
	n, number, rank := int64(0), int64(0), int64(0)
	var last *sortRow
	part.list.each(func(x *uint32) bool {
		r := &t.recs[*x]
		n++
		if t.spec.Rank != RowNumber {
			if last == nil || !bytes.Equal(t.sortKeyOf(last), t.sortKeyOf(r)) {
				rank++
				number = n
			}
			last = r
		}
		switch t.spec.Rank {
		case RowNumber:
			number = n
		case DenseRank:
			number = rank
		case RankWithGaps:
		}
		if number > t.spec.N {
			return false
		}
		dst = append(dst, topShown{*x, number})
		return true
	})
	return dst
}

// Flush tells what became of the partitions that changed in this step, in the order of their first change: what is
// deleted, then what is inserted.
func (t *topN) Flush(_ *Context, emit Emit) {
	for _, c := range t.change {
		t.tell(c)
		if t.out.Rows >= outRows {
			sendChanges(t.out, emit)
		}
	}
	sendChanges(t.out, emit)
	for _, c := range t.change {
		part := &t.parts[c.part]
		part.touch = 0
		if part.list.n == 0 {
			t.forget(c.part)
		}
	}
	t.change, t.old = t.change[:0], t.old[:0]
	for _, rec := range t.rows.kept {
		t.release(rec)
	}
	t.rows.kept = t.rows.kept[:0]
	t.tidy()
}

// tell emits the difference between what readers have of a partition and what is there.
func (t *topN) tell(c topTouch) {
	was := t.old[c.from:c.to]
	t.cur = t.shown(t.cur[:0], &t.parts[c.part])
	if t.over != nil {
		t.over.tell(was, t.cur)
		return
	}
	for _, fresh := range []bool{false, true} {
		i, k := 0, 0
		for i < len(was) || k < len(t.cur) {
			var order int
			switch {
			case i == len(was):
				order = 1
			case k == len(t.cur):
				order = -1
			default:
				order = t.compare(&t.recs[was[i].rec], &t.recs[t.cur[k].rec])
			}
			switch {
			case order < 0:
				t.emit(was[i], vector.Delete, !fresh)
				i++
			case order > 0:
				t.emit(t.cur[k], vector.Insert, fresh)
				k++
			default:
				if t.spec.Number && was[i].number != t.cur[k].number {
					t.emit(was[i], vector.Delete, !fresh)
					t.emit(t.cur[k], vector.Insert, fresh)
				}
				i, k = i+1, k+1
			}
		}
	}
}

func (t *topN) emit(s topShown, op vector.Op, wanted bool) {
	if !wanted {
		return
	}
	r := &t.recs[s.rec]
	front := *t.out
	front.Cols = t.out.Cols[:len(t.in.Fields)]
	decodeRow(&front, t.valuesOf(r))
	if t.spec.Number {
		appendWord(t.out.Cols[len(t.in.Fields)], uint64(s.number))
	}
	t.out.Rows++
	t.out.Time, t.out.Ops = append(t.out.Time, r.time), append(t.out.Ops, op)
}

// forget takes an empty partition out of the table; its number is not used again until tidy.
func (t *topN) forget(p uint32) {
	if t.keys.kind == keyNone || t.spec.WindowEnd >= 0 { // partitions of a window are forgotten with it
		return
	}
	t.keys.remove(p)
	t.parts[p] = topPart{limit: math.MaxUint64}
}

// window returns the window that ends at end.
func (t *topN) window(end int64) *topWindow {
	i, found := slices.BinarySearchFunc(t.wins, end, func(w topWindow, e int64) int { return cmp.Compare(w.end, e) })
	if !found {
		t.wins = slices.Insert(t.wins, i, topWindow{end: end, least: vector.MaxTime})
	}
	return &t.wins[i]
}

// Advance forgets the windows that end at wm or before, and with Final emits their rows; without windows those of all
// partitions at the end of the input.
func (t *topN) Advance(ctx *Context, wm int64, emit Emit) int64 {
	t.Flush(ctx, emit)
	t.wm = max(t.wm, wm)
	if t.spec.WindowEnd < 0 {
		switch {
		case !t.spec.Final:
			return wm
		case wm == vector.MaxTime:
			t.final(t.keys.live(), emit)
			return wm
		default:
			return vector.NoTime
		}
	}
	n := 0
	for ; n < len(t.wins) && t.wins[n].end <= wm; n++ {
		if t.spec.Final {
			t.final(t.wins[n].parts, emit)
		}
		for _, p := range t.wins[n].parts {
			t.clear(p)
		}
	}
	t.wins = slices.Delete(t.wins, 0, n)
	t.tidy()
	if t.spec.Final && wm != vector.MaxTime {
		for _, w := range t.wins {
			wm = min(wm, w.least)
		}
	}
	return wm
}

// final emits the rows of partitions.
func (t *topN) final(parts []uint32, emit Emit) {
	for _, p := range parts {
		if int(p) >= len(t.parts) {
			continue
		}
		t.cur = t.shown(t.cur[:0], &t.parts[p])
		if t.over != nil {
			t.over.final(t.cur, func() {
				if t.out.Rows >= outRows {
					sendInserts(t.out, emit)
				}
			})
			continue
		}
		for _, s := range t.cur {
			t.emit(s, vector.Insert, true)
			if t.out.Rows >= outRows {
				sendInserts(t.out, emit)
			}
		}
	}
	sendInserts(t.out, emit)
}

// sendInserts is sendChanges of rows that are all inserts.
func sendInserts(out *vector.Batch, emit Emit) {
	if out.Rows == 0 {
		return
	}
	b := *out
	b.Ops = nil
	emit(&b)
	resetBatch(out)
}

// clear forgets a partition and its rows.
func (t *topN) clear(p uint32) {
	t.parts[p].list.each(func(x *uint32) bool {
		if t.keyed != nil {
			t.forgetKey(&t.recs[*x])
		}
		t.release(*x)
		return true
	})
	t.parts[p] = topPart{limit: math.MaxUint64}
	if t.keys.kind != keyNone {
		t.keys.remove(p)
	}
}

// forgetKey forgets where the row of a key is.
func (t *topN) forgetKey(r *sortRow) {
	b := vector.NewBatch(t.in, 1)
	decodeRow(b, t.valuesOf(r))
	if id, found := t.keyed.findRow(b, t.spec.Key, 0); found {
		t.where[id] = topPlace{}
		if t.keyed.kind != keyNone {
			t.keyed.remove(id)
		}
	}
}

// Scan emits the rows that count.
func (t *topN) Scan(emit Emit) { t.final(t.keys.live(), emit) }

// tidy drops what is not used any more once that is the larger part.
func (t *topN) tidy() {
	t.bytes.tidy(t.recs)
	if t.keys.gone > 1<<10 && 2*t.keys.gone > t.keys.n {
		t.renumber()
	}
	if k := t.keyed; k != nil && k.gone > 1<<10 && 2*k.gone > k.n {
		t.keyed = k.like()
		var where []topPlace
		for _, id := range k.live() {
			t.keyed.addFrom(k, id)
			where = arena.Append(t.mem, where, t.where[id])
		}
		k.free()
		arena.Free(t.mem, t.where)
		t.where = where
	}
}

// renumber numbers the partitions anew.
func (t *topN) renumber() {
	old := t.keys
	t.keys = old.like()
	to := make([]uint32, old.n)
	var parts []topPart
	for _, id := range old.live() {
		to[id] = t.keys.addFrom(old, id)
		parts = append(parts, t.parts[id])
	}
	old.free()
	t.parts = parts
	for i := range t.where {
		if p := t.where[i].part; p > 0 {
			t.where[i].part = to[p-1] + 1
		}
	}
	for i := range t.wins {
		for k, p := range t.wins[i].parts {
			t.wins[i].parts[k] = to[p]
		}
	}
}

// StateBytes is the memory of rows and partitions.
func (t *topN) StateBytes() int64 {
	n := t.keys.stateBytes() + t.size + int64(64*cap(t.parts)+32*cap(t.recs)+4*cap(t.free)+t.owed.size) + t.bytes.size
	if t.keyed != nil {
		n += t.keyed.stateBytes() + int64(8*cap(t.where))
	}
	return n
}

// Snapshot is the partitions by first arrival with their rows. It is taken between steps.
func (t *topN) Snapshot(dst []byte) []byte {
	ids := t.keys.live()
	dst = putU64(putU64(putI64(dst, t.wm), t.seq), uint64(len(ids)))
	for _, p := range ids {
		dst = t.keys.putKey(dst, p)
		list := &t.parts[p].list
		dst = putU64(dst, uint64(list.n))
		list.each(func(x *uint32) bool {
			r := &t.recs[*x]
			dst = putBytes(putI64(putU64(dst, r.seq), r.time), t.valuesOf(r))
			return true
		})
	}
	dst = putU64(dst, uint64(len(t.wins)))
	for _, w := range t.wins {
		dst = putI64(putI64(dst, w.end), w.least)
	}
	return t.owed.snapshot(dst)
}

// Restore takes them back.
func (t *topN) Restore(src []byte) error {
	r := &reader{src: src}
	fresh, err := newTopN(t.spec, t.in)
	if err != nil {
		return err
	}
	fresh.use(t.mem)
	*t = *fresh
	t.wm = r.i64()
	t.seq = r.u64()
	b := vector.NewBatch(t.in, 1)
	b.Rows, b.Time = 1, []int64{0}
	for range r.count(8) {
		p := t.keys.readKey(r)
		if r.err != nil {
			return r.err
		}
		t.parts = append(t.parts, topPart{limit: math.MaxUint64})
		t.restoreWindow(p)
		for range r.count(20) {
			t.restoreRow(r, p, b)
			if r.err != nil {
				return r.err
			}
		}
		if part := &t.parts[p]; !t.all() {
			t.bound(part)
		}
	}
	for range r.count(16) {
		w := t.window(r.i64())
		w.least = r.i64()
	}
	t.owed.restore(r, func([]byte) bool { return true })
	return r.done()
}

// restoreWindow lists a partition under its window, whose end is in the key.
func (t *topN) restoreWindow(p uint32) {
	if t.spec.WindowEnd < 0 {
		return
	}
	cols := make([]*vector.Vector, len(t.keys.types))
	for i, typ := range t.keys.types {
		cols[i] = vector.NewVector(typ, 1)
	}
	t.keys.appendKeys(cols, []uint32{p})
	end := vector.MaxTime
	if v := cols[slices.Index(t.spec.Partition, t.spec.WindowEnd)]; !v.Null(0) {
		end = v.I64[0]
	}
	w := t.window(end)
	w.parts = append(w.parts, p)
}

func (t *topN) restoreRow(r *reader, p uint32, b *vector.Batch) {
	rec := sortRow{seq: r.u64(), time: r.i64()}
	row := r.bytes()
	if r.err == nil && (!validValues(t.types, row) || rec.seq >= t.seq) {
		r.fail("row")
	}
	if r.err != nil {
		return
	}
	resetBatch(b)
	decodeRow(b, row)
	b.Time = append(b.Time, rec.time)
	if got := t.keys.addRow(b, t.spec.Partition, 0); got != p {
		r.fail("partition of a row")
		return
	}
	list := &t.parts[p].list
	first := list.n == 0
	t.key = sortKey(t.key[:0], b, t.spec.Order, 0)
	t.row = append(append(t.row[:0], t.key...), row...)
	rec.key, rec.size = uint32(len(t.key)), uint32(len(t.row))
	n := t.record(rec)
	if last := list.last(); !first && t.compare(&t.recs[*list.get(last)], &t.recs[n]) >= 0 {
		r.fail("order of rows")
		return
	}
	list.insert(place{len(list.parts), 0}, n)
	if t.keyed != nil {
		id := t.keyed.addRow(b, t.spec.Key, 0)
		if int(id) < len(t.where) {
			r.fail("key twice")
			return
		}
		t.where = arena.Append(t.mem, t.where, topPlace{p + 1, n})
	}
}
