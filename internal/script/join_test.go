package script_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/script"
)

// joinRelation is a stream or table of the join tests: its CSV, and the same rows as statements of SQLite.
type joinRelation struct {
	name, kind, columns, with string
	header                    []string
	rows                      [][]string // "" is NULL
	text                      []bool     // column is text
}

// joinData makes small relations with equal keys, nulls and equal rows. Times rise.
func joinData(seed uint64) []joinRelation {
	next := func(n int) int {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int(seed>>33) % n
	}
	value := func(n int) string {
		if v := next(n + 1); v > 0 {
			return fmt.Sprint(v)
		}
		return ""
	}
	a := joinRelation{
		name: "a", kind: "STREAM", columns: "id BIGINT, k INT, v INT, ts BIGINT",
		header: []string{"id", "k", "v", "ts"}, with: ", event_time = 'ts'", text: make([]bool, 4),
	}
	b := joinRelation{
		name: "b", kind: "STREAM", columns: "id BIGINT, k INT, w STRING, ts BIGINT",
		header: []string{"id", "k", "w", "ts"}, with: ", event_time = 'ts'", text: []bool{false, false, true, false},
	}
	for i := range 40 {
		a.rows = append(a.rows, []string{fmt.Sprint(i / 2), value(8), value(5), fmt.Sprint(1000*i + next(900))})
		b.rows = append(b.rows, []string{
			fmt.Sprint(i / 3), value(8), []string{"", "x", "y"}[next(3)], fmt.Sprint(1000*i + next(900)),
		})
	}
	u := joinRelation{
		name: "u", kind: "TABLE", columns: "k INT PRIMARY KEY, name STRING, ref INT",
		header: []string{"k", "name", "ref"}, text: []bool{false, true, false},
	}
	r := joinRelation{
		name: "r", kind: "TABLE", columns: "id INT PRIMARY KEY, z INT", header: []string{"id", "z"},
		text: make([]bool, 2),
	}
	for i := 1; i < 8; i++ {
		if i != 4 {
			u.rows = append(u.rows, []string{fmt.Sprint(i), "n" + fmt.Sprint(next(3)), value(6)})
		}
		if i != 2 {
			r.rows = append(r.rows, []string{fmt.Sprint(i), value(9)})
		}
	}
	return []joinRelation{a, b, u, r}
}

// joinQueries mean the same in Leat and SQLite; testdata/joins has them, one a line.
func joinQueries(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/joins/queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(strings.TrimSpace(string(text)), ";"), ";\n")
}

// TestJoinsAgainstSQLite runs each query over random relations, with 1 and 4 partitions, and compares the rows.
func TestJoinsAgainstSQLite(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("0 passed, 0 failed: sqlite3 is not on this machine")
	}
	for _, seed := range []uint64{1, 7} {
		data := joinData(seed)
		dir := t.TempDir()
		for _, r := range data {
			if err := os.WriteFile(filepath.Join(dir, r.name+".csv"), []byte(r.csv()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, q := range joinQueries(t) {
			want := sqlite(t, data, q)
			for _, partitions := range []int{1, 4} {
				got, err := leat(t, data, dir, q, partitions)
				if err != nil {
					t.Errorf("seed %d, %d partitions: %s\n%v", seed, partitions, q, err)
					continue
				}
				if !slices.Equal(want, got) {
					t.Errorf("seed %d, %d partitions: %s\n%s", seed, partitions, q, gocmp.Diff(want, got))
				}
			}
		}
	}
}

func (r joinRelation) csv() string {
	out := strings.Join(r.header, ",") + "\n"
	for _, row := range r.rows {
		out += strings.Join(row, ",") + "\n"
	}
	return out
}

func leat(t *testing.T, data []joinRelation, dir, query string, partitions int) ([]string, error) {
	t.Helper()
	var text strings.Builder
	for _, r := range data {
		fmt.Fprintf(&text, "CREATE %s %s (%s) WITH (file = '%s.csv'%s);\n", r.kind, r.name, r.columns, r.name, r.with)
	}
	p, errs := script.Compile(t.Context(), text.String()+query+";", script.Options{Partitions: partitions})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	var out bytes.Buffer
	w, err := format.NewWriter("jsonl", &out)
	if err != nil {
		return nil, err
	}
	stats, err := p.Run(context.Background(), script.RunOptions{Out: w, NowMs: 1, Dir: dir, MaxRows: 16})
	if err != nil {
		return nil, err
	}
	if stats.Dead > 0 || stats.Late() > 0 {
		return nil, fmt.Errorf("%d rows failed, %d were late", stats.Dead, stats.Late())
	}
	return canonical(t, strings.Split(strings.TrimSpace(out.String()), "\n")), nil
}

// canonical sorts rows, each the text of its cells: names of ambiguous columns differ between the systems.
func canonical(t *testing.T, lines []string) []string {
	t.Helper()
	out := []string{}
	for _, l := range lines {
		if l == "" {
			continue
		}
		d := json.NewDecoder(strings.NewReader(l))
		d.UseNumber()
		var cells []string
		for i := 0; ; i++ {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", l, err)
			}
			if _, brace := token.(json.Delim); !brace && i%2 == 0 { // {, name, value, name, value ... }
				cells = append(cells, fmt.Sprint(token))
			}
		}
		out = append(out, strings.Join(cells, " "))
	}
	slices.Sort(out)
	return out
}

func sqlite(t *testing.T, data []joinRelation, query string) []string {
	t.Helper()
	var text strings.Builder
	text.WriteString(".mode json\n")
	for _, r := range data {
		fmt.Fprintf(&text, "CREATE TABLE %s (%s);\n", r.name, strings.Join(r.header, ", "))
		for _, row := range r.rows {
			cells := make([]string, len(row))
			for i, c := range row {
				switch {
				case c == "":
					cells[i] = "NULL"
				case r.text[i]:
					cells[i] = "'" + c + "'"
				default:
					cells[i] = c
				}
			}
			fmt.Fprintf(&text, "INSERT INTO %s VALUES (%s);\n", r.name, strings.Join(cells, ", "))
		}
	}
	text.WriteString(query + ";\n")
	cmd := exec.Command("sqlite3", ":memory:")
	cmd.Stdin = strings.NewReader(text.String())
	answer, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", query, err, answer)
	}
	var rows []json.RawMessage
	if len(bytes.TrimSpace(answer)) > 0 {
		if err := json.Unmarshal(answer, &rows); err != nil {
			t.Fatalf("%s: %v\n%s", query, err, answer)
		}
	}
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = string(r)
	}
	return canonical(t, lines)
}
