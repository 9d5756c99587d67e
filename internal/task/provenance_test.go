package task

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func anyProvenance(t *rapid.T) *Provenance {
	p := &Provenance{
		Writer: rapid.StringMatching(`[a-z0-9-]{1,12}`).Draw(t, "writer"), Epoch: rapid.Uint64().Draw(t, "epoch"),
		Kind:      rapid.SampledFrom([]string{KindBatch, KindEpoch, KindProgress}).Draw(t, "kind"),
		Cursor:    Cursor{rapid.Uint64().Draw(t, "step"), rapid.Uint64().Draw(t, "rows")},
		Watermark: rapid.SampledFrom([]int64{vector.NoTime, vector.MaxTime, 0, -5, 1_700_000_000_000}).Draw(t, "wm"),
		Idle:      rapid.Bool().Draw(t, "idle"),
		Source:    rapid.String().Draw(t, "source"),
		Counts:    Counts{In: rapid.Uint64().Draw(t, "in"), Late: rapid.Uint64().Draw(t, "late")},
	}
	inputs := rapid.IntRange(0, 3).Draw(t, "inputs")
	for range inputs {
		p.Positions = append(p.Positions, rapid.Uint64().Draw(t, "position"))
	}
	if inputs > 1 {
		p.Order = Order{Inputs: inputs, Base: rapid.Uint64Range(0, 1<<40).Draw(t, "base")}
		for range rapid.IntRange(0, 50).Draw(t, "steps") {
			p.Order.add(rapid.IntRange(0, inputs-1).Draw(t, "input"))
		}
	}
	return p
}

func TestProvenanceRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anyProvenance(t)
		text := string(want.Append(nil))
		if strings.ContainsAny(text, "\r\n\x00") {
			t.Fatalf("%q cannot be a header", text)
		}
		got, err := ParseProvenance(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Order{}, run{})); diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
	})
}

// TestProvenanceText pins the text: docs/protocol.md shows it, and other programs read it.
func TestProvenanceText(t *testing.T) {
	t.Parallel()
	p := Provenance{
		Writer: "q1-2-3", Epoch: 4, Kind: KindBatch, Cursor: Cursor{7, 20}, Positions: []uint64{90, 12},
		Watermark: 1000,
		Counts:    Counts{In: 5, Used: 4, Out: 9, Filtered: 1}, Order: Order{Inputs: 2, Base: 5},
	}
	p.Order.add(0)
	p.Order.add(1)
	p.Order.add(1)
	const want = "1;w=q1-2-3;e=4;k=batch;c=7.20;p=90,12;m=1000;n=5,4,9,1,0,0,0;o=5,AgU"
	if got := string(p.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, bad := range []string{
		"", "2;w=a;k=batch", "1", "1;w=a", "1;w=a;k=b;c=7", "1;w=a;k=b;p=1,x",
		"1;w=a;k=b;o=1,AgU",
		"1;w=a;k=b;p=1,2;o=1,gICA", "1;w", strings.Repeat("x", maxProvenance+1),
	} {
		if p, err := ParseProvenance(bad); err == nil {
			t.Errorf("%.40q gave %+v", bad, p)
		}
	}
}

func FuzzParseProvenance(f *testing.F) {
	f.Add("1;w=q1-2-3;e=4;k=batch;c=7.20;p=90,12;m=1000;n=5,4,9,1,0,0,0;o=5,AgU")
	f.Add("1;w=i0;e=1;k=epoch;c=0.0;s=MTI;m=end;i=1")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseProvenance(s)
		if err != nil {
			return
		}
		if _, err = ParseProvenance(string(p.Append(nil))); err != nil && !strings.ContainsAny(s, ";=") {
			t.Fatalf("%q: %v", s, err)
		}
	})
}

// TestOrder compares the run lengths with a plain list.
func TestOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := Order{Inputs: rapid.IntRange(2, 4).Draw(t, "inputs")}
		var list []int
		base := uint64(0)
		for range rapid.IntRange(0, 60).Draw(t, "ops") {
			if rapid.IntRange(0, 9).Draw(t, "op") == 0 {
				base = rapid.Uint64Range(base, base+uint64(len(list))).Draw(t, "cut")
				list = list[base-o.Base:]
				o.cut(base)
				continue
			}
			in := rapid.IntRange(0, o.Inputs-1).Draw(t, "input")
			o.add(in)
			list = append(list, in)
		}
		last := rapid.Uint64Range(base, base+uint64(len(list))).Draw(t, "last")
		part := o.upTo(last)
		if o.Last() != base+uint64(len(list)) || part.Last() != last || o.size != len(o.appendRuns(nil)) {
			t.Fatalf("last %d and %d, size %d of %d", o.Last(), part.Last(), o.size, len(o.appendRuns(nil)))
		}
		back := Order{Inputs: o.Inputs, Base: o.Base, raw: part.appendRuns(nil)}
		if err := back.decode(); err != nil {
			t.Fatal(err)
		}
		for _, p := range []*Order{&part, &back} {
			var got []int
			for s := base + 1; s <= last; s++ {
				in, known := p.at(s)
				if !known {
					t.Fatalf("step %d is unknown", s)
				}
				got = append(got, in)
			}
			if !slices.Equal(got, list[:last-base]) {
				t.Fatalf("got %v, want %v", got, list[:last-base])
			}
		}
		if _, known := part.at(last + 1); known {
			t.Fatal("a step behind the last is known")
		}
	})
}
