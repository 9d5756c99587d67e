package operator

import (
	"errors"
	"fmt"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// over computes window functions whose frames end at the current row. Rows wait until the watermark has passed their
// time; then they take their place in their partition in the order of (time, arrival), and leave in that order.
type over struct {
	spec    *Over
	calls   []overCall
	wait    waiting
	keys    *keyTable
	parts   []overPart // by key number
	wm      int64
	sweepAt int // number of partitions at which idle ones are looked for
	rows    rowScratch
	out     *vector.Batch
	bad     []uint32
}

// overPart is the state of one partition.
type overPart struct {
	last   int64 // time of its last row
	frames []frame
}

// overCall is one function with its frame.
type overCall struct {
	def       aggDef
	name      string
	number    bool // ROW_NUMBER, RANK, DENSE_RANK
	shift     bool // LAG, LEAD
	ignore    bool // IGNORE NULLS of those
	args      []int
	types     []vector.Type // of the arguments
	byRows    bool
	preceding int64 // -1: unbounded
	one       frame // scratch
	idx       [1]uint32
	st        store // scratch: its record is the accumulator at hand
}

// record makes acc the only record of the scratch store.
func (a *overCall) record(acc []uint64) *store {
	a.st.recs = acc
	return &a.st
}

// onlyRow is the row list of a batch of one row.
var onlyRow = rows{[]uint32{0}, []uint32{0}}

func (a *overCall) unbounded() bool { return a.preceding < 0 }

// ResolveOver returns the result type of a window function over arguments of the given types.
func ResolveOver(name string, args []vector.Type) (vector.Type, error) {
	switch name = strings.ToUpper(name); {
	case numbersRows(name) && len(args) > 0:
		return vector.TNull, errors.New(name + " has no arguments")
	case numbersRows(name):
		return vector.TBigInt, nil
	case name == "LAG" || name == "LEAD":
		if len(args) < 1 || len(args) > 3 || len(args) > 1 && !whole64(args[1]) {
			return vector.TNull, fmt.Errorf("%s is called as %s(x[, rows[, default]])", name, name)
		}
		if len(args) == 3 && !args[2].Equal(args[0]) {
			return vector.TNull, fmt.Errorf("the default of %s is %s, not %s", name, args[2], args[0])
		}
		return args[0], nil
	}
	c := &aggCall{in: args}
	f, err := resolveAgg(name, c)
	if err != nil {
		return vector.TNull, err
	}
	if f.Name == "COUNT_DISTINCT" || f.Name == "EARLIEST" || f.Name == "LATEST" {
		return vector.TNull, fmt.Errorf("%s with OVER is not supported", f.Name)
	}
	return c.out, nil
}

// numbersRows reports whether a function numbers the rows of a partition.
func numbersRows(name string) bool {
	return name == "ROW_NUMBER" || name == "RANK" || name == "DENSE_RANK"
}

func newOver(spec *Over, in *vector.Schema) (*over, error) {
	if len(spec.Schema.Fields) != len(in.Fields)+len(spec.Aggs) {
		return nil, errors.New("the schema is not the input's columns and one for each function")
	}
	o := &over{spec: spec, wait: waiting{schema: in}, wm: vector.NoTime, sweepAt: minSweep}
	types := make([]vector.Type, len(spec.Partition))
	for i, c := range spec.Partition {
		if c < 0 || c >= len(in.Fields) {
			return nil, fmt.Errorf("no partition column %d", c)
		}
		types[i] = in.Fields[c].Type
	}
	o.keys = newKeyTable(types)
	for _, a := range spec.Aggs {
		c, err := newOverCall(a, in)
		if err != nil {
			return nil, err
		}
		o.calls = append(o.calls, c)
	}
	o.out = vector.NewBatch(spec.Schema, 0)
	return o, nil
}

func newOverCall(a OverAgg, in *vector.Schema) (overCall, error) {
	c := overCall{preceding: -1, st: store{lay: &layout{stride: 3}}, byRows: a.ByRows || a.Rows >= 0}
	switch {
	case a.Rows >= 0:
		c.preceding = a.Rows
	case a.RangeMs >= 0:
		c.preceding = a.RangeMs
	}
	c.name, c.args = strings.ToUpper(a.Func), a.Args
	if err := checkColumns(in, a.Args); err != nil {
		return c, err
	}
	c.types = typesOf(in, a.Args)
	if c.number = numbersRows(c.name); c.number {
		return c, nil
	}
	c.ignore = a.IgnoreNulls
	if c.shift = c.name == "LAG" || c.name == "LEAD"; c.shift {
		_, err := ResolveOver(c.name, c.types)
		return c, err
	}
	call := Agg{Func: a.Func, Args: a.Args, Filter: -1, T: a.T, Order: a.Order}
	d, err := newAggDef(call, in, aggMode{})
	if err != nil {
		return c, err
	}
	if _, err := ResolveOver(a.Func, typesOf(in, a.Args)); err != nil {
		return c, err
	}
	respects := !c.ignore && len(a.Args) == 1 && (c.name == "FIRST_VALUE" || c.name == "LAST_VALUE")
	if (d.kind == kindState || respects) && !c.unbounded() { // rows leave the frame
		d, err = newAggDef(call, in, aggMode{retracts: true})
		if err != nil {
			return c, err
		}
	}
	if respects {
		d.kind, d.nulls = kindState, keepNull
	}
	if d.kind == kindSum64 { // sums come and go: only the result has to fit
		d.kind = kindAvgInt
	}
	c.def, c.types = d, typesOf(in, d.args)
	return c, nil
}

func typesOf(s *vector.Schema, cols []int) []vector.Type {
	out := make([]vector.Type, len(cols))
	for i, c := range cols {
		out[i] = s.Fields[c].Type
	}
	return out
}

// Process keeps the rows; those before the watermark of the last Advance are late.
func (o *over) Process(ctx *Context, _ int, b *vector.Batch, _ Emit) {
	idx := o.rows.own(o.rows.live(b))
	late := o.rows.late[:0]
	n := 0
	for _, i := range idx {
		switch {
		case b.Ops != nil && b.Ops[i] != vector.Insert:
			ctx.Report.Failed(b, i, CodeNotSupported, "OVER cannot follow changes of rows")
		case b.Time[i] < b.ClockAt(int(i), o.wm):
			late = append(late, i)
		default:
			idx[n] = i
			n++
		}
	}
	o.rows.late = late
	if len(late) > 0 {
		ctx.Report.Late(b, late)
	}
	o.wait.add(b, idx[:n])
}

// Advance emits the rows with a time below wm.
func (o *over) Advance(ctx *Context, wm int64, emit Emit) int64 {
	if wm <= o.wm {
		return o.wm
	}
	due := o.wait.list[:o.wait.due(wm)]
	for len(due) > 0 {
		n := 0 // whole groups of one time, so that peers are together
		for n < len(due) && (n < outRows || due[n].time == due[n-1].time) {
			n++
		}
		o.release(ctx, due[:n], emit)
		due = due[n:]
	}
	o.wait.drop(o.wait.due(wm))
	o.wm = wm
	o.sweep()
	return wm
}

// release computes and emits rows that are whole groups of one time.
func (o *over) release(ctx *Context, due []waiter, emit Emit) {
	b := o.out
	for _, v := range b.Cols {
		if v.Type.Phys() == vector.PhysStr { // it may share a dictionary
			*v = *vector.NewVector(v.Type, 0)
			continue
		}
		vector.Reset(v)
	}
	b.Rows, b.Time, o.bad = 0, b.Time[:0], o.bad[:0]
	in := *b
	in.Cols = b.Cols[:len(b.Cols)-len(o.calls)]
	o.wait.gather(&in, due)
	b.Rows, b.Time = in.Rows, in.Time
	for i := 0; i < b.Rows; {
		n := i + 1
		for n < b.Rows && b.Time[n] == b.Time[i] {
			n++
		}
		o.group(&in, i, n)
		i = n
	}
	out := *b
	out.AppendTime = ctx.AppendTime
	o.dropBad(ctx, &out)
	if out.Live() > 0 {
		emit(&out)
	}
}

// group computes rows [from, to), which have one time. ROWS frames move row by row; RANGE frames take all rows in
// before the first result.
func (o *over) group(b *vector.Batch, from, to int) {
	t := b.Time[from]
	o.rows.gid = grow(o.rows.gid, to-from)
	for k := range o.rows.gid {
		id := o.keys.addRow(b, o.spec.Partition, from+k)
		if int(id) == len(o.parts) {
			o.parts = append(o.parts, overPart{frames: make([]frame, len(o.calls))})
		}
		o.rows.gid[k] = id
		if p := &o.parts[id]; o.spec.ExpireMs > 0 && addSat(p.last, o.spec.ExpireMs) < t {
			p.frames = make([]frame, len(o.calls))
		}
		o.parts[id].last = t
	}
	outs := o.out.Cols[len(b.Cols):]
	for c := range o.calls {
		a := &o.calls[c]
		if a.byRows || a.number || a.shift {
			for k, id := range o.rows.gid {
				o.byRow(a, &o.parts[id].frames[c], b, from+k, outs[c])
			}
			continue
		}
		for k, id := range o.rows.gid {
			o.parts[id].frames[c].take(a, b, from+k, t)
		}
		for k, id := range o.rows.gid {
			f := &o.parts[id].frames[c]
			if !a.unbounded() {
				f.evict(a, addSat(t, -a.preceding))
			}
			o.value(f, a, from+k, outs[c])
		}
	}
}

func (o *over) byRow(a *overCall, f *frame, b *vector.Batch, i int, out *vector.Vector) {
	switch {
	case a.number:
		f.number(a, b.Time[i], out)
		return
	case a.shift:
		f.shift(a, b, i, out)
		return
	}
	f.rows++
	f.take(a, b, i, f.rows)
	if !a.unbounded() {
		f.evict(a, f.rows-a.preceding)
	}
	o.value(f, a, i, out)
}

func (o *over) value(f *frame, a *overCall, i int, out *vector.Vector) {
	if !f.result(out, a) {
		o.bad = append(o.bad, uint32(i))
	}
}

// argument is the column of a call, nil for COUNT(*).
func argument(b *vector.Batch, a *overCall) *vector.Vector {
	if a.def.arg < 0 {
		return nil
	}
	return b.Cols[a.def.arg]
}

func (o *over) dropBad(ctx *Context, out *vector.Batch) {
	out.Sel = reportBad(ctx, out, o.bad)
}

// minSweep is the number of partitions at which idle ones are first looked for.
const minSweep = 1 << 12

// sweep drops partitions whose frames are empty at the watermark and stay so: all are RANGE frames and their last row
// is out of reach, or they have expired. It is done when the number of partitions has doubled.
func (o *over) sweep() {
	if len(o.parts) < o.sweepAt {
		return
	}
	reach := o.spec.ExpireMs
	for _, c := range o.calls {
		switch {
		case c.byRows || c.number || c.shift || c.unbounded():
			if o.spec.ExpireMs == 0 {
				return
			}
		case o.spec.ExpireMs == 0:
			reach = max(reach, c.preceding)
		}
	}
	keys := o.keys.like()
	parts := o.parts[:0]
	for id, p := range o.parts {
		if addSat(p.last, reach) >= o.wm {
			keys.addFrom(o.keys, uint32(id))
			parts = append(parts, p)
		}
	}
	clear(o.parts[len(parts):])
	o.keys.free()
	o.keys, o.parts = keys, parts
	o.sweepAt = max(minSweep, 2*len(parts))
}

// Flush does nothing: rows leave when the watermark passes.
func (o *over) Flush(*Context, Emit) {}

// StateBytes is the memory of waiting rows and frames.
func (o *over) StateBytes() int64 {
	n := o.wait.stateBytes() + o.keys.stateBytes()
	for i := range o.parts {
		for k := range o.parts[i].frames {
			f := &o.parts[i].frames[k]
			n += int64(8*(cap(f.pos)+cap(f.val)+cap(f.suf))) + 192
			if f.st != nil {
				n += int64(f.st.bytes())
			}
			for _, s := range f.str {
				n += int64(24 + len(s))
			}
		}
	}
	return n
}

// Snapshot is the waiting rows and the partitions by first arrival.
func (o *over) Snapshot(dst []byte) []byte {
	dst = o.wait.snapshot(putI64(dst, o.wm))
	dst = putU64(putU64(dst, uint64(o.sweepAt)), uint64(len(o.parts)))
	for id := range o.parts {
		p := &o.parts[id]
		dst = putI64(o.keys.putKey(dst, uint32(id)), p.last)
		for c := range o.calls {
			dst = p.frames[c].snapshot(dst, &o.calls[c])
		}
	}
	return dst
}

// Restore takes them back.
func (o *over) Restore(src []byte) error {
	r := reader{src: src}
	o.wm = r.i64()
	o.wait.restore(&r)
	o.sweepAt = max(minSweep, int(min(r.u64(), 1<<40)))
	o.keys.free()
	o.keys, o.parts = o.keys.like(), nil
	for range r.count(8) {
		o.keys.readKey(&r)
		p := overPart{last: r.i64(), frames: make([]frame, len(o.calls))}
		for c := range o.calls {
			p.frames[c].restore(&r, &o.calls[c])
		}
		if r.err != nil {
			break
		}
		o.parts = append(o.parts, p)
	}
	return r.done()
}
