package sqlerr_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

func at(src, part string) sqlerr.Span {
	i := strings.Index(src, part)
	return sqlerr.Span{Start: i, End: i + len(part)}
}

func TestRender(t *testing.T) {
	t.Parallel()
	long := "SELECT " + strings.Repeat("abcdefgh, ", 30) + "pric FROM trades"
	cases := []struct{ name, src, part, want string }{
		{"the form", "CREATE STREAM t (a INT);\nSELECT symbol, pric FROM trades;", "pric", `leat: no column [LEAT-3101]
  --> f.sql:2:16
  2 | SELECT symbol, pric FROM trades;
    |                ^^^^
  hint: did you mean "price"?
`},
		{"tab", "\tSELECT\tpric", "pric", `leat: no column [LEAT-3101]
  --> f.sql:1:9
  1 |     SELECT  pric
    |             ^^^^
  hint: did you mean "price"?
`},
		{"wide", "SELECT '日本', é, pric", "pric", `leat: no column [LEAT-3101]
  --> f.sql:1:17
  1 | SELECT '日本', é, pric
    |                   ^^^^
  hint: did you mean "price"?
`},
		{"wide under carets", "SELECT 日本", "日本", `leat: no column [LEAT-3101]
  --> f.sql:1:8
  1 | SELECT 日本
    |        ^^^^
  hint: did you mean "price"?
`},
		{"control", "SELECT '\x1b[2J\u202e\xff' pric\r\n", "pric", `leat: no column [LEAT-3101]
  --> f.sql:1:17
  1 | SELECT '\x1b[2J\u202e\xff' pric
    |                            ^^^^
  hint: did you mean "price"?
`},
		{"two digits, two lines", strings.Repeat("\n", 9) + "SELECT (1\n+ 2)", "(1\n+ 2)", `leat: no column [LEAT-3101]
  --> f.sql:10:8
  10 | SELECT (1
     |        ^^
  hint: did you mean "price"?
`},
		{"long", long, "pric", `leat: no column [LEAT-3101]
  --> f.sql:1:308
  1 | ...abcdefgh, abcdefgh, abcdefgh, abcdefgh, abcdefgh, abcdefgh, pric FROM trades
    |                                                                ^^^^
  hint: did you mean "price"?
`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := sqlerr.New(sqlerr.UnknownColumn, at(c.src, c.part), "no column")
			err = err.WithHint("did you mean %q?", "price")
			var b strings.Builder
			if werr := sqlerr.Render(&b, "f.sql", c.src, err); werr != nil {
				t.Fatal(werr)
			}
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRenderEnd(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	err := sqlerr.New(sqlerr.Syntax, sqlerr.Span{Start: 99, End: 120}, "more\x1b[0m expected")
	if werr := sqlerr.Render(&b, "", "SELECT", err); werr != nil {
		t.Fatal(werr)
	}
	want := "leat: more\\x1b[0m expected [LEAT-3001]\n  --> statement:1:7\n  1 | SELECT\n    |       ^\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	src := "SELECT 1;\nSELECT symbol, pric FROM trades;"
	err := sqlerr.New(sqlerr.UnknownColumn, at(src, "pric"), "no column").WithHint("h")
	got, jerr := sqlerr.JSON("alerts.sql", src, err)
	if jerr != nil {
		t.Fatal(jerr)
	}
	want := `{"error":{"code":"LEAT-3101","message":"no column","hint":"h","retryable":false,` +
		`"position":{"file":"alerts.sql","line":2,"column":16,"offset":25,"length":4}}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	among := []string{"price", "symbol", "qty", "ts", "volume"}
	for name, want := range map[string]string{
		"pric": "price", "PIRCE": "price", "symbl": "symbol", "xyz": "", "q": "",
		"volum": "volume", "": "", "tss": "ts", "something": "",
	} {
		if got := sqlerr.Nearest(name, among); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("SELECT a\n\tFROM b", 8, 12)
	f.Add("\xff\x1b日", 1, 2)
	f.Fuzz(func(t *testing.T, src string, start, end int) {
		var b strings.Builder
		err := sqlerr.New(sqlerr.Syntax, sqlerr.Span{Start: start, End: end}, "%s", src)
		if werr := sqlerr.Render(&b, "f", src, err); werr != nil {
			t.Fatal(werr)
		}
		if strings.ContainsAny(b.String(), "\x1b\r\x00\t") {
			t.Fatalf("%q reaches the terminal", b.String())
		}
	})
}
