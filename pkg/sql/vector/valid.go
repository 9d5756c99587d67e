package vector

// Words returns the number of validity words that n rows need.
func Words(n int) int { return (n + 63) >> 6 }

// growValid makes v.Valid, if there is one, long enough for n rows; the bits it adds say "not null", also those of the
// last word above the rows that v has.
func growValid(v *Vector, n int) {
	if v.Valid == nil || n <= v.Len {
		return
	}
	if used := Words(v.Len); used < len(v.Valid) {
		v.Valid = v.Valid[:used]
	}
	if v.Len&63 != 0 {
		v.Valid[v.Len>>6] |= ^uint64(0) << (uint(v.Len) & 63)
	}
	for len(v.Valid) < Words(n) {
		v.Valid = append(v.Valid, ^uint64(0))
	}
}

// makeValid gives v a validity bitmap for at least n rows; a new one says "not null" everywhere.
func makeValid(v *Vector, n int) {
	if v.Valid == nil {
		v.Valid = make([]uint64, 0, Words(max(n, v.Len)))
		for len(v.Valid) < Words(max(n, v.Len)) {
			v.Valid = append(v.Valid, ^uint64(0))
		}
		return
	}
	growValid(v, n)
}

// SetLen says that v has n rows now, after values were appended to its slices; the rows added are not null.
func SetLen(v *Vector, n int) {
	growValid(v, n)
	v.Len = n
}

// SetNull marks row i as null; the row's value must be there (any value: zero is usual) or be appended afterwards.
func SetNull(v *Vector, i int) {
	makeValid(v, i+1)
	v.Valid[i>>6] &^= 1 << (uint(i) & 63)
}

// AppendNull appends one null row.
func AppendNull(v *Vector) {
	SetNull(v, v.Len)
	switch v.Type.Phys() {
	case PhysNone:
	case PhysNested:
		appendEmpty(v)
	case PhysBool:
		v.Bool = append(v.Bool, false)
	case PhysI64:
		v.I64 = append(v.I64, 0)
	case PhysF64:
		v.F64 = append(v.F64, 0)
	case PhysI128:
		v.I128 = append(v.I128, Int128{})
	case PhysStr:
		if v.Codes != nil {
			if len(v.Offs) < 2 {
				v.Offs = []uint32{0, 0}
			}
			v.Codes = append(v.Codes, 0)
			break
		}
		v.Offs = append(v.Offs, v.Offs[len(v.Offs)-1])
	}
	v.Len++
}

// sliceValid returns the bits of rows [from, to) of a bitmap, as a bitmap of its own when from is not on a word.
func sliceValid(valid []uint64, from, to int) []uint64 {
	if valid == nil {
		return nil
	}
	first, shift := from>>6, uint(from)&63
	if shift == 0 {
		return valid[first : first+Words(to-from)]
	}
	out := make([]uint64, Words(to-from))
	for i := range out {
		out[i] = valid[first+i] >> shift
		if first+i+1 < len(valid) {
			out[i] |= valid[first+i+1] << (64 - shift)
		}
	}
	return out
}

// appendValid adds the validity of the rows of src to dst, which has dst.Len rows so far; sel nil means all rows.
func appendValid(dst, src *Vector, sel []uint32) {
	n := src.Len
	if sel != nil {
		n = len(sel)
	}
	if src.Valid == nil {
		growValid(dst, dst.Len+n)
		return
	}
	makeValid(dst, dst.Len+n)
	at := dst.Len
	for k := range n {
		i := rowAt(sel, k)
		bit := src.Valid[i>>6] >> (uint(i) & 63) & 1
		dst.Valid[at>>6] &^= (bit ^ 1) << (uint(at) & 63)
		at++
	}
}
