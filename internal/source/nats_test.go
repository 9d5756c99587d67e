package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/broker"
)

// usersOf starts a server and returns a connection of the users' account.
func usersOf(t *testing.T) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	s, err := broker.Start(t.Context(), broker.Config{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	nc, err := s.App("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

func streamReader(t *testing.T, s *Stream, from Position) *Reader {
	t.Helper()
	if err := s.Open(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(s, Config{Schema: idSchema}, false, from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestStreamIsMadeReadAndTrimmed(t *testing.T) {
	t.Parallel()
	_, js := usersOf(t)
	s := &Stream{JS: js, Subject: "orders.>", Name: "leat_orders"}
	if err := s.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 5 { // each message has three rows
		m := nats.NewMsg(fmt.Sprintf("orders.%d", i))
		m.Data = fmt.Appendf(nil, "{\"id\":%d}\n{\"id\":%d}\n{\"id\":%d}\n", 3*i, 3*i+1, 3*i+2)
		m.Header.Set("Leat-Correlation-Id", fmt.Sprint("c", i))
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	r := streamReader(t, s, Position{})
	b, err := r.Block(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b.Batch.Rows != 15 || len(b.Segments) != 5 || b.Segments[2].Correlation != "c2" ||
		b.Segments[2].Subject != "orders.2" ||
		!slices.Equal(b.Records[:4], []int{0, 1, 2, 0}) || b.Batch.Time[0] < 1_600_000_000_000 {
		t.Errorf("got %d rows, segments %+v, records %v", b.Batch.Rows, b.Segments, b.Records)
	}
	mid := Position{Seq: 2, Row: 1, ID: b.Position.ID}
	split := b.Split(nil, true, []Position{mid, mid, mid})
	var rest []uint32
	for _, sel := range split {
		rest = append(rest, sel...)
	}
	slices.Sort(rest)
	if len(rest) != 11 || rest[0] != 4 {
		t.Errorf("rows behind message 2, record 1: %v", rest)
	}
	again := &Stream{JS: js, Subject: "orders.>", Name: "leat_orders"}
	if got := ids(t, streamReader(t, again, mid), 12); got[0] != 3 || len(got) != 12 {
		t.Errorf("read again from message 2: %v", got)
	}
	if !again.Made() {
		t.Error("a stream made earlier is taken for a user's")
	}
	checkTrim(t, js, s, b.Position)
}

// checkTrim moves the clock past the duplicate window and wants the stream trimmed behind the position, not before.
func checkTrim(t *testing.T, js jetstream.JetStream, s *Stream, pos Position) {
	t.Helper()
	now := time.Now()
	s.Clock = func() time.Time { return now }
	for _, c := range []struct {
		later time.Duration
		first uint64
	}{{time.Minute, 1}, {10 * time.Minute, 1}} {
		now = now.Add(c.later)
		if err := s.Commit(t.Context(), pos); err != nil {
			t.Fatal(err)
		}
		st, err := js.Stream(t.Context(), "leat_orders")
		if err != nil {
			t.Fatal(err)
		}
		if got := st.CachedInfo().State.FirstSeq; got != c.first {
			t.Errorf("after %s the stream begins at %d, want %d", c.later, got, c.first)
		}
	}
	s.passed = []mark{{1, now.Add(-time.Hour)}, {4, now.Add(-time.Hour)}, {5, now}}
	now = now.Add(time.Minute)
	if err := s.Commit(t.Context(), pos); err != nil {
		t.Fatal(err)
	}
	st, err := js.Stream(t.Context(), "leat_orders")
	if err != nil {
		t.Fatal(err)
	}
	if got := st.CachedInfo().State; got.FirstSeq != 4 || got.Msgs != 2 {
		t.Errorf("the stream holds %d messages from %d, want 2 from 4", got.Msgs, got.FirstSeq)
	}
}

func TestStreamIsAdopted(t *testing.T) {
	t.Parallel()
	_, js := usersOf(t)
	mine := jetstream.StreamConfig{Name: "MINE", Subjects: []string{"orders.*.eu", "other"}, MaxBytes: 1 << 20}
	if _, err := js.CreateStream(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	before, err := js.Stream(t.Context(), "MINE")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "orders.1.eu", []byte(`{"id":1}`)); err != nil {
		t.Fatal(err)
	}
	s := &Stream{JS: js, Subject: "orders.1.eu", Name: "leat_orders"}
	r := streamReader(t, s, Position{})
	if got := ids(t, r, 1); got[0] != 1 || s.Made() {
		t.Errorf("got %v, made %t", got, s.Made())
	}
	s.passed = []mark{{1, time.Now().Add(-time.Hour)}}
	if err := s.Commit(t.Context(), r.Position()); err != nil {
		t.Fatal(err)
	}
	after, err := js.Stream(t.Context(), "MINE")
	if err != nil {
		t.Fatal(err)
	}
	if after.CachedInfo().State.Msgs != 1 ||
		fmt.Sprint(after.CachedInfo().Config) != fmt.Sprint(before.CachedInfo().Config) {
		t.Error("an adopted stream was changed")
	}
	part := &Stream{JS: js, Subject: "orders.>", Name: "leat_orders"}
	if err := part.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "only a part") {
		t.Errorf("a stream that captures only a part: %v", err)
	}
	gone := &Stream{JS: js, Subject: "orders.1.eu"}
	if err := gone.Open(t.Context(), Position{Seq: 9, ID: s.id}); err == nil ||
		!strings.Contains(err.Error(), "went backwards") {
		t.Errorf("a stream that went backwards: %v", err)
	}
	anew := &Stream{JS: js, Subject: "orders.1.eu"}
	if err := anew.Open(t.Context(), Position{Seq: 1, ID: "1"}); err == nil ||
		!strings.Contains(err.Error(), "made anew") {
		t.Errorf("a stream that was made anew: %v", err)
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		outer, inner string
		want         bool
	}{
		{">", "a.b", true},
		{"a.>", "a.b.c", true},
		{"a.>", "a.*", true},
		{"a.*", "a.b", true},
		{"a.*", "a.>", false},
		{"a.*", "a", false},
		{"a.b", "a.*", false},
		{"a", "a.b", false},
		{"a.b", "a.b", true},
		{"*.b", "a.b", true},
		{"a.>", "a", false},
		{"a.*.c", "a.*.c", true},
	} {
		if got := covers(c.outer, c.inner); got != c.want {
			t.Errorf("covers(%q, %q) = %t", c.outer, c.inner, got)
		}
	}
}

func TestCoreSubject(t *testing.T) {
	t.Parallel()
	nc, _ := usersOf(t)
	s := &Core{Conn: nc, Subject: "ticks.*", Clock: func() int64 { return 42 }}
	if err := s.Open(t.Context(), Position{Seq: 10}); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(s, Config{Schema: idSchema}, false, Position{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := nc.Publish("ticks.a", fmt.Appendf(nil, `[{"id":%d},{"id":%d}]`, 2*i, 2*i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if got := ids(t, r, 6); !slices.Equal(got, []int64{0, 1, 2, 3, 4, 5}) {
		t.Errorf("got %v", got)
	}
	if pos := r.Position(); pos.Seq != 13 || pos.Row != 2 {
		t.Errorf("position %v, want message 13, row 2", pos)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.NextContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled read: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
