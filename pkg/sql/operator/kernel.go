package operator

import (
	"bytes"
	"math"
	"math/bits"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// rows is what a kernel works on: row idx[k] of the batch belongs to record gids[k]. Argument values are not null.
type rows struct {
	idx  []uint32
	gids []uint32
}

// orderedWord maps the canonical bits of a value to an int64 that sorts as the value does (NaN above all).
func orderedWord(t vector.Type, w uint64) int64 {
	if t.Kind == vector.Double && int64(w) < 0 {
		return int64(w ^ math.MaxInt64)
	}
	return int64(w)
}

// unordered takes orderedWord back; the mapping is its own inverse.
func unordered(t vector.Type, x int64) uint64 { return uint64(orderedWord(t, uint64(x))) }

// add128 adds the 128-bit number hi:lo to the words at, at+1.
func add128(r []uint64, at int, lo, hi uint64) {
	var c uint64
	r[at], c = bits.Add64(r[at], lo, 0)
	r[at+1], _ = bits.Add64(r[at+1], hi, c)
}

// addF adds x to a compensated sum (Neumaier) in the words at, at+1.
func addF(r []uint64, at int, x float64) {
	sum, comp := math.Float64frombits(r[at]), math.Float64frombits(r[at+1])
	t := sum + x
	if math.Abs(sum) >= math.Abs(x) {
		comp += (sum - t) + x
	} else {
		comp += (x - t) + sum
	}
	r[at], r[at+1] = math.Float64bits(t), math.Float64bits(comp)
}

// sumF is the value of a compensated sum.
func sumF(r []uint64, at int) float64 {
	sum, comp := math.Float64frombits(r[at]), math.Float64frombits(r[at+1])
	if math.IsInf(sum, 0) || sum != sum {
		return sum
	}
	return sum + comp
}

// update lets the rows take effect in aggregate d (sign -1: takes them out); sums are known not to overflow.
func (s *store) update(d *aggDef, v *vector.Vector, rs rows, sign int64) {
	switch d.kind {
	case kindCount:
		s.count(d, rs, sign)
	case kindSum64:
		s.sum64(d, v, rs, sign)
	case kindSum128, kindAvgInt, kindAvgDec:
		s.sum128(d, v, rs, sign)
	case kindSumF, kindAvgF:
		s.sumF(d, v, rs, sign)
	case kindVar:
		s.spread(d, v, rs, sign)
	case kindMin, kindMax:
		s.extreme(d, v, rs)
	default:
		panic("operator: kind needs arrival or time: " + d.name)
	}
}

func (s *store) count(d *aggDef, rs rows, sign int64) {
	recs, stride, off := s.recs, s.lay.stride, d.off
	for _, g := range rs.gids {
		recs[int(g)*stride+off] += uint64(sign)
	}
}

func (s *store) sum64(d *aggDef, v *vector.Vector, rs rows, sign int64) {
	recs, stride, off := s.recs, s.lay.stride, d.off
	gids, vals := rs.gids[:len(rs.idx)], v.I64
	if sign < 0 {
		for k, i := range rs.idx {
			at := int(gids[k])*stride + off
			recs[at]--
			recs[at+1] -= uint64(vals[i])
		}
		return
	}
	for k, i := range rs.idx {
		at := int(gids[k])*stride + off
		recs[at]++
		recs[at+1] += uint64(vals[i])
	}
}

func (s *store) sum128(d *aggDef, v *vector.Vector, rs rows, sign int64) {
	recs, stride, off := s.recs, s.lay.stride, d.off
	gids := rs.gids[:len(rs.idx)]
	if v.Type.Phys() == vector.PhysI128 {
		for k, i := range rs.idx {
			r := recs[int(gids[k])*stride+off:][:3]
			x := v.I128[i]
			if sign < 0 {
				x = neg128(x)
			}
			r[0] += uint64(sign)
			add128(r, 1, x.Lo, uint64(x.Hi))
		}
		return
	}
	if sign < 0 {
		for k, i := range rs.idx {
			r := recs[int(gids[k])*stride+off:][:3]
			x := neg128(vector.Int128{Lo: uint64(v.I64[i]), Hi: v.I64[i] >> 63})
			r[0]--
			add128(r, 1, x.Lo, uint64(x.Hi))
		}
		return
	}
	vals := v.I64
	for k, i := range rs.idx {
		r := recs[int(gids[k])*stride+off:][:3]
		x := vals[i]
		var c uint64
		r[0]++
		r[1], c = bits.Add64(r[1], uint64(x), 0)
		r[2], _ = bits.Add64(r[2], uint64(x>>63), c)
	}
}

func (s *store) sumF(d *aggDef, v *vector.Vector, rs rows, sign int64) {
	recs, stride, off := s.recs, s.lay.stride, d.off
	gids := rs.gids[:len(rs.idx)]
	for k, i := range rs.idx {
		r := recs[int(gids[k])*stride+off:][:3]
		r[0] += uint64(sign)
		addF(r, 1, v.F64[i]*float64(sign))
	}
}

// number returns row i of a numeric column as a double.
func number(v *vector.Vector, i uint32) float64 {
	switch {
	case v.Type.Kind == vector.Double:
		return v.F64[i]
	case v.Type.Phys() == vector.PhysI128:
		return float128(v.I128[i]) / math.Pow10(int(v.Type.Scale))
	case v.Type.Kind == vector.Decimal:
		return float64(v.I64[i]) / math.Pow10(int(v.Type.Scale))
	default:
		return float64(v.I64[i])
	}
}

// spread is Welford's update, row by row.
func (s *store) spread(d *aggDef, v *vector.Vector, rs rows, sign int64) {
	recs, stride, off := s.recs, s.lay.stride, d.off
	for k, i := range rs.idx {
		r := recs[int(rs.gids[k])*stride+off:][:3]
		x := number(v, i)
		mean, m2 := math.Float64frombits(r[1]), math.Float64frombits(r[2])
		n := int64(r[0]) + sign
		r[0] = uint64(n)
		if n <= 0 {
			r[1], r[2] = 0, 0
			continue
		}
		before := x - mean
		mean += float64(sign) * before / float64(n)
		m2 += float64(sign) * before * (x - mean)
		if sign < 0 && (n == 1 || m2 < 0) { // what rounding has left
			m2 = 0
		}
		r[1], r[2] = math.Float64bits(mean), math.Float64bits(m2)
	}
}

// extreme is MIN and MAX.
func (s *store) extreme(d *aggDef, v *vector.Vector, rs rows) {
	switch d.val {
	case valWord:
		s.extremeWord(d, v, rs)
	case valWide:
		for k, i := range rs.idx {
			r := s.rec(rs.gids[k])
			x := v.I128[i]
			cur := vector.Int128{Lo: r[d.off], Hi: int64(r[d.off+1])}
			if r[wFlags]&d.has == 0 || (cmp128(x, cur) < 0) == (d.kind == kindMin) {
				r[d.off], r[d.off+1] = x.Lo, uint64(x.Hi)
				r[wFlags] |= d.has
			}
		}
	case valStr:
		for k, i := range rs.idx {
			r := s.rec(rs.gids[k])
			s.extremeStr(d, r, v.Bytes(int(i)))
		}
	}
}

func (s *store) extremeStr(d *aggDef, r []uint64, b []byte) {
	had := r[wFlags]&d.has != 0
	if had {
		c := bytes.Compare(b, s.str(r, d.off))
		if c == 0 || (c < 0) != (d.kind == kindMin) {
			return
		}
	}
	s.setStr(r, d.off, b, had)
	r[wFlags] |= d.has
}

func (s *store) extremeWord(d *aggDef, v *vector.Vector, rs rows) {
	recs, stride, off, has := s.recs, s.lay.stride, d.off, d.has
	gids := rs.gids[:len(rs.idx)]
	// MAX of x is the complement of MIN of the complement: one loop serves both.
	flip := int64(0)
	if d.kind == kindMax {
		flip = -1
	}
	if v.Type.Phys() != vector.PhysI64 {
		for k, i := range rs.idx {
			r := recs[int(gids[k])*stride:][:stride]
			x := orderedWord(v.Type, word(v, int(i)))
			if r[wFlags]&has == 0 || x^flip < int64(r[off])^flip {
				r[off] = uint64(x)
				r[wFlags] |= has
			}
		}
		return
	}
	// A value that equals the one kept is written again: so the empty record's bound counts as a value too.
	vals := v.I64
	if d.kind == kindMin {
		for k, i := range rs.idx {
			at := int(gids[k]) * stride
			if x := vals[i]; x <= int64(recs[at+off]) {
				recs[at+off] = uint64(x)
				recs[at] |= has
			}
		}
		return
	}
	for k, i := range rs.idx {
		at := int(gids[k]) * stride
		if x := vals[i]; x >= int64(recs[at+off]) {
			recs[at+off] = uint64(x)
			recs[at] |= has
		}
	}
}

// pick lets the rows take effect in FIRST, LAST, EARLIEST or LATEST; order is the arrival number or event time of
// each row of the batch.
func (s *store) pick(d *aggDef, v *vector.Vector, rs rows, order []int64) {
	for k, i := range rs.idx {
		r := s.rec(rs.gids[k])
		at := order[i]
		had := r[wFlags]&d.has != 0
		if had && !d.takes(at, int64(r[d.off])) {
			continue
		}
		r[d.off] = uint64(at)
		switch d.val {
		case valWord:
			r[d.off+1] = word(v, int(i))
		case valWide:
			r[d.off+1], r[d.off+2] = v.I128[i].Lo, uint64(v.I128[i].Hi)
		case valStr:
			s.setStr(r, d.off+1, keptBytes(&s.buf, v, int(i)), had)
		}
		r[wFlags] |= d.has
	}
}

// takes reports whether a value of order at, which came later, replaces one of order old.
func (d *aggDef) takes(at, old int64) bool {
	if d.kind == kindFirst || d.kind == kindEarliest {
		return at < old
	}
	return at >= old
}
