package operator

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

// changeJoin joins two streams or changelogs without a bound in time. A row counts +1, one that was taken back before
// it came -1; a pair counts the product, and the change of a row changes the pairs that it is in.
type changeJoin struct {
	spec  *ChangeJoin
	sides [2]*joinSide
	keys  *joinKeys
	cond  *joinCond
	out   *joinOut
	// lone: rows of the side leave alone (with nulls, or as they are) while they have no partner (semi: while they
	// have one).
	lone  [2]bool
	pairs bool // pairs are emitted

	acts           []changeAct
	block          []changeBlock
	cand           pairs
	old            pairs
	idx, ids       []uint32
	keyed, gids    []uint32
	walk, oldWalks []uint32
}

// changeAct is a change of the batch at hand: its row, the number of that row where it is kept, its key.
type changeAct struct {
	row, id, key uint32
	put          bool
	seq          uint64
}

type changeBlock struct {
	changeAct
	from, to int
}

func newChangeJoin(spec *ChangeJoin, left, right *vector.Schema) (*changeJoin, error) {
	leftOnly := spec.Kind == SemiJoin || spec.Kind == AntiJoin
	right, err := sides(left, right, spec.Schema, leftOnly)
	if err != nil {
		return nil, err
	}
	j := &changeJoin{spec: spec, pairs: !leftOnly}
	j.lone[0] = spec.Kind == LeftJoin || spec.Kind == FullJoin || leftOnly
	j.lone[1] = spec.Kind == RightJoin || spec.Kind == FullJoin
	if j.keys, err = newJoinKeys(left, right, spec.LeftKeys, spec.RightKeys); err != nil {
		return nil, err
	}
	if j.sides[0], err = newJoinSide(left, 0, j.keys, spec.LeftPK); err != nil {
		return nil, err
	}
	if j.sides[1], err = newJoinSide(right, 1, j.keys, spec.RightPK); err != nil {
		return nil, err
	}
	stores := j.stores()
	if spec.NullAware {
		if err := j.keys.mindNulls(spec.Kind); err != nil {
			return nil, err
		}
	}
	j.out = newJoinOut(spec.Schema, len(left.Fields), stores)
	j.cond, err = newJoinCond(spec.On, left, right, stores)
	return j, err
}

func (j *changeJoin) stores() [2]*joinRows {
	return [2]*joinRows{j.sides[0].joinRows, j.sides[1].joinRows}
}

// Process lets the changes take effect.
func (j *changeJoin) Process(ctx *Context, port int, b *vector.Batch, emit Emit) {
	s := j.sides[port]
	j.out.begin(ctx, port, b, emit)
	j.admit(ctx, s, b)
	j.ids = s.add(b, j.idx, s.seq, j.ids[:0])
	j.number(s, b)
	for _, a := range j.acts {
		if j.cond == nil {
			j.walk = j.candidates(port, b, a, j.walk[:0])
			j.apply(ctx, port, b, a, j.walk)
			continue
		}
		from := len(j.cand.own)
		j.walk = j.candidates(port, b, a, j.walk[:0])
		for _, o := range j.walk {
			j.cand.add(inBatch|a.row, o, max(b.Time[a.row], j.sides[1-port].at(o-1).time))
		}
		j.block = append(j.block, changeBlock{a, from, len(j.cand.own)})
		if len(j.cand.own) >= outRows {
			j.finish(ctx, port, b)
		}
	}
	if j.cond != nil {
		j.finish(ctx, port, b)
	}
	j.out.flush()
	j.tidy()
}

// admit lists the changes; idx are the rows that are kept.
func (j *changeJoin) admit(ctx *Context, s *joinSide, b *vector.Batch) {
	j.acts, j.idx = j.acts[:0], j.idx[:0]
	skipped := 0
	for k := range b.Live() {
		i := uint32(k)
		if b.Sel != nil {
			i = b.Sel[k]
		}
		op := b.Op(int(i))
		put := op == vector.Insert || op == vector.UpdateAfter
		switch {
		case s.pk != nil && j.spec.DropNulls && anyNull(b, s.pk, int(i)):
			skipped++
			continue
		case s.pk != nil && op == vector.UpdateBefore:
			continue
		case s.pk == nil && !j.lone[s.side] && s.keys.barren(s.side, b, int(i)):
			skipped++
			continue
		}
		j.acts = append(j.acts, changeAct{row: i, put: put})
		if put {
			j.idx = append(j.idx, i)
		}
	}
	if skipped > 0 {
		ctx.Report.Skipped(skipped)
	}
}

// number fills the places, row numbers and key numbers of the changes. A deletion by primary key needs no key: the row
// that goes has it.
func (j *changeJoin) number(s *joinSide, b *vector.Batch) {
	j.keyed = j.keyed[:0]
	n := 0
	for k := range j.acts {
		a := &j.acts[k]
		a.seq = s.seq
		s.seq++
		if a.put {
			a.id = j.ids[n]
			s.at(a.id).seq = a.seq
			n++
		}
		a.key = noKey
		if (a.put || s.pk == nil) && !s.keys.barren(s.side, b, int(a.row)) {
			a.key = uint32(len(j.keyed))
			j.keyed = append(j.keyed, a.row)
		}
	}
	j.gids = grow(j.gids, len(j.keyed))
	j.keys.lookup(s.side, b, rows{j.keyed, j.gids})
	for k := range j.acts {
		if a := &j.acts[k]; a.key != noKey {
			a.key = j.gids[a.key]
		}
	}
}

// candidates appends the rows of the other side that the row of a change may join.
func (j *changeJoin) candidates(port int, b *vector.Batch, a changeAct, dst []uint32) []uint32 {
	if !a.put && j.sides[port].pk != nil {
		return dst
	}
	return j.sides[1-port].matching(b.Cols, int(a.row), a.key, dst)
}

// finish judges the candidates of the block and lets its rows take effect.
func (j *changeJoin) finish(ctx *Context, port int, b *vector.Batch) {
	j.cond.judge(ctx, port, b, &j.cand)
	for _, r := range j.block {
		if e := j.cand.failure(r.from, r.to); e != nil {
			ctx.Report.Failed(b, r.row, e.Code, e.Msg)
			if r.put {
				j.sides[port].take(r.id)
			}
			continue
		}
		j.walk = j.walk[:0]
		for p := r.from; p < r.to; p++ {
			if j.cand.pass[p] {
				j.walk = append(j.walk, j.cand.other[p])
			}
		}
		j.apply(ctx, port, b, r.changeAct, j.walk)
	}
	j.block = j.block[:0]
	j.cand.reset()
}

// apply lets a change take effect; others are the rows that its row joins.
func (j *changeJoin) apply(ctx *Context, port int, b *vector.Batch, a changeAct, others []uint32) {
	s := j.sides[port]
	if s.pk != nil {
		if old := s.current(b, int(a.row)); old != 0 {
			seq := s.at(old - 1).seq
			j.retract(ctx, port, old-1)
			if a.put {
				s.at(a.id).seq = seq
			}
		}
		if a.put {
			j.insert(port, b, a, others)
		}
		return
	}
	if a.put {
		if s.negative > 0 {
			if at := s.equal(b, int(a.row), a.key, true); at != 0 {
				j.effect(port, inBatch|a.row, s.at(at-1).time, others, 1)
				s.forget(at - 1)
				s.take(a.id)
				return
			}
		}
		j.insert(port, b, a, others)
		return
	}
	if at := s.equal(b, int(a.row), a.key, false); at != 0 {
		j.effect(port, inBatch|a.row, s.at(at-1).time, others, -1)
		s.forget(at - 1)
		return
	}
	hits := j.effect(port, inBatch|a.row, b.Time[a.row], others, -1)
	if a.key != noKey {
		s.addNegative(b, a.row, a.key, a.seq).hits = hits
	}
}

// insert adds a row.
func (j *changeJoin) insert(port int, b *vector.Batch, a changeAct, others []uint32) {
	s := j.sides[port]
	hits := j.effect(port, inBatch|a.row, b.Time[a.row], others, 1)
	if a.key == noKey && s.pk == nil { // it joins nothing, and nobody looks for it
		s.take(a.id)
		return
	}
	s.at(a.id).hits = hits
	s.put(b, int(a.row), a.id, a.key)
}

// retract takes back a row that is kept, and its results.
func (j *changeJoin) retract(ctx *Context, port int, id uint32) {
	s := j.sides[port]
	c, i := s.chunk(id), int(id&(rowsChunk-1))
	m := c.meta[i]
	j.oldWalks = j.sides[1-port].matching(c.cols, i, m.key, j.oldWalks[:0])
	if j.cond != nil {
		j.old.reset()
		for _, o := range j.oldWalks {
			j.old.add(id+1, o, max(m.time, j.sides[1-port].at(o-1).time))
		}
		j.cond.judge(ctx, port, nil, &j.old)
		j.oldWalks = j.oldWalks[:0]
		for p, ok := range j.old.pass {
			if ok {
				j.oldWalks = append(j.oldWalks, j.old.other[p])
			}
		}
	}
	j.effect(port, id+1, m.time, j.oldWalks, -1)
	s.forget(id)
}

// effect emits what a row that comes (sign 1) or goes (-1) changes, and returns the number of its partners.
func (j *changeJoin) effect(port int, own rowRef, t int64, others []uint32, sign int32) (hits int32) {
	store, lone := j.sides[1-port].joinRows, j.lone[1-port]
	for _, o := range others {
		m := store.at(o - 1)
		weight := int32(1)
		if m.negative {
			weight = -1
		}
		hits += weight
		before := lone && j.alone(m.hits)
		m.hits += sign
		after := lone && j.alone(m.hits)
		if before && !after {
			j.out.add(1-port, o, 0, opOf(-weight), m.time)
		}
		if j.pairs {
			j.out.add(port, own, o, opOf(sign*weight), max(t, m.time))
		}
		if after && !before {
			j.out.add(1-port, o, 0, opOf(weight), m.time)
		}
	}
	if j.lone[port] && j.alone(hits) {
		j.out.add(port, own, 0, opOf(sign), t)
	}
	return hits
}

// alone reports whether a row with so many partners leaves alone.
func (j *changeJoin) alone(hits int32) bool { return (hits > 0) == (j.spec.Kind == SemiJoin) }

func opOf(sign int32) vector.Op {
	if sign < 0 {
		return vector.Delete
	}
	return vector.Insert
}

func (j *changeJoin) tidy() {
	some := false
	for _, s := range j.sides {
		if s.tidy() {
			some = true
		}
	}
	if stores := j.stores(); some || j.keys.manyUnused(stores) {
		j.keys.tidy(stores, j.keys.used)
	}
}

// Advance forgets rows that are too old.
func (j *changeJoin) Advance(_ *Context, wm int64, _ Emit) int64 {
	if j.spec.TTLMs > 0 && wm != vector.MaxTime {
		for _, s := range j.sides {
			s.expire(addSat(wm, -j.spec.TTLMs))
		}
		j.tidy()
	}
	return wm
}

// Flush does nothing.
func (j *changeJoin) Flush(*Context, Emit) {}

// Snapshot is the rows of both sides.
func (j *changeJoin) Snapshot(dst []byte) []byte {
	return j.sides[1].snapshot(j.sides[0].snapshot(dst))
}

// Restore takes them back.
func (j *changeJoin) Restore(src []byte) error {
	r := reader{src: src}
	fresh, err := newChangeJoin(j.spec, j.sides[0].schema, j.sides[1].schema)
	if err != nil {
		return err
	}
	fresh.use(j.keys.keys.mem)
	*j = *fresh
	for _, s := range j.sides {
		s.restore(&r)
	}
	return r.done()
}

// StateBytes is the memory of the rows and keys.
func (j *changeJoin) StateBytes() int64 {
	return j.sides[0].stateBytes() + j.sides[1].stateBytes() + j.keys.stateBytes()
}
