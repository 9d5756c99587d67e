package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// bindSelect chooses between a plain projection, OVER functions and an aggregation; DISTINCT comes on top.
func (b *Binder) bindSelect(q *ast.Query, sc *scope, table bool) (*Node, error) {
	q, err := b.groupWindow(q)
	if err == nil && q.Buffer != nil {
		q, err = b.bufferedQuery(q)
	}
	if err != nil {
		return nil, err
	}
	items, err := b.expandItems(q, sc)
	if err != nil {
		return nil, err
	}
	aggregates := hasAggregate(items) || q.Having != nil && containsAggregateCall(q.Having)
	if err := b.checkKsql(q, items, sc, aggregates); err != nil {
		return nil, err
	}
	if aggregates || q.GroupBy != nil || hasOver(items) {
		if err := refuseTableCalls(items); err != nil {
			return nil, err
		}
	}
	was := b.keep
	b.keep = q.Distinct
	defer func() { b.keep = was }()
	table = table && !q.Distinct // whose key is its columns
	var n *Node
	switch {
	case aggregates || q.GroupBy != nil || q.Window != nil && !q.Distinct:
		n, err = b.bindAggregate(q, items, sc, table)
	case q.Having != nil && (b.Profile == expr.Ksql || hasOver(items) || q.Distinct):
		err = sqlerr.New(sqlerr.BadStatement, q.Having.Span(), "HAVING needs GROUP BY or an aggregate").
			WithHint("WHERE filters rows")
	case q.Emit == ast.EmitFinal && !hasOver(items) && b.finals == 0:
		err = sqlerr.New(sqlerr.BadStatement, q.EmitAt, "EMIT FINAL needs a window: nothing here is ever final").
			WithHint("leave EMIT out, or add WINDOW TUMBLING(...) and GROUP BY")
	case hasOver(items):
		n, err = b.bindOver(q, items, sc, table)
	default:
		n, err = b.bindPlain(q, items, sc, table)
	}
	if err != nil {
		return nil, err
	}
	if q.Distinct {
		if n, err = b.distinct(q, n); err != nil {
			return nil, err
		}
	}
	if !b.inner {
		b.selected = len(n.Schema.Fields) - n.Hidden
	}
	return n, nil
}

// bindPlain binds a projection.
func (b *Binder) bindPlain(q *ast.Query, items []item, sc *scope, table bool) (*Node, error) {
	in := sc
	if q.Distinct && q.Window != nil {
		var err error
		if in, err = b.assignWindow(q.Window, sc); err != nil {
			return nil, err
		}
	}
	in, special, err := b.bindTableCalls(items, in)
	if err != nil {
		return nil, err
	}
	eb := b.itemBinder(in)
	eb.special = special
	exprs, names, err := b.bindItems(eb, items)
	if err != nil {
		return nil, err
	}
	if q.Having != nil {
		if in, err = b.havingRows(q, in, eb); err != nil {
			return nil, err
		}
	}
	if q.Distinct && in.node.WindowEnd >= 0 && !in.node.Updating {
		return b.projectWindowed(in.node, exprs, names), nil
	}
	return b.result(q, selected{in, items, exprs, names}, table)
}

// havingRows filters rows by a HAVING without groups, which reads the aliases of the select list too.
func (b *Binder) havingRows(q *ast.Query, sc *scope, eb *exprBinder) (*scope, error) {
	pred, err := eb.bind(q.Having)
	if err != nil {
		return nil, err
	}
	if err := wantBoolean(pred, "HAVING"); err != nil {
		return nil, err
	}
	b.Warnings = append(b.Warnings, "HAVING without GROUP BY filters rows, as WHERE does")
	out := *sc
	out.node = pushFilter(sc.node, pred)
	return &out, nil
}

// selected is a bound select list over the node of a scope.
type selected struct {
	scope *scope
	items []item
	exprs []expr.Expr
	names []string
}

// result projects a select list, with the key that the profile and PARTITION BY want.
func (b *Binder) result(q *ast.Query, s selected, table bool) (*Node, error) {
	switch {
	case b.Profile == expr.Ksql && b.Mode == Persistent && !b.inner:
		return b.ksqlResult(q, s)
	case q.PartitionBy:
		return b.repartition(q, s)
	default:
		return b.projectKeyed(s.scope.node, s.exprs, s.names, table), nil
	}
}

// repartition applies PARTITION BY; an expression that is not selected is added.
func (b *Binder) repartition(q *ast.Query, s selected) (*Node, error) {
	keys, err := b.partitionKeys(q, s)
	if err != nil {
		return nil, err
	}
	exprs, names := slices.Clone(s.exprs), slices.Clone(s.names)
	var key []int
	for _, k := range keys {
		col := slices.IndexFunc(exprs, func(e expr.Expr) bool { return sameExpr(e, k.exprs[0]) })
		if col < 0 {
			col = len(exprs)
			exprs, names = append(exprs, k.exprs[0]), append(names, freeName(b.partName(k.from, names), names))
		}
		key = append(key, col)
	}
	n := project(s.scope.node, exprs, names)
	n.Key, n.Part, n.KeyAlts, n.KeyCols, n.Rekeyed = key, nil, nil, key, true
	return n, nil
}

// partitionKeys binds PARTITION BY; NULL alone is no key.
func (b *Binder) partitionKeys(q *ast.Query, s selected) ([]resultKey, error) {
	if s.scope.node.Updating {
		return nil, sqlerr.New(sqlerr.BadStatement, partitionSpan(q),
			"PARTITION BY needs a stream; this is a table")
	}
	eb := b.itemBinder(s.scope)
	if eb.aliases != nil {
		for i, it := range s.items {
			eb.aliases[lower(it.name)] = s.exprs[i]
		}
	}
	var keys []resultKey
	for _, p := range q.Partition {
		if l, ok := p.(*ast.Literal); ok && l.Kind == ast.NullLit {
			if b.Profile == expr.Ksql && len(q.Partition) > 1 {
				return nil, sqlerr.New(sqlerr.BadStatement, l.At, "PARTITION BY of several columns cannot have NULL")
			}
			continue
		}
		x, err := eb.bind(p)
		if err != nil {
			return nil, err
		}
		if err := refuseMapKey(x.Type(), p.Span()); err != nil {
			return nil, err
		}
		keys = append(keys, resultKey{exprs: []expr.Expr{x}, from: p})
	}
	return keys, nil
}

// partName names a key of PARTITION BY that is not selected.
func (b *Binder) partName(e ast.Expr, names []string) string {
	switch n := e.(type) {
	case *ast.Name:
		return b.upper(n.Parts[len(n.Parts)-1])
	case *ast.Field:
		return b.upper(n.Name)
	default:
		return generatedName(names)
	}
}
