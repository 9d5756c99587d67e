package expr

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestManual keeps docs/functions.md equal to the table.
func TestManual(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "..", "docs", "functions.md")
	if *update {
		if err := os.WriteFile(file, []byte(Manual()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), Manual()); diff != "" {
		t.Errorf("docs/functions.md (-file +table), run with -update:\n%s", diff)
	}
}

// TestTable holds every row to be complete: DESCRIBE FUNCTION shows it.
func TestTable(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, c := range categories {
		known[c.name] = true
	}
	for _, f := range All() {
		switch {
		case f.Name != strings.ToUpper(f.Name) || f.Doc == "" || !strings.HasSuffix(f.Doc, ".") || len(f.Usage) == 0:
			t.Errorf("%s is not complete: %q %q", f.Name, f.Doc, f.Usage)
		case !known[f.Category]:
			t.Errorf("%s has the category %q", f.Name, f.Category)
		case f.Resolve == nil && len(f.Overloads) == 0:
			t.Errorf("%s has no types", f.Name)
		}
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if got, ok := Lookup(strings.ToLower(name)); !ok || got != f {
				t.Errorf("Lookup(%q) does not find %s", name, f.Name)
			}
		}
	}
	if !slices.IsSortedFunc(All(), func(a, b *Func) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("All is not sorted")
	}
}

// TestGoldenCoversTable wants every function and alias of the table in the golden files or to be an operator.
func TestGoldenCoversTable(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, f := range All() {
		if !f.Operator && !strings.Contains(all.String(), f.Name) {
			t.Errorf("no golden case calls %s", f.Name)
		}
	}
}

// TestKsqlNotes wants a word in the manual about every row that ksql changes, and of no other.
func TestKsqlNotes(t *testing.T) {
	t.Parallel()
	for _, f := range All() {
		if (f.ksql != nil) != (ksqlNotes[f.Name] != "") {
			t.Errorf("%s: changed under ksql is %v, the note is %q", f.Name, f.ksql != nil, ksqlNotes[f.Name])
		}
	}
}

func TestUnknownFunctionHints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ call, hint string }{
		{"UPER('x')", "did you mean UPPER?"},
		{"LEGNTH('x')", "did you mean LENGTH?"},
		{"SUBSTRNG('x', 1)", "did you mean SUBSTRING?"},
		{"FROBNICATE(1)", "SHOW FUNCTIONS lists them"},
	} {
		a, err := parseExpr(c.call)
		if err != nil {
			t.Fatal(err)
		}
		_, err = columns{}.bind(a)
		if err == nil || hintOf(err) != c.hint {
			t.Errorf("%s: %v, hint %q, want %q", c.call, err, hintOf(err), c.hint)
		}
	}
}
