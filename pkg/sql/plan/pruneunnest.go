package plan

import (
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// pruneUnnest tells an Unnest which nested columns of its input nobody reads: they would be copied once for each
// element. Columns keep their places.
func pruneUnnest(n *Node, spec *operator.Unnest, want columnSet) (*Node, places) {
	s := *spec
	s.Unread = nil
	for i, f := range n.Inputs[0].Schema.Fields {
		if f.Type.Phys() == vector.PhysNested && !want[i] {
			s.Unread = append(s.Unread, i)
		}
	}
	out := *n
	out.Spec, out.Inputs = &s, []*Node{pruned(n.Inputs[0])}
	return &out, unmoved(len(n.Schema.Fields))
}
