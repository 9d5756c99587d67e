// Package engine runs the tasks of queries: it follows the catalog, takes the leases of the tasks that are placed here,
// and runs each with its state. It never appends but through internal/task.
package engine

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/lease"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/telemetry"
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// Role is the role of engines among the members.
const Role = "engine"

// Config is what an engine needs.
type Config struct {
	Conn     *nats.Conn // Leat's account
	Members  *lease.Manager
	Log      hclog.Logger
	Replicas int
	// State is the memory of all tasks' state, which lies in files above it; nil: memory without a limit.
	State *arena.Budget
	// Span starts the spans of steps; nil: none.
	Span telemetry.BatchSpan
	// Snapshot is the time between snapshots of a task that took something (default 10 s).
	Snapshot time.Duration
}

// Engine is a running engine.
type Engine struct {
	cfg   Config
	js    jetstream.JetStream
	store *catalog.Store
	view  *catalog.View
	log   hclog.Logger
	res   *resources
	pool  *lease.Pool
	// Tasks that read one partition share its reader.
	shared *shared

	mu    sync.Mutex
	plans map[string]planned   // by query id
	live  map[string]*liveTask // running tasks, by name
}

// New opens what an engine needs; nothing runs until Run.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	js, err := jetstream.New(cfg.Conn)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	store, err := catalog.Open(ctx, js, cfg.Replicas)
	if err != nil {
		return nil, err
	}
	log := cfg.Log.Named("engine")
	e := &Engine{
		cfg: cfg, js: js, store: store, log: log, pool: lease.NewPool(cfg.Members, Role, log, fatal),
		view: catalog.NewView(), plans: map[string]planned{}, live: map[string]*liveTask{},
		shared: newShared(),
	}
	if e.res, err = openResources(ctx, js, cfg); err != nil {
		return nil, err
	}
	return e, nil
}

// Run serves until ctx ends and all tasks have stopped.
func (e *Engine) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.view.Follow(ctx, e.store, e.pool.Look) })
	g.Go(func() error { return e.trim(ctx) })
	g.Go(func() error { return e.nudge(ctx) })
	g.Go(func() error { return e.pool.Run(ctx, e.wanted) })
	return g.Wait()
}

// want is a task that should run.
type want struct {
	query     *catalog.Query
	stage     *plan.Stage
	plan      *plan.Plan
	partition int
}

func (w want) name() string { return stage.TaskName(w.stage, w.partition) }

// wanted lists the tasks of all running queries.
func (e *Engine) wanted() []lease.Work {
	cat := e.view.Catalog()
	e.mu.Lock()
	maps.DeleteFunc(e.plans, func(id string, _ planned) bool { return cat.Queries[id] == nil })
	e.mu.Unlock()
	var out []lease.Work
	for id, q := range cat.Queries { // any order: the pool keeps them by name
		if q.State != catalog.Running {
			continue
		}
		p, err := e.planOf(q, cat)
		if err != nil {
			e.log.Error("query cannot be planned", "query", id, "error", err)
			continue
		}
		for _, s := range p.Stages {
			for n := range s.Partitions {
				w := want{query: q, stage: s, plan: p, partition: n}
				out = append(out, lease.Work{
					Name: w.name(), Version: strconv.Itoa(q.Generation),
					Run: func(ctx context.Context, epoch uint64) error { return e.run(ctx, w, epoch) },
				})
			}
		}
	}
	return out
}

// planned is the plan of one generation of a query.
type planned struct {
	plan       *plan.Plan
	generation int
}

// planOf plans a query once.
func (e *Engine) planOf(q *catalog.Query, cat *catalog.Catalog) (*plan.Plan, error) {
	e.mu.Lock()
	have := e.plans[q.ID]
	e.mu.Unlock()
	if have.plan != nil && have.generation == q.Generation {
		return have.plan, nil
	}
	p, err := q.Plan(cat.Objects[q.Result])
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.plans[q.ID] = planned{plan: p, generation: q.Generation}
	e.mu.Unlock()
	return p, nil
}

// Report tells the state of the tasks here, for the heartbeat.
func (e *Engine) Report() []api.TaskReport {
	var out []api.TaskReport
	for _, s := range e.pool.States() {
		parts := strings.Split(s.Name, ".")
		r := api.TaskReport{
			Name: s.Name, Query: parts[0], Stage: strings.Join(parts[:len(parts)-1], "."),
			State: s.State, Reason: s.Reason,
		}
		e.mu.Lock()
		t := e.live[s.Name]
		e.mu.Unlock()
		if t != nil {
			t.report(&r)
		}
		out = append(out, r)
	}
	return out
}
