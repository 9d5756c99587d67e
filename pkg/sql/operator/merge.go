package operator

import (
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// merge adds record g of src to record into of s; both have the layout of s. Rows of src count as later ones for
// equal orders.
func (s *store) merge(into uint32, src *store, g uint32) {
	r, o := s.rec(into), src.rec(g)
	if int64(o[wTime]) > int64(r[wTime]) {
		r[wTime] = o[wTime]
	}
	r[wFlags] |= o[wFlags] & flagTooBig
	if f := s.lay.first; f >= 0 {
		r[f] = min(r[f], o[f])
	}
	if f := s.lay.rows; f >= 0 {
		r[f] += o[f]
	}
	for i := range s.lay.aggs {
		d := &s.lay.aggs[i]
		if d.shared {
			continue
		}
		if d.set >= 0 {
			s.mergeSet(d, into, src, o)
			r = s.rec(into)
			continue
		}
		s.mergeAgg(d, r, src, o)
	}
}

func (s *store) mergeAgg(d *aggDef, r []uint64, src *store, o []uint64) {
	switch d.kind {
	case kindState:
		s.mergeState(d, r, src, o)
	case kindCount:
		r[d.off] += o[d.off]
	case kindSum64:
		r[d.off] += o[d.off]
		a, b := int64(r[d.off+1]), int64(o[d.off+1])
		if sum := a + b; (sum^a)&(sum^b) < 0 && d.fin != finWrap {
			r[wFlags] |= flagTooBig
		}
		r[d.off+1] = uint64(a + b)
	case kindSum128, kindAvgInt, kindAvgDec:
		r[d.off] += o[d.off]
		add128(r, d.off+1, o[d.off+1], o[d.off+2])
	case kindSumF, kindAvgF:
		r[d.off] += o[d.off]
		addF(r, d.off+1, math.Float64frombits(o[d.off+1]))
		addF(r, d.off+1, math.Float64frombits(o[d.off+2]))
	case kindVar:
		mergeSpread(r[d.off:d.off+3], o[d.off:d.off+3])
	case kindMin, kindMax:
		if o[wFlags]&d.has != 0 {
			s.mergeExtreme(d, r, src, o)
		}
	default:
		if o[wFlags]&d.has != 0 {
			s.mergePick(d, r, src, o)
		}
	}
}

// mergeSpread is Chan's combination of two (n, mean, m2).
func mergeSpread(r, o []uint64) {
	na, nb := float64(int64(r[0])), float64(int64(o[0]))
	if int64(o[0]) <= 0 {
		return
	}
	if int64(r[0]) <= 0 {
		copy(r, o)
		return
	}
	ma, mb := math.Float64frombits(r[1]), math.Float64frombits(o[1])
	delta, n := mb-ma, na+nb
	r[0] += o[0]
	r[1] = math.Float64bits(ma + delta*nb/n)
	r[2] = math.Float64bits(math.Float64frombits(r[2]) + math.Float64frombits(o[2]) + delta*delta*na*nb/n)
}

func (s *store) mergeExtreme(d *aggDef, r []uint64, src *store, o []uint64) {
	had := r[wFlags]&d.has != 0
	less := false
	switch d.val {
	case valStr:
		s.extremeStr(d, r, src.str(o, d.off))
		return
	case valWord:
		less = int64(o[d.off]) < int64(r[d.off])
	case valWide:
		less = cmp128(vector.Int128{Lo: o[d.off], Hi: int64(o[d.off+1])},
			vector.Int128{Lo: r[d.off], Hi: int64(r[d.off+1])}) < 0
	}
	if !had || less == (d.kind == kindMin) {
		copy(r[d.off:d.off+accWords(d.kind, d.val)], o[d.off:])
		r[wFlags] |= d.has
	}
}

func (s *store) mergePick(d *aggDef, r []uint64, src *store, o []uint64) {
	had := r[wFlags]&d.has != 0
	if had && !d.takes(int64(o[d.off]), int64(r[d.off])) {
		return
	}
	if d.val == valStr {
		r[d.off] = o[d.off]
		s.setStr(r, d.off+1, src.str(o, d.off+1), had)
	} else {
		copy(r[d.off:d.off+accWords(d.kind, d.val)], o[d.off:])
	}
	r[wFlags] |= d.has
}

// mergeSet adds the distinct values of record o of src, in the order of their arrival.
func (s *store) mergeSet(d *aggDef, into uint32, src *store, o []uint64) {
	from := src.sets[d.set]
	s.addValues(d, into, func(yield func(value []byte) bool) {
		for _, v := range from.list(uint32(o[d.setOff] >> 32)) {
			if !yield(from.keys.key(v)[ownedPrefix:]) {
				return
			}
		}
	})
}

// addValues adds encoded values to the set of record g; those that are new take effect in the aggregate.
func (s *store) addValues(d *aggDef, g uint32, values func(yield func(value []byte) bool)) {
	fresh := vector.NewVector(d.in, 0)
	var key []byte
	for v := range values {
		key = append(s.ownedKey(key[:0], s.rec(g)), v...)
		if s.sets[d.set].insert(s.rec(g), d.setOff, key) {
			readValue(fresh, v)
		}
	}
	rs := rows{idx: make([]uint32, fresh.Len), gids: make([]uint32, fresh.Len)}
	for i := range rs.idx {
		rs.idx[i], rs.gids[i] = uint32(i), g
	}
	s.update(d, fresh, rs, 1)
}
