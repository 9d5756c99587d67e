package operator

import (
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// placed is an operator whose state can lie in a space of its own. use is called before the first row.
type placed interface {
	use(mem *arena.Space)
}

// keyed is an operator that knows how many keys or rows its state holds.
type keyed interface {
	stateKeys() int64
}

func (a *aggregate) use(mem *arena.Space) {
	a.st.use(mem)
	a.keys.use(mem)
	if a.win != nil {
		a.win.use(mem)
		a.winKey.use(mem)
	}
}

func (m *materialize) use(mem *arena.Space) { m.rows.use(mem) }

func (m *rowBag) use(mem *arena.Space) { m.rows.use(mem) }

func (r *retract) use(mem *arena.Space) { r.rows.use(mem) }

func (d *dedup) use(mem *arena.Space) { d.keys.use(mem) }

func (f *tableFilter) use(mem *arena.Space) { f.keys.use(mem) }

func (s *settle) use(mem *arena.Space) { s.keys.use(mem) }

func (s *sorter) use(mem *arena.Space) { s.mem = mem }

func (o *tableOver) use(mem *arena.Space) { o.top.use(mem) }

func (t *topN) use(mem *arena.Space) {
	t.mem, t.bytes.mem = mem, mem
	t.keys.use(mem)
	if t.keyed != nil {
		t.keyed.use(mem)
	}
}

func (o *over) use(mem *arena.Space) {
	o.keys.use(mem)
	o.wait.mem = mem
}

func (j *lookupJoin) use(mem *arena.Space) { j.rows.use(mem) }

func (j *joinKeys) use(mem *arena.Space) { j.keys.use(mem) }

func (s *joinRows) use(mem *arena.Space) { s.mem = mem }

func (s *joinSide) use(mem *arena.Space) {
	s.joinRows.use(mem)
	if s.pks != nil {
		s.pks.use(mem)
	}
}

func (j *asofJoin) use(mem *arena.Space) {
	j.keys.use(mem)
	j.right.use(mem)
	j.wait.mem = mem
}

func (j *changeJoin) use(mem *arena.Space) {
	j.keys.use(mem)
	j.sides[0].use(mem)
	j.sides[1].use(mem)
}

func (j *foreignJoin) use(mem *arena.Space) {
	j.keys.use(mem)
	j.left.use(mem)
	j.right.use(mem)
}

func (j *lookupMany) use(mem *arena.Space) {
	j.keys.use(mem)
	j.table.use(mem)
}

func (j *tableJoin) use(mem *arena.Space) {
	j.keys.use(mem)
	j.rows[0].use(mem)
	j.rows[1].use(mem)
}

func (j *windowJoin) use(mem *arena.Space) {
	j.keys.use(mem)
	j.rows[0].use(mem)
	j.rows[1].use(mem)
}

func (a *aggregate) stateKeys() int64 {
	if a.paneMs == 0 && a.sess == nil {
		return int64(a.keys.count())
	}
	return int64(a.st.n) - int64(len(a.st.free)) // a group in each pane, or a session
}

func (m *materialize) stateKeys() int64 { return int64(m.rows.live()) }

func (m *rowBag) stateKeys() int64 { return int64(m.rows.live()) }

func (r *retract) stateKeys() int64 { return int64(r.rows.live()) }

func (d *dedup) stateKeys() int64 { return int64(d.keys.count()) }

func (f *tableFilter) stateKeys() int64 { return int64(f.keys.count()) }

func (s *settle) stateKeys() int64 { return int64(s.keys.count()) }

func (t *topN) stateKeys() int64 { return int64(len(t.recs) - len(t.free)) }

func (o *tableOver) stateKeys() int64 { return o.top.stateKeys() }

func (o *over) stateKeys() int64 { return int64(len(o.parts) + len(o.wait.list)) }

func (j *lookupJoin) stateKeys() int64 { return int64(j.rows.live()) }

func (j *asofJoin) stateKeys() int64 { return int64(j.right.live + len(j.wait.list)) }

func (j *changeJoin) stateKeys() int64 { return int64(j.sides[0].live + j.sides[1].live) }

func (j *foreignJoin) stateKeys() int64 { return int64(j.left.live + j.right.live) }

func (j *lookupMany) stateKeys() int64 { return int64(j.table.live) }

func (j *tableJoin) stateKeys() int64 { return int64(j.rows[0].live + j.rows[1].live) }

func (j *windowJoin) stateKeys() int64 { return int64(j.rows[0].live + j.rows[1].live) }

func (s *sorter) stateKeys() int64 {
	n := 0
	for _, g := range s.groups {
		n += len(g.rows)
	}
	return int64(n)
}

// blockBytes is what a vector that grows no more takes in a block.
func blockBytes(v *vector.Vector) int64 {
	n := arena.BlockBytes[uint64](len(v.Valid)) + arena.BlockBytes[bool](len(v.Bool)) +
		arena.BlockBytes[int64](len(v.I64)) + arena.BlockBytes[float64](len(v.F64)) +
		arena.BlockBytes[vector.Int128](len(v.I128)) + arena.BlockBytes[uint32](len(v.Codes))
	if v.Codes == nil { // a dictionary may be shared with batches
		n += arena.BlockBytes[uint32](len(v.Offs)) + arena.BlockBytes[byte](len(v.Data))
	}
	for _, k := range v.Kids {
		n += blockBytes(k)
	}
	return n
}

// putVector moves the values of such a vector into the block.
func putVector(b *arena.Block, v *vector.Vector) {
	v.Valid, v.Bool, v.I64 = arena.Put(b, v.Valid), arena.Put(b, v.Bool), arena.Put(b, v.I64)
	v.F64, v.I128, v.Codes = arena.Put(b, v.F64), arena.Put(b, v.I128), arena.Put(b, v.Codes)
	if v.Codes == nil {
		v.Offs, v.Data = arena.Put(b, v.Offs), arena.Put(b, v.Data)
	}
	for _, k := range v.Kids {
		putVector(b, k)
	}
}
