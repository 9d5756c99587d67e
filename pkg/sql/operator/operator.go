// Package operator is the deterministic, vectorised operators of a stage and the chain that runs them.
package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// Emit hands a batch on. The batch is the receiver's from then on only for the time of the call: a receiver that keeps
// rows copies them. Emit never fails: errors of rows go to Context.
type Emit func(*vector.Batch)

// Context is what an operator may touch beside its input. One goroutine owns it.
type Context struct {
	// Report receives what became of rows that are not handed on. row is an index of the batch that Process got.
	Report Report
	// Derived receives what became of rows that operators have made: behind the first operator that keeps rows in its
	// state, a row is not an input row any more, and counts for nothing in `in = used + others`.
	Derived Report
	// AppendTime is the largest broker append time seen.
	AppendTime int64
}

// Report receives rows that end in an operator, so that the counts of a stage add up. All methods are called by the
// goroutine that runs the chain.
type Report interface {
	// Filtered counts rows dropped by a predicate (a null group key in the ksql profile too: Skipped).
	Filtered(rows int)
	// Late is rows late for all their windows; b holds them (for a late topic), rows lists the indexes.
	Late(b *vector.Batch, rows []uint32)
	// Skipped counts rows without effect by rule: null join key, null group key, on_error = 'skip'.
	Skipped(rows int)
	// Failed is a row that an expression failed on; the implementation follows on_error.
	Failed(b *vector.Batch, row uint32, code, msg string)
	// Noted is an expression that failed on a row which goes on all the same, with a null (ksql profile): an error
	// record, counted apart.
	Noted(b *vector.Batch, row uint32, code, msg string)
}

// DerivedReport is what a Report may also be, to hear of rows that failed or came late behind the first stateful
// operator of a chain. Without it a derived row that fails goes to Failed, and a late one is dropped.
type DerivedReport interface {
	DerivedFailed(b *vector.Batch, row uint32, code, msg string)
	DerivedLate(b *vector.Batch, rows []uint32)
}

// Operator is one node of a stage. Contract: deterministic (no clock, randomness, map order); Process may emit any
// number of batches; state changes only in Process and Advance; Snapshot(Restore(x)) is x.
type Operator interface {
	// Process takes a batch on input port (0, or 1 for the right side of a join). Rows come first; b.Watermark is NOT
	// acted on here: the chain calls Advance with the combined watermark afterwards. The operator does not keep b.
	Process(ctx *Context, port int, b *vector.Batch, emit Emit)
	// Advance tells that no row with an event time below wm will come (vector.MaxTime: the input has ended and
	// everything closes). wm never falls. Returns the watermark that holds for the output after what was emitted.
	Advance(ctx *Context, wm int64, emit Emit) (out int64)
	// Flush is called once at the end of each step, after Process and Advance: emission in batch mode happens here.
	Flush(ctx *Context, emit Emit)
	// Snapshot appends the state to dst; the same state gives the same bytes. Restore replaces the state.
	Snapshot(dst []byte) []byte
	Restore(src []byte) error
	// StateBytes is the memory the state holds.
	StateBytes() int64
}

// Scanner is an operator whose state is a table that pull queries read.
type Scanner interface {
	// Scan emits the current rows of the table, in a repeatable order, as inserts. It changes nothing.
	Scan(emit Emit)
}
