package messages

import (
	"encoding/binary"
	"slices"
)

// The columns inside a nested column lie in its bin one after the other, each as the size of its values (le32), a byte
// that says whether a validity follows, the values, and the validity.

// kids makes room for the columns below c and returns their number.
func (c *Column) kids() int {
	n := c.Type.kids()
	if len(c.Kids) != n {
		c.Kids = slices.Grow(c.Kids[:0], n)[:n]
	}
	for k := range c.Kids {
		c.Kids[k].Type = *c.Type.kid(k)
	}
	return n
}

// nestedBytes is what the values that nest in a column take in memory.
func (c *Column) nestedBytes(rows int) int {
	size := 0
	if physOf(&c.Type) == physList && len(c.Offs) > 0 {
		rows = int(c.Offs[len(c.Offs)-1] - c.Offs[0])
		for k := range c.Kids {
			size += rows * rowBytes(&c.Kids[k].Type)
		}
	}
	for k := range c.Kids {
		size += c.Kids[k].nestedBytes(rows)
	}
	return size
}

// appendNested appends a column of lists, maps or structs.
func appendNested(dst []byte, c *Column, rows int, s *scratch) []byte {
	if physOf(&c.Type) == physStruct {
		dst = append(dst, encStruct)
	} else {
		dst = append(dst, encList)
		s.ints = slices.Grow(s.ints[:0], rows)[:rows]
		for i := range s.ints {
			s.ints[i] = int64(c.Offs[i+1] - c.Offs[i])
		}
		at := len(dst)
		dst = appendInts(binary.LittleEndian.AppendUint32(dst, 0), s.ints, nil, s)
		binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
		rows = int(c.Offs[rows])
	}
	for k := range c.Kids {
		dst = appendKid(dst, &c.Kids[k], rows, s)
	}
	return dst
}

func appendKid(dst []byte, c *Column, rows int, s *scratch) []byte {
	valid := c.nulls(rows)
	at := len(dst)
	dst = append(binary.LittleEndian.AppendUint32(dst, 0), 0)
	dst = appendValues(dst, c, rows, valid, s)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-5))
	if valid != nil {
		dst[at+4] = 1
		dst = appendBitmap(dst, valid, rows)
	}
	return dst
}

// decodeNested reads what appendNested wrote.
func decodeNested(c *Column, s []byte, rows int, left *int) error {
	n, enc := rows, byte(encStruct)
	if physOf(&c.Type) == physList {
		enc = encList
	}
	if len(s) == 0 || s[0] != enc {
		return malformed("column of %.40s does not begin with 0x%02x", c.Type.String(), enc)
	}
	s = s[1:]
	if enc == encList {
		lengths, rest, ok := cut(s, 0)
		if !ok {
			return malformed("lengths of lists end early")
		}
		if err := decodeLengths(c, lengths, rows); err != nil {
			return err
		}
		s, n = rest, int(c.Offs[rows])
	}
	for k := range c.kids() {
		rest, err := decodeKid(&c.Kids[k], s, n, left)
		if err != nil {
			return err
		}
		s = rest
		if enc == encStruct && c.Valid != nil {
			clearUnder(&c.Kids[k], c.Valid, n)
		}
	}
	if len(s) > 0 {
		return malformed("nested column: %d bytes too many", len(s))
	}
	return nil
}

// cut takes a size, skip bytes, and that many bytes from the front of s.
func cut(s []byte, skip int) (front, rest []byte, ok bool) {
	if len(s) < 4+skip {
		return nil, nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(s))
	s = s[4+skip:]
	if n > uint64(len(s)) {
		return nil, nil, false
	}
	return s[:n], s[n:], true
}

// decodeLengths reads the lengths of lists into the offsets of c.
func decodeLengths(c *Column, s []byte, rows int) error {
	t := getScratch()
	defer t.free()
	t.ints = slices.Grow(t.ints[:0], rows)[:rows]
	if err := decodeInts(s, t.ints); err != nil {
		return err
	}
	c.Offs = slices.Grow(c.Offs[:0], rows+1)[:rows+1]
	c.Offs[0] = 0
	end := int64(0)
	for i, n := range t.ints {
		if n < 0 || n > MaxDecodedBytes-end {
			return malformed("lists of more than %d elements", MaxDecodedBytes)
		}
		end += n
		c.Offs[i+1] = uint32(end)
	}
	return nil
}

// decodeKid reads a column of rows inside another from the front of s.
func decodeKid(c *Column, s []byte, rows int, left *int) (rest []byte, err error) {
	if *left -= rows * rowBytes(&c.Type); *left < 0 {
		return nil, malformed("nested values would take more than %d bytes", MaxDecodedBytes)
	}
	values, rest, ok := cut(s, 1)
	if !ok || s[4] > 1 {
		return nil, malformed("nested column ends early")
	}
	var valid []byte
	if s[4] == 1 {
		size := (rows + 7) / 8
		if size > len(rest) {
			return nil, malformed("validity of a nested column ends early")
		}
		valid, rest = rest[:size:size], rest[size:]
	}
	if rows > 0 && len(values) == 0 {
		return nil, malformed("no bytes for %d nested values", rows)
	}
	return rest, decodeColumn(c, values, valid, rows, left)
}

// clearUnder makes the field c of structs null where the struct is.
func clearUnder(c *Column, valid []uint64, rows int) {
	words := (rows + 63) >> 6
	if c.Valid == nil {
		c.Valid = slices.Clone(valid[:words])
		return
	}
	for i := range words {
		c.Valid[i] &= valid[i]
	}
}
