package operator

import (
	"cmp"
	"math"
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
)

// noCut is the cut of a pane whose rows count in all windows over it.
const noCut = math.MinInt64

// pane is the groups of one stretch of time; windows are made of whole panes. Rows that came too late for the first of
// the windows over them lie in a pane of their own, whose cut is the end of the first window that they count in.
type pane struct {
	start int64
	cut   int64
	slot  uint32
	keys  *keyTable
	recs  []uint32 // record of each key
}

// in reports whether the rows of the pane count in w.
func (q *pane) in(w span) bool { return w.end >= q.cut }

// paneSet is the panes that are open, by start and cut. Closed panes are kept for their memory.
type paneSet struct {
	sorted []*pane
	slots  []*pane // by slot, nil where free
	spare  []*pane
	cur    *pane
}

// at returns the position of the first pane that does not start before t, and whether it is the whole pane of t.
func (p *paneSet) at(t int64) (int, bool) { return p.find(t, noCut) }

// find returns the position of a pane.
func (p *paneSet) find(start, cut int64) (int, bool) {
	return slices.BinarySearchFunc(p.sorted, start, func(q *pane, t int64) int {
		return cmp.Or(cmp.Compare(q.start, t), cmp.Compare(q.cut, cut))
	})
}

// open returns the pane of start and cut, new if need be.
func (p *paneSet) open(start, cut int64, fresh func() *keyTable) *pane {
	if p.cur != nil && p.cur.start == start && p.cur.cut == cut {
		return p.cur
	}
	i, found := p.find(start, cut)
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
	q.start, q.cut = start, cut
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
