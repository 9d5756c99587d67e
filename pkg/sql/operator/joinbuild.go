package operator

import (
	"errors"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// newJoin makes the operator of a join of two sides.
func newJoin(spec Spec, left, right *vector.Schema) (Operator, error) {
	switch s := spec.(type) {
	case *WindowJoin:
		return newWindowJoin(s, left, right)
	case *AsofJoin:
		return newAsofJoin(s, left, right)
	case *TableJoin:
		return newTableJoin(s, left, right)
	case *ForeignJoin:
		return newForeignJoin(s, left, right)
	case *ChangeJoin:
		return newChangeJoin(s, left, right)
	case *LookupMany:
		return newLookupMany(s, left, right)
	default:
		return nil, errors.New("no such operator")
	}
}

// joinKeepsRows reports whether rows end in the state of a join: a row may leave it several times, or later.
func joinKeepsRows(op Operator) bool {
	switch op.(type) {
	case *windowJoin, *asofJoin, *tableJoin, *foreignJoin, *changeJoin, *lookupMany:
		return true
	default:
		return false
	}
}
