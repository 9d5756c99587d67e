package topic_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/internal/topic/topictest"
)

// fill appends n messages to each of the writers a and b of partition 0 in turn: a has the odd sequences.
func fill(t *testing.T, l topic.Log, n int) {
	t.Helper()
	last := map[string]uint64{}
	for i := range n {
		for _, w := range []string{"a", "b"} {
			last[w] = topictest.Put(t, l, topictest.Sub(0, w), fmt.Sprint(i), last[w])
		}
	}
}

func newReader(l topic.Log, cfg topic.ReaderConfig) *topic.Reader {
	cfg.Log, cfg.Topic = l, "x/0"
	cfg.Filters = []string{topic.PartitionFilter(topic.ClassSource, "x", 0)}
	return topic.NewReader(cfg)
}

// poll reads what is there, up to an error.
func poll(t *testing.T, r *topic.Reader) (seqs []uint64, err error) {
	t.Helper()
	for {
		m, _, err := r.Poll(t.Context())
		if m == nil {
			return seqs, err
		}
		seqs = append(seqs, m.Seq)
	}
}

func seqs(from, to uint64) (s []uint64) {
	for ; from <= to; from++ {
		s = append(s, from)
	}
	return s
}

func TestReaderFollowsSeveralWriters(t *testing.T) {
	t.Parallel()
	l := topic.NewMemory(topic.MemoryConfig{Created: time.UnixMilli(7)})
	fill(t, l, 3)
	topictest.Put(t, l, topictest.Sub(1, "a"), "another partition", 0)
	r := newReader(l, topic.ReaderConfig{})
	defer r.Close()
	got, err := poll(t, r)
	if d := cmp.Diff(seqs(1, 6), got); d != "" || err != nil {
		t.Fatalf("%v %s", err, d)
	}
	if d := cmp.Diff(map[string]uint64{topictest.Sub(0, "a"): 5, topictest.Sub(0, "b"): 6}, r.Chain()); d != "" {
		t.Error(d)
	}
	l.KillCursors()
	topictest.Put(t, l, topictest.Sub(0, "a"), "x", 5)
	for range 2 { // the first poll finds the cursor dead
		got, err = poll(t, r)
	}
	if d := cmp.Diff([]uint64{8}, got); d != "" || err != nil {
		t.Errorf("after the cursor's death: %v %s", err, d)
	}
}

// TestReaderGaps damages a log of 10 messages at or behind a reader's position, and expects the words that say so.
func TestReaderGaps(t *testing.T) {
	t.Parallel()
	reuse := func(l *topic.Memory, from uint64) {
		l.CutTo(from)
		for i, last := 0, from-1; i < 4; i++ {
			m := &topic.Message{Subject: topictest.Sub(0, "a"), Data: []byte("new")}
			last, _ = l.Append(context.Background(), m, last)
		}
	}
	for _, c := range []struct {
		name     string
		position uint64 // read up to here, then restart behind it; 0: from the start
		damage   func(*topic.Memory)
		read     []uint64
		missing  uint64
		words    string
	}{
		{"nothing", 4, func(*topic.Memory) {}, seqs(5, 10), 0, ""},
		{
			"one in the middle", 4,
			func(l *topic.Memory) { l.Delete(7) },
			[]uint64{5, 6, 8},
			7, "message 7 of leat.src.x.0.a is missing",
		},
		{
			"the first behind the position", 4,
			func(l *topic.Memory) { l.Delete(5) },
			[]uint64{6},
			5, "message 5 of leat.src.x.0.a is missing",
		},
		{"one before the position", 4, func(l *topic.Memory) { l.Delete(2) }, seqs(5, 10), 0, ""},
		{
			"the position's own", 4,
			func(l *topic.Memory) { l.Delete(4) },
			nil, 4, "message 4, at which the position stands, is missing",
		},
		{
			"from the start, one in the middle", 0,
			func(l *topic.Memory) { l.Delete(5) },
			[]uint64{1, 2, 3, 4, 6},
			5, "and 3 was the last one read",
		},
		{"cut behind the position", 4, func(l *topic.Memory) { l.CutTo(6) }, []uint64{5, 6}, 0, ""},
		{
			"cut before the position", 9,
			func(l *topic.Memory) { l.CutTo(5) },
			nil, 9, "it ends at message 5, the position is 9",
		},
		{"numbers used again", 7, func(l *topic.Memory) { reuse(l, 6) }, nil, 7, "is not the one that was read"},
		{
			"made again", 4,
			func(l *topic.Memory) { l.Recreate(time.UnixMilli(99)) },
			nil, 4, "deleted and made again at 1970-01-01T00:00:00.099Z",
		},
		{
			"made again before the first message", 0,
			func(l *topic.Memory) { l.Recreate(time.UnixMilli(99)) },
			nil, 0, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := topic.NewMemory(topic.MemoryConfig{Created: time.UnixMilli(7)})
			fill(t, l, 5)
			first := newReader(l, topic.ReaderConfig{})
			for range c.position {
				if _, _, err := first.Poll(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			first.Close()
			c.damage(l)
			second := newReader(l, topic.ReaderConfig{After: first.Position(), Chain: first.Chain()})
			defer second.Close()
			got, err := poll(t, second)
			if d := cmp.Diff(c.read, got); d != "" {
				t.Errorf("read: (-want +got)\n%s", d)
			}
			wantGap(t, err, c.missing, c.words)
			if c.position > 0 { // the same without a recorded chain
				third := newReader(l, topic.ReaderConfig{After: first.Position()})
				defer third.Close()
				_, err = poll(t, third)
				wantGap(t, err, c.missing, c.words)
			}
		})
	}
}

func wantGap(t *testing.T, err error, missing uint64, words string) {
	t.Helper()
	var gap *topic.GapError
	switch {
	case words == "" && err == nil:
	case words == "" || !errors.As(err, &gap) || !errors.Is(err, topic.ErrGap):
		t.Errorf("got %v, want %q", err, words)
	case gap.Missing != missing || !strings.Contains(err.Error(), words) || !strings.HasPrefix(err.Error(), "x/0: "):
		t.Errorf("got %v (missing %d), want %q (missing %d)", err, gap.Missing, words, missing)
	}
}

func TestReaderNoticesGapUnderIt(t *testing.T) {
	t.Parallel()
	l := topic.NewMemory(topic.MemoryConfig{})
	fill(t, l, 3)
	r := newReader(l, topic.ReaderConfig{})
	defer r.Close()
	if got, err := poll(t, r); len(got) != 6 || err != nil {
		t.Fatal(got, err)
	}
	l.CutTo(3) // kills the cursor as a restart does
	_, _ = poll(t, r)
	_, err := poll(t, r)
	wantGap(t, err, 6, "it ends at message 3, the position is 6; messages 4 to 6 are missing")
	_, again := poll(t, r)
	if !errors.Is(again, topic.ErrGap) {
		t.Errorf("a reader that found a gap goes on: %v", again)
	}
}

func TestReaderFromTrimPoint(t *testing.T) {
	t.Parallel()
	l := topic.NewMemory(topic.MemoryConfig{})
	fill(t, l, 2)
	last := uint64(3)
	for range 4 {
		last = topictest.Put(t, l, topictest.Sub(0, "a"), "x", last) // b is idle at 4
	}
	for _, s := range []string{"a", "b"} {
		if err := l.Trim(t.Context(), topictest.Sub(0, s), 7); err != nil {
			t.Fatal(err)
		}
	}
	for _, point := range []uint64{0, 7} {
		r := newReader(l, topic.ReaderConfig{TrimPoint: point})
		got, err := poll(t, r)
		if d := cmp.Diff([]uint64{4, 7, 8}, got); d != "" || err != nil {
			t.Errorf("trim point %d: %v %s", point, err, d)
		}
		r.Close()
	}
	l.Delete(7)
	r := newReader(l, topic.ReaderConfig{TrimPoint: 7})
	defer r.Close()
	_, err := poll(t, r)
	wantGap(t, err, 7, "message 7 of leat.src.x.0.a is missing")
}

// TestReaderConfirmsGaps: with replicas a read from the past is not a gap.
func TestReaderConfirmsGaps(t *testing.T) {
	t.Parallel()
	l := topic.NewMemory(topic.MemoryConfig{})
	fill(t, l, 2)
	first := newReader(l, topic.ReaderConfig{})
	if _, err := poll(t, first); err != nil {
		t.Fatal(err)
	}
	first.Close()
	now := time.UnixMilli(0)
	cfg := topic.ReaderConfig{
		After: first.Position(), Confirm: time.Second, Now: func() time.Time { return now },
	}
	old := topic.NewMemory(topic.MemoryConfig{})
	fill(t, old, 1)
	view := &switching{Log: old}
	r := newReader(view, cfg)
	defer r.Close()
	if _, err := poll(t, r); err != nil {
		t.Errorf("at once: %v", err)
	}
	view.Log = l
	if _, err := poll(t, r); err != nil {
		t.Errorf("the leader is back: %v", err)
	}
	view.Log = old
	r = newReader(view, cfg)
	for range 2 {
		_, err := poll(t, r)
		if want := now.UnixMilli() >= 1000; errors.Is(err, topic.ErrGap) != want {
			t.Errorf("after %v: %v", now, err)
		}
		now = now.Add(time.Second)
	}
}

type switching struct{ topic.Log }
