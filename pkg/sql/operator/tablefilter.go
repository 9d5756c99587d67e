package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// tableFilter is a filter over a changelog: it keeps the keys that pass, so that a row that stops passing becomes a
// deletion and one that never passed nothing.
type tableFilter struct {
	pred   *predicate
	by     []int
	keys   *keyTable
	sel    []uint32
	out    []uint32
	ops    []vector.Op
	passed []bool
}

// Process rewrites the ops of the rows.
func (f *tableFilter) Process(ctx *Context, _ int, b *vector.Batch, emit Emit) {
	sel, failed := f.pred.keep(b, f.sel)
	f.sel = sel
	lost := dropped(ctx.Report, b, failed, f.pred.null)
	f.passed = grow(f.passed, b.Rows)
	clear(f.passed)
	for _, i := range sel {
		f.passed[i] = true
	}
	f.out, f.ops = f.out[:0], grow(f.ops, b.Rows)
	for k := range b.Live() {
		i := uint32(k)
		if b.Sel != nil {
			i = b.Sel[k]
		}
		op := b.Op(int(i))
		if f.change(b, i, op) {
			f.out = append(f.out, i)
		}
	}
	if n := b.Live() - len(f.out) - lost; n > 0 {
		ctx.Report.Filtered(n)
	}
	f.tidy()
	if len(f.out) > 0 {
		out := *b
		out.Sel, out.Ops = f.out, f.ops
		emit(&out)
	}
}

// change decides on row i and reports whether it is handed on. A row on which the condition failed does not pass.
func (f *tableFilter) change(b *vector.Batch, i uint32, op vector.Op) bool {
	passed := f.passed[i] && op != vector.Delete
	switch {
	case op == vector.UpdateBefore:
		return false
	case passed:
		n := f.keys.n
		f.ops[i] = vector.UpdateAfter
		if int(f.keys.addRow(b, f.by, int(i))) == n {
			f.ops[i] = vector.Insert
		}
		return true
	default:
		id, found := f.keys.findRow(b, f.by, int(i))
		if found {
			f.keys.remove(id)
			f.ops[i] = vector.Delete
		}
		return found
	}
}

// tidy drops the removed keys once they are the larger part.
func (f *tableFilter) tidy() {
	if f.keys.gone < 1<<10 || 2*f.keys.gone < f.keys.n {
		return
	}
	old := f.keys
	f.keys = old.like()
	for _, id := range old.live() {
		f.keys.addFrom(old, id)
	}
	old.free()
}

// Advance passes the watermark.
func (f *tableFilter) Advance(_ *Context, wm int64, _ Emit) int64 { return wm }

// Flush does nothing.
func (f *tableFilter) Flush(*Context, Emit) {}

// Snapshot is the keys that pass.
func (f *tableFilter) Snapshot(dst []byte) []byte {
	ids := f.keys.live()
	dst = putU64(dst, uint64(len(ids)))
	for _, id := range ids {
		dst = f.keys.putKey(dst, id)
	}
	return dst
}

// Restore takes them back.
func (f *tableFilter) Restore(src []byte) error {
	r := reader{src: src}
	f.keys.free()
	f.keys = f.keys.like()
	for range r.count(1) {
		f.keys.readKey(&r)
	}
	return r.done()
}

// StateBytes is the memory of the keys.
func (f *tableFilter) StateBytes() int64 { return f.keys.stateBytes() }
