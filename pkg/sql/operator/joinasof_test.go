package operator

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// asofModel is the ASOF join the naive way: the right side is kept for ever.
func asofModel(events []event, kind JoinKind, nkeys int, strict bool, on onMode) (out outcome) {
	rule := asofRule{kind, nkeys, strict, on}
	wm := vector.NoTime
	var waiting, right []event
	for _, e := range events {
		if e.wm {
			if e.time <= wm {
				continue
			}
			wm = e.time
			slices.SortStableFunc(waiting, func(a, b event) int { return cmp.Compare(a.time, b.time) })
			for len(waiting) > 0 && (waiting[0].time < wm || wm == vector.MaxTime) {
				rule.match(waiting[0], right, &out)
				waiting = waiting[1:]
			}
			continue
		}
		_, whole := keyText(e.values, nkeys)
		switch {
		case e.op == vector.Delete, !whole && (e.port == 1 || kind == InnerJoin):
			out.skipped++
		case e.time < wm:
			out.late++
		case e.port == 0:
			waiting = append(waiting, e)
		default:
			right = append(right, e)
		}
	}
	return out
}

// asofRule is what an as-of join asks of a pair.
type asofRule struct {
	kind   JoinKind
	nkeys  int
	strict bool
	on     onMode
}

func (a asofRule) match(l event, right []event, out *outcome) {
	key, whole := keyText(l.values, a.nkeys)
	var cands []event
	for _, r := range right {
		if k, _ := keyText(r.values, a.nkeys); whole && k == key && (r.time < l.time || r.time == l.time && !a.strict) {
			cands = append(cands, r)
		}
	}
	slices.SortStableFunc(cands, func(a, b event) int { return cmp.Compare(a.time, b.time) })
	for _, r := range slices.Backward(cands) {
		ok, failed := a.on.holds(l.values, r.values)
		if failed {
			out.failed++
			return
		}
		if ok {
			out.emit(vector.Insert, l.time, pairOf(0, l.values, r.values))
			return
		}
	}
	if a.kind == LeftJoin {
		out.emit(vector.Insert, l.time, pairOf(0, l.values, nil))
	}
}

func TestAsofJoinAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events := drawSides(rt, []vector.Op{vector.Insert, vector.Insert, vector.Insert, vector.Delete})
		nkeys := rapid.IntRange(0, 2).Draw(rt, "keys")
		on := onMode(rapid.IntRange(0, int(onModes)-1).Draw(rt, "on"))
		kind := rapid.SampledFrom([]JoinKind{InnerJoin, LeftJoin}).Draw(rt, "kind")
		s := &AsofJoin{
			Kind: kind, LeftKeys: keyCols(nkeys), RightKeys: keyCols(nkeys), Strict: rapid.Bool().Draw(rt, "strict"),
			On: on.expr(), Schema: bothFields(kind),
		}
		checkJoin(t, rt, func() Spec { c := *s; return &c }, events, asofModel(events, kind, nkeys, s.Strict, on))
	})
}
