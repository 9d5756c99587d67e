package script_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/wasm/wasmtest"
)

// TestFunctions runs functions of a WebAssembly module: values, nulls, rows that fail, one that never ends.
func TestFunctions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.wasm"), wasmtest.Module(), 0o600); err != nil {
		t.Fatal(err)
	}
	const declare = `CREATE FUNCTION plus(a BIGINT, b BIGINT) RETURNS BIGINT LANGUAGE WASM AS 'f.wasm' EXPORT 'add';
CREATE FUNCTION "div"(a BIGINT, b BIGINT) RETURNS BIGINT AS 'f.wasm';
CREATE FUNCTION shout(s STRING) RETURNS STRING AS 'f.wasm';
CREATE FUNCTION spin() RETURNS BIGINT AS 'f.wasm';
CREATE STREAM s (a BIGINT, b STRING) WITH (connector = 'http');
INSERT INTO s VALUES (6, 'abc'), (NULL, NULL), (0, 'x');
`
	for query, want := range map[string]string{
		`SELECT plus(a, 1) AS p, shout(b) AS t FROM s;`: `{"p":7,"t":"ABC"}` + "\n" + `{"p":null,"t":null}` + "\n" +
			`{"p":1,"t":"X"}`,
		`SELECT div(12, a) AS d FROM s;`: `{"d":2}` + "\n" + `{"d":null}` +
			"\ndead: function DIV: integer divide by zero",
		`SELECT spin() AS n FROM s;`: "error: function SPIN ran longer than 1s: the query stops [LEAT-5217]",
	} {
		p, errs := script.Compile(t.Context(), declare+query, script.Options{Dir: dir})
		if len(errs) > 0 {
			t.Fatal(errs[0])
		}
		var out strings.Builder
		w, err := format.NewWriter("jsonl", &out)
		if err != nil {
			t.Fatal(err)
		}
		dead := ""
		_, err = p.Run(context.Background(), script.RunOptions{
			Out: w, Failed: func(_ string, _ []byte, _, msg string) { dead += "dead: " + msg },
		})
		got := out.String() + dead
		if err != nil {
			_, after, _ := strings.Cut(err.Error(), "/0/0: ")
			got += "error: " + after
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("%s\ngot  %s\nwant %s", query, got, want)
		}
	}
	for bad, want := range map[string]string{
		`CREATE FUNCTION abs(a BIGINT) RETURNS BIGINT AS 'f.wasm';`:                 "is a function of Leat",
		`CREATE FUNCTION f(a BIGINT) RETURNS BIGINT AS 'none.wasm';`:                "no such file",
		`CREATE FUNCTION f(a BIGINT) RETURNS BIGINT AS 'f.wasm' EXPORT 'add';`:      "the declaration needs",
		`CREATE FUNCTION f(a BIGINT) RETURNS BIGINT AS 'f.wasm';`:                   `exports no function "f"`,
		declare + `SELECT plus(a) AS p FROM s;`:                                     "PLUS does not take (BIGINT)",
		declare + `CREATE FUNCTION plus(a INT) RETURNS INT AS 'f.wasm';`:            "exists already",
		`CREATE FUNCTION f(a DECIMAL(9, 2)) RETURNS BIGINT AS 'f.wasm' EXPORT 'x';`: `exports no function "x"`,
	} {
		_, errs := script.Compile(t.Context(), bad, script.Options{Dir: dir})
		if len(errs) == 0 || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%s: %v, want %q", bad, errs, want)
		}
	}
}
