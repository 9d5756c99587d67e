//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/leatsql/leat/e2e/rig"
	"github.com/leatsql/leat/internal/pause"
)

const (
	takeWithin = 45 * time.Second               // a service that died or hangs is replaced
	hangFor    = 15 * time.Second               // longer than the lease
	orderCycle = orderCustomers * orderCustomer // orders in which every customer has his turn
)

// services are the processes of TestServices.
type services struct {
	*rig.Cluster
	t                     *testing.T
	p                     *publisher
	ingest, engine1, sink *rig.Process
	engine2               *rig.Process
}

// behind tells which customer's last big order the sink has not delivered.
func (s *services) behind(last map[string]int64) string {
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Second)
	defer cancel()
	st, err := s.p.js.Stream(ctx, "OUT_BIG_OUT")
	if err != nil {
		return err.Error()
	}
	for c, id := range last {
		m, err := st.GetLastMsgForSubject(ctx, "out.big."+c)
		if err != nil {
			return c + ": " + err.Error()
		}
		if got := number(rig.Decode(s.t, string(m.Data))[0]["id"]); got+orderWindow < id {
			return fmt.Sprintf("%s: order %d of %d", c, got, id)
		}
	}
	return ""
}

// flows waits until what is published so far comes out on every partition, and returns how long that took.
func (s *services) flows(after string) {
	s.t.Helper()
	began, last := time.Now(), map[string]int64{}
	for id := range wantOf(s.p.count() + orderCycle).big {
		c := orderOf(id).customer
		last[c] = max(last[c], id)
	}
	rig.Until(s.t, takeWithin, "rows flow after "+after, func() (bool, string) {
		words := s.behind(last)
		return words == "", words
	})
	s.t.Logf("rows flow %s after %s", time.Since(began).Round(10*time.Millisecond), after)
}

// TestServices runs the services as processes and lets each die or hang in turn, while a client publishes.
func TestServices(t *testing.T) {
	t.Parallel()
	s := &services{Cluster: rig.NewCluster(t), t: t}
	s.Serve("coordinator")
	s.ingest, s.engine1, s.engine2, s.sink = s.Serve("ingest"), s.Serve("engine"), s.Serve("engine"), s.Serve("sink")
	s.SQL(fmt.Sprintf(declareOrders, ""))
	s.p = newPublisher(t, s.Dev.NATS)
	sendCustomers(t, s.p)
	rig.Until(t, takeWithin, "customers are there", func() (bool, string) {
		rows, ok, words := s.Rows("SELECT * FROM customers")
		return ok && len(rows) == orderCustomers, fmt.Sprintf("%d %s", len(rows), words)
	})
	if err := s.p.upTo(t.Context(), orderSettled); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	published := make(chan error, 1)
	go func() { published <- s.p.run(ctx, 1500) }()
	s.flows("the start")
	s.engine1.Kill()
	s.flows("an engine died")
	s.engine1 = s.Serve("engine")
	s.flows("another engine joined")
	s.ingest.Kill()
	s.ingest = s.Serve("ingest")
	s.flows("ingest died")
	s.sink.Kill()
	s.sink = s.Serve("sink")
	s.flows("the sink died")
	s.Kill()
	s.flows("the coordinator died")
	s.Serve("coordinator")
	s.zombies(ctx)
	stop()
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	checkOrders(t, s.Dev, s.p, s.Root())
}

// zombies stops an engine and the sink for longer than their leases while others take over, and lets them go on.
func (s *services) zombies(ctx context.Context) {
	second := s.Serve("sink")
	s.flows("a second sink joined")
	began := time.Now()
	for _, p := range []*rig.Process{s.engine2, s.sink} {
		p.Signal(syscall.SIGSTOP)
	}
	s.flows("an engine and a sink hang")
	pause.For(ctx, hangFor-time.Since(began))
	for _, p := range []*rig.Process{s.engine2, s.sink} {
		p.Signal(syscall.SIGCONT)
	}
	s.flows("they go on")
	s.sink.Signal(syscall.SIGINT)
	if code := s.sink.Wait(takeWithin); code != 130 {
		s.t.Errorf("the sink ended with code %d, want 130", code)
	}
	s.sink = second
	s.flows("the sink left")
}
