package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const dayMs = 24 * 60 * 60 * 1000

func ordinal(l *ast.Literal, n int) (int, error) {
	i, err := strconv.Atoi(l.Text)
	if err != nil || i < 1 || i > n {
		return 0, sqlerr.New(sqlerr.BadStatement, l.At, "position %s is outside of the select list (1 to %d)", l.Text,
			n)
	}
	return i - 1, nil
}

// aggregation collects what an Aggregate computes while the select list and HAVING are bound. The node in front of it
// is a Project: first the keys, then the arguments of the aggregates.
type aggregation struct {
	b      *Binder
	in     *scope
	inner  *exprBinder // binds keys and arguments
	pre    []expr.Expr // keys, then arguments
	keys   int
	names  []string
	texts  []string // canonical text of each aggregate
	window *ast.Window
	having map[string]expr.Expr // select aliases while HAVING is bound
	sets   *groupingSets        // GROUPING SETS, ROLLUP, CUBE
	// node is filled once the keys are known; aggregates are appended to its schema as they are met.
	out *Node
}

// bindAggregate binds GROUP BY, WINDOW, aggregates, HAVING and the OVER functions above them.
func (b *Binder) bindAggregate(q *ast.Query, items []item, sc *scope, table bool) (*Node, error) {
	if err := b.checkAggregate(q, sc); err != nil {
		return nil, err
	}
	in, err := b.windowTime(q.Window, sc)
	if err != nil {
		return nil, err
	}
	if in.node.Updating {
		changes := *in
		changes.node = retracting(in.node)
		in = &changes
	}
	a := &aggregation{b: b, in: in, inner: b.binder(in), window: q.Window}
	if err := a.bindKeys(q, items); err != nil {
		return nil, err
	}
	a.open(q)
	if hasOver(items) {
		return a.bindOver(q, items, table)
	}
	eb := a.outer()
	exprs, names, err := b.bindItems(eb, items)
	if err != nil {
		return nil, err
	}
	n, err := a.finish(q, eb)
	if err != nil {
		return nil, err
	}
	return b.result(q, selected{&scope{node: n}, items, exprs, names}, table)
}

// outer binds expressions over the rows of the aggregation.
func (a *aggregation) outer() *exprBinder {
	eb := a.b.itemBinder(&scope{node: a.out, relations: a.in.relations[:0:0]})
	eb.special, eb.star = a.special, a.star
	return eb
}

// bindOver puts OVER functions on the groups: all aggregates are collected first, HAVING filters what OVER sees.
func (a *aggregation) bindOver(q *ast.Query, items []item, table bool) (*Node, error) {
	eb := a.outer()
	for _, it := range items {
		if it.e == nil {
			continue
		}
		if err := a.collect(it.e); err != nil {
			return nil, err
		}
		if findOver(it.e) != nil {
			continue
		}
		x, err := bindItem(eb, it)
		if err != nil {
			return nil, err
		}
		if eb.aliases != nil {
			eb.aliases[lower(it.name)] = x
		}
	}
	n, err := a.finish(q, eb)
	if err != nil {
		return nil, err
	}
	o := newOver(a.b, q, n, a.outer())
	return o.bind(items, table)
}

// collect binds the aggregates in e, so that the rows of the aggregation are known.
func (a *aggregation) collect(e ast.Expr) error {
	var err error
	walk(e, func(x ast.Expr) bool {
		c, ok := x.(*ast.Call)
		if !ok || err != nil || c.Over != nil || !isAggregate(strings.ToUpper(c.Name.Name)) {
			return err == nil
		}
		_, err = a.aggregate(c)
		return false
	})
	return err
}

func (b *Binder) checkAggregate(q *ast.Query, sc *scope) error {
	if q.Emit == ast.EmitFinal && q.Window == nil {
		return sqlerr.New(sqlerr.BadStatement, q.EmitAt,
			"EMIT FINAL needs a window: a group without one is never final").
			WithHint("add WINDOW TUMBLING(...), or leave EMIT FINAL out")
	}
	if sc.node.Updating && q.Window != nil {
		return unsupported(q.Window.At, "a window over a table (a changelog with updates)").
			WithHint("window the stream it was made of")
	}
	if err := checkWindow(q.Window); err != nil {
		return err
	}
	if q.PartitionBy {
		return sqlerr.New(sqlerr.BadStatement, partitionSpan(q), "PARTITION BY does not go together with an aggregate").
			WithHint("GROUP BY makes the key of the result; PARTITION BY re-keys a stream")
	}
	return nil
}

// maxWindowsPerRow bounds the windows that one row may be part of.
const maxWindowsPerRow = 100_000

// checkWindow refuses windows that no machine should compute, and a retention that contradicts the window.
func checkWindow(w *ast.Window) error {
	if w == nil {
		return nil
	}
	if w.AdvanceMs > 0 && w.SizeMs/w.AdvanceMs > maxWindowsPerRow {
		return sqlerr.New(sqlerr.TooLarge, w.At, "a row would be part of %d windows; the limit is %d",
			w.SizeMs/w.AdvanceMs, maxWindowsPerRow).WithHint("choose a larger advance")
	}
	if w.RetentionMs >= 0 && w.RetentionMs < w.SizeMs+max(0, w.GraceMs) {
		return sqlerr.New(sqlerr.BadStatement, w.At, "RETENTION is shorter than the window and its grace").
			WithHint("RETENTION >= SIZE + GRACE PERIOD")
	}
	return nil
}

func partitionSpan(q *ast.Query) ast.Span {
	if len(q.Partition) == 0 {
		return q.At
	}
	return q.Partition[0].Span()
}

// windowTime applies a time column that the window names.
func (b *Binder) windowTime(w *ast.Window, sc *scope) (*scope, error) {
	if w == nil || w.TimeColumn == nil {
		return sc, nil
	}
	x, err := sc.resolve(&ast.Name{E: ast.E{At: w.TimeColumn.At}, Parts: []ast.Ident{*w.TimeColumn}})
	if err != nil {
		return nil, err
	}
	c, ok := x.(*expr.Column)
	if ok && c.Index >= 0 && c.Index == sc.node.EventTime || ok && c.Index == expr.ColRowtime {
		return sc, nil
	}
	if k := x.Type().Kind; k != vector.BigInt && k != vector.Timestamp {
		return nil, sqlerr.New(sqlerr.TypeMismatch, w.TimeColumn.At,
			"the time of a window is BIGINT ms or TIMESTAMP, %q is %s", w.TimeColumn.Name, x.Type())
	}
	out := *sc
	exprs, names := identity(sc.node)
	out.node = project(sc.node, exprs, names)
	setEventTime(out.node, c.Index)
	return &out, nil
}

// setEventTime makes column col of a projection the event time of its rows.
func setEventTime(n *Node, col int) {
	p, _ := n.Spec.(*operator.Project)
	p.EventTime, p.DelayMs = col, n.DelayMs
	n.EventTime = col
}

func (a *aggregation) bindKeys(q *ast.Query, items []item) error {
	var at []int
	for _, g := range q.GroupBy {
		x, name, err := a.bindKey(g, items)
		if err != nil {
			return err
		}
		if err := refuseMapKey(x.Type(), g.Span()); err != nil {
			return err
		}
		at = append(at, a.addKey(x, name))
	}
	a.keys = len(a.pre)
	a.openSets(q, at)
	return nil
}

// addKey returns the place of a key; one that is written twice is one.
func (a *aggregation) addKey(x expr.Expr, name string) int {
	if i := slices.IndexFunc(a.pre, func(e expr.Expr) bool { return sameExpr(e, x) }); i >= 0 {
		return i
	}
	a.pre = append(a.pre, x)
	a.names = append(a.names, freeName(name, a.names))
	return len(a.pre) - 1
}

// bindKey binds one key of GROUP BY: a column, an ordinal, a select alias or an expression.
func (a *aggregation) bindKey(g ast.Expr, items []item) (expr.Expr, string, error) {
	if l, ok := g.(*ast.Literal); ok && l.Kind == ast.IntLit && a.b.Profile != expr.Ksql {
		i, err := ordinal(l, len(items))
		if err != nil {
			return nil, "", err
		}
		if items[i].col >= 0 {
			return column(a.in.node, items[i].col), items[i].name, nil
		}
		x, err := a.inner.bind(items[i].e)
		return x, items[i].name, err
	}
	x, err := a.inner.bind(g)
	if err == nil {
		return x, keyName(x, items, g), nil
	}
	if n, ok := g.(*ast.Name); ok && len(n.Parts) == 1 && a.b.Profile != expr.Ksql {
		for _, it := range items {
			if it.e != nil && same(n.Parts[0], it.name) {
				x, err = a.inner.bind(it.e)
				return x, it.name, err
			}
		}
	}
	return nil, "", err
}

func keyName(x expr.Expr, items []item, g ast.Expr) string {
	if c, ok := x.(*expr.Column); ok {
		return c.Name
	}
	text := ast.FormatExpr(g)
	for _, it := range items {
		if it.e != nil && ast.FormatExpr(it.e) == text {
			return it.name
		}
	}
	return "$key"
}

// open makes the node that the select list is bound over: keys and window bounds; aggregates are added later.
func (a *aggregation) open(q *ast.Query) {
	in := a.in.node
	s := &vector.Schema{}
	for i, k := range a.pre {
		s.Fields = append(s.Fields, vector.Field{Name: a.names[i], Type: k.Type()})
	}
	p := Props{
		Schema: s, EventTime: -1, DelayMs: in.DelayMs, DelaySet: in.DelaySet, WindowStart: -1, WindowEnd: -1,
		Partitions: in.Partitions,
	}
	if a.sets != nil {
		a.sets.key = len(s.Fields)
		s.Fields = append(s.Fields, vector.Field{Name: freeName(groupingSet, a.names), Type: vector.TBigInt})
	}
	for i := range s.Fields {
		p.Key = append(p.Key, i)
		p.Part = append(p.Part, i)
	}
	spec := &operator.Aggregate{
		Schema: s, Emit: a.b.emission(q), DropNull: a.b.Profile == expr.Ksql, Ksql: a.b.Profile == expr.Ksql,
		Retracts: in.Updating,
		// The one group of a query without GROUP BY is always there.
		KeepEmpty: in.Updating && (a.b.Profile == expr.Ksql || a.keys == 0),
	}
	if q.Window != nil {
		p.WindowStart, p.WindowEnd = len(s.Fields), len(s.Fields)+1
		s.Fields = append(s.Fields, vector.Field{Name: freeName(windowStart, a.names), Type: vector.TBigInt},
			vector.Field{Name: freeName(windowEnd, a.names), Type: vector.TBigInt})
		p.Key = append(p.Key, p.WindowStart, p.WindowEnd)
		spec.Window = a.windowSpec(q)
	}
	p.Updating = spec.Emit != operator.EmitFinal
	p.Table = p.Updating
	p.KeyCols = p.Key
	for i := range p.Part { // with grouping sets the last one is set when Expand is made
		spec.Keys = append(spec.Keys, i)
	}
	a.out = &Node{Spec: spec, Props: p}
}

// emission chooses when results leave: a bounded run without EMIT wants final rows only.
func (b *Binder) emission(q *ast.Query) operator.Emission {
	switch {
	case q.Emit == ast.EmitFinal, q.Emit == ast.EmitDefault && b.Mode == Bounded:
		return operator.EmitFinal
	case b.inner && b.Mode == Bounded:
		return operator.EmitFinal
	case b.inner && b.final && q.Window != nil:
		b.finals++
		return operator.EmitFinal
	case b.RecordEmission:
		return operator.EmitRecord
	default:
		return operator.EmitBatch
	}
}

func (a *aggregation) windowSpec(q *ast.Query) operator.Window {
	w := q.Window
	out := a.b.windowOf(w)
	out.GraceMs = w.GraceMs
	if w.GraceMs < 0 {
		out.GraceMs = dayMs
		if q.Emit == ast.EmitFinal || a.in.node.DelaySet && !out.Ksql {
			out.GraceMs = 0
		}
	}
	return out
}

// special replaces key expressions and aggregate calls by columns of the aggregation.
func (a *aggregation) special(e ast.Expr) (expr.Expr, error) {
	switch n := e.(type) {
	case *ast.Literal:
		if a.keys == 0 {
			return nil, nil
		}
	case *ast.Name:
		return a.keyOrWindow(n)
	case *ast.Call:
		if name, ok := boundFunction(n); ok {
			return a.keyOrWindow(name)
		}
		if isGrouping(n) {
			return a.grouping(n)
		}
		if n.Over == nil && isAggregate(strings.ToUpper(n.Name.Name)) {
			return a.aggregate(n)
		}
	}
	if containsAggregateCall(e) || findOver(e) != nil {
		return nil, nil
	}
	x, err := a.inner.bind(e)
	if err != nil {
		return nil, nil //nolint:nilerr // it is bound again in parts, which reports the error at its place
	}
	if i := a.key(x); i >= 0 {
		return column(a.out, i), nil
	}
	return nil, nil
}

// star is a column that a * of the select list stands for: a key.
func (a *aggregation) star(col int, at ast.Span) (expr.Expr, error) {
	if i := a.key(column(a.in.node, col)); i >= 0 {
		return column(a.out, i), nil
	}
	return nil, notGrouped(a.in.node.Schema.Fields[col].Name, at)
}

func notGrouped(name string, at ast.Span) error {
	return sqlerr.New(sqlerr.BadStatement, at, "%q is neither grouped by nor aggregated", name).
		WithHint("add it to GROUP BY, or write LAST(%s), MIN(%s), ...", name, name)
}

func (a *aggregation) key(x expr.Expr) int {
	text := textOf(x)
	return slices.IndexFunc(a.pre[:a.keys], func(k expr.Expr) bool { return textOf(k) == text })
}

func (a *aggregation) keyOrWindow(n *ast.Name) (expr.Expr, error) {
	x, err := a.inner.bind(n)
	if err == nil {
		if i := a.key(x); i >= 0 {
			c := column(a.out, i)
			c.At = n.At
			return c, nil
		}
	}
	if x := a.bound(n); x != nil {
		return x, nil
	}
	if len(n.Parts) == 1 {
		for i := range a.keys {
			if same(n.Parts[0], a.out.Schema.Fields[i].Name) {
				return column(a.out, i), nil
			}
		}
	}
	if x, ok := a.having[strings.ToLower(n.Parts[0].Name)]; ok && len(n.Parts) == 1 {
		return x, nil
	}
	if err != nil {
		return nil, a.unknownName(n, err)
	}
	return nil, notGrouped(n.Parts[len(n.Parts)-1].Name, n.At)
}

// bound is the bound of the window that a name means, or nil.
func (a *aggregation) bound(n *ast.Name) expr.Expr {
	if a.out.WindowStart < 0 {
		return nil
	}
	switch boundName(n) {
	case windowStart:
		c := column(a.out, a.out.WindowStart)
		c.At = n.At
		return c
	case windowEnd:
		c := column(a.out, a.out.WindowEnd)
		c.At = n.At
		return c
	case windowTime:
		one := &expr.Literal{V: int64(1), T: vector.TBigInt, At: n.At}
		x, err := a.b.Profile.Call("-", []expr.Expr{column(a.out, a.out.WindowEnd), one}, n.At)
		if err != nil {
			return nil
		}
		return x
	default:
		return nil
	}
}

// unknownName lets the alias of an earlier item pass and explains a missing window.
func (a *aggregation) unknownName(n *ast.Name, err error) error {
	if _, ok := windowAlias[strings.ToLower(n.Parts[0].Name)]; ok && a.window == nil {
		return sqlerr.New(sqlerr.UnknownColumn, n.At, "%q needs a window", n.Parts[0].Name).
			WithHint("add WINDOW TUMBLING(5m)")
	}
	return err
}

// finish puts the pieces together: Project, Expand for grouping sets, Aggregate, HAVING.
func (a *aggregation) finish(q *ast.Query, eb *exprBinder) (*Node, error) {
	var having expr.Expr
	if q.Having != nil {
		var err error
		a.having = eb.aliases
		if having, err = eb.bind(q.Having); err != nil {
			return nil, err
		}
		if err := wantBoolean(having, "HAVING"); err != nil {
			return nil, err
		}
	}
	a.out.Inputs = []*Node{a.expand(project(a.in.node, a.pre, a.names))}
	if having != nil {
		return filter(a.out, having), nil
	}
	return a.out, nil
}

func hasAggregate(items []item) bool {
	return slices.ContainsFunc(items, func(it item) bool { return it.e != nil && containsAggregateCall(it.e) })
}

func hasOver(items []item) bool {
	return slices.ContainsFunc(items, func(it item) bool { return it.e != nil && findOver(it.e) != nil })
}

func findOver(e ast.Expr) *ast.Call {
	var found *ast.Call
	walk(e, func(x ast.Expr) bool {
		if c, ok := x.(*ast.Call); ok && c.Over != nil && found == nil {
			found = c
		}
		return found == nil
	})
	return found
}

func containsAggregateCall(e ast.Expr) bool {
	found := false
	walk(e, func(x ast.Expr) bool {
		if c, ok := x.(*ast.Call); ok && c.Over == nil && isAggregate(strings.ToUpper(c.Name.Name)) {
			found = true
		}
		return !found
	})
	return found
}
