package plan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
)

const nestedSource = `CREATE STREAM s (id BIGINT KEY, a ARRAY<STRUCT<x DOUBLE, m MAP<STRING, DECIMAL(10, 2)>>>,
	m MAP<INT, BYTES>, p STRUCT<"aB" INT, l ARRAY<STRING>>) WITH (subject = 's.>');`

func TestNestedObjectsAsJSON(t *testing.T) {
	t.Parallel()
	s := &session{objects: plan.Objects{}}
	if err := s.run(nestedSource); err != nil {
		t.Fatal(err)
	}
	before := s.objects["s"]
	text, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	var after plan.Object
	if err := json.Unmarshal(text, &after); err != nil {
		t.Fatal(err)
	}
	for i, f := range before.Schema().Fields {
		got := after.Schema().Fields[i]
		if got.Name != f.Name || !got.Type.Equal(f.Type) {
			t.Errorf("%s %s came back as %s %s", f.Name, f.Type, got.Name, got.Type)
		}
	}
	want := "STRUCT<aB INT, l ARRAY<STRING>>"
	if got := after.Columns[3].Type.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMapIsNoKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"CREATE STREAM k (m MAP<STRING, INT> KEY) WITH (subject = 'k');", "MAP<STRING, INT> cannot be a key"},
		{"CREATE TABLE k (p STRUCT<m MAP<STRING, INT>> PRIMARY KEY, v INT) WITH (subject = 'k');", "cannot be a key"},
		{"CREATE STREAM k (p STRUCT<a ARRAY<INT>> KEY, v INT) WITH (subject = 'k');", ""},
		{"CREATE TABLE t AS SELECT m, COUNT(*) AS n FROM s GROUP BY m;", "MAP<INT, BYTES> cannot be a key"},
		{"CREATE TABLE t AS SELECT a, COUNT(*) AS n FROM s GROUP BY a;", "cannot be a key"},
		{"CREATE TABLE t AS SELECT p, COUNT(*) AS n FROM s GROUP BY p;", ""},
		{"CREATE STREAM r AS SELECT * FROM s PARTITION BY m;", "MAP<INT, BYTES> cannot be a key"},
		{"CREATE STREAM r AS SELECT * FROM s PARTITION BY p;", ""},
	} {
		s := &session{objects: plan.Objects{}}
		err := s.run(nestedSource + c.text)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.text, err, c.want)
		}
	}
}

// TestUnreadArraysAreNotCopied: the operator knows which arrays no reader wants.
func TestUnreadArraysAreNotCopied(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"SELECT id, EXPLODE(a) AS e FROM s;":    3, // all that nest
		"SELECT id, a, EXPLODE(a) AS e FROM s;": 2,
	} {
		s := &session{objects: plan.Objects{}}
		if err := s.run(nestedSource); err != nil {
			t.Fatal(err)
		}
		statements, errs := parser.Parse(text, parser.Options{})
		if len(errs) > 0 {
			t.Fatal(errs[0])
		}
		q, _ := statements[0].(*ast.Select)
		p, err := s.binder(plan.Bounded).Select("q1", q.Query)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, op := range p.Stages[0].Ops {
			if u, ok := op.(*operator.Unnest); ok {
				found = len(u.Unread) == want
			}
		}
		if !found {
			t.Errorf("%s: want an Unnest with %d columns that nobody reads:\n%s", text, want, p.Explain())
		}
	}
}
