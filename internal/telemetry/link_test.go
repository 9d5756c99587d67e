package telemetry

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLinkAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var links Links
		capacity := rapid.Int64Range(1, 30).Draw(t, "capacity")
		l := links.Open(LinkName{Queue: "q"}, capacity)
		var depth, high int64
		var blocked time.Duration
		for range rapid.IntRange(0, 100).Draw(t, "moves") {
			before := depth
			depth = max(0, depth+rapid.Int64Range(-5, 5).Draw(t, "move"))
			blocked += time.Duration(rapid.IntRange(0, 3).Draw(t, "wait"))
			l.Set(depth)
			l.Blocked(blocked)
			limit := 0.9 * float64(capacity)
			if float64(before) <= limit+1e-9 && float64(depth) > limit+1e-9 {
				high++
			}
		}
		want := LinkState{
			Name: LinkName{Queue: "q"}, Capacity: capacity, Depth: depth, HighWater: high, Blocked: blocked,
		}
		if s := links.States(); len(s) != 1 || s[0] != want {
			t.Fatalf("got %+v, want %+v", s, want)
		}
		if l.Close(); len(links.States()) != 0 {
			t.Fatal("a closed link stays")
		}
	})
}
