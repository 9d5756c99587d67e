package task

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/topic"
)

// Run runs one task: it recovers, then takes steps until ctx ends, Stop is closed, a bounded input has ended, or an
// error stops it. topic.ErrFenced means that a later owner is there: the caller ends quietly. A *topic.GapError says
// what is missing in an input. When Run returns, nothing it started is left.
func Run(ctx context.Context, cfg Config) error {
	c, err := newCore(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &runner{
		core: c, busy: make([]bool, len(c.lanes)), feeds: make([]chan *Delivery, len(cfg.Inputs)),
		// Every goroutine has at most one event under way, so that none waits for a loop that has ended.
		events: make(chan func() error, len(c.lanes)+4*len(cfg.Inputs)+3), arrived: make(chan struct{}, 1),
		pending: make([]int64, len(cfg.Inputs)), held: make([]uint64, len(cfg.Inputs)),
		ends: make([]uint64, len(cfg.Inputs)), heads: make([]*Delivery, len(cfg.Inputs)),
	}
	for k := range r.feeds {
		r.feeds[k], r.pending[k] = make(chan *Delivery, c.cfg.Limits.FetchAhead), -1
	}
	err = r.loop(ctx)
	cancel()
	r.wg.Wait()
	return err
}

// runner drives a core with goroutines: one for what each output and the store are doing, one for each input, and the
// caller's, which alone touches the core and the machine.
type runner struct {
	core    *core
	wg      sync.WaitGroup
	events  chan func() error
	busy    []bool // lanes whose writer is working
	feeds   []chan *Delivery
	arrived chan struct{}
	pending []int64
	reading bool
	held    []uint64 // inputs that go first: up to this sequence
	asking  int      // inputs of which held is not known yet
	next    int      // input to be offered first
	heads   []*Delivery
	ends    []uint64 // of the inputs at the start
	finding int      // inputs of which the end is not known yet
	waited  int      // ticks without a step
	ticks   int
	tickAt  int  // steps taken at the last tick
	looking bool // at how full the inputs are
	since   int  // steps since the last report
}

// always is ready at once: a select with it does not wait.
var always = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (r *runner) loop(ctx context.Context) error {
	stop := r.core.cfg.Stop
	for {
		if done, err := r.work(ctx); done || err != nil {
			return err
		}
		var idle <-chan struct{} // nil: nothing can be taken, so the task waits
		if r.takeOne() {
			idle = always
			if r.since++; r.since >= 64 {
				r.report()
			}
		} else {
			r.report()
		}
		blocked := r.blocked(idle == nil)
		select {
		case <-idle:
		case f := <-r.events:
			if err := f(); err != nil {
				return err
			}
		case <-r.arrived:
		case <-r.core.cfg.Ticks:
			r.tick(ctx)
		case <-r.core.cfg.Nudge:
			r.core.snapshot()
		case <-stop:
			stop = nil
			r.core.stop()
		case f := <-r.core.cfg.Calls:
			f(r.core.cfg.Machine)
		case <-ctx.Done():
			return fmt.Errorf("task %s: %w", r.core.cfg.Name, context.Cause(ctx))
		}
		blocked()
	}
}

// work starts what there is to do, and tells whether the task has come to its end.
func (r *runner) work(ctx context.Context) (done bool, err error) {
	c := r.core
	if c.cfg.Bounded && !c.stopping && c.ended() {
		c.stop()
	}
	if c.stopping {
		c.pumpStop()
	}
	if c.phase == phaseLive && !r.reading && c.err == nil {
		r.read(ctx)
	}
	for i, l := range c.lanes {
		if r.busy[i] || !c.laneWork(i) {
			continue
		}
		r.busy[i] = true
		r.wg.Go(func() {
			seq, err := l.writer.Resume(ctx)
			r.events <- func() error {
				r.busy[i] = false
				c.laneDone(i, topic.Progress{Done: true, Seq: seq, Err: err})
				return nil
			}
		})
	}
	if o := c.nextOp(); o != nil {
		r.wg.Go(func() {
			a := o.do(ctx, c.cfg.Snapshots)
			if errors.Is(a.err, state.ErrNoAnswer) {
				_ = c.cfg.pause(ctx)
			}
			r.events <- func() error { c.opDone(a); return nil }
		})
	}
	if c.err != nil {
		return true, r.verdict(ctx, c.err)
	}
	return c.stopped, nil
}

// verdict looks at the lease before a hole in a log is believed: a stale owner may stand where the log is trimmed.
func (r *runner) verdict(ctx context.Context, err error) error {
	c := r.core
	if !errors.Is(err, topic.ErrGap) || c.cfg.Lease == nil {
		return err
	}
	held, lerr := c.cfg.Lease(ctx)
	switch {
	case lerr != nil:
		return errors.Join(err, fmt.Errorf("task %s: look at its lease: %w", c.cfg.Name, lerr))
	case !held:
		return fmt.Errorf("task %s: it lost its lease: %w", c.cfg.Name, topic.ErrFenced)
	}
	return err
}

// tick decides by the clock that a snapshot is due.
func (r *runner) tick(ctx context.Context) {
	c := r.core
	idle := c.taken == r.tickAt
	if idle {
		r.waited++
	}
	r.ticks, r.tickAt = r.ticks+1, c.taken
	due := c.cfg.SnapshotTicks
	if due == 0 {
		due = 10
	}
	switch {
	case r.ticks >= due:
		r.ticks = 0
		c.snapshot()
	case idle && !r.looking && c.snap == nil && c.phase == phaseLive && (c.news() || c.behind()):
		r.look(ctx)
	}
}

// look asks how full the inputs are: where writers may be waiting for this task's snapshots none is put off.
func (r *runner) look(ctx context.Context) {
	r.looking = true
	c := r.core
	r.wg.Go(func() {
		full := false
		for i := range c.cfg.Inputs {
			info, err := c.cfg.Inputs[i].Log.Info(ctx)
			full = full || err == nil && info.MaxBytes > 0 && info.Bytes > info.MaxBytes/4*3
		}
		r.events <- func() error {
			r.looking = false
			if full {
				c.snapshot()
			}
			return nil
		}
	})
}

// takeOne takes a message that is there, of an input that may be taken.
func (r *runner) takeOne() bool {
	choose := r.first
	if len(r.feeds) > 1 && !r.core.redoing() {
		choose = r.oldest
	}
	k := choose()
	if k < 0 {
		return false
	}
	d := r.heads[k]
	r.heads[k], r.next, r.waited = nil, k+1, 0
	r.pending[k] = d.Pending
	r.core.take(k, d)
	if r.core.inputHeld() {
		r.core.snapshot()
	}
	return true
}

// waitsForFirst tells whether input k stands back until one that goes first has been read to where it ended at the
// start. What is waited for is in the log already.
func (r *runner) waitsForFirst(k int) bool {
	if r.core.redoing() {
		return false
	}
	if r.asking > 0 && !r.core.cfg.Inputs[k].First {
		return true
	}
	if !r.core.cfg.Inputs[k].First && r.open() {
		return true
	}
	for f, end := range r.held {
		if f != k && end > r.core.inputs[f].seq {
			return true
		}
	}
	return false
}

// open tells that an input which is read to its end first has not ended.
func (r *runner) open() bool {
	m, ok := r.core.cfg.Machine.(interface{ Ended(port int) bool })
	if !ok {
		return false
	}
	for i := range r.core.cfg.Inputs {
		if in := &r.core.cfg.Inputs[i]; in.Ends && !m.Ended(in.Port) {
			return true
		}
	}
	return false
}

// read starts to fetch every input behind its position.
func (r *runner) read(ctx context.Context) {
	r.reading = true
	r.findEnds(ctx)
	for k := range r.feeds {
		in := &r.core.cfg.Inputs[k]
		at := r.core.reader(k)
		r.wg.Go(func() {
			info, err := in.Log.Info(ctx)
			r.events <- func() error {
				if err == nil { // else the clock alone decides
					r.core.inputBytes = max(r.core.inputBytes, int64(info.MaxBytes))
				}
				return nil
			}
		})
		if in.First && len(in.Writers) > 0 {
			r.asking++
			r.wg.Go(func() {
				if in.Await != nil {
					in.Await(ctx)
				}
				end, err := endOf(ctx, in)
				r.events <- func() error {
					r.asking--
					r.held[k] = end
					return err
				}
			})
		}
		r.wg.Go(func() {
			err := r.fetch(ctx, k, at)
			if ctx.Err() == nil {
				r.events <- func() error { r.core.fail(fmt.Errorf("task %s: %w", r.core.cfg.Name, err)); return nil }
			}
		})
	}
}

func (r *runner) fetch(ctx context.Context, k int, at topic.ReaderConfig) error {
	in := &r.core.cfg.Inputs[k]
	feed := OpenFeed(at, in.Topic, in.Schema)
	if in.Open != nil {
		var err error
		if feed, err = in.Open(ctx, at); err != nil {
			return fmt.Errorf("read %s: %w", at.Topic, err)
		}
	}
	defer feed.Close()
	for {
		d, err := feed.Next(ctx)
		if err != nil {
			return err
		}
		own := *d // a shared delivery is not written to
		select {
		case r.feeds[k] <- &own:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case r.arrived <- struct{}{}:
		default:
		}
	}
}

// endOf returns the sequence of the last message of a partition.
func endOf(ctx context.Context, in *Input) (uint64, error) {
	end := uint64(0)
	for _, f := range in.Filters {
		prefix, any := strings.CutSuffix(f, "*")
		for _, w := range in.Writers {
			subject := f
			if any {
				subject = prefix + w
			}
			m, err := in.Log.Last(ctx, subject)
			switch {
			case err == nil:
				end = max(end, m.Seq)
			case errors.Is(err, topic.ErrNotFound):
			case ctx.Err() != nil:
				return 0, ctx.Err()
			case errors.Is(err, topic.ErrNoAnswer): // the order is only a preference
			default:
				return 0, fmt.Errorf("find the end of %s: %w", subject, err)
			}
		}
	}
	return end, nil
}

// blocked measures for how long the outputs without room hold the task up.
func (r *runner) blocked(waits bool) func() {
	c := r.core
	if !waits || c.clock == nil || c.phase != phaseLive || !c.full() {
		return func() {}
	}
	start := c.clock()
	return func() {
		waited := c.clock() - start
		for _, l := range c.lanes {
			if l.pending >= c.cfg.Limits.PendingBytes {
				l.stats.blockedNs.Add(waited)
			}
		}
	}
}

func (r *runner) report() {
	r.since = 0
	if r.core.cfg.Report != nil {
		r.core.cfg.Report.report(r.core, r.pending, r.feeds)
	}
}
