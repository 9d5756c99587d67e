package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/leatsql/leat/internal/format"
)

// ErrFull says that a queue takes no more for now: try later.
var ErrFull = errors.New("the queue is full: try again later")

// Queue is a source that somebody pushes messages into, such as an HTTP handler. It holds a bounded number and size of
// messages; beyond them it refuses, so that the pusher learns of it at once.
type Queue struct {
	// MaxMessages and MaxBytes bound what waits; default 256 and 16 MiB.
	MaxMessages, MaxBytes int

	once    sync.Once
	mu      sync.Mutex
	waiting []*Chunk
	bytes   int
	moved   chan struct{} // capacity 1
	closed  bool
	seq     uint64
	id      string
}

func (q *Queue) init() {
	q.once.Do(func() {
		q.moved = make(chan struct{}, 1)
		if q.MaxMessages == 0 {
			q.MaxMessages = 256
		}
		if q.MaxBytes == 0 {
			q.MaxBytes = 16 << 20
		}
	})
}

// Push adds a message. c.Done tells what became of it; Push sets its place. The queue keeps c.Data. It returns ErrFull,
// or an error for a message that is too large or comes after Close.
func (q *Queue) Push(c *Chunk) error {
	q.init()
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return fmt.Errorf("push a message: %w", io.ErrClosedPipe)
	case len(c.Data) > format.MaxRecordBytes:
		return fmt.Errorf("push a message: %d bytes are more than %d", len(c.Data), format.MaxRecordBytes)
	case len(q.waiting) >= q.MaxMessages || q.bytes > 0 && q.bytes+len(c.Data) > q.MaxBytes:
		return ErrFull
	}
	q.seq++
	c.Message, c.Start = true, Position{Seq: q.seq, ID: q.id}
	q.waiting = append(q.waiting, c)
	q.bytes += len(c.Data)
	q.wake()
	return nil
}

func (q *Queue) wake() {
	select {
	case q.moved <- struct{}{}:
	default:
	}
}

// Depth returns how many messages wait, and how many may.
func (q *Queue) Depth() (waiting, capacity int) {
	q.init()
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting), q.MaxMessages
}

// Open implements Source: messages are numbered on from there. What was not answered before is the pusher's to repeat.
func (q *Queue) Open(_ context.Context, from Position) error {
	q.init()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seq, q.id = max(q.seq, from.Seq), from.ID
	return nil
}

// Next implements Source.
func (q *Queue) Next(ctx context.Context) (*Chunk, error) {
	q.init()
	for {
		if c, err := q.pop(); c != nil || err != nil {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-q.moved:
		}
	}
}

func (q *Queue) pop() (*Chunk, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		if q.closed {
			q.wake()
			return nil, io.EOF
		}
		return nil, nil //nolint:nilnil // nothing yet
	}
	c := q.waiting[0]
	q.waiting = q.waiting[1:]
	q.bytes -= len(c.Data)
	c.More = len(q.waiting) > 0
	return c, nil
}

// Commit implements Source: whoever pushed learns it by Done.
func (q *Queue) Commit(context.Context, Position) error { return nil }

// Close implements Source: what waits is still delivered, then io.EOF.
func (q *Queue) Close() error {
	q.init()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
	return nil
}
