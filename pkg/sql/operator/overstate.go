package operator

import (
	"bytes"
	"encoding/binary"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Window functions of over whose state is more than words: aggregates with a state of their own, and LAG.

// pushState takes row i into the frame: the arguments are kept as appendRaw writes them while they may leave again.
func (f *frame) pushState(a *overCall, b *vector.Batch, i int, pos int64) {
	x := aggRow{args: a.def.argVectors(b), i: i, seq: int64(f.acc[2]), time: b.Time[i]}
	f.acc[2]++
	if a.def.nulls.skips(&x) {
		return
	}
	if f.st == nil {
		f.st = a.def.fresh()
	}
	f.st.add(&x, 1)
	if a.unbounded() {
		return
	}
	row := putI64(nil, x.seq)
	for _, v := range x.args {
		row = appendRaw(row, v, i)
	}
	f.pos, f.str = append(f.pos, pos), append(f.str, row)
}

// rowSeq is the length of the number in front of a row.
const rowSeq = 8

// evictState lets the rows before from leave.
func (f *frame) evictState(a *overCall, from int64) {
	for f.lo < len(f.pos) && f.pos[f.lo] < from {
		row := f.str[f.lo]
		x := aggRow{
			args:  make([]*vector.Vector, len(a.types)),
			seq:   int64(binary.LittleEndian.Uint64(row)),
			exact: true,
		}
		row = row[rowSeq:]
		for k, t := range a.types {
			x.args[k] = vector.NewVector(t, 1)
			row = readValue(x.args[k], row)
		}
		f.st.add(&x, -1)
		f.str[f.lo] = nil
		f.lo++
	}
	if f.lo == len(f.pos) {
		f.pos, f.str, f.lo, f.st = f.pos[:0], f.str[:0], 0, nil
		return
	}
	f.dropFront()
}

// dropFront moves the rows down once half of the slices is not used.
func (f *frame) dropFront() {
	if f.lo > 32 && 2*f.lo > len(f.str) {
		f.str = append(f.str[:0], f.str[f.lo:]...)
		f.pos = append(f.pos[:0], f.pos[min(f.lo, len(f.pos)):]...)
		f.lo = 0
	}
}

// stateResult appends the value now; false if it does not fit.
func (f *frame) stateResult(out *vector.Vector, a *overCall) bool {
	if f.st == nil {
		return a.def.fresh().result(out)
	}
	return f.st.result(out)
}

// number appends ROW_NUMBER, RANK or DENSE_RANK of a row with time t: acc holds the last time, its rank and how many
// times there were.
func (f *frame) number(a *overCall, t int64, out *vector.Vector) {
	if f.rows++; f.rows == 1 || f.acc[0] != uint64(t) {
		f.acc = [3]uint64{uint64(t), uint64(f.rows), f.acc[2] + 1}
	}
	switch a.name {
	case "RANK":
		appendWord(out, f.acc[1])
	case "DENSE_RANK":
		appendWord(out, f.acc[2])
	default:
		appendWord(out, uint64(f.rows))
	}
}

// shift appends LAG of row i: acc[0] is the largest distance that was asked for, so many rows are kept. What a LEAD
// asks for has not come when the frame ends at the current row.
func (f *frame) shift(a *overCall, b *vector.Batch, i int, out *vector.Vector) {
	x := b.Cols[a.args[0]]
	n, null := int64(1), false
	if len(a.args) > 1 {
		v := b.Cols[a.args[1]]
		if null = isNull(v, i); !null {
			n = v.I64[i]
		}
	}
	kept := int64(len(f.str) - f.lo)
	switch {
	case null || n < 0:
		vector.AppendNull(out)
	case n == 0:
		appendCell(out, x, i)
	case a.name == "LAG" && n <= kept:
		readValue(out, f.str[len(f.str)-int(n)])
	case len(a.args) > 2:
		appendCell(out, b.Cols[a.args[2]], i)
	default:
		vector.AppendNull(out)
	}
	if a.name != "LAG" {
		return
	}
	f.acc[0] = max(f.acc[0], uint64(max(n, 1)))
	if a.ignore && isNull(x, i) {
		return
	}
	f.str = append(f.str, appendRaw(nil, x, i))
	for uint64(len(f.str)-f.lo) > f.acc[0] {
		f.str[f.lo] = nil
		f.lo++
	}
	f.dropFront()
}

// snapshotState appends a frame of these functions.
func (f *frame) snapshotState(dst []byte, a *overCall) []byte {
	for _, w := range f.acc {
		dst = putU64(dst, w)
	}
	dst = putU64(dst, uint64(len(f.str)-f.lo))
	for k := f.lo; k < len(f.str); k++ {
		if !a.shift {
			dst = putI64(dst, f.pos[k])
		}
		dst = putBytes(dst, f.str[k])
	}
	if dst = putBool(dst, f.st != nil); f.st != nil {
		dst = f.st.snapshot(dst)
	}
	return dst
}

func (f *frame) restoreState(r *reader, a *overCall) {
	for i := range f.acc {
		f.acc[i] = r.u64()
	}
	types := a.types
	if a.shift {
		types = types[:1]
	}
	for range r.count(4) {
		if !a.shift {
			f.pos = append(f.pos, r.i64())
		}
		row := bytes.Clone(r.bytes())
		skip := 0
		if !a.shift {
			skip = min(rowSeq, len(row))
		}
		if r.err == nil && !validValues(types, row[skip:]) {
			r.fail("row of a frame")
		}
		if r.err != nil {
			*f = frame{}
			return
		}
		f.str = append(f.str, row)
	}
	if !r.bool() {
		if len(f.str) > 0 && !a.shift {
			r.fail("state of a frame")
			*f = frame{}
		}
		return
	}
	if a.shift {
		r.fail("state of a frame")
		return
	}
	f.st = a.def.fresh()
	f.st.restore(r)
}
