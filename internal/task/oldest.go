package task

import "context"

// A task of several inputs takes the oldest message that is there, by the time it was appended. Over logs of the past
// that is the order in which they were written, so that an idle mark at the head of one log does not let the watermark
// of another run ahead of rows that are yet to be read. At the heads of the logs it waits for nothing. The order is
// only a preference: the one that was taken is written down, and redone.

// patience is how many ticks without a step a task waits for a message that should come.
const patience = 3

// findEnds asks how far each input went at the start.
func (r *runner) findEnds(ctx context.Context) {
	if len(r.feeds) < 2 {
		return
	}
	for k := range r.feeds {
		in := &r.core.cfg.Inputs[k]
		r.finding++
		r.wg.Go(func() {
			end, err := endOf(ctx, in)
			r.events <- func() error {
				r.finding--
				r.ends[k] = end
				return err
			}
		})
	}
}

// behind tells whether input k has messages that have not come yet.
func (r *runner) behind(k int) bool {
	return r.finding > 0 || r.pending[k] > 0 || r.core.inputs[k].seq < r.ends[k]
}

// oldest returns the input whose next message is the oldest, or -1 when there is none, or when one that may be older is
// on its way.
func (r *runner) oldest() int {
	best, waits := -1, false
	for k := range r.feeds {
		if !r.core.wants(k) || r.waitsForFirst(k) {
			continue
		}
		d := r.head(k)
		if d == nil {
			waits = waits || r.behind(k)
			continue
		}
		if best < 0 || d.Batch.AppendTime < r.heads[best].Batch.AppendTime {
			best = k
		}
	}
	if waits && r.waited < patience {
		return -1
	}
	return best
}

// head is the next message of input k, nil when it is not there.
func (r *runner) head(k int) *Delivery {
	if r.heads[k] == nil {
		select {
		case r.heads[k] = <-r.feeds[k]:
		default:
		}
	}
	return r.heads[k]
}

// first returns an input that has a message and may be taken, or -1; inputs take turns.
func (r *runner) first() int {
	n := len(r.feeds)
	for i := range n {
		k := (r.next + i) % n
		if r.core.wants(k) && !r.waitsForFirst(k) && r.head(k) != nil {
			return k
		}
	}
	return -1
}
