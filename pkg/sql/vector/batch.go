package vector

import "slices"

// NewBatch returns an empty batch of schema s with room for capacity rows.
func NewBatch(s *Schema, capacity int) *Batch {
	b := &Batch{Schema: s, Watermark: NoTime, Cols: make([]*Vector, len(s.Fields))}
	for i, f := range s.Fields {
		b.Cols[i] = NewVector(f.Type, capacity)
	}
	b.Time = make([]int64, 0, capacity)
	return b
}

// Slice returns rows [from, to) of b, counted among all its rows, without copying values (a validity bitmap that does
// not start on a word is copied). Origin and watermark are b's; FirstRow moves on.
func Slice(b *Batch, from, to int) *Batch {
	out := *b
	out.Rows, out.FirstRow = to-from, b.FirstRow+from
	out.Cols = make([]*Vector, len(b.Cols))
	for i, v := range b.Cols {
		out.Cols[i] = SliceVector(v, from, to)
	}
	if b.Ops != nil {
		out.Ops = b.Ops[from:to:to]
	}
	if b.Time != nil {
		out.Time = b.Time[from:to:to]
	}
	if b.Clock != nil {
		out.Clock = b.Clock[from:to:to]
	}
	if b.Sel != nil {
		lo, _ := slices.BinarySearch(b.Sel, uint32(from))
		hi, _ := slices.BinarySearch(b.Sel, uint32(to))
		out.Sel = make([]uint32, hi-lo)
		for k, i := range b.Sel[lo:hi] {
			out.Sel[k] = i - uint32(from)
		}
	}
	return &out
}

// AppendBatch appends the selected rows of src to dst, which has the same columns and no Sel; watermark and idle mark
// become those of src, because they hold after the rows. The origin of dst stays, or is src's when dst was empty.
func AppendBatch(dst, src *Batch) {
	if dst.Rows == 0 {
		dst.Topic, dst.Partition, dst.Seq, dst.FirstRow = src.Topic, src.Partition, src.Seq, src.FirstRow
	}
	if src.Ops != nil && dst.Ops == nil {
		dst.Ops = make([]Op, dst.Rows, dst.Rows+src.Live())
	}
	if dst.Ops != nil {
		if src.Ops != nil {
			dst.Ops = appendSel(dst.Ops, src.Ops[:src.Rows], src.Sel)
		} else {
			dst.Ops = append(dst.Ops, make([]Op, src.Live())...)
		}
	}
	for i, v := range src.Cols {
		Append(dst.Cols[i], v, src.Sel)
	}
	appendClocks(dst, src)
	if src.Time != nil {
		dst.Time = appendSel(dst.Time, src.Time[:src.Rows], src.Sel)
	}
	dst.Rows += src.Live()
	dst.Watermark, dst.Idle, dst.AppendTime = src.Watermark, src.Idle, src.AppendTime
}

// Compact returns b itself when it has no Sel, else a batch of the selected rows alone.
func Compact(b *Batch) *Batch {
	if b.Sel == nil {
		return b
	}
	out := *b
	out.Rows, out.Sel = len(b.Sel), nil
	out.Cols = make([]*Vector, len(b.Cols))
	for i, v := range b.Cols {
		out.Cols[i] = Gather(v, b.Sel)
	}
	if b.Ops != nil {
		out.Ops = appendSel(make([]Op, 0, len(b.Sel)), b.Ops, b.Sel)
	}
	if b.Time != nil {
		out.Time = appendSel(make([]int64, 0, len(b.Sel)), b.Time, b.Sel)
	}
	if b.Clock != nil {
		out.Clock = appendSel(make([]int64, 0, len(b.Sel)), b.Clock, b.Sel)
	}
	return &out
}

// CloneVector returns a copy of v that shares nothing with it.
func CloneVector(v *Vector) *Vector {
	out := *v
	out.Valid = slices.Clone(v.Valid)
	out.Bool, out.I64, out.F64 = slices.Clone(v.Bool), slices.Clone(v.I64), slices.Clone(v.F64)
	out.I128 = slices.Clone(v.I128)
	out.Codes, out.Offs, out.Data = slices.Clone(v.Codes), slices.Clone(v.Offs), slices.Clone(v.Data)
	if v.Kids != nil {
		out.Kids = make([]*Vector, len(v.Kids))
		for i, k := range v.Kids {
			out.Kids[i] = CloneVector(k)
		}
	}
	return &out
}

// CloneBatch returns a copy of b that shares nothing with it but the schema.
func CloneBatch(b *Batch) *Batch {
	out := *b
	out.Cols = make([]*Vector, len(b.Cols))
	for i, v := range b.Cols {
		out.Cols[i] = CloneVector(v)
	}
	out.Sel, out.Ops, out.Time = slices.Clone(b.Sel), slices.Clone(b.Ops), slices.Clone(b.Time)
	out.Clock = slices.Clone(b.Clock)
	return &out
}
