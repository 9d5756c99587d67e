package operator

import (
	"cmp"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// tally is how often each value is there, by its encoding. A value remembers when it came first; one that is taken back
// before it comes has a number below 0.
type tally struct {
	m    map[string]tallyCount
	live int // values with a number above 0
	size int
}

type tallyCount struct {
	n   int64
	seq int64
}

// tallyBytes is what an entry takes beside its bytes.
const tallyBytes = 80

// change adds n to the number of value k, and reports whether it came (1), went (-1) or neither.
func (b *tally) change(k []byte, n, seq int64) int64 {
	old, there := b.m[string(k)]
	now := tallyCount{n: old.n + n, seq: old.seq}
	if old.n <= 0 || seq < old.seq {
		now.seq = seq
	}
	if now.n == 0 {
		delete(b.m, string(k))
		b.size -= tallyBytes + len(k)
	} else {
		if b.m == nil {
			b.m = map[string]tallyCount{}
		}
		b.m[string(k)] = now
	}
	if !there {
		b.size += tallyBytes + len(k)
	}
	switch {
	case old.n <= 0 && now.n > 0:
		b.live++
		return 1
	case old.n > 0 && now.n <= 0:
		b.live--
		return -1
	}
	return 0
}

func (b *tally) merge(o *tally) {
	for _, e := range o.list() {
		b.change([]byte(e.k), e.n, e.seq)
	}
}

// tallyEntry is one value of a tally.
type tallyEntry struct {
	k string
	tallyCount
}

// list is the values in the order of their arrival, with those that are owed.
func (b *tally) list() []tallyEntry {
	out := make([]tallyEntry, 0, len(b.m))
	// any order: sorted below
	for k, c := range b.m {
		out = append(out, tallyEntry{k, c})
	}
	slices.SortFunc(out, func(x, y tallyEntry) int { return cmp.Or(cmp.Compare(x.seq, y.seq), cmp.Compare(x.k, y.k)) })
	return out
}

func (b *tally) snapshot(dst []byte) []byte {
	list := b.list()
	dst = putU64(dst, uint64(len(list)))
	for _, e := range list {
		dst = putI64(putI64(putBytes(dst, []byte(e.k)), e.n), e.seq)
	}
	return dst
}

// restore reads a tally whose keys are valid.
func (b *tally) restore(r *reader, valid func([]byte) bool) {
	for range r.count(20) {
		k := r.bytes()
		n, seq := r.i64(), r.i64()
		if r.err == nil && (!valid(k) || n == 0) {
			r.fail("value of an aggregate")
		}
		if _, twice := b.m[string(k)]; twice {
			r.fail("value twice")
		}
		if r.err != nil {
			return
		}
		b.change(k, n, seq)
	}
}

// setKind is what a tally of values is for.
type setKind uint8

const (
	setCount setKind = iota // how many there are
	setList                 // an array in the order of arrival
	setMap                  // a map from value to number
	setAttr                 // the value, if there is one only
	setMode                 // the most frequent value; of equally frequent ones the least
)

// setState is an aggregate over the set of different values.
type setState struct {
	kind  setKind
	limit int
	types []vector.Type
	tally tally
	buf   []byte
}

func (s *setState) add(x *aggRow, sign int64) {
	s.buf = appendValue(s.buf[:0], x.args[0], x.i)
	if sign > 0 && s.limit > 0 && len(s.tally.m) >= s.limit {
		if _, there := s.tally.m[string(s.buf)]; !there {
			return
		}
	}
	s.tally.change(s.buf, sign, x.seq)
}

func (s *setState) merge(o aggState) {
	if other, ok := o.(*setState); ok {
		s.tally.merge(&other.tally)
	}
}

func (s *setState) result(out *vector.Vector) bool {
	if s.kind == setCount {
		appendWord(out, uint64(s.tally.live))
		return true
	}
	list := s.tally.list()
	list = slices.DeleteFunc(list, func(e tallyEntry) bool { return e.n <= 0 })
	switch s.kind {
	case setList:
		for _, e := range list[:min(len(list), s.limit)] {
			readValue(out.Kids[0], []byte(e.k))
		}
		vector.Close(out)
	case setMap:
		for _, e := range list {
			readValue(out.Kids[0], []byte(e.k))
			appendWord(out.Kids[1], uint64(e.n))
		}
		vector.Close(out)
	case setAttr:
		if len(list) == 1 {
			readValue(out, []byte(list[0].k))
		} else {
			vector.AppendNull(out)
		}
	default:
		s.mode(out, list)
	}
	return true
}

func (s *setState) mode(out *vector.Vector, list []tallyEntry) {
	if len(list) == 0 {
		vector.AppendNull(out)
		return
	}
	most := int64(0)
	v := vector.NewVector(s.types[0], 0)
	for _, e := range list {
		most = max(most, e.n)
	}
	for _, e := range list {
		if e.n == most {
			readValue(v, []byte(e.k))
		}
	}
	best := 0
	for i := range v.Len {
		if vector.Compare(v, i, v, best) < 0 {
			best = i
		}
	}
	vector.Append(out, v, []uint32{uint32(best)})
}

func (s *setState) snapshot(dst []byte) []byte { return s.tally.snapshot(dst) }
func (s *setState) bytes() int                 { return 96 + s.tally.size + cap(s.buf) }

func (s *setState) restore(r *reader) {
	s.tally.restore(r, func(k []byte) bool { return validValues(s.types[:1], k) })
}

// distinctState lets each different list of arguments count once in another aggregate.
type distinctState struct {
	types []vector.Type
	tally tally
	in    aggState
	buf   []byte
}

func (d *distinctState) add(x *aggRow, sign int64) {
	d.buf = d.buf[:0]
	for _, v := range x.args {
		d.buf = appendValue(d.buf, v, x.i)
	}
	if c := d.tally.change(d.buf, sign, x.seq); c != 0 {
		row := *x
		row.exact = false // the last of equal rows leaves, the first one is there
		d.in.add(&row, c)
	}
}

func (d *distinctState) merge(o aggState) {
	other, ok := o.(*distinctState)
	if !ok {
		return
	}
	row := aggRow{args: make([]*vector.Vector, len(d.types))}
	for _, e := range other.tally.list() {
		for i, t := range d.types {
			row.args[i] = vector.NewVector(t, 1)
		}
		rest := []byte(e.k)
		for _, v := range row.args {
			rest = readValue(v, rest)
		}
		row.seq = e.seq
		if c := d.tally.change([]byte(e.k), e.n, e.seq); c != 0 {
			d.in.add(&row, c)
		}
	}
}

func (d *distinctState) result(out *vector.Vector) bool { return d.in.result(out) }
func (d *distinctState) snapshot(dst []byte) []byte     { return d.in.snapshot(d.tally.snapshot(dst)) }

func (d *distinctState) bytes() int { return 96 + d.tally.size + cap(d.buf) + d.in.bytes() }

func (d *distinctState) restore(r *reader) {
	d.tally.restore(r, func(k []byte) bool { return validValues(d.types, k) })
	d.in.restore(r)
}
