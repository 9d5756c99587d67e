package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// resources are what the tasks of an engine share.
type resources struct {
	js     jetstream.JetStream
	store  state.Store
	trim   jetstream.KeyValue
	budget *topic.PullBudget
	state  *arena.Budget
}

func openResources(ctx context.Context, js jetstream.JetStream, cfg Config) (*resources, error) {
	store, err := state.OpenJetStream(ctx, js, state.JetStreamConfig{Replicas: cfg.Replicas})
	if err != nil {
		return nil, err
	}
	trim, err := catalog.OpenBucket(ctx, js, catalog.BucketTrim, cfg.Replicas)
	if err != nil {
		return nil, err
	}
	return &resources{js: js, store: store, trim: trim, budget: topic.NewPullBudget(0), state: cfg.State}, nil
}

func (r *resources) shard(name string) topic.Log {
	return topic.NewJetStream(r.js, topic.ShardName(name, 0), topic.JetStreamConfig{Budget: r.budget})
}

// trimPoint is the sequence from which on nothing of a partition is missing; 0: it was never trimmed.
func (r *resources) trimPoint(ctx context.Context, name string, partition int) (uint64, error) {
	e, err := r.trim.Get(ctx, trimKey(name, partition))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the trim point of %s/%d: %w", name, partition, err)
	}
	n, err := strconv.ParseUint(string(e.Value()), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("decode the trim point of %s/%d: %w", name, partition, err)
	}
	return n, nil
}

func trimKey(name string, partition int) string { return name + "." + strconv.Itoa(partition) }

// fatal errors stop a task until its query is made anew: a hole in a log, a failed record under fail_fast.
func fatal(err error) bool {
	var f *stage.FailedError
	return errors.Is(err, topic.ErrGap) || errors.As(err, &f)
}

// liveTask is a task that runs here.
type liveTask struct {
	w       want
	numbers task.Report
	calls   chan func(task.Machine)
	half    chan struct{} // capacity 1: an input is half full

	mu     sync.Mutex
	status string
}

// run runs one task under a lease until ctx ends; then it stops in good order, with a snapshot.
func (e *Engine) run(ctx context.Context, w want, epoch uint64) error {
	t := &liveTask{w: w, calls: make(chan func(task.Machine)), half: make(chan struct{}, 1)}
	cfg, err := e.config(ctx, t, epoch)
	if err != nil {
		return err
	}
	defer closeMachine(cfg.Machine)
	sub, err := e.cfg.Conn.Subscribe(api.SubjectScan+"."+w.name(), func(m *nats.Msg) { go e.scan(ctx, t, m) })
	if err != nil {
		return fmt.Errorf("serve scans of %s: %w", w.name(), err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	e.mu.Lock()
	e.live[w.name()] = t
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		if !w.query.Bounded { // of a bounded one the counts are asked for at the end
			delete(e.live, w.name())
		}
		e.mu.Unlock()
	}()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	cfg.Ticks = ticker.C
	stop := make(chan struct{})
	cfg.Stop = stop
	// The task stops in good order when ctx ends, and is cut off when that takes too long.
	hard, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	done := make(chan struct{})
	defer close(done)
	go stopInOrder(ctx, stop, cut, done)
	err = task.Run(hard, *cfg)
	if errors.Is(err, topic.ErrFenced) {
		e.log.Info("task was taken over", "processor_id", w.name(), "error", err)
	}
	return err
}

// closeMachine gives the memory of a task's state back once nothing reads it any more.
func closeMachine(m task.Machine) {
	if c, ok := m.(interface{ Close() }); ok {
		c.Close()
	}
}

const (
	stopTimeout = 5 * time.Second
	maxRowBytes = 7 << 20  // of a row that a query makes
	rowMargin   = 64 << 10 // what stands beside it in a message
)

// stopInOrder closes stop when ctx ends, and cuts off a task that is not done soon after.
func stopInOrder(ctx context.Context, stop chan<- struct{}, cut context.CancelCauseFunc, done <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-done:
		return
	}
	close(stop)
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-timer.C:
		cut(context.Cause(ctx))
	case <-done:
	}
}

// config puts together what the task runner needs.
func (e *Engine) config(ctx context.Context, t *liveTask, epoch uint64) (*task.Config, error) {
	w := t.w
	onError, err := stage.ParseOnError(w.query.OnError)
	if err != nil {
		return nil, err
	}
	cat := e.view.Catalog()
	cfg := &task.Config{
		Name: stage.Writer(w.stage, w.partition), Query: w.query.ID, Stage: w.stage.ID, Epoch: epoch,
		Snapshots: e.res.store, Report: &t.numbers, Calls: t.calls, Nudge: t.half, Clock: monotonic(),
		Bounded:  w.query.Bounded,
		OnStatus: t.onStatus, SnapshotTicks: int(e.cfg.Snapshot / time.Second),
	}
	if e.cfg.Span != nil {
		cfg.Span = func(traceparent string, rows int) func() {
			return e.cfg.Span("step "+w.stage.ID, traceparent, rows)
		}
	}
	cfg.Limits.RowBytes = min(maxRowBytes, max(1, int(e.cfg.Conn.MaxPayload())-rowMargin))
	cfg.Lease = func(context.Context) (bool, error) { return e.cfg.Members.Mine(w.name(), epoch), nil }
	writers := make([][]string, 2)
	for _, in := range w.stage.Inputs {
		names := e.writers(w, in, cat)
		writers[in.Port] = append(writers[in.Port], names...)
		input, err := e.input(ctx, w, in, names)
		if err != nil {
			return nil, err
		}
		cfg.Inputs = append(cfg.Inputs, input)
	}
	if len(w.stage.Inputs) == 0 {
		input, err := constants(ctx, w.stage)
		if err != nil {
			return nil, err
		}
		cfg.Inputs = append(cfg.Inputs, input)
	}
	if cfg.Machine, err = e.machine(w, stage.Config{
		Partition: w.partition, OnError: onError,
		Writers: writers, Budget: e.res.state,
	}); err != nil {
		return nil, err
	}
	e.outputs(w, cfg)
	return cfg, nil
}

// outputs adds the topics that a task writes.
func (e *Engine) outputs(w want, cfg *task.Config) {
	out := task.OutputConfig{Topic: stage.OutputTopic(w.stage), Schema: w.stage.Output.Schema}
	log := e.res.shard(out.Topic)
	for range w.stage.Output.Partitions {
		out.Logs = append(out.Logs, log)
	}
	for p := range out.Logs {
		if !stage.Writes(w.stage, w.partition, p) {
			out.Logs[p] = nil
		}
	}
	cfg.Outputs = []task.OutputConfig{out}
	if l := w.stage.Late; l != nil {
		cfg.Late = &task.OutputConfig{Topic: l.Topic, Schema: l.Schema, Logs: []topic.Log{e.res.shard(l.Topic)}}
	}
	dead := task.OutputConfig{
		Topic: w.query.ID, Class: topic.ClassDead, Schema: w.stage.Output.Schema,
		Logs: []topic.Log{topic.NewJetStream(e.js, "LEAT_DLQ_"+w.query.ID,
			topic.JetStreamConfig{Budget: e.res.budget})},
	}
	cfg.DeadLetters = &dead
}

// input is one topic partition that a task reads.
func (e *Engine) input(ctx context.Context, w want, in plan.Input, writers []string) (task.Input, error) {
	name := stage.InputTopic(in)
	start, err := e.res.trimPoint(ctx, name, w.partition)
	if err != nil {
		return task.Input{}, err
	}
	input := task.Input{
		Port: in.Port, Topic: name, Partition: w.partition, Log: e.res.shard(name), Schema: in.Schema, Start: start,
		Filters: []string{
			topic.PartitionFilter(topic.ClassSource, name, w.partition),
			topic.PartitionFilter(topic.ClassResult, name, w.partition),
		},
		First: in.Port == 1 && in.Table, Ends: e.closedTable(w, in), Writers: writers,
	}
	if input.First && !w.query.Bounded { // of a bounded one, tables are read to their end
		input.Await = e.await(w, in, e.view.Catalog())
	}
	input.Open = e.shared.feed(input)
	return input, nil
}

// writers lists who writes an input's partitions.
func (e *Engine) writers(w want, in plan.Input, cat *catalog.Catalog) []string {
	if in.Stage != "" {
		for _, s := range w.plan.Stages {
			if s.ID == in.Stage {
				return stage.Writers(s, w.partition)
			}
		}
	}
	o := w.query.Sources[in.Object]
	names := e.topicWriters(w, o, cat)
	if !w.query.Bounded {
		return names
	}
	// The input of a bounded query ends when all who insert into it have ended.
	for _, id := range slices.Sorted(maps.Keys(cat.Queries)) {
		if q := cat.Queries[id]; q.Result == in.Object && id != o.Query {
			if p, err := e.planOf(q, cat); err == nil {
				names = append(names, stage.Writers(p.Stages[len(p.Stages)-1], w.partition)...)
			}
		}
	}
	return names
}

func (e *Engine) topicWriters(w want, o *plan.Object, cat *catalog.Catalog) []string {
	return stage.TopicWriters(o, w.partition, func(id string) *plan.Plan {
		q := cat.Queries[id]
		if q == nil {
			return nil
		}
		p, err := e.planOf(q, cat)
		if err != nil {
			return nil
		}
		return p
	})
}

// monotonic is a clock for figures.
func monotonic() func() int64 {
	start := time.Now()
	return func() int64 { return int64(time.Since(start)) }
}

func (t *liveTask) onStatus(s topic.Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status = s.Text
}

// report fills in the figures of a running task.
func (t *liveTask) report(r *api.TaskReport) {
	n := t.numbers.Numbers()
	t.mu.Lock()
	r.Reason = t.status
	t.mu.Unlock()
	if !n.Live || n.Redoing {
		r.State = "recovering"
	}
	c := n.Counts
	r.Counts = api.Counts{
		In: c.In, Used: c.Used, Out: c.Out, Filtered: c.Filtered, Late: c.Late,
		DeadLettered: c.DeadLettered, Skipped: c.Skipped,
	}
	r.StateBytes, r.StoredBytes, r.StateKeys = n.State, n.Stored, n.Keys
	for i, p := range n.Pending {
		if p > 0 {
			r.Lag += uint64(p)
		}
		r.Links = append(r.Links, api.Link{
			Name: "fetch " + strconv.Itoa(i), Depth: int64(n.Fetched[i]),
			Capacity: task.FetchAhead,
		})
	}
	for _, o := range n.Outputs {
		r.Links = append(r.Links, api.Link{
			Name: "append", Depth: o.Depth, Capacity: o.Capacity,
			BlockedMs: o.BlockedNs / 1e6,
		})
	}
}
