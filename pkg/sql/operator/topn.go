package operator

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// topN keeps the rows of each partition in order: all of them where rows may be taken back, else those that count. Rows
// are bytes in pages: the sort key, which orders as bytes, then the values as appendRaw writes them.
type topN struct {
	spec   *TopN
	in     *vector.Schema
	types  []vector.Type
	keys   *keyTable
	parts  []topPart // by number of the partition
	recs   []sortRow
	free   []uint32
	bytes  rowPages
	keyed  *keyTable // of an upsert input
	where  []topPlace
	owed   tally // rows taken back before they came
	seq    uint64
	wm     int64
	wins   []topWindow // open windows, by end
	change []topTouch  // partitions that changed in this step
	old    []topShown
	cur    []topShown
	find   codeMap
	rows   rowScratch
	key    []byte
	row    []byte // the row at hand
	out    *vector.Batch
	size   int64
	mem    *arena.Space
	over   *tableOver // what is made of the rows, nil: they leave as they are
}

// topPart is the rows of one partition, by order.
type topPart struct {
	list  chunks[uint32]
	touch uint32 // number in topN.change + 1
	full  bool   // rows behind the last one never count
	limit uint64 // what gate is for the last row of a full partition, else the largest
}

// topPlace is where the row of a key is; part is the partition + 1, 0: nowhere.
type topPlace struct{ part, rec uint32 }

// topTouch is a partition that changed, and old[from:to], the rows of it that readers have.
type topTouch struct {
	part     uint32
	from, to int
}

// topShown is a row that counts, with its number.
type topShown struct {
	rec    uint32
	number int64
}

// topWindow is the partitions of one window.
type topWindow struct {
	end   int64
	least int64 // event time
	parts []uint32
}

func newTopN(spec *TopN, in *vector.Schema) (*topN, error) {
	width := len(in.Fields)
	if spec.Number {
		width++
	}
	if len(spec.Schema.Fields) != width {
		return nil, errors.New("the schema is not the input's columns, and the number where it is wanted")
	}
	for _, cols := range [][]int{spec.Partition, spec.Key} {
		if err := checkColumns(in, cols); err != nil {
			return nil, err
		}
	}
	if err := checkOrder(in, spec.Order); err != nil {
		return nil, err
	}
	if err := checkWindowEnd(in, spec.WindowEnd, spec.Partition); err != nil {
		return nil, err
	}
	t := &topN{
		spec: spec, in: in, keys: newKeyTable(typesOf(in, spec.Partition)), wm: vector.NoTime,
		out: vector.NewBatch(spec.Schema, 0), bytes: rowPages{last: -1},
	}
	if spec.Key != nil {
		t.keyed = newKeyTable(typesOf(in, spec.Key))
	}
	for _, f := range in.Fields {
		t.types = append(t.types, f.Type)
	}
	return t, nil
}

// checkWindowEnd says what is wrong with the column of a window's end (-1: none), which is one of the partition.
func checkWindowEnd(in *vector.Schema, w int, partition []int) error {
	if w >= 0 && (w >= len(in.Fields) || in.Fields[w].Type.Phys() != vector.PhysI64 || !slices.Contains(partition, w)) {
		return fmt.Errorf("no window end in column %d", w)
	}
	return nil
}

// checkOrder says what is wrong with the columns that rows are ordered by.
func checkOrder(in *vector.Schema, order []SortKey) error {
	for _, k := range order {
		if k.Col < 0 || k.Col >= len(in.Fields) {
			return fmt.Errorf("ORDER BY: no column %d to sort by", k.Col)
		}
		if t := in.Fields[k.Col].Type; t.Phys() == vector.PhysNested {
			return fmt.Errorf("ORDER BY %s: %s has no order", in.Fields[k.Col].Name, t)
		}
	}
	return nil
}

// all reports whether every row is kept.
func (t *topN) all() bool { return t.spec.Retracts || t.keyed != nil }

// Process takes rows in and out. Records with a null value have no part in a stream.
func (t *topN) Process(ctx *Context, _ int, b *vector.Batch, _ Emit) {
	t.out.AppendTime = b.AppendTime
	idx := t.accept(ctx, b)
	if t.keyed != nil {
		for _, i := range idx {
			t.upsert(b, int(i))
		}
		return
	}
	gids := t.rows.ids(len(idx))
	t.find.lookup(t.keys, b, t.spec.Partition, rows{idx, gids})
	t.open(b, rows{idx, gids})
	gate := t.gateOf(b)
	for k, i := range idx {
		if gate != nil && gateAt(gate, int(i), t.spec.Order[0].Desc) > t.parts[gids[k]].limit {
			continue
		}
		t.key = sortKey(t.key[:0], b, t.spec.Order, int(i))
		if op := b.Op(int(i)); op == vector.Insert || op == vector.UpdateAfter {
			t.insert(gids[k], b, int(i))
		} else {
			t.takeBack(gids[k], b, int(i))
		}
	}
}

// accept returns the rows that take part; those of a window that has passed are late.
func (t *topN) accept(ctx *Context, b *vector.Batch) []uint32 {
	idx := t.rows.live(b)
	if t.spec.WindowEnd < 0 && (b.Ops == nil || t.all()) {
		return idx
	}
	idx = t.rows.own(idx)
	late := t.rows.late[:0]
	n, skipped := 0, 0
	for _, i := range idx {
		op := b.Op(int(i))
		if !t.all() && (op == vector.Delete || op == vector.UpdateBefore) {
			skipped++
			continue
		}
		if w := t.spec.WindowEnd; w >= 0 && !b.Cols[w].Null(int(i)) && b.Cols[w].I64[i] <= b.ClockAt(int(i), t.wm) {
			late = append(late, i)
			continue
		}
		idx[n] = i
		n++
	}
	t.rows.late = late
	if len(late) > 0 {
		ctx.Report.Late(b, late)
	}
	if skipped > 0 {
		ctx.Report.Skipped(skipped)
	}
	return idx[:n]
}

// open makes the partitions that are new.
func (t *topN) open(b *vector.Batch, rs rows) {
	if len(t.parts) == t.keys.n {
		return
	}
	for k, g := range rs.gids {
		if int(g) == len(t.parts) {
			t.openOne(b, int(rs.idx[k]))
		}
	}
}

func (t *topN) openOne(b *vector.Batch, i int) {
	if t.spec.WindowEnd >= 0 {
		w := t.window(t.end(b, i))
		w.parts = append(w.parts, uint32(len(t.parts)))
	}
	t.parts = append(t.parts, topPart{limit: math.MaxUint64})
}

// end is the end of the window of row i.
func (t *topN) end(b *vector.Batch, i int) int64 {
	if w := b.Cols[t.spec.WindowEnd]; !w.Null(i) {
		return w.I64[i]
	}
	return vector.MaxTime
}

// touch notes what readers have of a partition before it changes.
func (t *topN) touch(p uint32) {
	part := &t.parts[p]
	if part.touch > 0 || t.spec.Final {
		return
	}
	from := len(t.old)
	t.old = t.shown(t.old, part)
	t.change = append(t.change, topTouch{p, from, len(t.old)})
	part.touch = uint32(len(t.change))
}

// compare orders two rows.
func (t *topN) compare(a, b *sortRow) int {
	return cmp.Or(bytes.Compare(t.sortKeyOf(a), t.sortKeyOf(b)), cmp.Compare(a.seq, b.seq))
}

// insert adds row i, whose sort key is in t.key, to a partition.
func (t *topN) insert(p uint32, b *vector.Batch, i int) uint32 {
	part := &t.parts[p]
	if part.full && t.behind(part) {
		return 0
	}
	t.row = append(t.row[:0], t.key...)
	for _, v := range b.Cols {
		t.row = appendRaw(t.row, v, i)
	}
	r := sortRow{0, uint32(len(t.row)), uint32(len(t.key)), t.seq, b.Time[i]}
	t.seq++
	if len(t.owed.m) > 0 && t.pay() {
		return 0
	}
	if t.spec.WindowEnd >= 0 {
		w := t.window(t.end(b, i))
		w.least = min(w.least, b.Time[i])
	}
	t.touch(p)
	rec := t.record(r)
	part.list.insert(part.list.seek(func(x *uint32) int { return t.compare(&t.recs[*x], &t.recs[rec]) }), rec)
	if !t.all() {
		t.prune(part)
		t.bound(part)
	}
	return rec
}

// record keeps the row at hand and returns its number.
func (t *topN) record(r sortRow) uint32 {
	t.size += 12
	rec := uint32(len(t.recs))
	if n := len(t.free); n > 0 {
		rec = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		t.recs = arena.Append(t.mem, t.recs, r)
	}
	r.at = t.bytes.add(rec, t.row)
	t.recs[rec] = r
	return rec
}

// pay takes the row at hand back where it is owed.
func (t *topN) pay() bool {
	if t.owed.m[string(t.row)].n >= 0 {
		return false
	}
	t.owed.change(t.row, 1, 0)
	return true
}

// prune drops the rows that can never count.
func (t *topN) prune(part *topPart) {
	if int64(part.list.n) <= t.spec.N {
		return
	}
	if t.spec.Rank != RowNumber {
		t.cur = t.shown(t.cur[:0], part)
		if len(t.cur) == part.list.n {
			return
		}
	}
	for n := part.list.n - 1; t.spec.Rank == RowNumber && int64(n) >= t.spec.N || n >= len(t.cur) &&
		t.spec.Rank != RowNumber; n-- {
		t.drop(part, part.list.last())
	}
}

// drop takes a row out of its partition. Its bytes stay until the step ends.
func (t *topN) drop(part *topPart, at place) {
	rec := *part.list.get(at)
	part.list.remove(at)
	if t.spec.Final {
		t.release(rec)
		return
	}
	t.rows.kept = append(t.rows.kept, rec)
}

// takeBack removes the last row that is equal to row i.
func (t *topN) takeBack(p uint32, b *vector.Batch, i int) {
	row := append(t.rows.key[:0], t.key...)
	for _, v := range b.Cols {
		row = appendRaw(row, v, i)
	}
	t.rows.key = row
	t.touch(p)
	part := &t.parts[p]
	at := part.list.prev(part.list.seek(func(x *uint32) int {
		r := &t.recs[*x]
		if bytes.Compare(t.sortKeyOf(r), t.key) <= 0 {
			return -1
		}
		return 1
	}))
	for at.part >= 0 {
		r := &t.recs[*part.list.get(at)]
		if !bytes.Equal(t.sortKeyOf(r), t.key) {
			break
		}
		if bytes.Equal(t.bytes.at(r.at, r.size), row) {
			t.drop(part, at)
			return
		}
		at = part.list.prev(at)
	}
	t.owed.change(row, -1, 0)
}

// upsert makes row i the row of its key.
func (t *topN) upsert(b *vector.Batch, i int) {
	op := b.Op(i)
	if op == vector.UpdateBefore {
		return
	}
	id := t.keyed.addRow(b, t.spec.Key, i)
	if int(id) == len(t.where) {
		t.where = arena.Append(t.mem, t.where, topPlace{})
	}
	was := t.where[id]
	if op == vector.Delete {
		t.unplace(was)
		t.where[id] = topPlace{}
		if t.keyed.kind != keyNone {
			t.keyed.remove(id)
		}
		return
	}
	p := t.keys.addRow(b, t.spec.Partition, i)
	if int(p) == len(t.parts) {
		t.openOne(b, i)
	}
	t.key = sortKey(t.key[:0], b, t.spec.Order, i)
	if was.part == p+1 && t.same(was.rec, b, i) {
		return
	}
	t.unplace(was)
	t.where[id] = topPlace{p + 1, t.insert(p, b, i)}
}

// same reports whether record rec is row i, whose sort key is in t.key: then it keeps its place.
func (t *topN) same(rec uint32, b *vector.Batch, i int) bool {
	row := append(t.rows.key[:0], t.key...)
	for _, v := range b.Cols {
		row = appendRaw(row, v, i)
	}
	t.rows.key = row
	r := &t.recs[rec]
	return bytes.Equal(t.bytes.at(r.at, r.size), row)
}

func (t *topN) unplace(was topPlace) {
	if was.part == 0 {
		return
	}
	t.touch(was.part - 1)
	part, r := &t.parts[was.part-1], &t.recs[was.rec]
	t.drop(part, part.list.seek(func(x *uint32) int { return t.compare(&t.recs[*x], r) }))
}
