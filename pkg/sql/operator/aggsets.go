package operator

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// The empty set of GROUPING SETS, ROLLUP and CUBE is one group of all rows: like the one group of an aggregation
// without GROUP BY it is there also when no row is.

// Placed is the operators of a stage for one of its partitions: of several tasks the one to whose partition the rows of
// an empty grouping set go answers for an input without a row.
func Placed(specs []Spec, partition, partitions int) []Spec {
	out := slices.Clone(specs)
	for i, s := range specs {
		a, ok := s.(*Aggregate)
		if !ok || len(a.EmptySets) == 0 || partitions < 2 {
			continue
		}
		own, hash := *a, make([]uint64, 1)
		own.EmptySets = nil
		for _, set := range a.EmptySets {
			b := a.emptySet(set)
			vector.HashKeys(hash, b.Cols, 1, nil)
			if hash[0]%uint64(partitions) == uint64(partition) {
				own.EmptySets = append(own.EmptySets, set)
			}
		}
		out[i] = &own
	}
	return out
}

// emptySet is a row of the keys alone: nulls and the number of the set.
func (a *Aggregate) emptySet(set int64) *vector.Batch {
	b := &vector.Batch{Rows: 1}
	for _, f := range a.Schema.Fields[:len(a.Keys)-1] {
		v := vector.NewVector(f.Type, 1)
		vector.AppendNull(v)
		b.Cols = append(b.Cols, v)
	}
	number := vector.NewVector(vector.TBigInt, 1)
	number.I64 = append(number.I64, set)
	vector.SetLen(number, 1)
	b.Cols = append(b.Cols, number)
	return b
}

// keepSets marks the groups of empty sets, which stay when their last row is taken back; at the end of the input those
// that are not there come into being.
func (a *aggregate) keepSets(end bool) {
	if a.sess != nil || a.paneMs != 0 {
		return
	}
	for _, set := range a.spec.EmptySets {
		b, cols := a.spec.emptySet(set), make([]int, len(a.types))
		for i := range cols {
			cols[i] = i
		}
		id, found := a.keys.findRow(b, cols, 0)
		if !found {
			if !end {
				continue
			}
			id = a.keys.addRow(b, cols, 0)
			for int(a.st.n) < a.keys.n {
				a.st.alloc()
			}
			if a.spec.Emit != EmitFinal {
				a.dirty = append(a.dirty, id)
				a.st.rec(id)[wFlags] |= flagDirty
			}
		}
		a.st.rec(id)[wFlags] |= flagKept
	}
}
