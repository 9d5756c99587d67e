package parser

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

var update = flag.Bool("update", false, "write the golden files anew")

// In a golden file a case ends with the line "====", and "----" parts the script from what comes of it.
const (
	caseEnd   = "====\n"
	caseInner = "----\n"
)

// answer is the canonical text of every statement, then every error as it is shown.
func answer(t *testing.T, script string) string {
	t.Helper()
	stmts, errs := Parse(script, Options{Vars: map[string]string{"t": "trades", "quote": "it's", "evil": "1; DROP x"}})
	var b strings.Builder
	for _, s := range stmts {
		b.WriteString(ast.Format(s) + ";\n")
	}
	for _, err := range errs {
		if werr := sqlerr.Render(&b, "f.sql", script, err); werr != nil {
			t.Fatal(werr)
		}
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			goldenFile(t, name)
		})
	}
}

// goldenScripts returns the scripts of all golden files.
func goldenScripts(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var scripts []string
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		for c := range strings.SplitSeq(string(b), caseEnd) {
			script, _, _ := strings.Cut(c, "\n"+caseInner)
			scripts = append(scripts, script)
		}
	}
	return scripts
}

func goldenFile(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	n := 0
	for c := range strings.SplitSeq(string(b), caseEnd) {
		if strings.TrimSpace(c) == "" {
			continue
		}
		script, want, _ := strings.Cut(c, caseInner)
		got := answer(t, strings.TrimSuffix(script, "\n"))
		out.WriteString(script + caseInner + got + caseEnd)
		n++
		if diff := cmp.Diff(want, got); diff != "" && !*update {
			t.Errorf("%s\n%s", script, diff)
		}
		if wrong := strings.Contains(got, "leat: "); strings.HasPrefix(filepath.Base(name), "wrong") && !wrong {
			t.Errorf("accepted: %s", script)
		}
	}
	if n < 20 {
		t.Errorf("%s has %d cases", name, n)
	}
	if *update {
		if err := os.WriteFile(name, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
