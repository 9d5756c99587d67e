package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/plan"
)

const (
	deadBytes     = 64 << 20
	exchangeBytes = 128 << 20
	extraWriters  = 4 // INSERT INTO adds writers to a topic; there is room for some
)

// makeTopic makes the shard of a topic; the very same one may be there already.
func (c *Coordinator) makeTopic(ctx context.Context, name, what string, writerSubjects int, bytes int64) error {
	least := topic.MinMaxBytes(writerSubjects, 0)
	_, err := topic.CreateShard(ctx, c.js, topic.ShardConfig{
		Name: topic.ShardName(name, 0),
		Subjects: []string{
			topic.Filter(topic.ClassSource, name),
			topic.Filter(topic.ClassResult, name),
		},
		MaxBytes:       max(bytes, least),
		Replicas:       c.cfg.Replicas,
		WriterSubjects: writerSubjects,
		Description:    "Leat: " + what,
		Metadata:       map[string]string{"leat.kind": what},
	}, topic.JetStreamConfig{})
	if err != nil {
		return fmt.Errorf("make topic %s: %w", name, err)
	}
	return nil
}

// makeDead makes the dead-letter topic of an object or query.
func (c *Coordinator) makeDead(ctx context.Context, name string, writers int) error {
	_, err := topic.CreateShard(ctx, c.js, topic.ShardConfig{
		Name:           "LEAT_DLQ_" + name,
		Subjects:       []string{topic.Filter(topic.ClassDead, name)},
		MaxBytes:       max(deadBytes, topic.MinMaxBytes(writers, 0)),
		Replicas:       c.cfg.Replicas,
		WriterSubjects: writers,
		Description:    "Leat: dead letters of " + name,
		Metadata:       map[string]string{"leat.kind": "dead letters"},
	}, topic.JetStreamConfig{})
	if err != nil {
		return fmt.Errorf("make the dead letters of %s: %w", name, err)
	}
	return nil
}

func (c *Coordinator) makeSourceTopics(ctx context.Context, o *plan.Object) error {
	bytes := c.cfg.TopicBytes
	if o.Source.MaxBytes > 0 {
		bytes = o.Source.MaxBytes
	}
	if err := c.makeTopic(ctx, o.Topic, kindName(o.Kind)+" "+o.Name, o.Partitions*(1+extraWriters), bytes); err != nil {
		return err
	}
	return c.makeDead(ctx, o.Topic, o.Partitions)
}

// makeQueryTopics makes the exchanges, the dead letters and, where it is the query's own (o), the result.
func (c *Coordinator) makeQueryTopics(ctx context.Context, q *catalog.Query, p *plan.Plan, o *plan.Object) error {
	tasks := 0
	for i, s := range p.Stages {
		tasks += s.Partitions
		name := stage.OutputTopic(s)
		switch {
		case i < len(p.Stages)-1 && s.Output.Topic == s.ID:
			if err := c.makeTopic(ctx, name, "exchange "+s.ID, s.Partitions*s.Output.Partitions,
				exchangeBytes); err != nil {
				return err
			}
		case o != nil:
			writers := s.Partitions*s.Output.Partitions + o.Partitions*extraWriters
			if err := c.makeTopic(ctx, name, kindName(o.Kind)+" "+o.Name, writers, c.cfg.TopicBytes); err != nil {
				return err
			}
		}
	}
	if s := stage.LateStage(p); s != nil {
		if err := c.makeTopic(ctx, s.Late.Topic, "late rows of "+p.Late.Name, s.Partitions*(1+extraWriters),
			c.cfg.TopicBytes); err != nil {
			return err
		}
	}
	return c.makeDead(ctx, q.ID, tasks)
}

// queryTopics lists the topics that belong to a query alone: exchanges and dead letters.
func queryTopics(q *catalog.Query, cat *catalog.Catalog) []string {
	out := []string{"LEAT_DLQ_" + q.ID}
	p, err := q.Plan(cat.Objects[q.Result])
	if err != nil {
		return out
	}
	for _, s := range p.Stages {
		if s.Output.Topic == s.ID {
			out = append(out, stage.OutputTopic(s))
		}
	}
	return out
}

// deleteTopics deletes the shards of topics that nothing names any more; what is gone already is fine.
func (c *Coordinator) deleteTopics(ctx context.Context, names []string) error {
	var errs []error
	for _, n := range names {
		streams := []string{n}
		if len(n) < 9 || n[:9] != "LEAT_DLQ_" {
			streams = []string{topic.ShardName(n, 0), "LEAT_DLQ_" + n}
		}
		for _, s := range streams {
			if err := c.js.DeleteStream(ctx, s); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
				errs = append(errs, fmt.Errorf("delete stream %s: %w", s, err))
			}
		}
	}
	return errors.Join(errs...)
}

// beginsLate says where a new query begins to read topics whose oldest messages are gone. The query is not registered
// yet, so a trim may still come: the sentence is for a person.
func (c *Coordinator) beginsLate(ctx context.Context, q *catalog.Query) []string {
	kv, err := catalog.OpenBucket(ctx, c.js, catalog.BucketTrim, c.cfg.Replicas)
	if err != nil {
		return nil
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(q.Sources)) {
		o := q.Sources[name]
		for p := range o.Partitions {
			if e, err := kv.Get(ctx, fmt.Sprintf("%s.%d", o.Topic, p)); err == nil {
				out = append(out,
					fmt.Sprintf("%s begins at message %s of its log (partition %d): older ones were trimmed", name,
						e.Value(), p))
				break
			}
		}
	}
	return out
}
