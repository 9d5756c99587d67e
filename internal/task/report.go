package task

import (
	"slices"
	"sync"
)

// Report is what a running task tells about itself. Any goroutine may read it.
type Report struct {
	mu      sync.Mutex
	numbers Numbers
}

// Numbers are the figures of a task at one moment.
type Numbers struct {
	Live      bool // recovered; steps are taken
	Redoing   bool // steps that an owner before took
	Step      uint64
	Positions []uint64 // of the inputs
	Pending   []int64  // messages behind the position, per input; -1: unknown
	Fetched   []int    // messages fetched ahead, per input
	Watermark int64    // of the first output
	Counts    Counts
	State     int64 // bytes
	Stored    int64 // of them, in files
	Keys      int64 // groups, keys and rows of the state
	// Trim is, per input, the position of the older snapshot: what is strictly below is not needed by this task.
	Trim      []uint64
	Snapshots uint64 // taken since the start
	LastStep  uint64 // of the newest snapshot
	Unsaved   string // why the last snapshot could not be kept
	Outputs   []OutputNumbers
}

// Numbers returns a copy of the figures.
func (r *Report) Numbers() Numbers {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.numbers
	n.Positions, n.Pending, n.Trim = slices.Clone(n.Positions), slices.Clone(n.Pending), slices.Clone(n.Trim)
	n.Fetched, n.Outputs = slices.Clone(n.Fetched), slices.Clone(n.Outputs)
	return n
}

// report writes the figures of a core.
func (r *Report) report(c *core, pending []int64, feeds []chan *Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := &r.numbers
	n.Live, n.Redoing, n.Step = c.phase == phaseLive, c.phase == phaseLive && c.redoing(), c.step
	n.Positions, n.Pending, n.Fetched = n.Positions[:0], append(n.Pending[:0], pending...), n.Fetched[:0]
	for i := range c.inputs {
		n.Positions = append(n.Positions, c.inputs[i].seq)
	}
	for _, f := range feeds {
		n.Fetched = append(n.Fetched, len(f))
	}
	n.Watermark, n.Counts, n.State = c.marks[0].wm, c.counts(), c.cfg.Machine.StateBytes()
	if m, ok := c.cfg.Machine.(interface{ StoredBytes() int64 }); ok {
		n.Stored = m.StoredBytes()
	}
	if m, ok := c.cfg.Machine.(interface{ StateKeys() int64 }); ok {
		n.Keys = m.StateKeys()
	}
	n.Trim = c.ptr.held(c.rules)
	n.Snapshots, n.Unsaved = c.snaps, ""
	if c.unsaved != nil {
		n.Unsaved = c.unsaved.Error()
	}
	if c.ptr.Newest != nil {
		n.LastStep = c.ptr.Newest.Step
	}
	n.Outputs = n.Outputs[:0]
	for _, l := range c.lanes {
		n.Outputs = append(n.Outputs, l.stats.Numbers())
	}
}
