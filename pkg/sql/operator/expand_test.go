package operator

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// playAll plays events in batches of several sizes and wants the same rows each time.
func playAll(t *testing.T, in *vector.Schema, events []event, want []string, specs ...Spec) *recorder {
	t.Helper()
	var r *recorder
	for _, size := range []int{1, 2, 1024} {
		r = &recorder{}
		play(t, build(t, in, r, specs...), []*vector.Schema{in}, events, size)
		if d := gocmp.Diff(want, r.rows); d != "" {
			t.Errorf("batches of %d: -want +got\n%s", size, d)
		}
	}
	return r
}

func TestExpand(t *testing.T) {
	t.Parallel()
	out := fields("id:INT p:STRING v:BIGINT set:BIGINT")
	spec := &Expand{Keys: []int{0, 1}, Sets: [][]int{{0, 1}, {1}, {}}, Schema: out}
	playAll(t, changeIn, []event{
		{time: 1, values: []string{"7", "a", "5"}}, {time: 2, op: vector.Delete, values: []string{"8", "b", "6"}},
	}, []string{
		"+ @1 7 a 5 0", "+ @1 null a 5 1", "+ @1 null null 5 2",
		"x @2 8 b 6 0", "x @2 null b 6 1", "x @2 null null 6 2",
	}, spec)
	// Both halves of an update stay together.
	r := &recorder{}
	play(t, build(t, changeIn, r, spec), []*vector.Schema{changeIn}, []event{
		{op: vector.UpdateBefore, values: []string{"7", "a", "5"}},
		{op: vector.UpdateAfter, values: []string{"7", "a", "6"}},
	}, 8)
	want := []string{
		"- @0 7 a 5 0", "^ @0 7 a 6 0",
		"- @0 null a 5 1", "^ @0 null a 6 1",
		"- @0 null null 5 2", "^ @0 null null 6 2",
	}
	if d := gocmp.Diff(want, r.rows); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestAssignWindow(t *testing.T) {
	t.Parallel()
	in := fields("v:INT")
	out := fields("v:INT window_start:BIGINT window_end:BIGINT window_time:TIMESTAMP")
	events := []event{{time: 1, values: []string{"5"}}, {time: 12, values: []string{"6"}}}
	for _, c := range []struct {
		w    Window
		want []string
	}{
		{Window{Kind: Tumbling, SizeMs: 10}, []string{"+ @1 5 0 10 9", "+ @12 6 10 20 19"}},
		{Window{Kind: Hopping, SizeMs: 10, AdvanceMs: 5}, []string{
			"+ @1 5 -5 5 4", "+ @1 5 0 10 9", "+ @12 6 5 15 14", "+ @12 6 10 20 19",
		}},
		{Window{Kind: Hopping, SizeMs: 10, AdvanceMs: 5, Ksql: true}, []string{
			"+ @1 5 0 10 9", "+ @12 6 5 15 14", "+ @12 6 10 20 19",
		}},
		{Window{Kind: Cumulate, SizeMs: 10, AdvanceMs: 5}, []string{
			"+ @1 5 0 5 4", "+ @1 5 0 10 9", "+ @12 6 10 15 14", "+ @12 6 10 20 19",
		}},
	} {
		playAll(t, in, events, c.want, &AssignWindow{Window: c.w, Schema: out})
	}
	bad := &AssignWindow{Window: Window{Kind: Session, SizeMs: 10}, Schema: out}
	if _, err := BuildOn([]*vector.Schema{in}, []Spec{bad}, nothing{}, nothing{}.emit); err == nil {
		t.Error("session windows are refused")
	}
}

func TestDedup(t *testing.T) {
	t.Parallel()
	in := fields("k:STRING v:INT")
	row := func(at int64, k, v string) event { return event{time: at, values: []string{k, v}} }
	events := []event{
		row(1, "a", "1"), row(2, "b", "1"), row(3, "a", "2"), row(3, "null", "1"), row(3, "null", "2"),
		{wm: true, time: 13},
		row(13, "b", "3"), row(13, "a", "3"),
		{wm: true, time: 14},
		row(20, "a", "4"),
		{time: 21, op: vector.Delete, values: []string{"z", "null"}},
	}
	want := []string{"+ @1 a 1", "+ @2 b 1", "+ @3 null 1", "+ @13 b 3"}
	r := playAll(t, in, events, want, &Dedup{Keys: []int{0}, TTLMs: 10, Schema: in})
	if r.skipped != 1 || r.filtered != 4 {
		t.Errorf("%d skipped, %d filtered", r.skipped, r.filtered)
	}
	playAll(t, in, events, want[:3], &Dedup{Keys: []int{0}, Schema: in})
}

// TestTopNWindows: rows of a window are forgotten when it ends, and leave then where they are final.
func TestTopNWindows(t *testing.T) {
	t.Parallel()
	in := fields("e:BIGINT v:INT")
	row := func(at int64, e, v string) event { return event{time: at, values: []string{e, v}} }
	events := []event{
		row(1, "10", "5"), row(11, "20", "7"), row(2, "10", "9"), row(3, "10", "1"),
		{flush: true},
		{wm: true, time: 10},
		row(4, "10", "99"), row(12, "20", "8"),
		{wm: true, time: vector.MaxTime},
	}
	spec := &TopN{
		Partition: []int{0},
		Order:     []SortKey{{Col: 1, Desc: true}},
		N:         2,
		WindowEnd: 0,
		Final:     true,
		Schema:    in,
	}
	r := playAll(t, in, events, []string{"+ @2 10 9", "+ @1 10 5", "+ @12 20 8", "+ @11 20 7"}, spec)
	if r.late != 1 {
		t.Errorf("%d late", r.late)
	}
	changes := *spec
	changes.Final = false
	playAll(t, in, events, []string{"+ @2 10 9", "+ @1 10 5", "+ @11 20 7", "+ @12 20 8"}, &changes)
	over := &TableOver{
		Partition: []int{0}, Order: spec.Order, WindowEnd: 0, Final: true, Schema: fields("e:BIGINT v:INT n:BIGINT"),
		Aggs: []TableOverAgg{{Func: "ROW_NUMBER", Filter: -1, T: vector.TBigInt}},
	}
	playAll(t, in, events, []string{
		"+ @2 10 9 1", "+ @1 10 5 2", "+ @3 10 1 3", "+ @12 20 8 1", "+ @11 20 7 2",
	}, over)
	c := build(t, in, &recorder{}, spec)
	play(t, c, []*vector.Schema{in}, events[:7], 4)
	if c.Watermark() != 10 {
		t.Errorf("watermark %d", c.Watermark())
	}
}
