package plan

import (
	"fmt"
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
	// node is filled once the keys are known; aggregates are appended to its schema as they are met.
	out *Node
}

// bindAggregate binds GROUP BY, WINDOW, aggregates and HAVING.
func (b *Binder) bindAggregate(q *ast.Query, items []item, sc *scope, table bool) (*Node, error) {
	if err := b.checkAggregate(q, sc); err != nil {
		return nil, err
	}
	in, err := b.windowTime(q.Window, sc)
	if err != nil {
		return nil, err
	}
	a := &aggregation{b: b, in: in, inner: b.binder(in), window: q.Window}
	if err := a.bindKeys(q, items); err != nil {
		return nil, err
	}
	a.open(q)
	eb := b.binder(&scope{node: a.out, relations: in.relations[:0:0]})
	eb.aliases = map[string]expr.Expr{}
	eb.special, eb.star = a.special, a.star
	exprs, names, err := b.bindItems(eb, items)
	if err != nil {
		return nil, err
	}
	var having expr.Expr
	if q.Having != nil {
		a.having = eb.aliases
		if having, err = eb.bind(q.Having); err != nil {
			return nil, err
		}
		if err := wantBoolean(having, "HAVING"); err != nil {
			return nil, err
		}
	}
	return a.finish(having, exprs, names, table), nil
}

func (b *Binder) checkAggregate(q *ast.Query, sc *scope) error {
	if q.Emit == ast.EmitFinal && q.Window == nil {
		return sqlerr.New(sqlerr.BadStatement, q.EmitAt,
			"EMIT FINAL needs a window: a group without one is never final").
			WithHint("add WINDOW TUMBLING(...), or leave EMIT FINAL out")
	}
	if sc.node.Updating {
		return unsupported(q.At, "an aggregate over a table (a changelog with updates)").
			WithHint("aggregate the stream it was made of")
	}
	if err := checkWindow(q.Window); err != nil {
		return err
	}
	if q.PartitionBy {
		return sqlerr.New(sqlerr.BadStatement, partitionSpan(q), "PARTITION BY does not go together with an aggregate").
			WithHint("GROUP BY makes the key of the result; PARTITION BY re-keys a stream")
	}
	if q.Distinct && (len(q.GroupBy) > 0 || q.Window != nil) {
		return unsupported(q.At, "SELECT DISTINCT with GROUP BY or a window")
	}
	if q.Distinct && b.Mode != Bounded {
		return unsupported(q.At, "SELECT DISTINCT over an endless stream").WithHint("GROUP BY makes a table of it")
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
	if w.Kind == ast.Hopping && w.AdvanceMs > 0 && w.SizeMs/w.AdvanceMs > maxWindowsPerRow {
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
	for _, g := range q.GroupBy {
		x, name, err := a.bindKey(g, items)
		if err != nil {
			return err
		}
		a.addKey(x, name)
	}
	for _, it := range items {
		if !q.Distinct {
			break
		}
		if it.col >= 0 {
			a.addKey(column(a.in.node, it.col), it.name)
			continue
		}
		x, err := a.inner.bind(it.e)
		if err != nil {
			return err
		}
		a.addKey(x, it.name)
	}
	a.keys = len(a.pre)
	return nil
}

func (a *aggregation) addKey(x expr.Expr, name string) {
	if slices.ContainsFunc(a.pre, func(e expr.Expr) bool { return sameExpr(e, x) }) {
		return
	}
	a.pre = append(a.pre, x)
	a.names = append(a.names, freeName(name, a.names))
}

// bindKey binds one key of GROUP BY: a column, an ordinal, a select alias or an expression.
func (a *aggregation) bindKey(g ast.Expr, items []item) (expr.Expr, string, error) {
	if l, ok := g.(*ast.Literal); ok && l.Kind == ast.IntLit {
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
	if n, ok := g.(*ast.Name); ok && len(n.Parts) == 1 {
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
	for _, it := range items {
		if it.e == g {
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
	for i := range a.pre {
		p.Key = append(p.Key, i)
		p.Part = append(p.Part, i)
	}
	spec := &operator.Aggregate{Schema: s, Emit: a.b.emission(q)}
	if q.Window != nil {
		p.WindowStart, p.WindowEnd = len(s.Fields), len(s.Fields)+1
		s.Fields = append(s.Fields, vector.Field{Name: freeName(windowStart, a.names), Type: vector.TBigInt},
			vector.Field{Name: freeName(windowEnd, a.names), Type: vector.TBigInt})
		p.Key = append(p.Key, p.WindowStart, p.WindowEnd)
		spec.Window = a.windowSpec(q)
	}
	p.Updating = spec.Emit != operator.EmitFinal
	p.Table = p.Updating
	for i := range a.keys {
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
	case b.RecordEmission:
		return operator.EmitRecord
	default:
		return operator.EmitBatch
	}
}

func (a *aggregation) windowSpec(q *ast.Query) operator.Window {
	w := q.Window
	kinds := map[ast.WindowKind]operator.WindowKind{
		ast.Tumbling: operator.Tumbling, ast.Hopping: operator.Hopping,
		ast.Session: operator.Session,
	}
	out := operator.Window{
		Kind: kinds[w.Kind], SizeMs: w.SizeMs, AdvanceMs: w.AdvanceMs, GraceMs: w.GraceMs,
		ProcessingTime: w.ProcessingTime,
	}
	if out.Kind == operator.Tumbling {
		out.AdvanceMs = w.SizeMs
	}
	if w.GraceMs < 0 {
		out.GraceMs = dayMs
		if q.Emit == ast.EmitFinal || a.in.node.DelaySet {
			out.GraceMs = 0
		}
	}
	return out
}

// special replaces key expressions and aggregate calls by columns of the aggregation.
func (a *aggregation) special(e ast.Expr) (expr.Expr, error) {
	if c, ok := e.(*ast.Call); ok && c.Over == nil && isAggregate(strings.ToUpper(c.Name.Name)) {
		return a.aggregate(c)
	}
	switch n := e.(type) {
	case *ast.Literal:
		return nil, nil
	case *ast.Name:
		return a.keyOrWindow(n)
	}
	if containsAggregateCall(e) {
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
	if len(n.Parts) == 1 {
		out := &scope{node: a.out}
		if c := out.metadata(nil, n.Parts[0]); c != nil && c.Index >= 0 {
			c.At = n.At
			return c, nil
		}
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

// unknownName lets the alias of an earlier item pass and explains a missing window.
func (a *aggregation) unknownName(n *ast.Name, err error) error {
	if _, ok := windowAlias[strings.ToLower(n.Parts[0].Name)]; ok && a.window == nil {
		return sqlerr.New(sqlerr.UnknownColumn, n.At, "%q needs a window", n.Parts[0].Name).
			WithHint("add WINDOW TUMBLING(5m)")
	}
	return err
}

// aggregate adds a call to the aggregation, or finds the same one again.
func (a *aggregation) aggregate(c *ast.Call) (expr.Expr, error) {
	name := strings.ToUpper(c.Name.Name)
	agg := operator.Agg{Func: name, Distinct: c.Distinct, Filter: -1}
	var text strings.Builder
	text.WriteString(name + "(")
	var types []vector.Type
	for _, arg := range c.Args {
		if _, star := arg.(*ast.Star); star {
			continue
		}
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
	if len(c.OrderBy) > 0 {
		return nil, unsupported(c.OrderBy[0].Expr.Span(), "ORDER BY inside of an aggregate")
	}
	t, err := operator.ResolveAgg(name, types)
	if err != nil {
		return nil, sqlerr.New(sqlerr.TypeMismatch, c.At, "%s", err.Error())
	}
	agg.T = t
	return a.addAgg(agg, fmt.Sprintf("%s distinct=%v)", text.String(), c.Distinct), c.At), nil
}

func (a *aggregation) argument(e ast.Expr) (expr.Expr, error) {
	if containsAggregateCall(e) {
		return nil, sqlerr.New(sqlerr.BadStatement, e.Span(), "aggregates do not nest").
			WithHint("aggregate in a subquery first: SELECT ... FROM (SELECT ... GROUP BY ...)")
	}
	return a.inner.bind(e)
}

// preColumn returns the column of the Project in front of the Aggregate that computes x.
func (a *aggregation) preColumn(x expr.Expr) int {
	text := textOf(x)
	if i := slices.IndexFunc(a.pre, func(k expr.Expr) bool { return textOf(k) == text }); i >= 0 {
		return i
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

// finish puts the pieces together: Project, Aggregate, HAVING, Project.
func (a *aggregation) finish(having expr.Expr, exprs []expr.Expr, names []string, table bool) *Node {
	pre := project(a.in.node, a.pre, a.names)
	a.out.Inputs = []*Node{pre}
	n := a.out
	if having != nil {
		n = filter(n, having)
	}
	if table {
		exprs, names = keepColumns(n, n.Key, exprs, names)
	}
	return project(n, exprs, names)
}

func containsAggregate(e ast.Expr) bool { return containsAggregateCall(e) }

func hasAggregate(items []item) bool {
	return slices.ContainsFunc(items, func(it item) bool { return it.e != nil && containsAggregateCall(it.e) })
}

func hasOver(items []item) bool {
	return slices.ContainsFunc(items, func(it item) bool { return it.e != nil && findOver(it.e) != nil })
}

func overSpan(items []item) ast.Span {
	for _, it := range items {
		if it.e != nil {
			if c := findOver(it.e); c != nil {
				return c.At
			}
		}
	}
	return ast.Span{}
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
