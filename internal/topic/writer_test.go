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

// epoch makes the epoch message of an owner that knows no other.
func epoch(n int) topic.EpochMessage {
	return func(last *topic.Message) (map[string]string, []byte, error) {
		row := 0
		if last != nil {
			e, r, _ := parseProvenance(last)
			if e > n {
				return nil, nil, fmt.Errorf("epoch %d is there: %w", e, topic.ErrFenced)
			}
			row = r
		}
		return provenance(n, row, "epoch"), nil, nil
	}
}

// timeless is a writer's time in which waiting takes none and a hook runs at each wait.
func timeless(cfg topic.WriterConfig, hook func(n int)) topic.WriterConfig {
	now, n := time.UnixMilli(0), 0
	cfg.Now = func() time.Time { return now }
	cfg.Jitter = func() float64 { return 0.5 }
	cfg.Wait = func(ctx context.Context, d time.Duration) error {
		now = now.Add(d)
		n++
		hook(n)
		return ctx.Err()
	}
	return cfg
}

func TestWriterFencesAndHandsOver(t *testing.T) {
	t.Parallel()
	l := topic.NewMemory(topic.MemoryConfig{})
	cfg := topic.WriterConfig{Log: l, Subject: topictest.Sub(0, "w")}
	first := topic.NewWriter(cfg)
	if _, err := first.Append(t.Context(), provenance(1, 1, "row"), nil); err == nil {
		t.Error("an append before the fence was taken")
	}
	if last, err := first.Fence(t.Context(), epoch(1)); last != nil || err != nil {
		t.Fatal(last, err)
	}
	if seq, err := first.Append(t.Context(), provenance(1, 1, "row"), []byte("one")); seq != 2 || err != nil {
		t.Fatal(seq, err)
	}
	second := topic.NewWriter(cfg)
	last, err := second.Fence(t.Context(), epoch(2))
	if err != nil || last.Seq != 2 || second.Last() != 3 {
		t.Fatal(last, err)
	}
	if _, err = first.Append(t.Context(), provenance(1, 2, "row"), nil); !errors.Is(err, topic.ErrFenced) {
		t.Errorf("the zombie's append: %v", err)
	}
	if _, err = first.Append(t.Context(), provenance(1, 2, "row"), nil); err == nil {
		t.Error("the zombie's second append was taken")
	}
	if _, err = topic.NewWriter(cfg).Fence(t.Context(), epoch(1)); !errors.Is(err, topic.ErrFenced) {
		t.Errorf("a fence with an old epoch: %v", err)
	}
	if seq, err := second.Append(t.Context(), provenance(2, 2, "row"), nil); seq != 4 || err != nil {
		t.Error(seq, err)
	}
	if d := cmp.Diff(topic.WriterStats{Appended: 2, Bytes: 3}, first.Stats()); d != "" {
		t.Error(d)
	}
}

func TestWriterWaitsForRoom(t *testing.T) {
	t.Parallel()
	l := topic.NewMemory(topic.MemoryConfig{MaxBytes: 1000})
	var said []topic.Status
	cfg := topic.WriterConfig{
		Log: l, Subject: topictest.Sub(0, "w"), OnStatus: func(s topic.Status) { said = append(said, s) },
	}
	var w *topic.Writer
	w = topic.NewWriter(timeless(cfg, func(n int) {
		if n%12 == 0 {
			if err := l.Trim(t.Context(), w.Subject(), w.Last()); err != nil {
				t.Error(err)
			}
		}
	}))
	if _, err := w.Fence(t.Context(), epoch(1)); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := w.Append(t.Context(), provenance(1, i+1, "row"), make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	st := w.Stats()
	if st.Appended != 11 || st.Retries != 24 || st.InDoubt != 0 || time.Duration(st.BlockedNs) < 500*time.Millisecond {
		t.Errorf("stats: %+v", st)
	}
	if len(said) != 4 || said[0].Kind != topic.StatusFull || said[1].Kind != topic.StatusRunning ||
		!strings.Contains(said[0].Text, "leat.src.x.0.w is full; waiting for its readers") {
		t.Errorf("said %+v", said)
	}
}

// silent answers nothing for a while.
type silent struct{ quiet bool }

func (s *silent) OnAppend(string) topic.AppendFault {
	if s.quiet {
		return topic.AppendAckLost
	}
	return topic.AppendOK
}

func (s *silent) OnRead(topic.ReadOp) topic.ReadFault {
	if s.quiet {
		return topic.ReadNoAnswer
	}
	return topic.ReadOK
}

func TestWriterNamesASilentBroker(t *testing.T) {
	t.Parallel()
	f := &silent{}
	l := topic.NewMemory(topic.MemoryConfig{Faults: f})
	var said []string
	cfg := topic.WriterConfig{
		Log: l, Subject: topictest.Sub(0, "w"), OnStatus: func(s topic.Status) {
			said = append(said, fmt.Sprint(s.Kind == topic.StatusNoAnswer && s.Waited >= 5*time.Second, " ", s.Text))
		},
	}
	w := topic.NewWriter(timeless(cfg, func(n int) { f.quiet = n < 40 }))
	if _, err := w.Fence(t.Context(), epoch(1)); err != nil {
		t.Fatal(err)
	}
	f.quiet = true
	if seq, err := w.Append(t.Context(), provenance(1, 1, "row"), nil); seq != 2 || err != nil {
		t.Fatal(seq, err) // found by reading message 2: the first attempt had arrived
	}
	want := []string{
		"true the broker does not answer for leat.src.x.0.w; disk full? (no answer from the broker)",
		"false ",
	}
	if d := cmp.Diff(want, said); d != "" {
		t.Error(d)
	}
	if st := w.Stats(); st.InDoubt != 1 || st.Appended != 2 || st.Retries != 40 {
		t.Errorf("stats: %+v", st)
	}
	if got := len(l.Messages()); got != 2 {
		t.Errorf("%d messages, want 2", got)
	}
}

func TestWriterInterrupted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fault   topic.AppendFault
		full    bool
		inDoubt bool
	}{
		{"answer lost", topic.AppendAckLost, false, true},
		{"late", topic.AppendLate, false, true},
		{"full", topic.AppendOK, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := topic.NewMemory(topic.MemoryConfig{Faults: &script{topic.AppendOK, c.fault}})
			ctx, cancel := context.WithCancel(t.Context())
			cfg := topic.WriterConfig{Log: l, Subject: topictest.Sub(0, "w")}
			w := topic.NewWriter(timeless(cfg, func(int) { cancel() }))
			if _, err := w.Fence(ctx, epoch(1)); err != nil {
				t.Fatal(err)
			}
			if c.full {
				l.SetMaxBytes(1)
			}
			_, err := w.Append(ctx, provenance(1, 1, "row"), nil)
			if !errors.Is(err, context.Canceled) || errors.Is(err, topic.ErrInDoubt) != c.inDoubt {
				t.Errorf("got %v", err)
			}
			if _, err = w.Append(t.Context(), provenance(1, 2, "row"), nil); !errors.Is(err, topic.ErrInDoubt) {
				t.Errorf("another append before the one in doubt is settled: %v", err)
			}
			l.SetMaxBytes(0)
			// The same writer goes on when it is resumed with a living context.
			if seq, err := w.Resume(context.WithoutCancel(ctx)); seq != 2 || err != nil {
				t.Errorf("resumed: %d %v", seq, err)
			}
			for range l.Pending() {
				if seq := l.Deliver(0); seq != 0 {
					t.Errorf("the late attempt was taken as %d", seq)
				}
			}
			if n := len(l.Messages()); n != 2 {
				t.Errorf("%d messages, want 2", n)
			}
		})
	}
}

func TestWriterStops(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(*topic.Memory)
		data   int
		want   error
	}{
		{"cut", func(l *topic.Memory) { l.CutTo(1) }, 0, topic.ErrCut},
		{"made again", func(l *topic.Memory) { l.Recreate(time.UnixMilli(9)) }, 0, topic.ErrCut},
		{"too large", func(*topic.Memory) {}, 9 << 20, topic.ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := topic.NewMemory(topic.MemoryConfig{})
			w := topic.NewWriter(topic.WriterConfig{Log: l, Subject: topictest.Sub(0, "w")})
			if _, err := w.Fence(t.Context(), epoch(1)); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Append(t.Context(), provenance(1, 1, "row"), nil); err != nil {
				t.Fatal(err)
			}
			c.damage(l)
			if _, err := w.Append(t.Context(), provenance(1, 2, "row"), make([]byte, c.data)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestWriterWantsAnIdentity(t *testing.T) {
	t.Parallel()
	l := topic.NewMemory(topic.MemoryConfig{})
	w := topic.NewWriter(topic.WriterConfig{Log: l, Subject: topictest.Sub(0, "w")})
	if _, err := w.Fence(t.Context(), func(*topic.Message) (map[string]string, []byte, error) {
		return nil, nil, nil
	}); err == nil {
		t.Error("an epoch message without identity was taken")
	}
	if len(l.Messages()) != 0 {
		t.Error("it is in the log")
	}
}
