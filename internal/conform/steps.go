package conform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// ksqlStep is a statement or an assertion of a script.
type ksqlStep struct {
	SQL    string         `json:"sql"`
	Assert string         `json:"assert"`
	Object string         `json:"object"`
	Row    map[string]any `json:"row"`
	Error  *refusal       `json:"error"`
}

// script runs the steps of a case.
func (c *ksqlCase) script(e *engine) Outcome {
	group := c.group()
	e.live = true
	cursors := map[string]int{}
	for i, st := range c.Steps {
		var err error
		if st.Assert != "" {
			err = e.assert(&st, cursors)
		} else if err = e.execute(st.SQL); err == nil {
			err = e.settle()
		}
		want := st.Error
		switch {
		case want == nil && err == nil:
		case want == nil:
			return failed(c.ID, group, fmt.Sprintf("step %d: %v", i+1, err), c.steps(i)+"\n"+e.notes()+e.all())
		case want.Level == "may":
			return skipped(c.ID, group, "an engine may accept it")
		case err == nil:
			return failed(c.ID, group, fmt.Sprintf("step %d is accepted", i+1), c.steps(i))
		case st.Assert == "" && !rightful(err):
			return failed(
				c.ID,
				group,
				fmt.Sprintf("step %d is not refused for a cause in it: %v", i+1, err),
				c.steps(i),
			)
		}
	}
	return passed(c.ID, group)
}

// steps lists the texts up to a step.
func (c *ksqlCase) steps(last int) string {
	var sb strings.Builder
	for _, s := range c.Steps[:last+1] {
		sb.WriteString(s.SQL + "\n")
	}
	return sb.String()
}

// all lists the records of all topics.
func (e *engine) all() string {
	var sb strings.Builder
	for i := range e.log {
		fmt.Fprintf(&sb, "%s: %s\n", e.log[i].topic, e.log[i].record.String())
	}
	return sb.String()
}

// assert checks one assertion; cursors are places in the engine's log, by topic.
func (e *engine) assert(st *ksqlStep, cursors map[string]int) error {
	o, ok := e.objects.Object(ast.Ident{Name: st.Object})
	if !ok {
		return fmt.Errorf("no object %s", st.Object)
	}
	if st.Assert == "stream" || st.Assert == "table" {
		return e.assertObject(o, st)
	}
	topic := external(o)
	for cursors[topic] < len(e.log) {
		entry := &e.log[cursors[topic]]
		cursors[topic]++
		if entry.topic == topic {
			return e.assertRecord(o, st, entry)
		}
	}
	return fmt.Errorf("no further record in %s", topic)
}

func (e *engine) assertRecord(o *plan.Object, st *ksqlStep, entry *entry) error {
	tombstone := entry.record.Value == nil
	if tombstone != (st.Assert == "tombstone") {
		return fmt.Errorf("the record is %s, want %s", entry.record.String(), st.Assert)
	}
	row := entry.row
	if row == nil || entry.object != o.Name {
		var err error
		if row, err = layoutOf(o).decode(&entry.record); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(st.Row)) {
		got, ok := cell(row, &entry.record, name)
		if !ok {
			return fmt.Errorf("%s has no column %s", o.Name, name)
		}
		if want := st.Row[name]; !equal(want, got) {
			return fmt.Errorf("column %s is %s, want %s", name, show(got), show(want))
		}
	}
	return nil
}

// cell finds a column of a row, or what the record says of itself.
func cell(row *vector.Batch, r *Record, name string) (any, bool) {
	switch name {
	case "ROWTIME":
		return row.Time[0], true
	case "WINDOWSTART":
		if r.Window != nil {
			return r.Window.Start, true
		}
	case "WINDOWEND":
		if r.Window != nil {
			return r.Window.End, true
		}
	}
	for i, f := range row.Schema.Fields {
		if f.Name == name {
			return tree(row.Cols[i], 0), true
		}
	}
	return nil, false
}

// assertObject compares an object with the one that the statement declares.
func (e *engine) assertObject(o *plan.Object, st *ksqlStep) error {
	text := strings.Replace(st.SQL, "ASSERT", "CREATE", 1)
	statements, errs := parser.Parse(text, parser.Options{Types: e.types, Vars: e.vars, Upper: true})
	if len(errs) > 0 {
		return errs[0]
	}
	create, ok := statements[0].(*ast.Create)
	if !ok {
		return fmt.Errorf("%q asserts no object", st.SQL)
	}
	want, _, err := plan.Define(create, plan.SettingDefaults(e.set, 1))
	if err != nil {
		return err
	}
	switch a, b := columnsOf(want), columnsOf(o); {
	case want.Kind != o.Kind:
		return fmt.Errorf("%s is of the other kind", o.Name)
	case !slices.Equal(a, b):
		return fmt.Errorf("the columns are %s, want %s", strings.Join(b, ", "), strings.Join(a, ", "))
	case external(want) != external(o):
		return fmt.Errorf("the topic is %s, want %s", external(o), external(want))
	case want.Encoding != o.Encoding:
		return fmt.Errorf("the formats are %v, want %v", o.Encoding, want.Encoding)
	case want.EventTime != o.EventTime:
		return fmt.Errorf("the time column is %q, want %q", o.EventTime, want.EventTime)
	}
	return nil
}
