package topic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/leatsql/leat/internal/pause"
)

// WriterConfig describes a Writer. Only Log and Subject must be given.
type WriterConfig struct {
	Log     Log
	Subject string
	// ID names an append: two messages of the subject with the same ID are the same append. Empty means none. Default:
	// the header Leat-Provenance, in which writer, epoch and cursor tell every message of a subject apart.
	ID func(*Message) string
	// OnStatus hears when the writer begins or ends to wait for something that has a name. It may not block.
	OnStatus func(Status)
	// Now, Wait and Jitter are the time of the writer; a simulator brings its own. Jitter gives numbers in [0, 1).
	Now    func() time.Time
	Wait   func(context.Context, time.Duration) error
	Jitter func() float64
}

// Writer appends to one subject: fenced, one append in flight, each settled before the next. It is used by one
// goroutine; Stats may be read by any.
//
// Blocking: Fence, then Append again and again. Step by step: StartFence or Start, then Step until it is done; a Step
// makes one call to the log and says how long to wait before the next, so that a simulator drives many writers from one
// goroutine. Both ways run the same code.
type Writer struct {
	cfg      WriterConfig
	last     uint64 // the fence: sequence of the subject's last message
	fenced   bool
	fencing  EpochMessage // set while the subject is being fenced
	followed *Message     // the message behind which the subject was fenced, nil: none
	inFlight *Message
	state    settle
	act      action
	since    time.Time // when the append in flight began to wait
	backoff  backoff
	status   StatusKind
	silent   int // attempts without answer in a row
	stats    writerCounters
}

// WriterStats are totals since the writer began.
type WriterStats struct {
	Appended, Bytes uint64
	Retries         uint64 // attempts beyond the first of each append
	InDoubt         uint64 // appends of which an attempt was not answered
	BlockedNs       uint64 // waited for room
}

type writerCounters struct{ appended, bytes, retries, inDoubt, blockedNs atomic.Uint64 }

// NewWriter returns a writer that has fenced nothing yet.
func NewWriter(cfg WriterConfig) *Writer {
	if cfg.ID == nil {
		cfg.ID = func(m *Message) string { return m.Header[HeaderProvenance] }
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
	return &Writer{cfg: cfg}
}

// Subject returns the subject the writer appends to.
func (w *Writer) Subject() string { return w.cfg.Subject }

// Last returns the sequence of the subject's last message as far as the writer knows: its fence.
func (w *Writer) Last() uint64 { return w.last }

// InFlight tells whether something was started and is not settled.
func (w *Writer) InFlight() bool { return w.inFlight != nil || w.fencing != nil }

// Followed returns the message behind which the subject was fenced, nil when it was empty. It shows how far the owner
// before got.
func (w *Writer) Followed() *Message { return w.followed }

// Stats returns the totals.
func (w *Writer) Stats() WriterStats {
	return WriterStats{
		Appended: w.stats.appended.Load(), Bytes: w.stats.bytes.Load(), Retries: w.stats.retries.Load(),
		InDoubt: w.stats.inDoubt.Load(), BlockedNs: w.stats.blockedNs.Load(),
	}
}

// Append appends one message behind the writer's last and returns its sequence once that is certain. A full log, a
// broker that does not answer and an append in doubt are waited out. When ctx ends first the error says whether the
// append is in doubt (ErrInDoubt); only Resume may follow. Header and data may not change before it is settled.
func (w *Writer) Append(ctx context.Context, header map[string]string, data []byte) (uint64, error) {
	if err := w.Start(header, data); err != nil {
		return 0, err
	}
	return w.Resume(ctx)
}

// Resume goes on with the append in flight.
func (w *Writer) Resume(ctx context.Context) (uint64, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, w.interrupted(err)
		}
		p := w.Step(ctx)
		if p.Done {
			return p.Seq, p.Err
		}
		if p.Wait > 0 {
			if err := w.cfg.Wait(ctx, p.Wait); err != nil {
				return 0, w.interrupted(err)
			}
		}
	}
}

func (w *Writer) interrupted(cause error) error {
	if w.inFlight != nil && w.state.doubt {
		return fmt.Errorf("append to %s after %d: %w: %w", w.cfg.Subject, w.state.expect, ErrInDoubt, cause)
	}
	return fmt.Errorf("append to %s after %d: %w", w.cfg.Subject, w.last, cause)
}

// Start begins an append without making an attempt.
func (w *Writer) Start(header map[string]string, data []byte) error {
	switch {
	case w.inFlight != nil:
		return fmt.Errorf("append to %s after %d: %w", w.cfg.Subject, w.last, ErrInDoubt)
	case !w.fenced:
		return fmt.Errorf("append to %s: the writer has not fenced it", w.cfg.Subject)
	}
	return w.start(header, data)
}

func (w *Writer) start(header map[string]string, data []byte) error {
	m := &Message{Subject: w.cfg.Subject, Header: header, Data: data}
	id := w.cfg.ID(m)
	if id == "" {
		return fmt.Errorf("append to %s: the message has no identity", w.cfg.Subject)
	}
	w.inFlight = m
	w.state = settle{
		subject: w.cfg.Subject, expect: w.last, mine: func(other *Message) bool { return w.cfg.ID(other) == id },
	}
	w.act = actSend
	w.beginWait()
	return nil
}

func (w *Writer) beginWait() {
	w.silent, w.since, w.backoff = 0, w.cfg.Now(), backoff{}
}

// Progress is what a Step brought.
type Progress struct {
	Done bool
	Seq  uint64        // when done without error
	Err  error         // when done: ErrFenced, ErrCut, ErrTooLarge, ErrNotFound or what the log refused for ever
	Wait time.Duration // before the next Step
}

// Step makes one call to the log for what was started (and asks now and then whether a silent shard is still there). An
// ended ctx makes the call fail, and nothing else.
func (w *Writer) Step(ctx context.Context) Progress {
	if w.inFlight == nil {
		if w.fencing == nil {
			return Progress{Done: true, Err: fmt.Errorf("append to %s: nothing was started", w.cfg.Subject)}
		}
		return w.stepRead(ctx)
	}
	var a answer
	if w.act == actRead {
		a.m, a.err = w.cfg.Log.Get(ctx, w.state.read)
	} else {
		a.seq, a.err = w.cfg.Log.Append(ctx, w.inFlight, w.state.expect)
	}
	doubt := w.state.doubt
	w.act = w.state.next(a)
	if w.state.doubt && !doubt {
		w.stats.inDoubt.Add(1)
	}
	switch w.act {
	case actDone:
		return w.done()
	case actFail:
		if w.fencing != nil {
			return w.fenceRefused()
		}
		return w.stop(w.state.err)
	case actRead:
		return Progress{}
	case actSend:
	}
	w.stats.retries.Add(1)
	return w.again(ctx, a.err)
}

func (w *Writer) done() Progress {
	w.stats.appended.Add(1)
	w.stats.bytes.Add(uint64(len(w.inFlight.Data)))
	w.last, w.inFlight = w.state.seq, nil
	w.fenced, w.fencing = true, nil
	w.say(StatusRunning)
	return Progress{Done: true, Seq: w.last}
}

func (w *Writer) stop(err error) Progress {
	w.inFlight, w.fencing, w.fenced = nil, nil, false
	w.say(StatusStopped)
	return Progress{Done: true, Err: err}
}

// again says how long to wait before the same append goes out again, and gives the wait its name.
func (w *Writer) again(ctx context.Context, cause error) Progress {
	if w.state.why == reasonNoAnswer {
		w.silent++
		if w.silent%8 == 0 && w.gone(ctx) {
			return w.stop(fmt.Errorf("append to %s: the shard is gone: %w", w.cfg.Subject, ErrNotFound))
		}
	} else {
		w.silent = 0
	}
	d := w.backoff.next(w.state.why, w.cfg.Jitter())
	if w.state.why == reasonFull {
		w.stats.blockedNs.Add(uint64(d))
	}
	waited := w.cfg.Now().Sub(w.since) + d
	w.sayWaiting(w.state.why, waited, cause)
	return Progress{Wait: d}
}

// gone tells whether the broker answers, and has no such shard.
func (w *Writer) gone(ctx context.Context) bool {
	_, err := w.cfg.Log.Info(ctx)
	return errors.Is(err, ErrNotFound)
}

func wait(ctx context.Context, d time.Duration) error {
	if !pause.For(ctx, d) {
		return ctx.Err()
	}
	return nil
}
