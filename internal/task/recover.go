package task

import (
	"errors"
	"fmt"

	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/topic"
)

// askPointer is (b): the pointer is read and rewritten with this owner's epoch. From then on only the revision of that
// write counts: what a zombie writes to the pointer is refused, and so is what this owner writes once it is one.
func (c *core) askPointer() {
	c.ask(&storeOp{kind: opLoad, name: c.cfg.Name, then: func(a storeAnswer) error {
		if a.err != nil && !errors.Is(a.err, state.ErrNotFound) {
			return fmt.Errorf("task %s: read its pointer: %w", c.cfg.Name, a.err)
		}
		return c.fencePointer(a)
	}})
}

func (c *core) fencePointer(a storeAnswer) error {
	p := &pointer{}
	if a.revision > 0 {
		var err error
		if p, err = decodePointer(a.data); err != nil {
			return fmt.Errorf("task %s: %w", c.cfg.Name, err)
		}
		if p.Epoch >= c.cfg.Epoch && !c.rules.NoEpochCheck {
			return fmt.Errorf("task %s: its pointer has epoch %d, this owner %d: %w", c.cfg.Name, p.Epoch, c.cfg.Epoch,
				topic.ErrFenced)
		}
		p.Starts++
	}
	if p.Clean {
		p.Starts = 0
	}
	p.Clean = false
	if p.Start == nil {
		for _, in := range c.cfg.Inputs {
			p.Start = append(p.Start, in.Start)
		}
	}
	c.revision = a.revision
	if c.rules.NoPtrFence {
		c.ptr = *p
		return c.fenceLanes()
	}
	c.writePointer(func(q *pointer) { *q = *p }, c.fenceLanes, c.fencePointer)
	return nil
}

// fenceLanes is (c): an epoch message behind the last message of every output subject.
func (c *core) fenceLanes() error {
	c.phase = phaseFence
	c.fencing = len(c.lanes)
	for _, l := range c.lanes {
		if err := l.fence(); err != nil {
			return err
		}
	}
	if c.fencing == 0 {
		c.load()
	}
	return nil
}

// load is (d): the snapshot that the pointer named when this owner fenced it. A damaged one falls back to the one
// before.
func (c *core) load() {
	c.phase = phaseLoad
	if c.rules.NoPtrFence { // the mutant trusts a pointer it has not fenced, so it reads it as late as it can
		c.ask(&storeOp{kind: opLoad, name: c.cfg.Name, then: func(a storeAnswer) error {
			if a.revision > 0 {
				p, err := decodePointer(a.data)
				if err != nil {
					return err
				}
				c.ptr, c.revision = *p, a.revision
			}
			return c.loadSlot(c.ptr.Newest, nil)
		}})
		return
	}
	if err := c.loadSlot(c.ptr.Newest, nil); err != nil {
		c.fail(err)
	}
}

// SnapshotError says that no snapshot a task still needs can be read.
type SnapshotError struct {
	Task  string
	Cause error
}

func (e *SnapshotError) Error() string {
	return fmt.Sprintf("task %s: neither of its two snapshots can be read, and what they cover may be trimmed: %v",
		e.Task, e.Cause)
}

func (e *SnapshotError) Unwrap() error { return e.Cause }

func (c *core) loadSlot(s *slot, cause error) error {
	if s == nil {
		switch {
		case cause == nil || c.ptr.Older == nil && c.fromStart():
			return c.begin(nil)
		default:
			return &SnapshotError{Task: c.cfg.Name, Cause: cause}
		}
	}
	c.ask(&storeOp{kind: opGet, name: s.Name, then: func(a storeAnswer) error {
		snap, err := c.readSnapshot(a)
		if err == nil {
			c.loaded = s
			return c.begin(snap)
		}
		if s == c.ptr.Newest {
			return c.loadSlot(c.ptr.Older, err)
		}
		return &SnapshotError{Task: c.cfg.Name, Cause: errors.Join(cause, err)}
	}})
	return nil
}

// fromStart tells whether the inputs are held from the start: until there are two snapshots they are.
func (c *core) fromStart() bool { return c.ptr.Newest != nil && !c.rules.OneSnapshot }

func (c *core) readSnapshot(a storeAnswer) (*state.Snapshot, error) {
	if a.err != nil {
		return nil, a.err
	}
	s, err := state.Decode(a.data)
	if err != nil {
		return nil, err
	}
	if s.Task != c.cfg.Name || len(s.Inputs) != len(c.inputs) {
		return nil, fmt.Errorf("%w: it is of task %q with %d inputs", state.ErrDamaged, s.Task, len(s.Inputs))
	}
	return s, nil
}

// begin restores the state and learns from the outputs what is to be redone: (e) and (f).
func (c *core) begin(s *state.Snapshot) error {
	if s != nil {
		if err := c.restore(s); err != nil {
			return fmt.Errorf("task %s: restore the snapshot of step %d: %w", c.cfg.Name, s.Step, err)
		}
	}
	lead := c.step
	for _, l := range c.lanes {
		p, err := l.recovered()
		if err != nil {
			return fmt.Errorf("task %s: %w", c.cfg.Name, err)
		}
		if p != nil && p.Cursor.Last() > lead {
			lead, c.redo = p.Cursor.Last(), p.Order
		}
	}
	if lead > c.step && c.order.Inputs > 1 && !c.rules.NoJoinOrder {
		if _, known := c.redo.at(c.step + 1); !known || c.redo.Last() < lead {
			return fmt.Errorf("task %s: steps %d to %d must be redone, but no output that is kept shows their order "+
				"(it shows steps %d to %d)", c.cfg.Name, c.step+1, lead, c.redo.Base+1, c.redo.Last())
		}
	}
	if c.order.Inputs < 2 { // one partition has one order: only how far matters
		c.redo = Order{Base: c.step, steps: lead - c.step}
	}
	c.shown = lead
	now := c.stamp(0)
	for _, l := range c.lanes {
		l.tail = now
		if l.acked.Step < c.step && !l.quiet && !c.rules.NoProgress {
			l.segs = append(l.segs, &segment{stamp: now, end: Cursor{Step: c.step}, forced: true})
		}
	}
	c.phase = phaseLive
	c.collect()
	return nil
}

// collect removes snapshots that an owner died before removing: only those older than what the pointer names.
func (c *core) collect() {
	if c.ptr.Older == nil {
		return
	}
	prefix := c.cfg.Name + "/"
	keep := c.ptr.Older.Name
	c.ask(&storeOp{kind: opList, name: prefix, then: func(a storeAnswer) error {
		for _, name := range a.names {
			if name < keep && name != c.ptr.Newest.Name && name != c.ptr.Older.Name {
				c.remove(name)
			}
		}
		return nil
	}})
}

// remove deletes an object. One that stays is garbage, which the next owner collects.
func (c *core) remove(name string) {
	c.ask(&storeOp{kind: opDelete, name: name, then: func(storeAnswer) error { return nil }})
}
