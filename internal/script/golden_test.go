package script_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/source"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// golden is a case: files by name; sql is the script, want what it prints.
type golden struct {
	title string
	names []string
	files map[string]string
}

// readCases reads a file of cases: "==== title" starts one, "-- name" a file of it.
func readCases(t *testing.T, path string) []*golden {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []*golden
	var name string
	for _, line := range strings.SplitAfter(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "==== "):
			cases = append(cases, &golden{title: strings.TrimSpace(line[5:]), files: map[string]string{}})
		case strings.HasPrefix(line, "-- ") && strings.HasSuffix(line, " --\n"):
			name = strings.TrimSuffix(line[3:], " --\n")
			c := cases[len(cases)-1]
			c.names, c.files[name] = append(c.names, name), ""
		case len(cases) > 0:
			cases[len(cases)-1].files[name] += line
		}
	}
	return cases
}

func (c *golden) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "==== %s\n", c.title)
	for _, n := range c.names {
		fmt.Fprintf(&b, "-- %s --\n%s", n, c.files[n])
	}
	return b.String()
}

// outcome is what a run of a case gives.
type outcome struct {
	rows   string
	counts string
	dead   []string
}

// run runs a case; every stage's counts must add up.
func (c *golden) run(t *testing.T, partitions, maxRows int) outcome {
	t.Helper()
	dir := t.TempDir()
	for _, n := range c.names {
		if err := os.WriteFile(filepath.Join(dir, n), []byte(c.files[n]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, errs := script.Compile(t.Context(), c.files["sql"], script.Options{Partitions: partitions})
	if len(errs) > 0 {
		t.Fatalf("%s: %v", c.title, errs[0])
	}
	var out strings.Builder
	var o outcome
	w, err := format.NewWriter("jsonl", &out)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := p.Run(context.Background(), script.RunOptions{
		Out: w, Stdout: &out, NowMs: 1_000_000, Dir: dir,
		MaxRows: maxRows, Bad: func(stream string, b source.BadRow) {
			o.dead = append(o.dead, fmt.Sprintf("%s %s %s", stream, b.Code, b.Original))
		},
		Failed: func(_ string, row []byte, code, msg string) {
			o.dead = append(o.dead, fmt.Sprintf("%s %s %s", row, code, msg))
		},
	})
	if err != nil {
		o.dead = append(o.dead, "error: "+strings.ReplaceAll(err.Error(), dir, "DIR"))
	}
	o.rows = out.String()
	var late, filtered uint64
	for _, s := range stats.Stages {
		if sum := s.Used + s.Filtered + s.Late + s.DeadLettered + s.Skipped; sum != s.In {
			t.Errorf("%s, %d partitions, batches of %d: stage %s took %d rows and explains %d: %+v", c.title,
				partitions, maxRows, s.Stage, s.In, sum, s.Counts)
		}
		late, filtered = late+s.Late, filtered+s.Filtered
	}
	o.counts = fmt.Sprintf("in %d out %d dead %d late %d filtered %d", stats.In, stats.Out, stats.Dead, late, filtered)
	slices.Sort(o.dead)
	return o
}

func sorted(rows string) []string {
	lines := strings.Split(strings.TrimSuffix(rows, "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// TestCases runs testdata/*.txt. The answer of a case with one partition is in the file; batches of 1, 7 and 1024 rows
// give the very same, and 4 and 7 partitions the same rows in an order of their own. "(one partition)" marks a case
// whose answer depends on the order in which rows of several partitions meet: sessions that close between two rows.
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, f := range files {
		var text strings.Builder
		for _, c := range readCases(t, f) {
			first := c.run(t, 1, 1024)
			got := first.rows + "# " + first.counts + "\n"
			for _, d := range first.dead {
				got += "# dead: " + d + "\n"
			}
			if want := c.files["want"]; got != want && !*update {
				t.Errorf("%s: %s\n%s", f, c.title, gocmp.Diff(want, got))
			}
			if _, ok := c.files["want"]; !ok {
				c.names = append(c.names, "want")
			}
			c.files["want"] = got
			c.compare(t, first)
			text.WriteString(c.text())
		}
		if *update {
			if err := os.WriteFile(f, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// compare runs the case with other batches and partitions.
func (c *golden) compare(t *testing.T, first outcome) {
	t.Helper()
	changes := strings.Contains(c.files["sql"], "EMIT CHANGES") && strings.Contains(c.files["sql"], "GROUP BY")
	limited := strings.Contains(c.files["sql"], "LIMIT") && !strings.Contains(c.files["sql"], "ORDER BY")
	for _, size := range []int{1, 7, 1024} {
		if !changes { // how many changes are folded into one depends on the batch; the record mode has cases of its own
			if o := c.run(t, 1, size); o.rows != first.rows || o.counts != first.counts && !limited ||
				!slices.Equal(o.dead, first.dead) {
				t.Errorf("%s: batches of %d give another answer\n%s\n%s %s %s", c.title, size,
					gocmp.Diff(first.rows, o.rows), first.counts, o.counts, gocmp.Diff(first.dead, o.dead))
			}
		}
		for _, partitions := range []int{4, 7} {
			if limited || changes || strings.HasSuffix(c.title, "(one partition)") {
				continue
			}
			o := c.run(t, partitions, size)
			if d := gocmp.Diff(sorted(first.rows), sorted(o.rows)); d != "" {
				t.Errorf("%s: %d partitions, batches of %d give other rows\n%s", c.title, partitions, size, d)
			}
			if d := gocmp.Diff(first.dead, o.dead); d != "" {
				t.Errorf("%s: %d partitions, batches of %d give other dead letters\n%s", c.title, partitions, size, d)
			}
		}
	}
}
