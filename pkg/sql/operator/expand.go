package operator

import (
	"errors"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// expand emits each row once for each grouping set.
type expand struct {
	stateless
	spec *Expand
	drop [][]int // by set: the key columns that are null in it
	rows []uint32
	sets []int64
}

func newExpand(spec *Expand, in *vector.Schema) (*expand, error) {
	if len(spec.Schema.Fields) != len(in.Fields)+1 {
		return nil, errors.New("the schema is not the input's columns and the number of the set")
	}
	if err := checkColumns(in, spec.Keys); err != nil {
		return nil, err
	}
	e := &expand{spec: spec}
	for _, set := range spec.Sets {
		var drop []int
		for p, c := range spec.Keys {
			if !slices.Contains(set, p) {
				drop = append(drop, c)
			}
		}
		e.drop = append(e.drop, drop)
	}
	return e, nil
}

// Process emits the rows; both halves of an update stay together in each set.
func (e *expand) Process(_ *Context, _ int, b *vector.Batch, emit Emit) {
	e.rows, e.sets = e.rows[:0], e.sets[:0]
	for k := 0; k < b.Live(); {
		n := 1
		if b.Op(liveRow(b, k)) == vector.UpdateBefore && k+1 < b.Live() &&
			b.Op(liveRow(b, k+1)) == vector.UpdateAfter {
			n = 2
		}
		for set := range e.spec.Sets {
			for j := range n {
				e.rows, e.sets = append(e.rows, uint32(liveRow(b, k+j))), append(e.sets, int64(set))
			}
		}
		k += n
	}
	if len(e.rows) == 0 {
		return
	}
	out := gatherBatch(b, e.spec.Schema, e.rows)
	for k, set := range e.sets {
		for _, c := range e.drop[set] {
			vector.SetNull(out.Cols[c], k)
		}
	}
	number := vector.NewVector(vector.TBigInt, len(e.sets))
	number.I64 = append(number.I64, e.sets...)
	vector.SetLen(number, len(e.sets))
	out.Cols = append(out.Cols, number)
	emit(out)
}

// gatherBatch makes a batch of the rows of b, in any order and maybe several times; its schema may have more columns.
func gatherBatch(b *vector.Batch, s *vector.Schema, rows []uint32) *vector.Batch {
	out := *b
	out.Schema, out.Rows, out.Sel = s, len(rows), nil
	out.Cols = make([]*vector.Vector, len(b.Cols), len(s.Fields))
	for i, v := range b.Cols {
		out.Cols[i] = vector.Gather(v, rows)
	}
	out.Time = pickRows(b.Time, rows)
	out.Ops, out.Clock = pickRows(b.Ops, rows), pickRows(b.Clock, rows)
	return &out
}

func pickRows[T any](from []T, rows []uint32) []T {
	if from == nil {
		return nil
	}
	out := make([]T, len(rows))
	for k, i := range rows {
		out[k] = from[i]
	}
	return out
}
