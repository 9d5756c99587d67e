package operator

import (
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// rowBag is the Materialize of rows without a key: equal rows are counted. A row that is taken back before it comes
// counts less than none.
type rowBag struct {
	spec   *Materialize
	rows   *rowTable
	counts []int64 // by row
	zeros  int     // rows that count 0
	done   bool
}

func newBag(spec *Materialize, in *vector.Schema) *rowBag {
	m := &rowBag{spec: spec}
	m.rows = newRowTable(in, everyColumn(in))
	return m
}

func everyColumn(s *vector.Schema) []int {
	cols := make([]int, len(s.Fields))
	for i := range cols {
		cols[i] = i
	}
	return cols
}

// Process counts rows, and passes them on unless only the final ones are wanted.
func (m *rowBag) Process(_ *Context, _ int, b *vector.Batch, emit Emit) {
	for k := range b.Live() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		by := int64(1)
		if op := b.Op(i); op == vector.Delete || op == vector.UpdateBefore {
			by = -1
		}
		m.add(b, i, by)
	}
	if !m.spec.Final {
		emit(b)
	}
}

func (m *rowBag) add(b *vector.Batch, i int, by int64) {
	id, found := m.rows.find(b, i)
	if !found {
		m.rows.set(b, i)
		id = uint32(len(m.counts))
		m.counts = arena.Append(m.rows.mem, m.counts, 0)
		m.zeros++
	}
	before := m.counts[id]
	m.counts[id] += by
	switch {
	case before == 0:
		m.zeros--
	case m.counts[id] == 0:
		m.zeros++
	}
	if by > 0 {
		m.rows.times[id] = b.Time[i]
	}
}

// Advance emits the rows at the end of the input where only they are wanted.
func (m *rowBag) Advance(_ *Context, wm int64, emit Emit) int64 {
	if m.zeros > 1<<10 && 2*m.zeros > len(m.counts) {
		m.compact()
	}
	if !m.spec.Final {
		return wm
	}
	if wm != vector.MaxTime {
		return vector.NoTime
	}
	if !m.done {
		m.done = true
		m.Scan(emit)
	}
	return wm
}

// compact forgets the rows that count 0.
func (m *rowBag) compact() {
	fresh := newBag(m.spec, m.rows.schema)
	fresh.rows.use(m.rows.mem)
	for id, n := range m.counts {
		if n == 0 {
			continue
		}
		b := vector.NewBatch(m.rows.schema, 1)
		m.rows.appendRow(b, uint32(id))
		fresh.add(b, 0, n)
		fresh.rows.times[len(fresh.counts)-1] = m.rows.times[id]
	}
	m.rows.free()
	arena.Free(m.rows.mem, m.counts)
	m.rows, m.counts, m.zeros = fresh.rows, fresh.counts, 0
}

// Flush does nothing.
func (m *rowBag) Flush(*Context, Emit) {}

// Scan emits each row as often as it counts, by first arrival.
func (m *rowBag) Scan(emit Emit) {
	b := vector.NewBatch(m.rows.schema, outRows)
	for id, n := range m.counts {
		for ; n > 0; n-- {
			m.rows.appendRow(b, uint32(id))
			if b.Rows == outRows {
				emit(b)
				b = vector.NewBatch(m.rows.schema, outRows)
			}
		}
	}
	if b.Rows > 0 {
		emit(b)
	}
}

// Snapshot is the rows that count, and how often.
func (m *rowBag) Snapshot(dst []byte) []byte {
	m.compact()
	dst = m.rows.snapshot(putBool(dst, m.done))
	for _, n := range m.counts {
		dst = putI64(dst, n)
	}
	return dst
}

// Restore takes them back.
func (m *rowBag) Restore(src []byte) error {
	r := reader{src: src}
	m.done = r.bool()
	m.rows.restore(&r)
	m.counts, m.zeros = arena.Free(m.rows.mem, m.counts), 0
	for range m.rows.times {
		n := r.i64()
		if n == 0 {
			r.fail("row that does not count")
		}
		m.counts = arena.Append(m.rows.mem, m.counts, n)
	}
	return r.done()
}

// StateBytes is the memory of the rows.
func (m *rowBag) StateBytes() int64 { return m.rows.stateBytes() + int64(8*cap(m.counts)) }
