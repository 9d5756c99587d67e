package direct

import (
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestOldest: items of the past are merged by append time, and one that is on its way is waited for.
func TestOldest(t *testing.T) {
	t.Parallel()
	at := func(ms int64) *arrival { return &arrival{item: Item{Batch: &vector.Batch{AppendTime: ms}}} }
	for _, c := range []struct {
		name   string
		heads  []*arrival
		behind []bool
		want   int
	}{
		{"nothing is there", []*arrival{nil, nil}, []bool{false, false}, -1},
		{"the older of two", []*arrival{at(5), at(3)}, []bool{true, true}, 1},
		{"the first of equals", []*arrival{at(5), at(5)}, []bool{true, true}, 0},
		{"one is on its way", []*arrival{at(5), nil}, []bool{false, true}, -1},
		{"nothing is known to come", []*arrival{at(5), nil}, []bool{true, false}, 0},
	} {
		if got := oldest(c.heads, c.behind); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
