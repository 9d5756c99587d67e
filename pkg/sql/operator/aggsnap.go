package operator

import (
	"math"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// A snapshot of an aggregate: watermark, arrival number, then the groups in an order that the state alone gives. It is
// taken between steps, when no group waits to be emitted.

// keptFlags are the flags of a record that outlive a step.
func (l *layout) keptFlags() uint64 {
	keep := flagEmitted | flagVisible | flagTooBig
	for i := range l.aggs {
		keep |= l.aggs[i].has
	}
	return keep
}

// Snapshot appends the groups.
func (a *aggregate) Snapshot(dst []byte) []byte {
	dst = putI64(putI64(dst, a.wm), a.seq)
	switch {
	case a.sess != nil:
		return a.sess.snapshot(dst)
	case a.paneMs == 0:
		dst = putU64(dst, uint64(a.keys.n-a.keys.gone))
		for id := range uint32(a.keys.n) {
			if a.st.rec(id)[wFlags]&flagLive != 0 {
				dst = a.st.putRecord(a.keys.putKey(dst, id), id)
			}
		}
		return dst
	}
	dst = putU64(dst, uint64(len(a.panes.sorted)))
	for _, p := range a.panes.sorted {
		dst = putI64(dst, p.start)
		if a.win != nil {
			dst = putI64(dst, p.cut)
		}
		dst = putU64(dst, uint64(p.keys.n))
		for id := range uint32(p.keys.n) {
			dst = a.st.putRecord(p.keys.putKey(dst, id), p.recs[id])
		}
	}
	return dst
}

// Restore replaces the groups.
func (a *aggregate) Restore(src []byte) error {
	r := &reader{src: src}
	a.st.freeAll()
	a.keys.free()
	a.st, a.keys, a.panes, a.dirty = a.st.like(), a.keys.like(), paneSet{}, nil
	a.wm, a.seq = r.i64(), r.i64()
	switch {
	case a.sess != nil:
		a.sess.restore(r)
	case a.paneMs == 0:
		for range r.count(1) {
			a.keys.readKey(r)
			a.st.readRecord(r, a.st.alloc())
			if r.err != nil {
				break
			}
		}
	default:
		a.restorePanes(r)
	}
	for i := range a.guard {
		if d := &a.lay.aggs[i]; d.checked() && !d.shared {
			a.guard[i] = sumGuard{bound: a.st.largestSum(d)}
		}
	}
	return r.done()
}

func (a *aggregate) restorePanes(r *reader) {
	last, lastCut := int64(math.MinInt64), int64(noCut)
	for range r.count(16) {
		start, cut := r.i64(), int64(noCut)
		if a.win != nil {
			cut = r.i64()
		}
		n := r.count(1)
		if start > maxEventTime || start < -2*maxEventTime || start < last || start == last && cut <= lastCut ||
			floorTo(start, a.paneMs) != start {
			r.fail("window")
		}
		last, lastCut = start, cut
		for range n {
			if r.err != nil {
				return
			}
			p := a.panes.open(start, cut, a.keys.like)
			id := p.keys.readKey(r)
			g := a.st.alloc()
			p.recs = arena.Append(p.keys.mem, p.recs, g)
			a.st.readRecord(r, g)
			a.st.rec(g)[a.lay.home] = uint64(p.slot)<<32 | uint64(id)
		}
	}
}

// putRecord appends record g: flags, time, the words that are not addresses, strings and sets by value.
func (s *store) putRecord(dst []byte, g uint32) []byte {
	r, l := s.rec(g), s.lay
	dst = putU64(putU64(dst, r[wFlags]&l.keptFlags()), r[wTime])
	for _, at := range []int{l.first, l.rows} {
		if at >= 0 {
			dst = putU64(dst, r[at])
		}
	}
	for _, w := range l.visibleWords(r) {
		dst = putU64(dst, w)
	}
	for i := range l.aggs {
		d := &l.aggs[i]
		if d.shared {
			continue
		}
		if d.set >= 0 {
			dst = s.putSet(dst, d, r)
		}
		if d.kind == kindState {
			dst = s.putStateOf(dst, d, r)
			continue
		}
		acc := r[d.off : d.off+accWords(d.kind, d.val)]
		if d.val != valStr {
			for _, w := range acc {
				dst = putU64(dst, w)
			}
			continue
		}
		if d.kind >= kindFirst {
			dst = putU64(dst, acc[0])
		}
		if r[wFlags]&d.has != 0 {
			dst = putBytes(dst, s.str(r, s.valueAt(d)))
		}
	}
	return dst
}

// visibleWords are the window bits of a record, if it has any.
func (l *layout) visibleWords(r []uint64) []uint64 {
	if l.visible < 0 {
		return nil
	}
	return r[l.visible : l.visible+l.visibleN]
}

func (s *store) putSet(dst []byte, d *aggDef, r []uint64) []byte {
	set := s.sets[d.set]
	values := set.list(uint32(r[d.setOff] >> 32))
	dst = putU64(dst, uint64(len(values)))
	for _, v := range values {
		dst = putBytes(dst, set.keys.key(v)[ownedPrefix:])
	}
	return dst
}

// readRecord fills the empty record g.
func (s *store) readRecord(r *reader, g uint32) {
	l, rec := s.lay, s.rec(g)
	rec[wFlags] = r.u64()&l.keptFlags() | flagLive
	rec[wTime] = r.u64()
	for _, at := range []int{l.first, l.rows} {
		if at >= 0 {
			rec[at] = r.u64()
		}
	}
	words := l.visibleWords(rec)
	for i := range words {
		words[i] = r.u64()
	}
	for i := range l.aggs {
		d := &l.aggs[i]
		if d.shared {
			continue
		}
		if d.set >= 0 {
			s.readSet(r, d, rec)
		}
		if d.kind == kindState {
			s.readStateOf(r, d, rec)
			continue
		}
		acc := rec[d.off : d.off+accWords(d.kind, d.val)]
		if d.val != valStr {
			for k := range acc {
				acc[k] = r.u64()
			}
			continue
		}
		if d.kind >= kindFirst {
			acc[0] = r.u64()
		}
		if rec[wFlags]&d.has != 0 {
			s.setStr(rec, s.valueAt(d), r.kept(d.in), false)
		}
	}
}

func (s *store) readSet(r *reader, d *aggDef, rec []uint64) {
	var key []byte
	for range r.count(4) {
		v := r.bytes()
		if r.err == nil && !validValues([]vector.Type{d.in}, v) {
			r.fail("distinct value")
		}
		if r.err != nil {
			return
		}
		key = append(s.ownedKey(key[:0], rec), v...)
		if !s.sets[d.set].insert(rec, d.setOff, key) {
			r.fail("distinct value twice")
		}
	}
}

// snapshot appends the sessions by first arrival.
func (s *sessions) snapshot(dst []byte) []byte {
	list := s.live()
	dst = putU64(dst, uint64(len(list)))
	for _, g := range list {
		w := s.words(g)
		dst = s.a.keys.putKey(dst, s.key(g))
		for _, i := range []int{sStart, sLast, sOutStart, sOutLast, sOutTime} {
			dst = putU64(dst, w[i])
		}
		dst = s.a.st.putRecord(dst, g)
	}
	return dst
}

// restore reads the sessions back.
func (s *sessions) restore(r *reader) {
	*s = sessions{a: s.a, heads: arena.Free(s.a.keys.mem, s.heads)}
	for range r.count(40) {
		key := s.a.keys.readAny(r)
		if r.err != nil {
			return
		}
		if int(key) == len(s.heads) {
			s.heads = arena.Append(s.a.keys.mem, s.heads, 0)
		}
		g := s.a.st.alloc()
		w := s.words(g)
		for _, i := range []int{sStart, sLast, sOutStart, sOutLast, sOutTime} {
			w[i] = r.u64()
		}
		s.a.st.readRecord(r, g)
		s.gen++
		s.a.st.rec(g)[s.a.lay.home] = uint64(s.gen)<<32 | uint64(key)
		before, at := uint32(0), s.heads[key]
		for at != 0 && int64(s.words(at - 1)[sStart]) > int64(w[sStart]) {
			before, at = at, uint32(s.words(at - 1)[sNext])
		}
		w[sNext] = uint64(at)
		s.link(key, before, g+1)
		s.watch(g, s.gen)
	}
}
