package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// newChange makes the operators over changelogs; nil: the spec is another one's.
func newChange(spec Spec, in *vector.Schema) (Operator, error) {
	switch s := spec.(type) {
	case *Retract:
		return newRetract(s, in)
	case *Settle:
		return newSettle(s, in)
	case *Dedup:
		return newDedup(s, in)
	case *Expand:
		return newExpand(s, in)
	case *AssignWindow:
		return newAssignWindow(s, in)
	case *TopN:
		return newTopN(s, in)
	case *TableOver:
		return newTableOver(s, in)
	default:
		return nil, nil
	}
}

// changeKeepsRows reports whether rows end in the state of a changelog operator, or become several.
func changeKeepsRows(op Operator) bool {
	switch op.(type) {
	case *retract, *settle, *topN, *tableOver, *expand, *assignWindow:
		return true
	default:
		return false
	}
}
