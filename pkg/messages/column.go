package messages

import (
	"encoding/binary"
	"math"
	"slices"
)

// nulls returns the validity bitmap of the first rows of c, or nil when none of them is null.
func (c *Column) nulls(rows int) []uint64 {
	if c.Valid == nil || rows == 0 {
		return nil
	}
	words := (rows + 63) >> 6
	for _, w := range c.Valid[:words-1] {
		if w != math.MaxUint64 {
			return c.Valid[:words]
		}
	}
	if rest := uint(-rows) & 63; ^c.Valid[words-1]<<rest == 0 {
		return nil
	}
	return c.Valid[:words]
}

// appendColumn appends the two bins of a column: its values, and its validity or nil.
func appendColumn(dst []byte, c *Column, rows int, s *scratch) []byte {
	valid := c.nulls(rows)
	dst, mark := openBin(dst)
	dst = closeBin(appendValues(dst, c, rows, valid, s), mark)
	if valid == nil {
		return packNil(dst)
	}
	dst, mark = openBin(dst)
	return closeBin(appendBitmap(dst, valid, rows), mark)
}

// appendValues appends the values of a column; nothing where there are no rows.
func appendValues(dst []byte, c *Column, rows int, valid []uint64, s *scratch) []byte {
	if rows == 0 {
		return dst
	}
	switch physOf(&c.Type) {
	case physBool:
		return appendBools(dst, c.Bool[:rows], valid)
	case physI64:
		return appendInts(dst, c.I64[:rows], valid, s)
	case physF64:
		return appendFloats(dst, c.F64[:rows], valid)
	case physI128:
		return appendWide(dst, c.I128[:rows], valid, s)
	case physStr:
		return appendStrings(dst, c, rows, valid, s)
	case physList, physStruct:
		return appendNested(dst, c, rows, s)
	default:
		panic("messages: column of unknown type " + c.Type.Kind)
	}
}

// appendBitmap appends one bit a row, the lowest first; bits above the rows are 0.
func appendBitmap(dst []byte, words []uint64, rows int) []byte {
	at := len(dst)
	for _, w := range words {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	dst = dst[:at+(rows+7)/8]
	if rest := uint(rows) & 7; rest != 0 {
		dst[len(dst)-1] &= 1<<rest - 1
	}
	return dst
}

func appendBools(dst []byte, v []bool, valid []uint64) []byte {
	dst = append(dst, encBits)
	at := len(dst)
	size := (len(v) + 7) / 8
	dst = slices.Grow(dst, size)[:at+size]
	out := dst[at:]
	clear(out)
	for i, x := range v {
		var bit byte
		if x {
			bit = 1
		}
		out[i>>3] |= bit << (uint(i) & 7)
	}
	if valid != nil {
		for i := range out {
			out[i] &= byte(valid[i>>3] >> (8 * uint(i&7)))
		}
	}
	return dst
}

func appendFloats(dst []byte, v []float64, valid []uint64) []byte {
	dst = append(dst, encFloat)
	at := len(dst)
	dst = slices.Grow(dst, 8*len(v))[:at+8*len(v)]
	out := dst[at:]
	for i, x := range v {
		binary.LittleEndian.PutUint64(out[8*i:], math.Float64bits(x))
	}
	if valid != nil {
		clearNulls(out, 8, len(v), valid)
	}
	return dst
}

// appendWide appends 128-bit decimals, as 64-bit integers when all that are not null fit.
func appendWide(dst []byte, v []Int128, valid []uint64, s *scratch) []byte {
	s.ints = slices.Grow(s.ints[:0], len(v))[:len(v)]
	narrow := true
	for i, x := range v {
		s.ints[i] = int64(x.Lo)
		if x.Hi != int64(x.Lo)>>63 && (valid == nil || valid[i>>6]>>(uint(i)&63)&1 != 0) {
			narrow = false
			break
		}
	}
	if narrow {
		return appendInts(dst, s.ints, valid, s)
	}
	dst = append(dst, encWide)
	at := len(dst)
	for _, x := range v {
		dst = binary.LittleEndian.AppendUint64(dst, x.Lo)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(x.Hi))
	}
	if valid != nil {
		clearNulls(dst[at:], 16, len(v), valid)
	}
	return dst
}

// decodeColumn reads the values s and the validity bitmap of a column of rows; c keeps the memory of its slices. The
// memory of what nests in it is taken from left, in bytes.
func decodeColumn(c *Column, s, valid []byte, rows int, left *int) error {
	if valid == nil {
		c.Valid = nil
	} else {
		if len(valid) != (rows+7)/8 {
			return malformed("validity of %d bytes for %d rows", len(valid), rows)
		}
		words := (rows + 63) / 64
		c.Valid = slices.Grow(c.Valid[:0], words)[:words]
		decodeBitmap(valid, c.Valid)
	}
	if rows == 0 {
		if len(s) > 0 {
			return malformed("%d bytes for no rows", len(s))
		}
		emptyColumn(c)
		return nil
	}
	switch physOf(&c.Type) {
	case physBool:
		c.Bool = slices.Grow(c.Bool[:0], rows)[:rows]
		return decodeBools(s, c.Bool)
	case physI64:
		c.I64 = slices.Grow(c.I64[:0], rows)[:rows]
		return decodeInts(s, c.I64)
	case physF64:
		c.F64 = slices.Grow(c.F64[:0], rows)[:rows]
		return decodeFloats(s, c.F64)
	case physI128:
		c.I128 = slices.Grow(c.I128[:0], rows)[:rows]
		return decodeWide(s, c.I128)
	case physList, physStruct:
		return decodeNested(c, s, rows, left)
	default:
		return decodeStrings(s, c, rows)
	}
}

func emptyColumn(c *Column) {
	c.Bool, c.I64, c.F64, c.I128 = c.Bool[:0], c.I64[:0], c.F64[:0], c.I128[:0]
	c.Codes, c.Data = nil, nil
	if p := physOf(&c.Type); p == physStr || p == physList {
		c.Offs = append(c.Offs[:0], 0)
	}
	for k := range c.kids() {
		c.Kids[k].Valid = nil
		emptyColumn(&c.Kids[k])
	}
}

func decodeBitmap(s []byte, words []uint64) {
	for i := range words {
		if len(s) >= 8*i+8 {
			words[i] = binary.LittleEndian.Uint64(s[8*i:])
			continue
		}
		var last [8]byte
		copy(last[:], s[8*i:])
		words[i] = binary.LittleEndian.Uint64(last[:])
	}
}

func decodeBools(s []byte, v []bool) error {
	if len(s) != 1+(len(v)+7)/8 || s[0] != encBits {
		return malformed("boolean column: %d bytes for %d rows", len(s), len(v))
	}
	s = s[1:]
	for i := range v {
		v[i] = s[i>>3]>>(uint(i)&7)&1 != 0
	}
	return nil
}

func decodeFloats(s []byte, v []float64) error {
	if len(s) != 1+8*len(v) || s[0] != encFloat {
		return malformed("double column: %d bytes for %d rows", len(s), len(v))
	}
	s = s[1:]
	for i := range v {
		v[i] = math.Float64frombits(binary.LittleEndian.Uint64(s[8*i:]))
	}
	return nil
}

func decodeWide(s []byte, v []Int128) error {
	if len(s) > 0 && s[0] != encWide {
		t := getScratch()
		defer t.free()
		t.ints = slices.Grow(t.ints[:0], len(v))[:len(v)]
		if err := decodeInts(s, t.ints); err != nil {
			return err
		}
		for i, x := range t.ints {
			v[i] = Int128{Lo: uint64(x), Hi: x >> 63}
		}
		return nil
	}
	if len(s) != 1+16*len(v) {
		return malformed("wide column: %d bytes for %d rows", len(s), len(v))
	}
	s = s[1:]
	for i := range v {
		v[i] = Int128{Lo: binary.LittleEndian.Uint64(s[16*i:]), Hi: int64(binary.LittleEndian.Uint64(s[16*i+8:]))}
	}
	return nil
}
