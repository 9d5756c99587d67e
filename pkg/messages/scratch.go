package messages

import (
	"bytes"
	"math/bits"
	"slices"
	"sync"

	"github.com/zeebo/xxh3"
)

// scratch is what an encoder needs beside its destination. It holds no data between messages.
type scratch struct {
	remap  []uint32 // code of the column -> new code + 1
	codes  []uint32 // new code of each row
	used   []uint32 // new code -> code of the column
	lens   []uint32
	ints   []int64 // 128-bit decimals that fit, lengths of lists
	deltas []int64
	text   []byte // the type of a column
	index  index
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func getScratch() *scratch { return scratches.Get().(*scratch) }

func (s *scratch) free() { scratches.Put(s) }

// index finds equal strings in a dictionary that was put together from several: an open table of new codes + 1.
type index struct {
	slots []uint32
	shift uint
}

func (x *index) reset(entries int) {
	n := 1 << bits.Len(uint(2*entries))
	x.slots = slices.Grow(x.slots[:0], n)[:n]
	clear(x.slots)
	x.shift = uint(64 - bits.TrailingZeros(uint(n)))
}

// find returns the new code of entry old, which is len(used) when its string is new.
func (x *index) find(c *Column, old uint32, used []uint32) uint32 {
	s := c.Data[c.Offs[old]:c.Offs[old+1]]
	mask := uint64(len(x.slots) - 1)
	for at := xxh3.Hash(s) >> x.shift; ; at = (at + 1) & mask {
		code := x.slots[at]
		if code == 0 {
			x.slots[at] = uint32(len(used)) + 1
			return uint32(len(used))
		}
		k := used[code-1]
		if bytes.Equal(c.Data[c.Offs[k]:c.Offs[k+1]], s) {
			return code - 1
		}
	}
}
