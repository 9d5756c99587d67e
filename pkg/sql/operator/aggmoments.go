package operator

import "math"

// The statistics that follow from moments. x is the first argument of a function of one column; the functions of two
// are called with (y, x) as in SQL, so that the first argument is the dependent one: there moments.x is y.

// special reports whether a value that is not finite is among the rows; then a statistic is NaN.
func (m *moments) special() bool { return m.nan != 0 || m.up != 0 || m.down != 0 }

// spread is n times the population covariance of two sums with their product sum.
func (m *moments) spread(ab, a, b dd) float64 {
	n := float64(m.n)
	s := ab.times(dd{n, 0}).minus(a.times(b)).value() / n
	scale := max(math.Abs(ab.value()), m.peak)
	if math.Abs(s) < scale*1e-28 { // what rounding has left of nothing
		return 0
	}
	return s
}

func (m *moments) sxx() float64 { return max(0, m.spread(m.xx, m.x, m.x)) }
func (m *moments) syy() float64 { return max(0, m.spread(m.yy, m.y, m.y)) }
func (m *moments) sxy() float64 { return m.spread(m.xy, m.x, m.y) }

// ofRows makes a statistic null for fewer than least rows, and NaN where a value is not finite.
func ofRows(least int64, f momentFunc) momentFunc {
	return func(m *moments) (float64, bool) {
		switch {
		case m.n < max(1, least):
			return 0, false
		case m.special():
			return math.NaN(), true
		}
		return f(m)
	}
}

// orZero is the ksql form: 0 where Leat's is null.
func orZero(f momentFunc) momentFunc {
	return func(m *moments) (float64, bool) {
		x, _ := f(m)
		return x, true
	}
}

func exactly(f func(m *moments) float64) momentFunc {
	return func(m *moments) (float64, bool) { return f(m), true }
}

func varianceOf(fin finish) momentFunc {
	least := int64(1)
	if fin == finVarSamp || fin == finStddevSamp {
		least = 2
	}
	return ofRows(least, exactly(func(m *moments) float64 {
		x := m.sxx() / float64(m.n-least+1)
		if fin == finStddevPop || fin == finStddevSamp {
			return math.Sqrt(x)
		}
		return x
	}))
}

var (
	meanOf    = momentFunc(func(m *moments) (float64, bool) { return m.sum() / float64(m.n), m.n > 0 })
	covarPop  = ofRows(1, exactly(func(m *moments) float64 { return m.sxy() / float64(m.n) }))
	covarSamp = ofRows(2, exactly(func(m *moments) float64 { return m.sxy() / float64(m.n-1) }))
	regrSXX   = ofRows(1, exactly((*moments).syy))
	regrSYY   = ofRows(1, exactly((*moments).sxx))
	regrSXY   = ofRows(1, exactly((*moments).sxy))
	regrAvgX  = ofRows(1, exactly(func(m *moments) float64 { return m.y.value() / float64(m.n) }))
	regrAvgY  = ofRows(1, exactly(func(m *moments) float64 { return m.x.value() / float64(m.n) }))
)

// correlation is null where a column does not vary.
func correlation(m *moments) (float64, bool) {
	a, b := m.sxx(), m.syy()
	if a == 0 || b == 0 {
		return 0, false
	}
	return max(-1, min(1, m.sxy()/math.Sqrt(a)/math.Sqrt(b))), true
}

// correlationOrNaN is CORRELATION of the ksql profile: NaN instead of null.
func correlationOrNaN(m *moments) (float64, bool) {
	if m.n > 0 && !m.special() {
		if x, ok := correlation(m); ok {
			return x, true
		}
	}
	return math.NaN(), true
}

func regrSlope(m *moments) (float64, bool) {
	d := m.syy()
	return m.sxy() / d, d != 0
}

func regrIntercept(m *moments) (float64, bool) {
	slope, ok := regrSlope(m)
	return (m.x.value() - slope*m.y.value()) / float64(m.n), ok
}

// regrR2 is 1 where the dependent column does not vary.
func regrR2(m *moments) (float64, bool) {
	if m.syy() == 0 {
		return 0, false
	}
	if m.sxx() == 0 {
		return 1, true
	}
	r, ok := correlation(m)
	return r * r, ok
}

// regrCount is the number of pairs.
func regrCount(m *moments) (float64, bool) { return float64(m.n), true }
