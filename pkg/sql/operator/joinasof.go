package operator

import (
	"errors"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// asofJoin joins each left row with the last right row of its key up to its time. Left rows wait until the watermark is
// past their time: then all right rows that may be meant are here. Left rows leave by time, so that a right row which
// a newer one has replaced is not needed any more; with a further condition all right rows are kept.
type asofJoin struct {
	spec  *AsofJoin
	wait  waiting
	right *joinRows
	keys  *joinKeys
	cond  *joinCond
	out   *joinOut
	wm    int64
	seq   uint64
	limit int // number of right rows at which those that are not needed are looked for
	least int

	due            *vector.Batch // left rows that leave
	idx, ids, gids []uint32
	late           []uint32
	found          []rowRef // by left row
	cand           pairs
	open, still    []uint32
	bad            []bool
}

func newAsofJoin(spec *AsofJoin, left, right *vector.Schema) (*asofJoin, error) {
	right, err := sides(left, right, spec.Schema, false)
	if err != nil {
		return nil, err
	}
	if spec.Kind != InnerJoin && spec.Kind != LeftJoin {
		return nil, errors.New("a " + spec.Kind.String() + " ASOF join is not supported")
	}
	j := &asofJoin{
		spec: spec, wait: waiting{schema: left}, right: newJoinRows(right), wm: vector.NoTime, least: rowsChunk,
		due: vector.NewBatch(left, 0),
	}
	if j.keys, err = newJoinKeys(left, right, spec.LeftKeys, spec.RightKeys); err != nil {
		return nil, err
	}
	stores := [2]*joinRows{newJoinRows(left), j.right}
	j.out = newJoinOut(spec.Schema, len(left.Fields), stores)
	j.cond, err = newJoinCond(spec.On, left, right, stores)
	return j, err
}

// Process keeps the rows of both sides; those before the watermark are late.
func (j *asofJoin) Process(ctx *Context, port int, b *vector.Batch, _ Emit) {
	j.idx, j.late = j.idx[:0], j.late[:0]
	skipped := 0
	for k := range b.Live() {
		i := uint32(k)
		if b.Sel != nil {
			i = b.Sel[k]
		}
		op := b.Op(int(i))
		null := (port == 1 || j.spec.Kind == InnerJoin) && j.keys.null(port, b, int(i))
		switch {
		case null || op == vector.Delete || op == vector.UpdateBefore:
			skipped++
		case b.Time[i] < b.ClockAt(int(i), j.wm):
			j.late = append(j.late, i)
		default:
			j.idx = append(j.idx, i)
		}
	}
	if skipped > 0 {
		ctx.Report.Skipped(skipped)
	}
	if len(j.late) > 0 {
		ctx.Report.Late(b, j.late)
	}
	if port == 0 {
		j.wait.add(b, j.idx)
		return
	}
	j.ids = j.right.add(b, j.idx, j.seq, j.ids[:0])
	j.seq += uint64(len(j.idx))
	j.gids = grow(j.gids, len(j.idx))
	j.keys.lookup(1, b, rows{j.idx, j.gids})
	for k, id := range j.ids {
		j.keys.linkByTime(1, j.right, j.gids[k], id)
	}
}

// Advance lets the left rows leave whose time wm is past.
func (j *asofJoin) Advance(ctx *Context, wm int64, emit Emit) int64 {
	if wm <= j.wm {
		return j.wm
	}
	n := j.wait.due(wm)
	for from := 0; from < n; from += outRows {
		j.release(ctx, j.wait.list[from:min(from+outRows, n)], emit)
	}
	j.wait.drop(n)
	j.wm = wm
	j.prune()
	return wm
}

// release joins and emits rows that leave.
func (j *asofJoin) release(ctx *Context, rows []waiter, emit Emit) {
	b := j.due
	for _, v := range b.Cols {
		vector.Reset(v)
	}
	b.Rows, b.Time = 0, b.Time[:0]
	j.wait.gather(b, rows)
	j.found, j.bad = grow(j.found, b.Rows), grow(j.bad, b.Rows)
	clear(j.bad)
	for i := range b.Rows {
		j.found[i] = j.last(b, i)
	}
	if j.cond != nil {
		j.search(ctx, b)
	}
	j.out.begin(ctx, 0, b, emit)
	for i, r := range j.found {
		if !j.bad[i] && (r != 0 || j.spec.Kind == LeftJoin) {
			t := b.Time[i]
			j.out.add(0, inBatch|uint32(i), r, vector.Insert, t)
		}
	}
	j.out.flush()
}

// upTo reports whether a right row at time t may be the one of a left row at time left.
func (j *asofJoin) upTo(t, left int64) bool { return t < left || t == left && !j.spec.Strict }

// last returns the last right row up to the time of left row i, number + 1. Without a further condition it takes out
// the rows before it: left rows that leave later are not older.
func (j *asofJoin) last(b *vector.Batch, i int) rowRef {
	if j.keys.null(0, b, i) {
		return 0
	}
	key, found := j.keys.find(0, b, i)
	if !found {
		return 0
	}
	t, e := b.Time[i], &j.keys.ends[1][key]
	if j.cond != nil {
		return j.before(e.last, t)
	}
	for at := e.first; at != 0; at = e.first {
		m := j.right.at(at - 1)
		if m.next == 0 || !j.upTo(j.right.at(m.next-1).time, t) {
			if j.upTo(m.time, t) {
				return at
			}
			return 0
		}
		j.drop(at - 1)
	}
	return 0
}

// before returns the first row from at on, towards older ones, that is up to t.
func (j *asofJoin) before(at uint32, t int64) uint32 {
	for at != 0 && !j.upTo(j.right.at(at-1).time, t) {
		at = j.right.at(at - 1).prev
	}
	return at
}

func (j *asofJoin) drop(id uint32) {
	j.keys.unlink(1, j.right, id)
	j.right.take(id)
}

// search moves each left row's partner towards older ones until the condition holds.
func (j *asofJoin) search(ctx *Context, b *vector.Batch) {
	j.open = j.open[:0]
	for i, r := range j.found {
		if r != 0 {
			j.open = append(j.open, uint32(i))
		}
	}
	for len(j.open) > 0 {
		j.cand.reset()
		for _, i := range j.open {
			j.cand.add(inBatch|i, j.found[i], b.Time[i])
		}
		j.cond.judge(ctx, 0, b, &j.cand)
		j.still = j.still[:0]
		for k, i := range j.open {
			if e := j.cand.failure(k, k+1); e != nil {
				ctx.Derived.Failed(b, i, e.Code, e.Msg)
				j.bad[i] = true
				continue
			}
			if j.cand.pass[k] {
				continue
			}
			if j.found[i] = j.right.at(j.found[i] - 1).prev; j.found[i] != 0 {
				j.still = append(j.still, i)
			}
		}
		j.open, j.still = j.still, j.open
	}
}

// prune takes out right rows that a newer one before the watermark has replaced, once there are many.
func (j *asofJoin) prune() {
	if j.cond == nil && j.right.live > j.limit {
		for key := range j.keys.ends[1] {
			e := &j.keys.ends[1][key]
			for at := e.first; at != 0; at = e.first {
				next := j.right.at(at - 1).next
				if next == 0 || j.right.at(next-1).time >= j.wm {
					break
				}
				j.drop(at - 1)
			}
		}
		j.limit = 2*j.right.live + j.least
	}
	if j.right.worthCompacting() {
		j.keys.moved(1, j.right.compact())
	}
}

// Flush does nothing.
func (j *asofJoin) Flush(*Context, Emit) {}

// Snapshot is the waiting rows and the right rows.
func (j *asofJoin) Snapshot(dst []byte) []byte {
	dst = j.wait.snapshot(putI64(dst, j.wm))
	dst = putU64(putU64(dst, uint64(j.limit)), uint64(j.right.live))
	j.right.each(func(id uint32, c *joinChunk, _ *rowMeta) { dst = c.putRow(dst, id&(rowsChunk-1)) })
	return dst
}

// Restore takes them back.
func (j *asofJoin) Restore(src []byte) error {
	r := reader{src: src}
	fresh, err := newAsofJoin(j.spec, j.wait.schema, j.right.schema)
	if err != nil {
		return err
	}
	fresh.use(j.keys.keys.mem)
	*j = *fresh
	j.wm = r.i64()
	j.wait.restore(&r)
	j.limit = int(min(r.u64(), 1<<40))
	in, gid := newRowReader(j.right), []uint32{0}
	for range r.count(8) {
		id, _ := in.read(&r, j.seq)
		if r.err == nil && j.keys.null(1, in.b, 0) {
			r.fail("null key")
		}
		if r.err != nil {
			return r.err
		}
		j.seq++
		j.keys.lookup(1, in.b, rows{firstRow, gid})
		j.keys.linkByTime(1, j.right, gid[0], id)
	}
	return r.done()
}

// StateBytes is the memory of the rows and keys.
func (j *asofJoin) StateBytes() int64 {
	return j.wait.stateBytes() + j.right.stateBytes() + j.keys.stateBytes()
}
