package operator

import (
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// dedup keeps the values that were seen and when last.
type dedup struct {
	spec    *Dedup
	keys    *keyTable
	last    []int64
	wm      int64
	sweepAt int
	sel     []uint32
}

func newDedup(spec *Dedup, in *vector.Schema) (*dedup, error) {
	if err := checkColumns(in, spec.Keys); err != nil {
		return nil, err
	}
	return &dedup{spec: spec, keys: newKeyTable(typesOf(in, spec.Keys)), wm: vector.NoTime, sweepAt: minSweep}, nil
}

// Process passes the first row of each value. Records with a null value have no part.
func (d *dedup) Process(ctx *Context, _ int, b *vector.Batch, emit Emit) {
	d.sel = d.sel[:0]
	skipped := 0
	for k := range b.Live() {
		i := liveRow(b, k)
		if op := b.Op(i); op == vector.Delete || op == vector.UpdateBefore {
			skipped++
			continue
		}
		n := d.keys.n
		id := d.keys.addRow(b, d.spec.Keys, i)
		fresh := d.keys.n > n
		if fresh {
			d.last = arena.Append(d.keys.mem, d.last, b.Time[i])
		} else if d.gone(id, b.ClockAt(i, d.wm)) {
			fresh, d.last[id] = true, b.Time[i]
		}
		d.last[id] = max(d.last[id], b.Time[i])
		if fresh {
			d.sel = append(d.sel, uint32(i))
		}
	}
	if skipped > 0 {
		ctx.Report.Skipped(skipped)
	}
	if n := b.Live() - skipped - len(d.sel); n > 0 {
		ctx.Report.Filtered(n)
	}
	if len(d.sel) > 0 {
		out := *b
		out.Sel = d.sel
		emit(&out)
	}
}

// gone reports whether value id is forgotten at watermark wm.
func (d *dedup) gone(id uint32, wm int64) bool {
	return d.spec.TTLMs > 0 && addSat(d.last[id], d.spec.TTLMs) < wm
}

// Advance forgets what is past its time, once the number of values has doubled.
func (d *dedup) Advance(_ *Context, wm int64, _ Emit) int64 {
	d.wm = max(d.wm, wm)
	if d.spec.TTLMs <= 0 || len(d.last) < d.sweepAt || d.keys.kind == keyNone {
		return wm
	}
	keys := d.keys.like()
	n := 0
	for id := range uint32(d.keys.n) {
		if !d.gone(id, d.wm) {
			keys.addFrom(d.keys, id)
			d.last[n] = d.last[id]
			n++
		}
	}
	d.keys.free()
	d.keys, d.last = keys, arena.Fit(keys.mem, d.last[:n])
	d.sweepAt = max(minSweep, 2*n)
	return wm
}

// Flush does nothing.
func (d *dedup) Flush(*Context, Emit) {}

// StateBytes is the memory of the values.
func (d *dedup) StateBytes() int64 { return d.keys.stateBytes() + int64(8*cap(d.last)) }

// Snapshot is the values by first arrival.
func (d *dedup) Snapshot(dst []byte) []byte {
	dst = putU64(putU64(putI64(dst, d.wm), uint64(d.sweepAt)), uint64(d.keys.n))
	for id := range uint32(d.keys.n) {
		dst = putI64(d.keys.putKey(dst, id), d.last[id])
	}
	return dst
}

// Restore takes them back.
func (d *dedup) Restore(src []byte) error {
	r := &reader{src: src}
	d.wm = r.i64()
	d.sweepAt = max(minSweep, int(min(r.u64(), 1<<40)))
	d.keys.free()
	d.keys, d.last = d.keys.like(), arena.Free(d.keys.mem, d.last)
	for range r.count(8) {
		d.keys.readKey(r)
		d.last = arena.Append(d.keys.mem, d.last, r.i64())
		if r.err != nil {
			break
		}
	}
	return r.done()
}
