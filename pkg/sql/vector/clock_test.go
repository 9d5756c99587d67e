package vector_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestClock compares with a naive reckoning, whatever the borders of batches, and through the wire.
func TestClock(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(0, 50), 1, 30).Draw(r, "times")
		delay := rapid.Int64Range(0, 10).Draw(r, "delay")
		wm := vector.NoTime
		for at := 0; at < len(times); {
			n := rapid.IntRange(1, len(times)-at).Draw(r, "rows")
			b := vector.NewBatch(&vector.Schema{}, n)
			b.Rows, b.Time = n, times[at:at+n]
			vector.SetClock(b, wm, delay)
			back := overWire(r, b)
			behind := false
			for i, u := range b.Time {
				behind = behind || u < wm
				late := u < wm
				if got := u < b.ClockAt(i, vector.NoTime); got != late {
					r.Fatalf("row %d at %d: late %v, want %v at watermark %d", at+i, u, got, late, wm)
				}
				if u < wm && back.Clock[i] != wm {
					r.Fatalf("row %d has clock %d after the wire, want %d", at+i, back.Clock[i], wm)
				}
				wm = max(wm, u-delay)
			}
			if behind != (b.Clock != nil) {
				r.Fatalf("clock %v, a row behind: %v", b.Clock, behind)
			}
			at += n
		}
	})
}

func overWire(r *rapid.T, b *vector.Batch) *vector.Batch {
	var m messages.ProcessBatch
	vector.ToColumns(b, &m.Columns)
	var got messages.ProcessBatch
	if err := messages.DecodeProcessBatch(m.Append(nil), &got); err != nil {
		r.Fatal(err)
	}
	out := &vector.Batch{}
	if err := vector.FromColumns(&got.Columns, b.Schema, out); err != nil {
		r.Fatal(err)
	}
	if d := gocmp.Diff(b.Clock, out.Clock); d != "" {
		r.Fatal(d)
	}
	return out
}

// TestClockOfPieces: slices, selections and appended batches keep each row's clock.
func TestClockOfPieces(t *testing.T) {
	t.Parallel()
	b := vector.NewBatch(&vector.Schema{}, 4)
	b.Rows, b.Time, b.Clock = 4, []int64{9, 1, 8, 2}, []int64{vector.NoTime, 9, 9, 9}
	sel := *b
	sel.Sel = []uint32{1, 3}
	dst := vector.NewBatch(&vector.Schema{}, 4)
	one := vector.NewBatch(&vector.Schema{}, 1)
	one.Rows, one.Time = 1, []int64{7}
	for _, src := range []*vector.Batch{one, vector.Slice(b, 1, 3), &sel, one} {
		vector.AppendBatch(dst, src)
	}
	want := []int64{vector.NoTime, 9, 9, 9, 9, vector.NoTime}
	if d := gocmp.Diff(want, dst.Clock); d != "" {
		t.Error(d)
	}
	if d := gocmp.Diff([]int64{9, 9}, vector.Compact(&sel).Clock); d != "" {
		t.Error(d)
	}
}
