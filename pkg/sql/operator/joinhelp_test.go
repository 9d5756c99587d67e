package operator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// The sides of the joins of the model tests: a key of two columns, a number, then a column of every other kind.
var (
	sideA = fields("k:STRING n:BIGINT v:INT b:BOOLEAN d:DOUBLE w:DECIMAL(30,2) s:STRING")
	sideB = fields("rk:STRING rn:BIGINT rv:INT name:STRING t:TIMESTAMP bin:BYTES x:DECIMAL(10,2)")
)

var joinSides = []*vector.Schema{sideA, sideB}

func bothFields(kind JoinKind) *vector.Schema {
	if kind == SemiJoin || kind == AntiJoin {
		return sideA
	}
	return bothSides(sideA, sideB)
}

// sideRow is the values of a row with the given key, second key and number.
func sideRow(port int, k, n string, v int) []string {
	num := strconv.Itoa(v)
	if port == 0 {
		return []string{k, n, num, strconv.FormatBool(v%2 == 0), num + ".5", num + ".25", "s" + strings.Repeat("x", v)}
	}
	name := "name" + num
	if v%3 == 0 {
		name = "null"
	}
	return []string{k, n, num, name, "17000" + num, "bin" + num, num + ".75"}
}

// onMode is the further condition of a join under test.
type onMode int

const (
	onNone  onMode = iota
	onLess         // v < rv
	onFails        // 6 / rv > v: fails where rv is 0
	onModes
)

func col(i int) expr.Expr {
	f := bothSides(sideA, sideB).Fields[i]
	return &expr.Column{Index: i, Name: f.Name, T: f.Type}
}

func exprCall(name string, args ...expr.Expr) expr.Expr {
	e, err := expr.NewCall(name, args, sqlerr.Span{})
	if err != nil {
		panic(err)
	}
	return e
}

func (m onMode) expr() expr.Expr {
	v, rv := col(2), col(len(sideA.Fields)+2)
	switch m {
	case onLess:
		return exprCall("<", v, rv)
	case onFails:
		return exprCall(">", exprCall("/", &expr.Literal{V: int64(6), T: vector.TInt}, rv), v)
	default:
		return nil
	}
}

// holds is the condition on two rows.
func (m onMode) holds(a, b []string) (ok, failed bool) {
	v, _ := strconv.Atoi(a[2])
	rv, _ := strconv.Atoi(b[2])
	switch m {
	case onLess:
		return v < rv, false
	case onFails:
		if rv == 0 {
			return false, true
		}
		return 6/rv > v, false
	default:
		return true, false
	}
}

// outcome is what a join is to do with a log.
type outcome struct {
	rows                            []string
	filtered, skipped, late, failed int
}

func (o *outcome) emit(op vector.Op, t int64, vals ...[]string) {
	o.rows = append(o.rows, []string{"+", "-", "^", "x"}[op]+" @"+strconv.FormatInt(t, 10)+" "+
		strings.Join(slices.Concat(vals...), " "))
}

func nullsOf(port int) []string {
	out := make([]string, len(joinSides[port].Fields))
	for i := range out {
		out[i] = "null"
	}
	return out
}

// pair is the values of a row of a side and one of the other, nil: nulls.
func pairOf(port int, own, other []string) []string {
	if own == nil {
		own = nullsOf(port)
	}
	if other == nil {
		other = nullsOf(1 - port)
	}
	if port == 1 {
		own, other = other, own
	}
	return slices.Concat(own, other)
}

// keyText is the first n columns as a key; false: one is null.
func keyText(v []string, n int) (string, bool) {
	return strings.Join(v[:n], "/"), !slices.Contains(v[:n], "null")
}

func keyCols(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// checkJoin runs the log in batches of several sizes, and once with a snapshot and a restore in the middle, and
// compares with what is wanted.
func checkJoin(tb testing.TB, t *rapid.T, spec func() Spec, events []event, want outcome) {
	tb.Helper()
	run := joinRun{tb, spec, events}
	for _, size := range []int{1, 7, 1024} {
		r := run.play(t, size, -1)
		compareOutcome(t, fmt.Sprintf("batches of %d", size), r, want)
	}
	r := &recorder{}
	c, err := BuildOn(joinSides, []Spec{spec()}, r, r.emit)
	if err != nil {
		t.Fatal(err)
	}
	playDisguised(tb, c, events, rapid.IntRange(1, 9).Draw(t, "disguised"))
	compareOutcome(t, "dictionaries and selections", r, want)
	cut := rapid.IntRange(0, len(events)).Draw(t, "cut")
	size := rapid.IntRange(1, 9).Draw(t, "size")
	r = run.play(t, size, cut)
	compareOutcome(t, fmt.Sprintf("restored after %d events, batches of %d", cut, size), r, want)
}

func compareOutcome(t *rapid.T, what string, r *recorder, want outcome) {
	t.Helper()
	got := outcome{r.rows, r.filtered, r.skipped, r.late, r.fail + len(r.derived)}
	if d := gocmp.Diff(want, got, gocmp.AllowUnexported(outcome{})); d != "" {
		t.Fatalf("%s: -want +got\n%s", what, d)
	}
}

// joinRun is a join and its log.
type joinRun struct {
	tb     testing.TB
	spec   func() Spec
	events []event
}

// play runs the log in batches of size events; after the first cut events, unless that is negative, a restored join
// goes on.
func (j joinRun) play(t *rapid.T, size, cut int) *recorder {
	t.Helper()
	r := &recorder{}
	build := func(stored bool) *Chain {
		c, err := BuildOn(joinSides, []Spec{j.spec()}, r, r.emit)
		if err != nil {
			t.Fatal(err)
		}
		setLeast(c, max(1, size%1000))
		if stored {
			inStore(j.tb, c)
		}
		return c
	}
	c := build(size == 7)
	if cut < 0 {
		play(j.tb, c, joinSides, j.events, size)
		return r
	}
	play(j.tb, c, joinSides, j.events[:cut], size)
	snap := c.Snapshot(nil)
	d := build(true)
	if err := d.Restore(snap); err != nil {
		t.Fatalf("restore: %v", err)
	}
	if !slices.Equal(snap, d.Snapshot(nil)) {
		t.Fatal("the snapshot of what was restored differs")
	}
	play(j.tb, d, joinSides, j.events[cut:], size)
	return r
}

// drawSides draws a log over both sides: few keys, out-of-order times, watermarks that never fall, and the ops given.
func drawSides(t *rapid.T, ops []vector.Op) []event {
	var out []event
	keys := rapid.SampledFrom([]string{"a", "b", "c", "null"})
	nums := rapid.SampledFrom([]string{"1", "2", "2", "null"})
	wm, base := int64(0), int64(0)
	for range rapid.IntRange(0, 60).Draw(t, "events") {
		base += int64(rapid.IntRange(0, 3).Draw(t, "step"))
		if rapid.IntRange(0, 7).Draw(t, "what") == 0 {
			wm = max(wm, base-int64(rapid.IntRange(0, 9).Draw(t, "delay")))
			out = append(out, event{wm: true, time: wm})
			continue
		}
		e := event{
			port: rapid.IntRange(0, 1).Draw(t, "port"), time: max(0, base-int64(rapid.IntRange(0, 14).Draw(t, "back"))),
			op: rapid.SampledFrom(ops).Draw(t, "op"),
		}
		e.values = sideRow(e.port, keys.Draw(t, "k"), nums.Draw(t, "n"), rapid.IntRange(0, 3).Draw(t, "v"))
		out = append(out, e)
	}
	if rapid.Bool().Draw(t, "end") {
		out = append(out, event{wm: true, time: vector.MaxTime})
	}
	return out
}

// playDisguised is play with strings in dictionaries and rows between those that count which are not selected.
func playDisguised(tb testing.TB, c *Chain, events []event, size int) {
	tb.Helper()
	for at := 0; at < len(events); {
		if e := events[at]; e.wm {
			c.Advance(e.time)
			c.Flush()
			at++
			continue
		}
		port := events[at].port
		b := vector.NewBatch(joinSides[port], size)
		b.Sel = []uint32{}
		for ; at < len(events) && !events[at].wm && events[at].port == port && len(b.Sel) < size; at++ {
			for twice := range 2 {
				for k, s := range events[at].values {
					if twice == 0 && k > 1 {
						s = "null"
					}
					if err := parseCell(b.Cols[k], s); err != nil {
						tb.Fatal(err)
					}
				}
				b.Time, b.Ops = append(b.Time, events[at].time*int64(twice)), append(b.Ops, events[at].op)
				b.Rows++
			}
			b.Sel = append(b.Sel, uint32(b.Rows-1))
		}
		for _, v := range b.Cols {
			if v.Type.Phys() != vector.PhysStr {
				continue
			}
			v.Offs, v.Data = append(v.Offs, uint32(len(v.Data)+4)), append(v.Data, "junk"...)
			v.Codes = make([]uint32, v.Len)
			for i := range v.Codes {
				v.Codes[i] = uint32(i)
			}
		}
		c.Process(port, b)
	}
}
