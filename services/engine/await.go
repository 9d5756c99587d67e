package engine

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/pause"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// A join with a table reads what the table holds before its stream. Where the table comes through tasks of its own, its
// topic holds nothing yet when the query is new: the join waits until those tasks have passed what their inputs held.

const (
	// awaitMost bounds the wait: the order is a preference, and a table whose tasks do not run must not stop the
	// stream.
	awaitMost = 30 * time.Second
	awaitAsk  = 3 * time.Second
	awaitPoll = 20 * time.Millisecond
)

// await returns what waits for the tasks that write an input, or nil when nobody but ingest does.
func (e *Engine) await(w want, in plan.Input, cat *catalog.Catalog) func(ctx context.Context) {
	stages := e.upstream(w.plan, in, cat, nil)
	if len(stages) == 0 {
		return nil
	}
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, awaitMost)
		defer cancel()
		for _, s := range stages {
			for p := range s.Partitions {
				e.awaitTask(ctx, s, p)
			}
		}
	}
}

// upstream lists the stages that an input comes from, each behind those that it reads.
func (e *Engine) upstream(p *plan.Plan, in plan.Input, cat *catalog.Catalog, out []*plan.Stage) []*plan.Stage {
	if in.Stage == "" {
		o := cat.Objects[in.Object]
		if o == nil || o.Query == "" {
			return out
		}
		q := cat.Queries[o.Query]
		if q == nil || q.State != catalog.Running {
			return out
		}
		other, err := e.planOf(q, cat)
		if err != nil {
			return out
		}
		return append(out, other.Stages...)
	}
	for _, s := range p.Stages {
		if s.ID != in.Stage {
			continue
		}
		for _, before := range s.Inputs {
			out = e.upstream(p, before, cat, out)
		}
		out = append(out, s)
	}
	return out
}

// awaitTask asks a task until it has passed what its inputs hold now, or ctx ends.
func (e *Engine) awaitTask(ctx context.Context, s *plan.Stage, partition int) {
	req := api.ScanRequest{Task: stage.TaskName(s, partition), Inputs: map[string]uint64{}, Whole: true}
	for _, in := range s.Inputs {
		name := stage.InputTopic(in)
		m, err := e.res.shard(name).Last(ctx, "leat.*."+name+"."+strconv.Itoa(partition)+".*")
		if err == nil {
			req.Inputs[name] = m.Seq
		}
	}
	data, err := json.Marshal(req)
	if err != nil {
		return
	}
	for ctx.Err() == nil {
		ask, cancel := context.WithTimeout(ctx, awaitAsk)
		msg := nats.NewMsg(api.SubjectScan + "." + req.Task)
		msg.Data = data
		answer, err := e.cfg.Conn.RequestMsgWithContext(ask, msg)
		cancel()
		if err == nil && answer.Header.Get(api.HeaderError) == "" {
			return
		}
		pause.For(ctx, awaitPoll)
	}
}
