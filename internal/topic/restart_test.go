package topic_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/internal/topic/topictest"
)

// openShard makes or finds the shard of the restart tests, with short timeouts.
func openShard(t *testing.T, js jetstream.JetStream) *topic.JetStream {
	t.Helper()
	l, err := topic.CreateShard(t.Context(), js, topic.ShardConfig{
		Name: topic.ShardName("x", 0), Subjects: []string{topictest.Subjects}, MaxBytes: 64 << 20, WriterSubjects: 8,
		MaxMessage: 1 << 20, Description: "test", Metadata: map[string]string{"leat.kind": "stream"},
	}, topic.JetStreamConfig{Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestServerRestarts stops and starts the broker under a writer and a reader: what was acknowledged is there, once and
// in order, and both go on by themselves.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	const rows, restarts = 3000, 3
	srv := topictest.StartServer(t, t.TempDir())
	l := openShard(t, srv.Connect(t))
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	w := topic.NewWriter(topic.WriterConfig{Log: l, Subject: topictest.Sub(0, "w")})
	if _, err := w.Fence(ctx, epoch(1)); err != nil {
		t.Fatal(err)
	}
	reached := make(chan int, rows) // the reader's row
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range rows {
			if _, err := w.Append(ctx, provenance(1, i+1, "row"), []byte(strings.Repeat("x", i%4000))); err != nil {
				t.Errorf("row %d: %v", i+1, err)
				cancel()
				return
			}
		}
	})
	wg.Go(func() {
		defer close(reached)
		r := topic.NewReader(topic.ReaderConfig{
			Log: l, Topic: "x/0", MaxBytes: 64 << 10,
			Filters: []string{topic.PartitionFilter(topic.ClassSource, "x", 0)},
		})
		defer r.Close()
		for row := 0; row < rows; {
			m, _, err := r.Next(ctx)
			if err != nil {
				t.Errorf("reader behind row %d: %v", row, err)
				return
			}
			if _, got, kind := parseProvenance(m); kind == "row" {
				if row++; got != row || len(m.Data) != (row-1)%4000 {
					t.Errorf("row %d with %d bytes, want %d", got, len(m.Data), row)
					return
				}
				reached <- row
			}
		}
	})
	done := 0
	for row := range reached {
		if done < restarts && row >= (done+1)*rows/(restarts+1) {
			srv.Stop()
			srv.Start(t)
			done++
		}
	}
	wg.Wait()
	if done != restarts {
		t.Errorf("%d restarts, want %d", done, restarts)
	}
	if st := w.Stats(); st.Appended != rows+1 {
		t.Errorf("stats: %+v", st)
	}
}

// TestShardDeleted: a shard that was deleted, or deleted and made again, stops writer and reader by name.
func TestShardDeleted(t *testing.T) {
	t.Parallel()
	srv := topictest.StartServer(t, t.TempDir())
	js := srv.Connect(t)
	l := openShard(t, js)
	w := topic.NewWriter(topic.WriterConfig{Log: l, Subject: topictest.Sub(0, "w")})
	if _, err := w.Fence(t.Context(), epoch(1)); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := w.Append(t.Context(), provenance(1, i+1, "row"), nil); err != nil {
			t.Fatal(err)
		}
	}
	r := newReader(l, topic.ReaderConfig{})
	for range 11 {
		if _, _, err := r.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.Close()
	if err := topic.Check(t.Context(), l, "x/0", r.Position()); err != nil {
		t.Errorf("an untouched log: %v", err)
	}
	if err := js.DeleteStream(t.Context(), l.Name()); err != nil {
		t.Fatal(err)
	}
	_, err := w.Append(t.Context(), provenance(1, 11, "row"), nil)
	if !errors.Is(err, topic.ErrNotFound) {
		t.Errorf("append to a shard that is gone: %v", err)
	}
	openShard(t, js)
	wantGap(t, topic.Check(t.Context(), l, "x/0", r.Position()), 11, "its log was deleted and made again")
}

// TestManyReadersOfLargeMessages: readers together ask for little, and messages above a reader's share still come.
func TestManyReadersOfLargeMessages(t *testing.T) {
	t.Parallel()
	srv := topictest.StartServer(t, t.TempDir())
	l := openShard(t, srv.Connect(t))
	sizes := []int{10, 3 << 20, 70 << 10, 200 << 10, 0, 5 << 20, 64<<10 - 60, 1 << 20, 1}
	last := uint64(0)
	for range 2 {
		for i, n := range sizes {
			seq, err := l.Append(t.Context(), &topic.Message{
				Subject: topictest.Sub(0, "w"), Header: provenance(1, i, "row"), Data: make([]byte, n),
			}, last)
			if err != nil {
				t.Fatal(err)
			}
			last = seq
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := newReader(l, topic.ReaderConfig{MaxBytes: 64 << 10})
			defer r.Close()
			for i := range 2 * len(sizes) {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				m, pending, err := r.Next(ctx)
				cancel()
				if err != nil || len(m.Data) != sizes[i%len(sizes)] || pending != int64(2*len(sizes)-i-1) {
					t.Errorf("message %d: %v, pending %d", i+1, err, pending)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestPullsDoNotPileUp: whatever the sizes, what a reader has asked for stays what it may ask for.
func TestPullsDoNotPileUp(t *testing.T) {
	t.Parallel()
	srv := topictest.StartServer(t, t.TempDir())
	js := srv.Connect(t)
	l := openShard(t, js)
	const n = 400
	last := uint64(0)
	for i := range n {
		seq, err := l.Append(t.Context(), &topic.Message{
			Subject: topictest.Sub(0, "w"), Header: provenance(1, i, "row"), Data: make([]byte, i*7919%(140<<10)),
		}, last)
		if err != nil {
			t.Fatal(err)
		}
		last = seq
	}
	b := topic.NewPullBudget(0)
	r := newReader(topic.NewJetStream(js, l.Name(), topic.JetStreamConfig{Budget: b}), topic.ReaderConfig{MaxBytes: 1})
	defer r.Close()
	for range n {
		if _, _, err := r.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s, err := js.Stream(t.Context(), l.Name())
	if err != nil {
		t.Fatal(err)
	}
	for info := range s.ListConsumers(t.Context()).Info() {
		if info.NumWaiting > 3 || info.Delivered.Consumer != n {
			t.Errorf("%d pulls wait, %d messages delivered", info.NumWaiting, info.Delivered.Consumer)
		}
	}
	if b.Taken() != 64<<10 {
		t.Errorf("%d bytes taken", b.Taken())
	}
}

func TestPullBudget(t *testing.T) {
	t.Parallel()
	srv := topictest.StartServer(t, t.TempDir())
	b := topic.NewPullBudget(1 << 20)
	first := openShard(t, srv.Connect(t))
	l := topic.NewJetStream(first.JetStream(), first.Name(), topic.JetStreamConfig{Budget: b})
	var cursors []topic.Cursor
	for i, want := range []int{512 << 10, 768 << 10, 896 << 10, 960 << 10, 1024 << 10} {
		c, err := l.Read(t.Context(), 1, 16<<20)
		if err != nil {
			t.Fatal(err)
		}
		cursors = append(cursors, c)
		if b.Taken() != want {
			t.Errorf("reader %d: %d taken, want %d", i+1, b.Taken(), want)
		}
	}
	for _, c := range cursors {
		c.Close()
		c.Close()
		if _, _, err := c.Next(t.Context()); err == nil {
			t.Error("a closed cursor reads")
		}
	}
	if b.Taken() != 0 {
		t.Errorf("%d taken after the end", b.Taken())
	}
}

func TestShardRules(t *testing.T) {
	t.Parallel()
	js := topictest.StartServer(t, t.TempDir()).Connect(t)
	small := topic.ShardConfig{
		Name: "LEAT_x_0", Subjects: []string{topictest.Subjects}, WriterSubjects: 64, MaxBytes: 64 << 20,
	}
	_, err := topic.CreateShard(t.Context(), js, small, topic.JetStreamConfig{})
	if err == nil || !strings.Contains(err.Error(), "want 68157440 or more") {
		t.Errorf("too small: %v", err)
	}
	_, err = topic.CreateShard(t.Context(), js, topic.ShardConfig{Name: "orders"}, topic.JetStreamConfig{})
	for _, want := range []string{"name:", "subjects:", "writer subjects:", "max_bytes:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	l := openShard(t, js)
	again := openShard(t, js) // the very same one is found
	if l.Name() != again.Name() {
		t.Error(l.Name(), again.Name())
	}
	for i, c := range []jetstream.StreamConfig{
		{MaxAge: time.Hour},
		{MaxMsgsPerSubject: 9},
		{AllowDirect: true},
		{Discard: jetstream.DiscardOld},
		{MaxBytes: -1},
	} {
		c.Name, c.Subjects = fmt.Sprintf("BAD%d", i), []string{fmt.Sprintf("bad%d", i)}
		if i != 3 {
			c.Discard = jetstream.DiscardNew
		}
		if c.MaxBytes == 0 {
			c.MaxBytes = 1 << 20
		}
		if _, err = js.CreateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if _, err = topic.OpenShard(t.Context(), js, c.Name, topic.JetStreamConfig{}); err == nil {
			t.Errorf("stream %d was opened: %+v", i, c)
		}
	}
	if _, err = topic.OpenShard(t.Context(), js, "NONE", topic.JetStreamConfig{}); !errors.Is(err, topic.ErrNotFound) {
		t.Errorf("no such shard: %v", err)
	}
}
