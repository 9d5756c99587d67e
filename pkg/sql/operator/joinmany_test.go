package operator

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// manyModel is the join of a stream with all rows of a table the naive way.
type manyModel struct {
	spec  *LookupMany
	on    onMode
	nkeys int
	rows  [][]string // by first arrival
	owed  [][]string // taken back before they came
	out   outcome
}

func (m *manyModel) keys() *changeModel {
	return &changeModel{spec: &ChangeJoin{NullAware: m.spec.NullAware}, nkeys: m.nkeys}
}

func (m *manyModel) change(e event) {
	put := e.op == vector.Insert || e.op == vector.UpdateAfter
	if pk := m.spec.TablePK; pk != nil {
		at := slices.IndexFunc(m.rows, func(r []string) bool { return r[pk[0]] == e.values[pk[0]] })
		switch {
		case e.op == vector.UpdateBefore:
		case put && at >= 0:
			m.rows[at] = e.values
		case put:
			m.rows = append(m.rows, e.values)
		case at >= 0:
			m.rows = slices.Delete(m.rows, at, at+1)
		}
		return
	}
	if m.keys().barren(e.values) {
		m.out.skipped++
		return
	}
	from, to := &m.rows, &m.owed
	if put {
		from, to = to, from
	}
	if at := slices.IndexFunc(*from, func(r []string) bool { return slices.Equal(r, e.values) }); at >= 0 {
		*from = slices.Delete(*from, at, at+1)
		return
	}
	*to = append(*to, e.values)
}

func (m *manyModel) stream(e event) {
	_, whole := keyText(e.values, m.nkeys)
	outer := m.spec.Kind == LeftJoin || m.spec.Kind == AntiJoin
	if e.op == vector.Delete || e.op == vector.UpdateBefore || !whole && !outer {
		m.out.skipped++
		return
	}
	var found [][]string
	keys := m.keys()
	for _, r := range m.rows {
		if !keys.keysMatch(e.values, r) {
			continue
		}
		ok, failed := m.on.holds(e.values, r)
		if failed {
			m.out.failed++
			return
		}
		if ok {
			found = append(found, r)
		}
	}
	switch k := m.spec.Kind; {
	case k == SemiJoin && len(found) > 0, k == AntiJoin && len(found) == 0:
		m.out.emit(vector.Insert, e.time, e.values)
	case k == SemiJoin, k == AntiJoin, k == InnerJoin && len(found) == 0:
		m.out.filtered++
	case len(found) == 0:
		m.out.emit(vector.Insert, e.time, pairOf(0, e.values, nil))
	default:
		for _, r := range found {
			m.out.emit(vector.Insert, e.time, pairOf(0, e.values, r))
		}
	}
}

func TestLookupManyAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events := drawSides(rt, changeOps)
		nkeys := rapid.IntRange(0, 2).Draw(rt, "keys")
		on := onMode(rapid.IntRange(0, int(onModes)-1).Draw(rt, "on"))
		kind := rapid.SampledFrom([]JoinKind{InnerJoin, LeftJoin, SemiJoin, AntiJoin}).Draw(rt, "kind")
		s := &LookupMany{
			Kind: kind, StreamKeys: keyCols(nkeys), TableKeys: keyCols(nkeys), On: on.expr(), Schema: bothFields(kind),
			NullAware: kind == AntiJoin && nkeys > 0 && rapid.Bool().Draw(rt, "null aware"),
		}
		if rapid.Bool().Draw(rt, "upsert") {
			s.TablePK = []int{1}
		}
		m := &manyModel{spec: s, on: on, nkeys: nkeys}
		for _, e := range events {
			switch {
			case e.wm:
			case e.port == 1:
				m.change(e)
			default:
				m.stream(e)
			}
		}
		checkJoin(t, rt, func() Spec { c := *s; return &c }, events, m.out)
	})
}
