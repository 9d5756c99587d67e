// Package sink delivers results: it follows the catalog, and for each sink reads the topic of its object and writes the
// rows to a target, with the position beside them, so that a start goes on where the target stands.
package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/lease"
	"github.com/leatsql/leat/internal/telemetry"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// Role is the role of sinks among the members.
const Role = "sink"

// Config is what the service needs.
type Config struct {
	Conn    *nats.Conn // Leat's account
	App     *nats.Conn // the users' account
	Members *lease.Manager
	Log     hclog.Logger
	// Root, if not nil, confines files to a directory (leat serve).
	Root *os.Root
	// Console receives the rows of console sinks.
	Console  io.Writer
	Replicas int
	// Span starts the spans of deliveries; nil: none.
	Span telemetry.BatchSpan
}

// Service is a running sink service.
type Service struct {
	cfg   Config
	js    jetstream.JetStream // Leat's
	app   jetstream.JetStream // the users'
	store *catalog.Store
	view  *catalog.View
	kv    jetstream.KeyValue
	log   hclog.Logger
	pool  *lease.Pool

	// openTarget makes targets in tests; nil: those of the language.
	openTarget func(*delivery) (target, error)

	mu   sync.Mutex
	live map[string]*delivery
}

// New opens what the service needs; nothing runs until Run.
func New(ctx context.Context, cfg Config) (*Service, error) {
	js, err := jetstream.New(cfg.Conn)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	app, err := jetstream.New(cfg.App)
	if err != nil {
		return nil, fmt.Errorf("open JetStream of the users' account: %w", err)
	}
	store, err := catalog.Open(ctx, js, cfg.Replicas)
	if err != nil {
		return nil, err
	}
	kv, err := catalog.OpenBucket(ctx, js, catalog.BucketSinks, cfg.Replicas)
	if err != nil {
		return nil, err
	}
	log := cfg.Log.Named("sink")
	return &Service{
		cfg: cfg, js: js, app: app, store: store, kv: kv, log: log,
		pool: lease.NewPool(cfg.Members, Role, log, fatal), view: catalog.NewView(), live: map[string]*delivery{},
	}, nil
}

// Run serves until ctx ends and all deliveries have stopped.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.view.Follow(ctx, s.store, s.pool.Look) })
	g.Go(func() error { return s.pool.Run(ctx, s.wanted) })
	return g.Wait()
}

// fatal errors stop a sink until it is made anew: what is wrong does not change by itself.
func fatal(err error) bool {
	var f *fatalError
	return errors.As(err, &f)
}

type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

// parts is how many deliveries a sink is cut into: one per partition where the target is shared, one for a file or the
// console.
func parts(sink *catalog.Sink, o *plan.Object) int {
	if whole(sink) {
		return 1
	}
	return o.Partitions
}

// whole reports whether one delivery takes all partitions. Engines, which trim behind the positions of deliveries, name
// them by the same rule.
func whole(sink *catalog.Sink) bool { return sink.Target == "FILE" || sink.Target == "CONSOLE" }

// wanted lists the deliveries of all running sinks.
func (s *Service) wanted() []lease.Work {
	cat := s.view.Catalog()
	var out []lease.Work
	for name, sink := range cat.Sinks { // any order: the pool keeps them by name
		o := cat.Objects[sink.From]
		if sink.State != catalog.Running || o == nil {
			continue
		}
		n := parts(sink, o)
		for p := range n {
			d := &delivery{s: s, sink: sink, object: o, part: p}
			if whole(sink) {
				d.part = -1
			}
			out = append(out, lease.Work{
				Name:    "sink." + strings.ToLower(name) + "." + strconv.Itoa(p),
				Version: sink.Statement, Run: func(ctx context.Context, epoch uint64) error {
					return s.run(ctx, d, epoch)
				},
			})
		}
	}
	return out
}

// run registers a delivery for the reports while it runs.
func (s *Service) run(ctx context.Context, d *delivery, epoch uint64) error {
	s.mu.Lock()
	s.live[d.id()] = d
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.live, d.id())
		s.mu.Unlock()
	}()
	return d.run(ctx, epoch)
}

// counters are read by reports while the delivery runs.
type counters struct {
	delivered, dead, lag atomic.Uint64
	guarantee            atomic.Value // string
	reason               atomic.Value // string
}

// Report sums up the deliveries here by sink, for the heartbeat.
func (s *Service) Report() []api.SinkStatus {
	byName := map[string]*api.SinkStatus{}
	get := func(name string) *api.SinkStatus {
		if byName[name] == nil {
			byName[name] = &api.SinkStatus{Name: name, State: "running"}
		}
		return byName[name]
	}
	s.mu.Lock()
	for _, d := range s.live { // any order: sums do not hang on the order
		st := get(d.sink.Name)
		st.Delivered += d.n.delivered.Load()
		st.Dead += d.n.dead.Load()
		st.Lag += d.n.lag.Load()
		if g, ok := d.n.guarantee.Load().(string); ok {
			st.Guarantee = g
		}
		if r, ok := d.n.reason.Load().(string); ok && r != "" {
			st.Reason = r
		}
	}
	s.mu.Unlock()
	cat := s.view.Catalog()
	for _, w := range s.pool.States() {
		name := strings.Split(w.Name, ".")[1]
		if sink, ok := cat.Sink(name); ok && w.State != "running" {
			st := get(sink.Name)
			st.State, st.Reason = w.State, w.Reason
		}
	}
	out := make([]api.SinkStatus, 0, len(byName))
	for _, st := range byName { // any order: sorted below
		out = append(out, *st)
	}
	slices.SortFunc(out, func(a, b api.SinkStatus) int { return strings.Compare(a.Name, b.Name) })
	return out
}
