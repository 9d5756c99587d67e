package script

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatsql/leat/internal/format"
)

// TestFiles: files in FROM, and declarations without columns, in both dialects.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"t.csv":    "id,name,price\n1,a,1.5\n2,b,2\n3,a,4\n",
		"u.ndjson": "{\"id\":1,\"o\":{\"x\":[1,2]}}\n{\"id\":3,\"o\":{\"x\":[3]}}\n",
		"d.json": `{"op":"c","after":{"id":1,"v":"x"}}` + "\n" + `{"op":"r","after":{"id":2,"v":"y"}}` + "\n" +
			`{"op":"d","before":{"id":1,"v":"x"},"after":null}` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ sql, want string }{
		{"SELECT name, SUM(price) AS s FROM 't.csv' GROUP BY name;", `{"name":"a","s":5.5}{"name":"b","s":2.0}`},
		{
			"SELECT t.id, x.o->x AS l FROM 't.csv' t JOIN 'u.ndjson' x WITHIN 1 DAY ON t.id = x.id;",
			`{"id":1,"l":[1,2]}{"id":3,"l":[3]}`,
		},
		{
			"SELECT a.id FROM 't.csv' a JOIN 't.csv' b WITHIN 1 DAY ON a.id = b.id WHERE a.price > 1.8;",
			`{"id":2}{"id":3}`,
		},
		{
			"CREATE STREAM s FROM 't.csv'; CREATE TABLE n AS SELECT name, COUNT(*) AS c FROM s GROUP BY name; " +
				"SELECT * FROM n;",
			`{"name":"a","c":2}{"name":"b","c":1}`,
		},
		{
			"SET 'dialect' = 'ksql'; CREATE STREAM s WITH (path = 't.csv', value_format = 'DELIMITED'); " +
				"SELECT id, price FROM s EMIT CHANGES LIMIT 1;",
			`{"id":1,"price":1.5}`,
		},
		{
			"CREATE TABLE d (id BIGINT PRIMARY KEY, v STRING) WITH (path = 'd.json', format = 'debezium'); " +
				"SELECT * FROM d;",
			`{"id":2,"v":"y"}`,
		},
		{
			"CREATE STREAM d (id BIGINT, v STRING) WITH (path = 'd.json', format = 'debezium'); SELECT * FROM d;",
			`{"id":1,"v":"x"}{"id":2,"v":"y"}`,
		},
	} {
		p, errs := Compile(t.Context(), c.sql, Options{Dir: dir})
		if len(errs) > 0 {
			t.Errorf("%s: %v", c.sql, errs[0])
			continue
		}
		var out bytes.Buffer
		w, err := format.NewWriter("jsonl", &out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(t.Context(), RunOptions{Out: w, Stdout: &out, Dir: dir}); err != nil {
			t.Errorf("%s: %v", c.sql, err)
		}
		if got := strings.ReplaceAll(out.String(), "\n", ""); !strings.EqualFold(got, c.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", c.sql, got, c.want)
		}
	}
	_, errs := Compile(t.Context(), "SELECT * FROM 'none.csv';", Options{Dir: dir})
	if len(errs) == 0 || !strings.Contains(errs[0].Error(), "no such file") {
		t.Errorf("a file that is not there: %v", errs)
	}
}
