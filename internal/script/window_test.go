package script_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// windowQuery is a query and what SQLite is asked for, "" for the same text.
type windowQuery struct{ leat, sqlite string }

const tumbled = "SELECT *, ts - ts % 10000 AS window_start, ts - ts % 10000 + 10000 AS window_end FROM a"

// windowQueries are window functions, Top-N, DISTINCT, grouping sets and windows.
var windowQueries = []windowQuery{
	{"SELECT id, ts, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS n FROM a", ""},
	{"SELECT id, ts, SUM(v) OVER (PARTITION BY k ORDER BY ts) AS s, COUNT(*) OVER (ORDER BY ts) AS c FROM a", ""},
	{"SELECT id, ts, SUM(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS s " +
		"FROM a", ""},
	{"SELECT id, ts, SUM(v) OVER (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s FROM a", ""},
	{"SELECT id, ts, MIN(v) OVER (ORDER BY ts ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) AS s FROM a", ""},
	{"SELECT id, ts, MAX(v) OVER (ORDER BY ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS s FROM a", ""},
	{"SELECT id, ts, COUNT(v) OVER (PARTITION BY k) AS c, MAX(id) OVER () AS m FROM a", ""},
	{"SELECT id, ts, COUNT(*) FILTER (WHERE v > 2) OVER (PARTITION BY k ORDER BY ts) AS c FROM a", ""},
	{"SELECT id, ts, SUM(v) OVER (ORDER BY id) AS s FROM a", ""},
	{"SELECT id, ts, SUM(v) OVER (ORDER BY id RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING) AS s FROM a", ""},
	{"SELECT id, ts, RANK() OVER (PARTITION BY k ORDER BY id DESC) AS r, " +
		"DENSE_RANK() OVER (PARTITION BY k ORDER BY id DESC) AS d FROM a", ""},
	{"SELECT id, ts, LAG(v) OVER (PARTITION BY k ORDER BY ts) AS p, LEAD(v, 2, -1) OVER (ORDER BY ts) AS n FROM a", ""},
	{"SELECT id, ts, LAG(id, 1, 0) OVER (ORDER BY ts DESC) AS p FROM a", ""},
	{"SELECT id, ts, FIRST_VALUE(ts) OVER (PARTITION BY k ORDER BY ts) AS f, " +
		"LAST_VALUE(ts) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED " +
		"FOLLOWING) AS l FROM a", ""},
	{"SELECT id, ts, NTILE(3) OVER (ORDER BY ts) AS n, NTH_VALUE(id, 3) OVER (ORDER BY ts) AS x FROM a", ""},
	{"SELECT id, ts, CAST(1000 * CUME_DIST() OVER (ORDER BY id) AS INTEGER) AS c, " +
		"CAST(1000 * PERCENT_RANK() OVER (ORDER BY id) AS INTEGER) AS p FROM a", ""},
	{"SELECT id, ts, v + SUM(v + 1) OVER (PARTITION BY k, v % 2 ORDER BY ts) * 2 AS s FROM a WHERE id > 4", ""},
	{"SELECT k, COUNT(*) AS n, MAX(COUNT(*)) OVER () AS most, RANK() OVER (ORDER BY COUNT(*) DESC) AS r FROM a " +
		"GROUP BY k", ""},
	{"SELECT k, v, SUM(SUM(id)) OVER (PARTITION BY k) AS s FROM a GROUP BY k, v HAVING COUNT(*) > 1", ""},
	{"SELECT k, ref, SUM(ref) OVER (PARTITION BY name ORDER BY k) AS s FROM u", ""},
	{"SELECT id, ts FROM (SELECT id, ts, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS n FROM a) x " +
		"WHERE n = 1", ""},
	{"SELECT * FROM (SELECT id, k, ts, ROW_NUMBER() OVER (PARTITION BY k ORDER BY id DESC, ts) AS n FROM a) x " +
		"WHERE n <= 3", ""},
	{"SELECT id, ts FROM (SELECT id, ts, RANK() OVER (PARTITION BY k ORDER BY id) AS r FROM a) x WHERE r < 3 " +
		"AND id > 2", ""},
	{"SELECT * FROM (SELECT id, ts, DENSE_RANK() OVER (ORDER BY id DESC) AS r FROM a) x WHERE 2 >= r", ""},
	{"SELECT k, n FROM (SELECT k, COUNT(*) AS n, ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, k NULLS LAST) AS r " +
		"FROM a GROUP BY k) x WHERE r <= 2", ""},
	{"SELECT name, k FROM (SELECT name, k, ROW_NUMBER() OVER (PARTITION BY name ORDER BY k) AS r FROM u) x " +
		"WHERE r = 1", ""},
	{"SELECT SUM(v) AS s FROM (SELECT v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS r FROM a) x WHERE r " +
		"= 1", ""},
	{"SELECT DISTINCT k, v FROM a", ""},
	{"SELECT DISTINCT name FROM u", ""},
	{"SELECT name FROM u WHERE ref IS NOT NULL ORDER BY u.k DESC, u.k LIMIT 3", ""},
	{"SELECT DISTINCT COUNT(*) AS n FROM a GROUP BY k", ""},
	{"SELECT n, COUNT(*) AS c FROM (SELECT k, COUNT(*) AS n FROM a GROUP BY k) x GROUP BY n", ""},
	{"SELECT MAX(s) AS m, COUNT(s) AS c FROM (SELECT k, SUM(v) AS s FROM a GROUP BY k) x", ""},
	{"SELECT name, COUNT(*) AS n, SUM(ref) AS s, MIN(ref) AS lo FROM u GROUP BY name", ""},
	{"SELECT k AS kk, COUNT(*) AS n FROM a GROUP BY kk HAVING n > 3", ""},
	{
		"SELECT k, v, COUNT(*) AS n, GROUPING(k, v) AS g FROM a GROUP BY ROLLUP (k, v)",
		"SELECT k, v, COUNT(*) AS n, 0 AS g FROM a GROUP BY k, v UNION ALL SELECT k, NULL, COUNT(*), 1 FROM a " +
			"GROUP BY k " +
			"UNION ALL SELECT NULL, NULL, COUNT(*), 3 FROM a",
	},
	{
		"SELECT k, MAX(name) AS m FROM u GROUP BY CUBE (k)",
		"SELECT k, name AS m FROM u UNION ALL SELECT NULL, MAX(name) FROM u",
	},
	{
		"SELECT k, v, SUM(k) AS n FROM a GROUP BY GROUPING SETS ((k), (v))",
		"SELECT k, NULL AS v, SUM(k) AS n FROM a GROUP BY k UNION ALL SELECT NULL, v, SUM(k) FROM a GROUP BY v",
	},
	{
		"SELECT window_start, k, COUNT(*) AS n FROM TUMBLE(a, 10s) GROUP BY window_start, k",
		"SELECT window_start, k, COUNT(*) AS n FROM (" + tumbled + ") GROUP BY window_start, k",
	},
	{
		"SELECT window_end, SUM(v) AS s FROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP " +
			"BY window_end",
		"SELECT window_end, SUM(v) AS s FROM (" + tumbled + ") GROUP BY window_end",
	},
	{
		"SELECT TUMBLE_START(ts, INTERVAL '10' SECOND) AS w, COUNT(*) AS n FROM a GROUP BY TUMBLE(ts, INTERVAL " +
			"'10' SECOND)",
		"SELECT window_start AS w, COUNT(*) AS n FROM (" + tumbled + ") GROUP BY window_start",
	},
	{
		"SELECT id, ts FROM (SELECT *, RANK() OVER (PARTITION BY window_start ORDER BY id DESC) AS r FROM " +
			"TUMBLE(a, 10s)) x " +
			"WHERE r = 1",
		"SELECT id, ts FROM (SELECT *, RANK() OVER (PARTITION BY window_start ORDER BY id DESC) AS r FROM (" + tumbled +
			")) x WHERE r = 1",
	},
	{
		"SELECT k, n FROM (SELECT k, window_start, COUNT(*) AS n, MAX(COUNT(*)) OVER (PARTITION BY window_start) " +
			"AS m FROM a " +
			"GROUP BY k WINDOW TUMBLING(10s)) x WHERE n = m",
		"SELECT k, n FROM (SELECT k, window_start, COUNT(*) AS n, MAX(COUNT(*)) OVER (PARTITION BY window_start) " +
			"AS m FROM (" +
			tumbled + ") GROUP BY k, window_start) x WHERE n = m",
	},
	{"SELECT DISTINCT k, window_start FROM TUMBLE(a, 10s)", "SELECT DISTINCT k, window_start FROM (" + tumbled + ")"},
	{
		"SELECT k, window_start, window_end, COUNT(*) AS n FROM a GROUP BY k WINDOW CUMULATE(20s, 10s)",
		"SELECT k, ts - ts % 20000 AS window_start, e AS window_end, COUNT(*) AS n FROM (SELECT *, ts - ts % " +
			"20000 + 10000 AS e " +
			"FROM a UNION ALL SELECT *, ts - ts % 20000 + 20000 AS e FROM a) WHERE ts < e GROUP BY k, ts - ts % " +
			"20000, e",
	},
}

// tableQueries make tables that change as their input does; what is left at the end is compared. %s is the query in
// both systems; the columns are those of the answer.
var tableQueries = []struct{ columns, query string }{
	{"k, n, s", "SELECT k, COUNT(*) AS n, SUM(v) AS s FROM a GROUP BY k"},
	{"n, c", "SELECT n, COUNT(*) AS c FROM (SELECT k, COUNT(*) AS n FROM a GROUP BY k) x GROUP BY n"},
	{"n, hi", "SELECT n, MAX(s) AS hi FROM (SELECT k, v, COUNT(*) AS n, SUM(id) AS s FROM a GROUP BY k, v) x " +
		"GROUP BY n"},
	{"v, n", "SELECT v, COUNT(*) AS n FROM (SELECT k, MAX(v) AS v FROM a GROUP BY k) x GROUP BY v"},
	{"name, n, s", "SELECT name, COUNT(*) AS n, SUM(ref) AS s FROM u GROUP BY name"},
	{"name, lo, hi", "SELECT name, MIN(ref) AS lo, MAX(ref) AS hi FROM u WHERE k > 1 GROUP BY name HAVING " +
		"COUNT(*) > 1"},
	{"k, n, most", "SELECT k, COUNT(*) AS n, MAX(COUNT(*)) OVER () AS most FROM a GROUP BY k"},
	{"k, v, s", "SELECT k, v, SUM(COUNT(*)) OVER (PARTITION BY k) AS s FROM a GROUP BY k, v"},
	{"k, id, ts", "SELECT k, id, ts FROM (SELECT k, id, ts, ROW_NUMBER() OVER (PARTITION BY k ORDER BY id " +
		"DESC, ts) AS n FROM a) x " +
		"WHERE n = 1"},
	{"k, id, ts, n", "SELECT * FROM (SELECT k, id, ts, ROW_NUMBER() OVER (PARTITION BY k ORDER BY id DESC, ts " +
		"DESC) AS n FROM a) x " +
		"WHERE n <= 3"},
	{"name, k, n", "SELECT name, k, n FROM (SELECT name, k, ROW_NUMBER() OVER (PARTITION BY name ORDER BY k " +
		"DESC) AS n FROM u) x " +
		"WHERE n <= 2"},
	{"r, k, c", "SELECT r, k, c FROM (SELECT k, COUNT(*) AS c, ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, k " +
		"NULLS LAST) AS r " +
		"FROM a GROUP BY k) x WHERE r <= 3"},
	{"k, ref, s", "SELECT k, ref, SUM(ref) OVER (PARTITION BY name ORDER BY k) AS s FROM u"},
	{"g, c", "SELECT n % 2 AS g, COUNT(*) AS c FROM (SELECT k, v, COUNT(*) AS n FROM a GROUP BY k, v) x GROUP " +
		"BY n % 2"},
	{"k, c", "SELECT k, COUNT(*) AS c FROM (SELECT k, id, ROW_NUMBER() OVER (PARTITION BY v ORDER BY id DESC, " +
		"ts) AS n FROM a) x " +
		"WHERE n <= 2 GROUP BY k"},
	{"name", "SELECT DISTINCT name FROM u"},
	{"n", "SELECT DISTINCT COUNT(*) AS n FROM a GROUP BY k, v"},
	{"name, n", "SELECT u.name, COUNT(*) AS n FROM u JOIN r ON u.ref = r.id GROUP BY u.name"},
}

// TestTablesAgainstSQLite lets a query keep a table, in every emission and with 1 and 4 partitions.
func TestTablesAgainstSQLite(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("0 passed, 0 failed: sqlite3 is not on this machine")
	}
	data := joinData(5)
	dir := t.TempDir()
	for _, r := range data {
		if err := os.WriteFile(filepath.Join(dir, r.name+".csv"), []byte(r.csv()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range tableQueries {
		want := sqlite(t, data, "SELECT "+q.columns+" FROM ("+q.query+")")
		for _, emit := range []string{"batch", "record"} {
			for _, partitions := range []int{1, 4} {
				text := "SET 'emit' = '" + emit + "'; CREATE TABLE kept AS " + q.query + "; SELECT " + q.columns + " " +
					"FROM kept"
				got, err := leat(t, data, dir, text, partitions)
				if err != nil {
					t.Errorf("%s, %d partitions: %s\n%v", emit, partitions, q.query, err)
					continue
				}
				if !slices.Equal(want, got) {
					t.Errorf("%s, %d partitions: %s\n%s", emit, partitions, q.query, gocmp.Diff(want, got))
				}
			}
		}
	}
}

// TestWindowsAgainstSQLite runs each query over random relations, with 1 and 4 partitions, and compares the rows.
func TestWindowsAgainstSQLite(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("0 passed, 0 failed: sqlite3 is not on this machine")
	}
	for _, seed := range []uint64{2, 9} {
		data := joinData(seed)
		dir := t.TempDir()
		for _, r := range data {
			if err := os.WriteFile(filepath.Join(dir, r.name+".csv"), []byte(r.csv()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, q := range windowQueries {
			asked := q.sqlite
			if asked == "" {
				asked = q.leat
			}
			want := sqlite(t, data, asked)
			for _, partitions := range []int{1, 4} {
				got, err := leat(t, data, dir, q.leat, partitions)
				if err != nil {
					t.Errorf("seed %d, %d partitions: %s\n%v", seed, partitions, q.leat, err)
					continue
				}
				if !slices.Equal(want, got) {
					t.Errorf("seed %d, %d partitions: %s\n%s", seed, partitions, q.leat, gocmp.Diff(want, got))
				}
			}
		}
	}
}
