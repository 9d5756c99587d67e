package direct_test

import (
	"context"
	"errors"
	"io"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const declared = `
CREATE STREAM a (v INT, ts BIGINT) WITH (event_time = 'ts', partitions = 2);
CREATE STREAM b (v INT, ts BIGINT) WITH (event_time = 'ts', partitions = 2);
CREATE STREAM both (v INT, ts BIGINT) WITH (event_time = 'ts', partitions = 1);
`

// compile plans INSERT INTO .. SELECT and a last SELECT over the streams above.
func compile(t *testing.T, text string, mode plan.Mode) []*plan.Plan {
	t.Helper()
	statements, errs := parser.Parse(declared+text, parser.Options{})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	objects := plan.Objects{}
	var plans []*plan.Plan
	for i, st := range statements {
		id := "q" + string(rune('1'+i))
		var p *plan.Plan
		var err error
		switch st := st.(type) {
		case *ast.Create:
			var o *plan.Object
			if o, _, err = plan.Define(st, plan.Defaults{}); err == nil {
				objects[o.Name] = o
			}
		case *ast.InsertSelect:
			p, _, err = (&plan.Binder{Catalog: objects}).InsertSelect(id, st)
		case *ast.Select:
			p, err = (&plan.Binder{Catalog: objects, Mode: mode}).Select(id, st.Query)
		}
		if err != nil {
			t.Fatal(err)
		}
		if p != nil {
			plans = append(plans, p)
		}
	}
	return plans
}

// rows is a direct.Source of rows of (v, time), one batch each size rows; then it ends, or waits for the context.
type rows struct {
	v      []int64
	at     []int64
	size   int
	open   bool
	asked  int
	closed error
}

func (s *rows) Next(ctx context.Context) (direct.Item, error) {
	s.asked++
	if len(s.v) == 0 {
		if !s.open {
			return direct.Item{}, io.EOF
		}
		<-ctx.Done()
		s.closed = context.Cause(ctx)
		return direct.Item{}, s.closed
	}
	n := min(s.size, len(s.v))
	b := &vector.Batch{Rows: n, Time: s.at[:n:n], Watermark: s.at[n-1]}
	b.Schema = &vector.Schema{Fields: []vector.Field{
		{Name: "v", Type: vector.TInt},
		{Name: "ts", Type: vector.TBigInt},
	}}
	b.Cols = []*vector.Vector{
		{Type: vector.TInt, Len: n, I64: s.v[:n:n]},
		{Type: vector.TBigInt, Len: n, I64: s.at[:n:n]},
	}
	s.v, s.at = s.v[n:], s.at[n:]
	return direct.Item{Batch: b, Writer: "w", Partition: -1}, nil
}

// seen is a direct.Sink that keeps the first column of the result.
type seen struct {
	v   []int64
	err error
}

func (s *seen) Result(_ string, _ int, b *vector.Batch) error {
	c := vector.Compact(b)
	s.v = append(s.v, c.Cols[0].I64[:c.Rows]...)
	return s.err
}

func (s *seen) Dead(string, *vector.Batch, uint32, string, string) {}
func (s *seen) Late(string, *vector.Batch, []uint32)               {}

func input(topic string, s direct.Source) direct.Input {
	return direct.Input{Topic: topic, Writers: direct.One("w"), Partitions: 2, Source: s}
}

const union = `INSERT INTO both SELECT v, ts FROM a; INSERT INTO both SELECT v, ts FROM b; SELECT v FROM both`

// TestMerge reads two inputs by event time, ties by the order of the inputs, whatever the size of batches.
func TestMerge(t *testing.T) {
	t.Parallel()
	want := []int64{1, 10, 2, 20, 3, 30, 4, 40, 50}
	for _, size := range []int{1, 2, 3, 100} {
		var out seen
		r, err := direct.New(direct.Config{
			Plans: compile(t, union, plan.Bounded), Results: []string{""}, Sink: &out,
			Inputs: []direct.Input{
				input("a", &rows{v: []int64{1, 2, 3, 4}, at: []int64{1, 3, 5, 7}, size: size}),
				input("b", &rows{v: []int64{10, 20, 30, 40, 50}, at: []int64{1, 3, 6, 8, 9}, size: size}),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := gocmp.Diff(want, out.v); d != "" {
			t.Errorf("batches of %d: -want +got\n%s", size, d)
		}
	}
}

// TestLimitEnds stops reading when the answer is complete.
func TestLimitEnds(t *testing.T) {
	t.Parallel()
	src := &rows{size: 1}
	for i := range int64(1000) {
		src.v, src.at = append(src.v, i), append(src.at, i)
	}
	var out seen
	r, err := direct.New(direct.Config{
		Plans:   compile(t, "SELECT v FROM a LIMIT 3", plan.Bounded),
		Results: []string{""}, Sink: &out, Inputs: []direct.Input{input("a", src)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff([]int64{0, 1, 2}, out.v); d != "" || src.asked > 5 {
		t.Errorf("%d reads for 3 rows\n%s", src.asked, d)
	}
}

// TestLive ends a run over endless inputs by LIMIT, by the context, and by an error of the sink; nothing stays behind.
func TestLive(t *testing.T) {
	t.Parallel()
	errSink := errors.New("the client went away")
	tests := []struct {
		name  string
		query string
		sink  error
		stop  bool
		want  error
	}{
		{"limit", "SELECT v FROM both EMIT CHANGES LIMIT 2", nil, false, nil},
		{"context", "SELECT v FROM both EMIT CHANGES", nil, true, context.Canceled},
		{"sink", "SELECT v FROM both EMIT CHANGES", errSink, false, errSink},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out := &stopping{seen: seen{err: tc.sink}, after: 3, stop: func() {}}
			if tc.stop {
				out.stop = cancel
			}
			text := `INSERT INTO both SELECT v, ts FROM a; INSERT INTO both SELECT v, ts FROM b; ` + tc.query
			r, err := direct.New(direct.Config{
				Plans: compile(t, text, plan.Push), Results: []string{""}, Sink: out,
				Live: true,
				Inputs: []direct.Input{
					input("a", &rows{v: []int64{1, 2}, at: []int64{1, 2}, size: 1, open: true}),
					input("b", &rows{v: []int64{3, 4}, at: []int64{1, 2}, size: 1, open: true}),
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Run(ctx); !errors.Is(err, tc.want) {
				t.Errorf("the run ended with %v, want %v", err, tc.want)
			}
			if tc.name == "limit" && len(out.v) != 2 {
				t.Errorf("%d rows, want 2", len(out.v))
			}
		})
	}
}

// stopping calls stop when it has seen a number of rows.
type stopping struct {
	seen
	after int
	stop  func()
}

func (s *stopping) Result(topic string, p int, b *vector.Batch) error {
	err := s.seen.Result(topic, p, b)
	if len(s.v) >= s.after {
		s.stop()
	}
	return err
}

// TestLiveSourceFails hands on the error of a source and stops the others.
func TestLiveSourceFails(t *testing.T) {
	t.Parallel()
	var out seen
	r, err := direct.New(direct.Config{
		Plans: compile(t, union+" EMIT CHANGES", plan.Push), Results: []string{""},
		Sink: &out, Live: true, Inputs: []direct.Input{input("a",
			&rows{v: []int64{1}, at: []int64{1}, size: 1, open: true}), input("b", broken{})},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("the run ended with %v", err)
	}
}

var errBroken = errors.New("the disk is broken")

type broken struct{}

func (broken) Next(context.Context) (direct.Item, error) { return direct.Item{}, errBroken }
