package operator

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// gateOf is the column that tells most rows that never count: the first of the order, if a word holds its values; nil
// where all rows are kept.
func (t *topN) gateOf(b *vector.Batch) *vector.Vector {
	if t.all() || !t.gated() {
		return nil
	}
	return b.Cols[t.spec.Order[0].Col]
}

// gated reports whether a word holds the values of the first column of the order.
func (t *topN) gated() bool {
	if len(t.spec.Order) == 0 {
		return false
	}
	phys := t.types[t.spec.Order[0].Col].Phys()
	return phys == vector.PhysI64 || phys == vector.PhysF64
}

// gateAt is the place of row i in the order of v, as sortKey writes it. A null is never behind: its sort key decides.
func gateAt(v *vector.Vector, i int, desc bool) uint64 {
	if v.Valid != nil && v.Null(i) {
		return 0
	}
	u := uint64(orderedWord(v.Type, word(v, i))) ^ 1<<63
	if desc {
		return ^u
	}
	return u
}

// bound notes which rows can enter a partition that has some.
func (t *topN) bound(part *topPart) {
	part.full, part.limit = int64(part.list.n) >= t.spec.N, math.MaxUint64
	if part.full && t.spec.Rank == DenseRank {
		t.cur = t.shown(t.cur[:0], part)
		part.full = t.cur[len(t.cur)-1].number >= t.spec.N
	}
	if !part.full || !t.gated() {
		return
	}
	last := &t.recs[*part.list.get(part.list.last())]
	if key := t.arena[last.at:][:last.key]; key[0] == 1 {
		part.limit = binary.BigEndian.Uint64(key[1:])
	}
}

// behind reports whether a row whose sort key is in t.key never counts in a full partition.
func (t *topN) behind(part *topPart) bool {
	last := &t.recs[*part.list.get(part.list.last())]
	order := bytes.Compare(t.key, t.arena[last.at:][:last.key])
	return order > 0 || order == 0 && t.spec.Rank == RowNumber
}

// rowHead is the bytes in front of a row in the arena: its record and its size.
const rowHead = 8

// nowhere is where the row of a record that is free lies.
const nowhere = math.MaxUint64

// release frees a record and its row.
func (t *topN) release(rec uint32) {
	t.waste += rowHead + int(t.recs[rec].size)
	t.size -= 12
	t.recs[rec].at = nowhere
	t.free = arena.Append(t.mem, t.free, rec)
}

// compact moves the rows that are there to the front of the arena.
func (t *topN) compact() {
	kept := 0
	for at := 0; at < len(t.arena); {
		rec := binary.LittleEndian.Uint32(t.arena[at:])
		end := at + rowHead + int(binary.LittleEndian.Uint32(t.arena[at+4:]))
		if r := &t.recs[rec]; r.at == uint64(at+rowHead) {
			r.at = uint64(kept + rowHead)
			kept += copy(t.arena[kept:], t.arena[at:end])
		}
		at = end
	}
	t.arena, t.waste = arena.Fit(t.mem, t.arena[:kept]), 0
}
