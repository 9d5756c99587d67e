package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// aggState is the state of one aggregate of one group where that is more than a few words. It is deterministic: the
// same rows in the same order give the same snapshot.
type aggState interface {
	// add lets a row take effect (sign 1) or takes an equal one out again (sign -1), maybe before it comes.
	add(x *aggRow, sign int64)
	// merge adds another state of the same call, which stays as it is.
	merge(o aggState)
	// result appends the value; false (and a null) if it does not fit its type.
	result(out *vector.Vector) bool
	snapshot(dst []byte) []byte
	restore(r *reader)
	// bytes is the memory of the state; it is asked for often.
	bytes() int
}

// aggRow is a row as a state sees it.
type aggRow struct {
	args []*vector.Vector
	i    int
	seq  int64 // arrival number
	time int64 // event time
	// exact says that a row which is taken out has the arrival number that it came with.
	exact bool
}

// nullRule says which rows an aggregate passes over.
type nullRule uint8

const (
	skipNull nullRule = iota // a null first argument
	skipAny                  // a null in the first two arguments
	keepNull                 // none
)

func (n nullRule) skips(x *aggRow) bool {
	switch n {
	case keepNull:
		return false
	case skipAny:
		return isNull(x.args[0], x.i) || len(x.args) > 1 && isNull(x.args[1], x.i)
	default:
		return len(x.args) > 0 && isNull(x.args[0], x.i)
	}
}

func isNull(v *vector.Vector, i int) bool { return v.Type.Phys() == vector.PhysNone || v.Null(i) }

// state returns the state of aggregate d in record g, new if need be.
func (s *store) state(d *aggDef, g uint32) (aggState, uint32) {
	at := &s.recs[int(g)*s.lay.stride+d.off]
	if *at == 0 {
		*at = uint64(s.putState(d.fresh()))
	}
	return s.states[*at-1], uint32(*at - 1)
}

// putState keeps a state and returns its number + 1.
func (s *store) putState(st aggState) uint32 {
	s.stateSize += int64(st.bytes())
	if n := len(s.freeStates); n > 0 {
		k := s.freeStates[n-1]
		s.freeStates = s.freeStates[:n-1]
		s.states[k] = st
		return k + 1
	}
	s.states = append(s.states, st)
	return uint32(len(s.states))
}

// dropState forgets the state of d in the words r of a record.
func (s *store) dropState(d *aggDef, r []uint64) {
	if at := r[d.off]; at != 0 {
		s.stateSize -= int64(s.states[at-1].bytes())
		s.states[at-1] = nil
		s.freeStates = append(s.freeStates, uint32(at-1))
		r[d.off] = 0
	}
}

// updateStates lets the rows take effect in the states of d.
func (s *store) updateStates(d *aggDef, b *vector.Batch, rs rows, sign int64, arrival []int64) {
	x := aggRow{args: d.argVectors(b)}
	for k, i := range rs.idx {
		x.i, x.time, x.seq = int(i), b.Time[i], arrival[i]
		if d.nulls.skips(&x) {
			continue
		}
		st, at := s.state(d, rs.gids[k])
		before := st.bytes()
		st.add(&x, sign)
		s.stateSize += int64(s.states[at].bytes() - before)
	}
}

// argVectors are the columns of the arguments.
func (d *aggDef) argVectors(b *vector.Batch) []*vector.Vector {
	args := make([]*vector.Vector, len(d.args))
	for i, c := range d.args {
		args[i] = b.Cols[c]
	}
	return args
}

// mergeState merges the state of d in the words o of src into record r.
func (s *store) mergeState(d *aggDef, r []uint64, src *store, o []uint64) {
	if o[d.off] == 0 {
		return
	}
	if r[d.off] == 0 {
		r[d.off] = uint64(s.putState(d.fresh()))
	}
	st := s.states[r[d.off]-1]
	before := st.bytes()
	st.merge(src.states[o[d.off]-1])
	s.stateSize += int64(st.bytes() - before)
}

// stateValue appends the value of d in record r.
func (s *store) stateValue(v *vector.Vector, d *aggDef, r []uint64) bool {
	if r[d.off] == 0 {
		return d.fresh().result(v)
	}
	return s.states[r[d.off]-1].result(v)
}

func (s *store) putStateOf(dst []byte, d *aggDef, r []uint64) []byte {
	if r[d.off] == 0 {
		return append(dst, 0)
	}
	return s.states[r[d.off]-1].snapshot(append(dst, 1))
}

func (s *store) readStateOf(r *reader, d *aggDef, rec []uint64) {
	if !r.bool() {
		return
	}
	st := d.fresh()
	st.restore(r)
	rec[d.off] = uint64(s.putState(st))
}
