package operator

import (
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestManual keeps docs/aggregates.md equal to the table.
func TestManual(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "..", "docs", "aggregates.md")
	if *update {
		if err := os.WriteFile(file, []byte(Manual()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(string(text), Manual()); d != "" {
		t.Errorf("docs/aggregates.md (-file +table), run with -update:\n%s", d)
	}
}
