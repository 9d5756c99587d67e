package parser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const shared = "../../../../shared"

// seedScripts returns the scripts of the shared material by name.
func seedScripts(tb testing.TB) map[string]string {
	tb.Helper()
	if _, err := os.Stat(shared); err != nil {
		tb.Skip("no shared material beside the repository")
	}
	scripts := map[string]string{}
	for _, pattern := range []string{"data/streams.sql", "peers/leat/*.sql", "data/answers/*/*.sql"} {
		files, err := filepath.Glob(filepath.Join(shared, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				tb.Fatal(err)
			}
			scripts[filepath.Base(f)] = section(string(b))
		}
	}
	if len(scripts) < 40 {
		tb.Fatalf("only %d scripts found", len(scripts))
	}
	return scripts
}

// section returns the `-- leat` section of an answer, or the whole of another script.
func section(text string) string {
	_, after, ok := strings.Cut(text, "\n-- leat\n")
	if !ok {
		return text
	}
	body, _, _ := strings.Cut(after, "\n-- duckdb\n")
	return body
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"in": "in.json", "table": "table.json"}
	n := 0
	for name, script := range seedScripts(t) {
		stmts, errs := Parse(script, Options{Vars: vars})
		for _, err := range errs {
			t.Errorf("%s: %v %s\n%s", name, err, err.Hint, script[err.Span.Start:])
		}
		n += len(stmts)
	}
	if n < 55 {
		t.Errorf("%d statements", n)
	}
}
