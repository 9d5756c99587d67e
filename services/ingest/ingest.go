// Package ingest brings rows of users into topics: from NATS subjects and streams, files, a generator, HTTP and INSERT.
// It follows the catalog, takes the leases of the sources that are placed here, and runs each. It never appends but
// through internal/task.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/lease"
	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/telemetry"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// Role is the role of ingest among the members.
const Role = "ingest"

// pushWriter is the writer of rows that come by INSERT and HTTP into a topic that has another source, or a query.
const pushWriter = "insert"

// messageMargin is what stands beside a row in a message of the log.
const messageMargin = 64 << 10

// Config is what an ingest service needs.
type Config struct {
	Conn     *nats.Conn // Leat's account
	App      *nats.Conn // the users' account, where their subjects are; nil: sources of NATS are refused
	Members  *lease.Manager
	Log      hclog.Logger
	Replicas int
	// Span starts the spans of appends; nil: none.
	Span telemetry.BatchSpan
	// FileRoot confines the files of sources to a directory; nil: paths are the user's own.
	FileRoot *os.Root
	// EagerFiles reads a file as soon as it is declared instead of from its first reader on.
	EagerFiles bool
}

// Service is a running ingest.
type Service struct {
	cfg    Config
	js     jetstream.JetStream
	app    jetstream.JetStream
	store  *catalog.Store
	view   *catalog.View
	log    hclog.Logger
	pool   *lease.Pool
	budget *topic.PullBudget

	mu   sync.Mutex
	live map[string]*job // by topic
}

// job is an object whose rows are taken here.
type job struct {
	o      *plan.Object
	pump   *Pump // nil: no source but pushed rows
	pusher *Pusher

	mu     sync.Mutex
	status string
}

// New opens what ingest needs; nothing runs until Run.
func New(ctx context.Context, cfg Config) (*Service, error) {
	js, err := jetstream.New(cfg.Conn)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	s := &Service{
		cfg: cfg, js: js, log: cfg.Log.Named("ingest"), budget: topic.NewPullBudget(0), view: catalog.NewView(),
		live: map[string]*job{},
	}
	if cfg.App != nil {
		if s.app, err = jetstream.New(cfg.App); err != nil {
			return nil, fmt.Errorf("open the users' JetStream: %w", err)
		}
	}
	if s.store, err = catalog.Open(ctx, js, cfg.Replicas); err != nil {
		return nil, err
	}
	s.pool = lease.NewPool(cfg.Members, Role, s.log, fatal)
	return s, nil
}

// Run serves until ctx ends and all sources have stopped.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.view.Follow(ctx, s.store, s.pool.Look) })
	g.Go(func() error { return s.pool.Run(ctx, s.wanted) })
	return g.Wait()
}

// fatal errors stop a source until it is declared anew: a bad record under fail_fast, a source that cannot be.
func fatal(err error) bool {
	var bad *source.BadRowError
	var refused *refusedError
	return errors.As(err, &bad) || errors.As(err, &refused)
}

// refusedError is a source that this service cannot run.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return e.reason }

// wanted lists the objects of the catalog: each takes pushed rows, and some have a source.
func (s *Service) wanted() []lease.Work {
	cat := s.view.Catalog()
	var out []lease.Work
	for _, name := range cat.Names() {
		o := cat.Objects[name]
		active := o.Source != nil && (o.Source.Connector != "file" || s.cfg.EagerFiles ||
			o.Source.Options[plan.OptionEager] != "" || len(cat.Readers(name)) > 0)
		version := strconv.FormatUint(xxh3.HashString(fmt.Sprintf("%s %v %d", o.Statement, active, o.Partitions)), 16)
		out = append(out, lease.Work{
			Name: Role + "." + o.Topic, Version: version,
			Run: func(ctx context.Context, epoch uint64) error { return s.run(ctx, o, active, epoch) },
		})
	}
	return out
}

// run takes the rows of an object under a lease until ctx ends.
func (s *Service) run(ctx context.Context, o *plan.Object, active bool, epoch uint64) error {
	j, err := s.job(ctx, o, active, epoch)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.live[o.Topic] = j
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.live, o.Topic)
		s.mu.Unlock()
	}()
	sub, err := s.cfg.Conn.Subscribe(api.SubjectPush+"."+o.Topic, j.pusher.Handle)
	if err != nil {
		return fmt.Errorf("take rows for %s: %w", o.Name, err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return j.pusher.Run(ctx) })
	if j.pump != nil {
		g.Go(func() error { return j.pump.Run(ctx) })
	}
	return g.Wait()
}

// job wires what an object needs.
func (s *Service) job(ctx context.Context, o *plan.Object, active bool, epoch uint64) (*job, error) {
	j := &job{o: o}
	logs := make([]topic.Log, o.Partitions)
	shard := topic.NewJetStream(s.js, topic.ShardName(o.Topic, 0), topic.JetStreamConfig{Budget: s.budget})
	for i := range logs {
		logs[i] = shard
	}
	var dead topic.Log
	if o.Source != nil && o.Source.OnError != "skip" && o.Source.OnError != "fail_fast" {
		dead = topic.NewJetStream(s.js, "LEAT_DLQ_"+o.Topic, topic.JetStreamConfig{Budget: s.budget})
	}
	idle := 5 * time.Second
	if o.Source != nil && o.Source.IdleMs > 0 {
		idle = time.Duration(o.Source.IdleMs) * time.Millisecond
	}
	alone := o.Source != nil && o.Source.Connector == "http"
	writer := pushWriter
	if alone {
		writer = stage.IngestWriter
	}
	j.pusher = NewPusher(&Pusher{
		Object: o, Writer: writer, Epoch: epoch, Logs: logs, Dead: dead, Idle: idle, Early: alone,
		OnStatus: j.setStatus,
	})
	if !active || alone {
		return j, nil
	}
	src, err := s.open(ctx, o)
	if err != nil {
		return nil, err
	}
	how := connectors[o.Source.Connector]
	j.pump = &Pump{
		Name: o.Name, Topic: o.Topic, Writer: stage.IngestWriter, Epoch: epoch,
		Source: src, Text: !how.messages, BySubject: how.bySubject,
		Config: s.configOf(o), Keys: o.Placement(), Logs: logs, Dead: dead, Idle: idle,
		Correlation: column(o, o.Source.CorrelationID),
		OnStatus:    j.setStatus,
		Span:        s.cfg.Span,
	}
	return j, nil
}

func (j *job) setStatus(st topic.Status) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status = st.Text
}

// configOf says how the bytes of an object's source become rows.
func (s *Service) configOf(o *plan.Object) source.Config {
	c := source.ConfigOf(o)
	c.MaxRows, c.MaxBytes = 8192, 2<<20
	c.Clock = func() int64 { return time.Now().UnixMilli() }
	c.MaxRecord = min(format.MaxRowBytes, max(1, int(s.cfg.Conn.MaxPayload())-messageMargin))
	if o.Source.Connector == "generator" {
		c.Format = "json"
	}
	return c
}

// column returns the number of a column, -1 for none.
func column(o *plan.Object, name string) int {
	for i, c := range o.Columns {
		if name != "" && strings.EqualFold(c.Name, name) {
			return i
		}
	}
	return -1
}

// connector is what a source of a connector is like.
type connector struct {
	messages  bool // it gives records one by one, no text in lines
	bySubject bool // rows without a key go where their subject puts them
	broker    bool // it is read over the users' connection
}

var connectors = map[string]connector{
	"nats": {true, true, true}, "kv": {true, false, true}, "object": {true, true, true}, "postgres": {messages: true},
}

// open makes the source of an object.
func (s *Service) open(ctx context.Context, o *plan.Object) (source.Source, error) {
	src := o.Source
	if connectors[src.Connector].broker && s.app == nil {
		return nil, &refusedError{"source " + o.Name + ": there is no connection to the users' account"}
	}
	switch src.Connector {
	case "file":
		return &source.File{Path: src.Path, Root: s.cfg.FileRoot, Follow: src.Follow, Warn: s.warn(o)}, nil
	case "generator":
		return source.GeneratorOf(src.Generator, src.Options)
	case "kv":
		return &source.KV{
			Stream: source.Stream{JS: s.app, Warn: s.warn(o)},
			Bucket: src.Bucket,
			Keys:   len(o.KeyNames()),
		}, nil
	case "object":
		return &source.Objects{
			Stream: source.Stream{JS: s.app, Warn: s.warn(o)}, Bucket: src.Bucket, Data: column(o, "data") >= 0,
		}, nil
	case "postgres":
		return newLookup(s.js, o, s.cfg.Replicas)
	case "nats":
		if src.Delivery == "core" {
			return &source.Core{Conn: s.cfg.App, Subject: src.Subject}, nil
		}
		st := &source.Stream{
			JS: s.app, Subject: src.Subject, Name: StreamName(o.Topic), Replicas: s.cfg.Replicas, Warn: s.warn(o),
			MaxBytes: src.MaxBytes,
		}
		return st, st.Ensure(ctx)
	}
	return nil, &refusedError{fmt.Sprintf("source %s: connector %s is not supported here", o.Name, o.Source.Connector)}
}

// StreamName is the name of the stream that is made for a source's subject where no stream captures it.
func StreamName(topicName string) string { return "leat_" + topicName }

func (s *Service) warn(o *plan.Object) func(string) {
	return func(text string) { s.log.Warn(text, "stream", o.Name) }
}

// Report tells the state of the sources here, for the heartbeat.
func (s *Service) Report() []api.SourceStatus {
	var out []api.SourceStatus
	for _, st := range s.pool.States() {
		s.mu.Lock()
		j := s.live[st.Name[len(Role)+1:]]
		s.mu.Unlock()
		r := api.SourceStatus{
			Name: st.Name[len(Role)+1:], Owner: s.cfg.Members.ID(), State: st.State, Reason: st.Reason,
		}
		if j != nil {
			j.report(&r)
		}
		out = append(out, r)
	}
	return out
}

// report adds figures to the status of a source.
func (j *job) report(r *api.SourceStatus) {
	j.mu.Lock()
	if r.Name = j.o.Name; j.status != "" {
		r.State, r.Reason = "waiting", j.status
	}
	j.mu.Unlock()
	waiting, capacity := j.pusher.Depth()
	r.Links = append(r.Links, api.Link{Name: "push." + j.o.Topic, Depth: int64(waiting), Capacity: int64(capacity)})
	if j.pump == nil {
		return
	}
	used, bad := j.pump.in.Load(), j.pump.bad.Load()
	r.Counts = api.Counts{In: used + bad, Used: used, Out: used}
	if j.pump.Dead != nil {
		r.Counts.DeadLettered = bad
	} else {
		r.Counts.Skipped = bad
	}
	for _, n := range j.pump.Links() {
		r.Links = append(r.Links, api.Link{
			Name: n.Subject, Depth: n.Depth, Capacity: n.Capacity, BlockedMs: n.BlockedNs / 1e6,
		})
	}
}
