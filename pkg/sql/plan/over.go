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

// overBinding collects the OVER calls of a select list. Those with equal PARTITION BY and ORDER BY share an operator;
// several operators follow each other, each appends its columns.
type overBinding struct {
	b     *Binder
	q     *ast.Query
	base  *Node       // the rows, of a relation or of groups
	inner *exprBinder // binds over base
	pre   []expr.Expr // the columns of base, then partition keys, order keys and arguments
	names []string
	specs []*overSpec
	out   *Node
	full  []fullBuffer
	rank  *rankLimit // the query keeps the first rows of each partition only
}

// overSpec is one PARTITION BY and ORDER BY with its calls.
type overSpec struct {
	text      string
	at        ast.Span
	partition []int
	order     []operator.SortKey
	calls     []overCall
	expireMs  int64
	first     int // column of the first call in the output
}

// overCall is one function with its frame.
type overCall struct {
	text     string
	at       ast.Span
	name     string
	args     []int
	types    []vector.Type
	distinct bool
	filter   int
	frame    *ast.Frame
	ignore   bool               // IGNORE NULLS
	order    []operator.SortKey // inside of the call
	t        vector.Type
}

func newOver(b *Binder, q *ast.Query, base *Node, inner *exprBinder) *overBinding {
	o := &overBinding{b: b, q: q, base: base, inner: inner, rank: b.ranks[q]}
	o.pre, o.names = identity(base)
	return o
}

// bindOver binds a select list with OVER functions over the rows of FROM.
func (b *Binder) bindOver(q *ast.Query, items []item, sc *scope, table bool) (*Node, error) {
	if q.Emit == ast.EmitFinal && b.finals == 0 && sc.node.WindowEnd < 0 {
		return nil, sqlerr.New(sqlerr.BadStatement, q.EmitAt, "EMIT FINAL needs a window with GROUP BY").
			WithHint("an OVER result is final already: a row leaves when the watermark has passed it")
	}
	o := newOver(b, q, sc.node, b.binder(sc))
	return o.bindOn(items, sc, table)
}

// bind binds the items over groups.
func (o *overBinding) bind(items []item, table bool) (*Node, error) {
	return o.bindOn(items, &scope{node: o.base}, table)
}

func (o *overBinding) bindOn(items []item, sc *scope, table bool) (*Node, error) {
	if o.q.PartitionBy {
		return nil, unsupported(partitionSpan(o.q), "PARTITION BY of the query together with OVER").
			WithHint("OVER (PARTITION BY ...) partitions the window; re-key in a query that reads this one")
	}
	if err := o.collect(items); err != nil {
		return nil, err
	}
	if err := o.build(); err != nil {
		return nil, err
	}
	outer := *sc
	outer.node = o.out
	eb := o.b.itemBinder(&outer)
	before := o.inner.special
	eb.special = func(e ast.Expr) (expr.Expr, error) {
		if x, err := o.special(e); x != nil || err != nil || before == nil {
			return x, err
		}
		return before(e)
	}
	eb.star = o.inner.star
	exprs, names, err := o.b.bindItems(eb, items)
	if err != nil {
		return nil, err
	}
	return o.b.result(o.q, selected{&outer, items, exprs, names}, table)
}

// collect binds every OVER call of the items once.
func (o *overBinding) collect(items []item) error {
	var err error
	for _, it := range items {
		walk(it.e, func(e ast.Expr) bool {
			if c, ok := e.(*ast.Call); ok && c.Over != nil && err == nil {
				err = o.add(c)
				return false
			}
			return err == nil
		})
	}
	return err
}

func (o *overBinding) add(c *ast.Call) error {
	spec, err := o.spec(c)
	if err != nil {
		return err
	}
	call, err := o.call(c)
	if err != nil || call.beyond() {
		return err
	}
	if i := slices.IndexFunc(o.specs, func(s *overSpec) bool { return s.text == spec.text }); i >= 0 {
		spec = o.specs[i]
	} else {
		o.specs = append(o.specs, spec)
	}
	spec.add(call)
	if n := c.Over.Full; n > 0 {
		count := fullCall(n)
		o.full = append(o.full, fullBuffer{spec, spec.add(count), n})
	}
	return nil
}

// add adds a call unless it is there, and returns its place.
func (s *overSpec) add(call overCall) int {
	i := slices.IndexFunc(s.calls, func(k overCall) bool { return k.text == call.text })
	if i < 0 {
		i = len(s.calls)
		s.calls = append(s.calls, call)
	}
	return i
}

// spec binds PARTITION BY and ORDER BY of a call.
func (o *overBinding) spec(c *ast.Call) (*overSpec, error) {
	s := &overSpec{at: c.Over.At}
	var text strings.Builder
	for _, p := range c.Over.Partition {
		x, err := o.bindInner(p)
		if err != nil {
			return nil, err
		}
		if col := o.column(x); !slices.Contains(s.partition, col) {
			s.partition = append(s.partition, col)
			text.WriteString(textOf(x) + ",")
		}
	}
	text.WriteString(" by ")
	for _, k := range c.Over.OrderBy {
		x, err := o.bindInner(k.Expr)
		if err != nil {
			return nil, err
		}
		key := sortKeyOf(o.column(x), k)
		s.order = append(s.order, key)
		fmt.Fprintf(&text, "%s %v %v,", textOf(x), key.Desc, key.NullsLast)
	}
	s.expireMs = c.Over.ExpireMs
	fmt.Fprintf(&text, " expire %d", s.expireMs)
	s.text = text.String()
	return s, nil
}

// bindInner binds an expression in which no OVER may stand.
func (o *overBinding) bindInner(e ast.Expr) (expr.Expr, error) {
	if findOver(e) != nil {
		return nil, sqlerr.New(sqlerr.BadStatement, e.Span(), "window functions do not nest").
			WithHint("compute the inner one in a subquery")
	}
	return o.inner.bind(e)
}

// call binds a function and its arguments.
func (o *overBinding) call(c *ast.Call) (overCall, error) {
	k := overCall{
		name: strings.ToUpper(c.Name.Name), at: c.At, distinct: c.Distinct, filter: -1, frame: c.Over.Frame,
		ignore: c.IgnoreNulls,
	}
	args, err := windowArguments(c)
	if err != nil {
		return k, err
	}
	var text strings.Builder
	for i, arg := range args {
		x, err := o.bindInner(arg)
		if err != nil {
			return k, err
		}
		if i == 2 && (k.name == "LAG" || k.name == "LEAD") && !x.Type().Equal(k.types[0]) {
			if x, err = o.b.Profile.Cast(x, k.types[0], false, arg.Span()); err != nil {
				return k, err
			}
		}
		k.args, k.types = append(k.args, o.column(x)), append(k.types, x.Type())
		text.WriteString(textOf(x) + ",")
	}
	for _, item := range aggregateOrder(c) {
		x, err := o.bindInner(item.Expr)
		if err != nil {
			return k, err
		}
		if err := sortsBy(c, x, k.args, o.column(x)); err != nil {
			return k, err
		}
		k.order = append(k.order, sortKeyOf(o.column(x), item))
		fmt.Fprintf(&text, " ORDER %s %v", textOf(x), k.order[len(k.order)-1])
	}
	if c.Filter != nil {
		f, err := o.bindInner(c.Filter)
		if err != nil {
			return k, err
		}
		if err := wantBoolean(f, "FILTER"); err != nil {
			return k, err
		}
		k.filter = o.column(f)
		text.WriteString(" FILTER " + textOf(f))
	}
	if k.t, err = o.b.windowType(k.name, k.types, c); err != nil {
		return k, err
	}
	frame := "none"
	if k.frame != nil {
		frame = fmt.Sprint(k.frame.Rows, k.frame.Preceding, k.frame.Following)
	}
	k.text = fmt.Sprintf("%s/%v/%v/%s(%s)", k.name, c.Distinct, k.ignore, frame, text.String())
	return k, nil
}

// column returns the column of the Project in front that computes x.
func (o *overBinding) column(x expr.Expr) int {
	if i := slices.IndexFunc(o.pre, func(e expr.Expr) bool { return sameExpr(e, x) }); i >= 0 {
		return i
	}
	o.pre = append(o.pre, x)
	o.names = append(o.names, freeName(fmt.Sprintf("$%d", len(o.pre)), o.names))
	return len(o.pre) - 1
}

// special replaces an OVER call by its column.
func (o *overBinding) special(e ast.Expr) (expr.Expr, error) {
	c, ok := e.(*ast.Call)
	if !ok || c.Over == nil {
		return nil, nil
	}
	spec, err := o.spec(c)
	if err != nil {
		return nil, err
	}
	call, err := o.call(c)
	if err != nil {
		return nil, err
	}
	if call.beyond() {
		return o.nothing(call), nil
	}
	for _, s := range o.specs {
		if s.text != spec.text {
			continue
		}
		i := slices.IndexFunc(s.calls, func(k overCall) bool { return k.text == call.text })
		if s.first < 0 {
			return o.rank.one(c.At), nil
		}
		x := column(o.out, s.first+i)
		x.At = c.At
		return x, nil
	}
	return nil, unsupported(c.At, "this window function here")
}

// beyond tells that a LEAD looks behind a frame that ends at the current row: there is nothing to see.
func (k overCall) beyond() bool { return k.name == "LEAD" && k.frame != nil && k.frame.Following == 0 }

// nothing is the value of a LEAD that sees no row: its default, or null.
func (o *overBinding) nothing(k overCall) expr.Expr {
	if len(k.args) == 3 {
		return o.pre[k.args[2]]
	}
	return &expr.Literal{T: k.t, At: k.at}
}
