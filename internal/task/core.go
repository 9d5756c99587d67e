package task

import (
	"fmt"
	"slices"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// phase is how far a recovery is (the letters are docs/protocol.md's).
type phase uint8

const (
	phasePointer phase = iota // (b) fence the pointer
	phaseFence                // (c) fence the subjects
	phaseLoad                 // (d) load the snapshot
	phaseLive                 // (e) to (g): redo, then go on
)

// core is a task without goroutines, clocks and I/O of its own: it takes events and says what is to be done. The runner
// drives it with goroutines, the simulation with a seed; both run this very code.
//
//	nextOp, opDone       one call to the snapshot store at a time
//	laneWork, laneDone   the writer of a lane has something to do until its Progress is done
//	wants, step          which input may be taken, and taking it
//	snapshot, stop       by the clock, which decides when, never what
type core struct {
	cfg   Config
	rules *Rules
	phase phase
	err   error

	lanes    []*lane
	byOutput [][]*lane // per output and partition, nil: not written by this task
	late     *lane
	dead     *lane
	fencing  int // lanes not fenced yet

	// The state: with the machine's, all that a snapshot holds.
	step    uint64
	inputs  []inputState
	marks   []mark // per output, then late, then dead letters
	order   Order
	extra   Counts // of rows the machine never saw
	cur     origin
	running uint64 // step that the machine is in
	current *Delivery

	redo Order // recorded order of the steps to be redone

	ops      []*storeOp
	opOut    bool
	ptr      pointer
	revision uint64
	serial   uint64
	loaded   *slot // the snapshot this owner stands on
	snap     *snapshotting
	snaps    uint64 // names of objects
	unsaved  error  // why the last snapshot could not be kept

	slow     *slowStep // a step taken with care: nothing else happens meanwhile
	shown    uint64    // the last step that an output showed when this owner began
	stopping bool
	stopped  bool
	taken    int // steps since the start
	// Bytes taken since the last snapshot was begun, and MaxBytes of the largest input, 0: unknown.
	sinceSnap, inputBytes int64
	clock                 func() int64
}

// inputState is the position in one input.
type inputState struct {
	seq     uint64
	created int64
	hash    uint64         // of the message at seq; valid while last is nil
	last    *topic.Message // at seq
	chain   map[string]uint64
}

// bookmark names the position with the identity of the message there.
func (s *inputState) bookmark() topic.Bookmark {
	b := topic.Bookmark{Created: s.created, Seq: s.seq, Hash: s.hash}
	if s.last != nil {
		b.Hash = topic.Mark(topic.Info{}, s.last).Hash
	}
	return b
}

func newCore(cfg Config) (*core, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Limits = cfg.Limits.withDefaults()
	c := &core{cfg: cfg, rules: &cfg.rules, inputs: make([]inputState, len(cfg.Inputs)), clock: cfg.Clock}
	c.marks = make([]mark, len(cfg.Outputs)+2)
	for i := range c.marks {
		c.marks[i].wm = vector.NoTime
	}
	for i := range c.inputs {
		c.inputs[i].chain = map[string]uint64{}
	}
	if len(cfg.Inputs) > 1 {
		c.order.Inputs = len(cfg.Inputs)
	}
	for o := range cfg.Outputs {
		c.byOutput = append(c.byOutput, c.addLanes(&cfg.Outputs[o], o, topic.ClassResult))
	}
	if cfg.Late != nil {
		c.late = c.only(c.addLanes(cfg.Late, len(cfg.Outputs), topic.ClassResult))
	}
	if cfg.DeadLetters != nil {
		c.dead = c.only(c.addLanes(cfg.DeadLetters, len(cfg.Outputs)+1, topic.ClassDead))
		c.dead.quiet = true
	}
	c.askPointer()
	return c, nil
}

func (c *core) addLanes(o *OutputConfig, number int, class string) []*lane {
	if o.Class != "" {
		class = o.Class
	}
	lanes := make([]*lane, len(o.Logs))
	for p, log := range o.Logs {
		if log == nil {
			continue
		}
		subject := topic.Subject(class, o.Topic, p, c.cfg.Name)
		lanes[p] = &lane{
			output: number, partition: p, class: class, name: c.cfg.Name, epoch: c.cfg.Epoch, schema: o.Schema,
			limit: c.cfg.Limits.MessageBytes, order: &c.order, rules: c.rules, cur: &c.cur,
			sent:   mark{wm: vector.NoTime},
			writer: topic.NewWriter(topic.WriterConfig{Log: log, Subject: subject, OnStatus: c.cfg.OnStatus}),
			stats:  &OutputStats{Subject: subject, Capacity: int64(c.cfg.Limits.PendingBytes)},
		}
		c.lanes = append(c.lanes, lanes[p])
	}
	return lanes
}

// only returns the one lane that the task writes of a topic.
func (c *core) only(lanes []*lane) *lane {
	i := slices.IndexFunc(lanes, func(l *lane) bool { return l != nil })
	return lanes[i]
}

// fail stops the task; the first error counts.
func (c *core) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// laneWork tells whether the writer of lane i has something to do: the caller makes it Step until it is done.
func (c *core) laneWork(i int) bool {
	l := c.lanes[i]
	if c.err != nil {
		return false
	}
	if l.writer.InFlight() {
		return true
	}
	if c.phase != phaseLive || c.slow != nil || !l.ready() {
		return false
	}
	if err := l.start(); err != nil {
		c.fail(err)
		return false
	}
	return true
}

// laneDone takes the end of what the writer of lane i did.
func (c *core) laneDone(i int, p topic.Progress) {
	l := c.lanes[i]
	if p.Err != nil {
		c.fail(fmt.Errorf("task %s: %w", c.cfg.Name, p.Err))
		return
	}
	if l.inFlight != nil {
		l.settled()
		c.pump()
		return
	}
	c.fencing--
	if c.fencing == 0 {
		c.load()
	}
}

// redoing tells whether the next step was taken before, by an owner whose output shows it.
func (c *core) redoing() bool { return c.step < c.redo.Last() }

// wants tells whether a message of input k may be taken now. A task waits for room in its outputs and for nothing else.
func (c *core) wants(k int) bool {
	if c.phase != phaseLive || c.err != nil || c.stopping || c.slow != nil || c.full() {
		return false
	}
	if c.order.Inputs < 2 {
		return true
	}
	if c.redoing() && !c.rules.NoJoinOrder {
		input, known := c.redo.at(c.step + 1)
		return !known || input == k
	}
	return c.order.size < orderMost
}

// full tells whether an output has no room for more.
func (c *core) full() bool {
	return slices.ContainsFunc(c.lanes, func(l *lane) bool { return l.pending >= c.cfg.Limits.PendingBytes })
}

// take takes the next message of input k: one step. One that the task has taken already is passed over.
func (c *core) take(k int, d *Delivery) {
	if d.Message.Seq <= c.inputs[k].seq {
		return
	}
	d.input = k
	if d.Message.Seq < c.ptr.Start[k] { // of an idle writer: only the watermark is wanted
		d.Batch = d.headOnly()
	}
	if c.careful(d) {
		return
	}
	c.run(d, nil)
}

// run lets the machine take a step. Rows of it that kill the machine are left out.
func (c *core) run(d *Delivery, bad []int) {
	c.taken++
	c.sinceSnap += int64(len(d.Message.Data))
	c.running, c.current = c.step+1, d
	c.cur = origin{d.Correlation, d.Trace}
	var start int64
	if c.clock != nil {
		start = c.clock()
	}
	if c.cfg.Span != nil && d.Trace != "" {
		defer c.cfg.Span(d.Trace, d.Batch.Live())()
	}
	if err := c.guarded(func() { c.machineStep(d, bad, emitter{c}) }); err != nil {
		c.crashed(err)
		return
	}
	if c.err != nil {
		return
	}
	ns := int64(0)
	if c.clock != nil {
		ns = c.clock() - start
	}
	c.complete(d, ns)
}

// complete ends a step: from here on the state holds it.
func (c *core) complete(d *Delivery, ns int64) {
	if m, ok := c.cfg.Machine.(interface{ Err() error }); ok && m.Err() != nil {
		c.fail(fmt.Errorf("task %s: %w", c.cfg.Name, m.Err()))
		return
	}
	c.step++
	in := &c.inputs[d.input]
	in.seq, in.created, in.last = d.Message.Seq, d.Created, d.Message
	in.chain[d.Message.Subject] = d.Message.Seq
	c.order.add(d.input)
	if c.late != nil && c.marks[0].wm == vector.MaxTime {
		c.marks[c.late.output].wm = vector.MaxTime
	}
	s := c.stamp(d.Batch.AppendTime)
	for _, l := range c.lanes {
		l.endStep(s, ns)
	}
	c.current = nil
	c.pump()
}

// stamp is what holds now.
func (c *core) stamp(timeMs int64) *stamp {
	s := &stamp{step: c.step, marks: slices.Clone(c.marks), counts: c.counts(), timeMs: timeMs}
	s.positions = c.positions()
	return s
}

func (c *core) positions() []uint64 {
	p := make([]uint64, len(c.inputs))
	for i := range c.inputs {
		p[i] = c.inputs[i].seq
	}
	return p
}

// counts are the machine's and those of rows it never saw.
func (c *core) counts() Counts {
	n := c.cfg.Machine.Counts()
	n.In += c.extra.In
	n.DeadLettered += c.extra.DeadLettered
	return n
}

// pump does what has become possible: snapshots go on when outputs are acknowledged.
func (c *core) pump() {
	if c.err == nil && c.phase == phaseLive {
		c.pumpSnapshot()
	}
}

// drained tells whether every output is acknowledged.
func (c *core) drained() bool {
	return !slices.ContainsFunc(c.lanes, func(l *lane) bool { return !l.drained() })
}

// ended tells whether every output has said, and the log has taken, that nothing more comes.
func (c *core) ended() bool {
	if c.phase != phaseLive || !c.drained() {
		return false
	}
	for o := range c.cfg.Outputs {
		if c.marks[o].wm != vector.MaxTime {
			return false
		}
	}
	return len(c.cfg.Outputs) > 0
}

// PoisonError says that the machine died on a message.
type PoisonError struct {
	Task, Topic string
	Partition   int
	Seq, Step   uint64
	Panic       any
	Stack       string
}

func (e *PoisonError) Error() string {
	return fmt.Sprintf("task %s: the machine died in step %d on message %d of %s/%d: %v", e.Task, e.Step, e.Seq,
		e.Topic, e.Partition, e.Panic)
}
