package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// rowScratch is the row lists of one batch; operators own one and use it again.
type rowScratch struct {
	all      []uint32 // 0, 1, 2 ...
	idx, gid []uint32
	late     []uint32
	kept     []uint32
	subI     []uint32
	subG     []uint32
	setI     []uint32
	setG     []uint32
	arrivals []int64
	appendAt []int64
	key      []byte
	one      [2]uint32
	times    []int64 // what windows follow, by row of the batch
	event    []int64 // event times
	arrival  []int64 // arrival number of each live row
}

// live returns the selected rows of b. The list must not be changed: see own.
func (s *rowScratch) live(b *vector.Batch) []uint32 {
	if b.Sel != nil {
		return b.Sel
	}
	for len(s.all) < b.Rows {
		s.all = append(s.all, uint32(len(s.all)))
	}
	return s.all[:b.Rows]
}

// own returns a copy of a row list that may be changed; it holds until the next batch.
func (s *rowScratch) own(idx []uint32) []uint32 {
	s.idx = append(s.idx[:0], idx...)
	return s.idx
}

// grow returns s with length n, contents undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}

func (s *rowScratch) ids(n int) []uint32 {
	s.gid = grow(s.gid, n)
	return s.gid
}

// orders sets the times and arrival numbers of the rows idx of a batch.
func (s *rowScratch) orders(a *aggregate, b *vector.Batch, idx []uint32) {
	s.event, s.times = b.Time, b.Time
	if a.spec.Window.ProcessingTime {
		s.appendAt = grow(s.appendAt, b.Rows)
		for i := range s.appendAt {
			s.appendAt[i] = b.AppendTime
		}
		s.times = s.appendAt
	}
	if a.lay.needsArrival() {
		s.arrivals = grow(s.arrivals, b.Rows)
		for k, i := range idx {
			s.arrivals[i] = a.seq + int64(k)
		}
		s.arrival = s.arrivals
	}
	a.seq += int64(len(idx))
}

func (l *layout) needsArrival() bool {
	if l.first >= 0 {
		return true
	}
	for i := range l.aggs {
		if k := l.aggs[i].kind; k == kindFirst || k == kindLast || k == kindState {
			return true
		}
	}
	return false
}

// notNull keeps the rows in which no column of cols is null.
func notNull(idx []uint32, b *vector.Batch, cols []int) []uint32 {
	for _, c := range cols {
		v := b.Cols[c]
		if v.Valid == nil {
			continue
		}
		n := 0
		for _, i := range idx {
			if !v.Null(int(i)) {
				idx[n] = i
				n++
			}
		}
		idx = idx[:n]
	}
	return idx
}

// forAgg returns the rows that count for aggregate d: FILTER is true, the argument is not null and, with DISTINCT, the
// value is new in its group.
func (s *rowScratch) forAgg(st *store, d *aggDef, b *vector.Batch, rs rows) rows {
	var filter, arg *vector.Vector
	if d.filter >= 0 {
		filter = b.Cols[d.filter]
	}
	if d.arg >= 0 {
		arg = b.Cols[d.arg]
	}
	if d.kind == kindState {
		arg = nil
	}
	if filter != nil || arg != nil && arg.Valid != nil {
		rs = s.counting(filter, arg, rs)
	}
	if d.set < 0 {
		return rs
	}
	s.setI, s.setG = s.setI[:0], s.setG[:0]
	for k, i := range rs.idx {
		r := st.rec(rs.gids[k])
		s.key = appendValue(st.ownedKey(s.key[:0], r), arg, int(i))
		if st.sets[d.set].insert(r, d.setOff, s.key) {
			s.setI, s.setG = append(s.setI, i), append(s.setG, rs.gids[k])
		}
	}
	return rows{s.setI, s.setG}
}

// counting keeps the rows in which filter is true and arg is not null; either may be nil.
func (s *rowScratch) counting(filter, arg *vector.Vector, rs rows) rows {
	s.subI, s.subG = s.subI[:0], s.subG[:0]
	for k, i := range rs.idx {
		if filter != nil && (filter.Null(int(i)) || !filter.Bool[i]) || arg != nil && arg.Null(int(i)) {
			continue
		}
		s.subI, s.subG = append(s.subI, i), append(s.subG, rs.gids[k])
	}
	return rows{s.subI, s.subG}
}
