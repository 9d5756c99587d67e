package lease_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/internal/lease"
)

func TestMain(m *testing.M) {
	// The embedded server's own goroutines end some time after its shutdown.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine.func1"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).syncBlocks"))
}

func openJS(t *testing.T) jetstream.JetStream {
	t.Helper()
	s, err := broker.Start(context.Background(), broker.Config{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := s.Leat("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); _ = s.Shutdown() })
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// member runs a manager until stop is called; silence of others is noticed after 400 ms.
func member(t *testing.T, js jetstream.JetStream, id string) (m *lease.Manager, stop func()) {
	t.Helper()
	m, err := lease.Open(t.Context(), js, lease.Config{
		ID: id, Roles: []string{"engine"},
		Heartbeat: 50 * time.Millisecond, Timeout: 400 * time.Millisecond, Status: func() json.RawMessage {
			return json.RawMessage(`{}`)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	var once atomic.Bool
	stop = func() {
		if once.CompareAndSwap(false, true) {
			cancel()
			<-done
		}
	}
	t.Cleanup(stop)
	wait(t, m, "it is ready", m.Ready)
	return m, stop
}

// wait waits for a condition, looked at when members or leases change.
func wait(t *testing.T, m *lease.Manager, what string, ok func() bool) {
	t.Helper()
	end := time.After(20 * time.Second)
	for {
		changed := m.Changed()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-end:
			t.Fatalf("%s: not so after 20 s", what)
		}
	}
}

// TestLeases takes, keeps, gives back and takes over.
func TestLeases(t *testing.T) {
	t.Parallel()
	js := openJS(t)
	a, stopA := member(t, js, "a")
	b, _ := member(t, js, "b")
	wait(t, b, "b sees a", func() bool { return len(b.Live("engine")) == 2 })
	acquire := func(m *lease.Manager, want uint64) {
		t.Helper()
		epoch, err := m.Acquire(t.Context(), "q1.1.0")
		if err != nil || epoch != want {
			t.Fatalf("%s gets epoch %d, %v; want %d", m.ID(), epoch, err, want)
		}
	}
	acquire(a, 1)
	if _, err := b.Acquire(t.Context(), "q1.1.0"); !errors.Is(err, lease.ErrHeld) {
		t.Errorf("b takes the lease of a: %v", err)
	}
	acquire(a, 2) // a restart in place
	if !a.Mine("q1.1.0", 2) || a.Mine("q1.1.0", 1) {
		t.Error("a does not know its lease")
	}
	if err := a.Release(t.Context(), "q1.1.0", 1); err != nil { // of an older epoch: nothing
		t.Error(err)
	}
	if _, err := b.Acquire(t.Context(), "q1.1.0"); !errors.Is(err, lease.ErrHeld) {
		t.Errorf("b takes the lease of a: %v", err)
	}
	if err := a.Release(t.Context(), "q1.1.0", 2); err != nil {
		t.Error(err)
	}
	acquire(b, 3)
	if err := b.Release(t.Context(), "q1.1.0", 3); err != nil {
		t.Error(err)
	}
	acquire(a, 4)
	stopA() // leaves
	wait(t, b, "a is gone", func() bool { return len(b.Live("engine")) == 1 })
	acquire(b, 5)
	wait(t, b, "b sees its lease", func() bool {
		e, ok := b.Owner("q1.1.0")
		return ok && e.Owner == "b" && e.Epoch == 5
	})
}

// TestSilence takes over from a member that stopped without a word, and forgets all of an earlier life.
func TestSilence(t *testing.T) {
	t.Parallel()
	js := openJS(t)
	a, _ := member(t, js, "a")
	kv, err := js.KeyValue(t.Context(), "LEAT_MEMBERS")
	if err != nil {
		t.Fatal(err)
	}
	beat, _ := json.Marshal(lease.Beat{ID: "dead", Roles: []string{"engine"}, N: 1})
	if _, err := kv.Put(t.Context(), "dead", beat); err != nil {
		t.Fatal(err)
	}
	leases, err := js.KeyValue(t.Context(), "LEAT_LEASES")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leases.Put(t.Context(), "q1.1.0", []byte(`{"owner":"dead","epoch":7}`)); err != nil {
		t.Fatal(err)
	}
	wait(t, a, "the silent one is seen", func() bool { return len(a.Live("engine")) == 2 })
	if _, err := a.Acquire(t.Context(), "q1.1.0"); !errors.Is(err, lease.ErrHeld) {
		t.Errorf("taken at once: %v", err)
	}
	wait(t, a, "the silent one is given up", func() bool { return len(a.Live("engine")) == 1 })
	if epoch, err := a.Acquire(t.Context(), "q1.1.0"); err != nil || epoch != 8 {
		t.Errorf("epoch %d, %v; want 8", epoch, err)
	}
	if _, err := kv.Put(t.Context(), "old", beat); err != nil {
		t.Fatal(err)
	}
	if err := a.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Get(t.Context(), "old"); !errors.Is(err, jetstream.ErrKeyNotFound) {
		t.Errorf("an earlier member is still there: %v", err)
	}
}

// TestPlace moves only what a member that joins takes, or one that leaves had; the order of members is nothing to it.
func TestPlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(r, "members")
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf("m%d", i))
		}
		more := append([]string{"new"}, members...)
		for i := range 64 {
			task := fmt.Sprintf("q%d.1.%d", rapid.IntRange(1, 99).Draw(r, "query"), i)
			before, after := lease.Place(task, members), lease.Place(task, more)
			if after != before && after != "new" {
				r.Fatalf("%s moves from %s to %s when another joins", task, before, after)
			}
			turned := append(append([]string{}, members[n/2:]...), members[:n/2]...)
			if got := lease.Place(task, turned); got != before {
				r.Fatalf("%s lies on %s or %s by the order of members", task, before, got)
			}
		}
	})
	if got := lease.Place("x", nil); got != "" {
		t.Errorf("placed on %q without members", got)
	}
}

// TestPool restarts work that fails, stops what is fatal until its version changes, and stops what is not wanted any
// more.
func TestPool(t *testing.T) {
	t.Parallel()
	js := openJS(t)
	m, _ := member(t, js, "a")
	errFatal := errors.New("the log has a hole")
	p := lease.NewPool(m, "engine", hclog.NewNullLogger(), func(err error) bool { return errors.Is(err, errFatal) })
	var flaky, fatal, steady atomic.Int32
	var version atomic.Value
	version.Store("1")
	var wanted atomic.Bool
	wanted.Store(true)
	ended := make(chan struct{})
	want := func() []lease.Work {
		list := []lease.Work{
			{Name: "flaky", Version: "1", Run: func(ctx context.Context, _ uint64) error {
				if flaky.Add(1) < 3 {
					return errors.New("the broker went away")
				}
				<-ctx.Done()
				return context.Cause(ctx)
			}},
			{Name: "fatal", Version: version.Load().(string), Run: func(context.Context, uint64) error {
				fatal.Add(1)
				return errFatal
			}},
		}
		if wanted.Load() {
			list = append(list, lease.Work{
				Name: "steady", Version: "1",
				Run: func(ctx context.Context, _ uint64) error {
					steady.Add(1)
					<-ctx.Done()
					close(ended)
					return context.Cause(ctx)
				},
			})
		}
		return list
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, want) }()
	state := func(name string) string {
		for _, s := range p.States() {
			if s.Name == name {
				return s.State
			}
		}
		return ""
	}
	wait(t, m, "flaky runs at the third start", func() bool { return flaky.Load() == 3 && state("flaky") == "running" })
	wait(t, m, "fatal is stopped", func() bool { return state("fatal") == "stopped" })
	if fatal.Load() != 1 {
		t.Errorf("fatal work was started %d times", fatal.Load())
	}
	version.Store("2")
	p.Look()
	wait(t, m, "fatal starts again with a new version", func() bool { return fatal.Load() == 2 })
	wait(t, m, "steady runs", func() bool { return steady.Load() == 1 })
	wanted.Store(false)
	p.Look()
	<-ended
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the pool ended with %v", err)
	}
}
