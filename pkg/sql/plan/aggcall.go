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
	for _, k := range aggregateOrder(c) {
		x, err := a.argument(k.Expr)
		if err != nil {
			return nil, err
		}
		if err := sortsBy(c, x, agg.Args, a.preColumn(x)); err != nil {
			return nil, err
		}
		key := sortKeyOf(a.preColumn(x), k)
		agg.Order = append(agg.Order, key)
		fmt.Fprintf(&text, " ORDER %s %v %v", textOf(x), key.Desc, key.NullsLast)
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
	if c.Over == nil {
		var err error
		if args, err = nullArguments(c, args); err != nil {
			return nil, err
		}
	}
	if len(c.OrderBy) == 0 {
		return args, nil
	}
	o := c.OrderBy[0]
	name := strings.ToUpper(c.Name.Name)
	if name == "MODE" && len(args) == 0 && len(c.OrderBy) == 1 {
		return []ast.Expr{o.Expr}, nil
	}
	switch {
	case !inverse(name):
		return args, nil
	case len(c.OrderBy) > 1:
		return nil, sqlerr.New(sqlerr.BadStatement, c.OrderBy[1].Expr.Span(), "%s is of one column", name)
	case o.Desc:
		return nil, unsupported(o.Expr.Span(), "WITHIN GROUP in descending order").
			WithHint("PERCENTILE_CONT(1 - p) in ascending order is the same")
	case len(args) != 1:
		return nil, sqlerr.New(sqlerr.BadStatement, c.At, "%s(p) WITHIN GROUP (ORDER BY x) has one argument", name)
	}
	return []ast.Expr{o.Expr, args[0]}, nil
}

// nullArguments writes IGNORE NULLS and RESPECT NULLS of an aggregate as arguments: the picks by place in the log have
// one for it.
func nullArguments(c *ast.Call, args []ast.Expr) ([]ast.Expr, error) {
	name := strings.ToUpper(c.Name.Name)
	if !c.IgnoreNulls && !c.RespectNulls {
		return args, nil
	}
	picks := []string{
		"FIRST_VALUE", "FIRST", "ANY_VALUE", "LAST_VALUE", "LAST", "EARLIEST_BY_OFFSET", "LATEST_BY_OFFSET",
	}
	if !slices.Contains(picks, name) || len(args) == 0 || len(args) > 2 {
		return nil, sqlerr.New(sqlerr.BadStatement, c.At, "%s takes neither IGNORE NULLS nor RESPECT NULLS", name).
			WithHint("FIRST_VALUE and LAST_VALUE do; FILTER (WHERE x IS NOT NULL) leaves nulls out")
	}
	text := "true"
	if c.RespectNulls {
		text = "false"
	}
	return append(args, &ast.Literal{E: ast.E{At: c.At}, Kind: ast.BoolLit, Text: text}), nil
}

// inverse tells that ORDER BY names the argument of an aggregate: a value is found for a place in the order.
func inverse(name string) bool {
	return strings.HasPrefix(name, "PERCENTILE") || strings.HasPrefix(name, "QUANTILE")
}

// aggregateOrder is the order in which an aggregate wants its rows; none where it does not matter.
func aggregateOrder(c *ast.Call) []ast.OrderItem {
	if !operator.OrderMatters(c.Name.Name) {
		return nil
	}
	return c.OrderBy
}

// sortsBy checks an expression x of ORDER BY inside of an aggregate, which column col computes.
func sortsBy(c *ast.Call, x expr.Expr, args []int, col int) error {
	at := x.Span()
	if t := x.Type(); t.Phys() == vector.PhysNested {
		return sqlerr.New(sqlerr.TypeMismatch, at, "ORDER BY inside of %s: %s has no order",
			strings.ToUpper(c.Name.Name), t)
	}
	if c.Distinct && !slices.Contains(args, col) {
		return sqlerr.New(sqlerr.BadStatement, at, "with DISTINCT, ORDER BY inside of %s sorts by its arguments only",
			strings.ToUpper(c.Name.Name)).WithHint("which of the equal values would give the %s to sort by?", x)
	}
	return nil
}

// sortKeyOf is a sort key over column col; nulls are last, with DESC first, unless the query says otherwise.
func sortKeyOf(col int, k ast.OrderItem) operator.SortKey {
	key := operator.SortKey{Col: col, Desc: k.Desc, NullsLast: !k.Desc}
	if k.NullsSet {
		key.NullsLast = k.NullsLast
	}
	return key
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
