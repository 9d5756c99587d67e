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
	}
	for _, in := range n.Inputs {
		b.tolerant(in)
	}
	return n
}
