package oracle_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatsql/leat/oracle"
	"github.com/leatsql/leat/oracle/random"
)

var (
	seed    = flag.Uint64("seed", 1, "seed of the first random query")
	count   = flag.Int("count", 600, "number of random queries")
	minutes = flag.Float64("minutes", 0, "run random queries for so many minutes instead of -count")
	family  = flag.String("family", "", "only random queries of this family")
	failing = flag.Int("failing", 5, "stop after so many queries that differ")
)

// lab compares the engines.
type lab struct {
	duck *oracle.Duck
	dir  string
}

// trial is a query over data in a setup.
type trial struct {
	data  []random.Relation
	q     *random.Query
	setup oracle.Setup
}

// verdict is what became of a trial: "", what differs, or why there is nothing to compare.
type verdict struct{ diff, skip string }

func (l *lab) judge(ctx context.Context, c trial, load bool) verdict {
	if load {
		if err := oracle.Files(l.dir, c.data); err != nil {
			return verdict{skip: err.Error()}
		}
		for i := range c.data {
			if err := l.duck.Exec(ctx, c.data[i].Load()); err != nil {
				return verdict{skip: err.Error()}
			}
		}
	}
	want, err := l.duck.Rows(ctx, c.q.Asked())
	if err != nil {
		return verdict{skip: err.Error()}
	}
	got, err := ask(ctx, l.dir, c)
	if errors.Is(err, oracle.ErrRefused) {
		return verdict{skip: err.Error()}
	}
	if err != nil {
		return verdict{diff: "error: " + err.Error()}
	}
	return verdict{diff: oracle.Compare(got, want)}
}

// ask is oracle.Ask, with a panic as an error.
func ask(ctx context.Context, dir string, c trial) (rows [][]string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return oracle.Ask(ctx, dir, c.data, c.q, c.setup)
}

// newTrial makes the trial of a seed.
func newTrial(seed uint64) (string, trial) {
	r := rand.New(rand.NewPCG(seed, 7))
	c := trial{data: random.NewData(r)}
	var name string
	name, c.q = random.NewQuery(r, c.data)
	c.setup = oracle.Setup{
		Partitions: []int{1, 1, 2, 4, 7}[r.IntN(5)], Batch: []int{1, 7, 1024}[r.IntN(3)], Record: r.IntN(2) == 0,
		Crash: r.IntN(4) == 0, Keep: c.q.Final && r.IntN(3) == 0,
	}
	return name, c
}

// kind is what a difference is, so that shrinking stays with it.
func kindOf(diff string) string {
	if strings.HasPrefix(diff, "error: ") {
		return diff[:min(len(diff), 30)]
	}
	return "rows"
}

// shrink makes a failing trial smaller for as long as it fails in the same way.
func (l *lab) shrink(ctx context.Context, c trial, diff string) (trial, string) {
	kind, tries := kindOf(diff), 0
	better := func(n trial, load bool) bool {
		if tries++; tries > 1500 {
			return false
		}
		v := l.judge(ctx, n, load)
		if v.diff == "" || kindOf(v.diff) != kind {
			return false
		}
		c, diff = n, v.diff
		return true
	}
	for _, s := range simpler(c.setup) {
		n := c
		n.setup = s
		better(n, false)
	}
	for again := true; again; {
		again = false
		for _, q := range random.Smaller(c.q) {
			n := c
			n.q = q
			n.setup.Keep = n.setup.Keep && q.Final
			if better(n, false) {
				again = true
				break
			}
		}
	}
	for i := range c.data {
		for size := len(c.data[i].Rows); size > 0; size /= 2 {
			for from := 0; from < len(c.data[i].Rows); {
				n := c
				n.data = slices.Clone(c.data)
				n.data[i].Rows = slices.Delete(slices.Clone(c.data[i].Rows), from, min(from+size, len(c.data[i].Rows)))
				if !better(n, true) {
					from += size
				}
			}
		}
	}
	l.judge(ctx, c, true)
	return c, diff
}

// simpler are setups to try first.
func simpler(s oracle.Setup) []oracle.Setup {
	plain := oracle.Setup{Partitions: 1, Batch: 1024}
	noCrash, batch, one, fresh := s, s, s, s
	noCrash.Crash, batch.Record, one.Partitions, fresh.Keep = false, false, 1, false
	return []oracle.Setup{noCrash, batch, one, fresh, plain}
}

// show is all there is to know about a trial.
func show(c trial) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\nLeat:\n%s\nDuckDB:\n%s\n", c.setup, oracle.ScriptOf(c.data, c.q, c.setup), c.q.Asked())
	text := c.q.In(random.Leat)
	for _, d := range c.data {
		if strings.Contains(text, " "+d.Name+" ") || strings.Contains(text, "("+d.Name+",") {
			fmt.Fprintf(&out, "%s.json:\n%s", d.Name, d.JSON())
		}
	}
	return out.String()
}

// TestDifferential asks Leat and DuckDB random queries over random rows.
func TestDifferential(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	duck, err := oracle.OpenDuck(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { duck.Close() })
	l := &lab{duck: duck, dir: t.TempDir()}
	began := time.Now()
	asked, skips, bad := map[string]int{}, map[string]int{}, 0
	more := func(i int) bool {
		if *minutes > 0 {
			return time.Since(began).Minutes() < *minutes
		}
		return i < *count
	}
	for i := 0; more(i) && bad < *failing; i++ {
		s := *seed + uint64(i)
		name, c := newTrial(s)
		if *family != "" && *family != name {
			continue
		}
		v := l.judge(ctx, c, true)
		if v.skip != "" {
			skips[name]++
			t.Logf("seed %d (%s) is left out: %.300s", s, name, v.skip)
			continue
		}
		asked[name]++
		if v.diff == "" {
			continue
		}
		bad++
		small, diff := l.shrink(ctx, c, v.diff)
		t.Errorf("seed %d (%s): %s\n%s", s, name, diff, show(small))
	}
	t.Logf("compared %v, left out %v, in %s", asked, skips, time.Since(began).Round(time.Second))
}
