package operator

import (
	"cmp"
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Words of a session in its record, from layout.session on.
const (
	sStart    = iota // least time
	sLast            // largest time
	sNext            // record of the key's session before this one in time + 1
	sOutStart        // sStart, sLast and wTime as they were last emitted
	sOutLast
	sOutTime
	sWords
)

// sessions is the session windows of an aggregate: for each key a list of sessions, latest first, which are at least
// the gap apart from each other.
type sessions struct {
	a     *aggregate
	heads []uint32 // by key number: record of the latest session + 1
	due   dueHeap
	gen   uint32
	gone  []goneSession
}

// goneSession is a session that was emitted and then absorbed by another; its deletion is still to be emitted.
type goneSession struct {
	key  uint32
	win  span
	time int64
}

// due is when a session may close: it is looked at again then, since it may have grown.
type due struct {
	at  int64
	rec uint32
	gen uint32
}

// dueHeap is a binary heap with the earliest on top.
type dueHeap []due

func (h *dueHeap) push(d due) {
	*h = append(*h, d)
	q := *h
	for i := len(q) - 1; i > 0; {
		up := (i - 1) / 2
		if q[up].at <= q[i].at {
			return
		}
		q[up], q[i] = q[i], q[up]
		i = up
	}
}

func (h *dueHeap) pop() due {
	q := *h
	top, n := q[0], len(q)-1
	q[0] = q[n]
	*h = q[:n]
	for i := 0; ; {
		k := 2*i + 1
		if k >= n {
			return top
		}
		if k+1 < n && q[k+1].at < q[k].at {
			k++
		}
		if q[i].at <= q[k].at {
			return top
		}
		q[i], q[k] = q[k], q[i]
		i = k
	}
}

func newSessions(a *aggregate) *sessions { return &sessions{a: a} }

func (s *sessions) stateBytes() int64 {
	return int64(4*cap(s.heads) + 16*cap(s.due) + 40*cap(s.gone))
}

// words are the session's words of record g.
func (s *sessions) words(g uint32) []uint64 { return s.a.st.rec(g)[s.a.lay.session:][:sWords] }

func (s *sessions) key(g uint32) uint32 { return uint32(s.a.st.rec(g)[s.a.lay.home]) }

// apart reports whether times at this distance are in different sessions.
func (s *sessions) apart(distance int64) bool {
	w := &s.a.spec.Window
	return distance > w.SizeMs || distance == w.SizeMs && !w.Ksql
}

// closed reports whether a session with its last row at last is closed at watermark wm.
func (s *sessions) closed(last, wm int64) bool {
	w := &s.a.spec.Window
	return s.closesAt(addSat(addSat(last, w.SizeMs), w.GraceMs), wm)
}

// closesAt reports whether a session that is due at end closes at wm.
func (s *sessions) closesAt(end, wm int64) bool {
	return wm == vector.MaxTime || end < wm || end == wm && !s.a.spec.Window.Ksql
}

// bounds of a session from its first to its last row.
func (s *sessions) bounds(start, last int64) span {
	if s.a.spec.Window.Ksql {
		return span{start, last}
	}
	return span{start, addSat(last, s.a.spec.Window.SizeMs)}
}

// apply puts each row into its session. Updates of records wait until sessions merge or the rows end.
func (s *sessions) apply(ctx *Context, b *vector.Batch, idx []uint32, sign int64) {
	a := s.a
	idx = a.rows.own(idx)
	gids := a.rows.ids(len(idx))
	late := a.rows.late[:0]
	from, n := 0, 0
	for _, i := range idx {
		t := a.rows.times[i]
		switch {
		case t > maxEventTime || t < -maxEventTime:
			ctx.Report.Failed(b, i, CodeOutOfRange, "the event time is outside what a window can hold")
			continue
		case s.closed(t, a.rowClock(b, i)):
			late = append(late, i)
			continue
		}
		idx[n] = i
		key := a.keys.addRow(b, a.spec.Keys, int(i))
		if int(key) == len(s.heads) {
			s.heads = arena.Append(a.keys.mem, s.heads, 0)
		}
		before, at := s.seek(key, t)
		if s.bridges(at, t) {
			s.settle(ctx, b, rows{idx[from:n], gids[from:n]}, sign)
			from = n
			at = s.absorb(key, before, at)
		}
		gids[n] = s.extend(key, before, at, t, a.rows.arrival[i])
		n++
	}
	s.settle(ctx, b, rows{idx[from:n], gids[from:n]}, sign)
	a.rows.late = late
	if len(late) > 0 {
		ctx.Report.Late(b, late)
	}
}

// settle lets rows take effect in the records that were found for them.
func (s *sessions) settle(ctx *Context, b *vector.Batch, rs rows, sign int64) {
	if len(rs.idx) == 0 {
		return
	}
	if !s.a.sumsFit(b, rs.idx) {
		s.a.applyChecked(ctx, b, rs, sign)
		return
	}
	s.a.accumulate(b, rs, sign)
}

// seek returns the latest session that is not wholly after t, as record + 1 (0: none), and the one before it in the
// list.
func (s *sessions) seek(key uint32, t int64) (before, at uint32) {
	at = s.heads[key]
	for at != 0 {
		w := s.words(at - 1)
		if start := int64(w[sStart]); start <= t || !s.apart(start-t) {
			break
		}
		before, at = at, uint32(w[sNext])
	}
	return before, at
}

// touches reports whether time t belongs to session at.
func (s *sessions) touches(at uint32, t int64) bool {
	if at == 0 {
		return false
	}
	w := s.words(at - 1)
	return t <= int64(w[sLast]) || !s.apart(t-int64(w[sLast]))
}

// bridges reports whether t belongs to session at and to the one before it in time.
func (s *sessions) bridges(at uint32, t int64) bool {
	return s.touches(at, t) && s.touches(uint32(s.words(at - 1)[sNext]), t)
}

// absorb merges session at into the one before it in time, which it returns.
func (s *sessions) absorb(key, before, at uint32) uint32 {
	a := s.a
	g := at - 1
	w := s.words(g)
	into := uint32(w[sNext])
	s.vanish(key, into-1) // the earlier one first: it is told of under new bounds
	s.vanish(key, g)
	a.st.merge(into-1, a.st, g)
	o := s.words(into - 1)
	o[sLast] = uint64(max(int64(o[sLast]), int64(w[sLast])))
	s.link(key, before, into)
	if i := slices.Index(a.dirty, g); a.st.rec(g)[wFlags]&flagDirty != 0 && i >= 0 {
		a.dirty = slices.Delete(a.dirty, i, i+1)
	}
	a.st.release(g)
	if o := a.st.rec(into - 1); a.spec.Emit != EmitFinal && o[wFlags]&flagDirty == 0 {
		o[wFlags] |= flagDirty
		a.dirty = append(a.dirty, into-1)
	}
	return into
}

// vanish notes the deletion of a session as readers know it.
func (s *sessions) vanish(key, g uint32) {
	r, w := s.a.st.rec(g), s.words(g)
	if r[wFlags]&s.shown() == 0 {
		return
	}
	s.gone = append(s.gone, goneSession{key, s.bounds(int64(w[sOutStart]), int64(w[sOutLast])), int64(w[sOutTime])})
	r[wFlags] &^= flagEmitted | flagVisible
}

// shown is the flag of a session that readers of the changes know of.
func (s *sessions) shown() uint64 {
	if s.a.out.having != nil {
		return flagVisible
	}
	return flagEmitted
}

// link makes next the successor of before (0: the head) in the list of key.
func (s *sessions) link(key, before, next uint32) {
	if before == 0 {
		s.heads[key] = next
		return
	}
	s.words(before - 1)[sNext] = uint64(next)
}

// extend adds time t to session at, or opens a session between before and at.
func (s *sessions) extend(key, before, at uint32, t, arrival int64) uint32 {
	a := s.a
	if s.touches(at, t) {
		w := s.words(at - 1)
		w[sStart] = uint64(min(int64(w[sStart]), t))
		w[sLast] = uint64(max(int64(w[sLast]), t))
		return at - 1
	}
	g := a.st.alloc()
	s.gen++
	r := a.st.rec(g)
	r[a.lay.home] = uint64(s.gen)<<32 | uint64(key)
	r[a.lay.first] = uint64(arrival)
	w := s.words(g)
	w[sStart], w[sLast], w[sNext] = uint64(t), uint64(t), uint64(at)
	s.link(key, before, g+1)
	s.watch(g, s.gen)
	return g
}

// watch notes when session g may close.
func (s *sessions) watch(g, gen uint32) {
	w := &s.a.spec.Window
	s.due.push(due{addSat(addSat(int64(s.words(g)[sLast]), w.SizeMs), w.GraceMs), g, gen})
}

// group is the output row of session g.
func (s *sessions) group(g uint32) group {
	w := s.words(g)
	one := &s.a.rows.one
	one[0], one[1] = s.key(g), g
	return group{s.a.keys, s.a.st, one[0:1], one[1:2], s.bounds(int64(w[sStart]), int64(w[sLast]))}
}

// emitDirty emits the deletions of absorbed sessions, then the sessions that changed; one whose bounds changed is
// deleted under its old ones first.
func (s *sessions) emitDirty(ctx *Context, emit Emit) {
	o := s.a.out
	for _, d := range s.gone {
		o.tombstone(s.a.keys, d)
		o.full(ctx, emit)
	}
	s.gone = s.gone[:0]
	for _, g := range s.a.dirty {
		r, w := s.a.st.rec(g), s.words(g)
		if r[wFlags]&s.shown() != 0 && (w[sStart] != w[sOutStart] || w[sLast] != w[sOutLast]) {
			old := s.bounds(int64(w[sOutStart]), int64(w[sOutLast]))
			o.tombstone(s.a.keys, goneSession{s.key(g), old, int64(w[sOutTime])})
			r[wFlags] &^= flagEmitted | flagVisible
		}
		o.change(s.group(g), o.own(g))
		r[wFlags] |= flagEmitted
		w[sOutStart], w[sOutLast], w[sOutTime] = w[sStart], w[sLast], r[wTime]
		o.full(ctx, emit)
	}
	if o.having != nil {
		o.send(ctx, emit) // the next change of a session needs to know what HAVING said
	}
}

// close removes the sessions that are closed at wm.
func (s *sessions) close(ctx *Context, wm int64, emit Emit) {
	a := s.a
	var ended []uint32
	for len(s.due) > 0 && s.closesAt(s.due[0].at, wm) {
		d := s.due.pop()
		r := a.st.rec(d.rec)
		if r[wFlags]&flagLive == 0 || uint32(r[a.lay.home]>>32) != d.gen {
			continue
		}
		if s.closed(int64(s.words(d.rec)[sLast]), wm) {
			ended = append(ended, d.rec)
			continue
		}
		s.watch(d.rec, d.gen)
	}
	slices.SortFunc(ended, func(x, y uint32) int {
		return cmp.Or(cmp.Compare(int64(s.words(x)[sLast]), int64(s.words(y)[sLast])),
			cmp.Compare(a.st.rec(x)[a.lay.first], a.st.rec(y)[a.lay.first]))
	})
	for _, g := range ended {
		if a.spec.Emit == EmitFinal {
			a.out.add(s.group(g))
			a.out.full(ctx, emit)
		}
		s.unlink(g)
		a.st.release(g)
	}
	a.out.send(ctx, emit)
	s.tidy()
}

// unlink takes session g out of its key's list, and the key out of the table when it was the last.
func (s *sessions) unlink(g uint32) {
	key := s.key(g)
	before, at := uint32(0), s.heads[key]
	for at != g+1 {
		before, at = at, uint32(s.words(at - 1)[sNext])
	}
	s.link(key, before, uint32(s.words(g)[sNext]))
	if s.heads[key] == 0 && s.a.keys.kind != keyNone {
		s.a.keys.remove(key)
	}
}

// tidy numbers the keys anew once most of them have no session.
func (s *sessions) tidy() {
	old := s.a.keys
	if old.kind == keyNone || old.gone < 1<<10 || 2*old.gone < old.n {
		return
	}
	keys := old.like()
	var heads []uint32
	for id, head := range s.heads {
		if head == 0 {
			continue
		}
		key := keys.addFrom(old, uint32(id))
		heads = arena.Append(old.mem, heads, head)
		for at := head; at != 0; at = uint32(s.words(at - 1)[sNext]) {
			r := s.a.st.rec(at - 1)
			r[s.a.lay.home] = r[s.a.lay.home]>>32<<32 | uint64(key)
		}
	}
	old.free()
	arena.Free(old.mem, s.heads)
	s.a.keys, s.heads = keys, heads
}

// live lists the sessions by first arrival.
func (s *sessions) live() []uint32 {
	var out []uint32
	for _, at := range s.heads {
		for ; at != 0; at = uint32(s.words(at - 1)[sNext]) {
			out = append(out, at-1)
		}
	}
	slices.SortFunc(out, func(x, y uint32) int {
		return cmp.Compare(s.a.st.rec(x)[s.a.lay.first], s.a.st.rec(y)[s.a.lay.first])
	})
	return out
}

func (s *sessions) scan(ctx *Context, o *output, emit Emit) {
	for _, g := range s.live() {
		o.add(s.group(g))
		o.full(ctx, emit)
	}
}
