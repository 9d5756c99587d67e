package task

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/topic"
)

// snapshotting is a snapshot on its way: taken, waiting for its outputs, put, switched.
type snapshotting struct {
	slot *slot
	data []byte
	put  bool
}

// news tells whether a snapshot would hold more than the newest does.
func (c *core) news() bool {
	if c.loaded == nil {
		return c.step > 0
	}
	return c.step > c.loaded.Step
}

// behind tells whether the older snapshot still stands back: it holds the inputs, so another one is due without news.
func (c *core) behind() bool {
	if c.rules.NoSnapTwice || c.ptr.Newest == nil {
		return false
	}
	return c.ptr.Older == nil || c.ptr.Older.Step < c.ptr.Newest.Step
}

// snapshot takes a snapshot if there is a reason to. It is called when one is due by the clock, by a full input, by the
// size of the order, or at the end: when it is called changes no result.
func (c *core) snapshot() {
	if c.phase != phaseLive || c.err != nil || c.snap != nil || c.slow != nil || !c.news() && !c.behind() {
		return
	}
	c.capture()
	c.pump()
}

// inputHeld tells whether so much was taken since the last snapshot that the input may fill up behind the older one. A
// large state is not written again for little input.
func (c *core) inputHeld() bool {
	if c.inputBytes == 0 || c.snap != nil {
		return false
	}
	due := max(c.inputBytes/64, c.cfg.Machine.StateBytes()/4)
	return c.sinceSnap >= min(due, c.inputBytes/4)
}

func (c *core) capture() {
	c.snaps++
	c.sinceSnap = 0
	s := &state.Snapshot{
		Task: c.cfg.Name, Step: c.step, Runner: c.appendRunner(nil),
		Machine: c.cfg.Machine.Snapshot(nil),
	}
	for i := range c.inputs {
		in := &c.inputs[i]
		b := in.bookmark()
		s.Inputs = append(s.Inputs, state.Input{Created: b.Created, Seq: b.Seq, Hash: b.Hash, Chain: in.chain})
	}
	c.snap = &snapshotting{
		slot: &slot{Name: c.objectName(), Step: c.step, Positions: c.positions()},
		data: s.Append(nil),
	}
	if n := len(c.snap.data); n > state.MaxBytes {
		c.fail(fmt.Errorf("task %s: its snapshot of step %d has %d bytes, the limit is %d: give the query more "+
			"partitions",
			c.cfg.Name, c.step, n, state.MaxBytes))
	}
}

// objectName is new each time, and sorts by age.
func (c *core) objectName() string {
	return fmt.Sprintf("%s/%016x-%08x", c.cfg.Name, c.cfg.Epoch, c.snaps)
}

// orderIsLong tells whether a snapshot is due to make it shorter.
func (c *core) orderIsLong() bool { return c.order.size >= orderDue }

// pumpSnapshot goes on with the snapshot: first the object, once what it covers is acknowledged, then the pointer, then
// the object that dropped out goes.
func (c *core) pumpSnapshot() {
	s := c.snap
	if s == nil {
		if c.orderIsLong() && c.slow == nil && (c.news() || c.behind()) {
			c.capture()
			c.pumpSnapshot()
		}
		return
	}
	if s.put {
		return
	}
	for _, l := range c.lanes {
		if !c.rules.SnapEarly && !l.covers(s.slot.Step) {
			return
		}
	}
	s.put = true
	c.ask(&storeOp{kind: opPut, name: s.slot.Name, data: s.data, then: func(a storeAnswer) error {
		switch {
		case errors.Is(a.err, state.ErrNoAnswer): // it may be there: another name, and this one is garbage
			c.snaps++
			s.slot.Name, s.put = c.objectName(), false
			return nil
		case errors.Is(a.err, state.ErrFull): // again when the next one is due; until then the older ones hold
			c.snap, c.unsaved = nil, a.err
			return nil
		case a.err != nil:
			return fmt.Errorf("task %s: put snapshot of step %d: %w", c.cfg.Name, s.slot.Step, a.err)
		}
		c.switchTo(s)
		return nil
	}})
}

func (c *core) switchTo(s *snapshotting) {
	var dropped []*slot
	c.writePointer(func(p *pointer) {
		dropped = []*slot{p.Newest, p.Older}
		p.Newest, p.Older = s.slot, c.loaded
		if c.rules.OneSnapshot {
			p.Older = nil
		}
		p.Starts = 0
		if p.Suspect != nil && p.Suspect.Step <= s.slot.Step {
			p.Suspect = nil
		}
		p.Poison = slices.DeleteFunc(slices.Clone(p.Poison), func(x *poison) bool { // no recovery redoes it any more
			return p.Older != nil && x.Step <= p.Older.Step
		})
	}, func() error {
		c.loaded, c.snap, c.unsaved = s.slot, nil, nil
		switch older := c.ptr.Older; {
		case c.rules.OneSnapshot:
			c.order.cut(s.slot.Step)
		case older != nil:
			c.order.cut(older.Step)
		}
		for _, old := range dropped {
			if old != nil && old != c.ptr.Older {
				c.remove(old.Name)
			}
		}
		return nil
	}, nil)
}

// appendRunner appends what the task keeps beside the machine: marks, order, counts.
func (c *core) appendRunner(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c.marks)))
	for _, m := range c.marks {
		dst = binary.AppendVarint(dst, m.wm)
		idle := uint64(0)
		if m.idle {
			idle = 1
		}
		dst = binary.AppendUvarint(dst, idle)
	}
	dst = binary.AppendUvarint(dst, c.extra.In)
	dst = binary.AppendUvarint(dst, c.extra.DeadLettered)
	dst = binary.AppendUvarint(dst, c.order.Base)
	return c.order.appendRuns(dst)
}

func (c *core) restoreRunner(src []byte) error {
	bad := false
	number := func() uint64 {
		v, n := binary.Uvarint(src)
		if n <= 0 {
			bad = true
			return 0
		}
		src = src[n:]
		return v
	}
	if n := number(); n != uint64(len(c.marks)) {
		return fmt.Errorf("%w: of a task with %d outputs", state.ErrDamaged, n)
	}
	for i := range c.marks {
		v, n := binary.Varint(src)
		if n <= 0 {
			return fmt.Errorf("%w: watermarks", state.ErrDamaged)
		}
		src = src[n:]
		c.marks[i] = mark{v, number() == 1}
	}
	c.extra.In, c.extra.DeadLettered = number(), number()
	base := number()
	if bad {
		return fmt.Errorf("%w: runner's part is cut off", state.ErrDamaged)
	}
	if c.order.Inputs > 1 {
		c.order = Order{Inputs: c.order.Inputs, Base: base, raw: src}
		return c.order.decode()
	}
	return nil
}

// restore takes over a snapshot.
func (c *core) restore(s *state.Snapshot) error {
	if err := c.restoreRunner(s.Runner); err != nil {
		return err
	}
	c.step = s.Step
	for i, in := range s.Inputs {
		c.inputs[i] = inputState{seq: in.Seq, created: in.Created, hash: in.Hash, chain: in.Chain}
		if in.Chain == nil {
			c.inputs[i].chain = map[string]uint64{}
		}
	}
	return c.cfg.Machine.Restore(s.Machine)
}

// reader is where the reading of input k goes on.
func (c *core) reader(k int) topic.ReaderConfig {
	in, s := &c.cfg.Inputs[k], &c.inputs[k]
	return topic.ReaderConfig{
		Log: in.Log, Topic: fmt.Sprintf("%s/%d", in.Topic, in.Partition), Filters: in.Filters, After: s.bookmark(),
		Chain: s.chain, TrimPoint: c.ptr.Start[k], MaxBytes: in.MaxBytes,
	}
}

// stop takes no more input; once the outputs are acknowledged and a last snapshot lies, stopped is true.
func (c *core) stop() {
	c.stopping = true
	c.pumpStop()
}

// pumpStop is called after every event while the task stops.
func (c *core) pumpStop() {
	if c.err != nil || c.stopped || c.phase != phaseLive || !c.drained() || c.snap != nil || len(c.ops) > 0 {
		return
	}
	if c.news() && c.unsaved == nil {
		c.capture()
		c.pumpSnapshot()
		return
	}
	if c.ptr.Clean {
		c.stopped = true
		return
	}
	c.writePointer(func(p *pointer) { p.Clean, p.Starts = true, 0 }, func() error { c.stopped = true; return nil }, nil)
}
