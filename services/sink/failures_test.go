package sink

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// flaky is a target in memory that fails where it is told to. What is written counts when it is flushed.
type flaky struct {
	mu       sync.Mutex
	fail     string // open, write, flush, or "" for nowhere
	failures int
	pending  []int64
	rows     []int64
	at       Position // of what is flushed
	next     Position
}

var errFlaky = errors.New("the target fails")

func (f *flaky) failing(where string) error {
	if f.fail != where {
		return nil
	}
	f.failures++
	return errFlaky
}

func (f *flaky) open(context.Context, *record) (Position, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending, f.next = nil, f.at
	return f.at, f.failing("open")
}

func (f *flaky) write(_ context.Context, b *vector.Batch, i int, pos Position) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.failing("write"); err != nil {
		return err
	}
	f.pending, f.next = append(f.pending, b.Cols[0].I64[i]), pos
	return nil
}

func (f *flaky) flush(_ context.Context, _ *record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.failing("flush"); err != nil {
		return err
	}
	f.rows, f.pending, f.at = append(f.rows, f.pending...), nil, f.next
	return nil
}

func (f *flaky) guarantee() string { return "for a test" }
func (f *flaky) close() error      { return nil }

// mend ends the failures; how many there were says whether the test saw any.
func (f *flaky) mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = ""
}

func (f *flaky) state() (failures int, rows []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failures, slices.Clone(f.rows)
}

// jobs are what happens to a job when its sink or source fails, as another engine's tests have it. Where that engine
// loses rows silently, hangs or gives up, ours waits, says why, and goes on once the target is well.
type job struct {
	ID      string
	Batches []int
	Fault   string
}

var faults = map[string]string{
	"sink: every flush fails": "flush", "sink: commit fails": "flush", "sink: begin fails": "open",
	"sink: writes fail":  "write",
	"source: reads fail": "source",
}

func readJobs(t *testing.T) []job {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "cases", "velo", "jobs.jsonl")
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("SKIPPED: %s is absent", path)
	}
	defer f.Close()
	var out []job
	for s := bufio.NewScanner(f); s.Scan(); {
		var j job
		if err := json.Unmarshal(s.Bytes(), &j); err != nil {
			t.Fatal(err)
		}
		out = append(out, j)
	}
	return out
}

func TestSevenFailures(t *testing.T) {
	t.Parallel()
	jobs := readJobs(t)
	if len(jobs) != 7 {
		t.Fatalf("%d cases, want 7", len(jobs))
	}
	for _, j := range jobs {
		t.Run(j.ID, func(t *testing.T) {
			t.Parallel()
			where, known := faults[j.Fault]
			if !known {
				t.Fatalf("fault %q is not known", j.Fault)
			}
			if len(j.Batches) == 0 {
				j.Batches = []int{4, 1}
			}
			runJob(t, j.Batches, where)
		})
	}
}

// runJob lets a sink fail, wants it to say so, stop in good order and go on, and each row once in the end.
func runJob(t *testing.T, batches []int, where string) {
	t.Helper()
	r := newRig(t, idObject(), &catalog.Sink{Name: "s", Target: "FILE", Address: "unused"})
	if where == "source" {
		r.sourceFails(batches)
		return
	}
	total := r.appendAll(batches)
	f := &flaky{fail: where}
	open := func(*delivery) (target, error) { return f, nil }
	s, stop := r.run(open)
	r.until("the failure is told", func() bool {
		failures, _ := f.state()
		rep := s.Report()
		return failures >= 2 && len(rep) == 1 && strings.Contains(rep[0].Reason, errFlaky.Error())
	})
	if _, rows := f.state(); len(rows) > 0 || s.Report()[0].Delivered > 0 {
		t.Errorf("%v counts as delivered although the target fails", rows)
	}
	stop() // it does not hang
	s, stop = r.run(open)
	r.until("it fails again", func() bool { n, _ := f.state(); return n >= 3 })
	f.mend()
	r.allThere(f, s, total)
	stop()
}

// appendAll writes numbered rows and returns how many.
func (r *rig) appendAll(batches []int) (total int64) {
	r.t.Helper()
	for k, n := range batches {
		b := idBatch(r.object, uint64(k+1), n)
		for i := range b.Cols[0].I64 {
			b.Cols[0].I64[i] = total
			total++
		}
		r.append(0, b)
	}
	return total
}

// sourceFails runs a sink whose log cannot be read at first.
func (r *rig) sourceFails(batches []int) {
	r.t.Helper()
	if err := r.js.DeleteStream(r.t.Context(), topic.ShardName(r.object.Topic, 0)); err != nil {
		r.t.Fatal(err)
	}
	f := &flaky{}
	s, stop := r.run(func(*delivery) (target, error) { return f, nil })
	defer stop()
	r.until("the failure is told", func() bool {
		rep := s.Report()
		return len(rep) == 1 && rep[0].State == "waiting" && rep[0].Reason != ""
	})
	r.shards()
	r.allThere(f, s, r.appendAll(batches))
}

// allThere waits for all rows and wants each once, in order, counted.
func (r *rig) allThere(f *flaky, s *Service, total int64) {
	r.t.Helper()
	r.until("all rows are there", func() bool { _, rows := f.state(); return int64(len(rows)) >= total })
	_, rows := f.state()
	for i, id := range rows {
		if id != int64(i) || int64(len(rows)) != total {
			r.t.Fatalf("rows %v, want 0 to %d", rows, total-1)
		}
	}
	r.until("they are counted", func() bool {
		rep := s.Report()
		return len(rep) == 1 && rep[0].Delivered+rep[0].Dead == uint64(total)
	})
}
