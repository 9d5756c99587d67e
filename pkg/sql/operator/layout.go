package operator

import (
	"fmt"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// A group's accumulators are one record of 8-byte words in store.recs: word 0 flags and has bits, word 1 the largest
// event time, then what the layout adds, then the words of each aggregate.
const (
	wFlags = 0
	wTime  = 1
	wFirst = 2 // first word that the layout gives out
)

// Flags of a record; the has bits of the aggregates are above them.
const (
	flagEmitted uint64 = 1 << iota
	flagDirty
	flagVisible // it passed HAVING when it was last emitted
	flagLive    // the record is in use
	flagTooBig  // a BIGINT sum has overflowed when records were merged
	flagKept    // the group stays without rows
	hasShift    = 8
	maxHas      = 64 - hasShift
)

// aggKind selects the kernels of an aggregate.
type aggKind uint8

const (
	kindCount    aggKind = iota // words: n
	kindSum64                   // n, sum: checked 64 bits
	kindSum128                  // n, low, high: DECIMAL
	kindSumF                    // n, sum, compensation
	kindAvgInt                  // n, low, high
	kindAvgDec                  // n, low, high
	kindAvgF                    // n, sum, compensation
	kindVar                     // n, mean, sum of squared deviations
	kindMin                     // value
	kindMax                     // value
	kindFirst                   // arrival, value
	kindLast                    // arrival, value
	kindEarliest                // time, value
	kindLatest                  // time, value
	kindState                   // number of the state + 1, 0: none yet
)

// valKind is how a value lies in a record.
type valKind uint8

const (
	valWord valKind = iota // one word
	valWide                // low, high of an Int128
	valStr                 // offset, length in store.heap: strings, and nested values as keptBytes writes them
)

func valueKind(t vector.Type) valKind {
	switch t.Phys() {
	case vector.PhysI128:
		return valWide
	case vector.PhysStr, vector.PhysNested:
		return valStr
	default:
		return valWord
	}
}

// aggDef is one aggregate of a plan, placed in the record.
type aggDef struct {
	kind   aggKind
	val    valKind
	fin    finish
	off    int    // first word of the accumulator
	has    uint64 // bit in word 0, 0 when n says it
	arg    int    // first input column, -1: none
	args   []int  // input columns
	filter int    // input column, -1: none
	set    int    // number of the distinct set, -1: none
	setOff int    // word with head<<32 | count of the set's values in this group
	in     vector.Type
	out    vector.Type
	name   string
	zero   bool // 0 of no rows
	nulls  nullRule
	fresh  func() aggState        // of a kindState
	check  func(x *aggRow) string // what is wrong with the row's constants
	// distinct says that equal values count once.
	distinct bool
	// shared: another aggregate keeps the accumulator.
	shared bool
}

// retracts reports whether a row can be taken out again.
func (d *aggDef) retracts() bool { return (d.kind <= kindVar || d.kind == kindState) && d.set < 0 }

// checked reports whether a row can overflow the accumulator.
func (d *aggDef) checked() bool {
	return d.kind == kindSum64 && d.fin != finWrap || d.kind == kindSum128
}

// layout places the aggregates of one operator in a record; -1 means that the record has no such word.
type layout struct {
	stride   int
	home     int // pane<<32 | key: where the record is listed; session: its generation<<32 | key
	first    int // arrival number of the group's first row
	owner    int // number that distinct values are kept under
	session  int // session: the words named by sStart and so on
	rows     int // number of rows, where they are taken back
	visible  int // first word of bits: the windows over this pane that pass HAVING
	visibleN int // words of them
	aggs     []aggDef
	init     []uint64 // an empty record
	fused    []fusion
	single   []int         // aggregates that are in no fusion
	count    int           // word of COUNT(*), -1: none
	sets     []vector.Type // value type of each distinct set
}

// accWords is the number of words of an accumulator.
func accWords(k aggKind, v valKind) int {
	words := 1
	if v != valWord {
		words = 2
	}
	switch {
	case k == kindCount, k == kindState:
		return 1
	case k == kindSum64:
		return 2
	case k <= kindVar:
		return 3
	case k <= kindMax:
		return words
	default:
		return 1 + words
	}
}

// newLayout resolves the aggregates against the input schema.
func newLayout(spec *Aggregate, in *vector.Schema) (*layout, error) {
	l := &layout{stride: wFirst, home: -1, first: -1, owner: -1, session: -1, visible: -1, rows: -1}
	if spec.Retracts {
		l.rows = l.word(1)
	}
	has := 0
	for _, a := range spec.Aggs {
		d, err := newAggDef(a, in, aggMode{spec.Ksql, spec.Retracts})
		if err != nil {
			return nil, err
		}
		if l.shares(&d) {
			l.aggs = append(l.aggs, d)
			continue
		}
		if d.distinct && d.distinctMatters() {
			d.set, d.setOff = len(l.sets), l.word(1)
			l.sets = append(l.sets, d.in)
		}
		d.off = l.word(accWords(d.kind, d.val))
		if d.kind > kindVar && d.kind != kindState {
			if has == maxHas {
				return nil, fmt.Errorf("more than %d MIN, MAX, FIRST, LAST, EARLIEST or LATEST in one aggregation",
					maxHas)
			}
			d.has = 1 << (hasShift + has)
			has++
		}
		l.aggs = append(l.aggs, d)
	}
	if len(l.sets) > 0 {
		l.owner = l.word(1)
	}
	return l, nil
}

// shares places d on the accumulator of an earlier aggregate that holds all d needs: the same sums, or a number of
// values that a sum counts anyway.
func (l *layout) shares(d *aggDef) bool {
	for i := range l.aggs {
		o := &l.aggs[i]
		same := o.arg == d.arg && o.filter == d.filter && (o.distinct == d.distinct || !d.distinctMatters())
		if o.shared || !same || o.kind == kindState || d.kind == kindState || o.zero != d.zero ||
			o.fin != d.fin && (o.fin == finWrap || d.fin == finWrap) {
			continue
		}
		counted := d.kind == kindCount && o.kind <= kindVar
		sums := d.kind == kindAvgDec && o.kind == kindSum128 || d.kind == kindAvgF && o.kind == kindSumF ||
			d.kind == kindSumF && o.kind == kindAvgF
		if counted || sums || d.kind == o.kind {
			d.off, d.has, d.shared = o.off, o.has, true
			return true
		}
	}
	return false
}

// seal makes the empty record, after all words were given out.
func (l *layout) seal() {
	l.fuse()
	l.init = make([]uint64, l.stride)
	l.init[wFlags], l.init[wTime] = flagLive, 1<<63 // NoTime
	if l.first >= 0 {
		l.init[l.first] = math.MaxInt64
	}
	for i := range l.aggs {
		if d := &l.aggs[i]; d.val == valWord && d.kind == kindMin {
			l.init[d.off] = math.MaxInt64
		} else if d.val == valWord && d.kind == kindMax {
			l.init[d.off] = 1 << 63
		}
	}
}

// word gives out n words.
func (l *layout) word(n int) int {
	at := l.stride
	l.stride += n
	return at
}

// distinctMatters: MIN of distinct values is MIN.
func (d *aggDef) distinctMatters() bool { return d.kind <= kindVar }

// aggMode is what decides on the kernels of an aggregate beside its call.
type aggMode struct{ ksql, retracts bool }

func newAggDef(a Agg, in *vector.Schema, m aggMode) (aggDef, error) {
	d := aggDef{arg: -1, args: a.Args, filter: a.Filter, set: -1, out: a.T, name: a.Func}
	c := &aggCall{in: make([]vector.Type, len(a.Args)), ksql: m.ksql, retracts: m.retracts, limit: int(a.Limit)}
	for i, col := range a.Args {
		if col < 0 || col >= len(in.Fields) {
			return d, fmt.Errorf("%s: no input column %d", a.Func, col)
		}
		c.in[i] = in.Fields[col].Type
	}
	if a.Filter >= len(in.Fields) {
		return d, fmt.Errorf("%s: no filter column %d", a.Func, a.Filter)
	}
	if _, err := resolveAgg(a.Func, c); err != nil {
		return d, err
	}
	if len(c.in) > 0 {
		d.arg, d.in = a.Args[0], c.in[0]
	}
	d.kind, d.fin, d.zero, d.nulls, d.check = c.kind, c.fin, c.zero, c.nulls, c.check
	d.distinct = len(c.in) > 0 && (a.Distinct || c.distinct)
	if d.out.Kind == vector.Null {
		d.out = c.out
	}
	if !d.out.Equal(c.out) {
		return d, fmt.Errorf("%s of %s is %s, not %s", a.Func, d.in, c.out, d.out)
	}
	if len(a.Order) > 0 && OrderMatters(a.Func) {
		if err := d.sortBy(c, a.Order, in); err != nil {
			return d, err
		}
	}
	d.chooseState(c)
	if d.kind > kindVar && d.kind != kindState {
		d.val = valueKind(d.in)
	}
	return d, nil
}

// chooseState makes d a kindState where its words cannot take a row back exactly: doubles, extremes and picks, and all
// with DISTINCT.
func (d *aggDef) chooseState(c *aggCall) {
	d.fresh = c.fresh
	if d.distinct {
		in, types := c.fresh, c.in
		d.fresh = func() aggState { return &distinctState{types: types, in: in()} }
	}
	inexact := d.kind == kindSumF || d.kind == kindAvgF || d.kind >= kindVar
	if c.retracts && (inexact || d.distinct) {
		d.kind = kindState
	}
}
