package operator

import (
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// joinFuzzSpecs are joins of every kind with every form of state.
func joinFuzzSpecs() []Spec {
	one, two := keyCols(1), keyCols(2)
	return []Spec{
		&WindowJoin{
			Kind: FullJoin, LeftKeys: one, RightKeys: one, BeforeMs: 5, AfterMs: 3, GraceMs: 2, On: onLess.expr(),
			Schema: bothFields(FullJoin),
		},
		&WindowJoin{
			Kind: LeftJoin, LeftKeys: two, RightKeys: two, BeforeMs: 5, AfterMs: 5, GraceMs: 9, Eager: true,
			StreamTime: true, Schema: bothFields(LeftJoin),
		},
		&AsofJoin{Kind: LeftJoin, LeftKeys: one, RightKeys: one, Schema: bothFields(LeftJoin)},
		&TableJoin{Kind: FullJoin, LeftKeys: two, RightKeys: two, Schema: bothFields(FullJoin)},
		&ForeignJoin{
			Kind: LeftJoin, LeftPK: []int{1}, LeftKeys: one, RightKeys: one, Schema: bothFields(LeftJoin),
		},
		&ChangeJoin{Kind: FullJoin, LeftKeys: one, RightKeys: one, LeftPK: []int{1}, Schema: bothFields(FullJoin)},
		&ChangeJoin{Kind: SemiJoin, LeftKeys: one, RightKeys: one, TTLMs: 9, Schema: bothFields(SemiJoin)},
		&ChangeJoin{Kind: AntiJoin, LeftKeys: two, RightKeys: two, NullAware: true, Schema: bothFields(AntiJoin)},
		&LookupMany{Kind: LeftJoin, StreamKeys: one, TableKeys: one, TablePK: []int{1}, Schema: bothFields(LeftJoin)},
		&LookupMany{Kind: AntiJoin, StreamKeys: two, TableKeys: two, NullAware: true, Schema: bothFields(AntiJoin)},
	}
}

func joinFuzzEvents() []event {
	var out []event
	for i := range 60 {
		e := event{port: i % 2, time: int64(i*7%23 + i/2), op: changeOps[i%len(changeOps)]}
		e.values = sideRow(e.port, []string{"a", "b", "null"}[i*i%3], []string{"1", "2", "null"}[i/2%3], i%4)
		if out = append(out, e); i%9 == 8 {
			out = append(out, event{wm: true, time: int64(i / 2)})
		}
	}
	return out
}

// FuzzRestoreJoin: hostile bytes give an error or a state that works; they never make a join panic.
func FuzzRestoreJoin(f *testing.F) {
	for i, spec := range joinFuzzSpecs() {
		c, err := BuildOn(joinSides, []Spec{spec}, noReport{}, (&joinCounter{}).emit)
		if err != nil {
			f.Fatal(err)
		}
		play(f, c, joinSides, joinFuzzEvents(), 7)
		f.Add(byte(i), c.Snapshot(nil))
	}
	f.Fuzz(func(t *testing.T, which byte, snap []byte) {
		specs := joinFuzzSpecs()
		c, err := BuildOn(joinSides, []Spec{specs[int(which)%len(specs)]}, noReport{}, (&joinCounter{}).emit)
		if err != nil {
			t.Fatal(err)
		}
		if c.Restore(snap) != nil {
			return
		}
		setLeast(c, 1)
		play(t, c, joinSides, joinFuzzEvents(), 7)
		c.Snapshot(nil)
		c.Advance(vector.MaxTime)
		c.Flush()
	})
}
