package operator

import (
	"bytes"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// frame is one window function over one partition: the values in the frame and what follows from them. A value has a
// position: its time (RANGE) or the number of its row (ROWS). Nulls are not in it.
//
//	exact kinds       sums are added to and taken from
//	doubles, spreads  two stacks: values [lo, mid) have the sum of themselves up to mid in suf, acc is that of
//
// [mid, end);
//
//	                  nothing is ever subtracted, so errors do not pile up
//	MIN, MAX          only values that no later one beats are kept
//	FIRST             all values; LAST: the last one
type frame struct {
	rows int64 // rows seen so far
	acc  [3]uint64
	pos  []int64
	val  []uint64 // width words a value
	str  [][]byte // instead of val for strings
	suf  []uint64 // 3 words for each of [lo, mid), at the same place
	lo   int
	mid  int
	st   aggState // of an aggregate that words do not do for
}

// take takes row i in at position pos.
func (f *frame) take(a *overCall, b *vector.Batch, i int, pos int64) {
	if a.def.kind == kindState {
		f.pushState(a, b, i, pos)
		return
	}
	f.push(a, argument(b, a), i, pos)
}

// push adds row i of v at position pos.
func (f *frame) push(a *overCall, v *vector.Vector, i int, pos int64) {
	d := &a.def
	switch {
	case d.kind == kindCount && d.arg < 0:
	case v.Null(i) || v.Type.Phys() == vector.PhysNone:
		return
	case d.kind == kindMin || d.kind == kindMax:
		if f.dominate(a, v, i) && a.unbounded() {
			return
		}
	case d.kind == kindLast:
		f.clear()
	case d.kind == kindFirst && a.unbounded() && len(f.pos) > 0:
		return
	}
	if d.kind <= kindVar {
		f.accumulate(a, v, i)
		if a.unbounded() {
			return
		}
	}
	f.pos = append(f.pos, pos)
	f.append(d, v, i)
}

func (f *frame) clear() {
	f.pos, f.val, f.str, f.suf, f.lo, f.mid = f.pos[:0], f.val[:0], f.str[:0], f.suf[:0], 0, 0
}

// append keeps the value of row i.
func (f *frame) append(d *aggDef, v *vector.Vector, i int) {
	switch {
	case d.kind == kindCount:
	case valueKind(v.Type) == valStr:
		var buf []byte
		f.str = append(f.str, bytes.Clone(keptBytes(&buf, v, i)))
	case v.Type.Phys() == vector.PhysI128:
		f.val = append(f.val, v.I128[i].Lo, uint64(v.I128[i].Hi))
	case d.kind == kindMin || d.kind == kindMax:
		f.val = append(f.val, uint64(orderedWord(d.in, word(v, i))))
	default:
		f.val = append(f.val, rawWord(v, i))
	}
}

// width is the number of words of a kept value.
func (d *aggDef) width() int {
	switch {
	case d.kind == kindCount, valueKind(d.in) == valStr:
		return 0
	case d.in.Phys() == vector.PhysI128:
		return 2
	default:
		return 1
	}
}

// accumulate adds row i to acc, through the kernels of records.
func (f *frame) accumulate(a *overCall, v *vector.Vector, i int) {
	a.idx[0] = uint32(i)
	st := a.record(f.acc[:])
	st.update(&a.def, v, rows{a.idx[:1], onlyRow.gids}, 1)
	st.recs = nil
}

// dominate drops the values that row i beats or equals, and reports whether a better one is left.
func (f *frame) dominate(a *overCall, v *vector.Vector, i int) bool {
	d := &a.def
	a.one.clear()
	if v.Type.Phys() == vector.PhysStr {
		a.one.str = append(a.one.str, v.Bytes(i))
	} else {
		a.one.append(d, v, i)
	}
	for n := len(f.pos); n > f.lo; n-- {
		c := f.compare(d, n-1, &a.one)
		if d.kind == kindMin && c < 0 || d.kind == kindMax && c > 0 {
			return true
		}
		f.cut(d, n-1)
	}
	f.clear()
	return false
}

func (f *frame) cut(d *aggDef, n int) {
	f.pos = f.pos[:n]
	f.val = f.val[:min(len(f.val), n*d.width())]
	f.str = f.str[:min(len(f.str), n)]
}

// compare orders value n against the first value of o.
func (f *frame) compare(d *aggDef, n int, o *frame) int {
	switch {
	case d.in.Phys() == vector.PhysStr:
		return bytes.Compare(f.str[n], o.str[0])
	case d.in.Phys() == vector.PhysI128:
		return cmp128(wide(f.val[2*n:]), wide(o.val))
	case int64(f.val[n]) < int64(o.val[0]):
		return -1
	case f.val[n] == o.val[0]:
		return 0
	default:
		return 1
	}
}

func wide(w []uint64) vector.Int128 { return vector.Int128{Lo: w[0], Hi: int64(w[1])} }

// evict drops the values with a position below from.
func (f *frame) evict(a *overCall, from int64) {
	d := &a.def
	if d.kind == kindState {
		f.evictState(a, from)
		return
	}
	for f.lo < len(f.pos) && f.pos[f.lo] < from {
		switch {
		case d.kind < kindSumF || d.kind == kindAvgInt || d.kind == kindAvgDec:
			f.subtract(d)
		case d.kind <= kindVar && f.lo == f.mid:
			f.flip(a)
		}
		if f.str != nil {
			f.str[f.lo] = nil
		}
		f.lo++
	}
	if f.lo == len(f.pos) {
		if d.kind <= kindVar {
			f.acc = [3]uint64{}
		}
		f.clear()
		return
	}
	if f.lo > 32 && 2*f.lo > len(f.pos) {
		f.shrink(d)
	}
}

// shrink moves the values down to the front of their slices.
func (f *frame) shrink(d *aggDef) {
	w := d.width()
	f.pos = slices.Delete(f.pos, 0, f.lo)
	if w > 0 {
		f.val = slices.Delete(f.val, 0, w*f.lo)
	}
	if f.str != nil {
		f.str = slices.Delete(f.str, 0, f.lo)
	}
	if f.mid > f.lo {
		f.suf = slices.Delete(f.suf, 0, 3*f.lo)
		f.mid -= f.lo
	} else {
		f.suf, f.mid = f.suf[:0], 0
	}
	f.lo = 0
}

// subtract takes the first value out of an exact sum.
func (f *frame) subtract(d *aggDef) {
	f.acc[0]--
	if d.kind == kindCount {
		return
	}
	var x vector.Int128
	if d.width() == 2 {
		x = wide(f.val[2*f.lo:])
	} else {
		v := int64(f.val[f.lo])
		x = vector.Int128{Lo: uint64(v), Hi: v >> 63}
	}
	x = neg128(x)
	add128(f.acc[:], 1, x.Lo, uint64(x.Hi))
}

// flip moves all values to the front stack.
func (f *frame) flip(a *overCall) {
	f.mid = len(f.pos)
	f.acc = [3]uint64{}
	f.suf = grow(f.suf, 3*f.mid)
	f.suffixes(a)
}

// suffixes fills suf for [lo, mid).
func (f *frame) suffixes(a *overCall) {
	v := vector.NewVector(a.def.in, 1)
	for i := f.mid - 1; i >= f.lo; i-- {
		acc := f.suf[3*i : 3*i+3]
		clear(acc)
		a.record(acc).update(&a.def, f.vector(&a.def, v, i), onlyRow, 1)
		if i+1 < f.mid {
			a.st.mergeAgg(&a.def, acc, &a.st, f.suf[3*i+3:3*i+6])
		}
	}
	a.st.recs = nil
}

// vector makes v a column of value i alone.
func (f *frame) vector(d *aggDef, v *vector.Vector, i int) *vector.Vector {
	vector.Reset(v)
	if d.width() == 2 {
		v.I128 = append(v.I128, wide(f.val[2*i:]))
		vector.SetLen(v, 1)
		return v
	}
	appendWord(v, f.val[i])
	return v
}

// result appends the function's value now; false if it does not fit its type.
func (f *frame) result(out *vector.Vector, a *overCall) bool {
	d := &a.def
	if d.kind == kindState {
		return f.stateResult(out, a)
	}
	if d.kind <= kindVar {
		acc := f.acc
		if f.lo < f.mid {
			var all [3]uint64
			copy(all[:], f.suf[3*f.lo:3*f.lo+3])
			a.st.mergeAgg(d, all[:], &a.st, acc[:])
			acc = all
		}
		return f.computed(out, d, acc)
	}
	if f.lo == len(f.pos) {
		vector.AppendNull(out)
		return true
	}
	f.kept(out, d)
	return true
}

func (f *frame) computed(out *vector.Vector, d *aggDef, acc [3]uint64) bool {
	n := int64(acc[0])
	switch {
	case d.kind == kindCount:
		appendWord(out, uint64(n))
		return true
	case n <= 0:
		vector.AppendNull(out)
		return true
	case d.kind == kindAvgInt && out.Type.Phys() == vector.PhysI64: // SUM of integers, kept in 128 bits
		if acc[2] != uint64(int64(acc[1])>>63) {
			vector.AppendNull(out)
			return false
		}
		appendWord(out, acc[1])
		return true
	}
	return computed(out, d, acc[:], n)
}

func (f *frame) kept(out *vector.Vector, d *aggDef) {
	switch {
	case valueKind(d.in) == valStr:
		appendKept(out, f.str[f.lo])
	case d.in.Phys() == vector.PhysI128:
		out.I128 = append(out.I128, wide(f.val[2*f.lo:]))
		vector.SetLen(out, out.Len+1)
	case d.kind == kindMin || d.kind == kindMax:
		appendWord(out, unordered(d.in, int64(f.val[f.lo])))
	default:
		appendWord(out, f.val[f.lo])
	}
}

// snapshot appends the frame.
func (f *frame) snapshot(dst []byte, a *overCall) []byte {
	d := &a.def
	dst = putI64(dst, f.rows)
	if a.shift || d.kind == kindState {
		return f.snapshotState(dst, a)
	}
	if a.number || a.unbounded() && d.kind <= kindVar {
		for _, w := range f.acc {
			dst = putU64(dst, w)
		}
		return dst
	}
	dst = putU64(putU64(dst, uint64(len(f.pos)-f.lo)), uint64(max(f.mid-f.lo, 0)))
	for i := f.lo; i < len(f.pos); i++ {
		dst = putI64(dst, f.pos[i])
		if valueKind(d.in) == valStr && d.kind != kindCount {
			dst = putBytes(dst, f.str[i])
			continue
		}
		w := d.width()
		for _, x := range f.val[w*i : w*i+w] {
			dst = putU64(dst, x)
		}
	}
	return dst
}

// restore reads a frame; what follows from the values is computed again, in the same order.
func (f *frame) restore(r *reader, a *overCall) {
	d := &a.def
	*f = frame{rows: r.i64()}
	if a.shift || d.kind == kindState {
		f.restoreState(r, a)
		return
	}
	if a.number || a.unbounded() && d.kind <= kindVar {
		for i := range f.acc {
			f.acc[i] = r.u64()
		}
		return
	}
	n := r.count(8)
	mid := r.u64()
	if mid > uint64(n) || mid > 0 && !d.twoStacks() {
		r.fail("frame")
	}
	for range n {
		f.pos = append(f.pos, r.i64())
		if valueKind(d.in) == valStr && d.kind != kindCount {
			f.str = append(f.str, bytes.Clone(r.kept(d.in)))
			continue
		}
		for range d.width() {
			f.val = append(f.val, r.u64())
		}
	}
	if r.err != nil {
		*f = frame{}
		return
	}
	f.mid = int(mid)
	if f.mid > 0 {
		f.suf = grow(f.suf, 3*f.mid)
		f.suffixes(a)
	}
	if d.kind > kindVar {
		return
	}
	v := vector.NewVector(d.in, 1)
	for i := f.mid; i < n; i++ {
		if d.kind == kindCount {
			f.acc[0]++
			continue
		}
		f.accumulate(a, f.vector(d, v, i), 0)
	}
}

// twoStacks: the kind is summed without subtraction.
func (d *aggDef) twoStacks() bool {
	return d.kind == kindSumF || d.kind == kindAvgF || d.kind == kindVar
}
