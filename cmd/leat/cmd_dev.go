package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/internal/telemetry"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/internal/web"
	"github.com/leatsql/leat/services/coordinator"
)

// devFlags are the flags of leat dev.
type devFlags struct {
	data       string
	memory     bool
	demo       bool
	http       string
	durability string
	partitions int
	define     []string
	state      stateFlags
}

func newDevCmd(g *globals) *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev [FILE.sql...]",
		Short: "Run everything in one process over an embedded NATS server",
		Long: "Starts an embedded NATS server with JetStream on loopback and all services in one process, then runs " +
			"the given scripts (statements whose object exists already are left out). --nats HOST:PORT says where to " +
			"listen (port 0: any free port), a URL such as nats://host:4222 uses that server and embeds none. Ctrl-C " +
			"stops cleanly; a later start goes on from where it stopped.",
		Example: "  leat dev --demo\n  leat dev --data ./data --nats 127.0.0.1:4333 --http 127.0.0.1:4280 app.sql",
		Args:    argsBetween(0, -1),
		RunE:    func(cmd *cobra.Command, args []string) error { return g.dev(cmd.Context(), args, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.data, "data", "", "data folder (default: leat/data in the user's data folder)")
	fl.BoolVar(&f.memory, "memory", false, "keep everything in a temporary folder that is removed at the end")
	fl.BoolVar(&f.demo, "demo", false, "a generated market with standing queries, results on the terminal")
	fl.StringVar(&f.http, "http", "", "HTTP address HOST:PORT (default "+web.DefaultAddr+"; port 0: any free port)")
	fl.Var(newChoice(&f.durability, string(broker.Process), string(broker.Process), string(broker.Power)), "durability",
		"what acknowledged data survives: process (any kill) or power (a power cut too, slower)")
	fl.IntVar(&f.partitions, "partitions", 0, "partitions of new sources (default 8)")
	fl.StringArrayVar(&f.define, "define", nil, "NAME=VALUE: what ${NAME} stands for in the scripts (repeatable)")
	f.state.add(fl, "the data folder")
	cmd.MarkFlagsMutuallyExclusive("data", "memory")
	return cmd
}

// dataDir is the folder of leat dev.
func (g *globals) dataDir(f devFlags) (string, error) {
	if f.data != "" || f.memory {
		return f.data, nil
	}
	if dir := g.env("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "leat", "data"), nil
	}
	home := g.env("HOME")
	if home == "" {
		return "", errcode.New(errcode.BadConfig, "neither XDG_DATA_HOME nor HOME is set").
			WithHint("--data DIR names the folder")
	}
	return filepath.Join(home, ".local", "share", "leat", "data"), nil
}

// dev runs leat dev.
func (g *globals) dev(ctx context.Context, scripts []string, f devFlags) error {
	t, err := g.telemetry(ctx, "leat-dev", f.demo)
	if err != nil {
		return err
	}
	defer shutdownTelemetry(ctx, t)
	if f.memory {
		dir, err := os.MkdirTemp("", "leat-dev-")
		if err != nil {
			return errcode.New(errcode.StoreBad, "make a temporary folder: %w", err)
		}
		defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
		f.data, f.memory = dir, false
	}
	cfg := nodeConfig{
		roles: allRoles, telemetry: t, console: g.stdout, partitions: f.partitions,
		heartbeat: time.Second,
	}
	stop, err := g.devBroker(ctx, f, &cfg)
	if err != nil {
		return err
	}
	defer stop()
	if cfg.listener, err = web.Listen(ctx, orDefault(f.http, web.DefaultAddr), f.http == ""); err != nil {
		return err
	}
	remove, err := g.writeDevState(devState{
		NATS: cfg.natsURL, HTTP: "http://" + cfg.listener.Addr().String(),
		Data: f.data,
	})
	if err != nil {
		g.hintf("the state file is not written, so other commands need --nats: %v", err)
	} else {
		defer func() { _ = remove() }()
	}
	return g.devRun(ctx, scripts, f, cfg)
}

func orDefault(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

// telemetry makes a process's telemetry. A demo keeps its terminal for results: only warnings are logged, as text.
func (g *globals) telemetry(ctx context.Context, service string, quiet bool) (*telemetry.Telemetry, error) {
	logs, err := g.logConfig()
	if err != nil {
		return nil, err
	}
	if quiet && !g.given("log-level") {
		if logs.Level, err = telemetry.ParseLevel("error"); err != nil {
			return nil, err
		}
	}
	t, err := telemetry.New(ctx, telemetry.Config{Service: service, Version: version, Log: logs, Getenv: g.env})
	if err != nil {
		return nil, errcode.New(errcode.BadConfig, "%w", err)
	}
	return t, nil
}

const telemetryTimeout = 3 * time.Second

func shutdownTelemetry(ctx context.Context, t *telemetry.Telemetry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), telemetryTimeout)
	defer cancel()
	_ = t.Shutdown(ctx) // what could not be sent is lost; nothing hangs on it
}

// devBroker starts the embedded server, or connects to the one that --nats names as a URL.
func (g *globals) devBroker(ctx context.Context, f devFlags, cfg *nodeConfig) (stop func(), err error) {
	if strings.Contains(g.nats, "://") || g.context != "" {
		if cfg.state, err = f.state.budget(""); err != nil {
			return nil, err
		}
		return g.outerBroker(cfg)
	}
	dir, err := g.dataDir(f)
	if err != nil {
		return nil, err
	}
	if cfg.state, err = f.state.budget(dir); err != nil {
		return nil, err
	}
	listen := orDefault(g.nats, "127.0.0.1:4222")
	if host, _, err := net.SplitHostPort(listen); err != nil {
		return nil, usageErr("--nats %q is neither HOST:PORT nor a URL", listen)
	} else if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, errcode.New(errcode.NotOpen, "NATS on %s would be open to the network without authentication",
			listen).
			WithHint("use 127.0.0.1, [::1] or localhost")
	}
	s, err := broker.Start(ctx, broker.Config{
		StoreDir: dir, Listen: listen, MayMove: g.nats == "",
		Durability: broker.Durability(f.durability), Log: cfg.telemetry.Log.Named("nats"),
	})
	if err != nil {
		return nil, err
	}
	stop = func() { _ = s.Shutdown() }
	if cfg.leat, err = s.Leat("leat dev"); err == nil {
		cfg.app, err = s.App("leat dev (users)")
	}
	if err != nil {
		stop()
		return nil, err
	}
	if s.Moved() {
		g.hintf("port 4222 is taken: NATS listens on %s", s.ClientURL())
	}
	cfg.natsURL, cfg.fresh = s.ClientURL(), true
	addDiskCheck(cfg.telemetry, dir)
	g.hintf("nats %s  durability %s (%s)  data %s", cfg.natsURL, s.Durability(), durabilityWords[s.Durability()], dir)
	return stop, nil
}

var durabilityWords = map[broker.Durability]string{
	broker.Process: "no kill of a process loses data; a power cut may",
	broker.Power:   "a power cut loses nothing that was acknowledged",
}

// outerBroker connects to a server that runs already; Leat and the users share the account.
func (g *globals) outerBroker(cfg *nodeConfig) (stop func(), err error) {
	nc, err := g.connectService("leat dev", g.nats, "")
	if err != nil {
		return nil, err
	}
	cfg.leat, cfg.app, cfg.natsURL = nc, nc, nc.ConnectedUrlRedacted()
	g.hintf("nats %s (not embedded)", cfg.natsURL)
	return nc.Close, nil
}

// connectService connects a service: it reconnects for ever, and buffers nothing.
func (g *globals) connectService(name, url, creds string) (*nats.Conn, error) {
	if g.context != "" && url == "" {
		return g.connect(name)
	}
	opts := topic.ConnectOptions(name)
	if creds != "" {
		opts = append(opts, nats.UserCredentials(creds))
	}
	nc, err := nats.Connect(withScheme(url), opts...)
	if err != nil {
		return nil, errcode.New(errcode.Unreach, "NATS server %s: %w", redacted(withScheme(url)), err)
	}
	return nc, g.waitConnected(nc, withScheme(url))
}

// waitConnected waits for the first connection: a service may be started before its server.
func (g *globals) waitConnected(nc *nats.Conn, url string) error {
	limit := serviceConnect
	if g.timeout > 0 {
		limit = g.timeout
	}
	for began := time.Now(); !nc.IsConnected(); time.Sleep(connectPoll) {
		if time.Since(began) > limit {
			nc.Close()
			return errcode.New(errcode.Unreach, "no NATS server answers at %s", redacted(url)).
				WithHint("--nats names another; --timeout waits longer")
		}
	}
	return nil
}

const (
	serviceConnect = 30 * time.Second
	connectPoll    = 50 * time.Millisecond
)

// devRun runs the services and, once they answer, the scripts.
func (g *globals) devRun(ctx context.Context, scripts []string, f devFlags, cfg nodeConfig) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ready := make(chan *coordinator.Coordinator, 1)
	cfg.onReady = func(c *coordinator.Coordinator) { ready <- c }
	done := make(chan error, 1)
	go func() { done <- runNode(ctx, cfg) }()
	select {
	case err := <-done:
		return err
	case c := <-ready:
		g.hintf("http http://%s  ready", cfg.listener.Addr())
		if err := g.devStart(ctx, c, scripts, f); err != nil {
			cancel(err)
			return errors.Join(err, ignoreStop(<-done))
		}
		if f.demo {
			go g.demoScreen(ctx, c, cfg)
		}
	}
	return <-done
}

func ignoreStop(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	if _, ok := errors.AsType[*errcode.Error](err); ok {
		return nil // it is the cause of the stop, told already
	}
	return err
}

// devStart runs the demo's statements and the scripts. What exists already from an earlier start is left as it is.
func (g *globals) devStart(ctx context.Context, c *coordinator.Coordinator, scripts []string, f devFlags) error {
	vars, err := pairs("define", f.define)
	if err != nil {
		return err
	}
	if f.demo {
		if err := g.runScript(ctx, c, "demo", demoScript, nil); err != nil {
			return err
		}
	}
	for _, name := range scripts {
		text, err := g.readScript(name)
		if err != nil {
			return err
		}
		if err := g.runScript(ctx, c, name, text, vars); err != nil {
			return err
		}
	}
	return nil
}

// runScript runs a script statement by statement.
func (g *globals) runScript(
	ctx context.Context, c *coordinator.Coordinator, name, text string, vars map[string]string,
) error {
	resp := c.Execute(ctx, api.ExecuteRequest{Script: text, Vars: vars, IfNotExists: true})
	for _, r := range resp.Results {
		for _, w := range r.Warnings {
			g.hintf("warning: %s", w)
		}
		if r.Message != "" && name != "demo" {
			g.hintf("%s", r.Message)
		}
	}
	if resp.Error != nil {
		return inSource(resp.Error, name, text)
	}
	return nil
}

// semver is the version in the form that micro services want.
func semver() string {
	v := strings.TrimPrefix(version, "v")
	if strings.Count(v, ".") != 2 || strings.ContainsAny(v, " /") {
		return "0.0.0"
	}
	return v
}

// Free space below which the disk of the data folder is told to be nearly full, or full.
const (
	diskLow  = 256 << 20
	diskFull = 16 << 20
)

// addDiskCheck watches the disk of the data folder: a full one makes appends go unanswered.
func addDiskCheck(t *telemetry.Telemetry, dir string) {
	t.Health.Add(telemetry.Ready, "disk", func(context.Context) telemetry.Finding {
		free, err := broker.FreeBytes(dir)
		f := telemetry.Finding{
			State: telemetry.OK, Value: fmt.Sprintf("%d MiB free", free>>20),
			Limit: fmt.Sprintf("%d MiB", diskLow>>20),
		}
		switch {
		case err != nil:
			return telemetry.Finding{State: telemetry.Degraded, Detail: err.Error()}
		case free < diskFull:
			f.State, f.Detail = telemetry.Unhealthy, "the disk of "+dir+" is full: make room, then restart"
		case free < diskLow:
			f.State, f.Detail = telemetry.Degraded, "the disk of "+dir+" is nearly full"
		}
		return f
	})
}
