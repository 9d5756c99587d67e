package parser

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leatsql/leat/pkg/sql/ast"
)

// sameTree compares trees without places, texts and annotations.
var sameTree = cmp.Options{
	cmpopts.IgnoreTypes(ast.Span{}),
	cmpopts.IgnoreFields(ast.Stmt{}, "Text", "Annotations"),
	cmpopts.EquateEmpty(),
}

// checkRound parses what Format makes of a statement and wants the same tree.
func checkRound(t *testing.T, stmt ast.Statement) {
	t.Helper()
	text := ast.Format(stmt)
	again, errs := Parse(text, Options{MaxBytes: 1 << 20, MaxDepth: 2 * DefaultMaxDepth})
	if len(errs) > 0 || len(again) != 1 {
		t.Errorf("%s\nformatted: %s\nerrors: %v", clipText(textOf(stmt)), text, errs)
		return
	}
	if diff := cmp.Diff(stmt, again[0], sameTree); diff != "" {
		t.Errorf("%s\nformatted: %s\n%s", clipText(textOf(stmt)), text, diff)
	}
	if twice := ast.Format(again[0]); twice != text {
		t.Errorf("format is not stable:\n%s\n%s", text, twice)
	}
}

func textOf(stmt ast.Statement) string {
	return reflect.ValueOf(stmt).Elem().FieldByName("Stmt").FieldByName("Text").String()
}

func clipText(s string) string { return s[:min(len(s), 400)] }

func TestRoundSeeds(t *testing.T) {
	t.Parallel()
	for _, script := range seedScripts(t) {
		stmts, _ := Parse(script, Options{Vars: map[string]string{"in": "in.json", "table": "table.json"}})
		for _, s := range stmts {
			checkRound(t, s)
		}
	}
}

func TestRoundCorpus(t *testing.T) {
	t.Parallel()
	n := 0
	for _, c := range corpus(t) {
		stmts, _ := Parse(c.SQL, Options{})
		for _, s := range stmts {
			checkRound(t, s)
			n++
		}
	}
	if n < 1000 {
		t.Errorf("only %d statements", n)
	}
}

// ksqlStatements returns the statements of the conformance cases that are expected to be accepted.
func ksqlStatements(t *testing.T) (accepted []string) {
	t.Helper()
	for _, name := range []string{"open.jsonl", "queries.jsonl"} {
		f, err := os.Open(filepath.Join(shared, "cases/ksql", name))
		if err != nil {
			t.Skip("no conformance cases beside the repository")
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var c struct {
				Statements        []string
				ExpectedException any
			}
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatal(err)
			}
			if c.ExpectedException == nil {
				accepted = append(accepted, c.Statements...)
			}
		}
	}
	return accepted
}

func TestKsqlStatements(t *testing.T) {
	t.Parallel()
	types := ""
	passed, failed := 0, 0
	for _, text := range ksqlStatements(t) {
		if strings.HasPrefix(strings.TrimSpace(text), "CREATE TYPE") {
			types += text + "\n"
		}
		stmts, errs := Parse(types+text, Options{})
		if len(errs) > 0 {
			failed++
			t.Logf("%s\n%v %s", clipText(text), errs, errs[0].Hint)
			continue
		}
		passed++
		checkRound(t, stmts[len(stmts)-1])
	}
	t.Logf("%d passed, %d failed", passed, failed)
	if failed > 0 {
		t.Errorf("%d statements fail", failed)
	}
}
