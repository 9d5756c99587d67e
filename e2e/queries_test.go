//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/e2e/rig"
)

// queryObjects are joins, aggregates and windows that keep running over four partitions.
const queryObjects = `
CREATE STREAM orders (id INT, k INT, v INT, ts BIGINT) WITH (event_time = 'ts', watermark = '0 s', partitions = 4);
CREATE STREAM pay (id INT, k INT, w INT, ts BIGINT) WITH (event_time = 'ts', watermark = '1 h', partitions = 4);
CREATE TABLE users (k INT PRIMARY KEY, name STRING, ref INT) WITH (partitions = 4);
CREATE TABLE refs (id INT PRIMARY KEY, z INT) WITH (partitions = 3);
CREATE STREAM j_ss AS SELECT o.id, p.w FROM orders o JOIN pay p WITHIN 1 DAY ON o.id = p.id;
CREATE STREAM j_st AS SELECT o.id, u.name FROM orders o LEFT JOIN users u ON o.k = u.k;
CREATE TABLE j_tt AS SELECT u.k, name, z FROM users u LEFT JOIN refs r ON u.k = r.id;
CREATE TABLE j_fk AS SELECT u.k, name, z FROM users u LEFT JOIN refs r ON u.ref = r.id;
CREATE TABLE j_full AS SELECT u.k, r.id, name, z FROM users u FULL JOIN refs r ON u.k = r.id;
CREATE TABLE agg AS SELECT k, COUNT(*) AS n, SUM(v) AS s FROM orders GROUP BY k;
CREATE TABLE aggt AS SELECT ref, COUNT(*) AS n FROM users GROUP BY ref;
CREATE TABLE win WITH (late = 'topic') AS SELECT k, COUNT(*) AS n FROM orders
  WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY k;
CREATE TABLE top AS SELECT k, id, v, rn FROM
  (SELECT k, id, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM orders) WHERE rn <= 2;
CREATE STREAM un AS SELECT id, k FROM orders UNION ALL SELECT id, k FROM pay;
CREATE STREAM semi AS SELECT id, k FROM orders WHERE k IN (SELECT k FROM users);
CREATE TABLE aggj AS SELECT u.name, COUNT(*) AS n, SUM(v) AS s FROM orders o JOIN users u ON o.k = u.k GROUP BY u.name;
`

// queryRows come in three parts; leat dev is killed between them. One order is late for its window.
var queryRows = []string{
	"INSERT INTO users VALUES (1, 'ann', 10), (2, 'bob', 20), (3, 'cy', 10); " +
		"INSERT INTO refs VALUES (1, 100), (10, 1000), (20, 2000)",
	"INSERT INTO orders VALUES (1, 1, 10, 1000), (2, 2, 20, 2000), (3, 1, 30, 3000), (4, 9, 5, 21000); " +
		"INSERT INTO pay VALUES (1, 1, 100, 1500), (3, 2, 200, 3500)",
	"INSERT INTO users VALUES (2, 'bea', 10); INSERT INTO refs VALUES (3, 300), (10, 1001)",
	"INSERT INTO orders VALUES (5, 1, 40, 2500), (6, 2, 7, 22000); INSERT INTO pay VALUES (2, 2, 70, 4000)",
}

// queryWant are the rows at the end, columns in the order of the names.
var queryWant = map[string][]string{
	"j_ss": {"1 100", "2 70", "3 200"},
	"j_st": {"1 ann", "2 bob", "3 ann", "4 <nil>", "5 ann", "6 bea"},
	"j_tt": {"1 ann 100", "2 bea <nil>", "3 cy 300"},
	"j_fk": {"1 ann 1001", "2 bea 1001", "3 cy 1001"},
	"j_full": {
		"10 10 <nil> <nil> 1001", "20 20 <nil> <nil> 2000", "1 1 1 ann 100", "2 <nil> 2 bea <nil>", "3 3 3 cy 300",
	},
	"agg":           {"1 3 80", "2 2 27", "9 1 5"},
	"aggt":          {"3 10"},
	"win":           {"1 2 10000 0", "2 1 10000 0", "2 1 30000 20000", "9 1 30000 20000"},
	`"win.late"`:    {"1"},
	"top":           {"3 1 2 30", "5 1 1 40", "2 2 1 20", "6 2 2 7", "4 9 1 5"},
	"un":            {"1 1", "2 2", "3 1", "4 9", "1 1", "3 2", "5 1", "6 2", "2 2"},
	"semi":          {"1 1", "2 2", "3 1", "5 1", "6 2"},
	"aggj":          {"3 ann 80", "1 bob 20", "1 bea 7"},
	"agg WHERE k=2": {"2 2 27"},
	"agg WHERE k>2": {"9 1 5"},
	"win WHERE k=2 AND window_start >= 20000": {"2 1 30000 20000"},
}

// TestQueriesSurvive kills leat dev between the rows: the answers of all running queries are as without.
func TestQueriesSurvive(t *testing.T) {
	t.Parallel()
	d := rig.NewDev(t)
	d.Start()
	d.SQL(queryObjects)
	for i, rows := range queryRows {
		d.SQL(rows)
		if i == 1 || i == 2 { // before and after there may be a snapshot
			d.Rows("SELECT * FROM agg")
			d.Kill()
			d.Start()
		}
		untilRows(t, d, "agg", nil)
		untilRows(t, d, "j_tt", nil)
	}
	for _, name := range slices.Sorted(maps.Keys(queryWant)) {
		untilRows(t, d, name, queryWant[name])
	}
}

// untilRows waits until a pull query gives the rows; nil: any.
func untilRows(t *testing.T, d *rig.Dev, from string, want []string) {
	t.Helper()
	want = slices.Sorted(slices.Values(want))
	rig.Until(t, 20*time.Second, from+" has its rows", func() (bool, string) {
		rows, ok, words := d.Rows("SELECT * FROM " + from)
		if !ok {
			return false, words
		}
		var got []string
		for _, r := range rows {
			var names, cells []string
			for n := range r {
				names = append(names, n)
			}
			slices.Sort(names)
			for _, n := range names {
				cells = append(cells, fmt.Sprint(r[n]))
			}
			got = append(got, strings.Join(cells, " "))
		}
		slices.Sort(got)
		d := gocmp.Diff(want, got)
		return want == nil || d == "", d
	})
}

// TestReplace puts a new text in the place of a running query: it keeps what it counted, also over a kill.
func TestReplace(t *testing.T) {
	t.Parallel()
	d := rig.NewDev(t)
	d.Start()
	d.SQL("CREATE STREAM s (k INT, v INT) WITH (partitions = 2);\n" +
		"CREATE TABLE c AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;\n" +
		"INSERT INTO s VALUES (1, 1), (1, 2), (2, 3)")
	untilRows(t, d, "c", []string{"1 2", "2 1"})
	r := d.SQL("-- @owner: ann\nCREATE OR REPLACE TABLE c AS SELECT k, COUNT(*) AS n FROM s WHERE v > 10 GROUP BY k")
	if !strings.Contains(r.Stderr+r.Stdout, "its state are kept") {
		t.Errorf("the answer does not say what is kept: %s%s", r.Stdout, r.Stderr)
	}
	d.SQL("INSERT INTO s VALUES (1, 5), (1, 50), (2, 60)")
	untilRows(t, d, "c", []string{"1 3", "2 2"})
	d.Kill()
	d.Start()
	d.SQL("ALTER STREAM s ADD COLUMN note STRING; INSERT INTO s VALUES (2, 70, 'x')")
	untilRows(t, d, "c", []string{"1 3", "2 3"})
	for _, wrong := range []string{
		"CREATE OR REPLACE TABLE c AS SELECT k, SUM(v) AS n FROM s GROUP BY k",
		"CREATE OR REPLACE TABLE c AS SELECT k FROM s GROUP BY k",
		"CREATE OR REPLACE TABLE c AS SELECT v AS k, COUNT(*) AS n FROM s GROUP BY v",
	} {
		if r := d.Try(wrong); r.Code == 0 {
			t.Errorf("accepted: %s", wrong)
		}
	}
	untilRows(t, d, "c", []string{"1 3", "2 3"})
}
