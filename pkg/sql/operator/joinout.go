package operator

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

// rowRef names a row of one side of a join: 0 is none, inBatch|i row i of the batch at hand, else row number + 1.
type rowRef = uint32

const inBatch = 1 << 31

// joinOut makes batches of joined rows: pairs of references are collected, then the columns are gathered.
type joinOut struct {
	schema *vector.Schema
	left   int // columns of the left side
	rows   [2]*joinRows
	refs   [2][]rowRef
	ops    []vector.Op
	times  []int64
	// in is the batch at hand and its side.
	in   joinChunk
	clip int // rows of that batch
	port int
	emit Emit
	send int64 // append time of what is sent

	where [2][]rowPlace
	cols  []*vector.Vector // what is sent
	own   []*vector.Vector
	share []*vector.Vector // strings that are those of the batch at hand
}

// rowPlace is where a row lies; no chunk: there is none.
type rowPlace struct {
	c *joinChunk
	i uint32
}

func newJoinOut(s *vector.Schema, left int, rows [2]*joinRows) *joinOut {
	o := &joinOut{schema: s, left: left, rows: rows}
	for _, f := range s.Fields {
		o.own = append(o.own, vector.NewVector(f.Type, 0))
		o.share = append(o.share, &vector.Vector{Type: f.Type})
	}
	o.cols = make([]*vector.Vector, len(o.own))
	return o
}

// begin names the batch that references with inBatch mean, nil for none, and the receiver.
func (o *joinOut) begin(ctx *Context, port int, b *vector.Batch, emit Emit) {
	o.port, o.emit, o.send = port, emit, ctx.AppendTime
	o.in, o.clip = joinChunk{}, 0
	if b != nil {
		o.in.cols, o.clip = b.Cols, b.Rows
	}
}

// add appends a result; own is the reference on side port.
func (o *joinOut) add(port int, own, other rowRef, op vector.Op, t int64) {
	o.refs[port] = append(o.refs[port], own)
	o.refs[1-port] = append(o.refs[1-port], other)
	o.ops = append(o.ops, op)
	o.times = append(o.times, t)
	if len(o.ops) >= outRows {
		o.flush()
	}
}

// flush sends what was collected.
func (o *joinOut) flush() {
	n := len(o.ops)
	if n == 0 {
		return
	}
	b := vector.Batch{
		Schema: o.schema, Rows: n, Cols: o.columns(nil), Time: o.times, Ops: o.ops, Watermark: vector.NoTime,
		AppendTime: o.send,
	}
	if !hasChanges(o.ops) {
		b.Ops = nil
	}
	o.emit(&b)
	o.reset()
}

// reset forgets what was collected.
func (o *joinOut) reset() {
	o.refs[0], o.refs[1], o.ops, o.times = o.refs[0][:0], o.refs[1][:0], o.ops[:0], o.times[:0]
}

func hasChanges(ops []vector.Op) bool {
	for _, op := range ops {
		if op != vector.Insert {
			return true
		}
	}
	return false
}

// columns gathers the columns, only those of want where it is not nil.
func (o *joinOut) columns(want []bool) []*vector.Vector {
	o.places(0)
	if o.left < len(o.schema.Fields) {
		o.places(1)
	}
	for k := range o.schema.Fields {
		if want != nil && !want[k] {
			continue
		}
		side, col := 0, k
		if k >= o.left {
			side, col = 1, k-o.left
		}
		o.cols[k] = o.column(k, side, col)
	}
	return o.cols
}

// places finds the rows of a side.
func (o *joinOut) places(side int) {
	refs := o.refs[side]
	w := grow(o.where[side], len(refs))
	rows := o.rows[side]
	for r, ref := range refs {
		switch {
		case ref == 0:
			w[r] = rowPlace{}
		case ref >= inBatch:
			w[r] = rowPlace{&o.in, ref &^ inBatch}
		default:
			w[r] = rowPlace{rows.chunk(ref - 1), (ref - 1) & (rowsChunk - 1)}
		}
	}
	o.where[side] = w
}

// column gathers column col of a side, number k of the output.
func (o *joinOut) column(k, side, col int) *vector.Vector {
	v, w := o.own[k], o.where[side]
	switch v.Type.Phys() {
	case vector.PhysNone, vector.PhysNested:
		return gatherSlow(v, w, col)
	case vector.PhysStr:
		if o.sharable(side, col) {
			return o.shareStrings(k, side, col)
		}
		gatherStrings(v, w, col)
	case vector.PhysI64:
		v.I64 = grow(v.I64, len(w))
		gatherFixed(v, v.I64, w, col, func(x *vector.Vector) []int64 { return x.I64 })
	case vector.PhysF64:
		v.F64 = grow(v.F64, len(w))
		gatherFixed(v, v.F64, w, col, func(x *vector.Vector) []float64 { return x.F64 })
	case vector.PhysI128:
		v.I128 = grow(v.I128, len(w))
		gatherFixed(v, v.I128, w, col, func(x *vector.Vector) []vector.Int128 { return x.I128 })
	case vector.PhysBool:
		v.Bool = grow(v.Bool, len(w))
		gatherFixed(v, v.Bool, w, col, func(x *vector.Vector) []bool { return x.Bool })
	}
	return v
}

// sharable reports whether the strings of a side can be those of the batch at hand, by code: all are of it, and they
// are not few beside its dictionary.
func (o *joinOut) sharable(side, col int) bool {
	if side != o.port || o.clip == 0 {
		return false
	}
	refs := o.refs[side]
	if src := o.in.cols[col]; 4*len(refs) < len(src.Offs) || len(src.Offs) < 2 {
		return false
	}
	for _, r := range refs {
		if r != 0 && r < inBatch {
			return false
		}
	}
	return true
}

// shareStrings is the strings of the batch at hand, by code.
func (o *joinOut) shareStrings(k, side, col int) *vector.Vector {
	src, v, w := o.in.cols[col], o.share[k], o.where[side]
	v.Codes = grow(v.Codes, len(w))
	v.Offs, v.Data, v.Len, v.Valid = src.Offs, src.Data, len(w), v.Valid[:0]
	valid := validity{bits: v.Valid, n: len(w)}
	for r, at := range w {
		if at.c == nil {
			v.Codes[r] = 0
			valid.null(r)
			continue
		}
		c := at.i
		if src.Codes != nil {
			c = src.Codes[c]
		}
		v.Codes[r] = c
		if src.Valid != nil && src.Null(int(at.i)) {
			valid.null(r)
		}
	}
	v.Valid = valid.done()
	return v
}

// validity builds a bitmap that is made only when there is a null.
type validity struct {
	bits []uint64
	n    int
	some bool
}

func (b *validity) null(r int) {
	if !b.some {
		b.some = true
		b.bits = grow(b.bits, vector.Words(b.n))
		for i := range b.bits {
			b.bits[i] = ^uint64(0)
		}
	}
	b.bits[r>>6] &^= 1 << (uint(r) & 63)
}

func (b *validity) done() []uint64 {
	if b.some {
		return b.bits
	}
	return nil
}

func gatherFixed[T any](v *vector.Vector, out []T, w []rowPlace, col int, of func(*vector.Vector) []T) {
	var zero T
	valid := validity{bits: v.Valid, n: len(w)}
	for r, at := range w {
		if at.c == nil {
			out[r] = zero
			valid.null(r)
			continue
		}
		src := at.c.cols[col]
		out[r] = of(src)[at.i]
		if src.Valid != nil && src.Null(int(at.i)) {
			valid.null(r)
		}
	}
	v.Len, v.Valid = len(w), valid.done()
}

func gatherStrings(v *vector.Vector, w []rowPlace, col int) {
	valid := validity{bits: v.Valid, n: len(w)}
	offs, data := grow(v.Offs, len(w)+1), v.Data[:0]
	offs[0] = 0
	for r, at := range w {
		if at.c == nil {
			valid.null(r)
		} else if src := at.c.cols[col]; src.Valid != nil && src.Null(int(at.i)) {
			valid.null(r)
		} else {
			data = append(data, src.Bytes(int(at.i))...)
		}
		offs[r+1] = uint32(len(data))
	}
	v.Offs, v.Data, v.Len, v.Valid = offs, data, len(w), valid.done()
}

// gatherSlow gathers values of any type, runs of rows of one chunk at a time.
func gatherSlow(v *vector.Vector, w []rowPlace, col int) *vector.Vector {
	v = vector.NewVector(v.Type, len(w))
	var sel []uint32
	for r := 0; r < len(w); {
		c := w[r].c
		if c == nil {
			vector.AppendNull(v)
			r++
			continue
		}
		for sel = sel[:0]; r < len(w) && w[r].c == c; r++ {
			sel = append(sel, w[r].i)
		}
		vector.Append(v, c.cols[col], sel)
	}
	return v
}
