package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/topic/topictest"
)

// contract is what every Store must do.
func contract(t *testing.T, s state.Store) {
	t.Helper()
	ctx := t.Context()
	if _, _, err := s.Load(ctx, "q1-1-0"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("load of no pointer: %v", err)
	}
	if _, err := s.Switch(ctx, "q1-1-0", []byte("x"), 5); !errors.Is(err, state.ErrMoved) {
		t.Errorf("switch of no pointer by revision 5: %v", err)
	}
	first, err := s.Switch(ctx, "q1-1-0", []byte("one"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.Switch(ctx, "q1-1-0", []byte("zombie"), 0); !errors.Is(err, state.ErrMoved) {
		t.Errorf("switch by an old revision: %v", err)
	}
	second, err := s.Switch(ctx, "q1-1-0", []byte("two"), first)
	if err != nil || second <= first {
		t.Fatalf("second switch: revision %d after %d, %v", second, first, err)
	}
	if v, rev, err := s.Load(ctx, "q1-1-0"); err != nil || string(v) != "two" || rev != second {
		t.Errorf("load: %q, %d, %v", v, rev, err)
	}

	if _, err = s.Get(ctx, "a/1"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("get of no object: %v", err)
	}
	big := bytes.Repeat([]byte("snapshot"), 100_000)
	for name, data := range map[string][]byte{"a/1": big, "a/2": {}, "b/1": []byte("b")} {
		if err = s.Put(ctx, name, data); err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(ctx, name)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("get %s: %d bytes, %v", name, len(got), err)
		}
	}
	for range 2 { // deleting again is no error
		if err = s.Delete(ctx, "a/1"); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err = s.Get(ctx, "a/1"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("get of a deleted object: %v", err)
	}
	names, err := s.List(ctx, "a/")
	if diff := cmp.Diff([]string{"a/2"}, names); err != nil || diff != "" {
		t.Errorf("list: %v %s", err, diff)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	contract(t, state.NewMemory())
}

func TestJetStream(t *testing.T) {
	t.Parallel()
	js := topictest.StartServer(t, t.TempDir()).Connect(t)
	s, err := state.OpenJetStream(t.Context(), js, state.JetStreamConfig{SnapshotBytes: 8 << 20, PointerBytes: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	contract(t, s)
	again, err := state.OpenJetStream(t.Context(), js,
		state.JetStreamConfig{SnapshotBytes: 8 << 20, PointerBytes: 2 << 20})
	if err != nil {
		t.Fatalf("open the buckets again: %v", err)
	}
	leavesNothingBehind(t, js, again)
	if err = again.Put(t.Context(), "c/1", make([]byte, 9<<20)); !errors.Is(err, state.ErrFull) {
		t.Errorf("put into a full store: %v, want %v", err, state.ErrFull)
	}
}

// leavesNothingBehind puts and deletes many objects: the bucket must not grow.
func leavesNothingBehind(t *testing.T, js jetstream.JetStream, s *state.JetStream) {
	t.Helper()
	stream, err := js.Stream(t.Context(), "OBJ_"+state.SnapshotBucket)
	if err != nil {
		t.Fatal(err)
	}
	messages := func() uint64 {
		info, err := stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return info.State.Msgs
	}
	before := messages()
	for i := range 20 {
		name := fmt.Sprintf("d/%d", i)
		if err := s.Put(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if after := messages(); after != before {
		t.Errorf("%d messages before, %d after 20 objects came and went", before, after)
	}
}
