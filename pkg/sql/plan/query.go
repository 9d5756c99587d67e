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

// Mode is what becomes of a query's result.
type Mode uint8

// The modes. Persistent: CSAS, CTAS, INSERT INTO: runs until it is dropped. Push: a client's SELECT .. EMIT. Bounded:
// all input has an end, and the final rows are the answer (leat run, pull queries).
const (
	Persistent Mode = iota
	Push
	Bounded
)

// Binder binds the queries of one statement.
type Binder struct {
	Catalog Catalog
	Mode    Mode
	// RecordEmission emits after each row (SET 'emit' = 'record').
	RecordEmission bool
	// Profile is the dialect of the statement.
	Profile expr.Profile
	// KeyFormat is the session's format for keys that no source gives one; "" is KAFKA.
	KeyFormat string
	// Warnings are collected for the user; they do not stop anything.
	Warnings []string
	depth    int
	inner    bool // the query being bound feeds another one
	selected int  // columns of the outermost select list; behind them stand key columns that were kept
	renames  bool // INSERT .. SELECT: columns go by their place, names may repeat
}

const maxQueryDepth = 32

// bindQuery makes the logical plan of a query. table tells that a CREATE TABLE wants its keys kept.
func (b *Binder) bindQuery(q *ast.Query, table bool) (*Node, error) {
	b.depth++
	defer func() { b.depth-- }()
	if b.depth > maxQueryDepth {
		return nil, sqlerr.New(sqlerr.TooLarge, q.At, "queries are nested more than %d deep", maxQueryDepth)
	}
	if err := b.refuseQuery(q); err != nil {
		return nil, err
	}
	sc, err := b.bindFrom(q.From)
	if err != nil {
		return nil, err
	}
	if sc.node.Updating && b.Mode == Bounded && q.Emit == ast.EmitDefault {
		sc.node = foldTable(sc.node) // what counts is the table's state at the end
	}
	if q.Where != nil {
		if sc, err = b.bindWhere(sc, q.Where); err != nil {
			return nil, err
		}
	}
	n, err := b.bindSelect(q, sc, table)
	if err != nil {
		return nil, err
	}
	return b.bindOrderLimit(q, sc, n)
}

// refuseQuery names the clauses that no plan exists for.
func (b *Binder) refuseQuery(q *ast.Query) error {
	switch {
	case len(q.With) > 0:
		return unsupported(q.With[0].Name.At, "WITH (a common table expression)")
	case q.Union != nil:
		return unsupported(q.Union.At, "UNION ALL")
	case q.Values != nil:
		return unsupported(q.At, "VALUES as a query")
	case q.Grouping != nil:
		return unsupported(q.GroupBy[0].Span(), "GROUPING SETS, ROLLUP and CUBE")
	case len(q.Sources) > 0:
		return unsupported(q.Sources[0].At, "WITH on a SELECT")
	case len(q.Into) > 0:
		return unsupported(q.Into[0].At, "SELECT .. INTO").WithHint("CREATE STREAM %s AS SELECT ..., or CREATE SINK",
			q.Into[0].Name)
	case q.Window != nil && q.Window.ProcessingTime:
		return unsupported(q.Window.At, "a window by processing time").
			WithHint("windows go by event time; without event_time that is the append time")
	case q.Window != nil && q.Window.Kind == ast.Cumulate:
		return unsupported(q.Window.At, "a CUMULATE window")
	case b.inner && q.Emit != ast.EmitDefault:
		return sqlerr.New(sqlerr.BadStatement, q.EmitAt, "EMIT belongs to the outermost query")
	}
	return nil
}

func (b *Binder) bindWhere(sc *scope, where ast.Expr) (*scope, error) {
	eb := b.binder(sc)
	pred, err := eb.bind(where)
	if err != nil {
		return nil, err
	}
	if err := wantBoolean(pred, "WHERE"); err != nil {
		return nil, err
	}
	out := *sc
	out.node = pushFilter(sc.node, pred)
	return &out, nil
}

func (b *Binder) bindFrom(r ast.Relation) (*scope, error) {
	switch r := r.(type) {
	case nil:
		one := &Node{Values: [][]expr.Expr{{}}, Props: Props{
			Schema: &vector.Schema{}, Partitions: 1, EventTime: -1,
			WindowStart: -1, WindowEnd: -1,
		}}
		return &scope{node: one}, nil
	case *ast.TableRef:
		return b.bindTable(r)
	case *ast.SubqueryRef:
		return b.bindSubquery(r)
	case *ast.Join:
		return b.bindJoin(r)
	case *ast.WindowTVF:
		return nil, unsupported(r.At, "a window table function in FROM").
			WithHint("write WINDOW TUMBLING(...) after FROM")
	default:
		return nil, unsupported(r.Span(), "this relation")
	}
}

func (b *Binder) bindTable(r *ast.TableRef) (*scope, error) {
	if r.File {
		return nil, unsupported(r.At, "FROM 'file'").WithHint("CREATE STREAM name (...) WITH (file = '%s') declares it",
			r.Name.Name)
	}
	o, err := lookup(b.Catalog, r.Name)
	if err != nil {
		return nil, err
	}
	alias := ast.Ident{Name: o.Name, At: r.At}
	if r.Alias != nil {
		alias = *r.Alias
	}
	n := scanNode(o)
	return &scope{node: n, relations: []relation{{alias: alias, from: 0, to: len(n.Schema.Fields), object: o}}}, nil
}

func (b *Binder) bindSubquery(r *ast.SubqueryRef) (*scope, error) {
	was := b.inner
	b.inner = true
	n, err := b.bindQuery(r.Query, false)
	b.inner = was
	if err != nil {
		return nil, err
	}
	alias := ast.Ident{Name: "the subquery", Quoted: true}
	if r.Alias != nil {
		alias = *r.Alias
	}
	return &scope{node: n, relations: []relation{{alias: alias, from: 0, to: len(n.Schema.Fields)}}}, nil
}

// item is one column of the select list after stars are expanded.
type item struct {
	e    ast.Expr // to bind, or
	col  int      // a column of the input (star)
	name string   // result name, "" for a generated one
	at   ast.Span
	key  bool
}

// expandItems expands stars and names the items.
func (b *Binder) expandItems(q *ast.Query, sc *scope) ([]item, error) {
	var items []item
	for _, it := range q.Items {
		if !it.Star {
			items = append(items, item{e: it.Expr, col: -1, name: b.itemName(it, sc), at: it.At, key: it.Key})
			continue
		}
		cols, err := b.expandStar(it, sc)
		if err != nil {
			return nil, err
		}
		items = append(items, cols...)
	}
	return b.nameItems(items)
}

func (b *Binder) expandStar(it ast.SelectItem, sc *scope) ([]item, error) {
	var of *ast.Ident
	if it.Of != nil {
		n, ok := it.Of.(*ast.Name)
		if !ok || len(n.Parts) != 1 {
			return nil, unsupported(it.At, "-> * of a STRUCT")
		}
		of = &n.Parts[0]
	}
	var items []item
	for _, r := range sc.relations {
		if of != nil && !same(*of, r.alias.Name) {
			continue
		}
		for i := r.from; i < r.to; i++ {
			name := sc.node.Schema.Fields[i].Name
			if len(sc.relations) > 1 {
				name = r.alias.Name + "_" + name
			}
			items = append(items, item{col: i, name: name, at: it.At})
		}
	}
	if len(items) == 0 {
		return nil, sqlerr.New(sqlerr.UnknownObject, it.At,
			"nothing to select: * needs a relation in FROM with columns")
	}
	return items, nil
}

// itemName is the alias, or the column's name, prefixed where a join makes it ambiguous.
func (b *Binder) itemName(it ast.SelectItem, sc *scope) string {
	if it.Alias != nil {
		return it.Alias.Name
	}
	n, ok := it.Expr.(*ast.Name)
	if !ok {
		return ""
	}
	last := n.Parts[len(n.Parts)-1]
	if len(n.Parts) == 2 && len(sc.find(nil, last)) > 1 {
		return n.Parts[0].Name + "_" + last.Name
	}
	if found := sc.find(nil, last); len(found) > 0 { // the case of the declaration
		return sc.node.Schema.Fields[found[0]].Name
	}
	if canon, ok := windowAlias[strings.ToLower(last.Name)]; ok {
		return canon
	}
	return last.Name
}

const maxColumns = 200

func (b *Binder) nameItems(items []item) ([]item, error) {
	generated := 0
	seen := map[string]bool{}
	for i := range items {
		if items[i].name == "" {
			items[i].name = fmt.Sprintf("KSQL_COL_%d", generated)
			generated++
		}
		for b.renames && seen[items[i].name] {
			items[i].name += "_1"
		}
		if seen[items[i].name] {
			return nil, sqlerr.New(sqlerr.Ambiguous, items[i].at, "two columns of the result are named %q",
				items[i].name).
				WithHint("give one of them another name with AS")
		}
		seen[items[i].name] = true
	}
	if len(items) > maxColumns {
		return nil, sqlerr.New(sqlerr.TooLarge, items[maxColumns].at, "%d columns in the select list; the limit is %d",
			len(items), maxColumns)
	}
	return items, nil
}

// bindSelect chooses between a plain projection, OVER functions and an aggregation.
func (b *Binder) bindSelect(q *ast.Query, sc *scope, table bool) (*Node, error) {
	items, err := b.expandItems(q, sc)
	if err != nil {
		return nil, err
	}
	aggregates := hasAggregate(items) || q.Having != nil && containsAggregate(q.Having)
	over := hasOver(items)
	switch {
	case over && (aggregates || len(q.GroupBy) > 0 || q.Window != nil):
		return nil, unsupported(overSpan(items), "OVER together with GROUP BY or a window")
	case over:
		return b.bindOver(q, items, sc)
	case aggregates || len(q.GroupBy) > 0 || q.Window != nil || q.Distinct:
		return b.bindAggregate(q, items, sc, table)
	case q.Having != nil:
		return nil, sqlerr.New(sqlerr.BadStatement, q.Having.Span(), "HAVING needs GROUP BY or an aggregate").
			WithHint("WHERE filters rows")
	}
	if q.Emit == ast.EmitFinal {
		return nil, sqlerr.New(sqlerr.BadStatement, q.EmitAt, "EMIT FINAL needs a window: nothing here is ever final").
			WithHint("leave EMIT out, or add WINDOW TUMBLING(...) and GROUP BY")
	}
	eb := b.binder(sc)
	eb.aliases = map[string]expr.Expr{}
	exprs, names, err := b.bindItems(eb, items)
	if err != nil {
		return nil, err
	}
	if !b.inner {
		b.selected = len(exprs)
	}
	if table || sc.node.Updating {
		exprs, names = keepColumns(sc.node, sc.node.Key, exprs, names)
	}
	return b.repartition(q, project(sc.node, exprs, names), eb)
}

// repartition applies PARTITION BY.
func (b *Binder) repartition(q *ast.Query, n *Node, eb *exprBinder) (*Node, error) {
	if !q.PartitionBy {
		return n, nil
	}
	if n.Updating {
		return nil, sqlerr.New(sqlerr.BadStatement, q.Partition[0].Span(),
			"PARTITION BY needs a stream; this is a table")
	}
	n.Key, n.Part = nil, nil
	for _, p := range q.Partition {
		if l, ok := p.(*ast.Literal); ok && l.Kind == ast.NullLit {
			continue
		}
		x, err := eb.bind(p)
		if err != nil {
			return nil, err
		}
		col := findExpr(n, x)
		if col < 0 {
			return nil, sqlerr.New(sqlerr.BadStatement, p.Span(), "PARTITION BY names %s, which is not selected", x).
				WithHint("add it to the select list")
		}
		n.Key = append(n.Key, col)
	}
	return n, nil
}

// findExpr returns the output column of a projection that computes x, or -1.
func findExpr(n *Node, x expr.Expr) int {
	p, ok := n.Spec.(*operator.Project)
	if !ok {
		return -1
	}
	return slices.IndexFunc(p.Exprs, func(e expr.Expr) bool { return sameExpr(e, x) })
}

// keepColumns adds the columns that a table's key needs and the select list leaves out.
func keepColumns(n *Node, cols []int, exprs []expr.Expr, names []string) ([]expr.Expr, []string) {
	for _, k := range cols {
		have := slices.ContainsFunc(exprs, func(e expr.Expr) bool {
			c, ok := e.(*expr.Column)
			return ok && c.Index == k
		})
		if !have {
			exprs = append(exprs, column(n, k))
			names = append(names, freeName(n.Schema.Fields[k].Name, names))
		}
	}
	return exprs, names
}

func freeName(name string, taken []string) string {
	for slices.Contains(taken, name) {
		name += "_1"
	}
	return name
}

// bindItems binds the select list in order; an item's alias is visible in the items behind it.
func (b *Binder) bindItems(eb *exprBinder, items []item) ([]expr.Expr, []string, error) {
	exprs := make([]expr.Expr, len(items))
	names := make([]string, len(items))
	for i, it := range items {
		names[i] = it.name
		if it.col >= 0 && eb.star == nil {
			exprs[i] = column(eb.scope.node, it.col)
			continue
		}
		if it.col >= 0 {
			x, err := eb.star(it.col, it.at)
			if err != nil {
				return nil, nil, err
			}
			exprs[i] = x
			continue
		}
		x, err := eb.bind(it.e)
		if err != nil {
			return nil, nil, err
		}
		if x.Type().Kind == vector.Null {
			return nil, nil, sqlerr.New(sqlerr.TypeMismatch, it.at, "column %q is NULL without a type", it.name).
				WithHint("CAST(NULL AS STRING)")
		}
		if !smaller(x, maxNodes) {
			return nil, nil, sqlerr.New(sqlerr.TooLarge, it.at,
				"column %q has more than %d terms with its aliases put in", it.name, maxNodes)
		}
		exprs[i] = x
		if eb.aliases != nil {
			eb.aliases[strings.ToLower(it.name)] = x
		}
	}
	return exprs, names, nil
}

// bindOrderLimit puts Sort or Limit on top.
func (b *Binder) bindOrderLimit(q *ast.Query, in *scope, n *Node) (*Node, error) {
	if len(q.OrderBy) > 0 && b.Mode != Bounded {
		return nil, sqlerr.New(sqlerr.BadStatement, q.OrderBy[0].Expr.Span(),
			"ORDER BY has no meaning on an endless result").
			WithHint("it orders bounded input (leat run) and pull queries")
	}
	if q.Limit >= 0 && b.Mode == Persistent {
		return nil, sqlerr.New(sqlerr.BadStatement, q.LimitAt, "LIMIT has no meaning in a query that keeps running")
	}
	if q.Offset > 0 && b.Mode != Bounded {
		return nil, sqlerr.New(sqlerr.BadStatement, q.LimitAt, "OFFSET needs bounded input or a pull query")
	}
	if len(q.OrderBy) == 0 {
		if q.Limit < 0 && q.Offset == 0 {
			return n, nil
		}
		spec := &operator.Limit{N: q.Limit, Offset: q.Offset, Schema: n.Schema}
		return &Node{Spec: spec, Inputs: []*Node{n}, Props: n.Props}, nil
	}
	return b.bindOrder(q, in, n)
}

// bindOrder sorts the result n; a key may also read columns of the input that the select list leaves out.
func (b *Binder) bindOrder(q *ast.Query, from *scope, n *Node) (*Node, error) {
	visible := len(n.Schema.Fields)
	n = b.addOrderKeys(q, from, n)
	sc := &scope{node: n, relations: []relation{{alias: ast.Ident{Name: "the result"}, to: len(n.Schema.Fields)}}}
	exprs, names := identity(n)
	var keys []operator.SortKey
	for _, o := range q.OrderBy {
		x, err := b.bindOrderKey(o.Expr, sc, n)
		if err != nil {
			return nil, err
		}
		col := slices.IndexFunc(exprs, func(e expr.Expr) bool { return sameExpr(e, x) })
		if col < 0 {
			col = len(exprs)
			exprs, names = append(exprs, x), append(names, fmt.Sprintf("$sort%d", col))
		}
		nullsLast := !o.Desc // as in PostgreSQL: NULLs are larger than all values
		if o.NullsSet {
			nullsLast = o.NullsLast
		}
		keys = append(keys, operator.SortKey{Col: col, Desc: o.Desc, NullsLast: nullsLast})
	}
	in := n
	if len(exprs) > visible {
		in = project(n, exprs, names)
	}
	spec := &operator.Sort{Keys: keys, Limit: q.Limit, Offset: q.Offset, Schema: in.Schema}
	sorted := &Node{Spec: spec, Inputs: []*Node{in}, Props: in.Props}
	if len(exprs) > visible {
		sorted = project(sorted, exprs[:visible], names[:visible])
	}
	return sorted, nil
}

// bindOrderKey binds an ORDER BY key: an ordinal, a result column, or an expression over result columns.
func (b *Binder) bindOrderKey(e ast.Expr, sc *scope, n *Node) (expr.Expr, error) {
	if l, ok := e.(*ast.Literal); ok && l.Kind == ast.IntLit {
		i, err := ordinal(l, len(n.Schema.Fields))
		if err != nil {
			return nil, err
		}
		return column(n, i), nil
	}
	if name, ok := e.(*ast.Name); ok && len(name.Parts) == 2 { // t.col of the select list
		e = &ast.Name{E: name.E, Parts: name.Parts[1:]}
	}
	return b.binder(sc).bind(e)
}

// addOrderKeys appends to a plain projection the columns of its input that ORDER BY names and the result does not have.
func (b *Binder) addOrderKeys(q *ast.Query, from *scope, n *Node) *Node {
	p, ok := n.Spec.(*operator.Project)
	if !ok || n.Inputs[0] != from.node || q.Distinct {
		return n
	}
	result := &scope{node: n, relations: []relation{{alias: ast.Ident{Name: "the result"}, to: len(n.Schema.Fields)}}}
	exprs, names := slices.Clone(p.Exprs), fieldNames(n)
	for _, o := range q.OrderBy {
		if _, err := b.bindOrderKey(o.Expr, result, n); err == nil {
			continue
		}
		walk(o.Expr, func(e ast.Expr) bool {
			name, ok := e.(*ast.Name)
			if !ok || len(result.find(nil, name.Parts[len(name.Parts)-1])) > 0 {
				return true
			}
			if x, err := from.resolve(name); err == nil {
				exprs, names = append(exprs, x), append(names, name.Parts[len(name.Parts)-1].Name)
			}
			return true
		})
	}
	if len(exprs) == len(p.Exprs) {
		return n
	}
	out := project(from.node, exprs, names)
	out.Updating, out.Table = n.Updating, n.Table
	return out
}

func fieldNames(n *Node) []string {
	names := make([]string, len(n.Schema.Fields))
	for i, f := range n.Schema.Fields {
		names[i] = f.Name
	}
	return names
}
