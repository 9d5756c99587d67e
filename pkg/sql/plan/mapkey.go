package plan

import (
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// refuseMapKey refuses a key that is a MAP, or holds one: other systems write maps in no fixed order, so that equal
// keys would lie on different partitions.
func refuseMapKey(t vector.Type, at ast.Span) error {
	if !holdsMap(t) {
		return nil
	}
	return sqlerr.New(sqlerr.TypeMismatch, at, "%s cannot be a key: a MAP has no order", t).
		WithHint("use a STRUCT or ARRAY, or one of its entries: m['k']")
}

func holdsMap(t vector.Type) bool {
	if t.Kind == vector.Map {
		return true
	}
	for k := range t.Kids() {
		if holdsMap(t.Kid(k)) {
			return true
		}
	}
	return false
}
