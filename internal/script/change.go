package script

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// change runs the statements that change or tell what earlier ones made. Rows flow once the whole script is known, so
// that what is dropped or replaced never takes part.
func (c *compiler) change(st ast.Statement) error {
	switch st := st.(type) {
	case *ast.Drop:
		return c.drop(st)
	case *ast.Alter:
		o, err := c.object(st.Name)
		if err != nil {
			return err
		}
		changed, err := plan.AlterObject(o, st)
		if err == nil {
			c.p.Objects[o.Name] = changed
		}
		return err
	case *ast.Control:
		return c.control(st)
	case *ast.Show:
		return c.show(st)
	case *ast.Describe:
		return c.describe(st)
	}
	return sqlerr.New(sqlerr.NotSupported, st.Span(), "this statement is not supported by leat run").
		WithHint("leat dev runs a server that answers it; leat sql talks to it")
}

func (c *compiler) object(name ast.Ident) (*plan.Object, error) {
	o, ok := c.p.Objects.Object(name)
	if !ok {
		return nil, sqlerr.New(sqlerr.UnknownObject, name.At, "no stream or table %q", name.Name)
	}
	return o, nil
}

func (c *compiler) drop(st *ast.Drop) error {
	if st.What != "STREAM" && st.What != "TABLE" {
		return sqlerr.New(sqlerr.NotSupported, st.At, "DROP %s is not supported by leat run", st.What)
	}
	if _, ok := c.p.Objects.Object(st.Name); !ok && st.IfExists {
		return nil
	}
	o, err := c.object(st.Name)
	if err == nil {
		err = plan.CheckDrop(o, st)
	}
	if err != nil {
		return err
	}
	for _, p := range c.p.Plans {
		for _, s := range p.Stages {
			for _, in := range s.Inputs {
				if in.Object == o.Name {
					return sqlerr.New(sqlerr.InUse, st.Name.At, "%s is read by query %s", o.Name, p.Query).
						WithHint("drop what reads it first")
				}
			}
		}
	}
	for _, s := range c.p.Sinks {
		if from, ok := c.p.Objects.Object(s.From); ok && from.Name == o.Name {
			return sqlerr.New(sqlerr.InUse, st.Name.At, "%s is read by sink %s", o.Name, s.Name.Name)
		}
	}
	if o.Query != "" {
		c.forget(o.Query)
	}
	c.p.Inserts = slices.DeleteFunc(c.p.Inserts, func(i Insert) bool { return i.Object.Name == o.Name })
	c.p.Plans = slices.DeleteFunc(c.p.Plans, func(p *plan.Plan) bool {
		return p.Stages[len(p.Stages)-1].Output.Topic == o.Topic
	})
	c.p.Declared = slices.DeleteFunc(c.p.Declared, func(n string) bool { return n == o.Name })
	delete(c.p.Objects, o.Name)
	delete(c.p.Objects, o.Name+plan.LateSuffix)
	return nil
}

// forget takes a query out.
func (c *compiler) forget(query string) {
	c.p.Plans = slices.DeleteFunc(c.p.Plans, func(p *plan.Plan) bool { return p.Query == query })
}

func (c *compiler) control(st *ast.Control) error {
	if st.Verb != "TERMINATE" {
		return sqlerr.New(sqlerr.NotSupported, st.At, "%s is not supported by leat run, whose queries end with "+
			"their input", st.Verb)
	}
	if st.All {
		c.p.Plans = nil
		return nil
	}
	for _, p := range c.p.Plans {
		if strings.EqualFold(p.Query, st.ID.Name) {
			c.forget(p.Query)
			return nil
		}
	}
	return sqlerr.New(sqlerr.NotFound, st.ID.At, "no query %q", st.ID.Name)
}

// replace puts an object and its query in the place of those of the same name.
func (c *compiler) replace(ctx context.Context, old *plan.Object, st *ast.Create) error {
	if st.As == nil {
		o, warnings, err := plan.Define(st, plan.SettingDefaults(c.set, max(1, c.opt.Partitions)))
		if err == nil {
			err = plan.CheckReplace(old, o, st)
		}
		if err != nil {
			return err
		}
		c.p.Warnings = append(c.p.Warnings, warnings...)
		c.override(o)
		c.p.Objects[o.Name] = o
		return nil
	}
	b := c.binder(ctx, plan.Persistent)
	p, o, err := b.CreateAs(c.id(st.Text), st)
	if err == nil {
		err = plan.CheckReplace(old, o, st)
	}
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.p.Plans, func(p *plan.Plan) bool { return p.Query == old.Query })
	if i < 0 {
		return sqlerr.New(sqlerr.BadStatement, st.Name.At, "the query that wrote %s was terminated", old.Name)
	}
	c.p.Warnings = append(c.p.Warnings, b.Warnings...)
	c.p.Plans[i], c.p.Objects[o.Name] = p, o
	if p.Late != nil {
		c.p.Objects[p.Late.Name] = p.Late
	}
	return nil
}

func (c *compiler) show(st *ast.Show) error {
	var b strings.Builder
	switch st.What {
	case "STREAMS", "TABLES":
		for _, n := range c.p.Objects.Names() {
			if o := c.p.Objects[n]; (o.Kind == ast.Table) == (st.What == "TABLES") {
				fmt.Fprintln(&b, o.Name)
			}
		}
	case "QUERIES":
		for _, p := range c.p.Plans {
			fmt.Fprintf(&b, "%s  %s\n", p.Query, strings.Join(strings.Fields(c.p.Texts[p.Query]), " "))
		}
	default:
		return sqlerr.New(sqlerr.NotSupported, st.At, "SHOW %s is not supported by leat run", st.What).
			WithHint("leat run answers SHOW STREAMS, TABLES and QUERIES")
	}
	c.p.Explains = append(c.p.Explains, b.String())
	return nil
}

func (c *compiler) describe(st *ast.Describe) error {
	if st.What == "FUNCTION" || st.What == "SINK" {
		return sqlerr.New(sqlerr.NotSupported, st.At, "DESCRIBE %s is not supported by leat run", st.What)
	}
	o, err := c.object(st.Name)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, col := range o.Columns {
		key := ""
		if col.Key {
			key = " KEY"
		}
		fmt.Fprintf(&b, "%s %s%s\n", col.Name, ast.FormatType(col.Type), key)
	}
	c.p.Explains = append(c.p.Explains, b.String())
	return nil
}
