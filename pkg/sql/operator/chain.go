package operator

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// snapshotVersion is the first byte of a chain's snapshot.
const snapshotVersion = 1

// Chain runs the operators of a stage. One goroutine owns it.
//
// Counts: of the rows given to Process, Report hears those that were filtered, late, failed or skipped, each once; the
// others took effect in state or output: used = in - filtered - late - failed - skipped. Rows are followed up to the
// first operator that keeps them in its state (Aggregate, Over, Sort, Materialize); behind it rows are the operator's
// own, and only their failures are heard of (DerivedReport).
type Chain struct {
	specs      []Spec // those of nodes
	nodes      []node
	input      *inputReport
	appendTime int64
	wm         int64 // the watermark that was given
	outWM      int64
	join       int // number of the LookupJoin, -1: none
	mem        *arena.Space
}

type node struct {
	op   Operator
	ctx  *Context
	emit Emit
}

// Process runs the rows of b through the chain: port 1 is the table side of the LookupJoin. All rows are judged by the
// watermark of the last Advance, so that the borders of batches between two watermarks do not matter.
func (c *Chain) Process(port int, b *vector.Batch) {
	c.setAppendTime(b.AppendTime)
	if b.Live() == 0 {
		return
	}
	c.input.head = b
	if port == 0 {
		c.push(0, 0, b)
	} else if c.join >= 0 {
		c.push(c.join, 1, b)
	}
	c.input.head = nil
}

// push gives a batch to node i, or to the output.
func (c *Chain) push(i, port int, b *vector.Batch) {
	n := &c.nodes[i]
	n.op.Process(n.ctx, port, b, n.emit)
}

func (c *Chain) setAppendTime(t int64) {
	if t <= c.appendTime {
		return
	}
	c.appendTime = t
	for _, n := range c.nodes {
		n.ctx.AppendTime = t
	}
}

// Advance tells that no row with an event time below wm will come on port 0; vector.MaxTime: the input has ended.
// A lower watermark than before counts as the one before.
func (c *Chain) Advance(wm int64) {
	c.wm = max(c.wm, wm)
	wm = c.wm
	for i := range c.nodes {
		n := &c.nodes[i]
		wm = n.op.Advance(n.ctx, wm, n.emit)
	}
	c.outWM = max(c.outWM, wm)
}

// Flush ends a step: what is emitted once a step is emitted now.
func (c *Chain) Flush() {
	for i := range c.nodes {
		n := &c.nodes[i]
		n.op.Flush(n.ctx, n.emit)
	}
	c.mem.Collect()
}

// Use says where the state of the chain lies. It is called before the first step.
func (c *Chain) Use(mem *arena.Space) {
	c.mem = mem
	for _, n := range c.nodes {
		if op, ok := n.op.(placed); ok {
			op.use(mem)
		}
	}
}

// Err is why the state of the chain could not be kept where it should lie; what it holds is whole.
func (c *Chain) Err() error { return c.mem.Err() }

// Close gives the memory of Use back. Nothing of the chain may be used any more.
func (c *Chain) Close() { c.mem.Close() }

// Watermark is the watermark of the output after the last Advance.
func (c *Chain) Watermark() int64 { return c.outWM }

// Done reports that no input can change the output any more, because a LIMIT is reached.
func (c *Chain) Done() bool {
	for _, n := range c.nodes {
		if l, ok := n.op.(*limit); ok && l.done() {
			return true
		}
	}
	return false
}

// StateBytes is the memory that the operators' state holds.
func (c *Chain) StateBytes() int64 {
	sum := int64(0)
	for _, n := range c.nodes {
		sum += n.op.StateBytes()
	}
	return sum
}

// StoredBytes is what of StateBytes does not lie in memory.
func (c *Chain) StoredBytes() int64 { return c.mem.Stored() }

// StateKeys is the number of groups, keys and rows that the operators' state holds.
func (c *Chain) StateKeys() int64 {
	sum := int64(0)
	for _, n := range c.nodes {
		if op, ok := n.op.(keyed); ok {
			sum += op.stateKeys()
		}
	}
	return sum
}

// Scan emits the rows of the stage's table: those of the last Aggregate or Materialize, through the operators behind
// it. Nothing changes. False: the chain has no table.
func (c *Chain) Scan(emit func(*vector.Batch)) bool {
	at := -1
	for i, n := range c.nodes {
		if _, ok := n.op.(Scanner); ok {
			at = i
		}
	}
	if at < 0 {
		return false
	}
	scanner, _ := c.nodes[at].op.(Scanner)
	behind, err := BuildOn([]*vector.Schema{c.specs[at].Out()}, c.specs[at+1:], noReport{}, emit)
	if err != nil || behind.join >= 0 {
		return false
	}
	scanner.Scan(func(b *vector.Batch) {
		behind.setAppendTime(c.appendTime)
		if len(behind.nodes) == 0 {
			emit(b)
			return
		}
		behind.Process(0, b)
	})
	behind.Advance(vector.MaxTime)
	behind.Flush()
	return true
}

// Snapshot appends the state of all operators.
func (c *Chain) Snapshot(dst []byte) []byte {
	dst = append(dst, snapshotVersion)
	dst = putU32(putI64(putI64(putI64(dst, c.appendTime), c.wm), c.outWM), uint32(len(c.nodes)))
	for _, n := range c.nodes {
		// Grown by and by, the bytes of a large state would be copied some ten times.
		dst = framed(slices.Grow(dst, int(n.op.StateBytes()/4*3)), n.op.Snapshot)
	}
	return dst
}

// Restore replaces the state of a chain of the same specs that has taken no step yet. After an error the chain must
// not be used.
func (c *Chain) Restore(src []byte) error {
	r := reader{src: src}
	if v := r.byte(); r.err == nil && v != snapshotVersion {
		r.fail("version")
	}
	appendTime, wm, outWM := r.i64(), r.i64(), r.i64()
	if n := r.u32(); r.err == nil && int(n) != len(c.nodes) {
		r.fail("number of operators")
	}
	for i := range c.nodes {
		part := r.frame()
		if r.err != nil {
			break
		}
		if err := c.nodes[i].op.Restore(part); err != nil {
			return err
		}
	}
	if err := r.done(); err != nil {
		return err
	}
	c.mem.Collect()
	c.wm, c.outWM = wm, outWM
	c.appendTime = vector.NoTime
	c.setAppendTime(appendTime)
	return nil
}
