package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
)

// distinct keeps one row of each value: of bounded input the first one. A table is grouped, and a value goes when its
// last row does; an endless stream needs a window or a TTL, after which values are forgotten.
func (b *Binder) distinct(q *ast.Query, n *Node) (*Node, error) {
	keys := make([]int, len(n.Schema.Fields)-n.Hidden)
	for i := range keys {
		keys[i] = i
	}
	switch {
	case n.WindowEnd >= 0 && !n.Updating && !isAggregated(n):
		return b.dedup(q, n), nil
	case b.Mode != Bounded && !n.Updating && n.WindowEnd < 0 && !isAggregated(n):
		if b.StateTTLMs <= 0 {
			return nil, unsupported(q.At, "SELECT DISTINCT over an endless stream without a window").
				WithHint("WINDOW TUMBLING(1h) or SET 'state.ttl' = '1 hour' forgets old values; " +
					"GROUP BY makes a table of them")
		}
		spec := &operator.Dedup{Keys: keys, TTLMs: b.StateTTLMs, Schema: n.Schema}
		return &Node{Spec: spec, Inputs: []*Node{n}, Props: n.Props}, nil
	case !n.Updating && b.Mode == Bounded:
		return &Node{Spec: &operator.Dedup{Keys: keys, Schema: n.Schema}, Inputs: []*Node{n}, Props: n.Props}, nil
	case !n.Updating:
		return n, nil // final groups with their windows: no two are equal where the key is selected
	}
	in := visible(retracting(n))
	p := in.Props
	p.Key, p.Part, p.KeyCols, p.KeyAlts = keys, slices.Clone(keys), keys, nil
	p.EventTime, p.WindowStart, p.WindowEnd, p.Hidden = -1, -1, -1, 0
	spec := &operator.Aggregate{Keys: keys, Emit: b.emission(q), Retracts: in.Updating, Schema: in.Schema}
	p.Updating = spec.Emit != operator.EmitFinal
	p.Table, p.Retracts = p.Updating, false
	return &Node{Spec: spec, Inputs: []*Node{in}, Props: p}, nil
}

// dedup passes the first row of each value in its window. The bounds of the window may be hidden behind the columns.
func (b *Binder) dedup(q *ast.Query, n *Node) *Node {
	keys := make([]int, len(n.Schema.Fields))
	for i := range keys {
		keys[i] = i
	}
	spec := &operator.Dedup{Keys: keys, Schema: n.Schema}
	if q.Window != nil {
		spec.TTLMs = q.Window.SizeMs + max(0, q.Window.GraceMs)
	} else {
		spec.TTLMs = windowSize(n)
	}
	return visible(&Node{Spec: spec, Inputs: []*Node{n}, Props: n.Props})
}

// windowSize is the size of the window that the rows of n were put in.
func windowSize(n *Node) int64 {
	for {
		if a, ok := n.Spec.(*operator.AssignWindow); ok {
			return a.Window.SizeMs
		}
		if len(n.Inputs) == 0 {
			return 0
		}
		n = n.Inputs[0]
	}
}

// projectWindowed projects and keeps the bounds of the window behind the columns.
func (b *Binder) projectWindowed(n *Node, exprs []expr.Expr, names []string) *Node {
	selected := len(exprs)
	exprs, names = keepColumns(n, []int{n.WindowStart, n.WindowEnd}, exprs, names)
	out := project(n, exprs, names)
	out.Hidden = len(exprs) - selected
	return out
}
