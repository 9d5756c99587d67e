package conform

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

func (e *engine) drop(st *ast.Drop) error {
	if st.What == "TYPE" {
		name := strings.ToUpper(st.Name.Name)
		if _, ok := e.types[name]; !ok && !st.IfExists {
			return sqlerr.New(sqlerr.NotFound, st.Name.At, "no type %s", name)
		}
		delete(e.types, name)
		return nil
	}
	o, ok := e.objects.Object(st.Name)
	if !ok {
		if st.IfExists {
			return nil
		}
		return sqlerr.New(sqlerr.NotFound, st.Name.At, "no %s %q", strings.ToLower(st.What), st.Name.Name)
	}
	if err := plan.CheckDrop(o, st); err != nil {
		return err
	}
	for _, q := range e.queries {
		reads := slices.ContainsFunc(q.inputs, func(in *input) bool { return in.object.Name == o.Name })
		writes := q.out.Name == o.Name && q.plan.Query != o.Query
		if reads || writes {
			return sqlerr.New(sqlerr.InUse, st.Name.At, "%s is used by query %s", o.Name, q.plan.Query).
				WithHint("TERMINATE %s first", q.plan.Query)
		}
	}
	e.queries = slices.DeleteFunc(e.queries, func(q *query) bool { return q.plan.Query == o.Query })
	delete(e.objects, o.Name)
	return nil
}

func (e *engine) alter(st *ast.Alter) error {
	o, ok := e.objects.Object(st.Name)
	if !ok {
		return sqlerr.New(sqlerr.NotFound, st.Name.At, "no %s %q", strings.ToLower(st.What), st.Name.Name)
	}
	changed, err := plan.AlterObject(o, st)
	if err != nil {
		return err
	}
	e.objects[o.Name] = changed
	return nil
}

func (e *engine) control(st *ast.Control) error {
	found := st.All
	for _, q := range e.queries {
		if !st.All && !strings.EqualFold(q.plan.Query, st.ID.Name) {
			continue
		}
		found = true
		q.paused = st.Verb != "RESUME"
	}
	if !found {
		return sqlerr.New(sqlerr.NotFound, st.ID.At, "no query %q", st.ID.Name)
	}
	if st.Verb == "TERMINATE" {
		e.queries = slices.DeleteFunc(e.queries, func(q *query) bool {
			return st.All || strings.EqualFold(q.plan.Query, st.ID.Name)
		})
	}
	return nil
}

// replace puts a new text in the place of a running query. State and position stay where the shape of the plan is the
// same.
func (e *engine) replace(old, o *plan.Object, p *plan.Plan, st *ast.Create) error {
	if err := plan.CheckReplace(old, o, st); err != nil {
		return err
	}
	q, err := newQuery(e, p, o)
	if err != nil {
		return err
	}
	for i, was := range e.queries {
		if was.plan.Query == old.Query {
			q.at = was.at
			for k, in := range q.inputs {
				if k < len(was.inputs) && in.object.Name == was.inputs[k].object.Name {
					in.wm = was.inputs[k].wm
				}
			}
			if err := q.runner.TakeOver(was.runner); err != nil {
				return sqlerr.New(sqlerr.BadStatement, st.Name.At, "%s cannot be replaced: %s", o.Name, err)
			}
			e.queries[i], e.objects[o.Name] = q, o
			return nil
		}
	}
	e.queries, e.objects[o.Name] = append(e.queries, q), o
	return nil
}
