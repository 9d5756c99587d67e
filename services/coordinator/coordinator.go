// Package coordinator answers users: statements over a NATS micro service and HTTP, the catalog, cursors of queries,
// the state of all that runs. The data plane does not need it.
package coordinator

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/lease"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/arena"
)

// Config is what a coordinator needs.
type Config struct {
	Conn    *nats.Conn // Leat's account
	App     *nats.Conn // the users' account, where samples of their subjects are read; nil: none is
	Members *lease.Manager
	Log     hclog.Logger
	// NATSAddress and HTTPAddress are what users connect to; they are told in the status.
	NATSAddress string
	HTTPAddress string
	// Replicas of new topics; Partitions of new sources (default 8).
	Replicas   int
	Partitions int
	// TopicBytes is MaxBytes of a new topic (default 256 MiB).
	TopicBytes int64
	// Budget is the memory of the state of queries that run here; nil: memory without a limit.
	Budget  *arena.Budget
	Version string
	// Tracer makes a span of each script that is run; nil: none.
	Tracer trace.Tracer
	// Files are allowed in statements (leat dev: the user's own; leat serve: under --file-root, which services check).
	Files bool
	// FileRoot confines the modules of CREATE FUNCTION to a directory; nil: paths are the user's own.
	FileRoot *os.Root
	// OnReady is called when statements are answered.
	OnReady func(*Coordinator)
}

const (
	defaultPartitions = 8
	defaultTopicBytes = 256 << 20
)

// Coordinator is a running coordinator.
type Coordinator struct {
	cfg     Config
	js      jetstream.JetStream
	store   *catalog.Store
	log     hclog.Logger
	id      string
	cursors *cursors

	mu      sync.Mutex
	current *catalog.Catalog

	ddl sync.Mutex // one statement that changes the catalog at a time in this process
}

// Run serves until ctx ends.
func Run(ctx context.Context, cfg Config) error {
	c, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.store.Watch(ctx, c.saw) })
	g.Go(func() error { return c.cursors.expire(ctx) })
	g.Go(func() error { return c.serve(ctx) })
	return g.Wait()
}

func open(ctx context.Context, cfg Config) (*Coordinator, error) {
	if cfg.Partitions == 0 {
		cfg.Partitions = defaultPartitions
	}
	if cfg.TopicBytes == 0 {
		cfg.TopicBytes = defaultTopicBytes
	}
	js, err := jetstream.New(cfg.Conn)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	store, err := catalog.Open(ctx, js, cfg.Replicas)
	if err != nil {
		return nil, err
	}
	current, err := store.Read(ctx)
	if err != nil {
		return nil, err
	}
	return &Coordinator{
		cfg: cfg, js: js, store: store, log: cfg.Log.Named("coordinator"), id: cfg.Members.ID(),
		cursors: newCursors(), current: current,
	}, nil
}

func (c *Coordinator) saw(cat *catalog.Catalog) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cat.Revision >= c.current.Revision {
		c.current = cat
	}
	return nil
}

// Catalog returns the catalog as last seen.
func (c *Coordinator) Catalog() *catalog.Catalog {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

const (
	changeAttempts = 5
	changeTimeout  = 20 * time.Second
)

// change applies f to the newest catalog and stores the result. f may run several times; what it does beside (making
// topics) must be the same each time.
func (c *Coordinator) change(ctx context.Context, f func(*catalog.Catalog) error) error {
	c.ddl.Lock()
	defer c.ddl.Unlock()
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		cat, err := c.store.Read(ctx)
		if err != nil {
			return err
		}
		next := cat.Clone()
		if err := f(next); err != nil {
			return err
		}
		rev, err := c.store.Write(ctx, next)
		if err == nil {
			next.Revision = rev
			return c.saw(next)
		}
		if attempt == changeAttempts || ctx.Err() != nil {
			return fmt.Errorf("store the statement: %w", err)
		}
	}
}

// shard opens the log of a topic.
func (c *Coordinator) shard(name string) topic.Log {
	return topic.NewJetStream(c.js, topic.ShardName(name, 0), topic.JetStreamConfig{})
}
