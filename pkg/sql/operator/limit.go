package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// limit passes rows [Offset, Offset+N) of its input.
type limit struct {
	spec *Limit
	seen int64
	sel  []uint32
}

// Process passes what the limit still allows.
func (l *limit) Process(ctx *Context, _ int, b *vector.Batch, emit Emit) {
	l.sel = l.sel[:0]
	for k := range b.Live() {
		i := uint32(k)
		if b.Sel != nil {
			i = b.Sel[k]
		}
		if l.seen >= l.spec.Offset && (l.spec.N < 0 || l.seen-l.spec.Offset < l.spec.N) {
			l.sel = append(l.sel, i)
		}
		l.seen++
	}
	if n := b.Live() - len(l.sel); n > 0 {
		ctx.Report.Filtered(n)
	}
	if len(l.sel) > 0 {
		out := *b
		out.Sel = l.sel
		emit(&out)
	}
}

// done reports whether no more rows will come.
func (l *limit) done() bool { return l.spec.N >= 0 && l.seen >= addSat(l.spec.Offset, l.spec.N) }

// Advance passes the watermark.
func (l *limit) Advance(_ *Context, wm int64, _ Emit) int64 { return wm }

// Flush does nothing.
func (l *limit) Flush(*Context, Emit) {}

// Snapshot is the number of rows seen.
func (l *limit) Snapshot(dst []byte) []byte { return putI64(dst, l.seen) }

// Restore takes it back.
func (l *limit) Restore(src []byte) error {
	r := reader{src: src}
	if l.seen = r.i64(); l.seen < 0 {
		r.fail("rows seen")
	}
	return r.done()
}

// StateBytes is nothing worth counting.
func (l *limit) StateBytes() int64 { return 0 }
