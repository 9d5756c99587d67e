package operator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// changeModel holds the two sides as bags of rows; the result is computed anew for every change.
type changeModel struct {
	spec  *ChangeJoin
	on    onMode
	nkeys int
	sides [2]map[string]*changeRow // by values, or by primary key
}

type changeRow struct {
	vals  []string
	count int
}

func (m *changeModel) lone(port int) bool {
	switch m.spec.Kind {
	case LeftJoin, SemiJoin, AntiJoin:
		return port == 0
	case RightJoin:
		return port == 1
	default:
		return m.spec.Kind == FullJoin
	}
}

func (m *changeModel) pk(port int) []int {
	if port == 0 {
		return m.spec.LeftPK
	}
	return m.spec.RightPK
}

// barren: a null joins nothing, but the last key of NOT IN.
func (m *changeModel) barren(v []string) bool {
	n := m.nkeys
	if m.spec.NullAware {
		n--
	}
	return slices.Contains(v[:n], "null")
}

// keysMatch: a null joins nothing, or as the last key of NOT IN anything.
func (m *changeModel) keysMatch(a, b []string) bool {
	for k := range m.nkeys {
		null := a[k] == "null" || b[k] == "null"
		if null && (!m.spec.NullAware || k < m.nkeys-1) || !null && a[k] != b[k] {
			return false
		}
	}
	return true
}

// result is the count of each row of the result.
func (m *changeModel) result() map[string]int {
	out := map[string]int{}
	add := func(n int, vals ...[]string) {
		out[strings.Join(slices.Concat(vals...), " ")] += n
	}
	leftOnly := m.spec.Kind == SemiJoin || m.spec.Kind == AntiJoin
	partners := func(port int, r *changeRow) (n int) {
		for _, o := range m.sides[1-port] {
			a, b := r.vals, o.vals
			if port == 1 {
				a, b = b, a
			}
			if ok, _ := m.on.holds(a, b); ok && m.keysMatch(a, b) {
				n += o.count
				if port == 0 && !leftOnly {
					add(r.count*o.count, a, b)
				}
			}
		}
		return n
	}
	for port := range 2 {
		for _, r := range m.sides[port] {
			n := partners(port, r)
			switch {
			case !m.lone(port):
			case leftOnly:
				if (n > 0) == (m.spec.Kind == SemiJoin) {
					add(r.count, r.vals)
				}
			case n <= 0:
				add(r.count, pairOf(port, r.vals, nil))
			}
		}
	}
	maps.DeleteFunc(out, func(_ string, n int) bool { return n == 0 })
	return out
}

// event changes the sides, and says whether the row was skipped or failed.
func (m *changeModel) event(e event) (skipped, failed bool) {
	pk := m.pk(e.port)
	put := e.op == vector.Insert || e.op == vector.UpdateAfter
	switch {
	case pk != nil && m.spec.DropNulls && e.values[pk[0]] == "null":
		return true, false
	case pk == nil && m.barren(e.values) && !m.lone(e.port):
		return true, false
	case pk != nil && e.op == vector.UpdateBefore:
		return false, false
	}
	side := m.sides[e.port]
	for _, o := range m.sides[1-e.port] {
		a, b := e.values, o.vals
		if e.port == 1 {
			a, b = b, a
		}
		if _, bad := m.on.holds(a, b); bad && m.keysMatch(a, b) && (put || pk == nil) {
			return false, true
		}
	}
	if pk != nil {
		delete(side, e.values[pk[0]])
		if put {
			side[e.values[pk[0]]] = &changeRow{e.values, 1}
		}
		return false, false
	}
	key := strings.Join(e.values, " ")
	if side[key] == nil {
		side[key] = &changeRow{vals: e.values}
	}
	side[key].count--
	if put {
		side[key].count += 2
	}
	if side[key].count == 0 {
		delete(side, key)
	}
	return false, false
}

// net is the sum of changes.
func net(rows []string) map[string]int {
	out := map[string]int{}
	for _, r := range rows {
		_, vals, _ := strings.Cut(r[2:], " ")
		n := map[byte]int{'+': 1, 'x': -1}[r[0]]
		out[vals] += n
	}
	maps.DeleteFunc(out, func(_ string, n int) bool { return n == 0 })
	return out
}

func difference(after, before map[string]int) map[string]int {
	out := maps.Clone(after)
	for k, n := range before {
		out[k] -= n
	}
	maps.DeleteFunc(out, func(_ string, n int) bool { return n == 0 })
	return out
}

func drawChangeJoin(rt *rapid.T, nkeys int, on onMode) *ChangeJoin {
	kind := JoinKind(rapid.IntRange(0, int(AntiJoin)).Draw(rt, "kind"))
	s := &ChangeJoin{
		Kind: kind, LeftKeys: keyCols(nkeys), RightKeys: keyCols(nkeys), On: on.expr(), Schema: bothFields(kind),
		NullAware: kind == AntiJoin && nkeys > 0 && rapid.Bool().Draw(rt, "null aware"),
		DropNulls: rapid.Bool().Draw(rt, "drop nulls"),
	}
	if rapid.Bool().Draw(rt, "left upsert") {
		s.LeftPK = []int{1}
	}
	if rapid.Bool().Draw(rt, "right upsert") {
		s.RightPK = []int{1}
	}
	return s
}

func TestChangeJoinAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events := drawSides(rt, changeOps)
		nkeys := rapid.IntRange(0, 2).Draw(rt, "keys")
		on := onMode(rapid.IntRange(0, int(onModes)-1).Draw(rt, "on"))
		s := drawChangeJoin(rt, nkeys, on)
		m := &changeModel{spec: s, on: on, nkeys: nkeys, sides: [2]map[string]*changeRow{{}, {}}}
		var want outcome
		r := &recorder{}
		c, err := BuildOn(joinSides, []Spec{s}, r, r.emit)
		if err != nil {
			rt.Fatal(err)
		}
		setLeast(c, 1)
		for i, e := range events {
			before, n := m.result(), len(r.rows)
			if !e.wm {
				skipped, failed := m.event(e)
				if skipped {
					want.skipped++
				}
				if failed {
					want.failed++
				}
			}
			play(t, c, joinSides, events[i:i+1], 1)
			if d := gocmp.Diff(difference(m.result(), before), net(r.rows[n:])); d != "" {
				rt.Fatalf("change %d, %+v: -want +got\n%s", i, e, d)
			}
		}
		want.rows = r.rows
		compareOutcome(rt, "one by one", r, want)
		checkJoin(t, rt, func() Spec { c := *s; return &c }, events, want)
	})
}

// TestChangeJoinTTL: an inner join of streams joins each row with those of the other side that came before it and are
// not forgotten.
func TestChangeJoinTTL(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events := drawSides(rt, []vector.Op{vector.Insert})
		ttl := rapid.Int64Range(1, 20).Draw(rt, "ttl")
		var want outcome
		var kept [2][]event
		for _, e := range events {
			if e.wm {
				for p := range kept {
					kept[p] = slices.DeleteFunc(kept[p], func(k event) bool {
						return e.time != vector.MaxTime && k.time < e.time-ttl
					})
				}
				continue
			}
			key, whole := keyText(e.values, 1)
			if !whole {
				want.skipped++
				continue
			}
			for _, o := range kept[1-e.port] {
				if k, _ := keyText(o.values, 1); k == key {
					want.emit(vector.Insert, max(e.time, o.time), pairOf(e.port, e.values, o.values))
				}
			}
			kept[e.port] = append(kept[e.port], e)
		}
		spec := func() Spec {
			return &ChangeJoin{LeftKeys: keyCols(1), RightKeys: keyCols(1), TTLMs: ttl, Schema: bothFields(InnerJoin)}
		}
		checkJoin(t, rt, spec, events, want)
	})
}

// setLeast makes the joins of a chain tidy up after n rows.
func setLeast(c *Chain, n int) {
	for _, node := range c.nodes {
		switch j := node.op.(type) {
		case *changeJoin:
			j.keys.least, j.sides[0].least, j.sides[1].least = n, n, n
		case *lookupMany:
			j.keys.least, j.table.least = n, n
		case *foreignJoin:
			j.keys.least, j.left.least, j.right.least = n, n, n
		case *tableJoin:
			j.keys.least, j.rows[0].least, j.rows[1].least = n, n, n
		case *windowJoin:
			j.keys.least = n
		case *asofJoin:
			j.keys.least, j.right.least, j.least = n, n, n
		default:
			panic(fmt.Sprintf("no join: %T", j))
		}
	}
}
