package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Input is one partition of one topic that a task reads.
type Input struct {
	Port      int
	Topic     string // in the user's words
	Partition int
	Log       topic.Log
	Filters   []string // topic.PartitionFilter of the class, or of both classes
	Schema    *vector.Schema
	// Start is the sequence from which rows count, for a task without a snapshot; 0: from the first. Of older messages,
	// kept because they are the last of an idle writer, only the watermark is taken. The task's first start decides,
	// and remembers it with its snapshots.
	Start uint64
	// First: what the partition holds when the task starts is read before anything of the other inputs.
	First bool
	// Await, for First alone: returns once those who write the partition have written what there was to write.
	Await func(ctx context.Context)
	// Ends: it goes first until its port has ended, in a bounded run.
	Ends bool
	// Writers are the writers of the partition, for First alone: the machine has its own list.
	Writers []string
	// MaxBytes bounds what is fetched ahead; 0: 1 MiB.
	MaxBytes int
	// Open replaces the reader, for inputs that several tasks of a process share; nil: a reader of the task's own.
	Open func(ctx context.Context, from topic.ReaderConfig) (Feed, error)
}

// OutputConfig is one topic that a task writes.
type OutputConfig struct {
	Topic  string
	Class  string // topic.ClassResult by default
	Schema *vector.Schema
	// Logs is, per partition of the topic, the shard it lives in; nil: a partition this task does not write.
	Logs []topic.Log
}

// Config describes a task.
type Config struct {
	Name    string // writer: query-stage-partition, a token of subjects
	Query   string // in dead letters
	Stage   string // in dead letters
	Epoch   uint64 // of its lease; grows with every start, also in place
	Inputs  []Input
	Outputs []OutputConfig
	// DeadLetters and Late are topics of which the task writes one partition each; nil: such rows are only counted.
	DeadLetters *OutputConfig
	Late        *OutputConfig
	Machine     Machine
	Snapshots   state.Store
	Limits      Limits
	// SnapshotTicks is after how many ticks a snapshot is due; 0: 10.
	SnapshotTicks int
	// Bounded: Run returns nil once every output has said that it has ended.
	Bounded bool

	// Ticks pace snapshots and nothing else: one a second. Nudge says that an input is half full. Stop, closed, ends
	// the task in good order. Calls run on the task's goroutine between two steps, for pull queries. All may be nil.
	Ticks <-chan time.Time
	Nudge <-chan struct{}
	Stop  <-chan struct{}
	Calls <-chan func(Machine)
	// Clock is a monotonic time in ns, for figures alone; nil: none are taken.
	Clock func() int64
	// Lease tells whether this owner still holds its lease: one that finds a hole in a log asks first. nil: it does.
	Lease func(ctx context.Context) (held bool, err error)
	// Span, if not nil, starts the span of a step on a batch that carries a trace, and returns what ends it.
	Span func(traceparent string, rows int) (end func())
	// OnStatus hears what an output waits for. It may not block.
	OnStatus func(topic.Status)
	// Report, if not nil, is kept up to date for others to read.
	Report *Report

	rules Rules
}

// Validate lists every mistake.
func (c *Config) Validate() error {
	var errs []error
	if c.Name == "" {
		errs = append(errs, errors.New("name: missing"))
	}
	if c.Epoch == 0 {
		errs = append(errs, errors.New("epoch: 0; a lease gives a number from 1 on"))
	}
	if len(c.Inputs) == 0 || len(c.Inputs) > maxInputs {
		errs = append(errs, fmt.Errorf("inputs: %d is outside 1..%d", len(c.Inputs), maxInputs))
	}
	if c.Machine == nil || c.Snapshots == nil {
		errs = append(errs, errors.New("machine or snapshots: missing"))
	}
	for i, in := range c.Inputs {
		if in.Log == nil || in.Schema == nil || len(in.Filters) == 0 {
			errs = append(errs, fmt.Errorf("input %d: log, schema and filters must be given", i))
		}
	}
	for i, o := range c.Outputs {
		if len(o.Logs) == 0 {
			errs = append(errs, fmt.Errorf("output %d: no partitions", i))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("task %q: %w", c.Name, err)
	}
	return nil
}

// pause waits before the snapshot store is asked again.
func (c *Config) pause(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	return ctx.Err()
}
