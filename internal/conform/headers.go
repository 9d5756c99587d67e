package conform

import (
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// isHeader tells that a column holds the headers of the record, or one of them.
func isHeader(*plan.Object, int) bool { return false }

// headerColumn makes the value of a header column; nil where column i is none.
func headerColumn(*plan.Object, int, *Record) (*vector.Vector, error) {
	return nil, nil //nolint:nilnil // not a header column
}

// headersOf are the headers that row i carries.
func headersOf(*vector.Batch, int) []Header { return nil }
