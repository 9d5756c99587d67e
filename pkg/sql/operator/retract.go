package operator

import (
	"errors"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// retract keeps the row of each key, to say what a change replaces.
type retract struct {
	rows *rowTable
	by   []int
	out  *vector.Batch
}

func checkColumns(in *vector.Schema, cols []int) error {
	for _, c := range cols {
		if c < 0 || c >= len(in.Fields) {
			return errors.New("a column that the input does not have")
		}
	}
	return nil
}

func newRetract(spec *Retract, in *vector.Schema) (*retract, error) {
	if err := checkColumns(in, spec.Keys); err != nil {
		return nil, err
	}
	return &retract{rows: newRowTable(in, spec.Keys), by: spec.Keys, out: vector.NewBatch(in, 0)}, nil
}

// Process emits the changes with what they replace. UpdateBefores of the input are not needed.
func (r *retract) Process(ctx *Context, _ int, b *vector.Batch, emit Emit) {
	r.out.AppendTime = b.AppendTime
	dropped := 0
	for k := range b.Live() {
		i := liveRow(b, k)
		op := b.Op(i)
		if op == vector.UpdateBefore {
			dropped++
			continue
		}
		id, found := r.rows.find(b, i)
		switch {
		case op == vector.Delete && !found:
			dropped++
		case op == vector.Delete:
			r.old(id, vector.Delete, b.Time[i])
			r.rows.remove(b, i)
		case found:
			r.old(id, vector.UpdateBefore, b.Time[i])
			appendChange(r.out, b, i, vector.UpdateAfter)
			r.rows.set(b, i)
		default:
			appendChange(r.out, b, i, vector.Insert)
			r.rows.set(b, i)
		}
		if r.out.Rows >= outRows {
			sendChanges(r.out, emit)
		}
	}
	if dropped > 0 {
		ctx.Report.Filtered(dropped)
	}
	sendChanges(r.out, emit)
	r.rows.tidy()
}

// old appends the row of a key, at the time of its change.
func (r *retract) old(id uint32, op vector.Op, t int64) {
	r.rows.appendRow(r.out, id)
	r.out.Time[r.out.Rows-1] = t
	r.out.Ops = append(r.out.Ops, op)
}

// Advance passes the watermark.
func (r *retract) Advance(_ *Context, wm int64, _ Emit) int64 { return wm }

// Flush does nothing.
func (r *retract) Flush(*Context, Emit) {}

// Snapshot is the rows.
func (r *retract) Snapshot(dst []byte) []byte { return r.rows.snapshot(dst) }

// Restore takes them back.
func (r *retract) Restore(src []byte) error {
	rd := reader{src: src}
	r.rows.restore(&rd)
	return rd.done()
}

// StateBytes is the memory of the rows.
func (r *retract) StateBytes() int64 { return r.rows.stateBytes() }

// liveRow is the number of the k-th selected row.
func liveRow(b *vector.Batch, k int) int {
	if b.Sel != nil {
		return int(b.Sel[k])
	}
	return k
}

// appendChange appends row i of b, which has the columns of the front of out, as a change.
func appendChange(out, b *vector.Batch, i int, op vector.Op) {
	sel := [1]uint32{uint32(i)}
	for k, v := range b.Cols {
		vector.Append(out.Cols[k], v, sel[:])
	}
	out.Time = append(out.Time, b.Time[i])
	out.Ops = append(out.Ops, op)
	out.Rows++
}

// sendChanges emits out and empties it.
func sendChanges(out *vector.Batch, emit Emit) {
	if out.Rows == 0 {
		return
	}
	emit(out)
	resetBatch(out)
}

// resetBatch empties a batch that its caller owns.
func resetBatch(b *vector.Batch) {
	for _, v := range b.Cols {
		if v.Type.Phys() == vector.PhysStr { // it may share a dictionary
			*v = *vector.NewVector(v.Type, 0)
			continue
		}
		vector.Reset(v)
		if v.Type.Phys() == vector.PhysNone {
			v.Valid = nil
		}
	}
	b.Rows, b.Ops, b.Time, b.Sel = 0, b.Ops[:0], b.Time[:0], nil
}
