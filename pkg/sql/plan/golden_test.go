package plan_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

var update = flag.Bool("update", false, "write the golden files")

// session plans a script statement by statement, as a coordinator or leat run would.
type session struct {
	objects plan.Objects
	bounded bool
	profile expr.Profile
	ttlMs   int64
	queries int
	out     strings.Builder
}

// run plans a script; the plans of its queries, the objects and the warnings are written to out.
func (s *session) run(text string) error {
	statements, errs := parser.Parse(text, parser.Options{Upper: s.profile == expr.Ksql})
	if len(errs) > 0 {
		return errs[0]
	}
	for _, st := range statements {
		if err := s.statement(st); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) binder(mode plan.Mode) *plan.Binder {
	s.queries++
	return &plan.Binder{
		Catalog: s.objects, Mode: mode, Profile: s.profile, RecordEmission: s.profile == expr.Ksql, StateTTLMs: s.ttlMs,
	}
}

func (s *session) id() string { return fmt.Sprintf("q%d", s.queries) }

func (s *session) statement(st ast.Statement) error {
	switch st := st.(type) {
	case *ast.Create:
		return s.create(st)
	case *ast.InsertSelect:
		b := s.binder(plan.Persistent)
		p, _, err := b.InsertSelect(s.id(), st)
		return s.show(b, p, err)
	case *ast.InsertValues:
		o, rows, err := s.binder(plan.Persistent).InsertValues(st)
		if err == nil {
			fmt.Fprintf(&s.out, "insert %d rows into %s\n", rows.Rows, o.Name)
		}
		return err
	case *ast.Select:
		b := s.binder(plan.Bounded)
		if st.Query.Emit != ast.EmitDefault && !s.bounded {
			b.Mode = plan.Push
		}
		p, err := b.Select(s.id(), st.Query)
		return s.show(b, p, err)
	case *ast.Set:
		s.ttlMs = plan.SettingStateTTL(map[string]string{st.Key: st.Value})
		return plan.CheckSetting(st.Key, st.Value, st.Unset, st.At)
	default:
		return fmt.Errorf("%T has no plan", st)
	}
}

func (s *session) create(st *ast.Create) error {
	if st.As != nil {
		b := s.binder(plan.Persistent)
		p, o, err := b.CreateAs(s.id(), st)
		if err != nil {
			return err
		}
		s.objects[o.Name] = o
		if err := s.show(b, p, nil); err != nil {
			return err
		}
		s.describe(o)
		return nil
	}
	o, warnings, err := plan.Define(st, plan.Defaults{Partitions: 4, Profile: s.profile})
	if err != nil {
		return err
	}
	s.objects[o.Name] = o
	s.describe(o)
	s.warn(warnings)
	return nil
}

func (s *session) show(b *plan.Binder, p *plan.Plan, err error) error {
	if err != nil {
		return err
	}
	s.out.WriteString(p.Explain())
	for i, f := range p.Result.Schema.Fields {
		sep := ", "
		if i == 0 {
			sep = "Columns  "
		}
		fmt.Fprintf(&s.out, "%s%s %s", sep, f.Name, f.Type)
	}
	s.out.WriteString("\n")
	s.warn(b.Warnings)
	return nil
}

func (s *session) warn(list []string) {
	for _, w := range list {
		fmt.Fprintf(&s.out, "warning: %s\n", w)
	}
}

func (s *session) describe(o *plan.Object) {
	kind := "stream"
	if o.Kind == ast.Table {
		kind = "table"
	}
	fmt.Fprintf(&s.out, "Object %s %s  topic %s  partitions %d  key %v  placed by %v  time %q  delay %d %v", kind,
		o.Name, o.Topic, o.Partitions, o.Key, o.Placement(), o.EventTime, o.DelayMs, o.DelaySet)
	if o.Windowed {
		s.out.WriteString("  windowed")
	}
	if o.Updating {
		s.out.WriteString("  updating")
	}
	s.out.WriteString("\n")
	if o.Source != nil {
		fmt.Fprintf(&s.out, "Source %s %s%s%s%s  format %s  on_error %s  late %s  idle %d  max_future %d\n",
			o.Source.Connector, o.Source.Path, o.Source.Subject, o.Source.URL, o.Source.Generator, o.Source.Format,
			o.Source.OnError, o.Source.Late,
			o.Source.IdleMs, o.Source.MaxFutureMs)
	}
}

// setup is the catalog that every case starts with.
const setup = `
CREATE STREAM trades (symbol STRING, price DOUBLE, qty INT, amount DECIMAL(10, 2), ts BIGINT, note STRING)
  WITH (subject = 'trades.>', event_time = 'ts', watermark = '2s');
CREATE STREAM plain (id BIGINT, name STRING, ok BOOLEAN, at TIMESTAMP) WITH (partitions = 4);
CREATE STREAM keyed (k STRING KEY, v INT, "Mixed" INT) WITH (partitions = 4);
CREATE STREAM one (k STRING, v INT) WITH (partitions = 1);
CREATE TABLE users (id BIGINT PRIMARY KEY, name STRING, city STRING) WITH (partitions = 4);
CREATE TABLE ticker (symbol STRING PRIMARY KEY, sector STRING) WITH (partitions = 4);
CREATE TABLE wide2 (a INT PRIMARY KEY, b INT PRIMARY KEY, c STRING) WITH (partitions = 8);
CREATE TABLE counts AS SELECT symbol, COUNT(*) AS n FROM trades GROUP BY symbol;
CREATE TABLE stats AS SELECT symbol, window_start, window_end, AVG(price) AS p FROM trades
  WINDOW TUMBLING(5m) GROUP BY symbol;
CREATE SOURCE STREAM locked (a INT);
`

// ksqlSetup is the catalog of the cases that start with "-- ksql".
const ksqlSetup = `
CREATE STREAM s (k STRING KEY, v INT, w STRUCT<town STRING, n INT>) WITH (value_format = 'JSON');
CREATE STREAM two (a INT KEY, b INT KEY, c INT) WITH (format = 'JSON');
CREATE STREAM nokey (v INT) WITH (value_format = 'JSON');
CREATE STREAM win (k STRING KEY, v INT) WITH (value_format = 'JSON', window_type = 'SESSION');
CREATE TABLE t (id INT PRIMARY KEY, x INT, name STRING) WITH (value_format = 'JSON');
CREATE TABLE agg AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY k;
`

// setupObjects plans the setup once.
var setupObjects = sync.OnceValues(func() (plan.Objects, error) {
	s := &session{objects: plan.Objects{}}
	return s.objects, s.run(setup)
})

func start(tb testing.TB) *session {
	tb.Helper()
	objects, err := setupObjects()
	if err != nil {
		tb.Fatalf("the setup of the golden files: %v", err)
	}
	return &session{objects: maps.Clone(objects), queries: 2}
}

// TestGolden runs testdata/*.txt: cases between lines of ====, in each the script, a line of ----, and what comes of
// it: the plans, or the error as a user reads it. A script that starts with "-- bounded" is planned as leat run does.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		wantError := strings.Contains(f, "error")
		var outs []string
		for c := range strings.SplitSeq(string(text), "====\n") {
			in, want, _ := strings.Cut(c, "----\n")
			got, failed := outcome(t, in)
			if failed != wantError {
				t.Errorf("%s: error is %v, the file wants %v:\n%s\n%s", f, failed, wantError, in, got)
			}
			outs = append(outs, in+"----\n"+got)
			if d := gocmp.Diff(want, got); d != "" && !*update {
				t.Errorf("%s: -want +got\n%s\n%s", f, d, in)
			}
		}
		if *update {
			if err := os.WriteFile(f, []byte(strings.Join(outs, "====\n")), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func outcome(t *testing.T, in string) (text string, failed bool) {
	t.Helper()
	s := start(t)
	s.bounded = strings.HasPrefix(in, "-- bounded")
	if strings.HasPrefix(in, "-- ksql") {
		s.profile = expr.Ksql
		s.objects = plan.Objects{}
		if err := s.run(ksqlSetup); err != nil {
			t.Fatalf("the setup of the ksql cases: %v", err)
		}
		s.out.Reset()
	}
	err := s.run(in)
	if err == nil {
		return s.out.String(), false
	}
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		t.Fatalf("an error without a place: %v\n%s", err, in)
	}
	if e.Span.End < e.Span.Start || e.Span.End == 0 || e.Span.End > len(in) {
		t.Errorf("the place of %v is %v, of a text of %d bytes:\n%s", err, e.Span, len(in), in)
	}
	var b strings.Builder
	if err := sqlerr.Render(&b, "", in, e); err != nil {
		t.Fatal(err)
	}
	return b.String(), true
}
