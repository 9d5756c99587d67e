package conform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// Execute runs a program: script.Program.Run, or what runs it through a broker.
type Execute func(ctx context.Context, p *script.Program, opt script.RunOptions) (script.Stats, error)

// TestOptions are how test files run.
type TestOptions struct {
	Execute    Execute
	Partitions int
	Crash      bool // run each test again with a crash after every step
	Update     bool // write what came as what is wanted
}

// testNow is the append time of rows in tests.
const testNow = 1_700_000_000_000

// Run runs one test of the file.
func (f *TestFile) Run(ctx context.Context, i int, opt TestOptions) Outcome {
	t := f.Tests[i]
	id := f.Path + "/" + t.Name
	if t.Skip != "" {
		return skipped(id, "tests", t.Skip)
	}
	out := guarded(id, "tests", func() []Outcome { return []Outcome{f.run(ctx, t, id, opt)} })[0]
	out.File = f.Path
	return out
}

func (f *TestFile) run(ctx context.Context, t *Test, id string, opt TestOptions) Outcome {
	got, err := f.execute(ctx, t, opt, false)
	if o := t.compare(id, got, err, opt.Update); o.Verdict != Passed {
		return o
	}
	if !opt.Crash || err != nil {
		return passed(id, "tests")
	}
	again, err := f.execute(ctx, t, opt, true)
	if err != nil {
		return failed(id, "tests", "with a crash after every step: "+err.Error(), "")
	}
	if !slices.Equal(got.lines, again.lines) {
		return failed(id, "tests", "a crash after every step changes the answer",
			"without: "+strings.Join(got.lines, "\n")+"\nwith:    "+strings.Join(again.lines, "\n"))
	}
	return passed(id, "tests")
}

// testAnswer is what a test gave.
type testAnswer struct {
	rows    []map[string]any
	objects map[string][]map[string]any
	dead    int
	lines   []string // all rows, as text
	notes   []string
}

// execute runs the statements of a test over its rows.
func (f *TestFile) execute(ctx context.Context, t *Test, opt TestOptions, crash bool) (*testAnswer, error) {
	dir, err := os.MkdirTemp("", "leat-test-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	text, err := f.statements(t)
	if err != nil {
		return nil, err
	}
	inputs := map[string]string{}
	for i, name := range sortedKeys(t.Given) {
		lines, err := jsonLines(t.Given[name])
		if err != nil {
			return nil, fmt.Errorf("given %s: %w", name, err)
		}
		inputs[name] = filepath.Join(dir, fmt.Sprintf("in%d.jsonl", i))
		if err := os.WriteFile(inputs[name], lines, 0o600); err != nil {
			return nil, fmt.Errorf("write given rows: %w", err)
		}
	}
	outputs := map[string]string{}
	for i, name := range sortedKeys(t.Objects) {
		outputs[name] = filepath.Join(dir, fmt.Sprintf("out%d.jsonl", i))
		text += fmt.Sprintf("CREATE SINK \"test output %d\" FROM %s TO FILE '%s';\n", i, name,
			strings.ReplaceAll(outputs[name], "'", "''"))
	}
	p, errs := script.Compile(ctx, text,
		script.Options{Vars: f.Vars, Inputs: inputs, Partitions: max(1, opt.Partitions)})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	for _, name := range sortedKeys(t.Given) {
		if err := knownFields(p, name, t.Given[name]); err != nil {
			return nil, err
		}
	}
	return f.collect(ctx, p, opt, crash, outputs)
}

// knownFields refuses a given row with a field that the object has not: it would be passed over, and a slip of the pen
// would make a test that proves nothing.
func knownFields(p *script.Program, name string, rows []map[string]any) error {
	o, ok := p.Objects.Object(ast.Ident{Name: name})
	if !ok {
		return nil // Compile has said so
	}
	var columns []string
	for _, c := range o.Columns {
		columns = append(columns, c.Name)
	}
	for i, row := range rows {
		for _, field := range sortedKeys(row) {
			if slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, field) }) {
				continue
			}
			hint := "columns: " + strings.Join(columns, ", ")
			if near := sqlerr.Nearest(field, columns); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return fmt.Errorf("given %s, row %d: no column %q; %s", name, i+1, field, hint)
		}
	}
	return nil
}

// collect runs the program and reads what it wrote.
func (f *TestFile) collect(
	ctx context.Context, p *script.Program, opt TestOptions, crash bool, outputs map[string]string,
) (*testAnswer, error) {
	a := &testAnswer{objects: map[string][]map[string]any{}}
	var buf bytes.Buffer
	rows, err := format.NewWriter("jsonl", &buf)
	if err != nil {
		return nil, fmt.Errorf("write rows: %w", err)
	}
	run := opt.Execute
	if crash || run == nil {
		run = func(ctx context.Context, p *script.Program, o script.RunOptions) (script.Stats, error) {
			return p.Run(ctx, o)
		}
	}
	stats, err := run(ctx, p, script.RunOptions{
		Out: rows, Stdout: io.Discard, Stdin: strings.NewReader(""), NowMs: testNow, Dir: filepath.Dir(f.Path),
		Crash: crash,
		Bad: func(stream string, b source.BadRow) {
			a.notes = append(a.notes, fmt.Sprintf("%s: a row is refused: %s [%s]", stream, b.Reason, b.Code))
		},
		Failed: func(stage string, row []byte, code, msg string) {
			a.notes = append(a.notes, fmt.Sprintf("stage %s: %s [%s]: %s", stage, msg, code, row))
		},
	})
	if err != nil {
		return nil, err
	}
	a.dead = int(stats.Dead)
	if a.rows, err = a.read(buf.Bytes()); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(outputs) {
		text, err := os.ReadFile(outputs[name])
		if err != nil {
			return nil, fmt.Errorf("read the rows of %s: %w", name, err)
		}
		if a.objects[name], err = a.read(text); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// read reads lines of JSON.
func (a *testAnswer) read(text []byte) ([]map[string]any, error) {
	var out []map[string]any
	for line := range bytes.Lines(text) {
		var row map[string]any
		if err := decodeJSON(line, &row); err != nil {
			return nil, err
		}
		out = append(out, row)
		a.lines = append(a.lines, string(bytes.TrimSpace(line)))
	}
	return out, nil
}

// compare compares what a test gave with what it wants.
func (t *Test) compare(id string, got *testAnswer, err error, update bool) Outcome {
	const group = "tests"
	switch {
	case err != nil && t.Error == "":
		return failed(id, group, err.Error(), "")
	case err != nil && !t.wanted(err):
		return failed(id, group, fmt.Sprintf("error %q, want %q", err, t.Error), "")
	case err != nil:
		return passed(id, group)
	case t.Error != "":
		return failed(id, group, "no error, want "+t.Error, "")
	}
	if update {
		t.Want, t.Dead = got.rows, got.dead
		if len(t.Objects) > 0 {
			t.Objects = got.objects
		}
		return passed(id, group)
	}
	reason, detail := t.diff("", t.Want, got.rows)
	for _, name := range sortedKeys(t.Objects) {
		why, more := t.diff(name+": ", t.Objects[name], got.objects[name])
		if reason == "" {
			reason = why
		}
		detail += more
	}
	if reason == "" && got.dead != t.Dead {
		reason = fmt.Sprintf("%d rows failed, want %d", got.dead, t.Dead)
	}
	if reason != "" {
		return failed(id, group, reason, detail+strings.Join(got.notes, "\n"))
	}
	return passed(id, group)
}

// diff compares rows; reason is "" if they agree.
func (t *Test) diff(what string, wantRows, got []map[string]any) (reason, detail string) {
	want, err := values(wantRows)
	if err != nil {
		return err.Error(), ""
	}
	if t.Order == "any" {
		want, got = pair(want, got)
	}
	var sb strings.Builder
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got) || i < len(want) && got[i] == nil:
			fmt.Fprintf(&sb, "- %swant %s\n", what, show(want[i]))
		case i >= len(want):
			fmt.Fprintf(&sb, "+ %sgot  %s\n", what, show(got[i]))
		case exactRow(want[i], got[i]):
			fmt.Fprintf(&sb, "  %sboth %s\n", what, show(got[i]))
			continue
		default:
			fmt.Fprintf(&sb, "- %swant %s\n+ %sgot  %s\n", what, show(want[i]), what, show(got[i]))
		}
		if reason == "" {
			reason = fmt.Sprintf("%srow %d differs", what, i+1)
		}
	}
	if len(want) != len(got) {
		reason = fmt.Sprintf("%s%d rows, want %d", what, len(got), len(want))
	}
	if reason == "" {
		return "", ""
	}
	return reason, sb.String()
}

// pair brings rows that are equal to the same places.
func pair(want, got []map[string]any) (w, g []map[string]any) {
	left := slices.Clone(got)
	var missing []map[string]any
	for _, row := range want {
		i := slices.IndexFunc(left, func(r map[string]any) bool { return exactRow(row, r) })
		if i < 0 {
			missing = append(missing, row)
			continue
		}
		w, g = append(w, row), append(g, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return append(w, missing...), append(g, left...)
}

// exactRow compares rows: the same columns, numbers by value, those with a fraction within 1e-9.
func exactRow(want, got map[string]any) bool {
	if len(want) != len(got) {
		return false
	}
	for name, w := range want { // any order: all must hold
		g, ok := got[name]
		if !ok || !exact(w, g) {
			return false
		}
	}
	return true
}

func exact(want, got any) bool {
	if w, ok := want.(json.Number); ok {
		g, ok := got.(json.Number)
		if !ok {
			return false
		}
		if strings.ContainsAny(string(w)+string(g), ".eE") {
			return closeTo(string(w), string(g))
		}
		return equalNumber(w, string(g))
	}
	switch w := want.(type) {
	case string:
		if g, ok := got.(json.Number); ok { // a DECIMAL with more digits than YAML's numbers hold
			return equalNumber(w, string(g))
		}
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(w, g, exact)
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && exactRow(w, g)
	}
	return want == got
}

func closeTo(want, got string) bool {
	if equalNumber(json.Number(want), got) {
		return true
	}
	a, okA := toFloat(json.Number(want))
	b, okB := toFloat(json.Number(got))
	const relative = 1e-9
	return okA && okB && a-b <= relative*max(1, a, -a) && b-a <= relative*max(1, a, -a)
}
