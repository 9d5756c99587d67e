package format

import (
	"encoding/binary"
	"math/bits"

	"github.com/zeebo/xxh3"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// A column of strings begins each batch with a dictionary and gives it up where values seldom repeat.
const (
	dictSlots    = 256 // slots of an empty dictionary
	dictTrial    = 128 // entries before the dictionary is judged
	flatBatches  = 15  // batches that stay flat before a dictionary is tried again
	firstStrings = 16  // bytes a row that a flat column makes room for at first
)

// strCol is a column of strings while rows are added. The row being written is always the one behind the last.
type strCol struct {
	codes []uint32 // a row's entry; nil when flat
	offs  []uint32 // dictionary: one more than entries; flat: one more than rows
	data  []byte
	slots []uint32 // entry + 1, 0 = free; length is a power of two
	flat  int      // batches that remain flat, 0: dictionary
}

// hashText mixes the first and the last eight bytes of short texts, which is all of them. It never leaves the process.
func hashText(v []byte) uint64 {
	var lo, hi uint64
	switch n := len(v); {
	case n > 16:
		return xxh3.Hash(v)
	case n >= 8:
		lo, hi = binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[n-8:])
	case n >= 4:
		lo, hi = uint64(binary.LittleEndian.Uint32(v)), uint64(binary.LittleEndian.Uint32(v[n-4:]))
	default:
		for _, c := range v {
			lo = lo<<8 | uint64(c)
		}
	}
	h, l := bits.Mul64(lo^0x9E3779B97F4A7C15, hi^0xD6E8FEB86659FD93^uint64(len(v)))
	return h ^ l
}

// reset makes room for capacity rows of a new batch; what it held belongs to the batch now.
func (s *strCol) reset(capacity int) {
	data := max(64, len(s.data)+len(s.data)/8)
	if s.flat > 0 {
		s.flat--
	}
	if s.flat > 0 {
		s.codes, s.offs = nil, make([]uint32, 1, capacity+1)
		s.data = make([]byte, 0, max(data, firstStrings*capacity))
		return
	}
	entries := max(16, len(s.offs))
	s.codes, s.offs = make([]uint32, capacity), make([]uint32, 1, min(entries, 4*dictTrial))
	s.data = make([]byte, 0, min(data, 1<<14))
	if s.slots == nil || len(s.slots) > 1<<14 {
		s.slots = make([]uint32, dictSlots)
	} else {
		clear(s.slots)
	}
}

// grow makes room for capacity rows, rows of which are there.
func (s *strCol) grow(rows, capacity int) {
	if s.codes != nil {
		s.codes = grown(s.codes, rows, capacity)
	}
}

// set makes v the value of row.
func (s *strCol) set(row int, v []byte) {
	if s.codes == nil {
		s.setFlat(row, v)
		return
	}
	h := hashText(v)
	mask := uint64(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		e := s.slots[i]
		if e == 0 {
			s.add(row, v, i)
			return
		}
		if string(s.data[s.offs[e-1]:s.offs[e]]) == string(v) {
			s.codes[row] = e - 1
			return
		}
	}
}

func (s *strCol) setFlat(row int, v []byte) {
	s.data = append(s.data[:s.offs[row]], v...)
	s.offs = append(s.offs[:row+1], uint32(len(s.data)))
}

// add makes a new entry, or gives up the dictionary when most rows have values of their own.
func (s *strCol) add(row int, v []byte, slot uint64) {
	entries := len(s.offs) - 1
	if entries >= dictTrial && 4*entries > 3*row {
		s.toFlat(row)
		s.setFlat(row, v)
		return
	}
	s.data = append(s.data, v...)
	s.offs = append(s.offs, uint32(len(s.data)))
	s.slots[slot] = uint32(entries + 1)
	s.codes[row] = uint32(entries)
	if 2*(entries+1) > len(s.slots) {
		s.rehash()
	}
}

func (s *strCol) rehash() {
	s.slots = make([]uint32, 2*len(s.slots))
	mask := uint64(len(s.slots) - 1)
	for e := range len(s.offs) - 1 {
		i := hashText(s.data[s.offs[e]:s.offs[e+1]]) & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = uint32(e + 1)
	}
}

func (s *strCol) toFlat(rows int) {
	offs, data := make([]uint32, 1, cap(s.codes)+1), make([]byte, 0, 2*len(s.data)+firstStrings*cap(s.codes))
	for _, c := range s.codes[:rows] {
		data = append(data, s.data[s.offs[c]:s.offs[c+1]]...)
		offs = append(offs, uint32(len(data)))
	}
	s.codes, s.offs, s.data, s.flat = nil, offs, data, flatBatches+1
}

// setNull gives a null row a value that is valid: the dictionary's first entry or the empty string.
func (s *strCol) setNull(row int) {
	switch {
	case s.codes == nil:
		s.setFlat(row, nil)
	case len(s.offs) == 1:
		s.set(row, nil)
	default:
		s.codes[row] = 0
	}
}

// take puts the first rows into v.
func (s *strCol) take(v *vector.Vector, rows int) {
	if s.codes == nil {
		v.Offs, v.Data = s.offs[:rows+1], s.data[:s.offs[rows]]
		return
	}
	v.Codes, v.Offs, v.Data = s.codes[:rows], s.offs, s.data
}

// grown returns a slice of length capacity that begins with the first rows of s.
func grown[T any](s []T, rows, capacity int) []T {
	out := make([]T, capacity)
	copy(out, s[:rows])
	return out
}

// last returns the value of the row being written.
func (s *strCol) last(row int) []byte {
	if s.codes != nil {
		row = int(s.codes[row])
	}
	return s.data[s.offs[row]:s.offs[row+1]]
}
