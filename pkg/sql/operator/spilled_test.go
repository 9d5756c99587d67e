package operator

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// guard is a store in memory that spoils what is given back, so that a slice that outlives its region is noticed.
type guard struct {
	mu   sync.Mutex
	open map[*byte]int
}

func (g *guard) Map(n int) ([]byte, error) {
	r := make([]byte, n)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open[&r[0]] = n
	return r, nil
}

func (g *guard) Unmap(r []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[&r[0]] != len(r) {
		panic("a region that is not open, or a part of one")
	}
	delete(g.open, &r[0])
	for i := range r {
		r[i] = 0xDB
	}
}

func (g *guard) bytes() (n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, size := range g.open { // any order
		n += int64(size)
	}
	return n
}

// inStore lets all flat state of a chain lie in a store.
func inStore(tb testing.TB, c *Chain) *Chain {
	tb.Helper()
	g := &guard{open: map[*byte]int{}}
	b := arena.NewBudget(0, 1, g)
	c.Use(b.Space())
	tb.Cleanup(func() {
		c.mem.Collect()
		memory, stored := b.Used()
		if memory < 0 || stored != g.bytes() {
			tb.Errorf("%d bytes in memory, %d in the store, which has %d", memory, stored, g.bytes())
		}
		c.Close()
		if memory, stored = b.Used(); memory != 0 || stored != 0 || g.bytes() != 0 {
			tb.Errorf("after Close %d bytes in memory and %d in the store, which has %d", memory, stored, g.bytes())
		}
	})
	return c
}

// spillSpecs are chains whose state grows, shrinks and is compacted.
func spillSpecs() map[string][]Spec {
	in := fields("k:STRING v:BIGINT")
	keyed := &Materialize{Keys: []int{0}, Schema: in}
	group := func(w Window, emit Emission) []Spec { return []Spec{benchSpec(in, []int{0}, w, emit, four(1)...)} }
	return map[string][]Spec{
		"groups":      group(Window{}, EmitBatch),
		"tumbling":    group(Window{Kind: Tumbling, SizeMs: 1000}, EmitFinal),
		"hopping":     group(Window{Kind: Hopping, SizeMs: 1000, AdvanceMs: 250}, EmitFinal),
		"sessions":    group(Window{Kind: Session, SizeMs: 100}, EmitFinal),
		"materialize": {keyed},
		"bag":         {&Materialize{Bag: true, Schema: in}},
		"retract":     {&Retract{Keys: []int{0}, Schema: in}},
		"dedup":       {&Dedup{Keys: []int{0}, TTLMs: 500, Schema: in}},
		"sort":        {&Sort{Keys: []SortKey{{Col: 1}}, Limit: 100, Schema: in}},
		"top": {&TopN{
			Partition: []int{0}, Order: []SortKey{{Col: 1, Desc: true}}, N: 3, WindowEnd: -1, Schema: in,
		}},
		"top by key": {&TopN{
			Partition: []int{1}, Order: []SortKey{{Col: 0}}, N: 3, Key: []int{0}, WindowEnd: -1, Schema: in,
		}},
	}
}

// TestSpilledEqualsMemory runs long random inputs through two chains, one of them in a store: rows, scans and snapshots
// are the same after every step.
func TestSpilledEqualsMemory(t *testing.T) {
	t.Parallel()
	in := fields("k:STRING v:BIGINT")
	for name, specs := range spillSpecs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, stored := &recorder{}, &recorder{}
			c, d := build(t, in, plain, specs...), inStore(t, build(t, in, stored, specs...))
			rnd := rand.New(rand.NewPCG(1, 2))
			for step := range 40 {
				b := spillBatch(in, rnd, step, 200)
				for _, x := range []*Chain{c, d} {
					x.Process(0, b)
					x.Advance(int64(step * 50))
					x.Flush()
				}
				snap := c.Snapshot(nil)
				if !slices.Equal(plain.rows, stored.rows) || !slices.Equal(snap, d.Snapshot(nil)) {
					t.Fatalf("step %d: rows or snapshots differ", step)
				}
				if step%10 == 9 { // a crash
					d = inStore(t, build(t, in, stored, specs...))
					if err := d.Restore(snap); err != nil {
						t.Fatal(err)
					}
				}
			}
			var a, e recorder
			if c.Scan(a.emit) != d.Scan(e.emit) || !slices.Equal(a.rows, e.rows) {
				t.Error("scans differ")
			}
			if d.StoredBytes() == 0 || c.StoredBytes() != 0 || c.StateKeys() != d.StateKeys() {
				t.Errorf("%d bytes stored of %d, keys %d and %d", d.StoredBytes(), d.StateBytes(), c.StateKeys(),
					d.StateKeys())
			}
		})
	}
}

// spillBatch is rows whose keys move on with time, so that old ones are deleted or forgotten.
func spillBatch(in *vector.Schema, rnd *rand.Rand, step, rows int) *vector.Batch {
	b := vector.NewBatch(in, rows)
	for range rows {
		k := step*20 + rnd.IntN(400)
		s := b.Cols[0]
		s.Data = strconv.AppendInt(append(s.Data, "key-of-some-length-"...), int64(k), 10)
		s.Offs = append(s.Offs, uint32(len(s.Data)))
		vector.SetLen(s, s.Len+1)
		appendWord(b.Cols[1], uint64(rnd.IntN(50)))
		b.Time = append(b.Time, int64(step*50+rnd.IntN(50)))
		b.Rows++
	}
	return b
}
