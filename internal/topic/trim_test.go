package topic_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/internal/topic/topictest"
)

func TestPlanTrim(t *testing.T) {
	t.Parallel()
	info := topic.Info{FirstSeq: 1, LastSeq: 100, Messages: 100, Bytes: 1000, MaxBytes: 1000}
	a, b := topictest.Sub(0, "a"), topictest.Sub(0, "b")
	for _, c := range []struct {
		name      string
		retention uint64
		positions []uint64
		below     uint64 // 0: nothing
	}{
		{"nobody reads: retention alone", 200, nil, 80},
		{"default retention is half", 0, nil, 50},
		{"the slowest reader", 200, []uint64{70, 30, 90}, 30},
		{"a reader at the start holds all", 200, []uint64{70, 0}, 0},
		{"readers are further than retention", 200, []uint64{95}, 80},
		{"all fits", 1000, []uint64{95}, 0},
		{"nothing to gain", 200, []uint64{1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var want []topic.Trim
			if c.below > 0 {
				want = []topic.Trim{{Subject: a, Below: c.below}, {Subject: b, Below: c.below}}
			}
			readers := []topic.PartitionReaders{{Subjects: []string{a, b}, Positions: c.positions}}
			got := topic.PlanTrim(topic.TrimInput{Info: info, Retention: c.retention, Partitions: readers})
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// TestTrimKeepsWhatIsOwed: whatever was trimmed, a reader can go on from each position, and each writer has its fence.
func TestTrimKeepsWhatIsOwed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := topic.NewMemory(topic.MemoryConfig{MaxBytes: 1 << 20})
		subjects := []string{topictest.Sub(0, "a"), topictest.Sub(0, "b"), topictest.Sub(0, "c")}
		last := map[string]uint64{}
		for range rapid.IntRange(1, 60).Draw(t, "messages") {
			s := rapid.SampledFrom(subjects).Draw(t, "subject")
			m := &topic.Message{Subject: s, Data: make([]byte, rapid.IntRange(0, 300).Draw(t, "size"))}
			seq, err := l.Append(t.Context(), m, last[s])
			if err != nil {
				t.Fatal(err)
			}
			last[s] = seq
		}
		all := l.Messages()
		positions := rapid.SliceOfN(rapid.Uint64Range(1, uint64(len(all))), 1, 3).Draw(t, "positions")
		info, err := l.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = topic.NewTrimmer(l).Trim(t.Context(), topic.PlanTrim(topic.TrimInput{
			Info: info, Retention: rapid.Uint64Range(1, 9000).Draw(t, "retention"),
			Partitions: []topic.PartitionReaders{{Subjects: subjects, Positions: positions}},
		}))
		if err != nil {
			t.Fatal(err)
		}
		for s, seq := range last {
			if m, err := l.Last(t.Context(), s); err != nil || m.Seq != seq {
				t.Errorf("last of %s: %v %v, want %d", s, m, err, seq)
			}
		}
		for _, p := range positions {
			r := topic.NewReader(topic.ReaderConfig{
				Log: l, Topic: "x/0", Filters: []string{topictest.Subjects}, After: topic.Mark(info, all[p-1]),
			})
			want := p
			for {
				m, _, err := r.Poll(t.Context())
				if err != nil {
					t.Fatalf("from %d: %v", p, err)
				}
				if m == nil {
					break
				}
				if want++; m.Seq != want {
					t.Fatalf("from %d: got %d, want %d", p, m.Seq, want)
				}
			}
			if want != uint64(len(all)) {
				t.Fatalf("from %d: ends at %d of %d", p, want, len(all))
			}
		}
	})
}
