//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/e2e/rig"
)

// modeCase is a script with its files.
type modeCase struct {
	title, sql string
	files      map[string]string
}

// TestModesAgree runs scripts in direct and message mode, with 1 and 4 partitions: the rows are the same.
// LEAT_E2E_MODES = 1 takes every script, the default every fifth.
func TestModesAgree(t *testing.T) {
	t.Parallel()
	every := envInt(t, "LEAT_E2E_MODES", 5)
	for i, c := range slices.Concat(goldenScripts(t), joinScripts(t)) {
		if i%every != 0 {
			continue
		}
		for _, partitions := range []int{1, 4} {
			if partitions > 1 && c.ordered() {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d partitions", c.title, partitions), func(t *testing.T) {
				want, got := c.run(t, "direct", partitions), c.run(t, "message", partitions)
				if d := gocmp.Diff(want, got); d != "" {
					t.Errorf("message mode gives other rows\n%s\n%s", c.sql, d)
				}
			})
		}
	}
}

// ordered tells that the rows depend on the order in which partitions meet.
func (c *modeCase) ordered() bool {
	return strings.HasSuffix(c.title, "(one partition)") || c.limited()
}

func (c *modeCase) limited() bool {
	return strings.Contains(c.sql, "LIMIT") && !strings.Contains(c.sql, "ORDER BY")
}

// run runs the script and returns its rows, sorted. Of the changes of an aggregate the last of each key count: how many
// are folded into one depends on the batches.
func (c *modeCase) run(t *testing.T, mode string, partitions int) []string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range c.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "run.sql"), []byte(c.sql), 0o600); err != nil {
		t.Fatal(err)
	}
	r := rig.Run(t, dir, "", "run", "run.sql", "--mode", mode, "--partitions", fmt.Sprint(partitions), "-o", "jsonl",
		"--now", "1000000", "--dead", "none", "--timeout", "20s")
	if r.Code != 0 {
		return []string{fmt.Sprintf("exit code %d", r.Code)}
	}
	rows := strings.Split(strings.TrimSpace(r.Stdout), "\n")
	slices.Sort(rows)
	return rows
}

// goldenScripts are the cases of leat run.
func goldenScripts(t *testing.T) (out []modeCase) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(rig.Root(), "internal/script/testdata/*.txt"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, n := range names {
		text, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq("\n"+string(text), "\n==== ") {
			title, rest, ok := strings.Cut(part, "\n")
			if !ok || title == "" {
				continue
			}
			c := modeCase{title: title, files: map[string]string{}}
			for file := range strings.SplitSeq("\n"+rest, "\n-- ") {
				if name, body, ok := strings.Cut(file, " --\n"); ok {
					c.files[name] = body + "\n"
				}
			}
			c.sql = c.files["sql"]
			if strings.Contains(c.sql, "EMIT CHANGES") && strings.Contains(c.sql, "GROUP BY") {
				c.sql = "SET 'emit' = 'record';\n" + c.sql
			}
			out = append(out, c)
		}
	}
	return out
}

// joinScripts are the joins and subqueries that are asked against SQLite too.
func joinScripts(t *testing.T) (out []modeCase) {
	t.Helper()
	dir := filepath.Join(rig.Root(), "internal/script/testdata/joins")
	files := map[string]string{}
	for _, n := range []string{"a.csv", "b.csv", "u.csv", "r.csv", "queries.sql"} {
		text, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		files[n] = string(text)
	}
	for q := range strings.SplitSeq(strings.TrimSuffix(files["queries.sql"], ";\n"), ";\n") {
		out = append(out, modeCase{title: q, files: files, sql: "" +
			"CREATE STREAM a (id BIGINT, k INT, v INT, ts BIGINT) WITH (file = 'a.csv', event_time = 'ts');\n" +
			"CREATE STREAM b (id BIGINT, k INT, w STRING, ts BIGINT) WITH (file = 'b.csv', event_time = 'ts');\n" +
			"CREATE TABLE u (k INT PRIMARY KEY, name STRING, ref INT) WITH (file = 'u.csv');\n" +
			"CREATE TABLE r (id INT PRIMARY KEY, z INT) WITH (file = 'r.csv');\n" + q + ";\n"})
	}
	return out
}
