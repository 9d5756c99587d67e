// Package topictest holds the contract of topic.Log as tests, and what tests of its users need.
package topictest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/internal/topic"
)

// Shard is a log under test, with what the contract cannot do itself.
type Shard struct {
	topic.Log
	// Delete removes one message by force, as damage does.
	Delete func(seq uint64) error
}

// Open makes an empty shard that takes the subjects leat.src.x.> and has maxBytes (0: no limit).
type Open func(t *testing.T, maxBytes int64) Shard

// Subjects is the filter of the subjects that a shard under test takes.
const Subjects = "leat.src.x.>"

// Run runs the contract on the implementation that open makes.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"order", order},
		{"fence", fence},
		{"empty subject expects 0", emptySubject},
		{"last and get", lastAndGet},
		{"full blocks, trim frees", full},
		{"trim keeps the last", trimKeepsLast},
		{"read from a position", readFrom},
		{"read filters", readFilters},
		{"read waits", readWaits},
		{"hole", hole},
		{"large message", large},
		{"headers", headers},
		{"ended context", endedContext},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open)
		})
	}
}

// Sub is the subject of writer w of partition p.
func Sub(p int, w string) string { return topic.Subject(topic.ClassSource, "x", p, w) }

// Put appends data to subject behind expect and fails the test when it is not taken.
func Put(t *testing.T, l topic.Log, subject, data string, expect uint64) uint64 {
	t.Helper()
	seq, err := l.Append(t.Context(), &topic.Message{Subject: subject, Data: []byte(data)}, expect)
	if err != nil {
		t.Fatalf("append %q to %s after %d: %v", data, subject, expect, err)
	}
	return seq
}

// Take returns the next n messages of a cursor.
func Take(t *testing.T, c topic.Cursor, n int) []*topic.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var ms []*topic.Message
	for range n {
		m, _, err := c.Next(ctx)
		if err != nil {
			t.Fatalf("message %d of %d: %v", len(ms)+1, n, err)
		}
		ms = append(ms, m)
	}
	return ms
}

// Show prints messages as seq:writer:data, so that a test compares text.
func Show(ms []*topic.Message) string {
	var b strings.Builder
	for _, m := range ms {
		fmt.Fprintf(&b, "%d:%s:%s ", m.Seq, m.Subject[len("leat.src.x."):], m.Data)
	}
	return strings.TrimSpace(b.String())
}

func read(t *testing.T, l topic.Log, from uint64, n int, filters ...string) []*topic.Message {
	t.Helper()
	c, err := l.Read(t.Context(), from, 1<<20, filters...)
	if err != nil {
		t.Fatalf("read from %d: %v", from, err)
	}
	defer c.Close()
	return Take(t, c, n)
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: (-want +got)\n%s", what, d)
	}
}

func order(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	a, b := Sub(0, "a"), Sub(1, "b")
	same(t, "seq", Put(t, l, a, "a1", 0), uint64(1))
	same(t, "seq", Put(t, l, b, "b1", 0), uint64(2))
	same(t, "seq", Put(t, l, a, "a2", 1), uint64(3))
	ms := read(t, l, 0, 3)
	same(t, "messages", Show(ms), "1:0.a:a1 2:1.b:b1 3:0.a:a2")
	for i, want := range []uint64{0, 0, 1} {
		if !ms[i].HasFence || ms[i].Fence != want {
			t.Errorf("message %d: fence %v %d, want %d", i+1, ms[i].HasFence, ms[i].Fence, want)
		}
	}
	in, err := l.Info(t.Context())
	if err != nil || in.FirstSeq != 1 || in.LastSeq != 3 || in.Bytes == 0 {
		t.Errorf("info: %+v %v", in, err)
	}
}

func fence(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	a := Sub(0, "a")
	Put(t, l, a, "1", 0)
	Put(t, l, Sub(0, "b"), "other", 0)
	Put(t, l, a, "epoch 2", 1)
	for _, expect := range []uint64{0, 1, 2, 4, 1 << 40} {
		_, err := l.Append(t.Context(), &topic.Message{Subject: a, Data: []byte("zombie")}, expect)
		var wrong *topic.WrongLastError
		if !errors.Is(err, topic.ErrWrongLast) || !errors.As(err, &wrong) || wrong.Last != 3 {
			t.Errorf("append after %d: got %v, want wrong last sequence with 3", expect, err)
		}
	}
	same(t, "messages", Show(read(t, l, 1, 3, a, Sub(0, "b"))), "1:0.a:1 2:0.b:other 3:0.a:epoch 2")
	same(t, "seq", Put(t, l, a, "2", 3), uint64(4))
}

func emptySubject(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	Put(t, l, Sub(0, "b"), "b", 0)
	_, err := l.Append(t.Context(), &topic.Message{Subject: Sub(0, "a")}, 1)
	var wrong *topic.WrongLastError
	if !errors.As(err, &wrong) || wrong.Last != 0 {
		t.Errorf("append after 1 to an empty subject: got %v, want wrong last sequence with 0", err)
	}
	same(t, "seq", Put(t, l, Sub(0, "a"), "", 0), uint64(2))
}

func lastAndGet(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	a := Sub(0, "a")
	if m, err := l.Last(t.Context(), a); !errors.Is(err, topic.ErrNotFound) {
		t.Errorf("last of an empty subject: got %v %v, want not found", m, err)
	}
	if m, err := l.Get(t.Context(), 1); !errors.Is(err, topic.ErrNotFound) {
		t.Errorf("message 1 of an empty shard: got %v %v, want not found", m, err)
	}
	Put(t, l, a, "one", 0)
	Put(t, l, a, "two", 1)
	Put(t, l, Sub(1, "a"), "three", 0)
	last, err := l.Last(t.Context(), a)
	if err != nil || Show([]*topic.Message{last}) != "2:0.a:two" || !last.HasFence || last.Fence != 1 {
		t.Errorf("last: %+v %v", last, err)
	}
	for seq, want := range map[uint64]string{1: "1:0.a:one", 2: "2:0.a:two", 3: "3:1.a:three"} {
		m, err := l.Get(t.Context(), seq)
		if err != nil {
			t.Fatalf("message %d: %v", seq, err)
		}
		same(t, "message", Show([]*topic.Message{m}), want)
		if m.TimeMs == 0 {
			t.Errorf("message %d has no time", seq)
		}
	}
	for _, seq := range []uint64{4, 1 << 40} {
		if m, err := l.Get(t.Context(), seq); !errors.Is(err, topic.ErrNotFound) {
			t.Errorf("message %d: got %v %v, want not found", seq, m, err)
		}
	}
}

func full(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 64<<10)
	a := Sub(0, "a")
	block := strings.Repeat("x", 8<<10)
	last, n := uint64(0), 0
	var err error
	for ; n < 100; n++ {
		var seq uint64
		seq, err = l.Append(t.Context(), &topic.Message{Subject: a, Data: []byte(block)}, last)
		if err != nil {
			break
		}
		last = seq
	}
	if !errors.Is(err, topic.ErrFull) || n < 6 || n > 8 {
		t.Fatalf("after %d blocks: got %v, want full after 7", n, err)
	}
	_, err = l.Append(t.Context(), &topic.Message{Subject: a, Data: []byte(block)}, 1)
	if !errors.Is(err, topic.ErrWrongLast) {
		t.Errorf("a zombie at a full shard: got %v, want wrong last sequence", err)
	}
	last = Put(t, l, a, "small", last) // what fits is still taken
	if err = l.Trim(t.Context(), a, 3); err != nil {
		t.Fatal(err)
	}
	last = Put(t, l, a, block, last)
	ms := read(t, l, 0, int(last)-2)
	if ms[0].Seq != 3 || ms[len(ms)-1].Seq != last {
		t.Errorf("kept %d to %d, want 3 to %d", ms[0].Seq, ms[len(ms)-1].Seq, last)
	}
}

func trimKeepsLast(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	a, idle := Sub(0, "a"), Sub(0, "idle")
	Put(t, l, idle, "i1", 0)
	Put(t, l, idle, "i2", 1)
	last := uint64(0)
	for i := range 5 {
		last = Put(t, l, a, fmt.Sprint(i), last)
	}
	for _, c := range []struct {
		subject string
		below   uint64
	}{{a, 5}, {idle, 1 << 40}, {idle, 2}, {idle, 0}, {a, 1}, {Sub(7, "none"), 9}} {
		if err := l.Trim(t.Context(), c.subject, c.below); err != nil {
			t.Fatalf("trim %s below %d: %v", c.subject, c.below, err)
		}
	}
	same(t, "kept", Show(read(t, l, 0, 4)), "2:0.idle:i2 5:0.a:2 6:0.a:3 7:0.a:4")
	same(t, "seq", Put(t, l, idle, "i3", 2), uint64(8))
	if err := l.Trim(t.Context(), a, 1<<40); err != nil {
		t.Fatal(err)
	}
	same(t, "kept", Show(read(t, l, 0, 3)), "2:0.idle:i2 7:0.a:4 8:0.idle:i3")
	in, err := l.Info(t.Context())
	if err != nil || in.FirstSeq != 2 || in.LastSeq != 8 {
		t.Errorf("info: %+v %v", in, err)
	}
}

func readFrom(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	last := uint64(0)
	for i := range 6 {
		last = Put(t, l, Sub(0, "a"), fmt.Sprint(i), last)
	}
	same(t, "from 0", Show(read(t, l, 0, 2)), "1:0.a:0 2:0.a:1")
	same(t, "from 1", Show(read(t, l, 1, 2)), "1:0.a:0 2:0.a:1")
	same(t, "from 5", Show(read(t, l, 5, 2)), "5:0.a:4 6:0.a:5")
	c, err := l.Read(t.Context(), 4, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for want := int64(2); want >= 0; want-- {
		_, pending, err := c.Next(t.Context())
		if err != nil || pending != want {
			t.Errorf("pending: got %d %v, want %d", pending, err, want)
		}
	}
}

func readFilters(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	for i, s := range []string{Sub(0, "a"), Sub(1, "a"), Sub(0, "b"), Sub(2, "a"), Sub(10, "a")} {
		Put(t, l, s, fmt.Sprint(i), 0)
	}
	filter := topic.PartitionFilter(topic.ClassSource, "x", 0)
	same(t, "partition", Show(read(t, l, 0, 2, filter)), "1:0.a:0 3:0.b:2")
	same(t, "two", Show(read(t, l, 0, 3, filter, Sub(2, "a"))), "1:0.a:0 3:0.b:2 4:2.a:3")
	same(t, "topic", Show(read(t, l, 3, 3, topic.Filter(topic.ClassSource, "x"))), "3:0.b:2 4:2.a:3 5:10.a:4")
}

func readWaits(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	c, err := l.Read(t.Context(), 2, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if m, _, err := c.Next(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("next of an empty shard: %v %v", m, err)
	}
	Put(t, l, Sub(0, "a"), "before", 0)
	done := make(chan error, 1)
	go func() {
		_, err := l.Append(t.Context(), &topic.Message{Subject: Sub(0, "a"), Data: []byte("it")}, 1)
		done <- err
	}()
	same(t, "waited for", Show(Take(t, c, 1)), "2:0.a:it") // the end of a context does not end the cursor
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func hole(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	last := uint64(0)
	for i := range 4 {
		last = Put(t, l, Sub(0, "a"), fmt.Sprint(i), last)
	}
	if err := l.Delete(3); err != nil {
		t.Fatal(err)
	}
	if m, err := l.Get(t.Context(), 3); !errors.Is(err, topic.ErrNotFound) {
		t.Errorf("the deleted message: got %v %v, want not found", m, err)
	}
	ms := read(t, l, 1, 3)
	same(t, "messages", Show(ms), "1:0.a:0 2:0.a:1 4:0.a:3")
	same(t, "fence behind the hole", ms[2].Fence, uint64(3))
	same(t, "seq", Put(t, l, Sub(0, "a"), "4", 4), uint64(5))
}

func large(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	a := Sub(0, "a")
	data := bytes.Repeat([]byte("0123456789abcdef"), 512<<10/16)
	if _, err := l.Append(t.Context(), &topic.Message{Subject: a, Data: data}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), &topic.Message{Subject: a, Data: data}, 1); err != nil {
		t.Fatal(err)
	}
	for _, m := range read(t, l, 1, 2) {
		if !bytes.Equal(m.Data, data) {
			t.Errorf("message %d: %d bytes, not the %d appended", m.Seq, len(m.Data), len(data))
		}
	}
	_, err := l.Append(t.Context(), &topic.Message{Subject: a, Data: make([]byte, 65<<20)}, 2)
	if !errors.Is(err, topic.ErrTooLarge) {
		t.Errorf("65 MB: got %v, want too large", err)
	}
	Put(t, l, a, "goes on", 2)
}

func headers(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	h := map[string]string{
		topic.HeaderProvenance: "w1;7;3.0;x/0=12", topic.HeaderKind: "epoch", "traceparent": "00-ab-cd-01",
	}
	m := &topic.Message{Subject: Sub(0, "a"), Header: h, Data: []byte("d")}
	if _, err := l.Append(t.Context(), m, 0); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		topic.HeaderProvenance: "w1;7;3.0;x/0=12", topic.HeaderKind: "epoch", "traceparent": "00-ab-cd-01",
	}
	same(t, "the caller's header", h, want)
	got, err := l.Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "got", got.Header, want)
	same(t, "read", read(t, l, 1, 1)[0].Header, want)
	last, err := l.Last(t.Context(), Sub(0, "a"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "last", last.Header, want)
}

func endedContext(t *testing.T, open Open) {
	t.Helper()
	l := open(t, 0)
	Put(t, l, Sub(0, "a"), "1", 0)
	c, err := l.Read(t.Context(), 1, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	Take(t, c, 1)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = l.Append(ended, &topic.Message{Subject: Sub(0, "a")}, 1); !errors.Is(err, topic.ErrNoAnswer) ||
		!errors.Is(err, context.Canceled) {
		t.Errorf("append: got %v, want no answer and canceled", err)
	}
	if _, err = l.Last(ended, Sub(0, "a")); !errors.Is(err, context.Canceled) {
		t.Errorf("last: got %v, want canceled", err)
	}
	if _, _, err = c.Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("next: got %v, want canceled", err)
	}
}
