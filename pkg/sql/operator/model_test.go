package operator

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// modelRow is an input row of the naive model.
type modelRow struct {
	key     string
	val     string // "null" or an integer
	keep    bool   // FILTER column
	time    int64
	arrival int
}

var modelIn = fields("k:STRING v:BIGINT f:BOOLEAN")

// modelAggs is every aggregate with an exact result; each is computed by modelValues in the same order.
var modelAggs = []Agg{
	{Func: "COUNT", Filter: -1},
	{Func: "COUNT", Args: []int{1}, Filter: 2},
	{Func: "SUM", Args: []int{1}, Filter: -1},
	{Func: "MIN", Args: []int{1}, Filter: -1},
	{Func: "MAX", Args: []int{1}, Filter: 2},
	{Func: "COUNT", Args: []int{1}, Distinct: true, Filter: -1},
	{Func: "SUM", Args: []int{1}, Distinct: true, Filter: -1},
	{Func: "FIRST", Args: []int{1}, Filter: -1},
	{Func: "LAST", Args: []int{1}, Filter: -1},
	{Func: "EARLIEST", Args: []int{1}, Filter: -1},
	{Func: "LATEST", Args: []int{1}, Filter: -1},
	{Func: "MIN", Args: []int{0}, Filter: -1},
	{Func: "LATEST", Args: []int{0}, Filter: 2},
}

const modelOut = " n:BIGINT nf:BIGINT s:BIGINT lo:BIGINT hi:BIGINT d:BIGINT sd:BIGINT fi:BIGINT la:BIGINT ea:BIGINT" +
	" le:BIGINT ks:STRING kl:STRING"

// modelValues computes the aggregates of one group the naive way.
func modelValues(rows []modelRow) []string {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b modelRow) int { return cmp.Compare(a.arrival, b.arrival) })
	pickRows := func(keep func(modelRow) bool) []modelRow {
		return slices.DeleteFunc(slices.Clone(rows), func(r modelRow) bool { return !keep(r) })
	}
	vals := pickRows(func(r modelRow) bool { return r.val != "null" })
	filtered := slices.DeleteFunc(slices.Clone(vals), func(r modelRow) bool { return !r.keep })
	byTime := slices.Clone(vals)
	slices.SortStableFunc(byTime, func(a, b modelRow) int { return cmp.Compare(a.time, b.time) })
	distinct := slices.Clone(vals)
	slices.SortFunc(distinct, func(a, b modelRow) int { return cmp.Compare(a.val, b.val) })
	distinct = slices.CompactFunc(distinct, func(a, b modelRow) bool { return a.val == b.val })
	earliest := byTime
	last := func(rs []modelRow) string {
		if len(rs) == 0 {
			return "null"
		}
		return rs[len(rs)-1].val
	}
	first := func(rs []modelRow) string {
		if len(rs) == 0 {
			return "null"
		}
		return rs[0].val
	}
	keys := pickRows(func(r modelRow) bool { return r.key != "null" })
	keyMin := "null"
	if len(keys) > 0 {
		keyMin = keys[0].key
	}
	keyLatest := "null"
	if slices.ContainsFunc(keys, func(r modelRow) bool { return r.keep }) {
		keyLatest = keys[0].key
	}
	return []string{
		strconv.Itoa(len(rows)), strconv.Itoa(len(filtered)), modelSum(vals), modelExtreme(vals, -1),
		modelExtreme(filtered, 1), strconv.Itoa(len(distinct)), modelSum(distinct), first(vals), last(vals),
		first(earliest), last(byTime), keyMin, keyLatest,
	}
}

func modelSum(rows []modelRow) string {
	if len(rows) == 0 {
		return "null"
	}
	sum := 0
	for _, r := range rows {
		n, _ := strconv.Atoi(r.val)
		sum += n
	}
	return strconv.Itoa(sum)
}

func modelExtreme(rows []modelRow, sign int) string {
	best := "null"
	for _, r := range rows {
		n, _ := strconv.Atoi(r.val)
		if m, err := strconv.Atoi(best); err != nil || sign*(n-m) > 0 {
			best = r.val
		}
	}
	return best
}

// modelGroup is one output row of the model.
type modelGroup struct {
	key        string
	start, end int64
	rows       []modelRow
}

func (g *modelGroup) text(window bool) string {
	parts := []string{g.key}
	if window {
		parts = append(parts, strconv.FormatInt(g.start, 10), strconv.FormatInt(g.end, 10))
	}
	most, _ := g.bounds()
	return fmt.Sprintf("@%d %s", most, strings.Join(append(parts, modelValues(g.rows)...), " "))
}

func (g *modelGroup) bounds() (most, least int64) {
	most, least = g.rows[0].time, g.rows[0].time
	for _, r := range g.rows {
		most, least = max(most, r.time), min(least, r.time)
	}
	return most, least
}

func (g *modelGroup) first() int {
	n := g.rows[0].arrival
	for _, r := range g.rows {
		n = min(n, r.arrival)
	}
	return n
}

// model is the naive aggregation: every row is kept with the windows that were open when it came.
type model struct {
	w      Window
	groups []*modelGroup // open and closed
	closed map[*modelGroup]bool
	wm     int64
	n      int
	late   int
}

func (m *model) windowClosed(end int64) bool { return m.w.closed(end, m.wm) }

func (m *model) row(r modelRow) {
	r.arrival = m.n
	m.n++
	switch m.w.Kind {
	case NoWindow:
		m.add(r, 0, 0)
	case Session:
		m.session(r)
	default:
		found := false
		for s := floorTo(r.time-2*m.w.SizeMs, m.w.AdvanceMs); s <= r.time; s += m.w.AdvanceMs {
			for _, e := range m.ends(s) {
				if r.time >= s && r.time < e && !m.windowClosed(e) && (s >= 0 || !m.w.Ksql) {
					m.add(r, s, e)
					found = true
				} else if r.time >= s && r.time < e && !m.windowClosed(e) {
					found = true
				}
			}
		}
		if !found {
			m.late++
		}
	}
}

// ends are the ends of the windows that start at s.
func (m *model) ends(s int64) []int64 {
	if m.w.Kind != Cumulate {
		return []int64{s + m.w.SizeMs}
	}
	if floorTo(s, m.w.SizeMs) != s {
		return nil
	}
	var out []int64
	for e := s + m.w.AdvanceMs; e <= s+m.w.SizeMs; e += m.w.AdvanceMs {
		out = append(out, e)
	}
	return out
}

func (m *model) add(r modelRow, start, end int64) {
	for _, g := range m.groups {
		if g.key == r.key && g.start == start && g.end == end {
			g.rows = append(g.rows, r)
			return
		}
	}
	m.groups = append(m.groups, &modelGroup{r.key, start, end, []modelRow{r}})
}

func (m *model) session(r modelRow) {
	if m.sessionClosed(r.time) {
		m.late++
		return
	}
	g := &modelGroup{key: r.key, rows: []modelRow{r}}
	rest := m.groups[:0:0]
	for _, o := range m.groups {
		most, least := o.bounds()
		d := max(least-r.time, r.time-most, 0)
		if o.key == r.key && !m.closed[o] && (d < m.w.SizeMs || d == m.w.SizeMs && m.w.Ksql) {
			g.rows = append(g.rows, o.rows...)
			continue
		}
		rest = append(rest, o)
	}
	m.groups = append(rest, g)
	most, least := g.bounds()
	g.start, g.end = least, most
	if !m.w.Ksql {
		g.end += m.w.SizeMs
	}
}

func (m *model) sessionClosed(last int64) bool {
	end := last + m.w.SizeMs + m.w.GraceMs
	return m.wm == vector.MaxTime || end < m.wm || end == m.wm && !m.w.Ksql
}

// advance closes windows and returns them in the order of EMIT FINAL.
func (m *model) advance(wm int64) []*modelGroup {
	m.wm = max(m.wm, wm)
	var out []*modelGroup
	for _, g := range m.groups {
		most, _ := g.bounds()
		isClosed := m.windowClosed(g.end)
		if m.w.Kind == Session {
			isClosed = m.sessionClosed(most)
		}
		if m.w.Kind == NoWindow {
			isClosed = wm == vector.MaxTime
		}
		if isClosed && !m.closed[g] {
			m.closed[g] = true
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *modelGroup) int {
		return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.first(), b.first()))
	})
	return out
}

func drawWindow(t *rapid.T) Window {
	w := Window{Kind: WindowKind(rapid.IntRange(0, 4).Draw(t, "kind")), GraceMs: int64(rapid.IntRange(0, 8).Draw(t,
		"grace"))}
	w.Ksql = rapid.Bool().Draw(t, "ksql")
	w.AdvanceMs = int64(rapid.IntRange(1, 7).Draw(t, "advance"))
	w.SizeMs = w.AdvanceMs
	switch w.Kind {
	case NoWindow:
		return Window{}
	case Hopping:
		w.SizeMs += int64(rapid.IntRange(0, 20).Draw(t, "more"))
	case Cumulate:
		w.SizeMs *= int64(rapid.IntRange(1, 5).Draw(t, "steps"))
		w.Ksql = false
	default:
	}
	return w
}

func drawEvents(t *rapid.T) []event {
	var out []event
	now := int64(0)
	for range rapid.IntRange(0, 60).Draw(t, "events") {
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			now += int64(rapid.IntRange(0, 15).Draw(t, "step"))
			out = append(out, event{wm: true, time: now - 3})
		case 1:
			out = append(out, event{flush: true})
		default:
			out = append(out, event{
				time: max(0, now+int64(rapid.IntRange(-14, 14).Draw(t, "dt"))),
				values: []string{
					rapid.SampledFrom([]string{"a", "b", "c", "null"}).Draw(t, "k"),
					rapid.SampledFrom([]string{"1", "2", "-3", "7", "null"}).Draw(t, "v"),
					rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "f"),
				},
			})
		}
	}
	return append(out, event{wm: true, time: vector.MaxTime})
}

func modelSpec(w Window, emit Emission) *Aggregate {
	s := &Aggregate{Keys: []int{0}, Window: w, Emit: emit, Aggs: modelAggs}
	out := "k:STRING"
	if w.Kind != NoWindow {
		out += " ws:BIGINT we:BIGINT"
	}
	s.Schema = fields(out + modelOut)
	return s
}

// runModel gives what EMIT FINAL must emit, and the model at the end.
func runModel(w Window, events []event) ([]string, *model) {
	m := &model{w: w, wm: vector.NoTime, closed: map[*modelGroup]bool{}}
	var out []string
	for _, e := range events {
		switch {
		case e.wm:
			for _, g := range m.advance(e.time) {
				out = append(out, "+ "+g.text(w.Kind != NoWindow))
			}
		case !e.flush:
			m.row(modelRow{key: e.values[0], val: e.values[1], keep: e.values[2] == "true", time: e.time})
		}
	}
	return out, m
}

func build(tb testing.TB, in *vector.Schema, r *recorder, specs ...Spec) *Chain {
	tb.Helper()
	c, err := BuildOn([]*vector.Schema{in}, specs, r, r.emit)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestFinalAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, events := drawWindow(rt), drawEvents(rt)
		want, m := runModel(w, events)
		for _, size := range []int{1, 7, 1024} {
			r := &recorder{}
			c := build(t, modelIn, r, modelSpec(w, EmitFinal))
			play(t, c, []*vector.Schema{modelIn}, events, size)
			if d := gocmp.Diff(want, r.rows); d != "" {
				rt.Fatalf("%+v batches of %d: -want +got\n%s", w, size, d)
			}
			if r.late != m.late {
				rt.Fatalf("%+v batches of %d: %d late, want %d", w, size, r.late, m.late)
			}
		}
	})
}

// applyChanges makes the table that a changelog gives; it fails on an op that does not fit.
func applyChanges(t *rapid.T, rows []string, key int) []string {
	table := map[string]string{}
	for _, r := range rows {
		parts := strings.Fields(r)
		id := strings.Join(parts[2:2+key], " ")
		_, there := table[id]
		switch op := parts[0]; {
		case op == "+" && there, op == "^" && !there, op == "x" && !there:
			t.Fatalf("%s of %s while there = %v", op, id, there)
		case op == "x":
			delete(table, id)
		default:
			table[id] = strings.Join(parts[1:], " ")
		}
	}
	var out []string
	for _, v := range table {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

func TestChangesAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, events := drawWindow(rt), drawEvents(rt)
		emit := rapid.SampledFrom([]Emission{EmitBatch, EmitRecord}).Draw(rt, "emit")
		_, m := runModel(w, events)
		var want []string
		for _, g := range m.groups {
			want = append(want, g.text(w.Kind != NoWindow))
		}
		slices.Sort(want)
		key := 3
		if w.Kind == NoWindow {
			key = 1
		}
		var first []string
		for _, size := range []int{1, 7, 1024} {
			r := &recorder{}
			play(t, build(t, modelIn, r, modelSpec(w, emit)), []*vector.Schema{modelIn}, events, size)
			if d := gocmp.Diff(want, applyChanges(rt, r.rows, key)); d != "" {
				rt.Fatalf("%+v emit %d batches of %d: -want +got\n%s", w, emit, size, d)
			}
			if first == nil {
				first = r.rows
			} else if d := gocmp.Diff(first, r.rows); d != "" {
				rt.Fatalf("%+v emit %d: batches of 1 and of %d differ\n%s", w, emit, size, d)
			}
		}
	})
}

func TestRestoreAnywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, events := drawWindow(rt), drawEvents(rt)
		emit := Emission(rapid.IntRange(0, 2).Draw(rt, "emit"))
		checkRestore(t, rt, modelIn, events, modelSpec(w, emit))
	})
}

// checkRestore runs events once straight and once through a new chain after every step.
func checkRestore(t *testing.T, rt *rapid.T, in *vector.Schema, events []event, specs ...Spec) {
	t.Helper()
	steps := [][]event{nil}
	for _, e := range events {
		steps[len(steps)-1] = append(steps[len(steps)-1], e)
		if e.wm || e.flush {
			steps = append(steps, nil)
		}
	}
	straight, restored := &recorder{}, &recorder{}
	c := build(t, in, straight, specs...)
	d := inStore(t, build(t, in, restored, specs...))
	for n, s := range steps {
		play(t, c, []*vector.Schema{in}, s, 7)
		play(t, d, []*vector.Schema{in}, s, 1024)
		c.Flush()
		d.Flush()
		if diff := gocmp.Diff(straight.rows, restored.rows); diff != "" {
			rt.Fatalf("step %d: -straight +restored\n%s", n, diff)
		}
		snap := d.Snapshot(nil)
		if !slices.Equal(snap, c.Snapshot(nil)) {
			rt.Fatalf("step %d: equal states have different snapshots", n)
		}
		d = inStore(t, build(t, in, restored, specs...))
		if err := d.Restore(snap); err != nil {
			rt.Fatal(err)
		}
		if !slices.Equal(snap, d.Snapshot(nil)) {
			rt.Fatalf("step %d: the snapshot of what was restored differs", n)
		}
		var a, b recorder
		if c.Scan(a.emit) != d.Scan(b.emit) || !slices.Equal(a.rows, b.rows) {
			rt.Fatalf("step %d: scans differ:\n%s\n\n%s", n, strings.Join(a.rows, "\n"), strings.Join(b.rows, "\n"))
		}
	}
}
