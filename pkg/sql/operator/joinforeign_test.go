package operator

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// foreignModel is the join by a foreign key the naive way: left has the primary key n and refers by k.
func foreignModel(events []event, kind JoinKind, keepNulls bool) (out outcome) {
	var left []*tableModelRow // by first arrival
	right := map[string]*tableModelRow{}
	emit := func(op vector.Op, ts int64, l, r *tableModelRow) {
		var vals []string
		if r != nil {
			vals, ts = r.vals, max(ts, r.time)
		}
		out.emit(op, ts, pairOf(0, l.vals, vals))
	}
	has := func(r *tableModelRow) bool { return r != nil || kind == LeftJoin }
	changed := func(ts int64, oldL, newL, oldR, newR *tableModelRow) {
		before, after := oldL != nil && has(oldR), newL != nil && has(newR)
		switch {
		case before && after:
			emit(vector.UpdateAfter, ts, newL, newR)
		case after:
			emit(vector.Insert, ts, newL, newR)
		case before: // the other side has no row any more whose time counts
			out.emit(vector.Delete, ts, pairOf(0, oldL.vals, oldR.vals))
		}
	}
	for _, e := range events {
		pk := 0
		if e.port == 0 {
			pk = 1
		}
		switch {
		case e.wm:
			continue
		case e.values[pk] == "null" && (e.port == 1 || !keepNulls):
			out.skipped++
			continue
		case e.op == vector.UpdateBefore:
			continue
		}
		row := &tableModelRow{e.values, e.time}
		if e.port == 1 {
			oldR, newR := right[e.values[0]], row
			delete(right, e.values[0])
			if e.op == vector.Delete {
				newR = nil
			} else {
				right[e.values[0]] = row
			}
			for _, l := range left {
				if l.vals[0] == e.values[0] {
					changed(max(l.time, e.time), l, l, oldR, newR)
				}
			}
			continue
		}
		at := slices.IndexFunc(left, func(l *tableModelRow) bool { return l.vals[1] == e.values[1] })
		switch {
		case e.op == vector.Delete && at >= 0: // a deletion even if there is no result
			emit(vector.Delete, e.time, left[at], right[left[at].vals[0]])
			left = slices.Delete(left, at, at+1)
		case e.op == vector.Delete:
		case at >= 0:
			changed(e.time, left[at], row, right[left[at].vals[0]], right[e.values[0]])
			left[at] = row
		default:
			changed(e.time, nil, row, nil, right[e.values[0]])
			left = append(left, row)
		}
	}
	return out
}

func TestForeignJoinAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events := drawSides(rt, changeOps)
		kind := rapid.SampledFrom([]JoinKind{InnerJoin, LeftJoin}).Draw(rt, "kind")
		s := &ForeignJoin{
			KeepNulls: rapid.Bool().Draw(rt, "nulls"),
			Kind:      kind, LeftPK: []int{1}, LeftKeys: []int{0}, RightKeys: []int{0}, Schema: bothFields(kind),
		}
		checkJoin(t, rt, func() Spec { c := *s; return &c }, events, foreignModel(events, kind, s.KeepNulls))
	})
}
