package operator

import (
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Spec describes one operator of a physical plan. Specs are plain data: Build makes operators of them, EXPLAIN prints
// them. Column numbers are of the operator's input; Out is the schema of what it emits.
type Spec interface {
	Out() *vector.Schema
	// Name is the operator's name in EXPLAIN ("Filter", "HashAggregate"); Details its line there.
	Name() string
	Details() string
}

// Filter keeps rows on which Pred is true. Directly behind an Aggregate it is HAVING and follows the changes of a row:
// one that begins to pass is an Insert, one that stops a Delete, one that never passed nothing. Keys, where the input
// is another changelog, are the columns of its key: then Filter keeps the keys that pass, to do the same.
type Filter struct {
	Pred expr.Expr
	Keys []int
	// NullOnError (ksql): a row on which Pred fails is Filtered and reported as Noted.
	NullOnError bool
	// Values: a row of a stream with a null value (Op Delete) does not pass.
	Values bool
	Schema *vector.Schema
}

// Project computes Exprs. NullOnError (ksql): a row on which an expression fails stays, with a null in that column, and
// is reported as Noted; in a Filter such a row is dropped. EventTime, if not -1, is the output column (BIGINT ms or
// TIMESTAMP) that sets the rows' event time from here on; Delay is then the delay of the new watermark (largest event
// time - Delay).
type Project struct {
	Exprs     []expr.Expr
	Schema    *vector.Schema
	EventTime int
	DelayMs   int64
	// NullOnError: see above.
	NullOnError bool
}

// WindowKind is the kind of window of an Aggregate.
type WindowKind uint8

// The kinds of windows.
const (
	NoWindow WindowKind = iota
	Tumbling
	Hopping
	Session
	Cumulate
)

// Window is the window of an Aggregate; times in ms. Windows are epoch-aligned and half-open. GraceMs is resolved by
// the planner. Ksql: sessions merge at a distance <= gap and are bounded by first and last row; no window before 0.
type Window struct {
	Kind           WindowKind
	SizeMs         int64
	AdvanceMs      int64
	GraceMs        int64
	Ksql           bool
	ProcessingTime bool // by Batch.AppendTime instead of Batch.Time
}

// Emission is when an Aggregate emits.
type Emission uint8

// EmitBatch: each group that a step changed, once, at the step's end. EmitRecord: after each row. EmitFinal: a window
// when it closes (watermark >= end + grace); without a window, at the end of the input. EmitClose is EmitFinal with
// the difference that it is chosen for bounded runs without EMIT.
const (
	EmitBatch Emission = iota
	EmitRecord
	EmitFinal
)

// Agg is one aggregate call. Args are input columns (already computed by a Project below); Filter is a BOOLEAN input
// column or -1. Order numbers the arguments of the functions that need more.
type Agg struct {
	Func     string // upper case name of the table of aggregates
	Args     []int
	Distinct bool
	Filter   int
	T        vector.Type // result type, from ResolveAggIn
	Limit    int64       // most elements of COLLECT_LIST, COLLECT_SET, HISTOGRAM; 0: the default
	Order    []SortKey   // the rows come in this order, equal ones as they arrived; where OrderMatters
}

// Aggregate groups by Keys. Its output is: the keys, then window_start, window_end (BIGINT ms) when there is a
// window, then the aggregates. Row's event time: the largest event time in the group's window. Output rows are Insert
// the first time a (group, window) is emitted, UpdateAfter later, Delete for a session absorbed by a merge.
type Aggregate struct {
	Keys     []int
	Window   Window
	Aggs     []Agg
	Emit     Emission
	DropNull bool // ksql: a null key drops the row (Skipped)
	// Retracts: the input is a changelog that says what it replaces: rows with UpdateBefore and Delete are taken back.
	// With several writers a row may be taken back before it comes.
	Retracts bool
	// Before: a row that is emitted again is preceded by an UpdateBefore with the old one, for readers that retract.
	Before bool
	// KeepEmpty: a group whose last row was taken back stays (ksql: COUNT 0); else it is deleted.
	KeepEmpty bool
	// Ksql: functions as the ksql profile has them (SUM keeps the type, AVG is DOUBLE, STDDEV_SAMP the variance ...).
	Ksql bool
	// OneRow: without keys and window, an input that ends without a row gives one (COUNT 0). Set it on one task only.
	OneRow bool
	// EmptySets are the numbers, as the last key has them, of the grouping sets without a key: without a window their
	// groups are there without a row too, at the end of the input. Placed keeps them on one task.
	EmptySets []int64
	Schema    *vector.Schema
}

// OverAgg is one `agg(arg) OVER (...)`: an aggregate, ROW_NUMBER, RANK, DENSE_RANK, LAG or LEAD (x[, rows[, default]];
// the number of rows is the same in all rows). Frames end at the current row, so that a LEAD is null, or its default.
// RangeMs >= 0: RANGE with all peers of a time, final once the watermark passes it. Rows >= 0: ROWS Rows PRECEDING.
// Both -1: UNBOUNDED PRECEDING (ROWS if ByRows).
type OverAgg struct {
	Func    string
	Args    []int
	RangeMs int64
	Rows    int64
	ByRows  bool
	T       vector.Type
	Order   []SortKey // inside of the call, as in Agg
	// IgnoreNulls: LAG, LEAD, FIRST_VALUE and LAST_VALUE pass over rows in which the first argument is null.
	IgnoreNulls bool
}

// Over computes window functions per partition in event time order; it appends one column per Agg to its input. Rows
// wait until the watermark has passed their time (RANGE and ROWS alike), then leave ordered by (time, arrival).
type Over struct {
	Partition []int
	// ExpireMs > 0: a row that comes more than that after the one before it in its partition begins the partition anew.
	ExpireMs int64
	Aggs     []OverAgg
	Schema   *vector.Schema
}

// LookupJoin is the stream-table join: port 0 the stream, port 1 the table's changelog. Only stream rows trigger;
// output is the stream's columns, then the table's. Keys by column number on each side, in order.
type LookupJoin struct {
	StreamKeys []int
	TableKeys  []int
	Left       bool // no match gives nulls; else nothing (Filtered)
	Schema     *vector.Schema
}

// SortKey is one ORDER BY key.
type SortKey struct {
	Col       int
	Desc      bool
	NullsLast bool
}

// Sort collects its input until the end of the input, or per closed window (ByWindow: column of window_end), orders
// it and applies Limit (-1: none) and Offset. Equal rows stay in the order they came. Deletes and updates are not
// supported: Materialize comes first where the input is a changelog.
type Sort struct {
	Keys   []SortKey
	Limit  int64
	Offset int64
	// ByWindow sorts the rows of each window alone, by the column WindowEnd, when the watermark reaches that end.
	ByWindow  bool
	WindowEnd int
	Schema    *vector.Schema
}

// Limit passes the first N rows after Offset; Done turns true when no more will come.
type Limit struct {
	N, Offset int64
	Schema    *vector.Schema
}

// Materialize keeps the last row per key (Insert and UpdateAfter set, Delete removes, UpdateBefore is ignored) by first
// arrival, and passes everything through, unless Final: then it emits only at the end of the input. A key is the
// columns Keys (all columns where empty and the input is a table without a key).
type Materialize struct {
	Keys []int
	// OneKey: no Keys means that the table has one row (an aggregate without GROUP BY), not that all columns are the
	// key.
	OneKey bool
	// Bag: rows have no key and equal ones count each: Insert and UpdateAfter add a row, Delete and UpdateBefore take
	// an equal one back, also one that has not come yet.
	Bag    bool
	Final  bool
	Schema *vector.Schema
}
