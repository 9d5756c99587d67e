package operator

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// maxElements bounds the elements of an array that an aggregate makes.
const maxElements = 1_000_000

// maxText is where a text that an aggregate puts together ends.
const maxText = 64 << 20

// listKind is what is made of the values.
type listKind uint8

const (
	listArray listKind = iota // COLLECT_LIST, ARRAY_AGG: all in the order of the log
	listText                  // STRING_AGG
	listFirst                 // the first n in order
	listLast                  // the last n in order
)

// listItem is a value at arena[at : at+n]; items are in the order of (ord, seq).
type listItem struct {
	ord, seq int64
	at, n    uint32
}

// listState keeps values in an order: that of the log, or of the event time.
type listState struct {
	kind   listKind
	in     []vector.Type
	byTime bool
	scalar bool // the value alone instead of an array
	nulls  bool // the last argument says whether nulls are passed over (they are if it is true)
	all    bool // rows may be taken back: all are kept
	limit  int  // of LAST and FIRST with n: of the last row
	items  []listItem
	arena  []byte
	waste  int
	owed   tally
	buf    []byte
	sep    []byte
}

func (l *listState) add(x *aggRow, sign int64) {
	if n := len(x.args); l.nulls {
		skip := isNull(x.args[n-1], x.i) || x.args[n-1].Bool[x.i]
		if n > 2 {
			l.setLimit(x.args[1], x.i)
		}
		if skip && isNull(x.args[0], x.i) {
			return
		}
	} else if n > 1 && l.kind >= listFirst {
		l.setLimit(x.args[1], x.i)
		if isNull(x.args[0], x.i) {
			return
		}
	}
	if l.kind == listText && len(x.args) > 1 && !isNull(x.args[1], x.i) {
		l.sep = append(l.sep[:0], x.args[1].Bytes(x.i)...)
	}
	l.buf = appendRaw(l.buf[:0], x.args[0], x.i)
	ord := x.seq
	if l.byTime {
		ord = x.time
	}
	switch {
	case sign < 0:
		if !l.take(l.buf, ord, x) {
			l.owed.change(l.buf, -1, 0)
		}
	case l.owed.m[string(l.buf)].n < 0:
		l.owed.change(l.buf, 1, 0)
	default:
		l.insert(ord, x.seq, l.buf)
	}
}

func (l *listState) setLimit(v *vector.Vector, i int) {
	if !isNull(v, i) {
		l.limit = int(max(0, min(v.I64[i], maxElements)))
	}
}

// insert keeps a value, unless it cannot matter.
func (l *listState) insert(ord, seq int64, val []byte) {
	full := len(l.items) >= l.limit
	switch {
	case l.kind < listFirst && full, l.kind == listText && len(l.arena) > maxText:
		return
	case l.all || !full:
	case l.limit == 0,
		l.kind == listFirst && !l.before(ord, seq, len(l.items)-1),
		l.kind == listLast && l.before(ord, seq, 0):
		return
	case l.kind == listFirst:
		l.cut(len(l.items) - 1)
	default:
		l.cut(0)
	}
	at := len(l.items)
	for at > 0 && l.before(ord, seq, at-1) {
		at--
	}
	l.items = slices.Insert(l.items, at, listItem{ord, seq, uint32(len(l.arena)), uint32(len(val))})
	l.arena = append(l.arena, val...)
}

// before reports whether (ord, seq) is before item k.
func (l *listState) before(ord, seq int64, k int) bool {
	return cmp.Or(cmp.Compare(ord, l.items[k].ord), cmp.Compare(seq, l.items[k].seq)) < 0
}

func (l *listState) value(k int) []byte { return l.arena[l.items[k].at:][:l.items[k].n] }

// cut removes item k.
func (l *listState) cut(k int) {
	l.waste += int(l.items[k].n)
	l.items = slices.Delete(l.items, k, k+1)
	if l.waste < 1<<10 || 2*l.waste < len(l.arena) {
		return
	}
	arena := make([]byte, 0, len(l.arena)-l.waste)
	for i := range l.items {
		v := l.value(i)
		l.items[i].at = uint32(len(arena))
		arena = append(arena, v...)
	}
	l.arena, l.waste = arena, 0
}

// take removes the last equal value, of the same time if there is one.
func (l *listState) take(val []byte, ord int64, x *aggRow) bool {
	found := -1
	for k := range slices.Backward(l.items) {
		if x.exact && l.items[k].seq != x.seq || l.items[k].n != uint32(len(val)) || !bytes.Equal(l.value(k), val) {
			continue
		}
		if found < 0 {
			found = k
		}
		if !l.byTime || l.items[k].ord == ord {
			found = k
			break
		}
	}
	if found < 0 {
		return false
	}
	l.cut(found)
	return true
}

func (l *listState) merge(o aggState) {
	other, ok := o.(*listState)
	if !ok {
		return
	}
	if l.kind >= listFirst {
		l.limit = max(l.limit, other.limit)
	}
	l.sep = append(l.sep[:0], other.sep...)
	for k, it := range other.items {
		v := other.value(k)
		if l.owed.m[string(v)].n < 0 {
			l.owed.change(v, 1, 0)
			continue
		}
		l.insert(it.ord, it.seq, v)
	}
	l.owed.merge(&other.owed)
}

func (l *listState) result(out *vector.Vector) bool {
	from, to := 0, len(l.items)
	switch l.kind {
	case listFirst:
		to = min(to, l.limit)
	case listLast:
		from = max(0, to-l.limit)
	case listText:
		return l.text(out)
	default:
	}
	if l.scalar {
		if from == to {
			vector.AppendNull(out)
		} else {
			readValue(out, l.value(from))
		}
		return true
	}
	for k := from; k < to; k++ {
		readValue(out.Kids[0], l.value(k))
	}
	vector.Close(out)
	return true
}

// text joins the values; a null where there are none.
func (l *listState) text(out *vector.Vector) bool {
	if len(l.items) == 0 {
		vector.AppendNull(out)
		return true
	}
	v := vector.NewVector(l.in[0], len(l.items))
	for k := range l.items {
		readValue(v, l.value(k))
	}
	for i := range v.Len {
		if i > 0 {
			out.Data = append(out.Data, l.sep...)
		}
		out.Data = vector.AppendText(out.Data, v, i)
	}
	out.Offs = append(out.Offs, uint32(len(out.Data)))
	vector.SetLen(out, out.Len+1)
	return true
}

func (l *listState) snapshot(dst []byte) []byte {
	dst = putU64(putBytes(putU64(dst, uint64(l.limit)), l.sep), uint64(len(l.items)))
	for k, it := range l.items {
		dst = putBytes(putI64(putI64(dst, it.ord), it.seq), l.value(k))
	}
	return l.owed.snapshot(dst)
}

func (l *listState) restore(r *reader) {
	l.limit = int(min(r.u64(), maxElements))
	l.sep = bytes.Clone(r.bytes())
	for range r.count(20) {
		ord, seq, val := r.i64(), r.i64(), r.bytes()
		if n := len(l.items); r.err == nil && (!validValues(l.in[:1], val) || n > 0 && l.before(ord, seq, n-1)) {
			r.fail("value of an aggregate")
		}
		if r.err != nil {
			return
		}
		l.items = append(l.items, listItem{ord, seq, uint32(len(l.arena)), uint32(len(val))})
		l.arena = append(l.arena, val...)
	}
	l.owed.restore(r, func(k []byte) bool { return validValues(l.in[:1], k) })
}

func (l *listState) bytes() int {
	return 192 + 24*cap(l.items) + cap(l.arena) + cap(l.buf) + cap(l.sep) + l.owed.size
}
