package operator

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestRowBagCounts draws additions and removals of a few rows, with snapshots between them: what is left is each row as
// often as it was added and not taken back, also when it was taken back first.
func TestRowBagCounts(t *testing.T) {
	t.Parallel()
	schema := &vector.Schema{
		Fields: []vector.Field{{Name: "a", Type: vector.TBigInt}, {Name: "b", Type: vector.TBigInt}},
	}
	spec := &Materialize{Bag: true, Final: true, Schema: schema}
	rapid.Check(t, func(rt *rapid.T) {
		m := newBag(spec, schema)
		want := map[[2]int64]int{}
		for range rapid.IntRange(0, 60).Draw(rt, "changes") {
			row := [2]int64{rapid.Int64Range(0, 3).Draw(rt, "a"), rapid.Int64Range(0, 2).Draw(rt, "b")}
			op := rapid.SampledFrom([]vector.Op{
				vector.Insert, vector.UpdateAfter, vector.Delete, vector.UpdateBefore,
			}).Draw(rt, "op")
			b := vector.NewBatch(schema, 1)
			b.Rows, b.Time, b.Ops = 1, []int64{7}, []vector.Op{op}
			for c, v := range row {
				b.Cols[c].I64 = append(b.Cols[c].I64, v)
				vector.SetLen(b.Cols[c], 1)
			}
			m.Process(nil, 0, b, func(*vector.Batch) { rt.Error("a final bag emits at the end only") })
			if op == vector.Insert || op == vector.UpdateAfter {
				want[row]++
			} else {
				want[row]--
			}
			if rapid.Bool().Draw(rt, "crash") {
				fresh := newBag(spec, schema)
				if err := fresh.Restore(m.Snapshot(nil)); err != nil {
					rt.Fatal(err)
				}
				m = fresh
			}
		}
		got := map[[2]int64]int{}
		m.Advance(nil, vector.MaxTime, func(b *vector.Batch) {
			for i := range b.Rows {
				got[[2]int64{b.Cols[0].I64[i], b.Cols[1].I64[i]}]++
			}
		})
		for row, n := range want {
			if got[row] != max(0, n) {
				rt.Errorf("row %v: %d times, want %d", row, got[row], max(0, n))
			}
		}
	})
}
