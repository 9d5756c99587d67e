package plan

import (
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
)

// tolerant makes failing expressions nulls with a note, and rows on which a condition fails dropped, where the profile
// says so. It changes the specs of the tree, which is not planned yet.
func (b *Binder) tolerant(n *Node) *Node {
	if b.Profile != expr.Ksql {
		return n
	}
	switch s := n.Spec.(type) {
	case *operator.Project:
		s.NullOnError = true
	case *operator.Filter:
		s.NullOnError = true
		s.Values = readsBounds(n.Inputs[0], s.Pred)
	}
	for _, in := range n.Inputs {
		b.tolerant(in)
	}
	return n
}

// readsBounds tells that a condition over a stream reads the bounds of its window: for a row with a null value they are
// as unknown as its values.
func readsBounds(n *Node, pred expr.Expr) bool {
	found := false
	visitColumns(pred, func(i int) { found = found || i == n.WindowStart || i == n.WindowEnd })
	return found && !n.Updating
}
