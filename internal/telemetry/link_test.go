package telemetry

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestQueueMeasuresItsSenders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var links Links
		q := NewQueue[int](&links, LinkName{Queue: "steps", Query: "q1"}, 10)
		for i := range 10 {
			if err := q.Send(t.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
		s := q.State()
		if s.Depth != 10 || s.Most != 10 || s.HighWater != 1 || s.Blocked != 0 {
			t.Fatalf("a full queue: %+v", s)
		}
		var wg sync.WaitGroup
		for i := range 2 { // time with a sender waiting counts once, however many wait
			wg.Go(func() {
				if err := q.Send(t.Context(), 10+i); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(3 * time.Second)
		if s := q.State(); s.Blocked != 3*time.Second || s.Waiting != 2 {
			t.Fatalf("while senders wait: %+v", s)
		}
		for range 12 {
			if _, ok, err := q.Recv(t.Context()); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		wg.Wait()
		s = q.State()
		if s.Depth != 0 || s.Passed != 12 || s.Blocked != 3*time.Second || s.Waiting != 0 || s.Most != 10 {
			t.Fatalf("empty again: %+v", s)
		}
		q.Close()
		if _, ok, err := q.Recv(t.Context()); ok || err != nil {
			t.Fatal("a closed queue gives", ok, err)
		}
		if n := len(links.States()); n != 1 {
			t.Fatalf("%d links", n)
		}
		q.Release()
		if n := len(links.States()); n != 0 {
			t.Fatalf("%d links after the end", n)
		}
	})
}

func TestQueueEndsWithItsContext(t *testing.T) {
	t.Parallel()
	var links Links
	q := NewQueue[int](&links, LinkName{Queue: "q"}, 0)
	reason := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if _, _, err := q.Recv(ctx); !errors.Is(err, reason) {
		t.Errorf("receive: %v", err)
	}
	if !q.TrySend(1) || q.TrySend(2) {
		t.Error("capacity is not 1")
	}
	if err := q.Send(ctx, 3); !errors.Is(err, reason) {
		t.Errorf("send: %v", err)
	}
	if v, ok, err := q.Recv(ctx); v != 1 || !ok || err != nil { // what is there is delivered all the same
		t.Errorf("got %d, %v, %v", v, ok, err)
	}
	if s := q.State(); s.HighWater != 1 || s.Waiting != 0 || s.Depth != 0 {
		t.Errorf("%+v", s)
	}
}

// Many times the capacity passes a slow receiver at every capacity, in order, and without hanging.
func TestQueueAtEveryCapacity(t *testing.T) {
	t.Parallel()
	for _, capacity := range []int{1, 2, 3, 7, 64, 1000} {
		synctest.Test(t, func(t *testing.T) {
			var links Links
			q := NewQueue[int](&links, LinkName{Queue: "q"}, capacity)
			go func() {
				defer q.Close()
				for i := range 10 * capacity {
					if q.Send(t.Context(), i) != nil {
						return
					}
				}
			}()
			for want := 0; ; want++ {
				time.Sleep(time.Millisecond)
				v, ok, err := q.Recv(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					if want != 10*capacity {
						t.Fatalf("capacity %d: %d of %d arrived", capacity, want, 10*capacity)
					}
					break
				}
				if v != want {
					t.Fatalf("capacity %d: got %d, want %d", capacity, v, want)
				}
			}
			s := q.State()
			if s.Most > int64(capacity) || s.Passed != int64(10*capacity) || s.HighWater < 1 || s.Blocked == 0 {
				t.Fatalf("capacity %d: %+v", capacity, s)
			}
		})
	}
}

func TestLinkAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var links Links
		capacity := rapid.IntRange(1, 30).Draw(t, "capacity")
		l := links.Open(LinkName{Queue: "q"}, capacity)
		var depth, most, high, passed int64
		for range rapid.IntRange(0, 100).Draw(t, "moves") {
			before := depth
			n := int64(rapid.IntRange(1, 5).Draw(t, "n"))
			if rapid.Bool().Draw(t, "in") {
				l.Add(int(n))
				depth += n
			} else {
				n = min(n, depth)
				l.Done(int(n))
				depth -= n
				passed += n
			}
			most = max(most, depth)
			limit := 0.9 * float64(capacity)
			if float64(before) <= limit && float64(depth) > limit+1e-9 {
				high++
			}
		}
		s := l.State()
		if s.Depth != depth || s.Most != most || s.Passed != passed || s.HighWater != high {
			t.Fatalf("got %+v, want depth %d most %d passed %d high %d", s, depth, most, passed, high)
		}
	})
}
