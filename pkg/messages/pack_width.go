package messages

import (
	"encoding/binary"
	"slices"
)

// packWidth appends the low w bytes of each value above lo. Whole words are put together from eight values at a time
// where that is cheaper than a store a value.
func packWidth[T int64 | uint32](dst []byte, v []T, lo T, w int) []byte {
	if w == 0 {
		return dst
	}
	at := len(dst)
	end := at + w*len(v)
	dst = slices.Grow(dst, w*len(v)+8)
	out := dst[at : end+8]
	switch w {
	case 1:
		out, v = pack1(out, v, lo)
	case 2:
		out, v = pack2(out, v, lo)
	case 3:
		out, v = pack3(out, v, lo)
	}
	for _, x := range v { // overlapping stores: the next value writes over what is too much
		binary.LittleEndian.PutUint64(out, uint64(x-lo))
		out = out[w:]
	}
	return dst[:end]
}

// The pack kernels write blocks of eight values and return what is left of both.

func pack1[T int64 | uint32](out []byte, v []T, lo T) ([]byte, []T) {
	for len(v) >= 8 && len(out) >= 8 {
		x := (*[8]T)(v)
		binary.LittleEndian.PutUint64(out, uint64(uint8(x[0]-lo))|uint64(uint8(x[1]-lo))<<8|
			uint64(uint8(x[2]-lo))<<16|uint64(uint8(x[3]-lo))<<24|uint64(uint8(x[4]-lo))<<32|
			uint64(uint8(x[5]-lo))<<40|uint64(uint8(x[6]-lo))<<48|uint64(uint8(x[7]-lo))<<56)
		out, v = out[8:], v[8:]
	}
	return out, v
}

func pack2[T int64 | uint32](out []byte, v []T, lo T) ([]byte, []T) {
	for len(v) >= 8 && len(out) >= 16 {
		x := (*[8]T)(v)
		binary.LittleEndian.PutUint64(out, uint64(uint16(x[0]-lo))|uint64(uint16(x[1]-lo))<<16|
			uint64(uint16(x[2]-lo))<<32|uint64(uint16(x[3]-lo))<<48)
		binary.LittleEndian.PutUint64(out[8:], uint64(uint16(x[4]-lo))|uint64(uint16(x[5]-lo))<<16|
			uint64(uint16(x[6]-lo))<<32|uint64(uint16(x[7]-lo))<<48)
		out, v = out[16:], v[8:]
	}
	return out, v
}

func pack3[T int64 | uint32](out []byte, v []T, lo T) ([]byte, []T) {
	const mask = 1<<24 - 1
	for len(v) >= 8 && len(out) >= 24 {
		x := (*[8]T)(v)
		c, f := uint64(x[2]-lo)&mask, uint64(x[5]-lo)&mask
		binary.LittleEndian.PutUint64(out, uint64(x[0]-lo)&mask|uint64(x[1]-lo)&mask<<24|c<<48)
		binary.LittleEndian.PutUint64(out[8:], c>>16|uint64(x[3]-lo)&mask<<8|uint64(x[4]-lo)&mask<<32|f<<56)
		binary.LittleEndian.PutUint64(out[16:], f>>8|uint64(x[6]-lo)&mask<<16|uint64(x[7]-lo)&mask<<40)
		out, v = out[24:], v[8:]
	}
	return out, v
}
