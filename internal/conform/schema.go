package conform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// schemas compares the columns of objects with those that the case lists.
func (c *ksqlCase) schemas(e *engine) []Outcome {
	const group = "schemas"
	var out []Outcome
	for _, w := range c.Schemas {
		id := c.ID + " " + w.Name
		o, ok := e.objects.Object(ast.Ident{Name: w.Name})
		if !ok {
			out = append(out, failed(id, group, "no object "+w.Name, c.text()))
			continue
		}
		want, err := columnList(w.Schema)
		if err != nil {
			out = append(out, skipped(id, group, err.Error()))
			continue
		}
		got := columnsOf(o)
		if !slices.Equal(want, got) {
			out = append(out, failed(id, group, "columns differ",
				fmt.Sprintf("%s\n- want %s\n+ got  %s\n", c.text(), strings.Join(want, ", "), strings.Join(got, ", "))))
			continue
		}
		out = append(out, passed(id, group))
	}
	return out
}

// columnList reads a list of columns as a statement would write it, keys first.
func columnList(text string) ([]string, error) {
	st, errs := parser.Parse("CREATE STREAM x ("+text+") WITH (value_format='JSON');", parser.Options{Upper: true})
	if len(errs) > 0 {
		return nil, fmt.Errorf("the schema %q: %w", text, errs[0])
	}
	var keys, values []string
	for _, col := range st[0].(*ast.Create).Columns { //nolint:forcetypeassert // the text begins with CREATE STREAM
		s := fmt.Sprintf("%s %s", col.Name.Name, col.Type)
		if col.Key || col.Primary {
			keys = append(keys, s+" KEY")
		} else {
			values = append(values, s)
		}
	}
	return slices.Concat(keys, values), nil
}

func columnsOf(o *plan.Object) []string {
	l := layoutOf(o)
	var out []string
	for _, k := range l.keys {
		out = append(out, fmt.Sprintf("%s %s KEY", o.Columns[k].Name, o.Columns[k].Type))
	}
	for _, v := range l.values {
		out = append(out, fmt.Sprintf("%s %s", o.Columns[v].Name, o.Columns[v].Type))
	}
	return out
}
