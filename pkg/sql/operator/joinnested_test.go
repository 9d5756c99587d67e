package operator

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestJoinNested: keys and values of nested types join, are taken back and survive a snapshot.
func TestJoinNested(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		key, val := rapid.SampledFrom(nestedTypes).Draw(rt, "key"), rapid.SampledFrom(nestedTypes).Draw(rt, "value")
		side := &vector.Schema{Fields: []vector.Field{{Name: "k", Type: key}, {Name: "v", Type: val}}}
		in := []*vector.Schema{side, side}
		var spec Spec = &ChangeJoin{LeftKeys: []int{0}, RightKeys: []int{0}, Schema: bothSides(side, side)}
		if rapid.Bool().Draw(rt, "window") {
			spec = &WindowJoin{
				LeftKeys: []int{0}, RightKeys: []int{0}, BeforeMs: 9, AfterMs: 9, Schema: bothSides(side, side),
			}
		}
		var got, want []string
		build := func() *Chain {
			c, err := BuildOn(in, []Spec{spec}, noReport{}, func(b *vector.Batch) {
				for i := range b.Rows {
					got = append(got, nestedRow(b, i))
				}
			})
			if err != nil {
				rt.Fatal(err)
			}
			return c
		}
		c := build()
		var log [2][]*vector.Batch
		for range rapid.IntRange(0, 25).Draw(rt, "rows") {
			port := rapid.IntRange(0, 1).Draw(rt, "port")
			b := vector.NewBatch(side, 1)
			mustAppend(rt, b.Cols[0], genValue(rt, key))
			mustAppend(rt, b.Cols[1], genValue(rt, val))
			b.Rows, b.Time = 1, []int64{1}
			c.Process(port, b)
			log[port] = append(log[port], b)
			for _, o := range log[1-port] {
				l, r := b, o
				if port == 1 {
					l, r = o, b
				}
				if k := jsonOf(l.Cols[0], 0); k != "null" && k == jsonOf(r.Cols[0], 0) {
					want = append(want, nestedRow(l, 0)+nestedRow(r, 0))
				}
			}
			if rapid.IntRange(0, 5).Draw(rt, "restore") == 0 {
				d := build()
				snap := c.Snapshot(nil)
				if err := d.Restore(snap); err != nil || !slices.Equal(snap, d.Snapshot(nil)) {
					rt.Fatalf("restore: %v", err)
				}
				c = d
			}
		}
		if d := gocmp.Diff(want, got); d != "" {
			rt.Fatalf("-want +got\n%s", d)
		}
	})
}

func nestedRow(b *vector.Batch, i int) string {
	out := ""
	for _, v := range b.Cols {
		out += jsonOf(v, i) + ";"
	}
	return out
}
