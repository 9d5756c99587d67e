package topic

import (
	"context"
	"fmt"
)

// memoryCursor reads a Memory in place: it buffers nothing.
type memoryCursor struct {
	l       *Memory
	next    uint64
	filters []string
	life    int
	err     error
}

// Read implements Log. The cursor's Next gives a message that is there even when its context has ended, so a simulator
// polls it with an ended context and never blocks.
func (l *Memory) Read(ctx context.Context, from uint64, _ int, filters ...string) (Cursor, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read from %d: %w: %w", from, ErrNoAnswer, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readFault(OpRead) == ReadNoAnswer {
		return nil, ErrNoAnswer
	}
	return &memoryCursor{l: l, next: max(from, 1), filters: filters, life: l.life}, nil
}

// Next implements Cursor.
func (c *memoryCursor) Next(ctx context.Context) (*Message, int64, error) {
	for {
		m, pending, changed := c.take()
		if m != nil || c.err != nil {
			return m, pending, c.err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// take returns the next message and how many follow it, or nil and what to wait for.
func (c *memoryCursor) take() (*Message, int64, <-chan struct{}) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.err == nil && c.life != c.l.life {
		c.err = fmt.Errorf("read from %d: %w", c.next, ErrNoAnswer)
	}
	if c.err != nil {
		return nil, 0, nil
	}
	i, _ := c.l.find(c.next)
	for ; i < len(c.l.msgs); i++ {
		m := c.l.msgs[i]
		if !MatchAny(c.filters, m.Subject) {
			continue
		}
		if c.l.readFault(OpNext) == ReadNoAnswer {
			c.err = fmt.Errorf("read from %d: %w", c.next, ErrNoAnswer)
			return nil, 0, nil
		}
		c.next = m.Seq + 1
		return m, c.after(i + 1), nil
	}
	return nil, 0, c.l.changed
}

// after counts the matching messages from index i on, but no more than a glance is worth.
func (c *memoryCursor) after(i int) int64 {
	const glance = 1024
	n := int64(0)
	for ; i < len(c.l.msgs) && n < glance; i++ {
		if MatchAny(c.filters, c.l.msgs[i].Subject) {
			n++
		}
	}
	return n
}

// Close implements Cursor.
func (c *memoryCursor) Close() {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.err == nil {
		c.err = fmt.Errorf("read from %d: cursor is closed", c.next)
	}
}
