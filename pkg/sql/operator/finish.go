package operator

import (
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// value appends the value of d in record r; false if it does not fit.
func (s *store) value(v *vector.Vector, d *aggDef, r []uint64) bool {
	if d.kind == kindCount {
		v.I64 = append(v.I64, int64(r[d.off]))
		vector.SetLen(v, v.Len+1)
		return true
	}
	if d.kind == kindState {
		return s.stateValue(v, d, r)
	}
	if d.kind > kindVar {
		if r[wFlags]&d.has == 0 {
			vector.AppendNull(v)
			return true
		}
		s.keptValue(v, d, r)
		return true
	}
	n := int64(r[d.off])
	if n <= 0 {
		if d.zero {
			appendZero(v)
		} else {
			vector.AppendNull(v)
		}
		return true
	}
	if d.kind == kindSum64 && r[wFlags]&flagTooBig != 0 {
		vector.AppendNull(v)
		return false
	}
	return computed(v, d, r[d.off:], n)
}

// keptValue appends a value that is kept as it came.
func (s *store) keptValue(v *vector.Vector, d *aggDef, r []uint64) {
	at := s.valueAt(d)
	switch d.val {
	case valStr:
		appendKept(v, s.str(r, at))
	case valWide:
		v.I128 = append(v.I128, vector.Int128{Lo: r[at], Hi: int64(r[at+1])})
		vector.SetLen(v, v.Len+1)
	case valWord:
		w := r[at]
		if d.kind <= kindMax {
			w = unordered(d.in, int64(w))
		}
		appendWord(v, w)
	}
}

// computed appends a sum, mean or spread; acc is the accumulator, n the number of values (above 0).
func computed(v *vector.Vector, d *aggDef, acc []uint64, n int64) bool {
	wide := vector.Int128{}
	if len(acc) > 2 {
		wide = vector.Int128{Lo: acc[1], Hi: int64(acc[2])}
	}
	switch d.kind {
	case kindSum64:
		x := int64(acc[1])
		if d.out.Kind == vector.Int {
			x = int64(int32(x))
		}
		v.I64 = append(v.I64, x)
	case kindSum128:
		return appendSum(v, wide)
	case kindAvgDec:
		m, ok := meanDecimal(wide, int(d.out.Scale)-int(d.in.Scale), uint64(n))
		if !ok {
			vector.AppendNull(v)
			return false
		}
		v.I128 = append(v.I128, m)
	case kindSumF:
		v.F64 = append(v.F64, sumF(acc, 1))
	case kindAvgF:
		v.F64 = append(v.F64, sumF(acc, 1)/float64(n))
	case kindAvgInt:
		if d.out.Phys() == vector.PhysI64 {
			return appendSum(v, wide)
		}
		v.F64 = append(v.F64, float128(wide)/float64(n)/math.Pow10(int(d.in.Scale)))
	default:
		return spreadValue(v, d, acc, n)
	}
	vector.SetLen(v, v.Len+1)
	return true
}

// appendSum appends an exact sum; false if it does not fit the type of v.
func appendSum(v *vector.Vector, x vector.Int128) bool {
	fits := fits38(x)
	if v.Type.Phys() == vector.PhysI64 {
		fits = x.Hi == int64(x.Lo)>>63
	}
	if v.Type.Kind == vector.Decimal && v.Type.Precision < 38 {
		fits = fits && math.Abs(float128(x)) < math.Pow10(int(v.Type.Precision))
	}
	switch {
	case !fits:
		vector.AppendNull(v)
		return false
	case v.Type.Phys() == vector.PhysI64:
		v.I64 = append(v.I64, int64(x.Lo))
	default:
		v.I128 = append(v.I128, x)
	}
	vector.SetLen(v, v.Len+1)
	return true
}

func spreadValue(v *vector.Vector, d *aggDef, acc []uint64, n int64) bool {
	div := float64(n)
	if d.fin == finStddevSamp || d.fin == finVarSamp {
		if n < 2 {
			if d.zero {
				appendZero(v)
			} else {
				vector.AppendNull(v)
			}
			return true
		}
		div--
	}
	x := math.Float64frombits(acc[2]) / div
	if x < 0 { // rounding, after rows were taken out
		x = 0
	}
	if d.fin == finStddevSamp || d.fin == finStddevPop {
		x = math.Sqrt(x)
	}
	v.F64 = append(v.F64, x)
	vector.SetLen(v, v.Len+1)
	return true
}
