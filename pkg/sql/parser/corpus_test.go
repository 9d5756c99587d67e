package parser

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// corpusCase is one statement of the corpus with whether it must parse; null: it must only not crash.
type corpusCase struct {
	ID     string
	SQL    string
	Parses *bool
	Basis  string
	Quirk  string
}

func corpus(tb testing.TB) []corpusCase {
	tb.Helper()
	f, err := os.Open(filepath.Join(shared, "cases/velo/corpus.jsonl"))
	if err != nil {
		tb.Skip("no corpus beside the repository")
	}
	defer f.Close()
	var cases []corpusCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c corpusCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			tb.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return cases
}

// understood reports whether a text is read to its end; a construct refused by name counts as read.
func understood(errs []*sqlerr.Error) (ok, byName bool) {
	for _, err := range errs {
		if err.Code != sqlerr.NotSupported {
			return false, false
		}
		byName = true
	}
	return true, byName
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	type score struct{ passed, refused, failed int }
	scores := map[string]*score{}
	skipped := 0
	for _, c := range corpus(t) {
		_, errs := Parse(c.SQL, Options{Vars: map[string]string{}})
		for _, err := range errs {
			if err.Span.Start < 0 || err.Span.End > len(c.SQL) || err.Span.Start > err.Span.End {
				t.Errorf("%s: span %v outside of %d bytes", c.ID, err.Span, len(c.SQL))
			}
		}
		if c.Parses == nil || c.Quirk != "" {
			skipped++
			continue
		}
		s := scores[c.Basis]
		if s == nil {
			s = &score{}
			scores[c.Basis] = s
		}
		ok, byName := understood(errs)
		switch {
		case ok == *c.Parses && byName:
			s.refused++
			s.passed++
		case ok == *c.Parses:
			s.passed++
		default:
			s.failed++
			if testing.Verbose() || c.Basis == "asserted" {
				t.Logf("%s %s wants parses=%v: %v\n%s", c.ID, c.Basis, *c.Parses, errs, c.SQL)
			}
		}
	}
	passed, failed := 0, 0
	for basis, s := range scores {
		passed, failed = passed+s.passed, failed+s.failed
		t.Logf("%s: %d passed (%d refused by name), %d failed", basis, s.passed, s.refused, s.failed)
	}
	t.Logf("%d passed, %d failed, %d skipped", passed, failed, skipped)
	if s := scores["asserted"]; s != nil && s.failed > 0 {
		t.Errorf("%d asserted statements fail", s.failed)
	}
}
