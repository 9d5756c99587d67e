package task

import (
	"testing"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestOldestFirst: two logs of the past are merged by append time, also where the next message of one is still on its
// way; at the heads, and after some patience, nothing is waited for.
func TestOldestFirst(t *testing.T) {
	t.Parallel()
	c := &core{cfg: Config{Inputs: make([]Input, 2), Machine: &toy{}}, phase: phaseLive, inputs: make([]inputState, 2)}
	r := &runner{
		core: c, feeds: make([]chan *Delivery, 2), pending: []int64{-1, -1}, held: make([]uint64, 2),
		ends: make([]uint64, 2), heads: make([]*Delivery, 2),
	}
	for k := range r.feeds {
		r.feeds[k] = make(chan *Delivery, 4)
	}
	send := func(k int, at, pending int64) {
		r.feeds[k] <- &Delivery{Message: &topic.Message{}, Pending: pending, Batch: &vector.Batch{AppendTime: at}}
	}
	take := func(want int) {
		t.Helper()
		k := r.oldest()
		if k != want {
			t.Fatalf("input %d is next, want %d", k, want)
		}
		if k >= 0 {
			r.pending[k] = r.heads[k].Pending
			r.heads[k] = nil
		}
	}
	r.finding = 1
	send(0, 10, 1)
	take(-1) // how far input 1 went is not known yet
	r.finding, r.ends[1] = 0, 7
	take(-1) // it has messages that have not come yet
	send(1, 5, 1)
	take(1)
	take(-1) // one of input 1 is pending
	send(1, 20, 0)
	take(0)
	send(0, 15, 0)
	take(0)
	take(1)
	take(-1) // nothing is there
	c.inputs[1].seq = 7
	send(0, 30, 0)
	take(0) // the other log has ended
	r.pending[1] = 1
	send(0, 31, 0)
	take(-1)
	r.waited = patience
	take(0)
}
