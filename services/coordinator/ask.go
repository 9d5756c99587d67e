package coordinator

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
)

// How long a request waits for someone to take it: what was created a moment ago has no ingest or engine yet.
const (
	takeUp      = 5 * time.Second
	takeUpPause = 25 * time.Millisecond
)

// ask sends a request inside Leat's account, again while nobody is there to take it, for takeUp at most. wait bounds
// the answer of the one who takes it.
func (c *Coordinator) ask(ctx context.Context, msg *nats.Msg, wait time.Duration) (*nats.Msg, error) {
	end := time.Now().Add(takeUp)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		m, err := c.askOnce(ctx, msg, wait)
		if !errors.Is(err, nats.ErrNoResponders) || time.Now().After(end) {
			return m, err
		}
		pause.Reset(takeUpPause)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-pause.C:
		}
	}
}

func (c *Coordinator) askOnce(ctx context.Context, msg *nats.Msg, wait time.Duration) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return c.cfg.Conn.RequestMsgWithContext(ctx, msg)
}
