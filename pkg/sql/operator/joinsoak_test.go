package operator

import (
	"fmt"
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestJoinStateStaysFlat: what a join holds does not grow with time, where a bound in time or a key says so. Keys are
// new all the time for the joins with a bound in time, and few for the tables.
func TestJoinStateStaysFlat(t *testing.T) {
	t.Parallel()
	both, one := bothFields(InnerJoin), keyCols(1)
	for _, c := range []struct {
		name string
		spec Spec
		keys int // 0: always new ones
	}{
		{"window", &WindowJoin{
			Kind: FullJoin, LeftKeys: one, RightKeys: one, BeforeMs: 100, AfterMs: 50, GraceMs: 20, Schema: both,
		}, 0},
		{"window by stream time", &WindowJoin{
			LeftKeys: one, RightKeys: one, BeforeMs: 100, AfterMs: 50, StreamTime: true, Schema: both,
		}, 0},
		{"asof", &AsofJoin{LeftKeys: one, RightKeys: one, Schema: both}, 50},
		{"change with TTL", &ChangeJoin{LeftKeys: one, RightKeys: one, TTLMs: 200, Schema: both}, 0},
		{"left change with TTL", &ChangeJoin{
			Kind: LeftJoin, LeftKeys: one, RightKeys: one, TTLMs: 200, Schema: both,
		}, 0},
		{"change by primary key", &ChangeJoin{
			LeftKeys: one, RightKeys: one, LeftPK: one, RightPK: one, Schema: both,
		}, 50},
		{"table", &TableJoin{LeftKeys: one, RightKeys: one, Schema: both}, 50},
		{"foreign", &ForeignJoin{LeftPK: one, LeftKeys: []int{1}, RightKeys: []int{1}, Schema: both}, 50},
		{"many", &LookupMany{StreamKeys: one, TableKeys: one, TablePK: []int{1}, Schema: both}, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			chain, err := BuildOn(joinSides, []Spec{c.spec}, noReport{}, (&joinCounter{}).emit)
			if err != nil {
				t.Fatal(err)
			}
			inStore(t, chain)
			early, late := int64(0), int64(0)
			for i := range 240 {
				soakStep(t, chain, i, c.keys)
				switch {
				case i > 60 && i < 120:
					early = max(early, chain.StateBytes()+chain.StoredBytes())
				case i > 180:
					late = max(late, chain.StateBytes()+chain.StoredBytes())
				}
			}
			if late > early+early/4 {
				t.Errorf("%d bytes of state after 120 steps, %d after 240", early, late)
			}
		})
	}
}

// soakStep gives both sides 200 rows and moves time on by 100 ms.
func soakStep(t *testing.T, c *Chain, step, keys int) {
	t.Helper()
	var events []event
	for i := range 400 {
		n := step*200 + i/2
		if keys > 0 {
			n %= keys
		}
		key := fmt.Sprint(n)
		events = append(events, event{
			port: i / 200, time: int64(step*100 + i%200/2), values: sideRow(i/200, key, key, i%3),
		})
	}
	events = append(events, event{wm: true, time: int64(step * 100)})
	play(t, c, joinSides, events, 200)
}

// TestJoinWatermark: a row never leaves with a time below the watermark that was returned before, if none came late.
func TestJoinWatermark(t *testing.T) {
	t.Parallel()
	one := keyCols(1)
	for _, spec := range []Spec{
		&WindowJoin{
			Kind: FullJoin, LeftKeys: one, RightKeys: one, BeforeMs: 30, AfterMs: 10, GraceMs: 5,
			Schema: bothFields(FullJoin),
		},
		&WindowJoin{LeftKeys: one, RightKeys: one, BeforeMs: 30, AfterMs: 10, Schema: bothFields(InnerJoin)},
		&AsofJoin{Kind: LeftJoin, LeftKeys: one, RightKeys: one, Schema: bothFields(LeftJoin)},
		&ChangeJoin{LeftKeys: one, RightKeys: one, Schema: bothFields(InnerJoin)},
	} {
		out, rows := vector.NoTime, 0
		c, err := BuildOn(joinSides, []Spec{spec}, noReport{}, func(b *vector.Batch) {
			for _, at := range b.Time {
				if rows++; at < out {
					t.Errorf("%s: a row at %d after watermark %d", spec.Name(), at, out)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for step := range int64(200) {
			var events []event
			for i := range int64(6) {
				port := int(i % 2)
				events = append(events, event{
					port: port, time: step*4 + i*7%11, values: sideRow(port, fmt.Sprint((step+i)%5), "1", 1),
				})
			}
			play(t, c, joinSides, events, 2)
			c.Advance(step*4 + 4)
			if c.Watermark() < out {
				t.Fatalf("%s: the watermark fell", spec.Name())
			}
			out = c.Watermark()
		}
		if c.Advance(vector.MaxTime); c.Watermark() != vector.MaxTime || rows == 0 {
			t.Errorf("%s: %d rows, watermark %d at the end", spec.Name(), rows, c.Watermark())
		}
	}
}
