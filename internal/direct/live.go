package direct

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"
)

// arrival is an item of a source, or its end. The source goes on when done is answered.
type arrival struct {
	input int
	item  Item
	end   bool
	done  chan struct{}
}

// live takes items as they come: of those that are there the oldest, by append time, and none while an input has an
// item on its way that may be older, so that logs of the past are read as they were written. Each source runs in a
// goroutine of its own and has one item in flight, which it may not touch before the runner is through with it.
func (r *Runner) live(ctx context.Context, inputs []Input) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arrivals := make(chan arrival) // unbuffered: a source waits for the runner
	g, gctx := errgroup.WithContext(ctx)
	for k, in := range inputs {
		g.Go(func() error { return in.pass(gctx, k, arrivals) })
	}
	go func() {
		_ = g.Wait()
		close(arrivals)
	}()
	heads, behind := make([]*arrival, len(inputs)), make([]bool, len(inputs))
	for k, in := range inputs {
		behind[k] = in.Behind
	}
	for {
		if k := oldest(heads, behind); k >= 0 {
			a := heads[k]
			r.feed(inputs[k], a.item)
			heads[k], behind[k] = nil, a.item.Pending > 0
			select {
			case a.done <- struct{}{}:
			case <-gctx.Done():
			}
		} else {
			a, open := <-arrivals
			switch {
			case !open:
				return g.Wait()
			case a.end:
				behind[a.input] = false
				r.end(inputs[a.input])
			default:
				heads[a.input] = &a
			}
		}
		if r.err != nil || r.done() {
			cancel()
			for range arrivals {
			}
			return r.err
		}
	}
}

// pass hands the items of a source on, one at a time.
func (in *Input) pass(ctx context.Context, k int, to chan<- arrival) error {
	done := make(chan struct{})
	for {
		item, err := in.Source.Next(ctx)
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return err
		}
		select {
		case to <- arrival{k, item, end, done}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if end {
			return nil
		}
		select {
		case <-done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// oldest returns the input with the oldest item that is there; -1 when there is none, or one that may be older is on
// its way.
func oldest(heads []*arrival, behind []bool) int {
	best := -1
	for k, a := range heads {
		switch {
		case a == nil && behind[k]:
			return -1
		case a != nil && (best < 0 || a.item.Batch.AppendTime < heads[best].item.Batch.AppendTime):
			best = k
		}
	}
	return best
}
