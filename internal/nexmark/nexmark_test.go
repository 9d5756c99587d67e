package nexmark_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/leatsql/leat/internal/nexmark"
)

// lines makes n events.
func lines(group int64, n int64) [][]byte {
	g := nexmark.New(nexmark.Config{Seed: 1, Rate: 1000, Group: group})
	var ev nexmark.Event
	out := make([][]byte, n)
	for i := range out {
		g.Make(int64(i), &ev)
		out[i] = ev.AppendJSON(nil)
	}
	return out
}

// TestChecksum compares the events with their known sum, and the shuffled ones with the ordered.
func TestChecksum(t *testing.T) {
	t.Parallel()
	ordered := lines(1, 100_000)
	h, size := sha256.New(), 0
	for _, l := range ordered {
		h.Write(l)
		size += len(l)
	}
	const want = "121780fbd1a736514bf4c232109ac1c2cd78894591ef37d6ef165af2fe335319"
	if got := hex.EncodeToString(h.Sum(nil)); got != want || size != 28_107_760 {
		t.Errorf("sum %s, %d bytes; want %s, 28107760", got, size, want)
	}
	shuffled := lines(1000, 100_000)
	if slices.EqualFunc(ordered, shuffled, slices.Equal) {
		t.Error("group 1000 is in order")
	}
	slices.SortFunc(ordered, slices.Compare)
	slices.SortFunc(shuffled, slices.Compare)
	if !slices.EqualFunc(ordered, shuffled, slices.Equal) {
		t.Error("the lines of group 1000 are not those of group 1")
	}
}
