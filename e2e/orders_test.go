//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/e2e/rig"
	"github.com/leatsql/leat/internal/pause"
)

// The orders that publishers send. Everything about an order follows from its number, so that a test knows the answer
// to every query without asking.

const (
	orderBase     = int64(1_700_000_000_000)
	orderStep     = int64(7)    // ms of event time between orders
	orderCustomer = int64(200)  // orders of one customer in a row: a session
	orderSettled  = int64(1000) // from here on late orders are surely late
)

// order is what the number n stands for.
type order struct {
	id       int64
	customer string
	amount   int64
	ts       int64
	late     bool // an hour old: too old for every window
	garbage  bool // no JSON at all
}

const orderCustomers = 20

func orderOf(n int64) order {
	o := order{id: n, customer: fmt.Sprintf("c%02d", n/orderCustomer%orderCustomers), amount: n * 7919 % 1000}
	o.ts = orderBase + n*orderStep - n*31%700
	if n > orderSettled && n%97 == 0 {
		o.late, o.ts = true, o.ts-3_600_000
	}
	o.garbage = n%101 == 100
	return o
}

func (o order) payload() []byte {
	if o.garbage {
		return fmt.Appendf(nil, `{"id":%d,"customer":"broken`, o.id)
	}
	return fmt.Appendf(nil, `{"id":%d,"customer":%q,"amount":%d,"ts":%d}`, o.id, o.customer, o.amount, o.ts)
}

// publisher sends orders one after the other, each until it is acknowledged, under a message id.
type publisher struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	next int64 // the first order that is not acknowledged

	mu      sync.Mutex
	acked   int64
	retries int
	longest time.Duration // an order waited for its acknowledgement
}

func newPublisher(t *testing.T, addr string) *publisher {
	t.Helper()
	nc, err := nats.Connect("nats://"+addr, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
		nats.ReconnectJitter(0, 0), nats.RetryOnFailedConnect(true), nats.Timeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return &publisher{nc: nc, js: js}
}

// send sends one message until it is acknowledged.
func (p *publisher) send(ctx context.Context, subject, id string, data []byte) error {
	began := time.Now()
	for {
		actx, cancel := context.WithTimeout(ctx, time.Second)
		_, err := p.js.Publish(actx, subject, data, jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
		cancel()
		if err == nil {
			p.mu.Lock()
			p.longest = max(p.longest, time.Since(began))
			p.mu.Unlock()
			return nil
		}
		p.mu.Lock()
		p.retries++
		p.mu.Unlock()
		if !pause.For(ctx, 10*time.Millisecond) {
			return fmt.Errorf("publish %s: %w (%w)", id, err, context.Cause(ctx))
		}
	}
}

// run sends orders at the given rate until ctx ends; the last ones are settled all the same.
func (p *publisher) run(ctx context.Context, perSecond int) error {
	began, first := time.Now(), p.next
	for ctx.Err() == nil {
		due := first + int64(time.Since(began).Seconds()*float64(perSecond))
		if p.next+orderWindow > due {
			pause.For(ctx, 5*time.Millisecond)
			continue
		}
		if err := p.window(context.WithoutCancel(ctx), p.next+orderWindow); err != nil {
			return err
		}
	}
	return nil
}

// upTo sends orders until n are acknowledged.
func (p *publisher) upTo(ctx context.Context, n int64) error {
	for p.next < n {
		if err := p.window(ctx, min(n, p.next+orderWindow)); err != nil {
			return err
		}
	}
	return nil
}

const (
	settleWithin = 2 * time.Minute
	// Orders in flight: they may arrive in another order, but not so much later that one of them is late.
	orderWindow = 20
)

// window sends the orders up to n at once, and those that are not acknowledged again until all are.
func (p *publisher) window(ctx context.Context, n int64) error {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	began := time.Now()
	var open []int64
	for id := p.next; id < n; id++ {
		open = append(open, id)
	}
	for len(open) > 0 {
		if ctx.Err() != nil {
			return fmt.Errorf("%d orders from %d on are not acknowledged after %s", len(open), open[0], settleWithin)
		}
		if open = p.try(ctx, open); len(open) > 0 {
			pause.For(ctx, 10*time.Millisecond)
		}
	}
	p.next = n
	p.mu.Lock()
	p.acked, p.longest = n, max(p.longest, time.Since(began))
	p.mu.Unlock()
	return nil
}

// try sends orders and returns those that were not acknowledged in a second.
func (p *publisher) try(ctx context.Context, ids []int64) (failed []int64) {
	futures := make([]jetstream.PubAckFuture, len(ids))
	for i, id := range ids {
		futures[i], _ = p.js.PublishAsync("orders.new", orderOf(id).payload(),
			// without a future it is sent again
			jetstream.WithMsgID(fmt.Sprint("order-", id)), jetstream.WithRetryAttempts(0))
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for i, f := range futures {
		if !acknowledged(ctx, f) {
			failed = append(failed, ids[i])
		}
	}
	p.mu.Lock()
	p.retries += len(failed)
	p.mu.Unlock()
	return failed
}

func acknowledged(ctx context.Context, f jetstream.PubAckFuture) bool {
	if f == nil {
		return false
	}
	select {
	case <-f.Ok():
		return true
	case err := <-f.Err():
		return err == nil
	case <-ctx.Done():
		return false
	}
}

// count is how many orders are acknowledged.
func (p *publisher) count() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.acked
}

// startOrders starts leat dev, declares what the orders need, with files in the folder that it returns, and publishes
// until the first orders are counted.
func startOrders(t *testing.T) (*rig.Dev, *publisher, string) {
	t.Helper()
	d := rig.NewDev(t)
	folder := filepath.Join(d.Home, "out")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	d.Start()
	d.SQL(fmt.Sprintf(declareOrders, folder+"/"))
	p := newPublisher(t, d.NATS)
	sendCustomers(t, p)
	rig.Until(t, drainWithin, "customers are there", func() (bool, string) {
		rows, ok, words := d.Rows("SELECT * FROM customers")
		return ok && len(rows) == orderCustomers, fmt.Sprintf("%d %s", len(rows), words)
	})
	if err := p.upTo(t.Context(), orderSettled); err != nil {
		t.Fatal(err)
	}
	rig.Until(t, drainWithin, "the first orders are counted", func() (bool, string) {
		rows, ok, words := d.Rows("SELECT * FROM stats")
		return ok && len(rows) > 0, words
	})
	return d, p, folder
}

// between is a random time.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}
