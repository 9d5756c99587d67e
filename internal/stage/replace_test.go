package stage_test

import (
	"strings"
	"testing"

	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// tablePlan plans CREATE TABLE r AS query over the streams of this package's tests.
func tablePlan(t *testing.T, query string) *plan.Plan {
	t.Helper()
	statements, errs := parser.Parse(sources+"CREATE TABLE r AS "+query+";", parser.Options{})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	objects := plan.Objects{}
	for _, st := range statements {
		c, ok := st.(*ast.Create)
		if !ok {
			t.Fatalf("%T", st)
		}
		if c.As != nil {
			p, _, err := (&plan.Binder{Catalog: objects}).CreateAs("q1", c)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		o, _, err := plan.Define(c, plan.Defaults{Partitions: 1})
		if err != nil {
			t.Fatal(err)
		}
		objects[o.Name] = o
	}
	return nil
}

// TestReplaceable: filters and select lists may change; what is kept in the state may not mean something else.
func TestReplaceable(t *testing.T) {
	t.Parallel()
	const sum = "SELECT k, SUM(v) AS s FROM t GROUP BY k"
	for _, c := range []struct{ old, now, refused string }{
		{sum, "SELECT k, SUM(v) AS s FROM t WHERE v > 3 GROUP BY k", ""},
		{sum, "SELECT k, SUM(v) + 1 AS s FROM t GROUP BY k", ""},
		{sum, "SELECT k, SUM(v * 2) AS s FROM t GROUP BY k", "aggregates"},
		{sum, "SELECT k, SUM(v) FILTER (WHERE v > 1) AS s FROM t GROUP BY k", "aggregates"},
		{sum, "SELECT k, MAX(v) AS s FROM t GROUP BY k", "aggregates otherwise"},
		{sum, "SELECT v, COUNT(*) AS s FROM t GROUP BY v", "placed by other columns"},
		{sum, "SELECT k, SUM(v) AS s FROM t WINDOW TUMBLING(5ms) GROUP BY k", "aggregates otherwise"},
	} {
		_, err := stage.Replaceable(tablePlan(t, c.old), tablePlan(t, c.now))
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s: %v, want %q", c.now, err, c.refused)
		}
	}
}
