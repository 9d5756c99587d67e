package operator

import (
	"fmt"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Retract turns an upsert changelog with the key Keys into one that says what a change replaces: an UpdateBefore with
// the old row in front of each UpdateAfter, and Deletes that carry the whole old row. An Insert of a key that is there
// counts as an UpdateAfter, a Delete of one that is not there vanishes. Readers that group, join or sort by other
// columns need it; a row that did not change is passed on as a pair all the same.
type Retract struct {
	Keys   []int
	Schema *vector.Schema
}

// Settle brings the changes of a key together that come from several writers in no fixed order: a Delete or
// UpdateBefore takes back the equal row, wherever it stands, also one that comes later; the last row that is left is
// the row of the key. Output is an upsert changelog: Insert, UpdateAfter, Delete.
type Settle struct {
	Keys   []int
	Schema *vector.Schema
}

// Dedup passes the first row of each distinct value of Keys. TTLMs > 0: a value is forgotten when the watermark is past
// its last row's time + TTLMs.
type Dedup struct {
	Keys   []int
	TTLMs  int64
	Schema *vector.Schema
}

// Expand emits each row once for each grouping set: the columns of Keys that are not in the set are null, and a last
// column says which set it is (BIGINT, from 0).
type Expand struct {
	Keys   []int
	Sets   [][]int // of positions in Keys
	Schema *vector.Schema
}

// AssignWindow is the table function of a window: it emits a row once for each window that holds its event time, with
// window_start, window_end (BIGINT ms) and window_time (end - 1) appended. Sessions are windows of an Aggregate only.
type AssignWindow struct {
	Window Window
	Schema *vector.Schema
}

// Rank is the numbering of a TopN.
type Rank uint8

// The numberings.
const (
	RowNumber Rank = iota
	RankWithGaps
	DenseRank
)

// TopN keeps the rows of each partition whose number under Order is at most N. The input is a stream, or a changelog
// (Retracts: UpdateBefore and Delete take an equal row back; with Key the row of that key). The output is a changelog
// of Insert and Delete of whole rows; with Number the row number is appended (BIGINT), and a row whose number changes
// is deleted and inserted again. Rows that are equal under Order stand in the order of their arrival. What changed is
// told at the end of a step, for each partition in the order of its first change: the deletions, then the insertions,
// both in the order of the rows, with the rows' own event times. A row that comes and goes within a step is not told
// of.
type TopN struct {
	Partition []int
	Order     []SortKey
	N         int64
	Rank      Rank
	Number    bool
	Key       []int // key of an upsert input, nil: a stream, or rows that are taken back by value
	Retracts  bool
	// WindowEnd is the column of Partition that holds the end of a window, or -1: rows of a window are forgotten when
	// the watermark is past it, and with Final they leave only then.
	WindowEnd int
	Final     bool
	Schema    *vector.Schema
}

// FrameBound is where a frame begins or ends: so many rows, or so much of the ORDER BY value, from the current row.
// Unbounded is the partition's border.
type FrameBound struct {
	Unbounded bool
	Offset    int64 // negative: preceding
}

// TableOverAgg is one window function of a TableOver. Args are input columns. Without Order the frame is the partition.
type TableOverAgg struct {
	Func     string
	Args     []int
	Distinct bool
	Filter   int // BOOLEAN column or -1
	Rows     bool
	From, To FrameBound
	T        vector.Type
	Order    []SortKey // inside of the call, as in Agg
	// IgnoreNulls: LAG, LEAD, FIRST_VALUE, LAST_VALUE and NTH_VALUE pass over rows in which the first argument is null.
	IgnoreNulls bool
}

// TableOver computes window functions in any order and frame over the rows that a partition holds at the moment: the
// whole rows of a stream, or those of a changelog. A change emits Delete and Insert for each row of the partition whose
// result changed. One column per Agg is appended. Final emits at the end of the input only (or, with WindowEnd, a
// column of Partition, when the watermark is past that end), in order of partition, then Order.
type TableOver struct {
	Partition []int
	Order     []SortKey
	Aggs      []TableOverAgg
	Key       []int // key of an upsert input
	Retracts  bool
	WindowEnd int
	Final     bool
	Schema    *vector.Schema
}

// TableFunc is one table function of an Unnest: EXPLODE, CUBE_EXPLODE, GENERATE_SERIES, UNNEST. Args are input columns.
type TableFunc struct {
	Func string
	Args []int
	T    vector.Type // of the column it gives
}

// Unnest emits a row for each element that its functions give; several run in step, the shorter ones padded with null.
// No element gives no row (Filtered), or with Outer one row of nulls. One column per function is appended, then with
// Ordinal the position from 1 (BIGINT). Rows keep time and op.
type Unnest struct {
	Funcs   []TableFunc
	Outer   bool
	Ordinal bool
	// Unread lists columns of the input that no reader wants: they are null in the output, so that an array is not
	// copied once for each of its elements.
	Unread []int
	Schema *vector.Schema
}

func columnNames(s *vector.Schema, cols []int) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = s.Fields[c].Name
	}
	return strings.Join(parts, ", ")
}

// Out is the input's schema.
func (r *Retract) Out() *vector.Schema { return r.Schema }

// Name is the operator's name in EXPLAIN.
func (r *Retract) Name() string { return "Retract" }

// Details is the key.
func (r *Retract) Details() string { return "key " + columnNames(r.Schema, r.Keys) }

// Out is the input's schema.
func (s *Settle) Out() *vector.Schema { return s.Schema }

// Name is the operator's name in EXPLAIN.
func (s *Settle) Name() string { return "Settle" }

// Details is the key.
func (s *Settle) Details() string { return "key " + columnNames(s.Schema, s.Keys) }

// Out is the input's schema.
func (d *Dedup) Out() *vector.Schema { return d.Schema }

// Name is the operator's name in EXPLAIN.
func (d *Dedup) Name() string { return "Distinct" }

// Details is the columns that are told apart.
func (d *Dedup) Details() string { return columnNames(d.Schema, d.Keys) }

// Out is the input's schema and the number of the set.
func (e *Expand) Out() *vector.Schema { return e.Schema }

// Name is the operator's name in EXPLAIN.
func (e *Expand) Name() string { return "Expand" }

// Details is the grouping sets.
func (e *Expand) Details() string {
	parts := make([]string, len(e.Sets))
	for i, set := range e.Sets {
		cols := make([]int, len(set))
		for k, p := range set {
			cols[k] = e.Keys[p]
		}
		parts[i] = "(" + columnNames(e.Schema, cols) + ")"
	}
	return strings.Join(parts, ", ")
}

// Out is the input's schema and the window's columns.
func (a *AssignWindow) Out() *vector.Schema { return a.Schema }

// Name is the operator's name in EXPLAIN.
func (a *AssignWindow) Name() string { return "AssignWindow" }

// Details is the window.
func (a *AssignWindow) Details() string { return a.Window.String() }

// Out is the input's schema, with the number.
func (t *TopN) Out() *vector.Schema { return t.Schema }

// Name is the operator's name in EXPLAIN.
func (t *TopN) Name() string { return "TopN" }

// Details is the partition, the order and the number.
func (t *TopN) Details() string {
	out := fmt.Sprintf("%d of ", t.N)
	if len(t.Partition) > 0 {
		out += "each " + columnNames(t.Schema, t.Partition) + " "
	}
	return out + "by " + (&Sort{Keys: t.Order, Limit: -1, Schema: t.Schema}).Details()
}

// Out is the input's schema and a column for each call.
func (o *TableOver) Out() *vector.Schema { return o.Schema }

// Name is the operator's name in EXPLAIN.
func (o *TableOver) Name() string { return "TableOver" }

// Details is the partition, the order and the calls.
func (o *TableOver) Details() string {
	parts := make([]string, len(o.Aggs))
	for i, a := range o.Aggs {
		parts[i] = a.Func + "(" + call(a.Args, a.Distinct) + orderText(a.Order) + ")" + nullText(a.IgnoreNulls) +
			filterText(a.Filter)
	}
	out := strings.Join(parts, ", ")
	if len(o.Order) > 0 {
		out = "order by " + (&Sort{Keys: o.Order, Limit: -1, Schema: o.Schema}).Details() + "; " + out
	}
	if len(o.Partition) > 0 {
		out = "partition by " + columnNames(o.Schema, o.Partition) + "; " + out
	}
	return out
}

// Out is the input's schema and a column for each function.
func (u *Unnest) Out() *vector.Schema { return u.Schema }

// Name is the operator's name in EXPLAIN.
func (u *Unnest) Name() string { return "Unnest" }

// Details is the functions.
func (u *Unnest) Details() string {
	parts := make([]string, len(u.Funcs))
	for i, f := range u.Funcs {
		parts[i] = f.Func + "(" + call(f.Args, false) + ")"
	}
	return strings.Join(parts, ", ")
}
