package operator

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// orderKind is what is made of the ordered values.
type orderKind uint8

const (
	ordMin orderKind = iota
	ordMax
	ordMedian
	ordCont // PERCENTILE_CONT
	ordDisc // PERCENTILE_DISC
)

// counted is a value with its number; below 0: taken back before it came.
type counted[K cmp.Ordered] struct {
	k K
	n int64
}

// orderedState is the multiset of a column's values in order. K is int64 for values of 8 bytes or less, else a string
// that orders as the values do.
type orderedState[K cmp.Ordered] struct {
	kind  orderKind
	in    vector.Type
	list  chunks[counted[K]]
	total int64 // values, without those that are owed
	size  int
	p     float64 // of the last row
}

func newOrdered(kind orderKind, in vector.Type) aggState {
	if valueKind(in) == valWord {
		return &orderedState[int64]{kind: kind, in: in}
	}
	return &orderedState[string]{kind: kind, in: in}
}

// orderKey is the key of row i of v.
func orderKey[K cmp.Ordered](v *vector.Vector, i int) K {
	var k K
	switch p := any(&k).(type) {
	case *int64:
		*p = orderedWord(v.Type, word(v, i))
	case *string:
		if v.Type.Phys() == vector.PhysI128 {
			*p = string(orderedBytes(nil, v, i))
		} else {
			*p = string(v.Bytes(i))
		}
	}
	return k
}

// appendKey appends the value of key k to v.
func appendOrderKey[K cmp.Ordered](v *vector.Vector, t vector.Type, k K) {
	switch x := any(k).(type) {
	case int64:
		appendWord(v, unordered(t, x))
	case string:
		if t.Phys() == vector.PhysI128 {
			v.I128 = append(v.I128, orderedWide(x))
			vector.SetLen(v, v.Len+1)
			return
		}
		v.Data = append(v.Data, x...)
		v.Offs = append(v.Offs, uint32(len(v.Data)))
		vector.SetLen(v, v.Len+1)
	}
}

// orderedWide takes orderedBytes of a wide number back.
func orderedWide(x string) vector.Int128 {
	if len(x) < 16 {
		return vector.Int128{}
	}
	b := []byte(x)
	return vector.Int128{Hi: int64(binary.BigEndian.Uint64(b) ^ 1<<63), Lo: binary.BigEndian.Uint64(b[8:])}
}

func (o *orderedState[K]) add(x *aggRow, sign int64) {
	if len(x.args) > 1 && !isNull(x.args[1], x.i) {
		o.p = number(x.args[1], uint32(x.i))
	}
	o.change(orderKey[K](x.args[0], x.i), sign)
}

func (o *orderedState[K]) change(k K, n int64) {
	at := o.list.seek(func(e *counted[K]) int { return cmp.Compare(e.k, k) })
	e := o.list.get(at)
	if e == nil || e.k != k {
		o.list.insert(at, counted[K]{k, n})
		o.total += max(n, 0)
		o.size += 24
		if s, ok := any(k).(string); ok {
			o.size += len(s)
		}
		return
	}
	o.total += max(e.n+n, 0) - max(e.n, 0)
	if e.n += n; e.n == 0 {
		o.list.remove(at)
		o.size -= 24
		if s, ok := any(k).(string); ok {
			o.size -= len(s)
		}
	}
}

func (o *orderedState[K]) merge(other aggState) {
	if s, ok := other.(*orderedState[K]); ok {
		o.p = s.p
		s.list.each(func(e *counted[K]) bool {
			o.change(e.k, e.n)
			return true
		})
	}
}

// nth is the value with rank n from 0.
func (o *orderedState[K]) nth(n int64) K {
	var k K
	o.list.each(func(e *counted[K]) bool {
		k = e.k
		n -= max(e.n, 0)
		return n >= 0
	})
	return k
}

func (o *orderedState[K]) result(out *vector.Vector) bool {
	if o.total == 0 {
		vector.AppendNull(out)
		return true
	}
	last := o.total - 1
	switch o.kind {
	case ordMin:
		appendOrderKey(out, o.in, o.nth(0))
	case ordMax:
		at := o.list.last()
		for o.list.get(at).n <= 0 {
			at = o.list.prev(at)
		}
		appendOrderKey(out, o.in, o.list.get(at).k)
	case ordDisc: // the first value whose share of the rows reaches p
		appendOrderKey(out, o.in, o.nth(max(0, min(last, int64(math.Ceil(o.p*float64(o.total)))-1))))
	default:
		p := o.p
		if o.kind == ordMedian {
			p = 0.5
		}
		at := p * float64(last)
		lo := math.Floor(at)
		x := o.double(o.nth(int64(lo)))
		if frac := at - lo; frac > 0 {
			y := o.double(o.nth(int64(lo) + 1))
			x += (y - x) * frac
		}
		out.F64 = append(out.F64, x)
		vector.SetLen(out, out.Len+1)
	}
	return true
}

func (o *orderedState[K]) double(k K) float64 {
	switch x := any(k).(type) {
	case int64:
		w := unordered(o.in, x)
		if o.in.Kind == vector.Double {
			return math.Float64frombits(w)
		}
		return float64(int64(w)) / math.Pow10(int(o.in.Scale))
	case string:
		return float128(orderedWide(x)) / math.Pow10(int(o.in.Scale))
	}
	return 0
}

func (o *orderedState[K]) snapshot(dst []byte) []byte {
	dst = putU64(putU64(dst, math.Float64bits(o.p)), uint64(o.list.n))
	o.list.each(func(e *counted[K]) bool {
		dst = putI64(putKeyOf(dst, e.k), e.n)
		return true
	})
	return dst
}

func putKeyOf[K cmp.Ordered](dst []byte, k K) []byte {
	switch x := any(k).(type) {
	case int64:
		return putI64(dst, x)
	case string:
		return putBytes(dst, []byte(x))
	}
	return dst
}

func readKeyOf[K cmp.Ordered](r *reader, t vector.Type) K {
	var k K
	switch p := any(&k).(type) {
	case *int64:
		*p = r.i64()
	case *string:
		*p = string(r.bytes())
		if t.Phys() == vector.PhysI128 && len(*p) != 16 {
			r.fail("wide number")
		}
	}
	return k
}

func (o *orderedState[K]) restore(r *reader) {
	o.p = math.Float64frombits(r.u64())
	if !(o.p >= 0 && o.p <= 1) {
		r.fail("percentile")
	}
	for range r.count(12) {
		k := readKeyOf[K](r, o.in)
		n := r.i64()
		if r.err != nil || n == 0 {
			r.fail("number of a value")
			return
		}
		o.change(k, n)
	}
}

func (o *orderedState[K]) bytes() int { return 96 + o.size + 24*cap(o.list.parts) }

// ranked is an entry of a rankedState: a sort key, when it came, and the values that are kept of the row.
type ranked struct {
	key string
	seq int64
	val string
}

func compareRanked(a, b *ranked) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.seq, b.seq))
}

// rankKind is what is made of the first rows.
type rankKind uint8

const (
	rankTop      rankKind = iota // TOPK
	rankDistinct                 // TOPKDISTINCT
	rankArg                      // ARG_MIN, ARG_MAX
)

// rankedState keeps rows by a sort key, the best ones first; without retraction the best ones only.
type rankedState struct {
	kind rankKind
	desc bool
	all  bool // rows may be taken back: all are kept
	k    int  // TOPK: of the last row
	keep []vector.Type
	list chunks[ranked]
	owed tally
	size int
	buf  []byte
	key  []byte
}

// sortArg is the argument that is sorted by: of ARG_MIN(x, by) the second one.
func (s *rankedState) sortArg() int {
	if s.kind == rankArg {
		return 1
	}
	return 0
}

func (s *rankedState) add(x *aggRow, sign int64) {
	kept := x.args[:1]
	if s.kind != rankArg {
		last := len(x.args) - 1
		if v := x.args[last]; !isNull(v, x.i) {
			s.k = int(max(0, min(v.I64[x.i], maxElements)))
		}
		kept = x.args[:last]
	}
	s.key = orderedBytes(s.key[:0], x.args[s.sortArg()], x.i)
	if s.desc {
		for i := range s.key {
			s.key[i] = ^s.key[i]
		}
	}
	s.buf = s.buf[:0]
	for _, v := range kept {
		s.buf = appendRaw(s.buf, v, x.i)
	}
	s.change(ranked{string(s.key), x.seq, string(s.buf)}, sign, x.exact)
}

func (s *rankedState) change(e ranked, sign int64, exact bool) {
	owedKey := append(append(putU32(nil, uint32(len(e.key))), e.key...), e.val...)
	switch {
	case sign > 0 && s.all && s.owed.m[string(owedKey)].n < 0:
		s.owed.change(owedKey, 1, 0)
	case sign > 0:
		s.insert(e)
	case !s.take(e, exact):
		s.owed.change(owedKey, -1, 0)
	}
}

// take removes the latest equal row, or the one with the same number.
func (s *rankedState) take(e ranked, exact bool) bool {
	at := s.list.prev(s.list.seek(func(x *ranked) int {
		if x.key <= e.key {
			return -1
		}
		return 1
	}))
	for at.part >= 0 {
		x := s.list.get(at)
		if x.key != e.key {
			return false
		}
		if x.val == e.val && (!exact || x.seq == e.seq) {
			s.size -= 48 + len(x.key) + len(x.val)
			s.list.remove(at)
			return true
		}
		at = s.list.prev(at)
	}
	return false
}

// limit is how many rows are kept.
func (s *rankedState) limit() int {
	if s.kind == rankArg {
		return 1
	}
	return s.k
}

func (s *rankedState) insert(e ranked) {
	if !s.all && s.list.n > 0 && s.list.n >= s.limit() {
		if last := s.list.get(s.list.last()); compareRanked(&e, last) > 0 {
			return
		}
	}
	at := s.list.seek(func(x *ranked) int { return compareRanked(x, &e) })
	if s.kind == rankDistinct && !s.all {
		same := s.list.get(s.list.seek(func(x *ranked) int { return cmp.Compare(x.key, e.key) }))
		if same != nil && same.key == e.key {
			return
		}
	}
	s.list.insert(at, e)
	s.size += 48 + len(e.key) + len(e.val)
	for !s.all && s.list.n > s.limit() {
		last := s.list.last()
		x := s.list.get(last)
		s.size -= 48 + len(x.key) + len(x.val)
		s.list.remove(last)
	}
}

func (s *rankedState) merge(o aggState) {
	other, ok := o.(*rankedState)
	if !ok {
		return
	}
	s.k = max(s.k, other.k)
	other.list.each(func(e *ranked) bool {
		s.change(*e, 1, false)
		return true
	})
	s.owed.merge(&other.owed)
}

func (s *rankedState) result(out *vector.Vector) bool {
	if s.kind == rankArg {
		if s.list.n == 0 {
			vector.AppendNull(out)
			return true
		}
		readValue(out, []byte(s.list.get(s.list.seek(func(*ranked) int { return 0 })).val))
		return true
	}
	n, last := 0, ""
	s.list.each(func(e *ranked) bool {
		if n >= s.k {
			return false
		}
		if s.kind == rankDistinct && n > 0 && e.key == last {
			return true
		}
		last = e.key
		n++
		s.element(out.Kids[0], []byte(e.val))
		return true
	})
	vector.Close(out)
	return true
}

// element appends the kept values: as they are, or as a struct.
func (s *rankedState) element(v *vector.Vector, val []byte) {
	if len(s.keep) == 1 {
		readValue(v, val)
		return
	}
	for _, k := range v.Kids {
		val = readValue(k, val)
	}
	vector.Close(v)
}

func (s *rankedState) snapshot(dst []byte) []byte {
	dst = putU64(putU64(dst, uint64(s.k)), uint64(s.list.n))
	s.list.each(func(e *ranked) bool {
		dst = putBytes(putI64(putBytes(dst, []byte(e.key)), e.seq), []byte(e.val))
		return true
	})
	return s.owed.snapshot(dst)
}

func (s *rankedState) restore(r *reader) {
	s.k = int(min(r.u64(), maxElements))
	var last *ranked
	for range r.count(16) {
		e := ranked{string(r.bytes()), r.i64(), ""}
		val := r.bytes()
		if r.err == nil && (!validValues(s.keep, val) || last != nil && compareRanked(last, &e) >= 0) {
			r.fail("row of an aggregate")
		}
		if r.err != nil {
			return
		}
		e.val = string(bytes.Clone(val))
		s.list.insert(place{len(s.list.parts), 0}, e)
		s.size += 48 + len(e.key) + len(e.val)
		last = &e
	}
	s.owed.restore(r, func(k []byte) bool { return len(k) >= 4 })
}

func (s *rankedState) bytes() int {
	return 160 + s.size + s.owed.size + cap(s.buf) + cap(s.key) + 24*cap(s.list.parts)
}
