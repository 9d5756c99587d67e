package direct

import (
	"context"
	"errors"
	"io"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// head is an input of merge with the rest of its current item.
type head struct {
	in   Input
	item Item // Batch is nil when it is used up
}

// time is the event time of the next row.
func (h *head) time() int64 { return h.item.Batch.Time[0] }

// merge takes bounded inputs by event time: rows of one input up to the next time of another (ties: input order).
func (r *Runner) merge(ctx context.Context, inputs []Input) error {
	var heads []*head
	for _, in := range inputs {
		h := &head{in: in}
		ok, err := r.load(ctx, h)
		if err != nil {
			return err
		}
		if ok {
			heads = append(heads, h)
		}
	}
	for len(heads) > 0 {
		i, limit := least(heads)
		h := heads[i]
		r.takeUntil(h, limit)
		if r.err != nil || r.done() {
			return r.err
		}
		if h.item.Batch != nil {
			continue
		}
		ok, err := r.load(ctx, h)
		if err != nil {
			return err
		}
		if !ok {
			heads = append(heads[:i], heads[i+1:]...)
		}
	}
	return r.err
}

// load takes an input's next item with rows; items without rows pass at once. false: the input has ended.
func (r *Runner) load(ctx context.Context, h *head) (bool, error) {
	for {
		if err := ctx.Err(); err != nil {
			return false, context.Cause(ctx)
		}
		item, err := h.in.Source.Next(ctx)
		if errors.Is(err, io.EOF) {
			r.end(h.in)
			return false, r.err
		}
		if err != nil {
			return false, err
		}
		if item.Batch.Rows > 0 {
			h.item = item
			return true, nil
		}
		if r.feed(h.in, item); r.err != nil {
			return false, r.err
		}
	}
}

// least returns the input whose next row is the oldest, and the time up to which it may go on.
func least(heads []*head) (int, int64) {
	best, limit := 0, vector.MaxTime
	for i, h := range heads {
		if h.time() < heads[best].time() {
			best = i
		}
	}
	for i, h := range heads {
		switch {
		case i < best: // goes first when times are equal
			limit = min(limit, h.time()-1)
		case i > best:
			limit = min(limit, h.time())
		}
	}
	return best, limit
}

// takeUntil feeds the rows of h's item up to the first one later than limit.
func (r *Runner) takeUntil(h *head, limit int64) {
	b := h.item.Batch
	n := 1
	for limit != vector.MaxTime && n < b.Rows && b.Time[n] <= limit {
		n++
	}
	if limit == vector.MaxTime || n == b.Rows {
		item := h.item
		h.item.Batch = nil
		r.feed(h.in, item)
		return
	}
	first := vector.Slice(b, 0, n)
	first.Watermark, first.Idle = vector.NoTime, false
	h.item.Batch = vector.Slice(b, n, b.Rows)
	r.feed(h.in, Item{Batch: first, Writer: h.item.Writer, Partition: h.item.Partition})
}
