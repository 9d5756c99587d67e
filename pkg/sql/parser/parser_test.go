package parser

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

func mustParse(t *testing.T, script string, opts Options) []ast.Statement {
	t.Helper()
	stmts, errs := Parse(script, opts)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", script, errs)
	}
	return stmts
}

func TestSpans(t *testing.T) {
	t.Parallel()
	script := "-- @name: first\n-- @metric: a\n-- @metric: b\nSELECT ${col} + x AS y\nFROM ${t}; SELECT 2"
	stmts := mustParse(t, script, Options{Vars: map[string]string{"col": "price", "t": "trades"}})
	first := stmts[0].(*ast.Select)
	at := func(s ast.Span) string { return script[s.Start:s.End] }
	sum := first.Query.Items[0].Expr.(*ast.Binary)
	got := []string{
		at(first.At), first.Text, at(sum.At), at(sum.L.Span()), sum.L.(*ast.Name).Parts[0].Name,
		at(sum.R.Span()), at(first.Query.Items[0].Alias.At), at(first.Query.From.Span()), at(stmts[1].Span()),
		first.Annotations["name"], first.Annotations["metric"],
	}
	want := []string{
		"SELECT ${col} + x AS y\nFROM ${t}", "SELECT price + x AS y\nFROM trades", "${col} + x", "${col}",
		"price", "x", "y", "${t}", "SELECT 2", "first", "a\nb",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestErrorSpanAfterVariable(t *testing.T) {
	t.Parallel()
	script := "SELECT ${a} FROM t WHER x = 1"
	_, errs := Parse(script, Options{Vars: map[string]string{"a": "a_much_longer_name"}})
	if len(errs) != 1 || script[errs[0].Span.Start:errs[0].Span.End] != "WHER" {
		t.Errorf("%v", errs)
	}
}

func TestVariablesAreNoStatements(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"s": "x'; DROP TABLE y; --", "q": `a"b`}
	stmts := mustParse(t, "SELECT '${s}', \"${q}\" FROM t", Options{Vars: vars})
	items := stmts[0].(*ast.Select).Query.Items
	if got := items[0].Expr.(*ast.Literal).Text; len(stmts) != 1 || got != vars["s"] {
		t.Errorf("%d statements, %q", len(stmts), got)
	}
	if got := items[1].Expr.(*ast.Name).Parts[0].Name; got != vars["q"] {
		t.Errorf("%q", got)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	complete, rest := Split("SELECT ';' -- ;\n; SHOW /* ; */ TABLES; SELECT \"a;")
	want := []string{"SELECT ';' -- ;\n", " SHOW /* ; */ TABLES"}
	if diff := cmp.Diff(want, complete); diff != "" || rest != ` SELECT "a;` {
		t.Errorf("%s rest %q", diff, rest)
	}
}

func TestParseExpr(t *testing.T) {
	t.Parallel()
	x, err := ParseExpr("a > ${n} AND b IS NULL", Options{Vars: map[string]string{"n": "5"}})
	if err != nil || ast.FormatExpr(x) != "a > 5 AND b IS NULL" {
		t.Errorf("%v %v", x, err)
	}
	if _, err = ParseExpr("a > 5 b", Options{}); err == nil {
		t.Error("a > 5 b is read")
	}
}

// TestBounds wants a quick end, in an error where a limit is passed, for texts that are made to be costly.
func TestBounds(t *testing.T) {
	t.Parallel()
	rep := strings.Repeat
	const n = 12_000
	cases := []struct {
		name, script string
		code         sqlerr.Code // "" where any end will do
	}{
		{"bytes", rep(" ", DefaultMaxBytes+1), sqlerr.TooLarge},
		{"parentheses", "SELECT " + rep("(", n) + "1" + rep(")", n), sqlerr.TooLarge},
		{"depth that is allowed", "SELECT " + rep("(", 90) + "1" + rep(")", 90), ""},
		{"minus", "SELECT " + rep("- ", n) + "1", sqlerr.TooLarge},
		{"not", "SELECT " + rep("NOT ", n) + "1", sqlerr.TooLarge},
		{"case", "SELECT " + rep("CASE WHEN ", 5000), sqlerr.TooLarge},
		{"brackets", "SELECT " + rep("[", n), sqlerr.TooLarge},
		{"index", "SELECT a" + rep("[a", n), sqlerr.TooLarge},
		{"substring", "SELECT " + rep("SUBSTRING(", 5000), sqlerr.TooLarge},
		{"subqueries", rep("SELECT * FROM (", 3000), sqlerr.TooLarge},
		{"relations", "SELECT * FROM " + rep("(", n), sqlerr.TooLarge},
		{"queries", rep("(", n) + "SELECT 1" + rep(")", n), sqlerr.TooLarge},
		{"types", "CREATE STREAM s (a " + rep("ARRAY<", 8000), sqlerr.TooLarge},
		{"group", "SELECT 1 GROUP BY " + rep("(a,", 8000), sqlerr.TooLarge},
		{"many groups", "SELECT 1 GROUP BY 1" + manyNames(3000), sqlerr.TooLarge},
		{"cube", "SELECT 1 GROUP BY CUBE(a,b,c,d,e,f,g,h), CUBE(i,j,k)", sqlerr.TooLarge},
		{"explain", rep("EXPLAIN ", 8000) + "SELECT 1", sqlerr.TooLarge},
		{"items", "SELECT 1" + rep(",1", 5000), sqlerr.TooLarge},
		{"columns", "CREATE STREAM s (a INT" + rep(",a INT", 5000) + ")", sqlerr.TooLarge},
		{"properties", "SET a = 1; ALTER QUERY q SET (a=1" + manyProperties(3000) + ")", sqlerr.TooLarge},
		{"conditions", "SELECT 1 WHERE a" + rep(" AND a", n/2), ""},
		{"union", "SELECT 1" + rep(" UNION ALL SELECT 1", 3000), ""},
		{"joins", "SELECT 1 FROM a" + rep(" CROSS JOIN a", 4000), ""},
		{"list", "SELECT a IN (1" + rep(",1", 30_000) + ")", ""},
		{"semicolons", rep(";", DefaultMaxBytes), ""},
		{"statements", rep("SHOW TABLES;", 5000), ""},
		{"errors", rep("a;", 30_000), sqlerr.Syntax},
		{"lambda", "SELECT f(" + rep("(a,", 8000), sqlerr.NotSupported},
		{"variables", "DEFINE a = '" + rep("x", 30_000) + "'; SELECT '" + rep("${a}", 5000) + "'", sqlerr.TooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			_, errs := Parse(c.script, Options{})
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			if len(errs) > maxErrors {
				t.Errorf("%d errors", len(errs))
			}
			if c.code != "" && (len(errs) == 0 || errs[0].Code != c.code) {
				t.Errorf("%v, want %s", errs, c.code)
			}
		})
	}
}

func manyNames(n int) string { return numbered(n, "") }

func manyProperties(n int) string { return numbered(n, "=1") }

// numbered returns `, c0x, c1x ...`.
func numbered(n int, x string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(", c" + strconv.Itoa(i) + x)
	}
	return b.String()
}

// TestWordSoup draws tokens of the language at random: what is read must come back from its canonical text.
func TestWordSoup(t *testing.T) {
	t.Parallel()
	starts := []string{
		"SELECT", "SELECT a FROM t", "SELECT a FROM t WHERE a", "CREATE STREAM s", "SELECT f(", "WITH x AS (",
		"SELECT a FROM t GROUP BY", "SELECT COUNT(*) OVER (", "SELECT a FROM t WINDOW",
		"INSERT INTO t", "SELECT a FROM t JOIN u",
	}
	words := strings.Fields(`SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET EMIT CHANGES FINAL WINDOW
		TUMBLING SLIDING SESSION ( ( ( ) ) ) , , , . . -> [ ] = <> < > + - * / % || a b t 1
		2.5 1e3 'x' "q" 5m INTERVAL AND OR NOT IS NULL TRUE BETWEEN IN LIKE ESCAPE CASE WHEN
		THEN ELSE END CAST AS INT DECIMAL ARRAY MAP STRUCT := => :: DISTINCT FILTER OVER
		PARTITION ROWS RANGE UNBOUNDED PRECEDING CURRENT ROW JOIN LEFT FULL CROSS ASOF ON
		WITHIN GRACE PERIOD UNION ALL WITH EXISTS ANY VALUES KEY PRIMARY f( COUNT(*) DATE AT
		TIME ZONE ROLLUP( GROUPING SETS TUMBLE( TABLE DESCRIPTOR( INTO MINUTES SIZE ADVANCE
		UNNEST( DESC NULLS LAST`)
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.SampledFrom(starts).Draw(r, "start") + " " +
			strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 14).Draw(r, "words"), " ")
		stmts, _ := Parse(text, Options{})
		for _, s := range stmts {
			formatted := ast.Format(s)
			again, errs := Parse(formatted, Options{MaxDepth: 1000})
			if len(errs) > 0 || len(again) != 1 {
				r.Fatalf("%s\nformatted: %s\n%v", text, formatted, errs)
			}
			if diff := cmp.Diff(s, again[0], sameTree); diff != "" {
				r.Fatalf("%s\nformatted: %s\n%s", text, formatted, diff)
			}
		}
		Expected(text, len(text))
	})
}
