package operator

import (
	"fmt"
	"strings"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// JoinKind is which rows of a join leave it.
type JoinKind uint8

// The kinds. Semi and anti joins emit the columns of the left side only.
const (
	InnerJoin JoinKind = iota
	LeftJoin
	RightJoin
	FullJoin
	SemiJoin
	AntiJoin
)

var joinNames = [...]string{"inner", "left", "right", "full", "semi", "anti"}

func (k JoinKind) String() string { return joinNames[k] }

// All joins: port 0 is the left side, port 1 the right side. Keys are column numbers of each side, in order; equal
// values join, a null joins nothing. On, where it is not nil, is a further condition over the columns of both sides
// (left ones first). The output is the left columns, then the right ones; a missing side is null. A Delete carries the
// whole row that it takes back.

// WindowJoin is the stream-stream join: rows join when -BeforeMs <= time of the right row - time of the left row <=
// AfterMs. Each arriving row probes the other side: one result per pair, by the other row's time, then its arrival; its
// event time is the larger one. Rows with a null key or a null value (Op Delete) are Skipped. An outer row that finds
// no partner leaves when the clock is past time + reach + GraceMs, or at once where Eager. A row that is already that
// late is neither kept nor matched: on a preserved side it leaves with nulls at once, else it is Late.
type WindowJoin struct {
	Kind                JoinKind // inner, left, right, full
	LeftKeys, RightKeys []int
	BeforeMs, AfterMs   int64
	GraceMs             int64
	// Eager: unmatched rows of a preserved side leave at once, a later match besides; rows are kept for GraceMs.
	Eager bool
	// StreamTime: the clock is the largest event time seen on either side, row by row, instead of the watermark.
	StreamTime bool
	On         expr.Expr
	Schema     *vector.Schema
}

// AsofJoin joins each left row with the right row of its key that has the largest event time not above the left row's
// (below it where Strict); of equal times the later one in the log. A left row waits until the watermark is past its
// time; rows leave ordered by time, then arrival. Rows of either side that come below the watermark are Late. With On
// the latest row on which it is true is meant, and all right rows are kept.
type AsofJoin struct {
	Kind                JoinKind // inner or left
	LeftKeys, RightKeys []int
	Strict              bool
	On                  expr.Expr
	Schema              *vector.Schema
}

// TableJoin joins two tables on their keys (LeftKeys, RightKeys are the whole primary keys). Each change of either side
// emits the key's row again, even if equal (Insert the first time, then UpdateAfter), and a Delete when a result
// existed and does no longer. The event time is the larger one of both rows. Rows with a null key are Skipped, but for
// those of a side of which KeepNulls says that the null is a key like any other: they leave alone where Kind lets them.
type TableJoin struct {
	Kind                JoinKind // inner, left, right, full
	LeftKeys, RightKeys []int
	KeepNulls           [2]bool
	Schema              *vector.Schema
}

// ForeignJoin joins a table (port 0, primary key LeftPK) with the row of another table whose primary key RightKeys
// equals LeftKeys, columns that need not be unique. A left change gives the new row, or a Delete where the match is
// lost (inner); a right change one row per referring left row, by the left rows' first arrival. The deletion of a left
// row gives a Delete, even if there is no result. Rows with a null in their primary key are Skipped unless KeepNulls
// says that a null of the left one is a key like any other.
type ForeignJoin struct {
	Kind                JoinKind // inner or left
	KeepNulls           bool
	LeftPK              []int
	LeftKeys, RightKeys []int
	Schema              *vector.Schema
}

// ChangeJoin is the unbounded join of two streams or changelogs on any columns. Every change of a side joins the rows
// that the other side has; results are Insert and Delete (of the same whole row), so that a reader can retract. LeftPK
// and RightPK, where not nil, are the key of an upsert changelog: a row replaces the one with its key; without them a
// Delete or UpdateBefore takes one equal row back, also one that has not come yet. Semi and anti joins emit left rows.
// A result taken back has the time that it came with, so that a result of an outer, semi or anti join may be below the
// watermark. NullAware is NOT IN: an anti join for which a null in the last key column, on either side, may be any
// value, so that the left row is not emitted beside it; in the key columns before the last, those of a correlation, a
// null joins nothing.
type ChangeJoin struct {
	Kind                JoinKind
	LeftKeys, RightKeys []int
	LeftPK, RightPK     []int
	On                  expr.Expr
	NullAware           bool
	// DropNulls: rows with a null in LeftPK or RightPK are Skipped (ksql); else a null is a key like any other.
	DropNulls bool
	// TTLMs > 0: rows with a time below watermark - TTLMs are forgotten, without a Delete of their results.
	TTLMs  int64
	Schema *vector.Schema
}

// LookupMany is the stream-table join on columns that are not the table's key: each stream row (port 0) joins with all
// rows that the table (port 1, primary key TablePK; nil: every row counts) has at that moment, in the order of their
// first arrival. Only stream rows trigger. NullAware is that of ChangeJoin.
type LookupMany struct {
	Kind                  JoinKind // inner, left, semi, anti
	StreamKeys, TableKeys []int
	TablePK               []int
	On                    expr.Expr
	NullAware             bool
	Schema                *vector.Schema
}

// isJoin reports whether an operator has a second port.
func isJoin(s Spec) bool {
	switch s.(type) {
	case *LookupJoin, *LookupMany, *WindowJoin, *AsofJoin, *TableJoin, *ForeignJoin, *ChangeJoin:
		return true
	default:
		return false
	}
}

// Timed reports for the operators of a stage whether the watermark of each port counts: that of a table which is only
// looked up does not.
func Timed(ops []Spec) (ports [2]bool) {
	ports[0] = true
	for _, s := range ops {
		switch s.(type) {
		case *WindowJoin, *AsofJoin, *TableJoin, *ForeignJoin, *ChangeJoin:
			ports[1] = true
		}
	}
	return ports
}

func joinText(kind JoinKind, l, r []int, on expr.Expr) string {
	var parts []string
	for i := range min(len(l), len(r)) {
		parts = append(parts, fmt.Sprintf("left.$%d = right.$%d", l[i]+1, r[i]+1))
	}
	if on != nil {
		parts = append(parts, on.String())
	}
	return kind.String() + "; " + strings.Join(parts, " AND ")
}

// Out is the columns of both sides.
func (j *WindowJoin) Out() *vector.Schema { return j.Schema }

// Name is the operator's name in EXPLAIN.
func (j *WindowJoin) Name() string { return "WindowJoin" }

// Details is the keys and the reach.
func (j *WindowJoin) Details() string {
	return joinText(j.Kind, j.LeftKeys, j.RightKeys, j.On) +
		"; within " + ms(j.BeforeMs) + " before, " + ms(j.AfterMs) + " after, grace " + ms(j.GraceMs)
}

// Out is the columns of both sides.
func (j *AsofJoin) Out() *vector.Schema { return j.Schema }

// Name is the operator's name in EXPLAIN.
func (j *AsofJoin) Name() string { return "AsofJoin" }

// Details is the keys.
func (j *AsofJoin) Details() string { return joinText(j.Kind, j.LeftKeys, j.RightKeys, j.On) }

// Out is the columns of both sides.
func (j *TableJoin) Out() *vector.Schema { return j.Schema }

// Name is the operator's name in EXPLAIN.
func (j *TableJoin) Name() string { return "TableJoin" }

// Details is the keys.
func (j *TableJoin) Details() string { return joinText(j.Kind, j.LeftKeys, j.RightKeys, nil) }

// Out is the columns of both sides.
func (j *ForeignJoin) Out() *vector.Schema { return j.Schema }

// Name is the operator's name in EXPLAIN.
func (j *ForeignJoin) Name() string { return "ForeignKeyJoin" }

// Details is the keys.
func (j *ForeignJoin) Details() string { return joinText(j.Kind, j.LeftKeys, j.RightKeys, nil) }

// Out is the columns of both sides, or of the left one.
func (j *ChangeJoin) Out() *vector.Schema { return j.Schema }

// Name is the operator's name in EXPLAIN.
func (j *ChangeJoin) Name() string { return "ChangeJoin" }

// Details is the keys and the time rows are kept.
func (j *ChangeJoin) Details() string {
	out := joinText(j.Kind, j.LeftKeys, j.RightKeys, j.On)
	if j.TTLMs > 0 {
		out += "; kept " + ms(j.TTLMs)
	}
	return out
}

// Out is the columns of both sides, or of the stream.
func (j *LookupMany) Out() *vector.Schema { return j.Schema }

// Name is the operator's name in EXPLAIN.
func (j *LookupMany) Name() string { return "LookupMany" }

// Details is the keys.
func (j *LookupMany) Details() string { return joinText(j.Kind, j.StreamKeys, j.TableKeys, j.On) }
