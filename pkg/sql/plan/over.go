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

// overBinding collects the OVER calls of a select list. All of them share one PARTITION BY and ORDER BY.
type overBinding struct {
	inner *exprBinder
	pre   []expr.Expr // the input's columns, then partition keys and arguments
	names []string
	spec  *operator.Over
	out   *Node
	texts []string
	first string // PARTITION BY and ORDER BY of the first call
	time  int    // column of pre that ORDER BY names, or -1 for the event time as it is
}

func (b *Binder) bindOver(q *ast.Query, items []item, sc *scope) (*Node, error) {
	if sc.node.Updating {
		return nil, unsupported(overSpan(items), "OVER over a table (a changelog with updates)")
	}
	if q.PartitionBy {
		return nil, unsupported(partitionSpan(q), "PARTITION BY of the query together with OVER").
			WithHint("OVER (PARTITION BY ...) partitions the window; re-key in a query that reads this one")
	}
	if q.Emit == ast.EmitFinal {
		return nil, sqlerr.New(sqlerr.BadStatement, q.EmitAt, "EMIT FINAL needs a window with GROUP BY").
			WithHint("an OVER result is final already: a row leaves when the watermark has passed it")
	}
	o := &overBinding{inner: b.binder(sc), spec: &operator.Over{}, time: -1}
	o.pre, o.names = identity(sc.node)
	if err := o.collect(items, sc); err != nil {
		return nil, err
	}
	pre := project(sc.node, o.pre, o.names)
	if o.time >= 0 && o.time != pre.EventTime {
		setEventTime(pre, o.time)
	}
	o.out = &Node{Spec: o.spec, Inputs: []*Node{pre}, Props: pre.Props}
	o.out.Schema = &vector.Schema{Fields: slices.Clone(pre.Schema.Fields)}
	for i, a := range o.spec.Aggs {
		o.out.Schema.Fields = append(o.out.Schema.Fields, vector.Field{Name: fmt.Sprintf("$over%d", i), Type: a.T})
	}
	o.spec.Schema = o.out.Schema
	outer := *sc
	outer.node = o.out
	eb := b.binder(&outer)
	eb.aliases, eb.special = map[string]expr.Expr{}, o.special
	exprs, names, err := b.bindItems(eb, items)
	if err != nil {
		return nil, err
	}
	return project(o.out, exprs, names), nil
}

// collect binds every OVER call of the items once.
func (o *overBinding) collect(items []item, sc *scope) error {
	var err error
	for _, it := range items {
		walk(it.e, func(e ast.Expr) bool {
			if c, ok := e.(*ast.Call); ok && c.Over != nil && err == nil {
				err = o.add(c, sc)
			}
			return err == nil
		})
	}
	return err
}

func (o *overBinding) add(c *ast.Call, sc *scope) error {
	partition, err := o.inner.bindAll(c.Over.Partition)
	if err != nil {
		return err
	}
	where, err := o.order(c, sc)
	if err != nil {
		return err
	}
	for _, p := range partition {
		where += "," + textOf(p)
	}
	if o.first == "" {
		o.first = where
		for _, p := range partition {
			o.spec.Partition = append(o.spec.Partition, o.column(p))
		}
	} else if o.first != where {
		return unsupported(c.Over.At, "a second PARTITION BY or ORDER BY in one select list").
			WithHint("all OVER clauses of a query share one; use a subquery for another")
	}
	agg := operator.OverAgg{Func: strings.ToUpper(c.Name.Name), RangeMs: -1, Rows: -1}
	if c.Distinct || c.Filter != nil {
		return unsupported(c.At, "DISTINCT or FILTER together with OVER")
	}
	if err := overFrame(c, &agg); err != nil {
		return err
	}
	text, err := o.arguments(c, &agg)
	if err != nil {
		return err
	}
	if !slices.Contains(o.texts, text) {
		o.texts = append(o.texts, text)
		o.spec.Aggs = append(o.spec.Aggs, agg)
	}
	return nil
}

// order checks ORDER BY: one ascending time column.
func (o *overBinding) order(c *ast.Call, sc *scope) (string, error) {
	if len(c.Over.OrderBy) != 1 || c.Over.OrderBy[0].Desc {
		return "", sqlerr.New(sqlerr.BadStatement, c.Over.At, "OVER wants ORDER BY with one time column, ascending").
			WithHint("... OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL 15m PRECEDING AND CURRENT ROW)")
	}
	x, err := o.inner.bind(c.Over.OrderBy[0].Expr)
	if err != nil {
		return "", err
	}
	col, ok := x.(*expr.Column)
	if ok && col.Index == expr.ColRowtime || ok && col.Index >= 0 && col.Index == sc.node.EventTime {
		return "rowtime", nil
	}
	if k := x.Type().Kind; k != vector.BigInt && k != vector.Timestamp {
		return "", sqlerr.New(sqlerr.TypeMismatch, x.Span(), "OVER orders by time (BIGINT ms or TIMESTAMP), this is %s",
			x.Type())
	}
	o.time = o.column(x)
	return textOf(x), nil
}

func overFrame(c *ast.Call, agg *operator.OverAgg) error {
	f := c.Over.Frame
	if f == nil {
		return nil // RANGE UNBOUNDED PRECEDING, as in the SQL standard
	}
	if f.Following != 0 {
		return unsupported(f.At, "a frame that ends behind the current row")
	}
	agg.ByRows = f.Rows
	switch {
	case f.Preceding < 0:
	case f.Rows:
		agg.Rows = f.Preceding
	default:
		agg.RangeMs = f.Preceding
	}
	return nil
}

func (o *overBinding) arguments(c *ast.Call, agg *operator.OverAgg) (string, error) {
	var types []vector.Type
	var text strings.Builder
	fmt.Fprintf(&text, "%s/%d/%d/%v(", agg.Func, agg.RangeMs, agg.Rows, agg.ByRows)
	for _, arg := range c.Args {
		if _, star := arg.(*ast.Star); star {
			continue
		}
		if findOver(arg) != nil || containsAggregateCall(arg) {
			return "", sqlerr.New(sqlerr.BadStatement, arg.Span(), "window functions do not nest")
		}
		x, err := o.inner.bind(arg)
		if err != nil {
			return "", err
		}
		agg.Args = append(agg.Args, o.column(x))
		types = append(types, x.Type())
		text.WriteString(textOf(x) + ",")
	}
	t, err := operator.ResolveOver(agg.Func, types)
	if err != nil {
		return "", sqlerr.New(sqlerr.TypeMismatch, c.At, "%s", err.Error())
	}
	agg.T = t
	return text.String(), nil
}

// column returns the column of the Project in front that computes x.
func (o *overBinding) column(x expr.Expr) int {
	if i := slices.IndexFunc(o.pre, func(e expr.Expr) bool { return sameExpr(e, x) }); i >= 0 {
		return i
	}
	o.pre = append(o.pre, x)
	o.names = append(o.names, fmt.Sprintf("$%d", len(o.pre)))
	return len(o.pre) - 1
}

// special replaces an OVER call by its column.
func (o *overBinding) special(e ast.Expr) (expr.Expr, error) {
	c, ok := e.(*ast.Call)
	if !ok || c.Over == nil {
		return nil, nil
	}
	agg := operator.OverAgg{Func: strings.ToUpper(c.Name.Name), RangeMs: -1, Rows: -1}
	if err := overFrame(c, &agg); err != nil {
		return nil, err
	}
	text, err := o.arguments(c, &agg)
	if err != nil {
		return nil, err
	}
	return column(o.out, len(o.pre)+slices.Index(o.texts, text)), nil
}
