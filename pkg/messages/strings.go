package messages

import (
	"encoding/binary"
	"math"
	"slices"
)

// appendStrings appends a column of strings: a dictionary of the entries in use with codes, or every row's own bytes
// where a dictionary would not repeat often enough to pay.
func appendStrings(dst []byte, c *Column, rows int, valid []uint64, s *scratch) []byte {
	if c.Codes != nil && len(c.Offs)-1 <= 8*rows {
		if used := s.number(c, rows, valid); 2*len(used) <= rows+2 {
			return appendDict(dst, c, rows, s)
		}
	}
	return appendFlat(dst, c, rows, valid, s)
}

// number gives the dictionary entries in use new codes in order of first use, equal strings the same one. s.codes is
// then the new code of each row (0 for a null row), s.used the old code of each new one.
func (s *scratch) number(c *Column, rows int, valid []uint64) []uint32 {
	s.remap = slices.Grow(s.remap[:0], len(c.Offs))[:len(c.Offs)]
	clear(s.remap)
	s.codes = slices.Grow(s.codes[:0], rows)[:rows]
	s.used = s.used[:0]
	s.index.reset(len(c.Offs))
	remap, codes := s.remap, s.codes
	for i, old := range c.Codes[:rows] {
		if valid != nil && valid[i>>6]>>(uint(i)&63)&1 == 0 {
			codes[i] = 0
			continue
		}
		code := remap[old]
		if code == 0 {
			code = s.enter(c, old)
			remap[old] = code
		}
		codes[i] = code - 1
	}
	return s.used
}

// enter gives entry old a new code, or the one of an equal string, and returns it plus 1.
func (s *scratch) enter(c *Column, old uint32) uint32 {
	code := s.index.find(c, old, s.used)
	if int(code) == len(s.used) {
		s.used = append(s.used, old)
	}
	return code + 1
}

// appendDict writes the dictionary that number made: width of a code, number of entries, their lengths and bytes,
// then the codes.
func appendDict(dst []byte, c *Column, rows int, s *scratch) []byte {
	n := max(len(s.used), 1) // null rows need an entry to point at
	w := 0
	if n > 1 {
		w = codeWidth(uint32(n - 1))
	}
	dst = append(dst, encDict, byte(w))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	s.lens = slices.Grow(s.lens[:0], n)[:n]
	s.lens[0] = 0
	for k, old := range s.used {
		s.lens[k] = c.Offs[old+1] - c.Offs[old]
	}
	dst = appendLengths(dst, s.lens)
	for _, old := range s.used {
		dst = append(dst, c.Data[c.Offs[old]:c.Offs[old+1]]...)
	}
	return packWidth(dst, s.codes[:rows], 0, w)
}

// codeWidth returns 1, 2 or 4 bytes.
func codeWidth(most uint32) int {
	switch {
	case most <= math.MaxUint8:
		return 1
	case most <= math.MaxUint16:
		return 2
	}
	return 4
}

// appendLengths appends the lengths of strings: one for all (width 0), or each at the narrowest width.
func appendLengths(dst []byte, lens []uint32) []byte {
	lo, hi := lens[0], lens[0]
	for _, x := range lens {
		lo, hi = min(lo, x), max(hi, x)
	}
	if lo == hi {
		return binary.LittleEndian.AppendUint32(append(dst, 0), lo)
	}
	w := codeWidth(hi)
	return packWidth(append(dst, byte(w)), lens, 0, w)
}

// appendFlat writes lengths and bytes of every row; a null row has length 0.
func appendFlat(dst []byte, c *Column, rows int, valid []uint64, s *scratch) []byte {
	s.lens = slices.Grow(s.lens[:0], rows)[:rows]
	for i := range s.lens {
		s.lens[i] = 0
		if valid == nil || valid[i>>6]>>(uint(i)&63)&1 != 0 {
			k := i
			if c.Codes != nil {
				k = int(c.Codes[i])
			}
			s.lens[i] = c.Offs[k+1] - c.Offs[k]
		}
	}
	dst = appendLengths(append(dst, encFlat), s.lens)
	if c.Codes == nil && valid == nil {
		return append(dst, c.Data[c.Offs[0]:c.Offs[rows]]...)
	}
	for i, n := range s.lens {
		k := i
		if c.Codes != nil {
			k = int(c.Codes[i])
		}
		dst = append(dst, c.Data[c.Offs[k]:c.Offs[k]+n]...)
	}
	return dst
}

// decodeStrings reads what appendStrings wrote. The bytes of the strings alias the message.
func decodeStrings(s []byte, c *Column, rows int) error {
	if len(s) < 2 {
		return malformed("string column of %d bytes", len(s))
	}
	switch s[0] {
	case encFlat:
		rest, err := decodeEntries(s[1:], c, rows)
		if err == nil && len(rest) > 0 {
			err = malformed("string column: %d bytes too many", len(rest))
		}
		c.Codes = nil
		return err
	case encDict:
		return decodeDict(s[1:], c, rows)
	}
	return malformed("string column has encoding 0x%02x", s[0])
}

func decodeDict(s []byte, c *Column, rows int) error {
	if len(s) < 5 {
		return malformed("dictionary ends early")
	}
	w, n := int(s[0]), binary.LittleEndian.Uint32(s[1:])
	if n == 0 || n > uint32(rows) {
		return malformed("dictionary of %d entries for %d rows", n, rows)
	}
	if w == 3 || w > 4 || (w == 0 && n != 1) {
		return malformed("codes of %d bytes for %d entries", w, n)
	}
	s, err := decodeEntries(s[5:], c, int(n))
	if err != nil {
		return err
	}
	if len(s) != w*rows {
		return malformed("codes: %d bytes for %d rows of %d", len(s), rows, w)
	}
	c.Codes = slices.Grow(c.Codes[:0], rows)[:rows]
	if most := unpackCodes(s, c.Codes, w); most >= n {
		return malformed("code %d in a dictionary of %d entries", most, n)
	}
	return nil
}

// unpackCodes reads len(codes) numbers of w bytes and returns the largest.
func unpackCodes(s []byte, codes []uint32, w int) (most uint32) {
	switch w {
	case 0:
		clear(codes)
	case 1:
		s = s[:len(codes)]
		for i := range codes {
			x := uint32(s[i])
			codes[i], most = x, max(most, x)
		}
	case 2:
		for i := range codes {
			x := uint32(binary.LittleEndian.Uint16(s[2*i:]))
			codes[i], most = x, max(most, x)
		}
	default:
		for i := range codes {
			x := binary.LittleEndian.Uint32(s[4*i:])
			codes[i], most = x, max(most, x)
		}
	}
	return most
}

// decodeEntries reads the lengths and bytes of n strings into c.Offs and c.Data and returns what follows them.
func decodeEntries(s []byte, c *Column, n int) (rest []byte, err error) {
	if len(s) < 1 {
		return nil, malformed("lengths end early")
	}
	w := int(s[0])
	s = s[1:]
	size := w * n
	if w == 0 {
		size = 4
	}
	if w == 3 || w > 4 || len(s) < size {
		return nil, malformed("%d lengths of %d bytes in %d bytes", n, w, len(s))
	}
	c.Offs = slices.Grow(c.Offs[:0], n+1)[:n+1]
	c.Offs[0] = 0
	lens := c.Offs[1:]
	if w == 0 {
		one := binary.LittleEndian.Uint32(s)
		for i := range lens {
			lens[i] = one
		}
	} else {
		unpackCodes(s, lens, w)
	}
	s = s[size:]
	end := uint64(0)
	for i, x := range lens {
		end += uint64(x)
		if end > uint64(len(s)) {
			return nil, malformed("strings take more than the %d bytes left", len(s))
		}
		lens[i] = uint32(end)
	}
	c.Data = s[:end:end]
	return s[end:], nil
}
