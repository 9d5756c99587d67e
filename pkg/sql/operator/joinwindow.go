package operator

import (
	"errors"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// windowJoin joins two streams within a distance in time.
type windowJoin struct {
	spec  *WindowJoin
	rows  [2]*joinRows
	keys  *joinKeys
	cond  *joinCond
	out   *joinOut
	outer outerRows
	// clock is the watermark, or the largest event time seen.
	clock, wm int64
	seq       uint64
	freed     int
	// Of each side: whether rows without partner leave, how far below (above) a row's time that of a partner may be,
	// and how far the clock may be past a row's time before the row is late, leaves alone, is forgotten.
	preserved      [2]bool
	below, above   [2]int64
	late, waits    [2]int64
	kept           [2]int64
	acts           []joinAct
	block          []blockRow
	blockClose     int64
	pairs          pairs
	idx, ids, gids []uint32
	lateRows       []uint32
	walk           []uint32
}

// joinAct is a row of the batch at hand that takes effect: its number, its place among those that are kept (-1: a row
// that is late and leaves alone), and the clock after it.
type joinAct struct {
	row   uint32
	at    int32
	clock int64
}

// blockRow is a row of a block with its candidates.
type blockRow struct {
	joinAct
	from, to int
}

func newWindowJoin(spec *WindowJoin, left, right *vector.Schema) (*windowJoin, error) {
	right, err := sides(left, right, spec.Schema, false)
	if err != nil {
		return nil, err
	}
	j := &windowJoin{spec: spec, clock: vector.NoTime, wm: vector.NoTime, blockClose: vector.MaxTime}
	switch spec.Kind {
	case InnerJoin:
	case LeftJoin:
		j.preserved[0] = true
	case RightJoin:
		j.preserved[1] = true
	case FullJoin:
		j.preserved = [2]bool{true, true}
	default:
		return nil, errors.New("a " + spec.Kind.String() + " join within a time is not supported")
	}
	if j.keys, err = newJoinKeys(left, right, spec.LeftKeys, spec.RightKeys); err != nil {
		return nil, err
	}
	j.rows = [2]*joinRows{newJoinRows(left), newJoinRows(right)}
	j.out = newJoinOut(spec.Schema, len(left.Fields), j.rows)
	if j.cond, err = newJoinCond(spec.On, left, right, j.rows); err != nil {
		return nil, err
	}
	j.reaches()
	return j, nil
}

// reaches derives the distances in time.
func (j *windowJoin) reaches() {
	s := j.spec
	j.below, j.above = [2]int64{s.BeforeMs, s.AfterMs}, [2]int64{s.AfterMs, s.BeforeMs}
	for side := range j.above {
		if s.Eager {
			keep := max(s.GraceMs, addSat(s.BeforeMs, s.AfterMs))
			j.late[side], j.waits[side], j.kept[side] = keep, keep, keep
			continue
		}
		j.waits[side] = addSat(max(j.above[side], 0), s.GraceMs)
		j.late[side] = j.waits[side]
		// The latest partner of a row is above its time by above, and not late for that and the grace besides.
		last := addSat(j.above[side], addSat(max(j.above[1-side], 0), s.GraceMs))
		j.kept[side] = max(last, j.waits[side])
	}
}

// Process joins the rows with those of the other side.
func (j *windowJoin) Process(ctx *Context, port int, b *vector.Batch, emit Emit) {
	j.out.begin(ctx, port, b, emit)
	j.admit(ctx, port, b)
	j.ids = j.rows[port].add(b, j.idx, j.seq, j.ids[:0])
	j.seq += uint64(len(j.idx))
	j.gids = grow(j.gids, len(j.idx))
	j.keys.lookup(port, b, rows{j.idx, j.gids})
	for _, a := range j.acts {
		if j.spec.StreamTime && a.clock > j.clock {
			j.clock = a.clock
			if j.blockClose < j.clock || j.outer.first() < j.clock {
				j.finish(ctx, port, b)
				j.leave(j.clock)
			}
		}
		j.probe(port, b, a)
		if len(j.pairs.own) >= outRows {
			j.finish(ctx, port, b)
		}
	}
	j.finish(ctx, port, b)
	j.out.flush()
	j.prune()
}

// admit decides which rows take effect: acts; idx are those that are kept.
func (j *windowJoin) admit(ctx *Context, port int, b *vector.Batch) {
	j.acts, j.idx, j.lateRows = j.acts[:0], j.idx[:0], j.lateRows[:0]
	skipped, clock := 0, j.clock
	for k := range b.Live() {
		i := uint32(k)
		if b.Sel != nil {
			i = b.Sel[k]
		}
		op := b.Op(int(i))
		if op == vector.Delete || op == vector.UpdateBefore || j.keys.null(port, b, int(i)) {
			skipped++
			continue
		}
		t := b.Time[i]
		var rowClock int64
		if j.spec.StreamTime {
			clock = max(clock, t)
			rowClock = clock
		} else {
			rowClock = b.ClockAt(int(i), clock)
		}
		switch late := addSat(t, j.late[port]) < rowClock; {
		case late && !j.preserved[port]:
			j.lateRows = append(j.lateRows, i)
		case late:
			j.acts = append(j.acts, joinAct{i, -1, clock})
		default:
			j.acts = append(j.acts, joinAct{i, int32(len(j.idx)), clock})
			j.idx = append(j.idx, i)
		}
	}
	if skipped > 0 {
		ctx.Report.Skipped(skipped)
	}
	if len(j.lateRows) > 0 {
		ctx.Report.Late(b, j.lateRows)
	}
}

// probe adds a row and its candidates to the block.
func (j *windowJoin) probe(port int, b *vector.Batch, a joinAct) {
	from := len(j.pairs.own)
	if a.at >= 0 {
		t, other := b.Time[a.row], 1-port
		lo := max(addSat(t, -j.below[port]), addSat(j.clock, -j.kept[other]))
		j.walk = j.rows[other].within(j.keys.ends[other][j.gids[a.at]].last, lo, addSat(t, j.above[port]), j.walk[:0])
		for _, o := range j.walk {
			j.pairs.add(inBatch|a.row, o, max(t, j.rows[other].at(o-1).time))
		}
		if j.preserved[port] {
			j.blockClose = min(j.blockClose, addSat(t, j.waits[port]))
		}
	}
	j.block = append(j.block, blockRow{a, from, len(j.pairs.own)})
}

// finish lets the rows of the block take effect.
func (j *windowJoin) finish(ctx *Context, port int, b *vector.Batch) {
	j.cond.judge(ctx, port, b, &j.pairs)
	for _, r := range j.block {
		t := b.Time[r.row]
		if r.at < 0 {
			j.out.add(port, inBatch|r.row, 0, vector.Insert, t)
			continue
		}
		id := j.ids[r.at]
		if e := j.pairs.failure(r.from, r.to); e != nil {
			ctx.Report.Failed(b, r.row, e.Code, e.Msg)
			j.rows[port].take(id)
			continue
		}
		hits := int32(0)
		for p := r.from; p < r.to; p++ {
			if j.pairs.pass[p] {
				o := j.pairs.other[p]
				j.out.add(port, inBatch|r.row, o, vector.Insert, j.pairs.at[p])
				j.rows[1-port].at(o - 1).hits = 1
				hits = 1
			}
		}
		m := j.rows[port].at(id)
		m.hits = hits
		if hits == 0 && j.preserved[port] {
			j.alone(port, id, m)
		}
		j.rows[port].linkByTime(&j.keys.ends[port][j.gids[r.at]].last, id)
	}
	j.block, j.blockClose = j.block[:0], vector.MaxTime
	j.pairs.reset()
}

// alone lets a row without partner leave, or wait for one.
func (j *windowJoin) alone(port int, id uint32, m *rowMeta) {
	if j.spec.Eager {
		j.out.add(port, id+1, 0, vector.Insert, m.time)
		return
	}
	j.outer.push(outerRow{
		close: addSat(m.time, j.waits[port]), time: m.time, seq: m.seq, id: id, side: uint8(port),
	})
}

// leave lets the rows leave that found no partner until clock.
func (j *windowJoin) leave(clock int64) {
	for _, r := range j.outer.leave(clock, func(r outerRow) bool {
		m := j.rows[r.side].at(r.id)
		return m != nil && m.hits == 0
	}) {
		j.rows[r.side].at(r.id).hits = 1 // it is not to leave again
		j.out.add(int(r.side), r.id+1, 0, vector.Insert, r.time)
	}
}

// prune forgets rows that cannot find a partner any more.
func (j *windowJoin) prune() {
	for side, r := range j.rows {
		j.freed += r.dropBefore(addSat(j.clock, -j.kept[side]))
	}
	if j.freed > j.keys.least && 2*j.freed > j.keys.keys.n {
		j.freed = 0
		j.keys.tidy(j.rows, func(key uint32) bool {
			for side, r := range j.rows {
				if last := j.keys.ends[side][key].last; last != 0 && r.at(last-1) != nil {
					return true
				}
			}
			return false
		})
	}
}

// Advance lets rows leave that found no partner.
func (j *windowJoin) Advance(ctx *Context, wm int64, emit Emit) int64 {
	j.wm = max(j.wm, wm)
	clock := j.wm
	if j.spec.StreamTime && clock != vector.MaxTime {
		clock = j.clock
	}
	if clock > j.clock || clock == vector.MaxTime {
		j.clock = max(j.clock, clock)
		j.out.begin(ctx, 0, nil, emit)
		j.leave(clock)
		j.out.flush()
		j.prune()
	}
	return j.outWatermark()
}

// outWatermark: a row that leaves alone does so with its own time.
func (j *windowJoin) outWatermark() int64 {
	hold := int64(0)
	for side, p := range j.preserved {
		if p && !j.spec.Eager {
			hold = max(hold, j.waits[side])
		}
	}
	if j.wm == vector.MaxTime || hold == 0 {
		return j.wm
	}
	return addSat(min(j.wm, j.clock), -hold)
}

// Flush does nothing.
func (j *windowJoin) Flush(*Context, Emit) {}

// Snapshot is the rows of both sides that can find partners.
func (j *windowJoin) Snapshot(dst []byte) []byte {
	dst = putU64(putI64(putI64(dst, j.clock), j.wm), j.seq)
	for side, r := range j.rows {
		n := 0
		lives := func(m *rowMeta) bool { return addSat(m.time, j.kept[side]) >= j.clock }
		r.each(func(_ uint32, _ *joinChunk, m *rowMeta) {
			if lives(m) {
				n++
			}
		})
		dst = putU64(dst, uint64(n))
		r.each(func(id uint32, c *joinChunk, m *rowMeta) {
			if lives(m) {
				dst = c.putRow(putU64(putBool(dst, m.hits > 0), m.seq), id&(rowsChunk-1))
			}
		})
	}
	return dst
}

// Restore takes them back.
func (j *windowJoin) Restore(src []byte) error {
	r := reader{src: src}
	fresh, err := newWindowJoin(j.spec, j.rows[0].schema, j.rows[1].schema)
	if err != nil {
		return err
	}
	fresh.use(j.keys.keys.mem)
	*j = *fresh
	j.clock, j.wm, j.seq = r.i64(), r.i64(), r.u64()
	gid := []uint32{0}
	for side, kept := range j.rows {
		in := newRowReader(kept)
		for range r.count(17) {
			hit, seq := r.bool(), r.u64()
			id, m := in.read(&r, seq)
			if r.err != nil {
				return r.err
			}
			if j.keys.null(side, in.b, 0) {
				r.fail("null key")
				return r.err
			}
			if m.hits = 0; hit {
				m.hits = 1
			}
			j.keys.lookup(side, in.b, rows{firstRow, gid})
			kept.linkByTime(&j.keys.ends[side][gid[0]].last, id)
			if !hit && j.preserved[side] && !j.spec.Eager {
				j.alone(side, id, kept.at(id))
			}
		}
	}
	return r.done()
}

// StateBytes is the memory of the rows and keys.
func (j *windowJoin) StateBytes() int64 {
	return j.rows[0].stateBytes() + j.rows[1].stateBytes() + j.keys.stateBytes() + j.outer.stateBytes()
}
