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

// bound notes which rows can enter a partition.
func (t *topN) bound(part *topPart) {
	part.full, part.limit = part.list.n > 0 && int64(part.list.n) >= t.spec.N, math.MaxUint64
	if part.full && t.spec.Rank == DenseRank {
		t.cur = t.shown(t.cur[:0], part)
		part.full = t.cur[len(t.cur)-1].number >= t.spec.N
	}
	if !part.full || !t.gated() {
		return
	}
	last := &t.recs[*part.list.get(part.list.last())]
	if key := t.sortKeyOf(last); key[0] == 1 {
		part.limit = binary.BigEndian.Uint64(key[1:])
	}
}

// behind reports whether a row whose sort key is in t.key never counts in a full partition.
func (t *topN) behind(part *topPart) bool {
	last := &t.recs[*part.list.get(part.list.last())]
	order := bytes.Compare(t.key, t.sortKeyOf(last))
	return order > 0 || order == 0 && t.spec.Rank == RowNumber
}

// release frees a record and its row.
func (t *topN) release(rec uint32) {
	t.bytes.drop(t.recs[rec].at, t.recs[rec].size)
	t.size -= 12
	t.recs[rec].at = nowhere
	t.free = arena.Append(t.mem, t.free, rec)
}

// sortKeyOf is the sort key of a row.
func (t *topN) sortKeyOf(r *sortRow) []byte { return t.bytes.at(r.at, r.key) }

// valuesOf is the values of a row.
func (t *topN) valuesOf(r *sortRow) []byte { return t.bytes.at(r.at, r.size)[r.key:] }
