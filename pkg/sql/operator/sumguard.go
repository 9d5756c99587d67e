package operator

import (
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// sumGuard bounds the magnitude of every sum of one aggregate, so that sums are checked row by row only when one could
// overflow. It is derived from the state, and has no effect on results.
type sumGuard struct {
	bound float64
	wait  int // batches until the bound is taken from the records again
}

const (
	limit64  = 9.2e18  // below 2^63
	limit128 = 9.99e37 // below 10^38
)

// sumsFit reports whether no sum can overflow when the rows idx take effect.
func (a *aggregate) sumsFit(b *vector.Batch, idx []uint32) bool {
	fit := true
	for i := range a.lay.aggs {
		d, g := &a.lay.aggs[i], &a.guard[i]
		if d.shared || !d.checked() || d.kind == kindSum128 && d.in.Phys() != vector.PhysI128 {
			continue
		}
		limit := limit64
		if d.kind == kindSum128 {
			limit = limit128
		}
		add := largest(d, b.Cols[d.arg], idx) * float64(len(idx))
		if g.bound+add > limit {
			if g.wait--; g.wait <= 0 {
				g.bound, g.wait = a.st.largestSum(d), 64
			}
		}
		if g.bound += add; g.bound > limit {
			fit, g.bound = false, math.Inf(1) // every batch is checked until the bound is taken again
		}
	}
	return fit
}

// largest bounds the magnitude of the rows idx of a column.
func largest(d *aggDef, v *vector.Vector, idx []uint32) float64 {
	switch {
	case v.Type.Kind == vector.Int:
		return 1 << 31
	case d.kind == kindSum64:
		m := uint64(0)
		for _, i := range idx {
			x := v.I64[i]
			m = max(m, uint64(x^x>>63))
		}
		return float64(m) + 1
	default:
		m := uint64(0)
		for _, i := range idx {
			x := v.I128[i].Hi
			m = max(m, uint64(x^x>>63))
		}
		return math.Ldexp(float64(m)+1, 64)
	}
}

// largestSum is the magnitude of the largest sum of d.
func (s *store) largestSum(d *aggDef) float64 {
	m := 0.0
	for g := range s.n {
		m = max(m, math.Abs(d.sum(s.rec(g))))
	}
	return m
}

func (d *aggDef) sum(r []uint64) float64 {
	if d.kind == kindSum64 {
		return float64(int64(r[d.off+1]))
	}
	return float128(vector.Int128{Lo: r[d.off+1], Hi: int64(r[d.off+2])})
}

// applyChecked lets the rows take effect one by one; a row that makes a sum overflow fails and has no effect.
func (a *aggregate) applyChecked(ctx *Context, b *vector.Batch, rs rows, sign int64) {
	for k, i := range rs.idx {
		if d := a.overflowing(b, i, rs.gids[k], sign); d != nil {
			ctx.Report.Failed(b, i, CodeOverflow, d.name+" of "+d.in.String()+" overflows "+d.out.String())
			continue
		}
		a.accumulate(b, rows{rs.idx[k : k+1], rs.gids[k : k+1]}, sign)
	}
}

// overflowing returns the aggregate that row i makes overflow in record g, or nil.
func (a *aggregate) overflowing(b *vector.Batch, i, g uint32, sign int64) *aggDef {
	for n := range a.lay.aggs {
		d := &a.lay.aggs[n]
		if d.shared || !d.checked() {
			continue
		}
		v := b.Cols[d.arg]
		if v.Null(int(i)) || d.filter >= 0 && (b.Cols[d.filter].Null(int(i)) || !b.Cols[d.filter].Bool[i]) {
			continue
		}
		r := a.st.rec(g)
		if d.set >= 0 {
			a.rows.key = appendValue(a.st.ownedKey(a.rows.key[:0], r), v, int(i))
			if _, known := a.st.sets[d.set].keys.find(a.rows.key, 0); known {
				continue
			}
		}
		if d.overflows(r, v, i, sign) {
			return d
		}
	}
	return nil
}

func (d *aggDef) overflows(r []uint64, v *vector.Vector, i uint32, sign int64) bool {
	if d.kind == kindSum64 {
		old, x := int64(r[d.off+1]), v.I64[i]
		if sign < 0 {
			diff := old - x
			return (old^x)&(old^diff) < 0
		}
		sum := old + x
		return (sum^old)&(sum^x) < 0
	}
	var x vector.Int128
	if v.Type.Phys() == vector.PhysI128 {
		x = v.I128[i]
	} else {
		x = vector.Int128{Lo: uint64(v.I64[i]), Hi: v.I64[i] >> 63}
	}
	if sign < 0 {
		x = neg128(x)
	}
	sum := []uint64{r[d.off+1], r[d.off+2]}
	add128(sum, 0, x.Lo, uint64(x.Hi))
	return !fits38(vector.Int128{Lo: sum[0], Hi: int64(sum[1])})
}
