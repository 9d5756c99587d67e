package plan_test

import (
	"testing"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestPinned: a condition pins the key only where every column of it equals a constant.
func TestPinned(t *testing.T) {
	t.Parallel()
	objects := plan.Objects{"t": {
		Name: "t", Kind: ast.Table, Topic: "t", Partitions: 4, Key: []int{0, 1}, Updating: true, Columns: []plan.Column{
			{Name: "a", Type: vector.TString, Key: true},
			{Name: "b", Type: vector.TBigInt, Key: true},
			{Name: "c", Type: vector.TBigInt},
		},
	}}
	for where, want := range map[string]string{
		"a = 'x' AND b = 7":             "x 7",
		"3 + 4 = b AND c > 1 AND 'x'=a": "x 7",
		"a = 'x'":                       "",
		"a = 'x' OR b = 7":              "",
		"a = 'x' AND b = c":             "",
		"a = 'x' AND b > 7":             "",
		"a = 'x' AND NOT b = 7":         "",
		"a = 'x' AND b = ROWTIME":       "",
	} {
		statements, errs := parser.Parse("SELECT c FROM t WHERE "+where+";", parser.Options{})
		if len(errs) > 0 {
			t.Fatal(errs[0])
		}
		p, err := (&plan.Binder{Catalog: objects, Mode: plan.Bounded}).Select("q1", statements[0].(*ast.Select).Query)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if key, ok := plan.Pinned(p.Stages[0], []int{0, 1}); ok {
			got = string(vector.AppendText(append(vector.AppendText(nil, key[0], 0), ' '), key[1], 0))
		}
		if got != want {
			t.Errorf("%s pins %q, want %q", where, got, want)
		}
	}
}
