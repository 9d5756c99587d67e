package operator

import (
	"math/bits"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// fusion is the aggregates of one integer or short decimal column, without FILTER and DISTINCT, that one pass over the
// rows serves. Offsets are those of the accumulators in the record, -1: not wanted.
type fusion struct {
	col          int
	sum, wide    int // kindSum64; kindSum128, kindAvgInt, kindAvgDec
	lo, hi       int
	hasLo, hasHi uint64
	aggs         []int
}

// fuse groups the aggregates of l: those of each column that one pass serves, the others, and the word of COUNT(*).
func (l *layout) fuse() {
	l.count = -1
	for i := range l.aggs {
		d := &l.aggs[i]
		switch {
		case d.shared:
		case d.kind == kindCount && d.arg < 0 && d.filter < 0:
			l.count = d.off
		case d.arg < 0 || d.filter >= 0 || d.set >= 0 || d.in.Phys() != vector.PhysI64 || !l.fusion(d.arg).take(i, d):
			l.single = append(l.single, i)
		}
	}
}

// fusion returns the fusion of a column.
func (l *layout) fusion(col int) *fusion {
	for i := range l.fused {
		if l.fused[i].col == col {
			return &l.fused[i]
		}
	}
	l.fused = append(l.fused, fusion{col: col, sum: -1, wide: -1, lo: -1, hi: -1})
	return &l.fused[len(l.fused)-1]
}

// take adds aggregate number i to the fusion, if its kind can be.
func (f *fusion) take(i int, d *aggDef) bool {
	at := map[aggKind]*int{
		kindSum64: &f.sum, kindSum128: &f.wide, kindAvgInt: &f.wide, kindAvgDec: &f.wide,
		kindMin: &f.lo, kindMax: &f.hi,
	}[d.kind]
	if at == nil || *at >= 0 {
		return false
	}
	*at = d.off
	switch d.kind {
	case kindMin:
		f.hasLo = d.has
	case kindMax:
		f.hasHi = d.has
	default:
	}
	f.aggs = append(f.aggs, i)
	return true
}

// header is what a pass over records does beside the aggregates: see aggregate.touch.
type header struct {
	times   []int64
	count   int  // word of COUNT(*), -1: none
	changes bool // note the records that change
	dirty   []uint32
}

// updateFused lets the rows take effect in all aggregates of f; no value is null. With h it serves the header too.
func (s *store) updateFused(f *fusion, v *vector.Vector, rs rows, h *header) {
	recs, stride, vals := s.recs, s.lay.stride, v.I64
	gids := rs.gids[:len(rs.idx)]
	for k, i := range rs.idx {
		g := gids[k]
		r := recs[int(g)*stride:][:stride]
		if h != nil {
			h.note(r, g, h.times[i])
		}
		x := vals[i]
		if f.sum >= 0 {
			r[f.sum]++
			r[f.sum+1] += uint64(x)
		}
		if f.wide >= 0 {
			var c uint64
			r[f.wide]++
			r[f.wide+1], c = bits.Add64(r[f.wide+1], uint64(x), 0)
			r[f.wide+2], _ = bits.Add64(r[f.wide+2], uint64(x>>63), c)
		}
		if f.lo >= 0 && x <= int64(r[f.lo]) {
			r[f.lo] = uint64(x)
			r[wFlags] |= f.hasLo
		}
		if f.hi >= 0 && x >= int64(r[f.hi]) {
			r[f.hi] = uint64(x)
			r[wFlags] |= f.hasHi
		}
	}
}

// note is the header's part of one row of record g with words r.
func (h *header) note(r []uint64, g uint32, t int64) {
	if h.changes && r[wFlags]&flagDirty == 0 {
		r[wFlags] |= flagDirty
		h.dirty = append(h.dirty, g)
	}
	if t > int64(r[wTime]) {
		r[wTime] = uint64(t)
	}
	if h.count >= 0 {
		r[h.count]++
	}
}
