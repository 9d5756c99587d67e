package operator

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// outRows is when an output batch is sent.
const outRows = 4096

// source says where the flag of an output row is kept that it passed HAVING when it was last emitted.
type source struct {
	from, to int  // records in output.recs
	dead     bool // the group has no rows any more
}

// flagAt is a record, and which of its window bits is meant; -1: flagVisible.
type flagAt struct {
	rec uint32
	bit int
}

// output builds the rows that an aggregate emits and decides what becomes of them under HAVING.
type output struct {
	a      *aggregate
	having *predicate
	once   bool // each row comes once: all are inserts, no flag is kept
	batch  *vector.Batch
	bad    []uint32 // rows with a value that does not fit its type
	src    []source
	recs   []flagAt
	passed []bool
	sel    []uint32
}

func newOutput(a *aggregate, having *predicate) *output {
	return &output{
		a: a, having: having, once: a.spec.Emit == EmitFinal, batch: vector.NewBatch(a.spec.Schema, 0),
		sel: []uint32{},
	} // not nil: a nil selection means all rows
}

// group is rows to emit: key ids[k] of keys with record recs[k] of st, all of one window.
type group struct {
	keys *keyTable
	st   *store
	ids  []uint32
	recs []uint32
	win  span
}

// add appends the rows of g.
func (o *output) add(g group) {
	a, b := o.a, o.batch
	nk := len(a.types)
	g.keys.appendKeys(b.Cols[:nk], g.ids)
	cols := b.Cols[nk:]
	if a.spec.Window.Kind != NoWindow {
		for range g.ids {
			appendWord(cols[0], uint64(g.win.start))
			appendWord(cols[1], uint64(g.win.end))
		}
		cols = cols[2:]
	}
	for i := range a.lay.aggs {
		d, v := &a.lay.aggs[i], cols[i]
		for k, rec := range g.recs {
			if a.dead(g.st.rec(rec)) { // a deletion
				vector.AppendNull(v)
				continue
			}
			if !g.st.value(v, d, g.st.rec(rec)) {
				o.bad = append(o.bad, uint32(b.Rows+k))
			}
		}
	}
	for _, rec := range g.recs {
		t := int64(g.st.rec(rec)[wTime])
		if t == vector.NoTime {
			t = 0 // the row of nothing
		}
		b.Time = append(b.Time, t)
	}
	b.Rows += len(g.ids)
}

// change appends row k of g as a change: an insert the first time, then updates. With HAVING send decides.
func (o *output) change(g group, from source) {
	r := g.st.rec(g.recs[0])
	from.dead = o.a.dead(r)
	if from.dead && o.having == nil && r[wFlags]&flagEmitted == 0 {
		return
	}
	o.add(g)
	if o.having != nil {
		o.src = append(o.src, from)
		o.batch.Ops = append(o.batch.Ops, vector.UpdateAfter)
		return
	}
	op := vector.Insert
	switch {
	case from.dead:
		op = vector.Delete
	case r[wFlags]&flagEmitted != 0:
		op = vector.UpdateAfter
	}
	o.batch.Ops = append(o.batch.Ops, op)
}

// own is the source of a row whose flag is in its own record.
func (o *output) own(rec uint32) source {
	if o.having == nil {
		return source{}
	}
	o.recs = append(o.recs, flagAt{rec, -1})
	return source{from: len(o.recs) - 1, to: len(o.recs)}
}

// tombstone appends the deletion of a session: keys, bounds and time as they were emitted, the rest null.
func (o *output) tombstone(keys *keyTable, d goneSession) {
	b := o.batch
	nk := len(o.a.types)
	keys.appendKeys(b.Cols[:nk], []uint32{d.key})
	appendWord(b.Cols[nk], uint64(d.win.start))
	appendWord(b.Cols[nk+1], uint64(d.win.end))
	for _, v := range b.Cols[nk+2:] {
		vector.AppendNull(v)
	}
	b.Time = append(b.Time, d.time)
	b.Ops = append(b.Ops, vector.Delete)
	b.Rows++
	if o.having != nil {
		o.src = append(o.src, source{})
	}
}

// full sends the batch when it is large.
func (o *output) full(ctx *Context, emit Emit) {
	if o.batch.Rows >= outRows {
		o.send(ctx, emit)
	}
}

// send emits the rows that were added.
func (o *output) send(ctx *Context, emit Emit) {
	b := o.batch
	if b.Rows == 0 {
		return
	}
	out := *b
	out.AppendTime = ctx.AppendTime
	o.dropBad(ctx, &out)
	switch {
	case o.having == nil:
	case o.once:
		o.sel = o.having.filter(ctx, &out, o.sel)
		out.Sel = o.sel
	default:
		o.decide(ctx, &out)
	}
	if len(out.Ops) == 0 || !slices.ContainsFunc(out.Ops, func(op vector.Op) bool { return op != vector.Insert }) {
		out.Ops = nil
	}
	if out.Live() > 0 {
		emit(&out)
	}
	o.reset()
}

func (o *output) reset() {
	for _, v := range o.batch.Cols {
		vector.Reset(v)
		if v.Type.Phys() == vector.PhysNone {
			v.Valid = nil
		}
	}
	o.batch.Rows, o.batch.Ops, o.batch.Time = 0, o.batch.Ops[:0], o.batch.Time[:0]
	o.bad, o.src, o.recs = o.bad[:0], o.src[:0], o.recs[:0]
}

// dropBad reports the rows that have a value which does not fit, and leaves them out.
func (o *output) dropBad(ctx *Context, out *vector.Batch) {
	out.Sel = reportBad(ctx, out, o.bad)
}

// reportBad reports the rows bad, in any order and maybe twice, and returns a selection of the others; nil if all are
// good.
func reportBad(ctx *Context, b *vector.Batch, bad []uint32) []uint32 {
	if len(bad) == 0 {
		return nil
	}
	slices.Sort(bad)
	sel := make([]uint32, 0, b.Rows)
	for i := range uint32(b.Rows) {
		if _, found := slices.BinarySearch(bad, i); found {
			ctx.Derived.Failed(b, i, CodeOverflow, "the result of an aggregate does not fit its type")
			continue
		}
		sel = append(sel, i)
	}
	return sel
}

// decide applies HAVING to changes: a row that begins to pass is an insert, one that stops a deletion.
func (o *output) decide(ctx *Context, out *vector.Batch) {
	o.passed = grow(o.passed, out.Rows)
	clear(o.passed)
	for _, i := range o.having.filter(ctx, out, o.sel) {
		o.passed[i] = true
	}
	o.sel = o.sel[:0]
	for i := range out.Rows {
		if out.Ops[i] == vector.Delete {
			o.sel = append(o.sel, uint32(i))
			continue
		}
		before, now := o.visible(o.src[i]), o.passed[i] && !o.src[i].dead
		switch {
		case now && before:
		case now:
			out.Ops[i] = vector.Insert
		case before:
			out.Ops[i] = vector.Delete
		default:
			continue
		}
		o.setVisible(o.src[i], now)
		o.sel = append(o.sel, uint32(i))
	}
	out.Sel = o.sel
}

// flag returns the word and bit of record k of a source.
func (o *output) flag(s source, k int) (*uint64, uint64) {
	at := o.recs[s.from+k]
	r := o.a.st.rec(at.rec)
	if at.bit < 0 {
		return &r[wFlags], flagVisible
	}
	return &r[o.a.lay.visible+at.bit>>6], 1 << (at.bit & 63)
}

func (o *output) visible(s source) bool {
	for k := range s.to - s.from {
		if w, bit := o.flag(s, k); *w&bit != 0 {
			return true
		}
	}
	return false
}

func (o *output) setVisible(s source, on bool) {
	for k := range s.to - s.from {
		w, bit := o.flag(s, k)
		*w &^= bit
		if on {
			*w |= bit
		}
	}
}
