package plan

import (
	"fmt"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
)

// Explain writes the logical tree and the physical plan as text.
func (p *Plan) Explain() string {
	var b strings.Builder
	b.WriteString("Logical plan\n")
	explainNode(&b, p.Logical, "  ")
	b.WriteString("Physical plan\n")
	for _, s := range p.Stages {
		explainStage(&b, s)
	}
	return b.String()
}

func explainNode(b *strings.Builder, n *Node, indent string) {
	switch {
	case n.Scan != nil:
		kind := "stream"
		if n.Scan.Kind == ast.Table {
			kind = "table"
		}
		fmt.Fprintf(b, "%sScan %s %s  %d partitions\n", indent, kind, n.Scan.Name, n.Partitions)
	case n.Spec == nil:
		fmt.Fprintf(b, "%sValues  one row\n", indent)
	default:
		fmt.Fprintf(b, "%s%s  %s\n", indent, n.Spec.Name(), n.Spec.Details())
	}
	for _, in := range n.Inputs {
		explainNode(b, in, indent+"  ")
	}
}

func explainStage(b *strings.Builder, s *Stage) {
	fmt.Fprintf(b, "  stage %s  tasks %d\n", s.ID, s.Partitions)
	for _, in := range s.Inputs {
		from := in.Object
		if from == "" {
			from = "exchange of " + in.Stage
		}
		role := ""
		switch {
		case in.Port == 1 && in.Table:
			role = "  (table side)"
		case in.Port == 1:
			role = "  (right side)"
		}
		fmt.Fprintf(b, "    read %s%s\n", from, role)
	}
	for _, op := range s.Ops {
		fmt.Fprintf(b, "    %s  %s\n", op.Name(), op.Details())
	}
	fmt.Fprintf(b, "    write %s\n", outputText(s.Output))
}

func outputText(o Output) string {
	to := o.Topic
	if to == "" {
		to = "the client"
	}
	if len(o.Keys) == 0 {
		return fmt.Sprintf("%s  %d partitions", to, o.Partitions)
	}
	names := make([]string, len(o.Keys))
	for i, k := range o.Keys {
		names[i] = o.Schema.Fields[k].Name
	}
	return fmt.Sprintf("%s  %d partitions by hash(%s)", to, o.Partitions, strings.Join(names, ", "))
}
