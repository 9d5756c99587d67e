// Package direct runs plans in one process without a broker: the same machines as message mode, fed by sources, their
// outputs handed on in memory. leat run, pull queries and push queries use it.
package direct

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Item is a batch of a topic: who wrote it, and the partition it belongs to (-1: by hash of the input's Keys).
type Item struct {
	Batch     *vector.Batch
	Writer    string
	Partition int
	// Pending is how many items are known to follow.
	Pending int64
}

// Source gives the rows of a topic, in order, with watermarks. io.EOF ends it. A batch is good until the next call.
type Source interface {
	Next(ctx context.Context) (Item, error)
}

// Input is a topic that comes from outside of the plans.
type Input struct {
	Topic string
	// Writers gives the names that items of a partition carry; the watermark waits for each of them.
	Writers    func(partition int) []string
	Keys       []int
	Partitions int
	Table      bool // read to its end before streams start
	Open       bool // its end is not the end of the topic: watermarks stay as they are
	Source     Source
	// Behind: the source has items already (live inputs).
	Behind bool
}

// Sink receives what leaves the graph. Rows are the receiver's during the call only.
type Sink interface {
	// Result gets the rows of a topic that Config.Results names ("" is the client's).
	Result(topic string, partition int, b *vector.Batch) error
	// Dead gets rows that failed, Late rows that were late, by stage.
	Dead(stageID string, b *vector.Batch, row uint32, code, msg string)
	Late(stageID string, b *vector.Batch, rows []uint32)
}

// Config is a graph to run.
type Config struct {
	Inputs  []Input
	Plans   []*plan.Plan
	Results []string // topics handed to Sink.Result
	Sink    Sink
	OnError stage.OnError
	// Live inputs are taken as they come, from several goroutines' channels; bounded ones by event time.
	Live bool
	// Crash takes a snapshot of a machine after each of its steps and goes on with a new machine that restores it, as
	// after a crash: the answer must be the same.
	Crash bool
	// Budget is the memory of the state, which lies in files above it; nil: memory without a limit. The runner must be
	// closed.
	Budget *arena.Budget
}

// Runner is a graph in execution. One goroutine runs it.
type Runner struct {
	cfg       Config
	consumers map[string][]*node // topic -> stages that read it
	nodes     []*node
	results   map[string]bool
	seen      map[place][]string // writers of the inputs' partitions
	err       error
	perPart   [][]uint32
	hashes    []uint64
}

// node is a stage with its machines, one per partition.
type node struct {
	r        *Runner
	stage    *plan.Stage
	machines []*stage.Machine
	names    []string         // writer name of each partition
	ports    map[string][]int // topic -> the ports that read it
}

// New checks and builds the graph.
func New(cfg Config) (*Runner, error) {
	r := &Runner{cfg: cfg, consumers: map[string][]*node{}, results: map[string]bool{}, seen: map[place][]string{}}
	for _, t := range cfg.Results {
		r.results[t] = true
	}
	for _, p := range cfg.Plans {
		for _, s := range p.Stages {
			n, err := r.newNode(s)
			if err != nil {
				return nil, err
			}
			r.nodes = append(r.nodes, n)
			for _, in := range s.Inputs {
				if len(n.ports[in.Topic]) == 0 {
					r.consumers[in.Topic] = append(r.consumers[in.Topic], n)
				}
				n.ports[in.Topic] = append(n.ports[in.Topic], in.Port)
			}
		}
	}
	return r, nil
}

// writers lists who writes a partition of a topic: inputs from outside and tasks of stages.
func (r *Runner) writers(topic string, partition int) []string {
	var out []string
	for _, in := range r.cfg.Inputs {
		if in.Topic == topic {
			out = append(out, in.Writers(partition)...)
		}
	}
	for _, p := range r.cfg.Plans {
		for _, s := range p.Stages {
			if s.Late != nil && s.Late.Topic == topic {
				for t := range s.Partitions {
					out = append(out, taskName(s, t))
				}
			}
			if s.Output.Topic != topic {
				continue
			}
			for t := range s.Partitions {
				if stage.Writes(s, t, partition) {
					out = append(out, taskName(s, t))
				}
			}
		}
	}
	return out
}

// One returns the Writers of an input that one writer writes.
func One(name string) func(int) []string { return func(int) []string { return []string{name} } }

func taskName(s *plan.Stage, partition int) string { return s.ID + "." + strconv.Itoa(partition) }

func (r *Runner) newNode(s *plan.Stage) (*node, error) {
	n := &node{r: r, stage: s, ports: map[string][]int{}}
	for p := range s.Partitions {
		m, err := n.machine(p)
		if err != nil {
			return nil, err
		}
		n.machines = append(n.machines, m)
		n.names = append(n.names, taskName(s, p))
	}
	return n, nil
}

// machine makes the machine of a partition.
func (n *node) machine(p int) (*stage.Machine, error) {
	ports := make([][]string, 2)
	for _, in := range n.stage.Inputs {
		ports[in.Port] = append(ports[in.Port], n.r.writers(in.Topic, p)...)
	}
	return stage.New(n.stage, stage.Config{
		Partition: p, OnError: n.r.cfg.OnError, Writers: ports, Budget: n.r.cfg.Budget,
	})
}

// crash puts a new machine with the state of the old one in its place.
func (n *node) crash(partition int) (*stage.Machine, error) {
	old := n.machines[partition]
	m, err := n.machine(partition)
	if err != nil {
		return old, err
	}
	if err := m.Restore(old.Snapshot(nil)); err != nil {
		m.Close()
		return old, fmt.Errorf("stage %s: restore a snapshot: %w", n.stage.ID, err)
	}
	old.Close()
	n.machines[partition] = m
	return m, nil
}

// Close gives the memory of the state back. Nothing of the runner may be used any more.
func (r *Runner) Close() {
	for _, n := range r.nodes {
		for _, m := range n.machines {
			m.Close()
		}
	}
}

// Run feeds all inputs until they end or ctx does: tables to their end first, then streams, by event time or, when
// live, as they come.
func (r *Runner) Run(ctx context.Context) error {
	r.values(true)
	var tables, streams []Input
	for _, in := range r.cfg.Inputs {
		if in.Table {
			tables = append(tables, in)
		} else {
			streams = append(streams, in)
		}
	}
	for _, in := range tables {
		if err := r.drain(ctx, in); err != nil {
			return err
		}
	}
	r.values(false)
	if r.cfg.Live {
		return r.live(ctx, streams)
	}
	return r.merge(ctx, streams)
}

// values runs stages of constants: those that a table is made of first, the others once the tables are read.
func (r *Runner) values(tables bool) {
	for _, n := range r.nodes {
		if len(n.stage.Inputs) == 0 && r.feedsTable(n.stage) == tables {
			n.step(0, 0, "values", n.stage.Constants())
		}
	}
}

// feedsTable tells that rows of a stage come to the table side of a join.
func (r *Runner) feedsTable(s *plan.Stage) bool {
	for _, n := range r.consumers[s.Output.Topic] {
		for _, in := range n.stage.Inputs {
			if in.Topic == s.Output.Topic && (in.Port == 1 && in.Table || in.Port == 0 && r.feedsTable(n.stage)) {
				return true
			}
		}
	}
	return false
}

func (r *Runner) drain(ctx context.Context, in Input) error {
	for {
		item, err := in.Source.Next(ctx)
		if errors.Is(err, io.EOF) {
			r.end(in)
			return r.err
		}
		if err != nil {
			return err
		}
		if r.feed(in, item); r.err != nil {
			return r.err
		}
	}
}

// end tells all partitions that an input has ended.
func (r *Runner) end(in Input) {
	if in.Open {
		return
	}
	for p := range max(1, in.Partitions) {
		writers := in.Writers(p)
		for _, w := range r.seen[place{in.Topic, p}] { // such as rows by INSERT: they joined with their first message
			if !slices.Contains(writers, w) {
				writers = append(writers, w)
			}
		}
		for _, w := range writers {
			r.deliver(in.Topic, p, w, &vector.Batch{Watermark: vector.MaxTime})
		}
	}
}

// place is a partition of a topic.
type place struct {
	topic     string
	partition int
}

// see remembers who writes a partition.
func (r *Runner) see(topic string, item Item) {
	k := place{topic, item.Partition}
	if !slices.Contains(r.seen[k], item.Writer) {
		r.seen[k] = append(r.seen[k], item.Writer)
	}
}

// done reports that every result has reached its LIMIT.
func (r *Runner) done() bool {
	if len(r.nodes) == 0 {
		return false
	}
	last := r.nodes[len(r.nodes)-1]
	return last.machines[0].Done() && r.results[last.stage.Output.Topic]
}

// feed hands an item of an input to the stages that read it, by partition.
func (r *Runner) feed(in Input, item Item) {
	b := item.Batch
	if item.Partition >= 0 {
		r.see(in.Topic, item)
		r.deliver(in.Topic, item.Partition, item.Writer, b)
		return
	}
	n := max(1, in.Partitions)
	if n == 1 || len(in.Keys) == 0 || b.Rows == 0 {
		r.deliver(in.Topic, 0, item.Writer, b)
		for p := 1; p < n; p++ { // the watermark, without rows
			r.deliver(in.Topic, p, item.Writer, &vector.Batch{
				Schema: b.Schema, Watermark: b.Watermark, Idle: b.Idle,
				AppendTime: b.AppendTime,
			})
		}
		return
	}
	if len(r.perPart) < n {
		r.perPart = make([][]uint32, n)
	}
	parts := r.perPart[:n]
	stage.Partition(b, in.Keys, parts, &r.hashes)
	for p := range n {
		part := *b
		part.Sel = parts[p]
		r.deliver(in.Topic, p, item.Writer, &part)
	}
}

// deliver hands a batch of a topic's partition to its readers and, where asked, to the result.
func (r *Runner) deliver(topic string, partition int, writer string, b *vector.Batch) {
	if r.results[topic] && b.Live() > 0 && r.err == nil {
		r.err = r.cfg.Sink.Result(topic, partition, b)
	}
	for _, n := range r.consumers[topic] {
		if r.err != nil {
			return
		}
		for _, port := range n.ports[topic] {
			n.step(partition, port, writer, b)
		}
	}
}

// step runs one machine and hands on what it emits.
func (n *node) step(partition, port int, writer string, b *vector.Batch) {
	m := n.machines[partition]
	m.Step(port, writer, b, &output{n: n, partition: partition})
	if n.r.cfg.Crash && m.Err() == nil && n.r.err == nil {
		m, n.r.err = n.crash(partition)
	}
	if err := m.Err(); err != nil && n.r.err == nil {
		n.r.err = fmt.Errorf("stage %s: %w", n.stage.ID, err)
	}
}

// output implements task.Output by handing rows on at once.
type output struct {
	n         *node
	partition int
}

// Rows implements task.Output.
func (o *output) Rows(_, p int, b *vector.Batch) {
	rows := *b
	rows.Watermark, rows.Idle = vector.NoTime, false
	o.n.r.deliver(o.n.stage.Output.Topic, p, o.n.names[o.partition], &rows)
}

// Watermark implements task.Output.
func (o *output) Watermark(_ int, wm int64, idle bool) {
	if l := o.n.stage.Late; l != nil && wm == vector.MaxTime {
		o.n.r.deliver(l.Topic, 0, o.n.names[o.partition], &vector.Batch{Watermark: wm})
	}
	topic := o.n.stage.Output.Topic
	if len(o.n.r.consumers[topic]) == 0 {
		return
	}
	for p := range max(1, o.n.stage.Output.Partitions) {
		if !stage.Writes(o.n.stage, o.partition, p) {
			continue
		}
		o.n.r.deliver(topic, p, o.n.names[o.partition], &vector.Batch{Watermark: wm, Idle: idle})
	}
}

// DeadLetter implements task.Output.
func (o *output) DeadLetter(b *vector.Batch, row uint32, code, msg string) {
	o.n.r.cfg.Sink.Dead(o.n.stage.ID, b, row, code, msg)
}

// Late implements task.Output.
func (o *output) Late(b *vector.Batch, rows []uint32) {
	o.n.r.cfg.Sink.Late(o.n.stage.ID, b, rows)
	if l := o.n.stage.Late; l != nil && len(rows) > 0 {
		late := *b
		late.Sel, late.Watermark, late.Idle = rows, vector.NoTime, false
		o.n.r.deliver(l.Topic, 0, o.n.names[o.partition], &late)
	}
}

// StageCounts is the counts of one stage, summed over its tasks.
type StageCounts struct {
	Stage string
	task.Counts
	StateBytes  int64
	StoredBytes int64 // of StateBytes, in files
	StateKeys   int64
}

// Counts returns the counts of all stages, in plan order.
func (r *Runner) Counts() []StageCounts {
	var out []StageCounts
	for _, n := range r.nodes {
		c := StageCounts{Stage: n.stage.ID}
		for _, m := range n.machines {
			k := m.Counts()
			c.In += k.In
			c.Used += k.Used
			c.Out += k.Out
			c.Filtered += k.Filtered
			c.Late += k.Late
			c.DeadLettered += k.DeadLettered
			c.Skipped += k.Skipped
			c.StateBytes += m.StateBytes()
			c.StoredBytes += m.StoredBytes()
			c.StateKeys += m.StateKeys()
		}
		out = append(out, c)
	}
	return out
}
