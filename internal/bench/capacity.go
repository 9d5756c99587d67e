package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// capacityRows is the size of the messages: small ones, so that there are more than the largest channel holds at the
// default number of rows.
const capacityRows = 128

// capacitySizes are the channel capacities, in messages, at which the rate is measured.
func capacitySizes() []int { return []int{1, 2, 4, 8, 16, 64, 256, 1024, 4096} }

// capacities measures the rate of a task, W2 from its topic to the topic of results, at channel capacities from 1 to
// 4,096 messages on both sides of it.
func (b *bench) capacities(ctx context.Context) error {
	rows := b.cfg.Rows
	in, err := b.input("trades.ndjson", func(p string) error { return writeTrades(p, rows) })
	if err != nil {
		return err
	}
	data, err := os.MkdirTemp(b.dir, "data-")
	if err != nil {
		return fmt.Errorf("make a data folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(data) }() // a temporary folder
	_, r, err := b.child(ctx, "capacity", in, data, strconv.Itoa(b.cfg.Rounds),
		strconv.FormatInt(int64(b.share), 10))
	if err != nil {
		return err
	}
	for i, c := range capacitySizes() {
		s := r.Series[i]
		b.add(usage{records: int64(rows), wall: time.Duration(s.WallNs), cpu: time.Duration(s.CPUNs)}.
			result("capacity_"+strconv.Itoa(c)), nil)
	}
	return nil
}

// childCapacity fills a topic, then runs one task after the other over it. Arguments: input, data folder, rounds,
// ns behind which no further round begins.
func childCapacity(ctx context.Context, args []string) (*childReport, error) {
	rounds, err := number(arg(args, 2))
	if err != nil {
		return nil, err
	}
	limit, err := number(arg(args, 3))
	if err != nil {
		return nil, err
	}
	prog, errs := script.Compile(ctx, scripts["w2"], script.Options{Vars: map[string]string{"in": arg(args, 0)}})
	if len(errs) > 0 {
		return nil, fmt.Errorf("compile: %w", errs[0])
	}
	if n := len(prog.Result.Stages); n != 1 {
		return nil, fmt.Errorf("w2 has %d stages, want 1", n)
	}
	encoded, _, err := encodeBatches(ctx, arg(args, 0), capacityRows)
	if err != nil {
		return nil, err
	}
	s, err := broker.Start(ctx, broker.Config{StoreDir: arg(args, 1)})
	if err != nil {
		return nil, err
	}
	r, err := sweep(ctx, s, prog.Result.Stages[0], encoded, pace{rounds, time.Duration(limit)})
	return r, errors.Join(err, s.Shutdown())
}

// pace is how many rounds are run, and when no further one begins.
type pace struct {
	rounds int
	limit  time.Duration
}

func sweep(ctx context.Context, s *broker.Server, st *plan.Stage, encoded [][]byte, p pace) (*childReport, error) {
	js, err := leatJetStream(s)
	if err != nil {
		return nil, err
	}
	end := messages.ProcessBatch{Watermark: vector.MaxTime, End: true}
	encoded = append(encoded, end.Append(nil))
	if _, err := appendAll(ctx, js, encoded); err != nil {
		return nil, err
	}
	sizes := capacitySizes()
	all := make([][]usage, len(sizes))
	var out uint64
	start := time.Now()
	for round := range p.rounds + 1 {
		if round > 1 && time.Since(start) > p.limit {
			break
		}
		for i, size := range sizes {
			u, rows, err := runTask(ctx, js, st, fmt.Sprintf("r%dc%d", round, size), size)
			if err != nil {
				return nil, fmt.Errorf("capacity %d: %w", size, err)
			}
			if out == 0 {
				out = rows
			}
			if rows != out || rows == 0 {
				return nil, fmt.Errorf("capacity %d: %d results, before %d", size, rows, out)
			}
			if round > 0 {
				all[i] = append(all[i], u)
			}
		}
	}
	r := &childReport{}
	for _, us := range all {
		r.Series = append(r.Series, childReport{
			WallNs: int64(medianOf(us, func(u usage) time.Duration { return u.wall })),
			CPUNs:  int64(medianOf(us, func(u usage) time.Duration { return u.cpu })),
		})
	}
	return r, nil
}

// runTask runs W2 over the whole topic into a topic of its own and returns the rows it emitted.
func runTask(
	ctx context.Context, js jetstream.JetStream, st *plan.Stage, name string, capacity int,
) (usage, uint64, error) {
	out, err := topic.CreateShard(ctx, js, topic.ShardConfig{
		Name: topic.ShardName(name, 0), MaxBytes: 1 << 30,
		WriterSubjects: 1, Subjects: []string{topic.Filter(topic.ClassResult, name)},
	}, topic.JetStreamConfig{})
	if err != nil {
		return usage{}, 0, err
	}
	m, err := stage.New(st, stage.Config{Writers: [][]string{{benchWriter}, nil}})
	if err != nil {
		return usage{}, 0, err
	}
	const messageBytes = 64 << 10
	r, err := measured(func() (int64, error) {
		return 0, task.Run(ctx, task.Config{
			Name: name, Query: name, Stage: st.ID, Epoch: 1, Machine: m, Snapshots: state.NewMemory(), Bounded: true,
			Limits: task.Limits{
				FetchAhead: capacity, MessageBytes: messageBytes,
				PendingBytes: min(capacity, 256) * messageBytes,
			},
			Inputs: []task.Input{{
				Topic:   benchTopic,
				Log:     topic.NewJetStream(js, topic.ShardName(benchTopic, 0), topic.JetStreamConfig{}),
				Schema:  st.Inputs[0].Schema,
				Filters: []string{topic.PartitionFilter(topic.ClassSource, benchTopic, 0)},
			}},
			Outputs: []task.OutputConfig{{Topic: name, Schema: st.Output.Schema, Logs: []topic.Log{out}}},
		})
	})
	if err != nil {
		return usage{}, 0, err
	}
	return usage{wall: time.Duration(r.WallNs), cpu: time.Duration(r.CPUNs)}, m.Counts().
		Out, js.DeleteStream(ctx, topic.ShardName(name, 0))
}
