package vector

import (
	"bytes"
	"slices"
)

// NewVector returns an empty vector of type t with room for capacity rows. A string vector is flat (no Codes).
func NewVector(t Type, capacity int) *Vector {
	v := &Vector{Type: t}
	switch t.Phys() {
	case PhysNone:
		v.Valid = make([]uint64, 0, Words(capacity))
	case PhysBool:
		v.Bool = make([]bool, 0, capacity)
	case PhysI64:
		v.I64 = make([]int64, 0, capacity)
	case PhysF64:
		v.F64 = make([]float64, 0, capacity)
	case PhysI128:
		v.I128 = make([]Int128, 0, capacity)
	case PhysStr:
		v.Offs = append(make([]uint32, 0, capacity+1), 0)
	case PhysNested:
		newNested(v, capacity)
	}
	return v
}

// Reset empties v, which its caller owns, and keeps its memory. A dictionary may be another's and is dropped: the
// vector is flat afterwards.
func Reset(v *Vector) {
	if v.Codes != nil {
		v.Codes, v.Offs, v.Data = nil, nil, nil
	}
	v.Len = 0
	if v.Type.Phys() != PhysNone {
		v.Valid = nil
	}
	v.Bool, v.I64, v.F64, v.I128 = v.Bool[:0], v.I64[:0], v.F64[:0], v.I128[:0]
	if v.Type.Phys() == PhysStr {
		v.Offs, v.Data = append(v.Offs[:0], 0), v.Data[:0]
	}
	if v.Kids != nil {
		resetNested(v)
	}
}

// Gather returns the rows sel of v as a new vector. Values are copied; a dictionary is shared with v.
func Gather(v *Vector, sel []uint32) *Vector {
	out := &Vector{Type: v.Type}
	if v.Type.Phys() == PhysStr {
		if v.Codes != nil { // capacities end with the lengths, so that a later append copies
			out.Offs, out.Data = slices.Clip(v.Offs), slices.Clip(v.Data)
			out.Codes = appendSel(make([]uint32, 0, len(sel)), v.Codes[:v.Len], sel)
			appendValid(out, v, sel)
			out.Len = len(out.Codes)
			return out
		}
		out.Offs = append(make([]uint32, 0, len(sel)+1), 0)
	}
	if v.Type.Phys() == PhysNested {
		newNested(out, len(sel))
	}
	Append(out, v, sel)
	return out
}

// Append appends the rows sel of src to dst (nil sel: all rows). Both have the same type. Nothing is shared with src,
// which its maker may fill anew: an empty dst takes a copy of its dictionary, one with an equal dictionary the codes,
// another one with Codes the entries that are used, and a flat dst the bytes. dst must not be shared: its slices grow
// in place.
func Append(dst, src *Vector, sel []uint32) {
	n := src.Len
	if sel != nil {
		n = len(sel)
	}
	appendValid(dst, src, sel)
	switch src.Type.Phys() {
	case PhysNone:
		makeValid(dst, dst.Len+n)
		for i := range n {
			SetNull(dst, dst.Len+i)
		}
	case PhysBool:
		dst.Bool = appendSel(dst.Bool, src.Bool[:src.Len], sel)
	case PhysI64:
		dst.I64 = appendSel(dst.I64, src.I64[:src.Len], sel)
	case PhysF64:
		dst.F64 = appendSel(dst.F64, src.F64[:src.Len], sel)
	case PhysI128:
		dst.I128 = appendSel(dst.I128, src.I128[:src.Len], sel)
	case PhysStr:
		appendStrings(dst, src, sel)
	case PhysNested:
		appendNested(dst, src, sel)
	}
	dst.Len += n
}

func appendSel[T any](dst, src []T, sel []uint32) []T {
	if sel == nil {
		return append(dst, src...)
	}
	at := len(dst)
	dst = slices.Grow(dst, len(sel))[:at+len(sel)]
	out := dst[at:]
	for k, i := range sel {
		out[k] = src[i]
	}
	return dst
}

// sameDictionary reports whether two vectors have equal dictionaries.
func sameDictionary(a, b *Vector) bool {
	if len(a.Offs) != len(b.Offs) || len(a.Offs) == 0 || len(a.Data) != len(b.Data) {
		return false
	}
	return slices.Equal(a.Offs, b.Offs) && bytes.Equal(a.Data, b.Data)
}

func appendStrings(dst, src *Vector, sel []uint32) {
	n := src.Len
	if sel != nil {
		n = len(sel)
	}
	switch {
	case src.Codes != nil && dst.Len == 0 && (dst.Codes != nil || len(dst.Data) == 0):
		takeDictionary(dst, src, sel, n)
	case src.Codes != nil && dst.Codes != nil && sameDictionary(dst, src):
		dst.Codes = appendSel(dst.Codes, src.Codes[:src.Len], sel)
	case dst.Codes != nil:
		appendEntries(dst, src, sel)
	default:
		appendFlat(dst, src, sel)
	}
}

// takeDictionary makes the first values of a vector, with a copy of the dictionary, or of its used entries where they
// are fewer: whoever made src may fill the same memory with its next batch.
func takeDictionary(dst, src *Vector, sel []uint32, n int) {
	dst.Codes = nonNil(dst.Codes[:0], n)
	if len(src.Offs) > n+1 {
		dst.Offs, dst.Data = nil, nil
		appendEntries(dst, src, sel)
		return
	}
	dst.Offs, dst.Data = slices.Clone(src.Offs), slices.Clone(src.Data)
	dst.Codes = appendSel(dst.Codes, src.Codes[:src.Len], sel)
}

func nonNil(codes []uint32, capacity int) []uint32 {
	if codes == nil {
		return make([]uint32, 0, capacity)
	}
	return codes
}

// appendFlat appends values to a vector without Codes.
func appendFlat(dst, src *Vector, sel []uint32) {
	if len(dst.Offs) == 0 {
		dst.Offs = append(dst.Offs, 0)
	}
	if sel == nil && src.Codes == nil && len(src.Offs) > src.Len {
		lo, base := src.Offs[0], uint32(len(dst.Data))
		dst.Data = append(dst.Data, src.Data[lo:src.Offs[src.Len]]...)
		for _, o := range src.Offs[1 : src.Len+1] {
			dst.Offs = append(dst.Offs, o-lo+base)
		}
		return
	}
	n := src.Len
	if sel != nil {
		n = len(sel)
	}
	dst.Offs = slices.Grow(dst.Offs, n)
	size := 0
	for k := range n {
		size += len(src.Bytes(rowAt(sel, k)))
	}
	data, offs := slices.Grow(dst.Data, size), dst.Offs
	for k := range n {
		data = append(data, src.Bytes(rowAt(sel, k))...)
		offs = append(offs, uint32(len(data)))
	}
	dst.Data, dst.Offs = data, offs
}

// rowAt returns the k-th row of a selection; nil selects all.
func rowAt(sel []uint32, k int) int {
	if sel == nil {
		return k
	}
	return int(sel[k])
}

// appendEntries appends values to a vector with Codes by adding them to its dictionary, each entry of a source
// dictionary once.
func appendEntries(dst, src *Vector, sel []uint32) {
	if len(dst.Offs) == 0 {
		dst.Offs = append(dst.Offs, 0)
	}
	var moved []uint32 // code of src -> code of dst + 1, 0 = not moved yet
	if src.Codes != nil {
		moved = make([]uint32, len(src.Offs))
	}
	n := src.Len
	if sel != nil {
		n = len(sel)
	}
	for k := range n {
		i := rowAt(sel, k)
		if moved != nil && moved[src.Codes[i]] != 0 {
			dst.Codes = append(dst.Codes, moved[src.Codes[i]]-1)
			continue
		}
		dst.Data = append(dst.Data, src.Bytes(i)...)
		dst.Offs = append(dst.Offs, uint32(len(dst.Data)))
		code := uint32(len(dst.Offs) - 2)
		dst.Codes = append(dst.Codes, code)
		if moved != nil {
			moved[src.Codes[i]] = code + 1
		}
	}
}

// SliceVector returns rows [from, to) of v; values are shared with v.
func SliceVector(v *Vector, from, to int) *Vector {
	out := &Vector{Type: v.Type, Len: to - from, Valid: sliceValid(v.Valid, from, to)}
	switch v.Type.Phys() {
	case PhysNone:
	case PhysBool:
		out.Bool = v.Bool[from:to:to]
	case PhysI64:
		out.I64 = v.I64[from:to:to]
	case PhysF64:
		out.F64 = v.F64[from:to:to]
	case PhysI128:
		out.I128 = v.I128[from:to:to]
	case PhysStr:
		out.Data = slices.Clip(v.Data)
		if v.Codes != nil {
			out.Codes, out.Offs = v.Codes[from:to:to], slices.Clip(v.Offs)
			break
		}
		out.Offs = v.Offs[from : to+1 : to+1]
	case PhysNested:
		sliceNested(out, v, from, to)
	}
	return out
}
