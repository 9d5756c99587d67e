package operator

import (
	"errors"
	"fmt"
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// maxEventTime bounds the event times that a window can hold: 2^60 ms are 36 million years.
const maxEventTime = 1 << 60

// aggregate is the hash aggregation without windows or over windows made of panes; session windows have their own.
type aggregate struct {
	spec   *Aggregate
	lay    *layout
	st     *store
	types  []vector.Type // of the keys
	paneMs int64         // 0: no window
	panes  paneSet
	keys   *keyTable // without a window: its numbers are those of the records
	sess   *sessions // nil: no session window
	wm     int64     // windows that are closed at this watermark are gone
	seq    int64     // arrival number of the next row
	dirty  []uint32  // records that changed since the last emission, in that order
	guard  []sumGuard
	rows   rowScratch
	find   codeMap
	head   header
	out    *output
	win    *store    // combination of panes
	winKey *keyTable // its keys
}

func newAggregate(spec *Aggregate, in *vector.Schema, having *predicate) (*aggregate, error) {
	lay, err := newLayout(spec, in)
	if err != nil {
		return nil, err
	}
	a := &aggregate{spec: spec, lay: lay, wm: vector.NoTime}
	if a.paneMs, err = spec.Window.paneMs(); err != nil {
		return nil, err
	}
	for _, c := range spec.Keys {
		if c < 0 || c >= len(in.Fields) {
			return nil, fmt.Errorf("GROUP BY: no key column %d", c)
		}
		a.types = append(a.types, in.Fields[c].Type)
	}
	if spec.Retracts && spec.Window.Kind == Session {
		return nil, errors.New("session windows over a table are not supported")
	}
	if spec.Schema == nil || len(spec.Schema.Fields) != a.width() {
		return nil, errors.New("the schema is not keys, window bounds and aggregates")
	}
	a.place(having)
	lay.seal()
	a.st, a.keys = newStore(lay), newKeyTable(a.types)
	a.guard = make([]sumGuard, len(lay.aggs))
	a.out = newOutput(a, having)
	switch spec.Window.Kind {
	case Hopping, Cumulate:
		a.win, a.winKey = newStore(lay), newKeyTable(a.types)
	case Session:
		a.sess = newSessions(a)
	default:
	}
	return a, nil
}

// place adds the words that the kind of window needs to the record.
func (a *aggregate) place(having *predicate) {
	w := a.spec.Window
	if w.Kind == NoWindow {
		return
	}
	a.lay.home = a.lay.word(1)
	switch w.Kind {
	case Session:
		a.lay.first, a.lay.session = a.lay.word(1), a.lay.word(sWords)
	case Hopping, Cumulate:
		a.lay.first = a.lay.word(1)
		if having != nil && a.spec.Emit != EmitFinal {
			a.lay.visibleN = int(w.SizeMs/a.paneMs)/64 + 1
			a.lay.visible = a.lay.word(a.lay.visibleN)
		}
	default:
	}
}

// width is the number of output columns.
func (a *aggregate) width() int {
	n := len(a.spec.Keys) + len(a.spec.Aggs)
	if a.spec.Window.Kind != NoWindow {
		n += 2
	}
	return n
}

// clock is the time that windows follow: the watermark, or the broker's append time.
func (a *aggregate) clock(ctx *Context, wm int64) int64 {
	if a.spec.Window.ProcessingTime && wm != vector.MaxTime {
		return ctx.AppendTime
	}
	return wm
}

// Process groups the rows. All rows of a batch are judged by the watermark that held before it.
func (a *aggregate) Process(ctx *Context, _ int, b *vector.Batch, emit Emit) {
	idx := a.accept(ctx, b)
	a.rows.orders(a, b, idx)
	for len(idx) > 0 {
		n, sign := run(b.Ops, idx)
		if a.spec.Emit != EmitRecord {
			a.apply(ctx, b, idx[:n], sign)
			idx = idx[n:]
			continue
		}
		op := b.Op(int(idx[0]))
		if op != vector.UpdateAfter {
			a.emitDirty(ctx, emit) // an UpdateBefore that stood alone
		}
		a.apply(ctx, b, idx[:1], sign)
		idx = idx[1:]
		if op != vector.UpdateBefore { // both halves of an update are one change
			a.emitDirty(ctx, emit)
		}
	}
	a.out.send(ctx, emit)
}

// accept returns the rows that take part: in a stream records with a null value do not, nor rows with a null key where
// they are dropped, nor those with a constant that a function refuses.
func (a *aggregate) accept(ctx *Context, b *vector.Batch) []uint32 {
	idx := a.rows.live(b)
	n := len(idx)
	if b.Ops != nil && !a.spec.Retracts {
		idx = slices.DeleteFunc(a.rows.own(idx), func(i uint32) bool {
			return b.Ops[i] == vector.Delete || b.Ops[i] == vector.UpdateBefore
		})
	}
	if a.spec.DropNull {
		idx = notNull(a.rows.own(idx), b, a.spec.Keys)
	}
	if n > len(idx) {
		ctx.Report.Skipped(n - len(idx))
	}
	for i := range a.lay.aggs {
		if d := &a.lay.aggs[i]; d.check != nil {
			idx = a.checked(ctx, d, b, idx)
		}
	}
	return idx
}

// checked drops the rows whose constants d refuses.
func (a *aggregate) checked(ctx *Context, d *aggDef, b *vector.Batch, idx []uint32) []uint32 {
	x := aggRow{args: d.argVectors(b)}
	return slices.DeleteFunc(a.rows.own(idx), func(i uint32) bool {
		if d.filter >= 0 && (isNull(b.Cols[d.filter], int(i)) || !b.Cols[d.filter].Bool[i]) {
			return false
		}
		x.i = int(i)
		msg := d.check(&x)
		if msg != "" {
			ctx.Report.Failed(b, i, CodeBadArgument, d.name+": "+msg)
		}
		return msg != ""
	})
}

// run returns how many rows at the front of idx have the same sign, and the sign.
func run(ops []vector.Op, idx []uint32) (int, int64) {
	if ops == nil {
		return len(idx), 1
	}
	takesOut := func(i uint32) bool { return ops[i] == vector.Delete || ops[i] == vector.UpdateBefore }
	first := takesOut(idx[0])
	n := 1
	for n < len(idx) && takesOut(idx[n]) == first {
		n++
	}
	if first {
		return n, -1
	}
	return n, 1
}

// apply lets the rows idx take effect.
func (a *aggregate) apply(ctx *Context, b *vector.Batch, idx []uint32, sign int64) {
	if sign < 0 && !a.canRetract() {
		for _, i := range idx {
			ctx.Report.Failed(b, i, CodeNotSupported, "this aggregation cannot take a row out again")
		}
		return
	}
	if a.sess != nil {
		a.sess.apply(ctx, b, idx, sign)
		return
	}
	idx, gids := a.resolve(ctx, b, idx)
	if at := a.lay.rows; at >= 0 {
		for _, g := range gids {
			a.st.rec(g)[at] += uint64(sign)
		}
	}
	if !a.sumsFit(b, idx) {
		a.applyChecked(ctx, b, rows{idx, gids}, sign)
		return
	}
	a.accumulate(b, rows{idx, gids}, sign)
}

func (a *aggregate) canRetract() bool {
	return !slices.ContainsFunc(a.lay.aggs, func(d aggDef) bool { return !d.retracts() })
}

// resolve finds the record of each row. Rows that are late for all their windows are reported and left out.
func (a *aggregate) resolve(ctx *Context, b *vector.Batch, idx []uint32) ([]uint32, []uint32) {
	if a.paneMs > 0 {
		return a.resolvePanes(ctx, b, idx)
	}
	gids := a.rows.ids(len(idx))
	a.find.lookup(a.keys, b, a.spec.Keys, rows{idx, gids})
	for int(a.st.n) < a.keys.n {
		a.st.alloc()
	}
	return idx, gids
}

func (a *aggregate) resolvePanes(ctx *Context, b *vector.Batch, idx []uint32) ([]uint32, []uint32) {
	gids := a.rows.ids(len(idx))
	times := a.rows.times
	late := a.rows.late[:0]
	kept := idx // rows kept so far are its first n; it is idx itself as long as none is left out
	n, owned := 0, false
	for k := 0; k < len(idx); {
		t := times[idx[k]]
		from := k
		k++
		start := floorTo(t, a.paneMs)
		outside := t > maxEventTime || t < -maxEventTime
		for ; !outside && b.Clock == nil && k < len(idx); k++ {
			if u := times[idx[k]] - start; u < 0 || u >= a.paneMs {
				break
			}
		}
		switch {
		case outside:
			ctx.Report.Failed(b, idx[from], CodeOutOfRange, "the event time is outside what a window can hold")
		case a.spec.Window.closed(a.spec.Window.lastEnd(start), a.rowClock(b, idx[from])):
			late = append(late, idx[from:k]...)
		default:
			if n < from && !owned {
				kept, owned = append(a.rows.kept[:0], kept[:n]...), true
			}
			if owned {
				kept = append(kept, idx[from:k]...)
				a.rows.kept = kept
			}
			p := a.panes.open(start, a.cut(b, start, idx[from]), a.keys.like)
			a.resolveIn(p, b, rows{idx[from:k], gids[n : n+k-from]})
			n += k - from
		}
	}
	a.rows.late = late
	if len(late) > 0 {
		ctx.Report.Late(b, late)
	}
	return kept[:n], gids[:n]
}

// rowClock is the watermark that decides whether row i is late.
func (a *aggregate) rowClock(b *vector.Batch, i uint32) int64 {
	if a.spec.Window.ProcessingTime {
		return a.wm
	}
	return b.ClockAt(int(i), a.wm)
}

// cut is the cut of the pane that row i of b lies in. Only the row's own clock decides, so that batches do not.
func (a *aggregate) cut(b *vector.Batch, start int64, i uint32) int64 {
	if b.Clock == nil || a.win == nil || a.spec.Window.ProcessingTime || b.Clock[i] <= b.Time[i] {
		return noCut
	}
	return a.spec.Window.cut(start, a.paneMs, b.Clock[i])
}

// resolveIn finds the records of rows that belong to one pane.
func (a *aggregate) resolveIn(p *pane, b *vector.Batch, rs rows) {
	a.find.lookup(p.keys, b, a.spec.Keys, rs)
	for k, id := range rs.gids {
		if int(id) == len(p.recs) {
			g := a.st.alloc()
			r := a.st.rec(g)
			r[a.lay.home] = uint64(p.slot)<<32 | uint64(id)
			if a.lay.first >= 0 {
				r[a.lay.first] = uint64(a.rows.arrival[rs.idx[k]])
			}
			p.recs = arena.Append(p.keys.mem, p.recs, g)
		}
		rs.gids[k] = p.recs[id]
	}
}

// accumulate updates header and aggregates of the rows' records.
func (a *aggregate) accumulate(b *vector.Batch, rs rows, sign int64) {
	touched := false
	for i := range a.lay.fused {
		f := &a.lay.fused[i]
		v := b.Cols[f.col]
		switch {
		case v.Valid != nil || sign < 0:
			for _, n := range f.aggs {
				a.accumulateOne(&a.lay.aggs[n], b, rs, sign)
			}
		case touched:
			a.st.updateFused(f, v, rs, nil)
		default:
			h := a.header()
			a.st.updateFused(f, v, rs, h)
			a.dirty, touched = h.dirty, true
		}
	}
	if !touched {
		a.touch(rs, sign)
	}
	for _, n := range a.lay.single {
		a.accumulateOne(&a.lay.aggs[n], b, rs, sign)
	}
}

func (a *aggregate) header() *header {
	a.head = header{times: a.rows.event, count: a.lay.count, changes: a.spec.Emit != EmitFinal, dirty: a.dirty}
	return &a.head
}

func (a *aggregate) accumulateOne(d *aggDef, b *vector.Batch, rs rows, sign int64) {
	var arg *vector.Vector
	if d.arg >= 0 {
		arg = b.Cols[d.arg]
	}
	rs = a.rows.forAgg(a.st, d, b, rs)
	switch d.kind {
	case kindState:
		a.st.updateStates(d, b, rs, sign, a.rows.arrival)
	case kindFirst, kindLast:
		a.st.pick(d, arg, rs, a.rows.arrival)
	case kindEarliest, kindLatest:
		a.st.pick(d, arg, rs, b.Time)
	default:
		a.st.update(d, arg, rs, sign)
	}
}

// touch notes the largest event time of each record, counts its rows where COUNT(*) is wanted and, where changes are
// emitted, notes that it changed.
func (a *aggregate) touch(rs rows, sign int64) {
	h := a.header()
	for k, i := range rs.idx {
		r := a.st.rec(rs.gids[k])
		h.note(r, rs.gids[k], h.times[i])
		if h.count >= 0 && sign < 0 {
			r[h.count] -= 2
		}
	}
	a.dirty = h.dirty
}

// Advance emits what changed, then closes the windows that end before wm.
func (a *aggregate) Advance(ctx *Context, wm int64, emit Emit) int64 {
	if a.oneRowAtEnd(wm) {
		a.st.alloc()
		a.keys.addNone()
		if a.spec.Emit != EmitFinal {
			a.dirty = append(a.dirty, 0)
		}
	}
	a.keepSets(wm == vector.MaxTime && a.wm < wm)
	a.emitDirty(ctx, emit)
	a.closeAt(ctx, a.clock(ctx, wm), emit)
	a.tidy()
	return a.outWatermark(wm)
}

// oneRowAtEnd: an aggregation without keys has a row of nothing (COUNT 0) when no row came at all.
func (a *aggregate) oneRowAtEnd(wm int64) bool {
	return a.spec.OneRow && wm == vector.MaxTime && a.keys.n == 0 && len(a.types) == 0 && a.spec.Window.Kind == NoWindow
}

// outWatermark is the least event time that rows to come can have when the input has none below wm.
func (a *aggregate) outWatermark(wm int64) int64 {
	if a.spec.Emit != EmitFinal || wm == vector.MaxTime || wm == vector.NoTime {
		return wm
	}
	w := a.spec.Window
	switch w.Kind {
	case NoWindow:
		return vector.NoTime
	case Tumbling:
		return floorTo(addSat(wm, -w.GraceMs), w.SizeMs)
	default:
		return addSat(addSat(wm, -w.GraceMs), -w.SizeMs)
	}
}

// closeAt closes the windows that end before the clock.
func (a *aggregate) closeAt(ctx *Context, clock int64, emit Emit) {
	if clock > a.wm {
		a.close(ctx, clock, emit)
		a.wm = clock
	}
	a.out.send(ctx, emit)
}

// Flush emits each group that changed since the last emission, in the order of the changes. Windows of processing time
// close here: their clock moves without the watermark.
func (a *aggregate) Flush(ctx *Context, emit Emit) {
	a.emitDirty(ctx, emit)
	if a.spec.Window.ProcessingTime {
		a.closeAt(ctx, ctx.AppendTime, emit)
		return
	}
	a.out.send(ctx, emit)
}

// StateBytes is the memory of tables and records.
func (a *aggregate) StateBytes() int64 {
	n := a.st.stateBytes() + a.keys.stateBytes() + a.panes.stateBytes() + int64(4*cap(a.dirty))
	if a.win != nil {
		n += a.win.stateBytes() + a.winKey.stateBytes()
	}
	if a.sess != nil {
		n += a.sess.stateBytes()
	}
	return n
}
