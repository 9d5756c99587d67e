package topic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// ReaderConfig describes a Reader. Log, Topic and Filters must be given.
type ReaderConfig struct {
	Log     Log
	Topic   string   // topic and partition in the user's words: "orders/3"
	Filters []string // PartitionFilter
	// After is the position: what comes behind it is read, and it is checked at the start and whenever the read begins
	// anew. Chain, if known, holds the last sequence of each subject up to there.
	After Bookmark
	Chain map[string]uint64
	// TrimPoint is the sequence from which on nothing is missing, for a reader without a position; 0: unknown, then the
	// first message of each subject is believed. Older messages, kept because they are the last of an idle writer, are
	// delivered too: the caller takes their watermark and skips their rows.
	TrimPoint uint64
	MaxBytes  int // buffered; 0: 1 MiB
	// Confirm is for how long a gap at the start is looked at again before it is believed: a leader cut off from the
	// others answers from the past. 0: 15 s with several replicas, else none.
	Confirm time.Duration
	Now     func() time.Time
	Wait    func(context.Context, time.Duration) error
	Jitter  func() float64
}

// NewChain returns the chain that a reader of c follows.
func (c *ReaderConfig) NewChain() *Chain {
	floor := c.TrimPoint
	if c.After.Seq > 0 {
		floor = c.After.Seq + 1
	}
	return NewChain(c.Topic, floor, c.Chain)
}

// Reader reads one partition: the messages of all its writers in the order of the shard. It survives reconnects and
// restarts of the broker, and never goes on silently: when the log went backwards, was made again or has a hole it
// returns a *GapError. It is used by one goroutine.
type Reader struct {
	cfg     ReaderConfig
	cursor  Cursor
	info    Info
	last    *Message // the last one delivered
	after   Bookmark // the position before any was
	chain   *Chain
	gapSeen time.Time
	backoff backoff
	err     error
}

// NewReader returns a reader; it begins to read with the first Next.
func NewReader(cfg ReaderConfig) *Reader {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 1 << 20
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Wait == nil {
		cfg.Wait = wait
	}
	if cfg.Jitter == nil {
		cfg.Jitter = rand.Float64
	}
	return &Reader{cfg: cfg, after: cfg.After, chain: cfg.NewChain()}
}

// Next returns the next message and how many are waiting behind it (-1: unknown). It waits for one until ctx ends, and
// waits out a broker that does not answer. A *GapError, or that the shard is gone (ErrNotFound), ends the reader.
func (r *Reader) Next(ctx context.Context) (*Message, int64, error) {
	for {
		m, pending, err := r.attempt(ctx, ctx)
		if m != nil || r.err != nil {
			return m, pending, r.err
		}
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		if err == nil {
			continue
		}
		if err = r.cfg.Wait(ctx, r.backoff.next(reasonNoAnswer, r.cfg.Jitter())); err != nil {
			return nil, 0, err
		}
	}
}

// Poll is Next without waiting: nil without an error when nothing is there now, or the broker does not answer.
func (r *Reader) Poll(ctx context.Context) (*Message, int64, error) {
	m, pending, _ := r.attempt(ctx, ended)
	return m, pending, r.err
}

// ended is a context that has ended: a cursor asked with it gives what is there.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// attempt opens the read if need be and asks it once. An error that ends the reader is kept in r.err.
func (r *Reader) attempt(ctx, waitCtx context.Context) (*Message, int64, error) {
	if r.err != nil {
		return nil, 0, r.err
	}
	if r.cursor == nil {
		if err := r.open(ctx); err != nil {
			return nil, 0, err
		}
	}
	m, pending, err := r.cursor.Next(waitCtx)
	if err != nil {
		if waitCtx.Err() != nil && errors.Is(err, waitCtx.Err()) {
			return nil, 0, nil
		}
		r.cursor.Close()
		r.cursor = nil
		if !errors.Is(err, ErrNoAnswer) {
			r.err = fmt.Errorf("read %s: %w", r.cfg.Topic, err)
		}
		return nil, 0, err
	}
	if r.err = r.chain.Follow(m); r.err != nil {
		r.Close()
		return nil, 0, r.err
	}
	r.last, r.backoff = m, backoff{}
	return m, pending, nil
}

// open checks the position and begins the read behind it.
func (r *Reader) open(ctx context.Context) error {
	at := r.Position()
	info, err := check(ctx, r.cfg.Log, r.cfg.Topic, at)
	switch {
	case errors.Is(err, ErrGap):
		if r.confirmed(info) {
			r.err = err
		}
		return err
	case errors.Is(err, ErrNotFound): // a server that has just started may not know its streams yet
		if r.confirmed(Info{Replicas: 2}) {
			r.err = err
		}
		return err
	case err != nil:
		return err
	}
	r.gapSeen, r.info = time.Time{}, info
	if r.after.Created == 0 {
		r.after.Created = info.Created.UnixNano()
	}
	c, err := r.cfg.Log.Read(ctx, at.Seq+1, r.cfg.MaxBytes, r.cfg.Filters...)
	if err != nil {
		return fmt.Errorf("read %s behind %d: %w", r.cfg.Topic, at.Seq, err)
	}
	r.cursor = c
	return nil
}

// confirmed tells whether a gap at the start has been seen for long enough to be believed.
func (r *Reader) confirmed(info Info) bool {
	confirm := r.cfg.Confirm
	if confirm == 0 && info.Replicas > 1 {
		confirm = 15 * time.Second
	}
	now := r.cfg.Now()
	if r.gapSeen.IsZero() {
		r.gapSeen = now
	}
	return now.Sub(r.gapSeen) >= confirm
}

// Position returns the bookmark of the last message delivered, or the one the reader began with.
func (r *Reader) Position() Bookmark {
	if r.last == nil {
		return r.after
	}
	return Mark(r.info, r.last)
}

// Mark returns the bookmark of a message that this reader delivered.
func (r *Reader) Mark(m *Message) Bookmark { return Mark(r.info, m) }

// Created returns the identity of the shard it reads, ns since the epoch; 0 before the first read.
func (r *Reader) Created() int64 { return r.after.Created }

// Chain returns the last sequence of each subject up to the position.
func (r *Reader) Chain() map[string]uint64 { return r.chain.Last() }

// Close ends the read.
func (r *Reader) Close() {
	if r.cursor != nil {
		r.cursor.Close()
		r.cursor = nil
	}
}
