package operator

import (
	"math"
	"math/bits"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// dd is a number as the sum of two doubles: about 106 bits, so that what was added can be taken out again.
type dd struct{ hi, lo float64 }

func (a dd) plus(b dd) dd {
	s := a.hi + b.hi
	t := s - a.hi
	e := (a.hi - (s - t)) + (b.hi - t)
	e += a.lo + b.lo
	hi := s + e
	return dd{hi, e - (hi - s)}
}

func (a dd) minus(b dd) dd { return a.plus(dd{-b.hi, -b.lo}) }

func (a dd) times(b dd) dd {
	p := a.hi * b.hi
	e := math.FMA(a.hi, b.hi, -p) + (a.hi*b.lo + a.lo*b.hi)
	hi := p + e
	return dd{hi, e - (hi - p)}
}

func (a dd) value() float64 { return a.hi + a.lo }

// moments is the sums from which the statistics of one or two columns follow. Values that are not finite are counted
// apart, so that they can be taken out again.
type moments struct {
	n                int64
	x, y, xx, yy, xy dd
	peak             float64 // the largest square that ever came: what rounding is measured against
	nan, up, down    int64   // rows with a NaN, plus or minus infinity in x (SUM, AVG) or in x or y
	exact            [3]uint64
}

// momentFunc computes a statistic; false: null.
type momentFunc func(m *moments) (float64, bool)

// numericState is SUM, AVG and the statistics.
type numericState struct {
	moments
	mode numericMode
	f    momentFunc
	in   vector.Type
	out  vector.Type
	zero bool // 0 of no rows (ksql)
}

// numericMode is which sums are kept.
type numericMode uint8

const (
	numRows  numericMode = iota // COUNT
	numExact                    // SUM and AVG of integers and decimals
	numOne                      // one column of doubles
	numTwo                      // two columns
)

func (s *numericState) add(x *aggRow, sign int64) {
	s.n += sign
	switch s.mode {
	case numExact:
		v := x.args[0]
		var w vector.Int128
		if v.Type.Phys() == vector.PhysI128 {
			w = v.I128[x.i]
		} else {
			w = vector.Int128{Lo: uint64(v.I64[x.i]), Hi: v.I64[x.i] >> 63}
		}
		s.addExact(w, sign)
	case numOne, numTwo:
		a, b := number(x.args[0], uint32(x.i)), 0.0
		if s.mode == numTwo {
			b = number(x.args[1], uint32(x.i))
		}
		s.addPair(a, b, sign)
	default:
	}
}

func (m *moments) addExact(w vector.Int128, sign int64) {
	if sign < 0 { // the least number of 128 bits is no DECIMAL
		w = neg128(w)
	}
	var c uint64
	m.exact[0], c = bits.Add64(m.exact[0], w.Lo, 0)
	m.exact[1], c = bits.Add64(m.exact[1], uint64(w.Hi), c)
	m.exact[2], _ = bits.Add64(m.exact[2], uint64(w.Hi>>63), c)
}

func (m *moments) addPair(a, b float64, sign int64) {
	if sum := a + b; sum-sum != 0 {
		switch {
		case sum != sum:
			m.nan += sign
		case sum > 0:
			m.up += sign
		default:
			m.down += sign
		}
		return
	}
	s := float64(sign)
	da, db := dd{a, 0}, dd{b, 0}
	sa, sb := dd{s * a, 0}, dd{s * b, 0}
	m.peak = max(m.peak, a*a, b*b)
	m.x, m.y = m.x.plus(sa), m.y.plus(sb)
	m.xx, m.yy, m.xy = m.xx.plus(sa.times(da)), m.yy.plus(sb.times(db)), m.xy.plus(sa.times(db))
}

func (s *numericState) merge(o aggState) {
	other, ok := o.(*numericState)
	if !ok {
		return
	}
	a, b := &s.moments, &other.moments
	a.n, a.peak = a.n+b.n, max(a.peak, b.peak)
	a.nan, a.up, a.down = a.nan+b.nan, a.up+b.up, a.down+b.down
	a.x, a.y, a.xx, a.yy, a.xy = a.x.plus(b.x), a.y.plus(b.y), a.xx.plus(b.xx), a.yy.plus(b.yy), a.xy.plus(b.xy)
	var c uint64
	a.exact[0], c = bits.Add64(a.exact[0], b.exact[0], 0)
	a.exact[1], c = bits.Add64(a.exact[1], b.exact[1], c)
	a.exact[2], _ = bits.Add64(a.exact[2], b.exact[2], c)
}

func (s *numericState) result(out *vector.Vector) bool {
	switch {
	case s.mode == numRows:
		appendWord(out, uint64(s.n))
		return true
	case s.n <= 0 && s.zero:
		appendZero(out)
		return true
	case s.mode == numExact:
		return s.exactResult(out)
	case s.f == nil && s.n <= 0:
		vector.AppendNull(out)
		return true
	}
	var x float64
	ok := true
	if s.f != nil {
		x, ok = s.f(&s.moments)
	} else {
		x = s.sum()
	}
	if !ok {
		vector.AppendNull(out)
		return true
	}
	if out.Type.Phys() == vector.PhysI64 {
		appendWord(out, uint64(int64(x)))
		return true
	}
	out.F64 = append(out.F64, x)
	vector.SetLen(out, out.Len+1)
	return true
}

// sum is the sum of x.
func (m *moments) sum() float64 {
	switch {
	case m.nan > 0 || m.up > 0 && m.down > 0:
		return math.NaN()
	case m.up > 0:
		return math.Inf(1)
	case m.down > 0:
		return math.Inf(-1)
	}
	return m.x.value()
}

// exactResult is a SUM or AVG of integers or decimals.
func (s *numericState) exactResult(out *vector.Vector) bool {
	if s.n <= 0 {
		vector.AppendNull(out)
		return true
	}
	w := vector.Int128{Lo: s.exact[0], Hi: int64(s.exact[1])}
	fits := s.exact[2] == uint64(w.Hi>>63) && fits38(w)
	d := &aggDef{kind: kindSum128, in: s.in, out: s.out}
	if s.f != nil {
		d.kind = kindAvgInt
		if s.out.Kind == vector.Decimal {
			d.kind = kindAvgDec
		}
	}
	if s.f == nil && s.out.Kind != vector.Decimal {
		d.kind = kindAvgInt
		if s.out.Kind == vector.Int { // ksql: it wraps
			appendWord(out, uint64(int64(int32(w.Lo))))
			return true
		}
		if s.zero {
			appendWord(out, w.Lo)
			return true
		}
	}
	if !fits {
		vector.AppendNull(out)
		return false
	}
	return computed(out, d, []uint64{0, w.Lo, uint64(w.Hi)}, s.n)
}

func (s *numericState) snapshot(dst []byte) []byte {
	m := &s.moments
	dst = putI64(dst, m.n)
	switch s.mode {
	case numRows:
		return dst
	case numExact:
		return putU64(putU64(putU64(dst, m.exact[0]), m.exact[1]), m.exact[2])
	default:
	}
	for _, x := range m.parts() {
		dst = putU64(putU64(dst, math.Float64bits(x.hi)), math.Float64bits(x.lo))
	}
	dst = putU64(dst, math.Float64bits(m.peak))
	return putI64(putI64(putI64(dst, m.nan), m.up), m.down)
}

func (m *moments) parts() []*dd { return []*dd{&m.x, &m.y, &m.xx, &m.yy, &m.xy} }

func (s *numericState) restore(r *reader) {
	m := &s.moments
	m.n = r.i64()
	switch s.mode {
	case numRows:
		return
	case numExact:
		for i := range m.exact {
			m.exact[i] = r.u64()
		}
		return
	default:
	}
	for _, x := range m.parts() {
		x.hi, x.lo = math.Float64frombits(r.u64()), math.Float64frombits(r.u64())
	}
	m.peak = math.Float64frombits(r.u64())
	m.nan, m.up, m.down = r.i64(), r.i64(), r.i64()
}

func (s *numericState) bytes() int { return 240 }

func appendZero(v *vector.Vector) {
	if v.Type.Phys() == vector.PhysI128 {
		v.I128 = append(v.I128, vector.Int128{})
		vector.SetLen(v, v.Len+1)
		return
	}
	appendWord(v, 0)
}
