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
	arg    int    // input column, -1: none
	filter int    // input column, -1: none
	set    int    // number of the distinct set, -1: none
	setOff int    // word with head<<32 | count of the set's values in this group
	in     vector.Type
	out    vector.Type
	name   string
	// distinct says that equal values count once.
	distinct bool
	// shared: another aggregate keeps the accumulator.
	shared bool
}

// retracts reports whether a row can be taken out again.
func (d *aggDef) retracts() bool { return d.kind <= kindVar && d.set < 0 }

// checked reports whether a row can overflow the accumulator.
func (d *aggDef) checked() bool { return d.kind == kindSum64 || d.kind == kindSum128 }

// layout places the aggregates of one operator in a record; -1 means that the record has no such word.
type layout struct {
	stride   int
	home     int // pane<<32 | key: where the record is listed; session: its generation<<32 | key
	first    int // arrival number of the group's first row
	owner    int // number that distinct values are kept under
	session  int // session: the words named by sStart and so on
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
	case k == kindCount:
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
	l := &layout{stride: wFirst, home: -1, first: -1, owner: -1, session: -1, visible: -1}
	has := 0
	for _, a := range spec.Aggs {
		d, err := newAggDef(a, in)
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
		if d.kind > kindVar {
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
		if o.shared || !same {
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

func newAggDef(a Agg, in *vector.Schema) (aggDef, error) {
	d := aggDef{arg: -1, filter: a.Filter, set: -1, out: a.T, name: a.Func}
	args := make([]vector.Type, len(a.Args))
	for i, c := range a.Args {
		if c < 0 || c >= len(in.Fields) {
			return d, fmt.Errorf("%s: no input column %d", a.Func, c)
		}
		args[i] = in.Fields[c].Type
	}
	if a.Filter >= len(in.Fields) {
		return d, fmt.Errorf("%s: no filter column %d", a.Func, a.Filter)
	}
	f, err := resolveAgg(a.Func, args)
	if err != nil {
		return d, err
	}
	if len(args) > 0 {
		d.arg, d.in = a.Args[0], args[0]
	}
	d.kind, d.fin = f.kind(d.in), f.fin
	d.distinct = len(args) > 0 && (a.Distinct || f.Name == "COUNT_DISTINCT")
	if d.kind > kindVar {
		d.val = valueKind(d.in)
	}
	want := f.result(d.in)
	if d.out.Kind == vector.Null {
		d.out = want
	}
	if !d.out.Equal(want) {
		return d, fmt.Errorf("%s of %s is %s, not %s", a.Func, d.in, want, d.out)
	}
	return d, nil
}
