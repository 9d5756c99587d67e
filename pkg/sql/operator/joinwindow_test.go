package operator

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// windowModel is the naive join within a time: every row is kept for ever.
type windowModel struct {
	spec  *WindowJoin
	on    onMode
	nkeys int
	clock int64
	seq   int
	rows  [2][]*windowRow
	out   outcome
}

type windowRow struct {
	vals      []string
	time      int64
	port, seq int
	done      bool
}

func (m *windowModel) preserved(port int) bool {
	k := m.spec.Kind
	return k == FullJoin || k == LeftJoin && port == 0 || k == RightJoin && port == 1
}

// lateAfter is how far the clock may be past a row's time.
func (m *windowModel) lateAfter(port int) int64 {
	if m.spec.Eager {
		return max(m.spec.GraceMs, m.spec.BeforeMs+m.spec.AfterMs)
	}
	reach := m.spec.AfterMs
	if port == 1 {
		reach = m.spec.BeforeMs
	}
	return max(reach, 0) + m.spec.GraceMs
}

func (m *windowModel) leave(all bool) {
	if m.spec.Eager {
		return
	}
	var due []*windowRow
	for _, r := range slices.Concat(m.rows[0], m.rows[1]) {
		if m.preserved(r.port) && !r.done && (all || r.time+m.lateAfter(r.port) < m.clock) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b *windowRow) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.seq, b.seq))
	})
	for _, r := range due {
		r.done = true
		m.out.emit(vector.Insert, r.time, pairOf(r.port, r.vals, nil))
	}
}

func (m *windowModel) event(e event) {
	if e.wm {
		all := e.time == vector.MaxTime
		if !m.spec.StreamTime || all {
			m.clock = max(m.clock, e.time)
			m.leave(all)
		}
		return
	}
	key, whole := keyText(e.values, m.nkeys)
	if !whole || e.op == vector.Delete {
		m.out.skipped++
		return
	}
	if m.spec.StreamTime {
		m.clock = max(m.clock, e.time)
		m.leave(false)
	}
	if e.time+m.lateAfter(e.port) < m.clock {
		if m.preserved(e.port) {
			m.out.emit(vector.Insert, e.time, pairOf(e.port, e.values, nil))
		} else {
			m.out.late++
		}
		return
	}
	m.match(e, key)
}

func (m *windowModel) match(e event, key string) {
	var found []*windowRow
	for _, r := range m.rows[1-e.port] {
		k, _ := keyText(r.vals, m.nkeys)
		d := r.time - e.time
		a, b := e.values, r.vals
		if e.port == 1 {
			d, a, b = -d, b, a
		}
		if k != key || d < -m.spec.BeforeMs || d > m.spec.AfterMs ||
			m.spec.Eager && r.time+m.lateAfter(r.port) < m.clock {
			continue
		}
		ok, failed := m.on.holds(a, b)
		if failed {
			m.out.failed++
			m.seq++
			return
		}
		if ok {
			found = append(found, r)
		}
	}
	slices.SortStableFunc(found, func(a, b *windowRow) int { return cmp.Compare(a.time, b.time) })
	row := &windowRow{vals: e.values, time: e.time, port: e.port, seq: m.seq, done: len(found) > 0}
	m.seq++
	m.rows[e.port] = append(m.rows[e.port], row)
	for _, r := range found {
		r.done = true
		m.out.emit(vector.Insert, max(e.time, r.time), pairOf(e.port, e.values, r.vals))
	}
	if m.spec.Eager && len(found) == 0 && m.preserved(e.port) {
		m.out.emit(vector.Insert, e.time, pairOf(e.port, e.values, nil))
	}
}

func TestWindowJoinAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events := drawSides(rt, []vector.Op{vector.Insert, vector.Insert, vector.Insert, vector.Delete})
		nkeys := rapid.IntRange(0, 2).Draw(rt, "keys")
		on := onMode(rapid.IntRange(0, int(onModes)-1).Draw(rt, "on"))
		kind := JoinKind(rapid.IntRange(0, int(FullJoin)).Draw(rt, "kind"))
		s := &WindowJoin{
			Kind: kind, LeftKeys: keyCols(nkeys), RightKeys: keyCols(nkeys), On: on.expr(), Schema: bothFields(kind),
			BeforeMs: rapid.Int64Range(-3, 8).Draw(rt, "before"), GraceMs: rapid.Int64Range(0, 6).Draw(rt, "grace"),
			Eager: rapid.Bool().Draw(rt, "eager"), StreamTime: rapid.Bool().Draw(rt, "stream time"),
		}
		s.AfterMs = max(-s.BeforeMs, rapid.Int64Range(-3, 8).Draw(rt, "after"))
		m := &windowModel{spec: s, on: on, nkeys: nkeys, clock: vector.NoTime}
		for _, e := range events {
			m.event(e)
		}
		checkJoin(t, rt, func() Spec { c := *s; return &c }, events, m.out)
	})
}
