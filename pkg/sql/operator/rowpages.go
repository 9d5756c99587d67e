package operator

import (
	"encoding/binary"
	"math"

	"github.com/leatsql/leat/pkg/sql/arena"
)

// rowPages keeps the bytes of rows in pages. A page that is mostly waste moves its rows to another one at the end of
// the step, so that memory stays below about twice what the rows take, and no row moves because others came.
type rowPages struct {
	mem    *arena.Space
	pages  []rowPage
	spare  []uint32 // pages without memory
	last   int      // the page that takes rows, -1: none
	sparse []uint32 // pages that are mostly waste
	size   int64
}

type rowPage struct {
	b     []byte
	waste int
}

// rowHead is the bytes in front of a row: its record and its size.
const rowHead = 8

// nowhere is where the row of a record that is free lies.
const nowhere = math.MaxUint64

// The size of a page is an eighth of what is there, within these bounds.
const (
	leastPage = 4 << 10
	mostPage  = 4 << 20
)

// add keeps the row of a record and returns where it lies.
func (p *rowPages) add(rec uint32, row []byte) uint64 {
	need := rowHead + len(row)
	if p.last < 0 || cap(p.pages[p.last].b)-len(p.pages[p.last].b) < need {
		p.open(need)
	}
	page := &p.pages[p.last]
	var head [rowHead]byte
	binary.LittleEndian.PutUint32(head[:], rec)
	binary.LittleEndian.PutUint32(head[4:], uint32(len(row)))
	page.b = append(page.b, head[:]...)
	at := uint64(p.last)<<32 | uint64(len(page.b))
	page.b = append(page.b, row...)
	return at
}

// open makes the page that takes rows from now on.
func (p *rowPages) open(need int) {
	if p.last >= 0 && 2*p.pages[p.last].waste > len(p.pages[p.last].b) {
		p.sparse = append(p.sparse, uint32(p.last))
	}
	b := arena.Make[byte](p.mem, max(need, int(min(max(p.size/8, leastPage), mostPage))))[:0]
	p.size += int64(cap(b))
	if n := len(p.spare); n > 0 {
		p.last = int(p.spare[n-1])
		p.spare = p.spare[:n-1]
		p.pages[p.last].b = b
		return
	}
	p.last = len(p.pages)
	p.pages = append(p.pages, rowPage{b: b})
}

// at returns n bytes of the row at a place.
func (p *rowPages) at(at uint64, n uint32) []byte { return p.pages[at>>32].b[uint32(at):][:n] }

// drop forgets a row; its bytes can be read until tidy.
func (p *rowPages) drop(at uint64, size uint32) {
	page := &p.pages[at>>32]
	was := 2*page.waste > len(page.b)
	page.waste += rowHead + int(size)
	if !was && 2*page.waste > len(page.b) && int(at>>32) != p.last {
		p.sparse = append(p.sparse, uint32(at>>32))
	}
}

// tidy moves the rows of pages that are mostly waste. A record whose row has gone says nowhere.
func (p *rowPages) tidy(recs []sortRow) {
	for k := 0; k < len(p.sparse); k++ { // a page that fills up may be the next
		n := p.sparse[k]
		b := p.pages[n].b
		for at := 0; at < len(b); {
			rec, size := binary.LittleEndian.Uint32(b[at:]), binary.LittleEndian.Uint32(b[at+4:])
			at += rowHead
			if r := &recs[rec]; r.at == uint64(n)<<32|uint64(at) {
				r.at = p.add(rec, b[at:][:size])
			}
			at += int(size)
		}
		p.size -= int64(cap(b))
		arena.Free(p.mem, b)
		p.pages[n] = rowPage{}
		p.spare = append(p.spare, n)
	}
	p.sparse = p.sparse[:0]
}
