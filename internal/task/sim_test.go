package task

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	simSeeds = flag.Int("seeds", 0, "seeds of the simulation; 0: 500, 100 with -short, 2,000 in CI (LEAT_REQUIRE)")
	simSeed  = flag.Uint64("seed", 0, "the one seed to run, with its story")
)

// simulate plays one seed and returns the violation, if any.
func simulate(seed uint64, rules Rules, h hooks, story bool) (v string, w *world) {
	defer func() {
		if e := recover(); e != nil {
			s, mine := e.(violation)
			if !mine {
				if story {
					panic(e)
				}
				s = violation(fmt.Sprint("panic: ", e))
			}
			v = string(s)
		}
	}()
	w = newWorld(seed, rules, h)
	if story {
		w.trace = &strings.Builder{}
	}
	events := 300 + w.rnd.IntN(1500)
	if w.p(0.2) { // long enough for the input to end under faults
		events *= 3
	}
	for range events {
		w.tick()
	}
	w.drain()
	limit := 60_000
	if w.poison > 0 { // a row that kills is found over many lives
		limit *= 10
	}
	for k := 0; ; k++ {
		w.tick()
		if k%64 == 0 && w.done() {
			break
		}
		if k > limit {
			w.fail("stuck:\n%s", w.why())
		}
	}
	w.check()
	w.measure()
	return "", w
}

type tally struct {
	bad, events, appends, starts, largest, killed int
	first                                         uint64
	words                                         string
}

// sweep runs seeds 1..n on all processors.
func sweep(n int, rules Rules, h hooks, enough int) tally {
	var next atomic.Uint64
	var mu sync.Mutex
	var t tally
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for s := next.Add(1); s <= uint64(n); s = next.Add(1) {
				v, w := simulate(s, rules, h, false)
				mu.Lock()
				if w != nil {
					t.largest = max(t.largest, w.largest)
					t.killed += w.killed
					t.events, t.appends, t.starts = t.events+w.events, t.appends+w.appends, t.starts+w.starts
				}
				if v != "" {
					t.bad++
					if t.first == 0 || s < t.first {
						t.first, t.words = s, v
					}
				}
				full := enough > 0 && t.bad >= enough
				mu.Unlock()
				if full {
					return
				}
			}
		})
	}
	wg.Wait()
	return t
}

// TestSimulation runs the real tasks under faults. A failure prints its seed: -run TestSimulation -seed N tells the
// story.
func TestSimulation(t *testing.T) {
	t.Parallel()
	if *simSeed != 0 {
		v, w := simulate(*simSeed, Rules{}, hooks{}, true)
		if v != "" {
			t.Fatalf("seed %d: %s\n%s", *simSeed, v, w.trace)
		}
		return
	}
	n := *simSeeds
	if s := os.Getenv("LEAT_SIM_SEEDS"); n == 0 && s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("LEAT_SIM_SEEDS: %v", err)
		}
	}
	if n == 0 {
		n = 500
		switch {
		case os.Getenv("LEAT_REQUIRE") != "":
			n = 2000
		case testing.Short():
			n = 100
		}
	}
	got := sweep(n, Rules{}, hooks{}, 3)
	t.Logf("%d seeds: %d events, %d appends, %d starts, %d deaths by a row, largest message %d, %d violated", n,
		got.events, got.appends, got.starts, got.killed, got.largest, got.bad)
	if got.largest > biggest {
		t.Errorf("a message of %d bytes: the logs are made for %d", got.largest, biggest)
	}
	if got.bad > 0 {
		t.Fatalf("seed %d: %s", got.first, got.words)
	}
}
