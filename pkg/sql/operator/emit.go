package operator

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// emitDirty emits the groups that changed since the last emission, each once.
func (a *aggregate) emitDirty(ctx *Context, emit Emit) {
	if len(a.dirty) == 0 && (a.sess == nil || len(a.sess.gone) == 0) {
		return
	}
	a.keepSets(false)
	switch {
	case a.sess != nil:
		a.sess.emitDirty(ctx, emit)
	case a.win != nil:
		a.emitWindows(ctx, emit)
	default:
		for _, g := range a.dirty {
			gr := a.groupOf(g)
			a.out.change(gr, a.out.own(g))
			a.st.rec(g)[wFlags] |= flagEmitted
			a.out.full(ctx, emit)
		}
	}
	a.forget(ctx, emit)
	a.dirty = a.dirty[:0]
}

// groupOf is the group of a record of a plan without panes to combine.
func (a *aggregate) groupOf(g uint32) group {
	a.rows.one[0], a.rows.one[1] = g, g
	gr := group{keys: a.keys, st: a.st, ids: a.rows.one[0:1], recs: a.rows.one[1:2]}
	if a.lay.home >= 0 {
		home := a.st.rec(g)[a.lay.home]
		p := a.panes.slots[home>>32]
		a.rows.one[0] = uint32(home)
		gr.keys, gr.win = p.keys, span{p.start, addSat(p.start, a.spec.Window.SizeMs)}
	}
	return gr
}

// emitWindows emits every open window of each group that changed, combined from its panes, each window once.
func (a *aggregate) emitWindows(ctx *Context, emit Emit) {
	seen := newKeyTable([]vector.Type{vector.TBigInt, vector.TBytes})
	var key []byte
	for _, g := range a.dirty {
		home := a.st.rec(g)[a.lay.home]
		p, id := a.panes.slots[home>>32], uint32(home)
		a.spec.Window.windows(p.start, a.paneMs, func(w span) {
			if !p.in(w) || a.spec.Window.closed(w.end, a.wm) {
				return
			}
			key = p.keys.putKey(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(key[:0],
				uint64(w.start)), uint64(w.end)), id)
			if n := seen.n; int(seen.addBytes(key)) == n {
				a.emitWindow(p, id, w)
			}
		})
		if a.out.batch.Rows >= outRows {
			a.out.send(ctx, emit)
			a.win.reset()
		}
	}
	for _, g := range a.dirty {
		a.st.rec(g)[wFlags] |= flagEmitted
	}
	a.out.send(ctx, emit)
	a.win.reset()
}

// emitWindow adds the row of one key and window.
func (a *aggregate) emitWindow(p *pane, id uint32, w span) {
	into := a.win.alloc()
	from := source{from: len(a.out.recs)}
	lo, _ := a.panes.at(w.start)
	for _, q := range a.panes.sorted[lo:] {
		if q.start >= w.end {
			break
		}
		k, found := q.keys.findFrom(p.keys, id)
		if !found || !q.in(w) {
			continue
		}
		a.win.merge(into, a.st, q.recs[k])
		a.win.rec(into)[wFlags] |= a.st.rec(q.recs[k])[wFlags] & flagEmitted
		if a.out.having != nil {
			a.out.recs = append(a.out.recs, flagAt{q.recs[k], int((w.end-q.start)/a.paneMs) - 1})
		}
	}
	from.to = len(a.out.recs)
	a.rows.one[0], a.rows.one[1] = id, into
	a.out.change(group{p.keys, a.win, a.rows.one[0:1], a.rows.one[1:2], w}, from)
}

// close closes the windows that end, with grace, at wm or before. With EmitFinal they are emitted by their end, then
// by first arrival.
func (a *aggregate) close(ctx *Context, wm int64, emit Emit) {
	switch {
	case a.sess != nil:
		a.sess.close(ctx, wm, emit)
	case a.paneMs == 0:
		if wm == vector.MaxTime && a.spec.Emit == EmitFinal {
			a.addAll(ctx, a.out, emit)
		}
	default:
		a.closePanes(ctx, wm, emit)
	}
}

func (a *aggregate) closePanes(ctx *Context, wm int64, emit Emit) {
	w := &a.spec.Window
	n := 0
	for n < len(a.panes.sorted) && w.closed(w.lastEnd(a.panes.sorted[n].start), wm) {
		n++
	}
	if a.spec.Emit == EmitFinal {
		for _, s := range a.between(wm) {
			a.addWindow(ctx, a.out, s, emit)
		}
	}
	a.out.send(ctx, emit)
	for _, p := range a.panes.sorted[:n] {
		for _, g := range p.recs {
			a.st.release(g)
		}
	}
	a.panes.drop(n)
	if len(a.panes.sorted) == 0 {
		a.st.reset()
	}
}

// between lists the windows that are open at a.wm, closed at wm, and hold rows, by their end, then start.
func (a *aggregate) between(wm int64) []span {
	var out []span
	for _, p := range a.panes.sorted {
		if !a.spec.Window.closed(p.start+a.paneMs, wm) {
			break // a window ends with its last pane at the earliest
		}
		a.spec.Window.windows(p.start, a.paneMs, func(s span) {
			if p.in(s) && a.spec.Window.closed(s.end, wm) && !a.spec.Window.closed(s.end, a.wm) {
				out = append(out, s)
			}
		})
	}
	slices.SortFunc(out, compareSpans)
	return slices.Compact(out)
}

func compareSpans(x, y span) int {
	return cmp.Or(cmp.Compare(x.end, y.end), cmp.Compare(x.start, y.start))
}

// addAll adds the rows of a table without a window.
func (a *aggregate) addAll(ctx *Context, o *output, emit Emit) {
	a.addKeys(ctx, o, group{keys: a.keys, st: a.st}, emit)
}

// addKeys adds the rows of all keys of g.keys, whose numbers are those of the records unless g.recs says otherwise.
func (a *aggregate) addKeys(ctx *Context, o *output, g group, emit Emit) {
	ids := make([]uint32, g.keys.n)
	for i := range ids {
		ids[i] = uint32(i)
	}
	recs := g.recs
	if recs == nil {
		recs = ids
	}
	if a.lay.rows >= 0 {
		ids, recs = a.living(g.st, ids, recs)
	}
	for len(ids) > 0 {
		n := min(len(ids), outRows)
		g.ids, g.recs = ids[:n], recs[:n]
		o.add(g)
		o.full(ctx, emit)
		ids, recs = ids[n:], recs[n:]
	}
}

// addWindow adds the rows of one window, by first arrival.
func (a *aggregate) addWindow(ctx *Context, o *output, w span, emit Emit) {
	lo, found := a.panes.at(w.start)
	if a.win == nil {
		if found {
			p := a.panes.sorted[lo]
			a.addKeys(ctx, o, group{p.keys, a.st, nil, p.recs, w}, emit)
		}
		return
	}
	for _, q := range a.panes.sorted[lo:] {
		if q.start >= w.end {
			break
		}
		if !q.in(w) {
			continue
		}
		for k, g := range q.recs {
			id := a.winKey.addFrom(q.keys, uint32(k))
			if id == a.win.n {
				a.win.alloc()
			}
			a.win.merge(id, a.st, g)
		}
	}
	order := make([]uint32, a.winKey.n)
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(x, y uint32) int {
		return cmp.Compare(a.win.rec(x)[a.lay.first], a.win.rec(y)[a.lay.first])
	})
	for len(order) > 0 {
		n := min(len(order), outRows)
		o.add(group{a.winKey, a.win, order[:n], order[:n], w})
		o.full(ctx, emit)
		order = order[n:]
	}
	a.win.reset()
	a.winKey.reset()
}

// Scan emits the rows of all open windows, or of all groups.
func (a *aggregate) Scan(emit Emit) {
	ctx := silent(0)
	o := newOutput(a, a.out.having)
	o.once = true
	switch {
	case a.sess != nil:
		a.sess.scan(ctx, o, emit)
	case a.paneMs == 0:
		a.addAll(ctx, o, emit)
	default:
		var wins []span
		for _, p := range a.panes.sorted {
			a.spec.Window.windows(p.start, a.paneMs, func(s span) {
				if p.in(s) && !a.spec.Window.closed(s.end, a.wm) {
					wins = append(wins, s)
				}
			})
		}
		slices.SortFunc(wins, compareSpans)
		for _, s := range slices.Compact(wins) {
			a.addWindow(ctx, o, s, emit)
		}
	}
	o.send(ctx, emit)
}
