package conform_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/internal/conform"
)

// run runs cases and returns "verdict: reason" of each outcome.
func run(tb testing.TB, format, cases string) []string {
	tb.Helper()
	suite, err := conform.Formats()[format](strings.NewReader(cases))
	if err != nil {
		tb.Fatal(err)
	}
	var out []string
	for i := range suite.IDs() {
		for _, crash := range []bool{false, true} {
			var lines []string
			for _, o := range suite.Run(i, conform.Options{Crash: crash}) {
				lines = append(lines, o.Group+" "+o.Verdict.String()+": "+o.Reason)
			}
			line := strings.Join(lines, "; ")
			if crash && line != out[len(out)-1] {
				tb.Errorf("case %d with crashes: %s, without: %s", i, line, out[len(out)-1])
			}
			if !crash {
				out = append(out, line)
			}
		}
	}
	return out
}

const statements = `"statements": [` +
	`"CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='in', value_format='JSON');", ` +
	`"CREATE TABLE t AS SELECT k, SUM(v) AS n FROM s GROUP BY k;"]`

const inputs = `"inputs": [{"topic": "in", "key": "a", "value": {"v": 1}, "timestamp": 5}, ` +
	`{"topic": "in", "key": "a", "value": {"V": 2}, "timestamp": 4}]`

// TestKsqlVerdicts: cases that must pass pass, cases that must fail fail, for their reason.
func TestKsqlVerdicts(t *testing.T) {
	t.Parallel()
	first := `{"topic": "T", "key": "a", "value": {"N": 1}, "timestamp": 5}`
	second := `{"topic": "T", "key": "a", "value": {"N": 3}, "timestamp": 5}`
	tests := map[string]struct{ outputs, want string }{
		"right":         {first + "," + second, "results passed: "},
		"a lower name":  {strings.ReplaceAll(first+","+second, "N", "n"), "results passed: "},
		"a whole float": {first + "," + strings.ReplaceAll(second, "3", "3.0"), "results passed: "},
		"one too few":   {first, "results failed: topic T: 2 records, want 1"},
		"other order":   {second + "," + first, "results failed: topic T: record 1: value differs"},
		"other key": {
			strings.ReplaceAll(first, `"a"`, `"b"`) + "," + second,
			"results failed: topic T: record 1: key differs",
		},
		"other time": {
			first + "," + strings.ReplaceAll(second, "5}", "4}"),
			"results failed: topic T: record 2: time differs",
		},
		"null is not missing": {
			strings.ReplaceAll(first, `{"N": 1}`, `{"N": 1, "X": null}`) + "," + second,
			"results failed: topic T: record 1: value differs",
		},
		"a window": {
			strings.ReplaceAll(
				first,
				`"key"`,
				`"window": {"start": 0, "end": 1, "type": "time"}, "key"`,
			) + "," + second,
			"results failed: topic T: record 1: window differs",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `{"id": "x", ` + statements + `, ` + inputs + `, "order": "total", "outputs": [` + tt.outputs + `]}`
			if diff := gocmp.Diff([]string{tt.want}, run(t, "ksql", text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKsqlRejections: a refusal counts when the earlier statements were accepted and the cause is in the statement.
func TestKsqlRejections(t *testing.T) {
	t.Parallel()
	const stream = `"CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='in', value_format='JSON');"`
	tests := map[string]struct{ statements, want string }{
		"unknown column": {stream + `, "CREATE STREAM o AS SELECT k, w FROM s;"`, "rejections passed: "},
		"accepted": {
			stream + `, "CREATE STREAM o AS SELECT k, v FROM s;"`,
			"rejections failed: the last statement is accepted",
		},
		"no format": {
			`"CREATE STREAM s (k STRING KEY) WITH (kafka_topic='in');"`, "rejections passed: ",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `{"id": "x", "statements": [` + tt.statements +
				`], "expectedException": {"phase": "statement", "level": "must"}}`
			if diff := gocmp.Diff([]string{tt.want}, run(t, "ksql", text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKsqlQueries: answers of queries, from a table's state and from the start of a log.
func TestKsqlQueries(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ query, want string }{
		"pull": {
			`{"sql": "SELECT * FROM t WHERE k = 'a';", "kind": "pull", "expect": {"rows": [["a", 3]], ` +
				`"ordered": false, "columns": [{"name": "K", "type": "STRING", "key": true}, ` +
				`{"name": "N", "type": "INTEGER"}]}}`,
			"results passed: ",
		},
		"pull of other rows": {
			`{"sql": "SELECT * FROM t;", "kind": "pull", "expect": {"rows": [["a", 4]], "ordered": false}}`,
			"results failed: query 1: row 1 is not wanted",
		},
		"push": {
			`{"sql": "SELECT n FROM t EMIT CHANGES LIMIT 2;", "kind": "push", "start": "earliest", ` +
				`"expect": {"rows": [[1], [3]], "ordered": true}}`,
			"results passed: ",
		},
		"another header": {
			`{"sql": "SELECT n FROM t;", "kind": "pull", ` +
				`"expect": {"rows": [[3]], "columns": [{"name": "M", "type": "INTEGER"}]}}`,
			"results failed: query 1: column 1 is N, want M",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `{"id": "x", ` + statements + `, ` + inputs + `, "queries": [` + tt.query + `]}`
			if diff := gocmp.Diff([]string{tt.want}, run(t, "ksql", text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKsqlSteps: scripts with assertions, right and wrong ones.
func TestKsqlSteps(t *testing.T) {
	t.Parallel()
	const begin = `{"sql": "CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');"}, ` +
		`{"sql": "CREATE STREAM o AS SELECT k, v + 1 AS w FROM s;"}, {"sql": "INSERT INTO s (k, v) VALUES (1, 2);"}, `
	tests := map[string]struct{ step, want string }{
		"right": {`{"assert": "values", "object": "O", "row": {"K": 1, "W": 3}, "sql": ""}`, "results passed: "},
		"wrong": {
			`{"assert": "values", "object": "O", "row": {"K": 1, "W": 4}, "sql": ""}`,
			"results failed: step 4: column W is 3, want 4",
		},
		"wrong, as wanted": {
			`{"assert": "values", "object": "O", "row": {"W": 4}, "sql": "", ` +
				`"error": {"phase": "assert", "level": "must"}}`,
			"results passed: ",
		},
		"a drop of what is read": {
			`{"sql": "DROP STREAM s;", "error": {"phase": "statement", "level": "must"}}`, "rejections passed: ",
		},
		"a replaced query goes on": {
			`{"sql": "CREATE OR REPLACE STREAM o AS SELECT k, v + 10 AS w FROM s;"}, ` +
				`{"sql": "INSERT INTO s (k, v) VALUES (1, 2);"}, ` +
				`{"assert": "values", "object": "O", "row": {"W": 3}, "sql": ""}, ` +
				`{"assert": "values", "object": "O", "row": {"W": 12}, "sql": ""}`,
			"results passed: ",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `{"id": "x", "steps": [` + begin + tt.step + `]}`
			if diff := gocmp.Diff([]string{tt.want}, run(t, "ksql", text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestVeloVerdicts: the parts of an expectation, each held and broken.
func TestVeloVerdicts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ expect, want string }{
		"rows":     {`{"rows": [{"n": 1}, {"n": 3.0004}], "ordered": true, "count": 2}`, "results passed: "},
		"a value":  {`{"rows": [{"n": 2}], "ordered": true}`, "results failed: row 1: n is 1, want 2"},
		"count":    {`{"count": 3}`, "results failed: 2 rows, want 3"},
		"last":     {`{"last": {"n": 1}}`, "results failed: last row: n is 3, want 1"},
		"steps":    {`{"steps": [{"step": 1, "rows": 1, "row": {"n": 3}}]}`, "results passed: "},
		"a step":   {`{"steps": [{"step": 0, "rows": 2}]}`, "results failed: step 0: 1 rows, want 2"},
		"a column": {`{"has": {"row[0]": ["m"]}}`, "results failed: row[0] has no column m"},
		"error":    {`{"error": true}`, "results failed: it is accepted, want a refusal"},
		"check": {
			`{"checks": ["row.n > 0", "row[1].n - row[0].n == 2", "count(where row.n == 1) >= 1", ` +
				`"width(row[0]) == 2"]}`,
			"results passed: ",
		},
		"a check": {
			`{"checks": ["(row.n > 1 or contains(row.k, \"b\"))"]}`,
			`results failed: check fails: (row.n > 1 or contains(row.k, "b"))`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `{"id": "x", "grade": "asserted", "sql": "SELECT k, SUM(v) AS n FROM s GROUP BY k", ` +
				`"inputs": {"s": {"rows": [{"k": "a", "v": 1, "_timestamp": 1}, ` +
				`{"k": "a", "v": 2, "_timestamp": 2}]}}, "expect": ` + tt.expect + `}`
			if diff := gocmp.Diff([]string{tt.want}, run(t, "velo", text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	got := run(t, "velo-corpus", `{"id": "1", "sql": "SELECT a FROM b", "parses": true, "basis": "asserted"}
{"id": "2", "sql": "SELECT FROM", "parses": true, "basis": "demo"}
{"id": "3", "sql": "SELECT a FROM b", "parses": false, "basis": "docs"}
{"id": "4", "sql": "SELECT (", "parses": null, "basis": "text"}
`)
	for i, want := range []string{
		"asserted passed", "demo failed: does not parse", "docs failed: parses", "text skipped",
	} {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("case %d: %s, want %s", i+1, got[i], want)
		}
	}
}

const testFile = `# kept
sql: CREATE STREAM s (k STRING KEY, v DECIMAL(4, 2));
tests:
  - name: sums
    given: {s: [{k: a, v: 1.25}, {k: b, v: 2}, {k: a, v: 0.75}]}
    sql: SELECT k, SUM(v) AS n FROM s GROUP BY k;
    order: any
    want: # rows
      - {k: b, n: 2.00}
      - {k: a, n: 2.0}
  - name: refused
    sql: SELECT w FROM s;
    error: LEAT-3101
  - name: wrong
    given: {s: [{k: a, v: 1}]}
    sql: SELECT v FROM s;
    want: [{v: 2}]
`

// TestFiles: a test file with a test that fails; --update makes it pass and keeps the rest of the file.
func TestFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.test.yaml")
	if err := os.WriteFile(path, []byte(testFile), 0o600); err != nil {
		t.Fatal(err)
	}
	verdicts := func(opt conform.TestOptions) (out []string) {
		f, err := conform.ReadTestFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Tests {
			o := f.Run(context.Background(), i, opt)
			out = append(out, o.Verdict.String()+": "+o.Reason)
		}
		if opt.Update {
			if err := f.Save(); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	ok := []string{"passed: ", "passed: ", "passed: "}
	crashed := []string{ok[0], ok[1], "failed: row 1 differs"}
	if diff := gocmp.Diff(crashed, verdicts(conform.TestOptions{Crash: true})); diff != "" {
		t.Error(diff)
	}
	if diff := gocmp.Diff(ok, verdicts(conform.TestOptions{Update: true})); diff != "" {
		t.Error(diff)
	}
	if diff := gocmp.Diff(ok, verdicts(conform.TestOptions{Partitions: 3})); diff != "" {
		t.Error(diff)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(text, []byte("# kept\n")) {
		t.Errorf("the comment is gone:\n%s", text)
	}
}

// TestReport: the counts and the last line.
func TestReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := &conform.Report{Out: &out}
	for _, o := range []conform.Outcome{
		{ID: "a", Group: "g"},
		{ID: "b", Group: "g", Verdict: conform.Failed, Reason: "why"},
		{ID: "c", Group: "h", Verdict: conform.Skipped},
	} {
		if err := r.Add(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	want := "FAIL b [g]: why\ng: 1 passed, 1 failed, 0 skipped (50.0 %)\nh: 0 passed, 0 failed, 1 skipped (0.0 %)\n" +
		"1 passed, 1 failed, 1 skipped\n"
	if diff := gocmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	if below := r.Below(map[string]float64{"g": 50}); below != "" {
		t.Error(below)
	}
	if below := r.Below(map[string]float64{"g": 50.1}); below == "" {
		t.Error("a floor that is not reached is no failure")
	}
}
