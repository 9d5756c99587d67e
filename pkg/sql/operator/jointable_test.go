package operator

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

type tableModelRow struct {
	vals []string
	time int64
}

// rowOn is the row of an event on a side.
func rowOn(e event, side int) *tableModelRow {
	if e.port != side {
		return nil
	}
	return &tableModelRow{e.values, e.time}
}

// tableModel is the join of two tables the naive way.
func tableModel(events []event, kind JoinKind, nkeys int, keepNulls [2]bool) (out outcome) {
	tables := [2]map[string]*tableModelRow{{}, {}}
	exists := func(l, r *tableModelRow) bool {
		return l != nil && (r != nil || kind == LeftJoin || kind == FullJoin) ||
			r != nil && (kind == RightJoin || kind == FullJoin)
	}
	for _, e := range events {
		if e.wm {
			continue
		}
		key, whole := keyText(e.values, nkeys)
		switch {
		case !whole && keepNulls[e.port] && exists(rowOn(e, 0), rowOn(e, 1)):
			if e.op != vector.UpdateBefore {
				out.emit(e.op, e.time, pairOf(e.port, e.values, nil))
			}
			continue
		case !whole:
			out.skipped++
			continue
		case e.op == vector.UpdateBefore:
			continue
		}
		oldL, oldR := tables[0][key], tables[1][key]
		other := tables[1-e.port][key]
		delete(tables[e.port], key)
		if e.op != vector.Delete {
			tables[e.port][key] = &tableModelRow{e.values, e.time}
		}
		newL, newR := tables[0][key], tables[1][key]
		ts := e.time
		if other != nil {
			ts = max(ts, other.time)
		}
		op, l, r := vector.UpdateAfter, newL, newR
		switch before, after := exists(oldL, oldR), exists(newL, newR); {
		case !before && !after:
			continue
		case !before:
			op = vector.Insert
		case !after:
			op, l, r = vector.Delete, oldL, oldR
		}
		var lv, rv []string
		if l != nil {
			lv = l.vals
		}
		if r != nil {
			rv = r.vals
		}
		out.emit(op, ts, pairOf(0, lv, rv))
	}
	return out
}

var changeOps = []vector.Op{
	vector.Insert, vector.Insert, vector.UpdateAfter, vector.UpdateBefore, vector.Delete, vector.Delete,
}

func TestTableJoinAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events := drawSides(rt, changeOps)
		nkeys := rapid.IntRange(1, 2).Draw(rt, "keys")
		kind := JoinKind(rapid.IntRange(0, int(FullJoin)).Draw(rt, "kind"))
		keep := [2]bool{rapid.Bool().Draw(rt, "left nulls"), rapid.Bool().Draw(rt, "right nulls")}
		s := &TableJoin{
			Kind: kind, LeftKeys: keyCols(nkeys), RightKeys: keyCols(nkeys), KeepNulls: keep, Schema: bothFields(kind),
		}
		checkJoin(t, rt, func() Spec { c := *s; return &c }, events, tableModel(events, kind, nkeys, keep))
	})
}
