// Package task runs one stage on one partition exactly once: steps, provenance, group commit, snapshots, recovery.
package task

import "github.com/leatsql/leat/pkg/sql/vector"

// Machine is the deterministic part of a task: the chain of operators of a stage. The task's goroutine owns it.
// For equal sequences of Step calls it gives equal outputs, in any process.
type Machine interface {
	// Step takes one decoded message of input port. Batches that it emits for output o, partition p are handed to out
	// in order. in.Watermark is the watermark of that message's subject (writer); the machine combines them.
	Step(port int, writer string, in *vector.Batch, out Output)
	// Snapshot appends the state to dst, Restore replaces the state by it.
	Snapshot(dst []byte) []byte
	Restore(src []byte) error
	// Scan hands the current rows of the stage's table to emit (pull queries); false when the stage has no table.
	Scan(emit func(*vector.Batch)) bool
	StateBytes() int64
	// Counts are the totals since the state began (part of the snapshot): they add up.
	Counts() Counts
}

// Output takes what a step emits. A batch belongs to the receiver only during the call.
type Output interface {
	// Rows appends rows for output number o, partition p, in order.
	Rows(o, p int, b *vector.Batch)
	// Watermark sets the watermark (and idle mark) that holds after the rows so far, on all partitions of output o.
	Watermark(o int, wm int64, idle bool)
	// DeadLetter sends row of b to the dead letters.
	DeadLetter(b *vector.Batch, row uint32, code, msg string)
	// Late sends late rows to the late topic, if the stage has one (the counts are the machine's own).
	Late(b *vector.Batch, rows []uint32)
}

// Counts of a stage: In = Used + Filtered + Late + DeadLettered + Skipped.
type Counts struct {
	In, Used, Out, Filtered, Late, DeadLettered, Skipped uint64
}
