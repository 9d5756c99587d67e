package messages

import (
	"encoding/binary"
	"math"
)

// reader reads msgpack values that Guard has let pass: every header and body is there. A value of another type than
// asked for sets err; the first error stays, and after it every read gives zero.
type reader struct {
	data []byte
	at   int
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = malformed(format, args...)
	}
}

// skip passes over one value with all that is in it.
func (r *reader) skip() {
	for left := 1; left > 0 && r.err == nil; left-- {
		h, err := head(r.data, r.at)
		if err != nil {
			r.err = err
			return
		}
		r.at += h.size + h.body
		left += h.elems
	}
}

// isNil passes over a nil and reports whether there was one.
func (r *reader) isNil() bool {
	if r.err == nil && r.at < len(r.data) && r.data[r.at] == 0xc0 {
		r.at++
		return true
	}
	return false
}

// take passes over the header of a value, whose first byte must be one that is accepts, and returns both.
func (r *reader) take(what string, is func(c byte) bool) (header, byte) {
	if r.err != nil {
		return header{}, 0
	}
	h, err := head(r.data, r.at)
	if err != nil {
		r.err = err
		return header{}, 0
	}
	c := r.data[r.at]
	if !is(c) {
		r.fail("byte %d: not %s", r.at, what)
		return header{}, 0
	}
	r.at += h.size
	return h, c
}

func isStr(c byte) bool   { return c&0xe0 == 0xa0 || c >= 0xd9 && c <= 0xdb }
func isBin(c byte) bool   { return c >= 0xc4 && c <= 0xc6 }
func isArray(c byte) bool { return c&0xf0 == 0x90 || c == 0xdc || c == 0xdd }
func isMap(c byte) bool   { return c&0xf0 == 0x80 || c == 0xde || c == 0xdf }
func isInt(c byte) bool   { return c <= 0x7f || c >= 0xe0 || c >= 0xcc && c <= 0xd3 }
func isBool(c byte) bool  { return c == 0xc2 || c == 0xc3 }

// str and bin return bytes that alias the message.
func (r *reader) str() []byte { return r.body("a string", isStr) }
func (r *reader) bin() []byte { return r.body("a bin", isBin) }

func (r *reader) body(what string, is func(c byte) bool) []byte {
	h, _ := r.take(what, is)
	if r.err != nil || h.body > len(r.data)-r.at {
		r.fail("byte %d: ends in the middle of %s", r.at, what)
		return nil
	}
	b := r.data[r.at : r.at+h.body : r.at+h.body]
	r.at += h.body
	return b
}

func (r *reader) array() int {
	h, _ := r.take("an array", isArray)
	return h.elems
}

// pairs returns the number of pairs of a map.
func (r *reader) pairs() int {
	h, _ := r.take("a map", isMap)
	return h.elems / 2
}

func (r *reader) boolean() bool {
	_, c := r.take("a boolean", isBool)
	return c == 0xc3
}

// integer returns a whole number and whether it is above the largest int64 (then v holds its 64 bits).
func (r *reader) integer() (v uint64, large bool) {
	h, c := r.take("a whole number", isInt)
	if r.err != nil || len(r.data)-r.at < h.body {
		return 0, false
	}
	b := r.data[r.at:]
	r.at += h.body
	switch c {
	case 0xcc:
		return uint64(b[0]), false
	case 0xcd:
		return uint64(binary.BigEndian.Uint16(b)), false
	case 0xce:
		return uint64(binary.BigEndian.Uint32(b)), false
	case 0xcf:
		v = binary.BigEndian.Uint64(b)
		return v, v > math.MaxInt64
	case 0xd0:
		return uint64(int64(int8(b[0]))), false
	case 0xd1:
		return uint64(int64(int16(binary.BigEndian.Uint16(b)))), false
	case 0xd2:
		return uint64(int64(int32(binary.BigEndian.Uint32(b)))), false
	case 0xd3:
		return binary.BigEndian.Uint64(b), false
	}
	return uint64(int64(int8(c))), false
}

func (r *reader) int64() int64 {
	v, large := r.integer()
	if large {
		r.fail("byte %d: number is above the largest int64", r.at)
	}
	return int64(v)
}

// uint returns a whole number within 0..most.
func (r *reader) uint(most uint64) uint64 {
	v, large := r.integer()
	if (!large && int64(v) < 0) || v > most {
		r.fail("byte %d: number is outside 0..%d", r.at, most)
		return 0
	}
	return v
}

// text returns a string, the one in old when it is the same, so that a message like the last one allocates nothing.
func (r *reader) text(old string) string {
	b := r.str()
	if string(b) == old {
		return old
	}
	return string(b)
}
