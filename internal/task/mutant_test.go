package task

import (
	"flag"
	"testing"
)

var mutantSeeds = flag.Int("mutant-seeds", 0, "run every mutant over so many seeds and print how many fail")

// mutants are the protocol with one rule switched off, and within how many seeds the simulation must notice.
var mutants = []struct {
	name  string
	rules Rules
	hooks hooks
	seeds int
}{
	{"no fence", Rules{}, hooks{noFence: true}, 20},
	{"no suppression", Rules{NoSuppress: true}, hooks{}, 50},
	{"no epoch message", Rules{}, hooks{noEpochMsg: true}, 50},
	{"epoch messages repeat nothing", Rules{NoEpochCopy: true}, hooks{}, 100},
	{"a higher epoch stops nobody", Rules{NoEpochCheck: true}, hooks{}, 50},
	{"order of a join is not followed", Rules{NoJoinOrder: true}, hooks{}, 300},
	{"pointer is not fenced", Rules{NoPtrFence: true}, hooks{}, 100},
	{"snapshot before acknowledgements", Rules{SnapEarly: true}, hooks{}, 500},
	{"one snapshot", Rules{OneSnapshot: true}, hooks{}, 1000},
	{"no snapshot without news", Rules{NoSnapTwice: true}, hooks{}, 1000},
	// one seed in 2,000; TestSilentSubjectHearsTheEnd shows it
	{"no progress message", Rules{NoProgress: true}, hooks{}, 0},
	{"last message is trimmed", Rules{}, hooks{trimLast: true}, 20},
	{"bookmark is trimmed", Rules{}, hooks{trimBookmark: true}, 300},
}

// TestMutants shows that the simulation sees each rule of the protocol: with one of them off, runs fail.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			if *mutantSeeds > 0 {
				got := sweep(*mutantSeeds, m.rules, m.hooks, 0)
				t.Logf("%d of %d seeds violated, first %d: %.160s", got.bad, *mutantSeeds, got.first, got.words)
				return
			}
			if m.seeds == 0 {
				return
			}
			if got := sweep(m.seeds, m.rules, m.hooks, 1); got.bad == 0 {
				t.Errorf("not noticed in %d seeds", m.seeds)
			}
		})
	}
}
