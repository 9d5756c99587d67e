package operator

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden runs testdata/*.txt. A file is cases between lines of ----:
//
//	# what the case shows
//	in k:STRING v:BIGINT               columns of port 0; "table ..." those of port 1
//	aggregate keys=0 window=tumbling:10 grace=0 emit=final COUNT() SUM(1) COUNT(DISTINCT 1) MAX(1)/2
//	5 a 1                              a row: time, values; +, -, ^, x in front: its op; t in front: port 1
//	wm 10 | flush | end                a watermark and end of step, the end of a step, the end of the input
//	out
//	...                                what comes out, then the counts that are not 0
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
		var outs []string
		for n, c := range strings.Split(string(text), "----\n") {
			in, want, _ := strings.Cut(c, "\nout\n")
			name := fmt.Sprintf("%s/%d", filepath.Base(f), n+1)
			got := runGolden(t, name, in, 1)
			for _, size := range []int{7, 1024} {
				if d := gocmp.Diff(got, runGolden(t, name, in, size)); d != "" {
					t.Errorf("%s: batches of 1 and of %d differ:\n%s", name, size, d)
				}
			}
			outs = append(outs, in+"\nout\n"+got)
			if d := gocmp.Diff(want, got); d != "" && !*update {
				t.Errorf("%s: -want +got\n%s\n%s", name, d, in)
			}
		}
		if *update {
			if err := os.WriteFile(f, []byte(strings.Join(outs, "----\n")), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func runGolden(t *testing.T, name, text string, size int) string {
	t.Helper()
	in := make([]*vector.Schema, 2)
	var specs []Spec
	var events []event
	cur := (*vector.Schema)(nil)
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "#":
		case "in":
			in[0] = fields(rest)
			cur = in[0]
		case "table":
			in[1] = fields(rest)
		case "aggregate", "filter", "over", "join", "sort", "limit", "materialize", "tostream", "project":
			spec := goldenSpec(t, word, strings.Fields(rest), cur, in[1])
			specs, cur = append(specs, spec), spec.Out()
		default:
			events = append(events, goldenEvent(t, line))
		}
	}
	r := &recorder{}
	c, err := BuildOn(in, specs, r, r.emit)
	if err != nil {
		return name + ": " + err.Error() + "\n"
	}
	play(t, c, in, events, size)
	c.Flush()
	out := r.rows
	for _, n := range []struct {
		what string
		n    int
	}{{"filtered", r.filtered}, {"late", r.late}, {"skipped", r.skipped}} {
		if n.n > 0 {
			out = append(out, fmt.Sprintf("%s %d", n.what, n.n))
		}
	}
	for _, f := range r.failures {
		out = append(out, "failed "+f)
	}
	for _, f := range r.derived {
		out = append(out, "derived failure "+f)
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, "\n") + "\n"
}

func goldenEvent(t *testing.T, line string) event {
	t.Helper()
	f := strings.Fields(line)
	e := event{}
	switch f[0] {
	case "end":
		return event{wm: true, time: vector.MaxTime}
	case "flush":
		return event{flush: true}
	case "wm":
		e.wm, f = true, f[1:]
	case "t":
		e.port, f = 1, f[1:]
	}
	if op := strings.Index("+-^x", f[0]); op >= 0 {
		e.op, f = vector.Op(op), f[1:]
	}
	n, err := strconv.ParseInt(f[0], 10, 64)
	if err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
	e.time, e.values = n, f[1:]
	return e
}

// goldenSpec reads an operator: options k=v, then calls.
func goldenSpec(t *testing.T, word string, args []string, in, table *vector.Schema) Spec {
	t.Helper()
	opt := map[string]string{}
	var calls []string
	for _, a := range args {
		if k, v, ok := strings.Cut(a, "="); ok && !strings.Contains(k, "(") {
			opt[k] = v
		} else {
			calls = append(calls, a)
		}
	}
	num := func(k string, def int64) int64 {
		if n, err := strconv.ParseInt(opt[k], 10, 64); err == nil {
			return n
		}
		return def
	}
	switch word {
	case "aggregate":
		return goldenAggregate(t, opt, calls, in)
	case "filter":
		return &Filter{
			Pred: compare(t, opt["op"], int(num("col", 0)), "c", num("n", 0)), Keys: ints(opt["keys"]),
			Schema: in,
		}
	case "project":
		p := &Project{Schema: &vector.Schema{}, EventTime: int(num("time", -1)), DelayMs: num("delay", 0)}
		for _, c := range ints(opt["cols"]) {
			p.Exprs = append(p.Exprs, &expr.Column{Index: c, Name: in.Fields[c].Name, T: in.Fields[c].Type})
			p.Schema.Fields = append(p.Schema.Fields, in.Fields[c])
		}
		return p
	case "over":
		o := &Over{Partition: ints(opt["by"]), Schema: &vector.Schema{Fields: append([]vector.Field{}, in.Fields...)}}
		for _, c := range calls {
			a, _ := goldenCall(t, c)
			typ, err := ResolveOver(a.Func, typesOf(in, a.Args))
			if err != nil {
				t.Fatal(err)
			}
			o.Aggs = append(o.Aggs, OverAgg{Func: a.Func, Args: a.Args, RangeMs: num("range", -1), Rows: num("rows",
				-1), T: typ})
			o.Schema.Fields = append(o.Schema.Fields, vector.Field{Name: c, Type: typ})
		}
		return o
	case "join":
		return &LookupJoin{
			StreamKeys: ints(opt["stream"]), TableKeys: ints(opt["table"]), Left: opt["kind"] == "left",
			Schema: &vector.Schema{Fields: append(append([]vector.Field{}, in.Fields...), table.Fields...)},
		}
	case "sort":
		s := &Sort{
			Limit: num("limit", -1), Offset: num("offset", 0), Schema: in, ByWindow: opt["window"] != "",
			WindowEnd: int(num("window", 0)),
		}
		for _, c := range ints(opt["by"]) {
			s.Keys = append(s.Keys, SortKey{Col: c, Desc: opt["order"] == "desc", NullsLast: opt["nulls"] == "last"})
		}
		return s
	case "limit":
		return &Limit{N: num("n", -1), Offset: num("offset", 0), Schema: in}
	case "materialize":
		return &Materialize{Keys: ints(opt["keys"]), Final: opt["final"] != "", OneKey: opt["one"] != "", Schema: in}
	default:
		return &ToStream{Schema: in}
	}
}

func ints(s string) []int {
	var out []int
	for p := range strings.SplitSeq(s, ",") {
		if n, err := strconv.Atoi(p); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// goldenCall reads F(DISTINCT 1)/2: the argument's column and the FILTER column.
func goldenCall(t *testing.T, s string) (Agg, string) {
	t.Helper()
	a := Agg{Filter: -1}
	call, filter, ok := strings.Cut(s, "/")
	if ok {
		a.Filter = ints(filter)[0]
	}
	name, args, _ := strings.Cut(strings.TrimSuffix(call, ")"), "(")
	if rest, found := strings.CutPrefix(args, "DISTINCT:"); found {
		a.Distinct, args = true, rest
	}
	a.Func, a.Args = name, ints(args)
	return a, s
}

func goldenAggregate(t *testing.T, opt map[string]string, calls []string, in *vector.Schema) *Aggregate {
	t.Helper()
	s := &Aggregate{
		Keys: ints(opt["keys"]), Schema: &vector.Schema{}, DropNull: opt["null"] == "drop",
		OneRow: opt["one"] != "", Retracts: opt["retracts"] != "", KeepEmpty: opt["keep"] != "",
		Before: opt["before"] != "", Ksql: opt["dialect"] == "ksql",
	}
	profile := expr.Leat
	if s.Ksql {
		profile = expr.Ksql
	}
	for _, k := range s.Keys {
		s.Schema.Fields = append(s.Schema.Fields, in.Fields[k])
	}
	if w := opt["window"]; w != "" {
		kind, sizes, _ := strings.Cut(w, ":")
		n := ints(sizes)
		s.Window.Kind = map[string]WindowKind{
			"tumbling": Tumbling, "hopping": Hopping, "session": Session,
			"cumulate": Cumulate,
		}[kind]
		s.Window.SizeMs, s.Window.AdvanceMs = int64(n[0]), int64(n[len(n)-1])
		s.Window.Ksql = opt["dialect"] == "ksql"
		if g := ints(opt["grace"]); len(g) > 0 {
			s.Window.GraceMs = int64(g[0])
		}
		s.Schema.Fields = append(s.Schema.Fields, fields("ws:BIGINT we:BIGINT").Fields...)
	}
	s.Emit = map[string]Emission{"batch": EmitBatch, "record": EmitRecord, "final": EmitFinal}[opt["emit"]]
	for _, c := range calls {
		a, name := goldenCall(t, c)
		typ, err := ResolveAggIn(profile, a.Func, typesOf(in, a.Args))
		if err != nil {
			t.Fatal(err)
		}
		a.T = typ
		s.Aggs = append(s.Aggs, a)
		s.Schema.Fields = append(s.Schema.Fields, vector.Field{Name: name, Type: typ})
	}
	return s
}
