package conform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// ksqlQuery is a client's query and what it must answer.
type ksqlQuery struct {
	SQL    string `json:"sql"`
	Kind   string `json:"kind"`  // pull, push
	Start  string `json:"start"` // earliest, latest
	Expect struct {
		Rows    [][]any `json:"rows"`
		Columns []struct {
			Name string `json:"name"`
			Type string `json:"type"`
			Key  bool   `json:"key"`
		} `json:"columns"`
		Ordered    bool     `json:"ordered"`
		Of         [][]any  `json:"of"`
		Tombstones []int    `json:"tombstones"`
		Error      *refusal `json:"error"`
	} `json:"expect"`
}

// answer is what a client's query has got so far.
type answer struct {
	e          *engine
	plan       *plan.Plan
	runner     *direct.Runner
	inputs     []*input
	at         int
	rows       [][]any
	tombstones []int
	notes      []string
}

// ask runs the queries of a case, those from latest before the inputs.
func (c *ksqlCase) ask(e *engine) []Outcome {
	group := c.group()
	answers := make([]*answer, len(c.Queries))
	errs := make([]error, len(c.Queries))
	for i := range c.Queries {
		if c.Queries[i].Start == "latest" {
			if errs[i] = e.drive(); errs[i] == nil {
				answers[i], errs[i] = e.query(&c.Queries[i])
			}
		}
	}
	e.publish(c.Inputs)
	if err := e.drive(); err != nil {
		return []Outcome{failed(c.ID, group, "the query stops: "+err.Error(), c.text()+"\n"+e.notes())}
	}
	for i := range c.Queries {
		q := &c.Queries[i]
		if answers[i] == nil && errs[i] == nil {
			answers[i], errs[i] = e.query(q)
		}
		if errs[i] == nil {
			errs[i] = answers[i].finish(q)
		}
		if o := c.judge(i, answers[i], errs[i]); o.Verdict != Passed {
			o.Detail = c.text() + "\n" + q.SQL + "\n" + o.Detail + e.notes()
			return []Outcome{o}
		}
	}
	return []Outcome{passed(c.ID, group)}
}

// judge compares one answer.
func (c *ksqlCase) judge(i int, a *answer, err error) Outcome {
	q := &c.Queries[i]
	group := c.group()
	fail := func(reason, detail string) Outcome {
		return failed(c.ID, group, fmt.Sprintf("query %d: %s", i+1, reason), detail)
	}
	if want := q.Expect.Error; want != nil {
		switch {
		case want.Level == "may":
			return skipped(c.ID, group, "an engine may answer it")
		case err == nil:
			return fail("it is answered, want a refusal", "")
		case !rightful(err):
			return fail("not refused for a cause in it: "+err.Error(), "")
		}
		return passed(c.ID, group)
	}
	if err != nil {
		return fail(err.Error(), "")
	}
	if why := q.header(a.plan); why != "" {
		return fail(why, "")
	}
	if why := q.compare(a); why != "" {
		var sb strings.Builder
		for _, r := range q.Expect.Rows {
			fmt.Fprintf(&sb, "- want %s\n", show(any(r)))
		}
		for _, r := range a.rows {
			fmt.Fprintf(&sb, "+ got  %s\n", show(any(r)))
		}
		return fail(why, sb.String()+strings.Join(a.notes, "\n"))
	}
	return passed(c.ID, group)
}

// query plans a client's query and begins it.
func (e *engine) query(q *ksqlQuery) (*answer, error) {
	statements, errs := parser.Parse(q.SQL, parser.Options{Types: e.types, Vars: e.vars, Upper: true})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	if len(statements) != 1 {
		return nil, fmt.Errorf("%d statements in a query", len(statements))
	}
	st, ok := statements[0].(*ast.Select)
	if !ok {
		return nil, fmt.Errorf("this is no SELECT")
	}
	mode := plan.Bounded
	if st.Query.Emit != ast.EmitDefault {
		mode = plan.Push
	}
	e.next++
	p, err := e.binder(mode).Select(fmt.Sprintf("q%d", e.next), st.Query)
	if err != nil {
		return nil, err
	}
	a := &answer{e: e, plan: p}
	if q.Start == "latest" {
		a.at = len(e.log)
	}
	cfg := direct.Config{Plans: []*plan.Plan{p}, Sink: a, Results: []string{""}, Crash: e.crash}
	for _, name := range objectsOf(p) {
		in := e.objects[name]
		a.inputs = append(a.inputs, &input{
			object: in, layout: layoutOf(in), topic: external(in), wm: vector.NoTime, table: in.Kind == ast.Table,
		})
		cfg.Inputs = append(cfg.Inputs, direct.Input{
			Topic: in.Topic, Writers: direct.One(writer), Partitions: 1, Keys: in.Placement(),
		})
	}
	if a.runner, err = direct.New(cfg); err != nil {
		return nil, err
	}
	return a, a.runner.Start()
}

// finish hands the query the log of its objects; the input of a pull query ends there.
func (a *answer) finish(q *ksqlQuery) error {
	run := &query{e: a.e, plan: a.plan, inputs: a.inputs, runner: a.runner, at: a.at}
	err := run.run()
	a.notes = append(a.notes, run.noted...)
	if err != nil || q.Kind == "push" {
		return err
	}
	return a.runner.End()
}

// Result implements direct.Sink.
func (a *answer) Result(_ string, _ int, b *vector.Batch) error {
	for i := range b.Rows {
		if b.Sel != nil && !slices.Contains(b.Sel, uint32(i)) || b.Op(i) == vector.UpdateBefore {
			continue
		}
		row := make([]any, len(b.Cols))
		for c := range b.Cols {
			row[c] = tree(b.Cols[c], i)
		}
		if b.Op(i) == vector.Delete {
			a.tombstones = append(a.tombstones, len(a.rows))
			for c := range row {
				if !slices.Contains(a.plan.Result.KeyCols, c) {
					row[c] = nil
				}
			}
		}
		a.rows = append(a.rows, row)
	}
	return nil
}

// Dead implements direct.Sink.
func (a *answer) Dead(_ string, _ *vector.Batch, _ uint32, code, msg string) {
	a.notes = append(a.notes, msg+" ["+code+"]")
}

// Late implements direct.Sink.
func (a *answer) Late(string, *vector.Batch, []uint32) {}

// header compares names, types and key marks; "" if they agree.
func (q *ksqlQuery) header(p *plan.Plan) string {
	if q.Expect.Columns == nil {
		return ""
	}
	fields := p.Result.Schema.Fields
	if len(fields) != len(q.Expect.Columns) {
		return fmt.Sprintf("%d columns, want %d", len(fields), len(q.Expect.Columns))
	}
	marked := slices.ContainsFunc(q.Expect.Columns, func(c struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Key  bool   `json:"key"`
	},
	) bool {
		return c.Key
	})
	for i, want := range q.Expect.Columns {
		got := fields[i]
		name := got.Name
		if canon, ok := boundNames[name]; ok {
			name = canon
		}
		switch {
		case name != want.Name:
			return fmt.Sprintf("column %d is %s, want %s", i+1, name, want.Name)
		case typeName(got.Type) != want.Type:
			return fmt.Sprintf("column %s is %s, want %s", name, typeName(got.Type), want.Type)
		case marked && slices.Contains(p.Result.KeyCols, i) != want.Key:
			return fmt.Sprintf("column %s: key is %t, want %t", name, !want.Key, want.Key)
		}
	}
	return ""
}

// boundNames are the names of the window bounds outside.
var boundNames = map[string]string{"window_start": "WINDOWSTART", "window_end": "WINDOWEND"}

// typeName spells a type as ksqlDB's headers do.
func typeName(t vector.Type) string {
	switch t.Kind {
	case vector.Int:
		return "INTEGER"
	case vector.Array:
		return "ARRAY<" + typeName(*t.Elem) + ">"
	case vector.Map:
		return "MAP<" + typeName(*t.Key) + ", " + typeName(*t.Elem) + ">"
	case vector.Struct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = "`" + f.Name + "` " + typeName(f.Type)
		}
		return "STRUCT<" + strings.Join(parts, ", ") + ">"
	default:
		return t.String()
	}
}

// compare compares the rows; "" if they agree.
func (q *ksqlQuery) compare(a *answer) string {
	want, got := q.Expect.Rows, a.rows
	if len(want) != len(got) {
		return fmt.Sprintf("%d rows, want %d", len(got), len(want))
	}
	if q.Kind == "push" && !slices.Equal(q.Expect.Tombstones, a.tombstones) {
		return fmt.Sprintf("tombstones %v, want %v", a.tombstones, q.Expect.Tombstones)
	}
	if q.Expect.Ordered {
		for i := range want {
			if !equalRow(want[i], got[i]) {
				return fmt.Sprintf("row %d differs", i+1)
			}
		}
		return ""
	}
	if q.Expect.Of != nil {
		want = q.Expect.Of
	}
	left := slices.Clone(want)
	for i, g := range got {
		k := slices.IndexFunc(left, func(w []any) bool { return equalRow(w, g) })
		if k < 0 {
			return fmt.Sprintf("row %d is not wanted", i+1)
		}
		left = slices.Delete(left, k, k+1)
	}
	return ""
}

func equalRow(want, got []any) bool { return slices.EqualFunc(want, got, equal) }
