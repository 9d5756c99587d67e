package topic_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/internal/topic/topictest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openMemory(_ *testing.T, maxBytes int64) topictest.Shard {
	l := topic.NewMemory(topic.MemoryConfig{MaxBytes: uint64(maxBytes)})
	return topictest.Shard{Log: l, Delete: func(seq uint64) error { l.Delete(seq); return nil }}
}

func TestMemoryContract(t *testing.T) {
	t.Parallel()
	topictest.Run(t, openMemory)
}

// script answers append faults in turn, then none.
type script []topic.AppendFault

func (s *script) OnAppend(string) topic.AppendFault {
	if len(*s) == 0 {
		return topic.AppendOK
	}
	f := (*s)[0]
	*s = (*s)[1:]
	return f
}

func (s *script) OnRead(topic.ReadOp) topic.ReadFault { return topic.ReadOK }

func TestMemoryAppendFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fault   topic.AppendFault
		err     error // of the faulty append
		again   error // of the same append at once
		late    uint64
		kept    string
		pending int
	}{
		{"lost", topic.AppendLost, topic.ErrNoAnswer, nil, 0, "1:0.a:0 2:0.a:1", 0},
		{"ack lost", topic.AppendAckLost, topic.ErrNoAnswer, topic.ErrWrongLast, 0, "1:0.a:0 2:0.a:1", 0},
		{"late, refused", topic.AppendLate, topic.ErrNoAnswer, nil, 0, "1:0.a:0 2:0.a:1", 1},
		{"undecided", topic.AppendUndecided, topic.ErrNoAnswer, topic.ErrUndecided, 2, "1:0.a:0 2:0.a:1", 1},
		{"server full", topic.AppendServerFull, topic.ErrServerFull, nil, 0, "1:0.a:0 2:0.a:1", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := topic.NewMemory(topic.MemoryConfig{Faults: &script{topic.AppendOK, c.fault}})
			topictest.Put(t, l, topictest.Sub(0, "a"), "0", 0)
			m := &topic.Message{Subject: topictest.Sub(0, "a"), Data: []byte("1")}
			if _, err := l.Append(t.Context(), m, 1); !errors.Is(err, c.err) {
				t.Errorf("first: got %v, want %v", err, c.err)
			}
			if _, err := l.Append(t.Context(), m, 1); !errors.Is(err, c.again) {
				t.Errorf("again: got %v, want %v", err, c.again)
			}
			if n := len(l.Pending()); n != c.pending {
				t.Fatalf("pending: got %d, want %d", n, c.pending)
			}
			if c.pending > 0 {
				if seq := l.Deliver(0); seq != c.late {
					t.Errorf("delivered as %d, want %d", seq, c.late)
				}
			}
			if got := topictest.Show(l.Messages()); got != c.kept {
				t.Errorf("kept %q, want %q", got, c.kept)
			}
		})
	}
}

func TestMemoryCutAndRecreate(t *testing.T) {
	t.Parallel()
	l := topic.NewMemory(topic.MemoryConfig{History: true, Created: time.UnixMilli(1)})
	c, err := l.Read(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	a := topictest.Sub(0, "a")
	topictest.Put(t, l, a, "1", 0)
	topictest.Put(t, l, a, "2", 1)
	topictest.Put(t, l, a, "3", 2)
	l.CutTo(2)
	if _, _, err = c.Next(t.Context()); !errors.Is(err, topic.ErrNoAnswer) {
		t.Errorf("a cursor after the cut: %v", err)
	}
	topictest.Put(t, l, a, "other 3", 2)
	if got, want := topictest.Show(l.History()), "1:0.a:1 2:0.a:2 3:0.a:3 3:0.a:other 3"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
	l.Recreate(time.UnixMilli(2))
	info, err := l.Info(t.Context())
	if err != nil || info.LastSeq != 0 || !info.Created.Equal(time.UnixMilli(2)) || info.Bytes != 0 {
		t.Errorf("info %+v %v", info, err)
	}
}

func TestMemoryPollsWithEndedContext(t *testing.T) {
	t.Parallel()
	l := topic.NewMemory(topic.MemoryConfig{})
	c, err := l.Read(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	topictest.Put(t, l, topictest.Sub(0, "a"), "1", 0)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if m, _, err := c.Next(ended); err != nil || m.Seq != 1 {
		t.Errorf("a message that is there: got %v %v", m, err)
	}
	if m, _, err := c.Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("none there: got %v %v", m, err)
	}
}
