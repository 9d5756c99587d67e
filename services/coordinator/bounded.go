package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/feed"
	"github.com/leatsql/leat/internal/pause"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Bounded is a program whose inputs end, run through the logs (leat run --mode message).
type Bounded struct {
	Objects []*plan.Object // declared ones, in order
	Derived []*plan.Object
	Queries []*catalog.Query           // in order; the SELECT last
	Inserts map[string][]*vector.Batch // by object name: before anything else
}

const endPoll = 20 * time.Millisecond

// RunBounded declares the objects, lets tables be read to their end, and starts the queries. What they write can be
// read with ReadToEnd.
func (c *Coordinator) RunBounded(ctx context.Context, b *Bounded) error {
	if err := c.declareBounded(ctx, b); err != nil {
		return err
	}
	for _, o := range slices.Concat(b.Objects, b.Derived) {
		for _, rows := range b.Inserts[o.Name] {
			if err := c.pushBatch(ctx, o, rows); err != nil {
				return err
			}
		}
	}
	if err := c.readTables(ctx, b); err != nil {
		return err
	}
	return c.change(ctx, func(cat *catalog.Catalog) error {
		for _, q := range b.Queries {
			q.Sources = map[string]*plan.Object{}
			for _, o := range slices.Concat(b.Objects, b.Derived) {
				q.Sources[o.Name] = o
			}
			cat.Queries[q.ID] = q
		}
		return nil
	})
}

// declareBounded makes all topics and writes the objects.
func (c *Coordinator) declareBounded(ctx context.Context, b *Bounded) error {
	for _, o := range b.Objects {
		if err := c.makeSourceTopics(ctx, o); err != nil {
			return err
		}
	}
	objects := plan.Objects{}
	for _, o := range slices.Concat(b.Objects, b.Derived) {
		objects[o.Name] = o
	}
	for _, q := range b.Queries {
		q.Sources = objects
		result := objects[q.Result]
		p, err := q.Plan(result)
		if err != nil {
			return err
		}
		if result == nil {
			result = &plan.Object{Name: "the result", Topic: q.Topic, Partitions: 1}
		} else if result.Query != q.ID {
			result = nil
		}
		if err := c.makeQueryTopics(ctx, q, p, result); err != nil {
			return err
		}
	}
	return c.change(ctx, func(cat *catalog.Catalog) error {
		maps.Copy(cat.Objects, objects)
		return nil
	})
}

// pushBatch sends rows to ingest.
func (c *Coordinator) pushBatch(ctx context.Context, o *plan.Object, rows *vector.Batch) error {
	var err error
	for range 100 { // ingest takes the lease first
		if _, err = c.push(ctx, o, batchMessage(o, rows)); err == nil {
			return nil
		}
		var e *api.Error
		if !errors.As(err, &e) || !e.Retryable || !pause.For(ctx, 5*endPoll) {
			return err
		}
	}
	return err
}

// readTables lets the files of tables be read and waits for their ends.
func (c *Coordinator) readTables(ctx context.Context, b *Bounded) error {
	var tables []*plan.Object
	err := c.change(ctx, func(cat *catalog.Catalog) error {
		tables = nil
		for _, o := range b.Objects {
			if o.Kind != ast.Table || o.Source.Connector != "file" {
				continue
			}
			eager, s := *o, *o.Source
			s.Options = map[string]string{plan.OptionEager: "true"}
			eager.Source = &s
			cat.Objects[o.Name] = &eager
			tables = append(tables, &eager)
		}
		return nil
	})
	for _, o := range tables {
		if err == nil {
			err = c.ReadToEnd(ctx, Ending{
				Topic: o.Topic, Schema: o.Schema(), Partitions: o.Partitions,
				Writers: func(int) []string { return []string{stage.IngestWriter} },
			}, nil)
		}
	}
	return err
}

// Ending is a topic whose writers end.
type Ending struct {
	Topic      string
	Schema     *vector.Schema
	Partitions int
	Writers    func(partition int) []string
}

// ReadToEnd hands the rows of a topic to f (nil: nobody) until every writer of every partition has said that it has
// ended. It fails when a task or source stops for good.
func (c *Coordinator) ReadToEnd(ctx context.Context, e Ending, f func(*vector.Batch) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go c.watchStops(ctx, cancel)
	fd, err := feed.Open(ctx, feed.Config{
		Log: c.shard(e.Topic), Topic: e.Topic, Schema: e.Schema, From: 1,
		Partition: -1,
	})
	if err != nil {
		return err
	}
	defer fd.Close()
	open := map[string]bool{}
	for p := range e.Partitions {
		for _, w := range e.Writers(p) {
			open[fmt.Sprintf("%d %s", p, w)] = true
		}
	}
	for len(open) > 0 {
		item, err := fd.Next(ctx)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err
		}
		if item.Batch.Rows > 0 && f != nil {
			if err := f(item.Batch); err != nil {
				return err
			}
		}
		if item.Batch.Watermark == vector.MaxTime {
			delete(open, fmt.Sprintf("%d %s", item.Partition, item.Writer))
		}
	}
	return nil
}

// StoppedError says that a task or source stopped for good.
type StoppedError struct{ What, Reason string }

func (e *StoppedError) Error() string { return e.What + " stopped: " + e.Reason }

// watchStops cancels with the reason when something stops for good.
func (c *Coordinator) watchStops(ctx context.Context, cancel context.CancelCauseFunc) {
	for pause.For(ctx, 10*endPoll) {
		s := c.Status()
		for _, src := range s.Sources {
			if src.State == "stopped" {
				cancel(&StoppedError{"stream " + src.Name, src.Reason})
			}
		}
		for _, q := range s.Queries {
			if q.State == "stopped" {
				cancel(&StoppedError{"query " + q.ID, q.Reason})
			}
		}
	}
}

// DeadLetters hands all dead letters to f, oldest first by topic.
func (c *Coordinator) DeadLetters(ctx context.Context, f func(*messages.DeadLetter)) error {
	for _, name := range c.deadTopics() {
		found, err := c.lettersOf(ctx, name, api.DLQRequest{})
		if err != nil && !errors.Is(err, topic.ErrNotFound) {
			return err
		}
		for _, l := range found {
			f(l.DeadLetter)
		}
	}
	return nil
}
