package parser

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/ast"
)

// seedFuzz adds the scripts of the golden files.
func seedFuzz(f *testing.F) {
	f.Helper()
	for _, text := range goldenScripts(f) {
		f.Add(text)
	}
}

// FuzzParse wants no panic, spans inside of the script, and canonical text that is read as the same tree.
func FuzzParse(f *testing.F) {
	seedFuzz(f)
	f.Fuzz(func(t *testing.T, script string) {
		stmts, errs := Parse(script, Options{Vars: map[string]string{"t": "trades"}, MaxBytes: 4096})
		for _, err := range errs {
			if s := err.Span; s.Start < 0 || s.Start > s.End || s.End > len(script) {
				t.Fatalf("span %v outside of %d bytes: %v", s, len(script), err)
			}
		}
		for _, s := range stmts {
			if at := s.Span(); at.Start < 0 || at.Start > at.End || at.End > len(script) {
				t.Fatalf("span %v outside of %d bytes", at, len(script))
			}
			text := ast.Format(s)
			again, errs := Parse(text, Options{MaxBytes: 1 << 20, MaxDepth: 1000})
			if len(errs) > 0 || len(again) != 1 {
				t.Fatalf("%q: formatted as %q: %v", script, text, errs)
			}
			if diff := cmp.Diff(s, again[0], sameTree); diff != "" {
				t.Fatalf("%q: formatted as %q:\n%s", script, text, diff)
			}
		}
	})
}

// FuzzComplete wants no panic, and a place before the cursor.
func FuzzComplete(f *testing.F) {
	seedFuzz(f)
	f.Fuzz(func(t *testing.T, script string) {
		for _, off := range []int{0, len(script) / 2, len(script)} {
			if from, _ := wantedAt(script, off); from > off || from < 0 {
				t.Fatalf("%q: from %d at %d", script, from, off)
			}
		}
		complete, rest := Split(script)
		if got := strings.Join(append(complete, rest), ";"); got != script {
			t.Fatalf("%q is split into %q", script, got)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	script := `SELECT symbol, window_start, COUNT(*) AS n, AVG(price) AS avg, MIN(price) AS lo, MAX(price) AS hi
FROM trades t JOIN symbols s ON t.symbol = s.symbol WHERE price > 10.5 AND venue IN ('XNAS', 'XNYS')
GROUP BY symbol WINDOW SLIDING(60s, 5s) HAVING COUNT(*) > 1 EMIT CHANGES`
	b.SetBytes(int64(len(script)))
	b.ReportAllocs()
	for b.Loop() {
		if _, errs := Parse(script, Options{}); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
}
