package plan

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// windowFunc is a function that stands with OVER only.
type windowFunc struct {
	least, most int
	usage       string
	result      func(types []vector.Type) vector.Type
}

func firstType(types []vector.Type) vector.Type { return types[0] }
func bigIntType([]vector.Type) vector.Type      { return vector.TBigInt }
func doubleType([]vector.Type) vector.Type      { return vector.TDouble }

// windowFuncs is the table of the functions that are no aggregates.
var windowFuncs = map[string]windowFunc{
	"ROW_NUMBER":   {0, 0, "ROW_NUMBER()", bigIntType},
	"RANK":         {0, 0, "RANK()", bigIntType},
	"DENSE_RANK":   {0, 0, "DENSE_RANK()", bigIntType},
	"PERCENT_RANK": {0, 0, "PERCENT_RANK()", doubleType},
	"CUME_DIST":    {0, 0, "CUME_DIST()", doubleType},
	"NTILE":        {1, 1, "NTILE(n)", bigIntType},
	"LAG":          {1, 3, "LAG(x [, n [, default]])", firstType},
	"LEAD":         {1, 3, "LEAD(x [, n [, default]])", firstType},
	"FIRST_VALUE":  {1, 1, "FIRST_VALUE(x)", firstType},
	"LAST_VALUE":   {1, 1, "LAST_VALUE(x)", firstType},
	"NTH_VALUE":    {2, 2, "NTH_VALUE(x, n)", firstType},
}

// numbering are the functions that number rows.
var numbering = map[string]bool{"ROW_NUMBER": true, "RANK": true, "DENSE_RANK": true}

// ranked tells that a function needs no frame.
func ranked(name string) bool {
	return numbering[name] || name == "LAG" || name == "LEAD" || name == "PERCENT_RANK" || name == "CUME_DIST" ||
		name == "NTILE"
}

// streamsOver tells that the operator for rows in event time order computes a function.
func streamsOver(k overCall) bool {
	t, err := operator.ResolveOver(k.name, k.types)
	return err == nil && t.Equal(k.t)
}

// windowArguments are the arguments of a function with OVER; the offset of LAG and LEAD is a number of rows.
func windowArguments(c *ast.Call) ([]ast.Expr, error) {
	name := strings.ToUpper(c.Name.Name)
	if err := overNulls(c, name); err != nil {
		return nil, err
	}
	if name != "LAG" && name != "LEAD" || len(c.Args) < 2 {
		return aggregateArguments(c)
	}
	bad := sqlerr.New(sqlerr.BadStatement, c.Args[1].Span(), "%s counts rows: a number from 0 on", name)
	switch n := c.Args[1].(type) {
	case *ast.Literal:
		if v, err := strconv.ParseInt(n.Text, 10, 32); n.Kind != ast.IntLit || err != nil || v < 0 {
			return nil, bad
		}
	case *ast.Unary:
		return nil, bad
	}
	return c.Args, nil
}

// overNulls checks IGNORE NULLS and RESPECT NULLS of a function with OVER.
func overNulls(c *ast.Call, name string) error {
	if _, own := windowFuncs[name]; own && !numbering[name] && !ranked(name) || name == "LAG" || name == "LEAD" {
		return nil
	}
	if c.IgnoreNulls || c.RespectNulls {
		return sqlerr.New(sqlerr.BadStatement, c.At, "%s takes neither IGNORE NULLS nor RESPECT NULLS", name).
			WithHint("LAG, LEAD, FIRST_VALUE, LAST_VALUE and NTH_VALUE do; " +
				"of an aggregate, FILTER (WHERE x IS NOT NULL)")
	}
	return nil
}

// windowType is the result type of a function with OVER.
func (b *Binder) windowType(name string, types []vector.Type, c *ast.Call) (vector.Type, error) {
	f, ok := windowFuncs[name]
	switch {
	case !ok && isAggregate(name):
		return b.aggregateType(name, types, c.At)
	case !ok:
		e := sqlerr.New(sqlerr.UnknownFunc, c.At, "no window function %s", name)
		if near := sqlerr.Nearest(name, windowNames()); near != "" {
			return vector.TNull, e.WithHint("did you mean %s?", near)
		}
		return vector.TNull, e.WithHint("window functions: aggregates, and %s", strings.Join(windowNames(), ", "))
	case len(types) < f.least || len(types) > f.most:
		return vector.TNull, sqlerr.New(sqlerr.TypeMismatch, c.At, "%s is called as %s, not with %d arguments", name,
			f.usage, len(types))
	case c.Distinct || c.Filter != nil:
		return vector.TNull, sqlerr.New(sqlerr.BadStatement, c.At,
			"DISTINCT and FILTER belong to aggregates; %s is none", name)
	}
	return f.result(types), nil
}

func windowNames() []string {
	return slices.Sorted(maps.Keys(windowFuncs))
}
