package operator

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
)

// pane is the groups of one stretch of time; windows are made of whole panes.
type pane struct {
	start int64
	slot  uint32
	keys  *keyTable
	recs  []uint32 // record of each key
}

// paneSet is the panes that are open, by start. Closed panes are kept for their memory.
type paneSet struct {
	sorted []*pane
	slots  []*pane // by slot, nil where free
	spare  []*pane
	cur    *pane
}

// at returns the position of the first pane that does not start before t.
func (p *paneSet) at(t int64) (int, bool) {
	return slices.BinarySearchFunc(p.sorted, t, func(q *pane, t int64) int {
		switch {
		case q.start < t:
			return -1
		case q.start > t:
			return 1
		default:
			return 0
		}
	})
}

// open returns the pane that starts at start, new if need be.
func (p *paneSet) open(start int64, fresh func() *keyTable) *pane {
	if p.cur != nil && p.cur.start == start {
		return p.cur
	}
	i, found := p.at(start)
	if found {
		p.cur = p.sorted[i]
		return p.cur
	}
	var q *pane
	if k := len(p.spare); k > 0 {
		q, p.spare = p.spare[k-1], p.spare[:k-1]
	} else {
		q = &pane{keys: fresh(), slot: uint32(len(p.slots))}
		p.slots = append(p.slots, nil)
	}
	q.start = start
	p.slots[q.slot] = q
	p.sorted = slices.Insert(p.sorted, i, q)
	p.cur = q
	return q
}

// maxSpare bounds the memory that closed panes hold on to.
const maxSpare = 32

// drop closes the first n panes; their records must be released.
func (p *paneSet) drop(n int) {
	for _, q := range p.sorted[:n] {
		if p.cur == q {
			p.cur = nil
		}
		if q.keys.mem.Full() {
			q.free()
		} else if len(p.spare) < maxSpare {
			q.keys.reset()
			q.recs = q.recs[:0]
		} else {
			q.free()
		}
		p.spare = append(p.spare, q)
	}
	p.sorted = slices.Delete(p.sorted, 0, n)
}

// free gives the memory of a pane back.
func (q *pane) free() {
	q.keys.free()
	q.keys, q.recs = q.keys.like(), arena.Free(q.keys.mem, q.recs)
}

func (p *paneSet) stateBytes() int64 {
	n := int64(0)
	for _, list := range [][]*pane{p.sorted, p.spare} {
		for _, q := range list {
			n += q.keys.stateBytes() + int64(4*cap(q.recs)) + 160
		}
	}
	return n
}
