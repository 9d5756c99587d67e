package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/xid"
	"golang.org/x/sync/errgroup"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/lease"
	"github.com/leatsql/leat/internal/telemetry"
	"github.com/leatsql/leat/internal/web"
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/services/coordinator"
	"github.com/leatsql/leat/services/engine"
	"github.com/leatsql/leat/services/ingest"
	"github.com/leatsql/leat/services/sink"
)

// The roles of services.
const roleCoordinator = "coordinator"

var allRoles = []string{ingest.Role, engine.Role, sink.Role, roleCoordinator}

// nodeConfig is a process with some of the services.
type nodeConfig struct {
	roles     []string
	leat, app *nats.Conn
	natsURL   string       // told to users
	listener  net.Listener // HTTP; nil: none
	telemetry *telemetry.Telemetry
	root      *os.Root  // confines files; nil: the user's own
	console   io.Writer // rows of console sinks
	replicas  int
	// fresh: the server's folder is this process's alone; what earlier members left is void.
	fresh       bool
	eagerFiles  bool
	partitions  int
	state       *arena.Budget // memory of the state of queries; nil: no limit
	onReady     func(*coordinator.Coordinator)
	onOpen      func(*node) // hears of the node before it runs
	heartbeat   time.Duration
	memberStale time.Duration
}

// node is a running process.
type node struct {
	cfg     nodeConfig
	members *lease.Manager
	ingest  *ingest.Service
	engine  *engine.Engine
	sink    *sink.Service
}

func (n *node) has(role string) bool { return slices.Contains(n.cfg.roles, role) }

// runNode runs the services until ctx ends. When it returns, nothing it started is left.
func runNode(ctx context.Context, cfg nodeConfig) error {
	n := &node{cfg: cfg}
	if err := n.open(ctx); err != nil {
		return err
	}
	if cfg.onOpen != nil {
		cfg.onOpen(n)
	}
	g, ctx := errgroup.WithContext(ctx)
	services, sctx := errgroup.WithContext(ctx)
	if n.ingest != nil {
		services.Go(func() error { return n.ingest.Run(sctx) })
	}
	if n.engine != nil {
		services.Go(func() error { return n.engine.Run(sctx) })
	}
	if n.sink != nil {
		services.Go(func() error { return n.sink.Run(sctx) })
	}
	mux := http.NewServeMux()
	cfg.telemetry.Handle(mux)
	if n.has(roleCoordinator) {
		services.Go(func() error { return coordinator.Run(sctx, n.coordinator(mux)) })
	} else if cfg.onReady != nil {
		cfg.onReady(nil)
	}
	// The member outlives the services: leases are given back before it leaves.
	mctx, leave := context.WithCancelCause(context.WithoutCancel(ctx))
	g.Go(func() error {
		err := services.Wait()
		leave(context.Canceled)
		return err
	})
	g.Go(func() error { return ignoreCancel(n.members.Run(mctx)) })
	g.Go(func() error { return n.measure(mctx) })
	if cfg.listener != nil {
		g.Go(func() error { return web.Serve(ctx, cfg.listener, web.Guard(mux), cfg.telemetry.Log.Named("http")) })
	}
	n.addChecks()
	return g.Wait()
}

func ignoreCancel(err error) error {
	if err == context.Canceled { //nolint:errorlint // the cause as it was given
		return nil
	}
	return err
}

// open opens the services.
func (n *node) open(ctx context.Context) error {
	js, err := jetstream.New(n.cfg.leat)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	log := n.cfg.telemetry.Log
	n.members, err = lease.Open(ctx, js, lease.Config{
		ID: xid.New().String(), Roles: n.cfg.roles,
		Replicas: n.cfg.replicas, Status: n.status, Heartbeat: n.cfg.heartbeat, Timeout: n.cfg.memberStale,
	})
	if err != nil {
		return err
	}
	if n.cfg.fresh {
		if err := n.members.Clear(ctx); err != nil {
			return err
		}
	}
	if n.has(ingest.Role) {
		n.ingest, err = ingest.New(ctx, ingest.Config{
			Span: n.cfg.telemetry.StartBatch,
			Conn: n.cfg.leat, App: n.cfg.app, Members: n.members, Log: log,
			Replicas: n.cfg.replicas, FileRoot: n.cfg.root, EagerFiles: n.cfg.eagerFiles,
		})
		if err != nil {
			return err
		}
	}
	if n.has(engine.Role) {
		n.engine, err = engine.New(ctx, engine.Config{
			Span: n.cfg.telemetry.StartBatch,
			Conn: n.cfg.leat, Members: n.members, Log: log,
			Replicas: n.cfg.replicas, State: n.cfg.state,
		})
		if err != nil {
			return err
		}
	}
	if n.has(sink.Role) {
		n.sink, err = sink.New(ctx, sink.Config{
			Span: n.cfg.telemetry.StartBatch,
			Conn: n.cfg.leat, App: n.cfg.app, Members: n.members, Log: log,
			Root: n.cfg.root, Console: n.cfg.console, Replicas: n.cfg.replicas,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (n *node) coordinator(mux *http.ServeMux) coordinator.Config {
	c := coordinator.Config{
		Tracer: n.cfg.telemetry.Tracer,
		Conn:   n.cfg.leat, Members: n.members, Log: n.cfg.telemetry.Log, NATSAddress: n.cfg.natsURL,
		Replicas: n.cfg.replicas, Partitions: n.cfg.partitions, Version: semver(),
		Budget:   n.cfg.state,
		FileRoot: n.cfg.root, Files: true, App: n.cfg.app,
	}
	if n.cfg.listener != nil {
		c.HTTPAddress = "http://" + n.cfg.listener.Addr().String()
	}
	c.OnReady = func(co *coordinator.Coordinator) {
		mux.Handle("/api/v1/", co.Handler())
		if n.cfg.onReady != nil {
			n.cfg.onReady(co)
		}
	}
	return c
}

// report is what this process tells of itself.
func (n *node) report() api.MemberReport {
	var r api.MemberReport
	if n.ingest != nil {
		r.Sources = n.ingest.Report()
	}
	if n.engine != nil {
		r.Tasks = n.engine.Report()
	}
	if n.sink != nil {
		r.Sinks = n.sink.Report()
	}
	return r
}

// status is the heartbeat's content.
func (n *node) status() json.RawMessage {
	data, err := json.Marshal(n.report())
	if err != nil {
		return nil
	}
	return data
}

// addChecks registers the health checks.
func (n *node) addChecks() {
	h := n.cfg.telemetry.Health
	h.Add(telemetry.Ready, "nats", func(context.Context) telemetry.Finding {
		if n.cfg.leat.IsConnected() {
			return telemetry.Finding{State: telemetry.OK, Value: "connected"}
		}
		return telemetry.Finding{
			State: telemetry.Unhealthy, Value: n.cfg.leat.Status().String(),
			Detail: "no connection to NATS",
		}
	})
	h.Add(telemetry.Ready, "members", func(context.Context) telemetry.Finding {
		if n.members.Ready() {
			return telemetry.Finding{State: telemetry.OK}
		}
		return telemetry.Finding{State: telemetry.Unhealthy, Detail: "members and leases are not known yet"}
	})
	h.Add(telemetry.Ready, "work", func(context.Context) telemetry.Finding {
		stopped := 0
		for _, t := range n.report().Tasks {
			if t.State == "stopped" {
				stopped++
			}
		}
		if stopped > 0 {
			return telemetry.Finding{
				State: telemetry.Degraded, Value: fmt.Sprint(stopped),
				Detail: "tasks are stopped; SHOW QUERIES EXTENDED says why",
			}
		}
		return telemetry.Finding{State: telemetry.OK}
	})
}
