package arena

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// heap is a store of plain memory that refuses when it has given room bytes, and spoils what comes back.
type heap struct {
	room, open int
}

var errRefused = errors.New("refused")

func (h *heap) Map(n int) ([]byte, error) {
	if h.open+n > h.room {
		return nil, errRefused
	}
	h.open += n
	return make([]byte, n), nil
}

func (h *heap) Unmap(r []byte) {
	h.open -= len(r)
	for i := range r {
		r[i] = 0xDB
	}
}

type pair struct {
	a uint64
	b uint32
}

// TestAgainstSlices does random things to slices of a space and to plain ones, with room in memory and in the store or
// without: they stay equal, and the counts of the budget are those of the slices.
func TestAgainstSlices(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		store := &heap{room: rapid.SampledFrom([]int{0, 1000, 1 << 20}).Draw(rt, "room")}
		b := NewBudget(int64(rapid.SampledFrom([]int{0, 300, 1 << 20}).Draw(rt, "limit")), 1, store)
		s := b.Space()
		var got, want [3][]pair
		next := uint64(0)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			k := rapid.IntRange(0, 2).Draw(rt, "slice")
			n := rapid.IntRange(0, 20).Draw(rt, "n")
			next++
			values := slices.Repeat([]pair{{next, uint32(n)}}, n)
			switch rapid.IntRange(0, 5).Draw(rt, "action") {
			case 0:
				got[k], want[k] = Append(s, got[k], pair{next, 7}), append(want[k], pair{next, 7})
			case 1:
				got[k], want[k] = AppendAll(s, got[k], values), append(want[k], values...)
			case 2:
				got[k], want[k] = Free(s, got[k]), nil
			case 3:
				Free(s, got[k])
				got[k], want[k] = Make[pair](s, n), make([]pair, n)
			case 4:
				n = min(n, len(want[k]))
				got[k], want[k] = Fit(s, got[k][:n]), want[k][:n]
			default:
				s.Collect()
			}
			checkSpace(rt, s, got[:], want[:])
		}
		s.Close()
		if memory, stored := b.Used(); memory != 0 || stored != 0 || store.open != 0 {
			rt.Fatalf("after Close %d, %d and %d bytes", memory, stored, store.open)
		}
	})
}

func checkSpace(rt *rapid.T, s *Space, got, want [][]pair) {
	size := int64(0)
	for k := range got {
		if !slices.Equal(got[k], want[k]) {
			rt.Fatalf("slice %d is %v, want %v", k, got[k], want[k])
		}
		size += int64(cap(got[k])) * sizeOf[pair]()
	}
	memory, stored := s.b.Used()
	if sum := memory + stored; sum < size || sum > size+int64(len(got))*sizeOf[pair]() || s.Memory() != memory ||
		s.Stored() != stored {
		rt.Fatalf("%d bytes in memory and %d stored, the slices have %d", memory, stored, size)
	}
	if err := s.Err(); err != nil && !errors.Is(err, errRefused) {
		rt.Fatal(err)
	}
}

func TestPointersStayInMemory(t *testing.T) {
	t.Parallel()
	s := NewBudget(0, 1, &heap{room: 1 << 20}).Space()
	a := Append(s, nil, "text")
	if s.Stored() != 0 || s.Memory() == 0 || a[0] != "text" {
		t.Errorf("%d bytes of strings stored, %d in memory", s.Stored(), s.Memory())
	}
}

func TestBlock(t *testing.T) {
	t.Parallel()
	store := &heap{room: 1 << 20}
	s := NewBudget(0, 1, store).Space()
	words, text := []uint64{1, 2, 3}, []byte("hello")
	b := s.Keep(BlockBytes[uint64](3) + BlockBytes[byte](5))
	w, x := Put(b, words), Put(b, text)
	words[0], text[0] = 9, 'x'
	if !slices.Equal(w, []uint64{1, 2, 3}) || string(x) != "hello" || cap(w) != 3 || s.Stored() == 0 {
		t.Errorf("%v %q, %d bytes stored", w, x, s.Stored())
	}
	s.Release(b)
	if string(x) != "hello" {
		t.Error("a block cannot be read in the step in which it is freed")
	}
	s.Collect()
	if store.open != 0 || s.Stored() != 0 {
		t.Errorf("%d bytes open, %d stored", store.open, s.Stored())
	}
	s.Release(s.Keep(0))
	if (*Space)(nil).Keep(10) != nil || len(Put(nil, words)) != 3 {
		t.Error("no space keeps nothing")
	}
}
