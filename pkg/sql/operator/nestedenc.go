package operator

import (
	"encoding/binary"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// appendNested appends a nested value that is not null, without its tag; one appends each value in it.
func appendNested(dst []byte, v *vector.Vector, i int, one func([]byte, *vector.Vector, int) []byte) []byte {
	if v.Type.Kind == vector.Struct {
		for _, k := range v.Kids {
			dst = one(dst, k, i)
		}
		return dst
	}
	from, to := v.Elements(i)
	dst = putU32(dst, uint32(to-from))
	for e := from; e < to; e++ {
		for _, k := range v.Kids {
			dst = one(dst, k, e)
		}
	}
	return dst
}

// elements takes the number of the values that follow from src: of a STRUCT one in each kid. What src cannot hold is
// refused, so that a hostile number makes nothing allocate.
func elements(t vector.Type, src []byte) (n int, rest []byte, ok bool) {
	if t.Kind == vector.Struct {
		return 1, src, true
	}
	if len(src) < 4 {
		return 0, nil, false
	}
	count := binary.LittleEndian.Uint32(src)
	src = src[4:]
	if uint64(count)*uint64(t.Kids()) > uint64(len(src)) {
		return 0, nil, false
	}
	return int(count), src, true
}

// readNested appends to v the nested value at the front of src, behind its tag.
func readNested(v *vector.Vector, src []byte) []byte {
	n, src, ok := elements(v.Type, src)
	if !ok {
		return nil
	}
	for range n {
		for _, k := range v.Kids {
			if src = readValue(k, src); src == nil {
				return nil
			}
		}
	}
	vector.Close(v)
	return src
}

// validNested returns what follows a nested value, whose tag is taken; nil if there is none.
func validNested(t vector.Type, src []byte) []byte {
	n, src, ok := elements(t, src)
	if !ok {
		return nil
	}
	for range n {
		for k := range t.Kids() {
			if src = validValue(t.Kid(k), src); src == nil {
				return nil
			}
		}
	}
	return src
}

// keptBytes is what is kept of a string or nested value, to be appended by appendKept. It aliases v or buf.
func keptBytes(buf *[]byte, v *vector.Vector, i int) []byte {
	if v.Type.Phys() != vector.PhysNested {
		return v.Bytes(i)
	}
	*buf = appendNested((*buf)[:0], v, i, appendRaw)
	return *buf
}

// appendKept appends to v a value that keptBytes made.
func appendKept(v *vector.Vector, b []byte) {
	if v.Type.Phys() != vector.PhysNested {
		vector.AppendBytes(v, b)
		return
	}
	readNested(v, b)
}

// kept takes from a snapshot what keptBytes made of a value of type t.
func (r *reader) kept(t vector.Type) []byte {
	b := r.bytes()
	if r.err == nil && t.Phys() == vector.PhysNested {
		if rest := validNested(t, b); rest == nil || len(rest) > 0 {
			r.fail("nested value")
			return nil
		}
	}
	return b
}
