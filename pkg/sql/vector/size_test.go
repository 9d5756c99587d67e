package vector

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/messages"
)

// vectorsOf is how many columns, those inside others included, a type makes on the wire.
func vectorsOf(t Type) int {
	n := 1
	for k := range t.Kids() {
		n += vectorsOf(t.Kid(k))
	}
	return n
}

// TestSizeIsEnough: no batch takes more on the wire than its rows are said to, and what each column takes once.
func TestSizeIsEnough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := genBatch(t)
		b.Sel, b.Ops = nil, nil
		var p messages.ProcessBatch
		ToColumns(b, &p.Columns)
		most := 128 + 8*b.Rows
		for k, v := range b.Cols {
			most += len(p.Columns.Specs[k].Name) + len(p.Columns.Specs[k].Type.String()) + 40*vectorsOf(v.Type)
			for i := range b.Rows {
				most += v.Type.FixedBytes() + 1 + v.MoreBytes(i)
			}
		}
		if n := len(p.Append(nil)); n > most {
			t.Fatalf("%d rows take %d bytes, at most %d were expected", b.Rows, n, most)
		}
	})
}
