package operator

import (
	"errors"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// materialize keeps the last row of each key.
type materialize struct {
	spec *Materialize
	rows *rowTable
	done bool
}

func newMaterialize(spec *Materialize, in *vector.Schema) (*materialize, error) {
	keys := spec.Keys
	if len(keys) == 0 && !spec.OneKey {
		for i := range in.Fields {
			keys = append(keys, i)
		}
	}
	for _, k := range keys {
		if k < 0 || k >= len(in.Fields) {
			return nil, errors.New("a key column that the table does not have")
		}
	}
	return &materialize{spec: spec, rows: newRowTable(in, keys)}, nil
}

// Process sets and deletes rows, and passes them on unless only the final rows are wanted.
func (m *materialize) Process(_ *Context, _ int, b *vector.Batch, emit Emit) {
	for k := range b.Live() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		op := b.Op(i)
		switch op {
		case vector.Insert, vector.UpdateAfter:
			m.rows.set(b, i)
		case vector.Delete:
			m.rows.remove(b, i)
		case vector.UpdateBefore:
		}
	}
	if !m.spec.Final {
		emit(b)
	}
}

// Advance emits the rows at the end of the input where only they are wanted.
func (m *materialize) Advance(_ *Context, wm int64, emit Emit) int64 {
	m.rows.tidy()
	if !m.spec.Final {
		return wm
	}
	if wm != vector.MaxTime {
		return vector.NoTime
	}
	if !m.done {
		m.done = true
		m.rows.each(emit)
	}
	return wm
}

// Flush does nothing.
func (m *materialize) Flush(*Context, Emit) {}

// Scan emits the rows by first arrival.
func (m *materialize) Scan(emit Emit) { m.rows.each(emit) }

// Snapshot is the rows.
func (m *materialize) Snapshot(dst []byte) []byte { return m.rows.snapshot(putBool(dst, m.done)) }

// Restore takes them back.
func (m *materialize) Restore(src []byte) error {
	r := reader{src: src}
	m.done = r.bool()
	m.rows.restore(&r)
	return r.done()
}

// StateBytes is the memory of the rows.
func (m *materialize) StateBytes() int64 { return m.rows.stateBytes() }
