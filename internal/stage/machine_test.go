package stage_test

import (
	"bytes"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sources = `
CREATE STREAM t (k STRING KEY, v INT, ts BIGINT) WITH (event_time = 'ts', watermark = '5ms');
CREATE TABLE u (k STRING PRIMARY KEY, city STRING);
`

// queries are statements of one stage.
var queries = []string{
	"SELECT k, 10 / v AS q FROM t WHERE v <> 3 EMIT CHANGES",
	"SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k EMIT CHANGES",
	"SELECT k, window_start, COUNT(*) AS n, MIN(v) AS lo FROM t WINDOW TUMBLING(10ms) GROUP BY k EMIT FINAL",
	"SELECT k, window_start, SUM(v) AS s FROM t WINDOW SLIDING(20ms, 5ms) GRACE 3ms GROUP BY k EMIT CHANGES",
	"SELECT k, window_start, window_end, COUNT(*) AS n FROM t WINDOW SESSION(7ms) GROUP BY k EMIT FINAL",
	"SELECT k, AVG(v) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL 10ms PRECEDING AND CURRENT ROW) AS a " +
		"FROM t EMIT CHANGES",
	"SELECT t.v, u.city FROM t JOIN u ON t.k = u.k EMIT CHANGES",
	"SELECT t.v, u.city FROM t LEFT JOIN u ON t.k = u.k WHERE t.v > 1 EMIT CHANGES",
	"SELECT * FROM u WHERE city <> 'b' EMIT CHANGES",
}

// planOf plans a query over sources of one partition.
func planOf(tb testing.TB, query string) *plan.Stage {
	tb.Helper()
	statements, errs := parser.Parse(sources+query, parser.Options{})
	if len(errs) > 0 {
		tb.Fatal(errs[0])
	}
	objects := plan.Objects{}
	for _, st := range statements {
		switch st := st.(type) {
		case *ast.Create:
			o, _, err := plan.Define(st, plan.Defaults{Partitions: 1})
			if err != nil {
				tb.Fatal(err)
			}
			objects[o.Name] = o
		case *ast.Select:
			p, err := (&plan.Binder{Catalog: objects, Mode: plan.Push}).Select("q1", st.Query)
			if err != nil {
				tb.Fatalf("%s: %v", query, err)
			}
			if len(p.Stages) != 1 {
				tb.Fatalf("%s has %d stages", query, len(p.Stages))
			}
			return p.Stages[0]
		}
	}
	tb.Fatal("no query")
	return nil
}

// message is a step's input.
type message struct {
	port   int
	writer string
	batch  *vector.Batch
}

// drawMessages makes a log: rows out of order by a little, idle marks, watermarks, an end.
func drawMessages(r *rapid.T, s *plan.Stage) []message {
	var out []message
	now := int64(0)
	writers := []string{"a", "b"}
	for range rapid.IntRange(1, 12).Draw(r, "messages") {
		in := s.Inputs[rapid.IntRange(0, len(s.Inputs)-1).Draw(r, "input")]
		b := &vector.Batch{Schema: in.Schema, Watermark: vector.NoTime, Topic: in.Topic}
		rows := rapid.IntRange(0, 6).Draw(r, "rows")
		for range rows {
			now += int64(rapid.IntRange(-8, 6).Draw(r, "step"))
			appendRow(r, b, max(0, now))
		}
		if rapid.Bool().Draw(r, "marked") {
			b.Watermark = max(0, now-5)
		}
		b.Idle = rows == 0 && rapid.Bool().Draw(r, "idle")
		out = append(out, message{in.Port, rapid.SampledFrom(writers).Draw(r, "writer"), b})
	}
	if rapid.Bool().Draw(r, "ends") {
		for _, in := range s.Inputs {
			for _, w := range writers {
				out = append(out, message{in.Port, w, &vector.Batch{Schema: in.Schema, Watermark: vector.MaxTime}})
			}
		}
	}
	return out
}

func appendRow(r *rapid.T, b *vector.Batch, at int64) {
	one := &vector.Batch{Schema: b.Schema, Rows: 1, Watermark: b.Watermark, Time: []int64{at}}
	for _, f := range b.Schema.Fields {
		v := &vector.Vector{Type: f.Type, Len: 1}
		switch f.Type.Kind {
		case vector.String:
			v.Data = []byte(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "text"))
			v.Offs = []uint32{0, uint32(len(v.Data))}
		case vector.BigInt:
			v.I64 = []int64{at}
		default:
			v.I64 = []int64{int64(rapid.IntRange(0, 4).Draw(r, "number"))}
		}
		one.Cols = append(one.Cols, v)
	}
	if b.Rows == 0 {
		one.Watermark, one.Topic = b.Watermark, b.Topic
		*b = *one
		return
	}
	vector.AppendBatch(b, one)
}

// record writes down what a machine emits.
type record struct{ lines []string }

func (o *record) Rows(_, p int, b *vector.Batch) {
	c := vector.Compact(b)
	for i := range c.Rows {
		line := fmt.Sprintf("%d %d", p, c.Time[i])
		if c.Ops != nil {
			line += fmt.Sprintf(" op%d", c.Ops[i])
		}
		for _, v := range c.Cols {
			line += fmt.Sprintf(" %v", v.Value(i))
		}
		o.lines = append(o.lines, line)
	}
}

func (o *record) Watermark(_ int, wm int64, idle bool) {
	o.lines = append(o.lines, fmt.Sprintf("watermark %d %v", wm, idle))
}

func (o *record) DeadLetter(_ *vector.Batch, row uint32, code, msg string) {
	o.lines = append(o.lines, fmt.Sprintf("dead %d %s %s", row, code, msg))
}

func (o *record) Late(_ *vector.Batch, rows []uint32) {
	o.lines = append(o.lines, fmt.Sprintf("late %d", len(rows)))
}

var _ task.Output = (*record)(nil)

func newMachine(tb testing.TB, s *plan.Stage) *stage.Machine {
	tb.Helper()
	m, err := stage.New(s, stage.Config{Writers: [][]string{{"a", "b"}, {"a", "b"}}})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// TestRestoreAtEveryStep stops a machine behind each step, goes on with a restored one, and wants the same outputs,
// counts and state as of a machine that was never stopped. The counts always add up.
func TestRestoreAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, q := range queries {
		t.Run(q, func(t *testing.T) {
			t.Parallel()
			s := planOf(t, q)
			rapid.Check(t, func(r *rapid.T) {
				log := drawMessages(r, s)
				whole := newMachine(t, s)
				broken := newMachine(t, s)
				for i, msg := range log {
					want, got := &record{}, &record{}
					whole.Step(msg.port, msg.writer, msg.batch, want)
					broken.Step(msg.port, msg.writer, msg.batch, got)
					if d := gocmp.Diff(want.lines, got.lines); d != "" {
						r.Fatalf("step %d after a restart: -want +got\n%s", i, d)
					}
					c := broken.Counts()
					if c.In != c.Used+c.Filtered+c.Late+c.DeadLettered+c.Skipped {
						r.Fatalf("step %d: the counts do not add up: %+v", i, c)
					}
					if c != whole.Counts() {
						r.Fatalf("step %d: counts %+v, want %+v", i, c, whole.Counts())
					}
					saved := broken.Snapshot(nil)
					next := newMachine(t, s)
					if err := next.Restore(saved); err != nil {
						r.Fatalf("step %d: restore: %v", i, err)
					}
					if again := next.Snapshot(nil); !bytes.Equal(saved, again) {
						r.Fatalf("step %d: the snapshot of a restored machine differs", i)
					}
					broken = next
				}
			})
		})
	}
}

// TestRestoreCut refuses every beginning of a snapshot, and does not panic on changed bytes.
func TestRestoreCut(t *testing.T) {
	t.Parallel()
	for _, q := range queries {
		s := planOf(t, q)
		m := newMachine(t, s)
		rapid.Check(t, func(r *rapid.T) {
			for _, msg := range drawMessages(r, s) {
				m.Step(msg.port, msg.writer, msg.batch, &record{})
			}
			saved := m.Snapshot(nil)
			cut := rapid.IntRange(0, len(saved)-1).Draw(r, "cut")
			if err := newMachine(t, s).Restore(saved[:cut]); err == nil {
				r.Fatalf("%s: %d of %d bytes were restored", q, cut, len(saved))
			}
			saved[cut] ^= byte(rapid.IntRange(1, 255).Draw(r, "bits"))
			_ = newMachine(t, s).Restore(saved)
		})
	}
}

// TestBorders cuts a log of a single writer at random places: outputs but for the watermarks are the same.
func TestBorders(t *testing.T) {
	t.Parallel()
	for _, q := range queries[2:6] {
		s := planOf(t, q)
		rapid.Check(t, func(r *rapid.T) {
			all := &vector.Batch{Schema: s.Inputs[0].Schema, Watermark: vector.NoTime}
			now := int64(0)
			for range rapid.IntRange(1, 20).Draw(r, "rows") {
				now += int64(rapid.IntRange(-12, 9).Draw(r, "step"))
				appendRow(r, all, max(0, now))
			}
			want := final(t, s, all, []int{all.Rows})
			var cuts []int
			for at := 0; at < all.Rows; {
				at += rapid.IntRange(1, all.Rows-at).Draw(r, "size")
				cuts = append(cuts, at)
			}
			if got := final(t, s, all, cuts); q == queries[3] { // changes are folded by batch
				got.counts.Out = want.counts.Out
				if got.counts != want.counts {
					r.Fatalf("%s cut at %v: counts %+v, want %+v", q, cuts, got.counts, want.counts)
				}
			} else if d := gocmp.Diff(want.rows, got.rows); d != "" || got.counts != want.counts {
				r.Fatalf("%s cut at %v: -whole +cut\n%s%+v %+v", q, cuts, d, want.counts, got.counts)
			}
		})
	}
}

type result struct {
	rows   []string
	counts task.Counts
}

// final feeds a batch in pieces, as ingest would, and ends the input.
func final(tb testing.TB, s *plan.Stage, all *vector.Batch, cuts []int) result {
	tb.Helper()
	m, err := stage.New(s, stage.Config{Writers: [][]string{{"a"}, nil}})
	if err != nil {
		tb.Fatal(err)
	}
	var out record
	at, largest := 0, int64(0)
	for _, cut := range cuts {
		b := vector.Slice(all, at, cut)
		for _, x := range b.Time {
			largest = max(largest, x)
		}
		b.Watermark = largest - 5
		m.Step(0, "a", b, &out)
		at = cut
	}
	m.Step(0, "a", &vector.Batch{Schema: all.Schema, Watermark: vector.MaxTime}, &out)
	var res result
	res.counts = m.Counts()
	for _, l := range out.lines {
		if len(l) < 4 || l[:4] != "wate" && l[:4] != "late" {
			res.rows = append(res.rows, l)
		}
	}
	return res
}
