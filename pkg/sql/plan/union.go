package plan

import (
	"fmt"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// unionAll is the operator of UNION ALL in the logical plan; in the physical one it is a stage with several inputs.
type unionAll struct {
	inputs int
	schema *vector.Schema
}

// Out is the columns, with the names of the first query.
func (u *unionAll) Out() *vector.Schema { return u.schema }

// Name is the operator's name in EXPLAIN.
func (u *unionAll) Name() string { return "UnionAll" }

// Details is the number of queries.
func (u *unionAll) Details() string { return fmt.Sprintf("%d inputs", u.inputs) }

// maxUnion bounds the members of a union.
const maxUnion = 32

// bindUnion binds UNION ALL. ORDER BY, LIMIT, OFFSET and EMIT of the whole stand in the first query.
func (b *Binder) bindUnion(q *ast.Query) (*Node, error) {
	was := b.inner
	b.inner = true
	defer func() { b.inner = was }()
	var nodes []*Node
	var spans []ast.Span
	for m := q; m != nil; m = m.Union {
		if len(nodes) == maxUnion {
			return nil, sqlerr.New(sqlerr.TooLarge, m.At, "more than %d queries in a UNION ALL", maxUnion)
		}
		one := *m
		one.Union = nil
		if m == q {
			one.OrderBy, one.Emit, one.Limit, one.Offset, one.With = nil, ast.EmitDefault, -1, 0, nil
		}
		n, err := b.bindQuery(&one, false)
		if err != nil {
			return nil, err
		}
		nodes, spans = append(nodes, visible(n)), append(spans, m.At)
	}
	n, err := unite(nodes, spans)
	if err != nil {
		return nil, err
	}
	b.inner = was
	if !was {
		b.selected = len(n.Schema.Fields)
	}
	return b.bindOrderLimit(q, &scope{node: n}, n)
}

// unite makes one node of queries with as many columns each.
func unite(nodes []*Node, spans []ast.Span) (*Node, error) {
	first := nodes[0]
	types := make([]vector.Type, len(first.Schema.Fields))
	for c := range types {
		types[c] = first.Schema.Fields[c].Type
		for i, n := range nodes[1:] {
			if len(n.Schema.Fields) != len(types) {
				return nil, sqlerr.New(sqlerr.TypeMismatch, spans[i+1],
					"the first query of UNION ALL has %d columns, this one has %d", len(types), len(n.Schema.Fields))
			}
			t, err := expr.CommonType(types[c], n.Schema.Fields[c].Type)
			if err != nil {
				return nil, sqlerr.New(sqlerr.TypeMismatch, spans[i+1],
					"column %d of UNION ALL is %s here and %s before", c+1, n.Schema.Fields[c].Type, types[c])
			}
			types[c] = t
		}
	}
	p := first.Props
	p.Schema = &vector.Schema{Fields: make([]vector.Field, len(types))}
	for c, t := range types {
		p.Schema.Fields[c] = vector.Field{Name: first.Schema.Fields[c].Name, Type: t}
	}
	p.Key, p.KeyAlts, p.KeyCols, p.Part, p.Hidden = nil, nil, nil, nil, 0
	p.EventTime, p.WindowStart, p.WindowEnd = -1, -1, -1
	inputs := make([]*Node, len(nodes))
	for i, n := range nodes {
		in, err := castColumns(retracting(n), p.Schema, spans[i])
		if err != nil {
			return nil, err
		}
		inputs[i] = in
		p.Updating, p.DelaySet = p.Updating || n.Updating, p.DelaySet || n.DelaySet
		p.DelayMs, p.Partitions = max(p.DelayMs, n.DelayMs), max(p.Partitions, n.Partitions)
	}
	p.Table, p.Retracts, p.Bag = p.Updating, p.Updating, p.Updating
	return &Node{Spec: &unionAll{inputs: len(nodes), schema: p.Schema}, Inputs: inputs, Props: p}, nil
}

// castColumns gives the columns of n the types of a schema.
func castColumns(n *Node, s *vector.Schema, at ast.Span) (*Node, error) {
	exprs, names := identity(n)
	changed := false
	for i, f := range s.Fields {
		x, err := expr.NewCast(exprs[i], f.Type, false, at)
		if err != nil {
			return nil, err
		}
		changed = changed || x != exprs[i] || names[i] != f.Name
		exprs[i], names[i] = x, f.Name
	}
	if !changed {
		return n, nil
	}
	return project(n, exprs, names), nil
}
