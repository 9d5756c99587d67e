package operator

import (
	"cmp"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// outerRow is a row of a preserved side that has found no partner yet; it leaves when the clock is past close.
type outerRow struct {
	close, time int64
	seq         uint64
	id          uint32
	side        uint8
}

// outerRows is a heap of such rows, the one that leaves first at the top. Rows that find a partner stay in it: they are
// looked at again when they come up.
type outerRows struct {
	heap []outerRow
	due  []outerRow
}

func (h *outerRows) before(a, b int) bool {
	x, y := &h.heap[a], &h.heap[b]
	return x.close < y.close || x.close == y.close && x.seq < y.seq
}

func (h *outerRows) push(r outerRow) {
	h.heap = append(h.heap, r)
	for i := len(h.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.before(i, up) {
			return
		}
		h.heap[i], h.heap[up] = h.heap[up], h.heap[i]
		i = up
	}
}

func (h *outerRows) pop() outerRow {
	top := h.heap[0]
	last := len(h.heap) - 1
	h.heap[0] = h.heap[last]
	h.heap = h.heap[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return top
		}
		if down+1 < last && h.before(down+1, down) {
			down++
		}
		if !h.before(down, i) {
			return top
		}
		h.heap[i], h.heap[down] = h.heap[down], h.heap[i]
		i = down
	}
}

// first is when the first row leaves.
func (h *outerRows) first() int64 {
	if len(h.heap) == 0 {
		return vector.MaxTime
	}
	return h.heap[0].close
}

// leave takes out the rows that the clock is past and that alone says are without partner, by time, then arrival.
func (h *outerRows) leave(clock int64, alone func(outerRow) bool) []outerRow {
	h.due = h.due[:0]
	for len(h.heap) > 0 && (h.heap[0].close < clock || clock == vector.MaxTime) {
		if r := h.pop(); alone(r) {
			h.due = append(h.due, r)
		}
	}
	slices.SortFunc(h.due, func(a, b outerRow) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.seq, b.seq))
	})
	return h.due
}

func (h *outerRows) stateBytes() int64 { return int64(32 * cap(h.heap)) }
