package conform

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// ksqlCase is one line of a file of ksqlDB cases.
type ksqlCase struct {
	ID         string         `json:"id"`
	File       string         `json:"file"`
	Statements []string       `json:"statements"`
	Inputs     []Record       `json:"inputs"`
	Outputs    []Record       `json:"outputs"`
	Refused    *refusal       `json:"expectedException"`
	Properties map[string]any `json:"properties"`
	Schemas    []wantSchema   `json:"schemas"`
	Diverges   any            `json:"diverges"`
	Features   []string       `json:"features"`
	Order      string         `json:"order"`
	Queries    []ksqlQuery    `json:"queries"`
	Steps      []ksqlStep     `json:"steps"`
}

// refusal is what a case wants to be refused: at which phase, and whether it must be.
type refusal struct {
	Phase string `json:"phase"`
	Level string `json:"level"`
}

// wantSchema is a schema that an object must have.
type wantSchema struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Schema string `json:"schema"`
}

type ksqlSuite struct{ cases []*ksqlCase }

func readKsql(r io.Reader) (Suite, error) {
	cases, err := readLines[*ksqlCase](r)
	return &ksqlSuite{cases}, err
}

// IDs implements Suite.
func (s *ksqlSuite) IDs() []string {
	ids := make([]string, len(s.cases))
	for i, c := range s.cases {
		ids[i] = c.ID
	}
	return ids
}

// Run implements Suite.
func (s *ksqlSuite) Run(i int, opt Options) []Outcome {
	c := s.cases[i]
	out := guarded(c.ID, c.group(), func() []Outcome { return c.run(opt) })
	for k := range out {
		out[k].File, out[k].Features = c.File, c.Features
	}
	return out
}

func (c *ksqlCase) group() string {
	if c.Refused != nil && c.Refused.Phase != "runtime" {
		return "rejections"
	}
	for _, q := range c.Queries {
		if q.Expect.Error != nil {
			return "rejections"
		}
	}
	if n := len(c.Steps); n > 0 && c.Steps[n-1].Error != nil && c.Steps[n-1].Error.Phase != "assert" {
		return "rejections"
	}
	return "results"
}

func (c *ksqlCase) run(opt Options) []Outcome {
	e := newEngine()
	e.crash = opt.Crash
	for _, k := range slices.Sorted(maps.Keys(c.Properties)) {
		e.set[k] = fmt.Sprint(c.Properties[k])
	}
	if c.Refused != nil && c.group() == "rejections" {
		return []Outcome{c.rejection(e)}
	}
	if c.Diverges != nil {
		return []Outcome{skipped(c.ID, "results", "an artefact of the reference")}
	}
	if c.Refused != nil && c.Refused.Level == "may" {
		return []Outcome{skipped(c.ID, "results", "the reference stops where an engine may go on")}
	}
	if len(c.Steps) > 0 {
		return []Outcome{c.script(e)}
	}
	for i, text := range c.Statements {
		if err := e.execute(text); err != nil {
			return []Outcome{failed(c.ID, "results", fmt.Sprintf("statement %d is refused: %v", i+1, err), text)}
		}
	}
	if len(c.Queries) > 0 {
		return c.ask(e)
	}
	e.publish(c.Inputs)
	if err := e.drive(); err != nil {
		return []Outcome{failed(c.ID, "results", "the query stops: "+err.Error(), c.text()+"\n"+e.notes())}
	}
	out := []Outcome{c.results(e)}
	return append(out, c.schemas(e)...)
}

func (c *ksqlCase) text() string { return strings.Join(c.Statements, "\n") }

// rejection wants the last statement refused for a cause in it, and all earlier ones accepted.
func (c *ksqlCase) rejection(e *engine) Outcome {
	const group = "rejections"
	if c.Refused.Level == "may" {
		return skipped(c.ID, group, "an engine may accept it")
	}
	last := len(c.Statements) - 1
	for i, text := range c.Statements {
		err := e.execute(text)
		switch {
		case i < last && err != nil:
			return failed(c.ID, group, fmt.Sprintf("statement %d is refused before its time: %v", i+1, err), text)
		case i == last && err == nil:
			return failed(c.ID, group, "the last statement is accepted", c.text())
		case i == last && !rightful(err):
			return failed(c.ID, group, "not refused for a cause in it: "+err.Error(), c.text())
		}
	}
	return passed(c.ID, group)
}

// results compares the topics that the case names; without any, every sink must be empty.
func (c *ksqlCase) results(e *engine) Outcome {
	want := map[string][]Record{}
	for _, r := range c.Outputs {
		want[r.Topic] = append(want[r.Topic], r)
	}
	if len(c.Outputs) == 0 {
		for _, t := range e.sinks() {
			if got := e.written(t); len(got) > 0 {
				return failed(c.ID, "results", fmt.Sprintf("%d records in %s, want none", len(got), t),
					c.text()+"\n"+list(got))
			}
		}
		return passed(c.ID, "results")
	}
	for _, t := range slices.Sorted(maps.Keys(want)) {
		got := e.outputs(t)
		if diff := diffRecords(want[t], got, c.Order == "per-key", e.checks(t)); diff != nil {
			return failed(c.ID, "results", fmt.Sprintf("topic %s: %s", t, diff.reason),
				c.text()+"\n"+diff.text+e.notes())
		}
	}
	return passed(c.ID, "results")
}

// outputs are the records of a topic that a case compares: what was written, else what INSERT VALUES and inputs left.
func (e *engine) outputs(topic string) []Record {
	if slices.Contains(e.sinks(), topic) {
		return e.written(topic)
	}
	return e.topic(topic)
}

// notes lists what queries said of single rows.
func (e *engine) notes() string {
	var sb strings.Builder
	for _, q := range e.queries {
		for _, n := range q.noted {
			fmt.Fprintf(&sb, "note %s: %s\n", q.plan.Query, n)
		}
	}
	return sb.String()
}

func list(records []Record) string {
	var sb strings.Builder
	for i := range records {
		fmt.Fprintf(&sb, "  got  %s\n", records[i].String())
	}
	return sb.String()
}
