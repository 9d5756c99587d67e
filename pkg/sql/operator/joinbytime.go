package operator

// Chains by time: the last row of a chain has the largest time (of equal ones, the one that came last), prev leads to
// the row before it. A row whose chunk was dropped ends the chain: those before it are older.

// linkByTime puts row id into the chain that ends with last.
func (s *joinRows) linkByTime(last *uint32, id uint32) {
	m := s.at(id)
	if *last == 0 {
		*last = id + 1
		return
	}
	after, behind := *last, (*rowMeta)(nil)
	for after != 0 {
		a := s.at(after - 1)
		if a == nil || a.time <= m.time {
			break
		}
		behind, after = a, a.prev
	}
	m.prev = after
	if behind == nil {
		*last = id + 1
	} else {
		behind.prev = id + 1
	}
}

// within appends the rows of a chain with times in [lo, hi], oldest first.
func (s *joinRows) within(last uint32, lo, hi int64, dst []uint32) []uint32 {
	from := len(dst)
	for last != 0 {
		m := s.at(last - 1)
		if m == nil || m.time < lo {
			break
		}
		if m.time <= hi {
			dst = append(dst, last)
		}
		last = m.prev
	}
	for i, k := from, len(dst)-1; i < k; i, k = i+1, k-1 {
		dst[i], dst[k] = dst[k], dst[i]
	}
	return dst
}
