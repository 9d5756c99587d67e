package state

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func anySnapshot(t *rapid.T) *Snapshot {
	s := &Snapshot{
		Task: rapid.StringMatching(`[a-z0-9.-]{0,20}`).Draw(t, "task"), Step: rapid.Uint64().Draw(t, "step"),
		Runner:  rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "runner"),
		Machine: rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "machine"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "inputs") {
		in := Input{
			Created: rapid.Int64().Draw(t, "created"), Seq: rapid.Uint64().Draw(t, "seq"),
			Hash: rapid.Uint64().Draw(t, "hash"),
		}
		chain := rapid.MapOfN(rapid.StringMatching(`[a-z.]{1,10}`), rapid.Uint64(), 0, 4).Draw(t, "chain")
		if len(chain) > 0 {
			in.Chain = chain
		}
		s.Inputs = append(s.Inputs, in)
	}
	return s
}

func TestSnapshotRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anySnapshot(t)
		data := want.Append(nil)
		got, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if string(got.Append(nil)) != string(data) {
			t.Fatal("equal snapshots give different bytes")
		}
	})
}

// TestEveryFlippedByteIsNoticed damages each byte of a frame in turn.
func TestEveryFlippedByteIsNoticed(t *testing.T) {
	t.Parallel()
	s := &Snapshot{
		Task: "q1-1-3", Step: 7,
		Inputs: []Input{{Created: 1, Seq: 2, Hash: 3, Chain: map[string]uint64{"a": 1}}}, Runner: []byte("runner"),
		Machine: []byte("machine"),
	}
	data := s.Append(nil)
	for i := range data {
		data[i] ^= 0x10
		if _, err := Decode(data); err == nil {
			t.Errorf("byte %d flipped: not noticed", i)
		}
		data[i] ^= 0x10
		if _, err := Decode(data[:i]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut at %d: %v, want %v", i, err, ErrDamaged)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add((&Snapshot{Task: "a", Step: 1, Inputs: []Input{{Seq: 1, Chain: map[string]uint64{"x": 2}}}}).Append(nil))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Decode(s.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
