package messages

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// First byte of a column's bin: how the values lie behind it. docs/wire.md has the layouts.
const (
	encConst  = 0x00 // ints, doubles, decimals: one 8-byte value for all rows
	encWidth8 = 0x08 // 0x01..0x08: minimum, then that many bytes a row
	encDelta  = 0x10 // 0x10..0x18: first value, least difference, then that many bytes for each further row
	encWide   = 0x20 // 16 bytes a row
	encFloat  = 0x21 // 8 bytes a row
	encBits   = 0x30 // one bit a row
	encDict   = 0x40 // dictionary of strings and codes
	encFlat   = 0x41 // lengths and bytes of every row
	encList   = 0x50 // ARRAY, MAP: lengths of every row, and the columns of the elements
	encStruct = 0x51 // STRUCT: the columns of the fields
)

// width returns how many bytes hold v.
func width(v uint64) int { return (bits.Len64(v) + 7) / 8 }

// appendInts appends a column of integers: constant, minimum and narrowest width, or differences where those are
// narrower. Rows that valid marks as null are written as the minimum.
func appendInts(dst []byte, v []int64, valid []uint64, s *scratch) []byte {
	lo, hi := intRange(v, valid)
	w := width(uint64(hi) - uint64(lo))
	if w > 1 && valid == nil && len(v) > 2 {
		if out, ok := appendDeltas(dst, v, w, s); ok {
			return out
		}
	}
	dst = append(dst, byte(w))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(lo))
	at := len(dst)
	dst = packWidth(dst, v, lo, w)
	if valid != nil {
		clearNulls(dst[at:], w, len(v), valid)
	}
	return dst
}

// intRange returns the least and the largest value that is not null; 0, 0 when there is none.
func intRange(v []int64, valid []uint64) (lo, hi int64) {
	if valid == nil {
		return rangeOf(v)
	}
	first := true
	for i, x := range v {
		if valid[i>>6]>>(uint(i)&63)&1 == 0 {
			continue
		}
		if first {
			lo, hi, first = x, x, false
		}
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

// rangeOf is intRange without nulls, on two chains so that one comparison need not wait for the other.
func rangeOf(v []int64) (lo, hi int64) {
	if len(v) == 0 {
		return 0, 0
	}
	lo, hi = v[0], v[0]
	lo2, hi2 := lo, hi
	for ; len(v) >= 4; v = v[4:] {
		lo, hi = min(lo, v[0], v[1]), max(hi, v[0], v[1])
		lo2, hi2 = min(lo2, v[2], v[3]), max(hi2, v[2], v[3])
	}
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	return min(lo, lo2), max(hi, hi2)
}

// appendDeltas writes differences when they are narrower than w bytes a row. The first 64 rows decide whether the rest
// is looked at.
func appendDeltas(dst []byte, v []int64, w int, s *scratch) ([]byte, bool) {
	s.deltas = slices.Grow(s.deltas[:0], len(v))
	head := min(len(v), 65)
	lo, hi := rangeOf(deltas(s.deltas[:head-1], v[:head]))
	if width(uint64(hi)-uint64(lo)) >= w {
		return dst, false
	}
	d := deltas(s.deltas[:len(v)-1], v)
	lo, hi = rangeOf(d)
	dw := width(uint64(hi) - uint64(lo))
	if 8+dw*len(d) >= w*len(v) {
		return dst, false
	}
	dst = append(dst, byte(encDelta+dw))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v[0]))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(lo))
	return packWidth(dst, d, lo, dw), true
}

// deltas sets d to the differences of neighbours. They wrap around; adding them up wraps back.
func deltas(d, v []int64) []int64 {
	prev := v[0]
	v = v[1:]
	d = d[:len(v)]
	for i, x := range v {
		d[i], prev = x-prev, x
	}
	return d
}

// clearNulls zeroes the w bytes of every null row, so that equal rows give equal bytes.
func clearNulls(out []byte, w, rows int, valid []uint64) {
	for k, word := range valid {
		for null := ^word; null != 0; null &= null - 1 {
			i := k*64 + bits.TrailingZeros64(null)
			if i >= rows {
				return
			}
			clear(out[w*i : w*i+w])
		}
	}
}

// decodeInts reads what appendInts wrote into v, whose length is the number of rows.
func decodeInts(s []byte, v []int64) error {
	if len(s) < 9 {
		return malformed("integer column of %d bytes", len(s))
	}
	enc, first := s[0], int64(binary.LittleEndian.Uint64(s[1:]))
	s = s[9:]
	if enc >= encDelta && enc <= encDelta+8 {
		return decodeDeltas(s, v, first, int(enc-encDelta))
	}
	if enc > encWidth8 {
		return malformed("integer column has encoding 0x%02x", enc)
	}
	w := int(enc)
	if len(s) != w*len(v) {
		return malformed("integer column: %d bytes for %d rows of %d", len(s), len(v), w)
	}
	unpackWidth(s, v, first, w)
	return nil
}

func decodeDeltas(s []byte, v []int64, first int64, w int) error {
	if len(s) < 8 || len(v) == 0 || len(s)-8 != w*(len(v)-1) {
		return malformed("differences: %d bytes for %d rows of %d", len(s), len(v), w)
	}
	lo := int64(binary.LittleEndian.Uint64(s))
	v[0] = first
	rest := v[1:]
	unpackWidth(s[8:], rest, lo, w)
	for i, d := range rest {
		first += d
		rest[i] = first
	}
	return nil
}

// unpackWidth sets each value to lo plus its w bytes; len(s) is w*len(v).
func unpackWidth(s []byte, v []int64, lo int64, w int) {
	switch w {
	case 0:
		for i := range v {
			v[i] = lo
		}
	case 1:
		s = s[:len(v)]
		for i := range v {
			v[i] = lo + int64(s[i])
		}
	case 2:
		for i := range v {
			v[i] = lo + int64(binary.LittleEndian.Uint16(s[2*i:]))
		}
	case 4:
		for i := range v {
			v[i] = lo + int64(binary.LittleEndian.Uint32(s[4*i:]))
		}
	case 8:
		for i := range v {
			v[i] = lo + int64(binary.LittleEndian.Uint64(s[8*i:]))
		}
	default:
		unpackOdd(s, v, lo, w)
	}
}

// unpackOdd reads widths 3, 5, 6 and 7 by whole words and masks what belongs to the next value.
func unpackOdd(s []byte, v []int64, lo int64, w int) {
	mask := uint64(1)<<(8*w) - 1
	i := 0
	for ; w*i+8 <= len(s); i++ {
		v[i] = lo + int64(binary.LittleEndian.Uint64(s[w*i:])&mask)
	}
	for ; i < len(v); i++ {
		var word [8]byte
		copy(word[:], s[w*i:w*i+w])
		v[i] = lo + int64(binary.LittleEndian.Uint64(word[:]))
	}
}
