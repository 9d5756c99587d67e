package messages

import (
	"encoding/binary"
)

// Limits bounds what Guard lets pass. A zero field means the default.
type Limits struct {
	Bytes  int // bytes of the message; default MaxMessageBytes
	Depth  int // arrays and maps inside one another; default and most 32
	Values int // values of all documents together, keys included; default 1 << 20
}

const maxDepth = 32

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = MaxMessageBytes
	}
	if l.Depth <= 0 || l.Depth > maxDepth {
		l.Depth = maxDepth
	}
	if l.Values <= 0 {
		l.Values = 1 << 20
	}
	return l
}

// Guard checks that data is one or more whole msgpack documents that a decoder can read without harm: no length or
// count promises more than the bytes that are there, nesting and number of values are bounded. It walks the bytes once
// and allocates nothing. Every decoder that takes foreign msgpack calls it first.
func Guard(data []byte, limits Limits) error {
	l := limits.orDefault()
	if len(data) > l.Bytes {
		return malformed("%d bytes, the limit is %d", len(data), l.Bytes)
	}
	if len(data) == 0 {
		return malformed("no bytes")
	}
	for at := 0; at < len(data); {
		end, err := next(data, at, &l)
		if err != nil {
			return err
		}
		at = end
	}
	return nil
}

// Next returns the size of the first msgpack document of data, checked as Guard does. Rows that follow each other in
// one message are cut apart with it.
func Next(data []byte, limits Limits) (size int, err error) {
	l := limits.orDefault()
	if len(data) == 0 {
		return 0, malformed("no bytes")
	}
	return next(data[:min(len(data), l.Bytes)], 0, &l)
}

// next walks the document that begins at data[at] and returns where it ends; l.Values counts down.
func next(data []byte, at int, l *Limits) (end int, err error) {
	var left [maxDepth + 1]int // values still to come in each open array or map; left[0] is the document
	left[0] = 1
	for depth := 0; depth >= 0; {
		if left[depth] == 0 {
			depth--
			continue
		}
		left[depth]--
		if l.Values--; l.Values < 0 {
			return 0, malformed("more values than the limit allows, at byte %d", at)
		}
		h, err := head(data, at)
		if err != nil {
			return 0, err
		}
		at += h.size
		rest := len(data) - at
		switch {
		case h.body > rest:
			return 0, malformed("byte %d: %d bytes promised, %d left", at, h.body, rest)
		case h.elems > rest:
			return 0, malformed("byte %d: %d elements promised, %d bytes left", at, h.elems, rest)
		case h.nested && depth == l.Depth:
			return 0, malformed("byte %d: nested deeper than %d", at, l.Depth)
		}
		at += h.body
		if h.nested {
			depth++
			left[depth] = h.elems
		}
	}
	return at, nil
}

// header is the first bytes of a msgpack value.
type header struct {
	size   int  // bytes of the header itself
	body   int  // bytes that follow it: string, binary, extension
	elems  int  // values that follow it: array, map (keys and values)
	nested bool // an array or a map
}

// heads has one row for each first byte from 0xc0 to 0xdf: bytes of the length field, bytes that follow besides, and
// how many values an element stands for (0: the length counts bytes).
var heads = [32]struct{ field, fixed, elems int8 }{
	0x04: {1, 0, 0}, 0x05: {2, 0, 0}, 0x06: {4, 0, 0}, // bin
	0x07: {1, 1, 0}, 0x08: {2, 1, 0}, 0x09: {4, 1, 0}, // ext
	0x0a: {0, 4, 0}, 0x0b: {0, 8, 0}, // float
	0x0c: {0, 1, 0}, 0x0d: {0, 2, 0}, 0x0e: {0, 4, 0}, 0x0f: {0, 8, 0}, // uint
	0x10: {0, 1, 0}, 0x11: {0, 2, 0}, 0x12: {0, 4, 0}, 0x13: {0, 8, 0}, // int
	0x14: {0, 2, 0}, 0x15: {0, 3, 0}, 0x16: {0, 5, 0}, 0x17: {0, 9, 0}, 0x18: {0, 17, 0}, // fixext
	0x19: {1, 0, 0}, 0x1a: {2, 0, 0}, 0x1b: {4, 0, 0}, // str
	0x1c: {2, 0, 1}, 0x1d: {4, 0, 1}, // array
	0x1e: {2, 0, 2}, 0x1f: {4, 0, 2}, // map
}

// head reads the header at data[at]. Counts stay below 1 << 33, which fits an int.
func head(data []byte, at int) (header, error) {
	if at >= len(data) {
		return header{}, malformed("ends at byte %d in the middle of a value", at)
	}
	c := data[at]
	switch {
	case c <= 0x7f || c >= 0xe0:
		return header{size: 1}, nil
	case c <= 0x8f:
		return header{size: 1, elems: 2 * int(c&0x0f), nested: true}, nil
	case c <= 0x9f:
		return header{size: 1, elems: int(c & 0x0f), nested: true}, nil
	case c <= 0xbf:
		return header{size: 1, body: int(c & 0x1f)}, nil
	case c == 0xc1:
		return header{}, malformed("byte %d: 0xc1 is no msgpack", at)
	}
	row := heads[c-0xc0]
	if len(data)-at <= int(row.field) {
		return header{}, malformed("ends at byte %d in the middle of a length", at)
	}
	n := 0
	switch row.field {
	case 1:
		n = int(data[at+1])
	case 2:
		n = int(binary.BigEndian.Uint16(data[at+1:]))
	case 4:
		n = int(binary.BigEndian.Uint32(data[at+1:]))
	}
	h := header{size: 1 + int(row.field)}
	if row.elems > 0 {
		h.elems, h.nested = n*int(row.elems), true
		return h, nil
	}
	h.body = n + int(row.fixed)
	return h, nil
}
