package plan_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/internal/nexmark"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// TestNexmarkPlans holds the plans of the benchmark's queries against testdata/nexmark: as a bounded run computes them,
// and as a client sees their changes.
func TestNexmarkPlans(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct{ name, emit string }{{"bounded", ""}, {"changes", " EMIT CHANGES"}} {
		var out strings.Builder
		for _, q := range nexmark.Queries() {
			s := &session{objects: plan.Objects{}}
			declare := nexmark.Declare(func(name string) string { return "topic = '" + name + "', " })
			if err := s.run(declare); err != nil {
				t.Fatal(err)
			}
			s.out.Reset()
			if err := s.run(q.SQL + mode.emit + ";"); err != nil {
				t.Errorf("%s%s: %v", q.Name, mode.emit, err)
			}
			fmt.Fprintf(&out, "%s\n%s\n", q.Name, s.out.String())
		}
		golden := "testdata/nexmark/" + mode.name + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := gocmp.Diff(string(want), out.String()); d != "" {
			t.Errorf("%s: -want +got\n%s", golden, d)
		}
	}
}
