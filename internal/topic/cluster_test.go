package topic_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/internal/topic/topictest"
)

// TestLeaderChanges moves and stops the leader of a shard of three replicas under its writer, while a zombie tries to
// append; rows are there once and in order.
func TestLeaderChanges(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts three servers")
	}
	const rows = 1500
	c := topictest.StartCluster(t, 3)
	js := c.Connect(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	l, err := topic.CreateShard(ctx, js, topic.ShardConfig{
		Name: topic.ShardName("x", 0), Subjects: []string{topictest.Subjects}, MaxBytes: 64 << 20, WriterSubjects: 8,
		MaxMessage: 1 << 20, Replicas: 3,
	}, topic.JetStreamConfig{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	cfg := topic.WriterConfig{Log: l, Subject: topictest.Sub(0, "w")}
	zombie, w := topic.NewWriter(cfg), topic.NewWriter(cfg)
	for i, o := range []*topic.Writer{zombie, w} {
		if _, err = o.Fence(ctx, epoch(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	var row atomic.Int64
	done := make(chan error, 1)
	go func() {
		for i := range rows {
			if _, err := w.Append(ctx, provenance(2, i+1, "row"), []byte("data")); err != nil {
				done <- fmt.Errorf("row %d: %w", i+1, err)
				return
			}
			row.Store(int64(i + 1))
		}
		done <- nil
	}()
	r := newReader(l, topic.ReaderConfig{})
	defer r.Close()
	disturb := map[int]func(){
		rows / 4: func() { stepDown(ctx, t, js, l.Name()) },
		rows / 2: func() {
			if _, err := zombie.Append(ctx, provenance(1, 1, "row"), nil); !errors.Is(err, topic.ErrFenced) {
				t.Errorf("the zombie: %v", err)
			}
		},
		rows * 3 / 4: func() { c.StopLeader(ctx, t, js, l.Name()) },
	}
	for n := 0; n < rows; {
		m, _, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("behind row %d: %v", n, err)
		}
		if _, got, kind := parseProvenance(m); kind == "row" {
			if n++; got != n {
				t.Fatalf("row %d, want %d", got, n)
			}
			if f := disturb[n]; f != nil {
				f()
			}
		}
	}
	if err = <-done; err != nil {
		t.Error(err)
	}
}

func stepDown(ctx context.Context, t *testing.T, js jetstream.JetStream, name string) {
	t.Helper()
	if _, err := js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+name, nil); err != nil {
		t.Errorf("step down: %v", err)
	}
}
