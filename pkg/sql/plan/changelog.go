package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
)

// retracting makes a changelog say what each change replaces, for readers that group, sort or join by other columns
// than its key. Of the rows of an Aggregate the Aggregate says it itself; else a Retract keeps the last row per key.
func retracting(n *Node) *Node {
	if !n.Updating || n.Retracts || n.Bag {
		return n
	}
	if out := withBefore(n); out != nil {
		return out
	}
	p := n.Props
	p.Retracts = true
	return &Node{Spec: &operator.Retract{Keys: slices.Clone(n.Key), Schema: n.Schema}, Inputs: []*Node{n}, Props: p}
}

// withBefore lets the Aggregate below projections emit what it replaces; nil where there is none.
func withBefore(n *Node) *Node {
	out := *n
	out.Retracts = true
	switch spec := n.Spec.(type) {
	case *operator.Aggregate:
		if spec.Emit == operator.EmitFinal {
			return nil
		}
		s := *spec
		s.Before = true
		out.Spec = &s
		return &out
	case *operator.Project:
		if in := withBefore(n.Inputs[0]); in != nil {
			out.Inputs = []*Node{in}
			return &out
		}
	}
	return nil
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

// projectKeyed is a projection that keeps the key. Columns that were not selected are hidden behind the others, unless
// the result is an object of its own, which shows them.
func (b *Binder) projectKeyed(n *Node, exprs []expr.Expr, names []string, table bool) *Node {
	selected := len(exprs)
	if table || n.Updating && (b.inner || b.keep || b.Mode != Push) {
		exprs, names = keepColumns(n, n.Key, exprs, names)
	}
	out := project(n, exprs, names)
	if !table {
		out.Hidden = len(exprs) - selected
	}
	return out
}

// visible drops the columns that were kept for the key only.
func visible(n *Node) *Node {
	if n.Hidden == 0 {
		return n
	}
	exprs, names := identity(n)
	keep := len(exprs) - n.Hidden
	return project(n, exprs[:keep], names[:keep])
}
