package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// aggregate adds a call to the aggregation, or finds the same one again.
func (a *aggregation) aggregate(c *ast.Call) (expr.Expr, error) {
	args, err := aggregateArguments(c)
	if err != nil {
		return nil, err
	}
	name := strings.ToUpper(c.Name.Name)
	agg := operator.Agg{Func: name, Distinct: c.Distinct, Filter: -1}
	var text strings.Builder
	text.WriteString(name + "(")
	var types []vector.Type
	for _, arg := range args {
		x, err := a.argument(arg)
		if err != nil {
			return nil, err
		}
		agg.Args = append(agg.Args, a.preColumn(x))
		types = append(types, x.Type())
		text.WriteString(textOf(x) + ",")
	}
	if c.Filter != nil {
		f, err := a.argument(c.Filter)
		if err != nil {
			return nil, err
		}
		if err := wantBoolean(f, "FILTER"); err != nil {
			return nil, err
		}
		agg.Filter = a.preColumn(f)
		text.WriteString(" FILTER " + textOf(f))
	}
	if err := a.ksqlCall(name, c, args); err != nil {
		return nil, err
	}
	if agg.T, err = a.b.aggregateType(name, types, c.At); err != nil {
		return nil, err
	}
	return a.addAgg(agg, fmt.Sprintf("%s distinct=%v)", text.String(), c.Distinct), c.At), nil
}

// aggregateArguments are the arguments of a call as the table of aggregates has them: WITHIN GROUP (ORDER BY x) is the
// first one.
func aggregateArguments(c *ast.Call) ([]ast.Expr, error) {
	var args []ast.Expr
	for _, arg := range c.Args {
		if _, star := arg.(*ast.Star); !star {
			args = append(args, arg)
		}
	}
	if len(c.OrderBy) == 0 {
		return args, nil
	}
	o := c.OrderBy[0]
	switch name := strings.ToUpper(c.Name.Name); {
	case len(c.OrderBy) > 1 || !strings.HasPrefix(name, "PERCENTILE"):
		return nil, unsupported(o.Expr.Span(), "ORDER BY inside of "+name)
	case o.Desc:
		return nil, unsupported(o.Expr.Span(), "WITHIN GROUP in descending order").
			WithHint("PERCENTILE_CONT(1 - p) in ascending order is the same")
	case len(args) != 1:
		return nil, sqlerr.New(sqlerr.BadStatement, c.At, "%s(p) WITHIN GROUP (ORDER BY x) has one argument", name)
	}
	return []ast.Expr{o.Expr, args[0]}, nil
}

// aggregateType is the result type of an aggregate under the profile.
func (b *Binder) aggregateType(name string, types []vector.Type, at ast.Span) (vector.Type, error) {
	t, err := operator.ResolveAggIn(b.Profile, name, types)
	if err != nil {
		return t, sqlerr.New(sqlerr.TypeMismatch, at, "%s", err.Error())
	}
	return t, nil
}

func (a *aggregation) argument(e ast.Expr) (expr.Expr, error) {
	if containsAggregateCall(e) {
		return nil, sqlerr.New(sqlerr.BadStatement, e.Span(), "aggregates do not nest").
			WithHint("aggregate in a subquery first: SELECT ... FROM (SELECT ... GROUP BY ...)")
	}
	if findOver(e) != nil {
		return nil, sqlerr.New(sqlerr.BadStatement, e.Span(), "OVER does not stand inside of an aggregate").
			WithHint("compute it in a subquery first")
	}
	return a.inner.bind(e)
}

// preColumn returns the column of the Project in front of the Aggregate that computes x.
func (a *aggregation) preColumn(x expr.Expr) int {
	text := textOf(x)
	keys := 0
	if a.sets != nil { // Expand makes keys null: arguments need columns of their own
		keys = a.keys
	}
	if i := slices.IndexFunc(a.pre[keys:], func(k expr.Expr) bool { return textOf(k) == text }); i >= 0 {
		return keys + i
	}
	a.pre = append(a.pre, x)
	a.names = append(a.names, freeName(argName(x, len(a.pre)), a.names))
	return len(a.pre) - 1
}

func argName(x expr.Expr, i int) string {
	if c, ok := x.(*expr.Column); ok && c.Index >= 0 {
		return c.Name
	}
	return fmt.Sprintf("$%d", i)
}

func (a *aggregation) addAgg(agg operator.Agg, text string, at ast.Span) expr.Expr {
	spec, _ := a.out.Spec.(*operator.Aggregate)
	base := len(a.out.Schema.Fields) - len(spec.Aggs)
	i := slices.Index(a.texts, text)
	if i < 0 {
		i = len(spec.Aggs)
		spec.Aggs = append(spec.Aggs, agg)
		a.texts = append(a.texts, text)
		a.out.Schema.Fields = append(a.out.Schema.Fields, vector.Field{Name: fmt.Sprintf("$agg%d", i), Type: agg.T})
	}
	c := column(a.out, base+i)
	c.At = at
	return c
}
