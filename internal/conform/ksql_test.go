package conform_test

import (
	"os"
	"strings"
	"testing"
)

// TestKsqlProfile: what the ksql profile answers and refuses, in cases of our own: values of functions, rows of joins,
// aggregates, windows and formats, and statements that are wrong. Each runs with and without crashes.
func TestKsqlProfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/ksql.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	cases := strings.Split(strings.TrimSpace(string(text)), "\n")
	verdicts := run(t, "ksql", string(text))
	if len(verdicts) != len(cases) {
		t.Fatalf("%d verdicts of %d cases", len(verdicts), len(cases))
	}
	for i, v := range verdicts {
		if v != "results passed: " && v != "rejections passed: " {
			t.Errorf("%s\n%s", v, cases[i])
		}
	}
}
