package catalog

import (
	"fmt"
	"maps"

	"github.com/leatsql/leat/internal/wasm"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// Plan plans a query as it was planned when it was made: the same statement over the same objects. result is the object
// that it writes (needed for INSERT INTO). Create and insert statements of a bounded run stay persistent ones: only its
// SELECT waits for the end.
func (q *Query) Plan(result *plan.Object) (*plan.Plan, error) {
	statements, errs := parser.Parse(q.Statement, parser.Options{Types: q.Types, Upper: q.Profile == plan.ProfileKsql})
	if len(errs) > 0 {
		return nil, fmt.Errorf("parse query %s: %w", q.ID, errs[0])
	}
	if len(statements) != 1 {
		return nil, fmt.Errorf("query %s has %d statements", q.ID, len(statements))
	}
	objects := plan.Objects{}
	maps.Copy(objects, q.Sources)
	b := &plan.Binder{
		Catalog: objects, Mode: plan.Persistent, RecordEmission: q.Emit == "record",
		Profile: plan.ProfileOf(q.Profile), KeyFormat: q.KeyFormat, StateTTLMs: q.StateTTLMs,
		Functions: wasm.Functions(q.Functions),
	}
	switch st := statements[0].(type) {
	case *ast.Select:
		b.Mode = plan.Bounded
		p, err := b.Select(q.ID, st.Query)
		if err == nil {
			p.Stages[len(p.Stages)-1].Output.Topic = q.Topic
		}
		return p, err
	case *ast.Create:
		p, _, err := b.CreateAs(q.ID, st)
		return p, err
	case *ast.InsertSelect:
		if result != nil {
			objects[result.Name] = result
		}
		p, _, err := b.InsertSelect(q.ID, st)
		return p, err
	default:
		return nil, fmt.Errorf("query %s is no CREATE .. AS or INSERT INTO", q.ID)
	}
}
