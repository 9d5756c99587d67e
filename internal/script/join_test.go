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
		name: "a", kind: "STREAM", columns: "id BIGINT, k INT, v INT, ts BIGINT", header: []string{"id", "k", "v", "ts"},
		with: ", event_time = 'ts'", text: make([]bool, 4),
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
		name: "u", kind: "TABLE", columns: "k INT PRIMARY KEY, name STRING, ref INT", header: []string{"k", "name", "ref"},
		text: []bool{false, true, false},
	}
	r := joinRelation{
		name: "r", kind: "TABLE", columns: "id INT PRIMARY KEY, z INT", header: []string{"id", "z"}, text: make([]bool, 2),
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

// joinQueries mean the same in Leat and SQLite.
var joinQueries = []string{
	"SELECT a.id, a.v, b.id AS bid, b.w FROM a JOIN b ON a.k = b.k",
	"SELECT a.id, a.v, b.id AS bid FROM a LEFT JOIN b ON a.k = b.k AND b.id > a.id",
	"SELECT a.id, a.v, b.id AS bid FROM a RIGHT JOIN b ON a.k = b.k",
	"SELECT a.id, a.v, b.id AS bid FROM a FULL JOIN b ON a.k = b.k",
	"SELECT a.id, b.w FROM a JOIN b ON a.k = b.k WHERE a.v = 2 AND b.w = 'x' AND a.id < b.id",
	"SELECT a.id, b.id AS bid FROM a JOIN b ON a.k + 1 = b.k * 2",
	"SELECT x.id, y.id AS yid FROM a x JOIN a y ON x.k = y.v",
	"SELECT a.id, u.name FROM a JOIN u ON a.k = u.k",
	"SELECT a.id, u.name, r.z FROM a LEFT JOIN u ON a.k = u.k LEFT JOIN r ON u.ref = r.id",
	"SELECT a.id, u.name FROM a LEFT JOIN u ON a.k = u.k AND u.name = 'n1'",
	"SELECT a.id, u.name, u.k AS uk FROM a JOIN u ON a.v = u.ref",
	"SELECT a.id, u.k AS uk FROM a LEFT JOIN u ON a.v = u.ref AND u.name <> 'n0'",
	"SELECT a.id, r.id AS rid FROM a CROSS JOIN r",
	"SELECT a.id, b.id AS bid, u.name FROM a JOIN b ON a.k = b.k JOIN u ON b.k = u.k",
	"SELECT u.k, u.name, r.z FROM u JOIN r ON u.k = r.id",
	"SELECT u.k, u.name, r.z FROM u LEFT JOIN r ON u.k = r.id",
	"SELECT r.id, u.name, r.z FROM u RIGHT JOIN r ON u.k = r.id",
	"SELECT u.k, r.id, u.name, r.z FROM u FULL JOIN r ON u.k = r.id",
	"SELECT u.k, u.ref, r.z FROM u JOIN r ON u.ref = r.id",
	"SELECT u.k, u.ref, r.z FROM u LEFT JOIN r ON u.ref = r.id",
	"SELECT u.k, u.ref, r.id, r.z FROM u JOIN r ON u.ref = r.z",
	"SELECT u.k, r.id AS rid FROM u LEFT JOIN r ON u.ref = r.z AND r.id > u.k",
	"SELECT x.k, y.k AS yk FROM u x JOIN u y ON x.ref = y.k",
	"SELECT a.id, a.k FROM a WHERE EXISTS (SELECT 1 FROM u WHERE u.k = a.k)",
	"SELECT a.id, a.k FROM a WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = a.k AND u.ref > a.v)",
	"SELECT a.id, a.k FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.k AND b.id < a.id)",
	"SELECT a.id, a.k FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE b.k = a.k)",
	"SELECT a.id, a.k FROM a WHERE k IN (SELECT ref FROM u WHERE name = 'n1') AND v > 1",
	"SELECT a.id, a.k FROM a WHERE k NOT IN (SELECT k FROM u)",
	"SELECT a.id, a.k FROM a WHERE k NOT IN (SELECT ref FROM u)",
	"SELECT a.id, a.k FROM a WHERE v = 1 OR k IN (SELECT id FROM r WHERE z > 3)",
	"SELECT a.id, a.k FROM a WHERE a.v NOT IN (SELECT u.ref FROM u WHERE u.k = a.k)",
	"SELECT a.id, (SELECT name FROM u WHERE u.k = a.k) AS n FROM a",
	"SELECT a.id, (SELECT COUNT(*) FROM u WHERE u.ref = a.v) AS n FROM a",
	"SELECT a.id, a.v FROM a WHERE a.v > (SELECT MIN(z) FROM r)",
	"SELECT a.id, a.v FROM a WHERE a.v >= (SELECT MAX(b.id) FROM b WHERE b.k = a.k)",
	"SELECT k, COUNT(*) AS n FROM a GROUP BY k HAVING COUNT(*) > (SELECT MIN(z) FROM r)",
	"SELECT x.k, x.n, y.m FROM (SELECT k, COUNT(*) AS n FROM a GROUP BY k) x JOIN " +
		"(SELECT k, MAX(id) AS m FROM b GROUP BY k) y ON x.k = y.k",
	"SELECT u.name, x.n FROM u LEFT JOIN (SELECT k, COUNT(*) AS n FROM a GROUP BY k) x ON u.k = x.k",
	"SELECT u.name, COUNT(*) AS n FROM a JOIN u ON a.k = u.k GROUP BY u.name",
	"SELECT b.w, COUNT(*) AS n, SUM(a.v) AS s FROM a LEFT JOIN b ON a.k = b.k GROUP BY b.w",
	"SELECT r.z, COUNT(*) AS n FROM u JOIN r ON u.ref = r.id GROUP BY r.z",
	"WITH x AS (SELECT k, id FROM a WHERE v > 1), y AS (SELECT k FROM x WHERE id > 3) " +
		"SELECT x.k, x.id FROM x JOIN y ON x.k = y.k",
	"SELECT k, v AS n FROM a UNION ALL SELECT id, k FROM b",
	"SELECT k, COUNT(*) AS n FROM (SELECT k FROM a UNION ALL SELECT k FROM b UNION ALL SELECT k FROM u) x GROUP BY k",
	"SELECT column1, name FROM (VALUES (1, 'p'), (3, 'q'), (9, 'z')) x JOIN u ON u.k = x.column1",
	"SELECT a.id, b.id AS bid FROM a, b WHERE a.k = b.k AND a.v > b.id",
	"SELECT a.id, u.name, r.z FROM a, u, r WHERE a.k = u.k AND u.ref = r.id AND a.v = 2",
	"SELECT a.id, a.ts, b.ts AS bts FROM a JOIN b ON a.k = b.k AND b.ts BETWEEN a.ts - 2000 AND a.ts + 3000",
	"SELECT a.id, a.ts, b.ts AS bts FROM a LEFT JOIN b ON a.k = b.k AND b.ts >= a.ts AND b.ts < a.ts + 5000 " +
		"WHERE a.k IS NOT NULL",
	"SELECT a.id, a.ts, b.ts AS bts FROM a FULL JOIN b ON a.k = b.k AND b.ts > a.ts + 1000 AND b.ts < a.ts + 5000 " +
		"WHERE a.k IS NOT NULL OR b.k IS NOT NULL",
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
		for _, q := range joinQueries {
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
	p, errs := script.Compile(text.String()+query+";", script.Options{Partitions: partitions})
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
