package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/lease"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/plan"
)

const (
	trimEvery         = 3 * time.Second
	exchangeRetention = 8 << 20 // nobody new ever reads an exchange; some is kept so that trims are rare
)

// trim removes, on one engine at a time, what nobody needs any more: strictly below the older snapshot of each consumer
// and beyond what the topic keeps for queries to come. Engines do it, so that a dead coordinator fills no topic.
func (e *Engine) trim(ctx context.Context) error {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	trimmers := map[string]*topic.Trimmer{}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if lease.Place("trim", e.cfg.Members.Live(Role)) != e.cfg.Members.ID() {
			continue
		}
		cat, err := e.store.Read(ctx) // the newest: a query that was just made holds its inputs
		if err != nil {
			continue
		}
		for name, t := range e.topics(cat) { // any order: topics are independent
			if err := e.trimTopic(ctx, name, t, cat, trimmers); err != nil && ctx.Err() == nil {
				e.log.Warn("topic not trimmed", "topic", name, "error", err)
			}
		}
	}
}

// trimmed is a topic with its readers.
type trimmed struct {
	partitions int
	retention  uint64 // 0: half of MaxBytes
	readers    []reader
	object     string
}

// reader is a stage that reads a topic as its input number n.
type reader struct {
	stage *plan.Stage
	n     int
}

// topics lists all topics of the catalog with who reads them.
func (e *Engine) topics(cat *catalog.Catalog) map[string]*trimmed {
	out := map[string]*trimmed{}
	for name, o := range cat.Objects { // any order: a map is filled
		t := &trimmed{partitions: o.Partitions, object: name}
		if o.Source != nil {
			t.retention = uint64(o.Source.Retention)
		}
		out[o.Topic] = t
	}
	for _, id := range slices.Sorted(maps.Keys(cat.Queries)) {
		p, err := e.planOf(cat.Queries[id], cat)
		if err != nil {
			continue
		}
		for _, s := range p.Stages {
			if s.Output.Topic == s.ID {
				out[stage.OutputTopic(s)] = &trimmed{partitions: s.Output.Partitions, retention: exchangeRetention}
			}
			for n, in := range s.Inputs {
				if t := out[stage.InputTopic(in)]; t != nil {
					t.readers = append(t.readers, reader{s, n})
				}
			}
		}
	}
	return out
}

func (e *Engine) trimTopic(
	ctx context.Context, name string, t *trimmed, cat *catalog.Catalog, trimmers map[string]*topic.Trimmer,
) error {
	log := e.res.shard(name)
	info, err := log.Info(ctx)
	if errors.Is(err, topic.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	keep := t.retention
	if keep == 0 {
		keep = info.MaxBytes / 2
	}
	if info.Bytes <= keep {
		return nil
	}
	in := topic.TrimInput{Info: info, Retention: t.retention}
	for p := range t.partitions {
		subjects, err := e.subjects(ctx, name, p)
		if err != nil {
			return err
		}
		positions, err := e.positions(ctx, t, p, cat)
		if err != nil {
			return err
		}
		in.Partitions = append(in.Partitions, topic.PartitionReaders{Subjects: subjects, Positions: positions})
	}
	todo := topic.PlanTrim(in)
	if err := e.notePoints(ctx, name, todo); err != nil {
		return err
	}
	if trimmers[name] == nil {
		trimmers[name] = topic.NewTrimmer(log)
	}
	return trimmers[name].Trim(ctx, todo)
}

// subjects lists the subjects of a partition.
func (e *Engine) subjects(ctx context.Context, name string, partition int) ([]string, error) {
	st, err := e.js.Stream(ctx, topic.ShardName(name, 0))
	if err != nil {
		return nil, fmt.Errorf("open the shard of %s: %w", name, err)
	}
	info, err := st.Info(ctx, jetstream.WithSubjectFilter("leat.*."+name+"."+strconv.Itoa(partition)+".*"))
	if err != nil {
		return nil, fmt.Errorf("list the subjects of %s: %w", name, err)
	}
	return slices.Sorted(maps.Keys(info.State.Subjects)), nil
}

// positions lists where the readers' older snapshots stand, as their pointers and records tell; 0 holds everything.
func (e *Engine) positions(ctx context.Context, t *trimmed, p int, cat *catalog.Catalog) ([]uint64, error) {
	var out []uint64
	for _, r := range t.readers {
		value, _, err := e.res.store.Load(ctx, stage.Writer(r.stage, p))
		if errors.Is(err, state.ErrNotFound) {
			out = append(out, 0)
			continue
		}
		if err != nil {
			return nil, err
		}
		held, err := task.HeldPositions(value)
		if err != nil {
			return nil, err
		}
		if r.n >= len(held) {
			out = append(out, 0)
		} else {
			out = append(out, held[r.n])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cat.Sinks)) {
		if s := cat.Sinks[name]; s.From == t.object && t.object != "" {
			n, err := e.sinkPosition(ctx, s, p)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// sinkPosition reads the record of a sink's delivery.
func (e *Engine) sinkPosition(ctx context.Context, s *catalog.Sink, p int) (uint64, error) {
	kv, err := catalog.OpenBucket(ctx, e.js, catalog.BucketSinks, e.cfg.Replicas)
	if err != nil {
		return 0, err
	}
	id := strings.ToLower(s.Name)
	if s.Target != "FILE" && s.Target != "CONSOLE" {
		id += "." + strconv.Itoa(p)
	}
	entry, err := kv.Get(ctx, id)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the position of sink %s: %w", id, err)
	}
	var r struct {
		Sink string         `json:"sink"`
		Mark topic.Bookmark `json:"mark"`
	}
	if err := json.Unmarshal(entry.Value(), &r); err != nil {
		return 0, fmt.Errorf("decode the position of sink %s: %w", id, err)
	}
	if r.Sink != s.ID { // left by an earlier sink of that name
		return 0, nil
	}
	return r.Mark.Seq, nil
}

// notePoints records from where on partitions are complete, before anything is removed.
func (e *Engine) notePoints(ctx context.Context, name string, todo []topic.Trim) error {
	points := map[int]uint64{}
	for _, t := range todo {
		place, err := topic.ParseSubject(t.Subject)
		if err != nil {
			return err
		}
		points[place.Partition] = t.Below
	}
	for p, below := range points { // any order: keys are independent
		now, err := e.res.trimPoint(ctx, name, p)
		if err != nil {
			return err
		}
		if below <= now {
			continue
		}
		if _, err := e.res.trim.Put(ctx, trimKey(name, p), []byte(strconv.FormatUint(below, 10))); err != nil {
			return fmt.Errorf("record the trim point of %s/%d: %w", name, p, err)
		}
	}
	return nil
}
