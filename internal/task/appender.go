package task

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// AppenderConfig describes an Appender.
type AppenderConfig struct {
	Name   string // writer: the ingest task
	Epoch  uint64 // of its lease; grows with every start, also in place
	Class  string // topic.ClassSource by default
	Topic  string
	Schema *vector.Schema
	Logs   []topic.Log // per partition, the shard it lives in
	Limits Limits
	// Clock is a monotonic time in ns for figures alone; nil: no blocked times are measured.
	Clock    func() int64
	OnStatus func(topic.Status)
}

// Resume is how far a partition has come: every row up to Source is in it, and the first Rows rows behind.
type Resume struct {
	Found     bool   // false: the partition is empty
	Source    string // as given to Write
	Rows      uint64
	Watermark int64
	Idle      bool
}

// Appender writes rows of a source outside of Leat into the partitions of a topic: fenced, one append in flight a
// partition, what comes meanwhile joins the next message. Each message bears the position in the source, so that its
// own last message is the only memory ingest needs.
//
// Order of use: Open, then Run in a goroutine of the caller's and Write, Flush, Close from one other.
type Appender struct {
	cfg   AppenderConfig
	lanes []*appenderLane
	mu    sync.Mutex // guards the lanes but for their writers
	moved chan struct{}
	done  bool
	err   error
}

type appenderLane struct {
	*lane
	wake  chan struct{} // capacity 1: there is something to send
	steps uint64
	ahead uint64 // rows behind the last position that are in the log and come again
}

// NewAppender returns an appender that has asked the broker nothing yet.
func NewAppender(cfg AppenderConfig) (*Appender, error) {
	if cfg.Name == "" || cfg.Topic == "" || len(cfg.Logs) == 0 || cfg.Epoch == 0 {
		return nil, fmt.Errorf("appender of topic %q: name, topic, logs and epoch must be given", cfg.Topic)
	}
	if cfg.Class == "" {
		cfg.Class = topic.ClassSource
	}
	cfg.Limits = cfg.Limits.withDefaults()
	a := &Appender{cfg: cfg, moved: make(chan struct{})}
	for p, log := range cfg.Logs {
		subject := topic.Subject(cfg.Class, cfg.Topic, p, cfg.Name)
		a.lanes = append(a.lanes, &appenderLane{wake: make(chan struct{}, 1), lane: &lane{
			partition: p, class: cfg.Class, name: cfg.Name, epoch: cfg.Epoch, schema: cfg.Schema,
			limit: cfg.Limits.MessageBytes, rules: &Rules{}, cur: &origin{}, sent: mark{wm: vector.NoTime},
			writer: topic.NewWriter(topic.WriterConfig{Log: log, Subject: subject, OnStatus: cfg.OnStatus}),
			stats:  &OutputStats{Subject: subject, Capacity: int64(cfg.Limits.PendingBytes)},
		}})
	}
	return a, nil
}

// Open makes this appender the owner of its subjects and returns, per partition, how far the owner before came. The
// caller goes on behind the Source of the partition that is furthest behind, with its watermark, and leaves out per
// partition what is at or before that partition's Source; the Rows rows behind it the appender leaves out itself,
// however they are batched. The error is topic.ErrFenced when a later owner is there.
func (a *Appender) Open(ctx context.Context) ([]Resume, error) {
	found := make([]Resume, len(a.lanes))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(64)
	for i, l := range a.lanes {
		g.Go(func() error {
			r, err := l.open(ctx)
			found[i] = r
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("open topic %s for %s: %w", a.cfg.Topic, a.cfg.Name, err)
	}
	return found, nil
}

func (l *appenderLane) open(ctx context.Context) (Resume, error) {
	if _, err := l.writer.Fence(ctx, l.epochMessage); err != nil {
		return Resume{}, err
	}
	r := Resume{Watermark: vector.NoTime}
	p, err := l.recovered()
	if err != nil {
		return r, err
	}
	l.tail = &stamp{marks: []mark{{wm: vector.NoTime}}}
	if p == nil {
		return r, nil
	}
	l.steps, l.ahead, l.rowsHere = p.Cursor.Step, p.Cursor.Rows, p.Cursor.Rows
	l.from.Rows = 0
	l.tail = &stamp{step: l.steps, source: p.Source, marks: []mark{{p.Watermark, p.Idle}}, counts: p.Counts}
	found := p.Cursor.Step > 0 || p.Cursor.Rows > 0
	return Resume{Found: found, Source: p.Source, Rows: p.Cursor.Rows, Watermark: p.Watermark, Idle: p.Idle}, nil
}

// Run appends until ctx ends, or until Close and everything written is in the log, or until an append fails for ever:
// topic.ErrFenced means that a later owner is there.
func (a *Appender) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range a.lanes {
		g.Go(func() error { return a.drive(ctx, l) })
	}
	err := g.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.err = fmt.Errorf("append to topic %s: %w", a.cfg.Topic, err)
	}
	a.changed()
	return a.err
}

// drive sends the messages of one partition.
func (a *Appender) drive(ctx context.Context, l *appenderLane) error {
	for {
		started, done, err := a.begin(l)
		switch {
		case err != nil || done:
			return err
		case !started:
			select {
			case <-l.wake:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		if _, err := l.writer.Resume(ctx); err != nil {
			return err
		}
		a.mu.Lock()
		l.settled()
		a.changed()
		a.mu.Unlock()
	}
}

func (a *Appender) begin(l *appenderLane) (started, done bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !l.ready() {
		return false, a.done, nil
	}
	return true, false, l.start()
}

// changed wakes whoever waits for room. a.mu is held.
func (a *Appender) changed() {
	close(a.moved)
	a.moved = make(chan struct{})
}

// Write appends the rows of b, which may be none, to a partition. source is the position in the source behind them:
// when it is in the log, so are they. Watermark and Idle of b hold after them. It copies what it keeps, and waits
// while the partition has no room.
func (a *Appender) Write(ctx context.Context, partition int, b *vector.Batch, source string) error {
	l := a.lanes[partition]
	if err := a.room(ctx, l); err != nil {
		return fmt.Errorf("write to partition %d of topic %s: %w", partition, a.cfg.Topic, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	there := int(min(l.ahead, uint64(b.Live())))
	if l.ahead -= uint64(there); l.ahead > 0 {
		return nil // source lies before the last row in the log: the position stays where it is
	}
	l.steps++
	l.rows(l.steps, liveRows(b, there, b.Live()))
	counts := l.tail.counts
	counts.In += uint64(b.Live())
	counts.Used += uint64(b.Live())
	counts.Out += uint64(b.Live())
	l.endStep(&stamp{
		step: l.steps, source: source, counts: counts, timeMs: b.AppendTime,
		marks: []mark{{max(b.Watermark, l.tail.marks[0].wm), b.Idle}},
	}, 0)
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return nil
}

// room waits until the partition may take more.
func (a *Appender) room(ctx context.Context, l *appenderLane) error {
	return a.await(ctx, l.stats, func() bool { return l.pending < a.cfg.Limits.PendingBytes })
}

// Flush waits until everything written is in the log.
func (a *Appender) Flush(ctx context.Context) error {
	for _, l := range a.lanes {
		if err := a.await(ctx, nil, l.drained); err != nil {
			return fmt.Errorf("flush topic %s: %w", a.cfg.Topic, err)
		}
	}
	return nil
}

func (a *Appender) await(ctx context.Context, blocked *OutputStats, ready func() bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	start := int64(-1)
	for !ready() {
		if a.err != nil {
			return a.err
		}
		if start < 0 && blocked != nil && a.cfg.Clock != nil {
			start = a.cfg.Clock()
		}
		moved := a.moved
		a.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
		}
		a.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if start >= 0 {
		blocked.blockedNs.Add(a.cfg.Clock() - start)
	}
	return a.err
}

// Close says that nothing more is written: Run returns when all is in the log.
func (a *Appender) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = true
	for _, l := range a.lanes {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// Stats returns the figures of each partition.
func (a *Appender) Stats() []OutputNumbers {
	out := make([]OutputNumbers, len(a.lanes))
	for i, l := range a.lanes {
		out[i] = l.stats.Numbers()
	}
	return out
}

// Acknowledged returns the position in the source, and the rows behind it, up to which a partition is in the log: what
// is before it may be acknowledged to the source, once every partition has it.
func (a *Appender) Acknowledged(partition int) (source string, rows uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.lanes[partition]
	if l.ackedAt == nil {
		return "", 0
	}
	return l.ackedAt.source, l.acked.Rows
}

// Pending tells whether rows of a partition wait for their acknowledgement.
func (a *Appender) Pending(partition int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.lanes[partition].drained()
}
