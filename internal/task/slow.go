package task

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// A message may kill its task: by a panic, or with the whole process. What owners before went through is in the
// pointer:
//
//   - a panic leaves the step as the suspect before the task ends;
//   - after two starts that ended without a word and without a new snapshot, each step becomes the suspect before it is
//     taken, so that a killed process leaves its step behind;
//   - a step that killed twice is tried in parts, each noted before it is tried, until the rows that kill are known.
// They
//     become dead letters, and stay so in every replay; the step is then taken without them.
//
// A step of which an output shows anything was taken once, so it is no suspect: its rows must come the same way again.

const (
	triesBeforeCare = 2 // starts, or deaths in one step
	codePoison      = "LEAT-5302"
)

// slowStep is a step that is taken with care. While there is one, nothing else is taken or sent.
type slowStep struct {
	d      *Delivery
	poison poison
	before []byte // the machine before the step
}

// guarded runs f and turns a panic into an error.
func (c *core) guarded(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d := c.current
			err = &PoisonError{
				Task: c.cfg.Name, Topic: d.Batch.Topic, Partition: d.Batch.Partition, Seq: d.Message.Seq,
				Step:  c.running,
				Panic: p, Stack: string(debug.Stack()),
			}
		}
	}()
	f()
	return nil
}

// machineStep lets the machine take the batch without the bad rows, which become dead letters first.
func (c *core) machineStep(d *Delivery, bad []int, out Output) {
	b := d.Batch
	if len(bad) > 0 {
		for _, k := range bad {
			out.DeadLetter(b, uint32(rowAt(b, k)), codePoison, "the task died on this row")
		}
		c.extra.In += uint64(len(bad))
		c.extra.DeadLettered += uint64(len(bad))
		b = without(b, bad, b.Live())
	}
	c.cfg.Machine.Step(c.cfg.Inputs[d.input].Port, d.Writer, b, out)
}

// without selects the first n live rows of b but the bad ones.
func without(b *vector.Batch, bad []int, n int) *vector.Batch {
	part := *b
	part.Sel = make([]uint32, 0, n)
	for k := range n {
		if !slices.Contains(bad, k) {
			part.Sel = append(part.Sel, uint32(rowAt(b, k)))
		}
	}
	return &part
}

// crashed ends the task after a panic, once the step is noted. What the machine emitted before is never sent.
func (c *core) crashed(err error) {
	step := c.running
	c.slow = &slowStep{d: c.current}
	c.writePointer(c.suspects(step), func() error { return fmt.Errorf("%w", err) }, nil)
}

// suspects notes one more try of a step.
func (c *core) suspects(step uint64) func(*pointer) {
	tries := c.deaths(step) + 1
	return func(p *pointer) { p.Suspect = &suspect{Step: step, Tries: tries} }
}

// deaths is how often owners died in a step.
func (c *core) deaths(step uint64) int {
	if s := c.ptr.Suspect; s != nil && s.Step == step {
		return s.Tries
	}
	return 0
}

// careful tells whether the step with d is not an ordinary one, and then sees to it.
func (c *core) careful(d *Delivery) bool {
	step := c.step + 1
	i := slices.IndexFunc(c.ptr.Poison, func(x *poison) bool { return x.Step == step })
	switch {
	case i >= 0 && c.ptr.Poison[i].Done:
		c.run(d, c.ptr.Poison[i].Rows)
	case step <= c.shown:
		return false
	case i >= 0: // the owner before died while it tried the first part
		c.beginParts(d, *c.ptr.Poison[i])
		if c.slow.poison.Tries++; c.slow.poison.Tries >= triesBeforeCare { // once may have been anybody's kill
			c.blame()
		}
		c.nextPart()
	case c.deaths(step) >= triesBeforeCare && d.Batch.Live() > 0:
		c.beginParts(d, poison{Step: step, Todo: [][2]int{{0, d.Batch.Live()}}})
		c.nextPart()
	case c.deaths(step) > 0 || c.ptr.Starts >= triesBeforeCare:
		c.slow = &slowStep{d: d}
		c.writePointer(c.suspects(step), func() error {
			c.slow = nil
			c.run(d, nil)
			return nil
		}, nil)
	default:
		return false
	}
	return true
}

func (c *core) beginParts(d *Delivery, x poison) {
	x.Rows, x.Todo = slices.Clone(x.Rows), slices.Clone(x.Todo)
	c.slow = &slowStep{d: d, poison: x, before: c.cfg.Machine.Snapshot(nil)}
}

// blame says that the first part killed: a row alone is bad, more are split.
func (c *core) blame() {
	x := &c.slow.poison
	x.Tries = 0
	if len(x.Todo) == 0 {
		return
	}
	lo, hi := x.Todo[0][0], x.Todo[0][1]
	if hi-lo <= 1 {
		x.Rows, x.Todo = append(x.Rows, lo), x.Todo[1:]
		return
	}
	mid := (lo + hi) / 2
	x.Todo = append([][2]int{{lo, mid}, {mid, hi}}, x.Todo[1:]...)
}

// nextPart notes what is tried next, and tries it; when all rows are known it takes the step.
func (c *core) nextPart() {
	s := c.slow
	x := s.poison
	x.Done = len(x.Todo) == 0
	c.writePointer(func(p *pointer) {
		p.Poison = append(slices.DeleteFunc(slices.Clone(p.Poison), func(o *poison) bool {
			return o.Step == x.Step
		}), &x)
	}, func() error {
		if !x.Done {
			return c.tryPart()
		}
		if err := c.cfg.Machine.Restore(s.before); err != nil {
			return fmt.Errorf("task %s: go back before step %d: %w", c.cfg.Name, x.Step, err)
		}
		c.slow = nil
		c.run(s.d, x.Rows)
		return nil
	}, nil)
}

// tryPart takes the rows up to the end of the first part, without the bad ones, and forgets what comes of it.
func (c *core) tryPart() error {
	s := c.slow
	if err := c.cfg.Machine.Restore(s.before); err != nil {
		return fmt.Errorf("task %s: go back before step %d: %w", c.cfg.Name, s.poison.Step, err)
	}
	c.running, c.current = s.poison.Step, s.d
	part := without(s.d.Batch, s.poison.Rows, s.poison.Todo[0][1])
	err := c.guarded(func() {
		c.cfg.Machine.Step(c.cfg.Inputs[s.d.input].Port, s.d.Writer, part, discard{})
	})
	if err != nil {
		c.blame()
	} else {
		s.poison.Todo, s.poison.Tries = s.poison.Todo[1:], 0
	}
	c.nextPart()
	return nil
}

// discard is an Output that forgets.
type discard struct{}

func (discard) Rows(int, int, *vector.Batch)                      {}
func (discard) Watermark(int, int64, bool)                        {}
func (discard) DeadLetter(_ *vector.Batch, _ uint32, _, _ string) {}
func (discard) Late(_ *vector.Batch, _ []uint32)                  {}
