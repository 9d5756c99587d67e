package operator

import (
	"errors"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// foreignJoin joins a table with the row of another one that its foreign key names.
type foreignJoin struct {
	spec           *ForeignJoin
	left           *joinSide
	right          *joinRows // one row for a key at most
	keys           *joinKeys
	out            *joinOut
	seq            uint64
	idx, ids, gids []uint32
	all, keyed     []uint32
	walk           []uint32
}

func newForeignJoin(spec *ForeignJoin, left, right *vector.Schema) (*foreignJoin, error) {
	right, err := sides(left, right, spec.Schema, false)
	switch {
	case err != nil:
		return nil, err
	case spec.Kind != InnerJoin && spec.Kind != LeftJoin:
		return nil, errors.New("a " + spec.Kind.String() + " join by a foreign key is not supported")
	case len(spec.LeftPK) == 0:
		return nil, errors.New("the left table has no primary key")
	}
	j := &foreignJoin{spec: spec, right: newJoinRows(right)}
	if j.keys, err = newJoinKeys(left, right, spec.LeftKeys, spec.RightKeys); err != nil {
		return nil, err
	}
	if j.left, err = newJoinSide(left, 0, j.keys, spec.LeftPK); err != nil {
		return nil, err
	}
	j.out = newJoinOut(spec.Schema, len(left.Fields), j.stores())
	return j, nil
}

func (j *foreignJoin) stores() [2]*joinRows { return [2]*joinRows{j.left.joinRows, j.right} }

// Process lets changes take effect and emits the rows that they change.
func (j *foreignJoin) Process(ctx *Context, port int, b *vector.Batch, emit Emit) {
	j.out.begin(ctx, port, b, emit)
	if port == 0 {
		j.changeLeft(ctx, b)
	} else {
		j.changeRight(ctx, b)
	}
	j.out.flush()
	some := j.left.tidy()
	if j.right.worthCompacting() {
		j.keys.moved(1, j.right.compact())
		some = true
	}
	if stores := j.stores(); some || j.keys.manyUnused(stores) {
		j.keys.tidy(stores, j.keys.used)
	}
}

// changeLeft: each change gives the row of its primary key again.
func (j *foreignJoin) changeLeft(ctx *Context, b *vector.Batch) {
	s := j.left
	pk := s.pk
	if j.spec.KeepNulls {
		pk = nil
	}
	j.all, j.idx = changesOf(ctx, b, pk, j.all, j.idx)
	j.ids = s.add(b, j.idx, s.seq, j.ids[:0])
	s.seq += uint64(len(j.idx))
	j.keyed = j.keyed[:0]
	for _, i := range j.idx {
		if !j.keys.null(0, b, int(i)) {
			j.keyed = append(j.keyed, i)
		}
	}
	j.gids = grow(j.gids, len(j.keyed))
	j.keys.lookup(0, b, rows{j.keyed, j.gids})
	put, key := 0, 0
	for _, i := range j.all {
		if b.Op(int(i)) == vector.Delete {
			j.deleteLeft(b, i)
			continue
		}
		k := noKey
		if key < len(j.keyed) && j.keyed[key] == i {
			k = j.gids[key]
			key++
		}
		j.putLeft(b, i, j.ids[put], k)
		put++
	}
}

// match returns the right row under a key, number + 1.
func (j *foreignJoin) match(key uint32) uint32 {
	if key == noKey {
		return 0
	}
	return j.keys.ends[1][key].last
}

// has reports whether a left row with that match has a result.
func (j *foreignJoin) has(match uint32) bool { return match != 0 || j.spec.Kind == LeftJoin }

// later is the larger one of t and the time of a right row, if there is one.
func (j *foreignJoin) later(t int64, match uint32) int64 {
	if match == 0 {
		return t
	}
	return max(t, j.right.at(match-1).time)
}

func (j *foreignJoin) putLeft(b *vector.Batch, i, id, key uint32) {
	s, match := j.left, j.match(key)
	old, oldMatch, before := s.current(b, int(i)), uint32(0), false
	if old != 0 {
		m := s.at(old - 1)
		oldMatch = j.match(m.key)
		before = j.has(oldMatch)
		s.at(id).seq = m.seq
	}
	t := b.Time[i]
	switch after := j.has(match); {
	case after && before:
		j.out.add(0, inBatch|i, match, vector.UpdateAfter, j.later(t, match))
	case after:
		j.out.add(0, inBatch|i, match, vector.Insert, j.later(t, match))
	case before:
		j.out.add(0, old, oldMatch, vector.Delete, t)
	}
	if old != 0 {
		s.forget(old - 1)
	}
	s.put(b, int(i), id, key)
}

func (j *foreignJoin) deleteLeft(b *vector.Batch, i uint32) {
	old := j.left.current(b, int(i))
	if old == 0 {
		return
	}
	match := j.match(j.left.at(old - 1).key)
	j.out.add(0, old, match, vector.Delete, j.later(b.Time[i], match))
	j.left.forget(old - 1)
}

// changeRight: each change gives the rows that refer to it again.
func (j *foreignJoin) changeRight(ctx *Context, b *vector.Batch) {
	j.all, j.idx = changesOf(ctx, b, j.keys.cols[1], j.all, j.idx)
	j.ids = j.right.add(b, j.idx, j.seq, j.ids[:0])
	j.seq += uint64(len(j.idx))
	j.gids = grow(j.gids, len(j.all))
	j.keys.lookup(1, b, rows{j.all, j.gids})
	at := 0
	for k, i := range j.all {
		id, own := uint32(0), uint32(0)
		if b.Op(int(i)) != vector.Delete {
			id, own = j.ids[at]+1, inBatch|i
			at++
		}
		end := &j.keys.ends[1][j.gids[k]]
		j.walk = j.left.chain(j.gids[k], j.walk[:0])
		for _, l := range j.walk {
			j.refer(l, own, end.last, b.Time[i])
		}
		if end.last != 0 {
			j.right.take(end.last - 1)
		}
		if *end = (chainEnds{id, id}); id != 0 {
			j.right.at(id - 1).key = j.gids[k]
		}
	}
}

// refer emits the result of a left row whose right row becomes own (0: none) and was old.
func (j *foreignJoin) refer(left uint32, own rowRef, old uint32, t int64) {
	t = max(t, j.left.at(left-1).time)
	before, after := j.has(old), j.has(own)
	switch {
	case after && before:
		j.out.add(1, own, left, vector.UpdateAfter, t)
	case after:
		j.out.add(1, own, left, vector.Insert, t)
	case before:
		j.out.add(1, old, left, vector.Delete, t)
	}
}

// Advance passes the watermark.
func (j *foreignJoin) Advance(_ *Context, wm int64, _ Emit) int64 { return wm }

// Flush does nothing.
func (j *foreignJoin) Flush(*Context, Emit) {}

// Snapshot is the rows of both tables.
func (j *foreignJoin) Snapshot(dst []byte) []byte {
	dst = putU64(j.left.snapshot(dst), uint64(j.right.live))
	j.right.each(func(id uint32, c *joinChunk, _ *rowMeta) { dst = c.putRow(dst, id&(rowsChunk-1)) })
	return dst
}

// Restore takes them back.
func (j *foreignJoin) Restore(src []byte) error {
	r := reader{src: src}
	fresh, err := newForeignJoin(j.spec, j.left.schema, j.right.schema)
	if err != nil {
		return err
	}
	fresh.use(j.keys.keys.mem)
	*j = *fresh
	j.left.restore(&r)
	j.seq = restoreUnique(&r, j.keys, 1, j.right)
	return r.done()
}

// restoreUnique reads rows of a side that has one row for a key at most, and returns their number.
func restoreUnique(r *reader, keys *joinKeys, side int, kept *joinRows) uint64 {
	in, gid, n := newRowReader(kept), []uint32{0}, uint64(0)
	for range r.count(8) {
		id, m := in.read(r, n)
		if r.err != nil {
			return 0
		}
		n++
		keys.lookup(side, in.b, rows{firstRow, gid})
		end := &keys.ends[side][gid[0]]
		if end.last != 0 || keys.null(side, in.b, 0) {
			r.fail("key")
			return 0
		}
		m.key, *end = gid[0], chainEnds{id + 1, id + 1}
	}
	return n
}

// StateBytes is the memory of both tables.
func (j *foreignJoin) StateBytes() int64 {
	return j.left.stateBytes() + j.right.stateBytes() + j.keys.stateBytes()
}
