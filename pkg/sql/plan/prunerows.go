package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// pruneTopN drops the columns that a Top-N would keep for nobody. Rows that are taken back by value stay whole.
func pruneTopN(n *Node, spec *operator.TopN, want columnSet) (*Node, places) {
	in := n.Inputs[0]
	width := len(in.Schema.Fields)
	below := slices.Clone(want[:width])
	below.add(spec.Partition...)
	below.add(spec.Key...)
	for _, k := range spec.Order {
		below.add(k.Col)
	}
	if spec.Retracts {
		below = allColumns(in)
	}
	input, p := narrow(in, below, true)
	out := *spec
	out.Partition, out.Key, out.WindowEnd = p.all(spec.Partition), p.all(spec.Key), p.at(spec.WindowEnd)
	out.Order = slices.Clone(spec.Order)
	for i := range out.Order {
		out.Order[i].Col = p.at(out.Order[i].Col)
	}
	out.Schema, p = behind(n, input, p)
	return moved(n, &out, p, input), p
}

// pruneAssignWindow drops the columns that nobody reads in front of the bounds of windows.
func pruneAssignWindow(n *Node, spec *operator.AssignWindow, want columnSet) (*Node, places) {
	in := n.Inputs[0]
	input, p := narrow(in, slices.Clone(want[:len(in.Schema.Fields)]), true)
	out := *spec
	out.Schema, p = behind(n, input, p)
	return moved(n, &out, p, input), p
}

// behind is the schema of a node that adds columns behind those of its input, and where its columns went. input is the
// input that is left, p where its columns went.
func behind(n, input *Node, p places) (*vector.Schema, places) {
	s := &vector.Schema{Fields: slices.Clone(input.Schema.Fields)}
	p = slices.Clone(p)
	for _, f := range n.Schema.Fields[len(p):] {
		p = append(p, len(s.Fields))
		s.Fields = append(s.Fields, f)
	}
	return s, p
}
