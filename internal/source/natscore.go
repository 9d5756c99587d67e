package source

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leatsql/leat/pkg/messages"
)

// Limits of what waits for a core subscription; beyond them the client drops, which Dropped counts.
const (
	coreMessages = 65_536
	coreBytes    = 64 << 20
)

// Core reads a subject of core NATS: at most once. What is published while nobody reads is gone.
type Core struct {
	Conn    *nats.Conn
	Subject string
	Clock   func() int64 // ms; nil: the wall clock, as the time of arrival

	sub     *nats.Subscription
	seq     uint64
	chunk   Chunk
	dropped atomic.Int64
}

// Open implements Source: messages are numbered on from there.
func (s *Core) Open(_ context.Context, from Position) error {
	sub, err := s.Conn.SubscribeSync(s.Subject)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.Subject, err)
	}
	if err := sub.SetPendingLimits(coreMessages, coreBytes); err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.Subject, err)
	}
	s.sub, s.seq = sub, from.Seq
	if s.Clock == nil {
		s.Clock = wallClock
	}
	return nil
}

func wallClock() int64 { return time.Now().UnixMilli() }

// Next implements Source.
func (s *Core) Next(ctx context.Context) (*Chunk, error) {
	for {
		m, err := s.sub.NextMsgWithContext(ctx)
		if errors.Is(err, nats.ErrSlowConsumer) {
			n, e := s.sub.Dropped()
			if e == nil {
				s.dropped.Store(int64(n))
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read subject %s: %w", s.Subject, err)
		}
		s.seq++
		waiting, _, err := s.sub.Pending()
		s.chunk = Chunk{
			Data: m.Data, Message: true, Start: Position{Seq: s.seq}, Subject: m.Subject, TimeMs: s.Clock(),
			More: err == nil && waiting > 0,
		}
		envelope(&s.chunk, m.Header)
		return &s.chunk, nil
	}
}

// envelope copies what follows a record through Leat out of the headers of a message.
func envelope(c *Chunk, h nats.Header) {
	if len(h) == 0 {
		return
	}
	c.Headers = h
	e := messages.ReadEnvelope(h)
	c.Correlation, c.Traceparent, c.Baggage = e.CorrelationID, e.TraceParent, e.Baggage
}

// Dropped returns how many messages the client dropped because they were not taken in time.
func (s *Core) Dropped() int64 { return s.dropped.Load() }

// Commit implements Source.
func (s *Core) Commit(context.Context, Position) error { return nil }

// Close implements Source.
func (s *Core) Close() error {
	if s.sub == nil {
		return nil
	}
	err := s.sub.Unsubscribe()
	gone := errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubscription)
	if err != nil && !gone {
		return fmt.Errorf("unsubscribe from %s: %w", s.Subject, err)
	}
	return nil
}
