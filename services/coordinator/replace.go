package coordinator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// replace runs CREATE OR REPLACE of an object that exists: a declaration takes columns more, a query goes on under a
// new text where it stands, with the state it has.
func (c *Coordinator) replace(
	s *session, cat *catalog.Catalog, st *ast.Create, old *plan.Object,
) (api.Result, error) {
	if st.As == nil {
		return c.redeclare(s, cat, st, old)
	}
	was := cat.Queries[old.Query]
	if old.Query == "" {
		return api.Result{}, sqlerr.New(sqlerr.BadStatement, st.Name.At, "%s is declared; it cannot become the result "+
			"of a query", old.Name).WithHint("DROP %s and create it anew", old.Name)
	}
	if was == nil {
		return api.Result{}, sqlerr.New(sqlerr.BadStatement, st.Name.At, "the query that wrote %s was terminated; its "+
			"state is gone", old.Name).WithHint("DROP %s and create it anew", old.Name)
	}
	b := c.binder(s, plan.Persistent)
	b.Catalog = cat
	q := c.newQuery(s, cat, st.Stmt, st.With)
	cat.NextQuery--
	q.ID = was.ID
	p, o, err := b.CreateAs(q.ID, st)
	if err != nil {
		return api.Result{}, err
	}
	if err := plan.CheckReplace(old, o, st); err != nil {
		return api.Result{}, err
	}
	o.Topic = old.Topic
	before, err := was.Plan(old)
	if err != nil {
		return api.Result{}, err
	}
	kept, err := stage.Replaceable(before, p)
	if err != nil {
		return api.Result{}, sqlerr.New(sqlerr.BadStatement, st.Name.At, "%s cannot be replaced: %s", o.Name, err).
			WithHint("DROP %s and create it anew", o.Name)
	}
	q.Result, q.Sources, q.State = o.Name, sources(cat, p), was.State
	q.Generation, q.Before = was.Generation+1, was.Forget(catalog.MaxGenerations)
	if cycle := findCycle(cat, q); cycle != "" {
		return api.Result{}, sqlerr.New(sqlerr.BadStatement, st.Name.At, "this makes a cycle: %s", cycle)
	}
	if p.Late != nil {
		cat.Objects[p.Late.Name] = p.Late
	}
	cat.Objects[o.Name], cat.Queries[q.ID] = o, q
	return message(fmt.Sprintf("replaced %s %s: query %s goes on where it is under the new text; %s", kindName(o.Kind),
		o.Name, q.ID, kept), b.Warnings...), nil
}

// redeclare puts a declaration with more columns in the place of one.
func (c *Coordinator) redeclare(
	s *session, cat *catalog.Catalog, st *ast.Create, old *plan.Object,
) (api.Result, error) {
	def := plan.SettingDefaults(s.set, c.cfg.Partitions)
	o, warnings, err := plan.Define(st, def)
	if err != nil {
		return api.Result{}, err
	}
	if err := plan.CheckReplace(old, o, st); err != nil {
		return api.Result{}, err
	}
	if err := c.checkSource(o, st); err != nil {
		return api.Result{}, err
	}
	o.Topic, o.Partitions = old.Topic, old.Partitions
	cat.Objects[o.Name] = o
	return message(fmt.Sprintf("replaced %s %s; %s", kindName(o.Kind), o.Name, stays(cat, o.Name)), warnings...), nil
}

// stays says who goes on with the columns of before.
func stays(cat *catalog.Catalog, name string) string {
	readers := cat.Readers(name)
	if len(readers) == 0 {
		return "its rows stay"
	}
	return "its rows stay, and what reads it sees the columns of before: " + strings.Join(readers, ", ")
}

// alter runs ALTER STREAM|TABLE n ADD COLUMN.
func (c *Coordinator) alter(ctx context.Context, st *ast.Alter) (api.Result, error) {
	if st.What != "STREAM" && st.What != "TABLE" {
		return api.Result{}, unsupported(st, "ALTER "+st.What)
	}
	var done api.Result
	err := c.change(ctx, func(cat *catalog.Catalog) error {
		o, ok := cat.Object(st.Name)
		if !ok {
			return c.noObject(cat, st.Name)
		}
		changed, err := plan.AlterObject(o, st)
		if err != nil {
			return err
		}
		changed.Statement = strings.TrimSuffix(o.Statement, ";") + "; " + st.Text
		cat.Objects[o.Name] = changed
		done = message(fmt.Sprintf("altered %s %s; %s", kindName(o.Kind), o.Name, stays(cat, o.Name)))
		return nil
	})
	return done, err
}

// notes are the annotations of a statement; nil without any.
func notes(st ast.Stmt) map[string]string {
	if len(st.Annotations) == 0 {
		return nil
	}
	return maps.Clone(st.Annotations)
}

// notesText lists annotations by name.
func notesText(m map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, strings.TrimSpace("@"+k+" "+m[k]))
	}
	return strings.Join(out, ", ")
}
