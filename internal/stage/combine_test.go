package stage

import (
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestCombine: idle writers are not waited for, unless another task of their stage is awake.
func TestCombine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		list []writer
		wm   int64
		idle bool
	}{
		{"the least", []writer{{"a", 5, false}, {"b", 3, false}}, 3, false},
		{"an idle writer is left out", []writer{{"a", 5, false}, {"b", 3, true}}, 5, false},
		{"all are idle", []writer{{"q1-1-0", 5, true}, {"q1-1-1", 3, true}}, 3, true},
		{"all are idle, one said nothing", []writer{{"a", 5, true}, {"b", vector.NoTime, true}}, 1, true},
		{
			"a task that has not heard that its source woke up",
			[]writer{{"q1-1-0", 50, false}, {"q1-1-1", 3, true}},
			3, false,
		},
		{"tasks of direct mode", []writer{{"x.1.0", 50, false}, {"x.1.1", 3, true}}, 3, false},
		{
			"a stage that is idle whole",
			[]writer{{"q1-1-0", 5, true}, {"q1-1-10", 3, true}, {"q1-2-0", 9, false}},
			9, false,
		},
		{"a task that has ended", []writer{{"q1-1-0", vector.MaxTime, false}, {"q1-1-1", 3, false}}, 3, false},
		{
			"a task that has ended beside an idle one",
			[]writer{{"q1-1-0", vector.MaxTime, false}, {"q1-1-1", 3, true}},
			3, true,
		},
		{"all have ended", []writer{{"a", vector.MaxTime, false}, {"b", vector.MaxTime, true}}, vector.MaxTime, false},
	} {
		m := &Machine{wm: 1, timed: [2]bool{true, false}, ports: [2][]writer{c.list, nil}}
		if wm, idle := m.combine(); wm != c.wm || idle != c.idle {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, wm, idle, c.wm, c.idle)
		}
	}
}
