package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Config says what to measure.
type Config struct {
	// Leat is the binary to measure; it is also the one that runs the limits.
	Leat string
	// Only restricts the groups of workloads (see Names); empty: all.
	Only []string
	// Rows of the direct workloads (default 1,000,000); the others take shares of it.
	Rows int
	// Rounds that count (default 3); one more comes first and is thrown away.
	Rounds int
	// MaxTime bounds the run (default 3 min): a workload that has used its share starts no further round, but one
	// counts.
	MaxTime time.Duration
	// Dir holds inputs and stores while the run lasts; empty: a temporary folder.
	Dir string
	// Progress hears a line for each step.
	Progress func(string)
}

const (
	defaultRows   = 1_000_000
	defaultRounds = 3
	defaultTime   = 3 * time.Minute
	minRows       = 10_000
	maxRows       = 100_000_000
	maxRounds     = 100
)

// Validate lists every mistake.
func (c *Config) Validate() error {
	var errs []error
	if c.Leat == "" {
		errs = append(errs, errors.New("binary: missing"))
	}
	if c.Rows != 0 && (c.Rows < minRows || c.Rows > maxRows) {
		errs = append(errs, fmt.Errorf("rows: %d is outside %d..%d", c.Rows, minRows, maxRows))
	}
	if c.MaxTime < 0 {
		errs = append(errs, fmt.Errorf("time: %s is below 0", c.MaxTime))
	}
	if c.Rounds < 0 || c.Rounds > maxRounds {
		errs = append(errs, fmt.Errorf("rounds: %d is outside 1..%d", c.Rounds, maxRounds))
	}
	for _, o := range c.Only {
		if !slices.Contains(Names(), o) {
			errs = append(errs, fmt.Errorf("no workload %q; there are %s", o, strings.Join(Names(), ", ")))
		}
	}
	return errors.Join(errs...)
}

// bench is a run.
type bench struct {
	cfg    Config
	dir    string
	report *Report
	share  time.Duration // of MaxTime, for each workload
	until  time.Time     // the end of the current one's share
}

// workload is a group of results that are measured in turns.
type workload struct {
	name string
	run  func(*bench, context.Context) error
}

func workloads() []workload {
	all := []workload{}
	for _, w := range []string{"w1", "w2", "w3", "w4"} {
		all = append(all, workload{w, func(b *bench, ctx context.Context) error { return b.direct(ctx, w) }})
	}
	return append(all,
		workload{"w2_message", (*bench).message},
		workload{"w5", func(b *bench, ctx context.Context) error { return b.stream(ctx, "w5", 1) }},
		workload{"w5b", func(b *bench, ctx context.Context) error { return b.stream(ctx, "w5b", batchRows) }},
		workload{"latency", (*bench).latencies},
		workload{"groups", (*bench).growth},
		workload{"keys", (*bench).keyState},
		workload{"spill", (*bench).spilled},
		workload{"ready", (*bench).readiness},
		workload{"capacity", (*bench).capacities},
	)
}

// Names lists the workloads that Only may name.
func Names() []string {
	var names []string
	for _, w := range workloads() {
		names = append(names, w.name)
	}
	return names
}

// Run measures. A workload with a wrong answer, or one that cannot run, is an error beside the report of the others.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Rows == 0 {
		cfg.Rows = defaultRows
	}
	if cfg.Rounds == 0 {
		cfg.Rounds = defaultRounds
	}
	if cfg.MaxTime == 0 {
		cfg.MaxTime = defaultTime
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	dir, err := os.MkdirTemp(cfg.Dir, "leat-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the run: %w", err)
	}
	b := &bench{
		cfg: cfg, dir: dir, share: cfg.MaxTime / time.Duration(max(1, len(cfg.selected()))),
		report: &Report{Kind: reportKind, Rows: cfg.Rows, Rounds: cfg.Rounds, Results: []Result{}, Goals: []Goal{}},
	}
	err = b.all(ctx)
	b.report.judge()
	if rerr := os.RemoveAll(dir); rerr != nil {
		err = errors.Join(err, fmt.Errorf("remove the folder of the run: %w", rerr))
	}
	return b.report, err
}

func (b *bench) all(ctx context.Context) error {
	var errs []error
	for _, w := range b.cfg.selected() {
		start := time.Now()
		b.until = start.Add(b.share)
		if err := w.run(b, ctx); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			errs = append(errs, fmt.Errorf("%s: %w", w.name, err))
			b.cfg.Progress(fmt.Sprintf("%s failed: %v", w.name, err))
			continue
		}
		b.cfg.Progress(fmt.Sprintf("%s: %.1f s", w.name, time.Since(start).Seconds()))
	}
	return errors.Join(errs...)
}

// selected are the workloads to run.
func (c *Config) selected() []workload {
	return slices.DeleteFunc(workloads(), func(w workload) bool {
		return len(c.Only) > 0 && !slices.Contains(c.Only, w.name)
	})
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// input makes a file once.
func (b *bench) input(name string, make func(path string) error) (string, error) {
	path := b.path(name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := make(path); err != nil {
		return "", err
	}
	return path, nil
}

// entrant is what takes part in the rounds of a workload.
type entrant struct {
	name string
	run  func() (usage, error)
}

// rounds lets all entrants run in turns and returns the medians, by name. The first round is thrown away.
func (b *bench) rounds(ctx context.Context, entrants []entrant) (map[string]usage, error) {
	all := map[string][]usage{}
	for round := range b.cfg.Rounds + 1 {
		if round > 1 && time.Now().After(b.until) {
			break
		}
		for _, e := range entrants {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			u, err := e.run()
			if err != nil {
				return nil, err
			}
			if round > 0 {
				all[e.name] = append(all[e.name], u)
			}
		}
	}
	out := map[string]usage{}
	for _, e := range entrants {
		us := all[e.name]
		out[e.name] = usage{
			records: us[0].records,
			wall:    medianOf(us, func(u usage) time.Duration { return u.wall }),
			cpu:     medianOf(us, func(u usage) time.Duration { return u.cpu }),
			peak:    medianOf(us, func(u usage) int64 { return u.peak }),
		}
	}
	return out, nil
}

// medianOf returns the middle figure, the lower of two.
func medianOf[T time.Duration | int64](us []usage, figure func(usage) T) T {
	var v []T
	for _, u := range us {
		v = append(v, figure(u))
	}
	slices.Sort(v)
	return v[(len(v)-1)/2]
}

// result makes a line of a usage.
func (u usage) result(name string) Result {
	n := float64(max(1, u.records))
	return Result{
		Name: name, Records: u.records, RecordsPerS: n / max(1e-9, u.wall.Seconds()),
		CPUSPerMillion: u.cpu.Seconds() * 1e6 / n, PeakRSSBytes: u.peak,
	}
}

// add appends a result, measured against limit, which comes behind it and may be nil.
func (b *bench) add(r Result, limit *Result) {
	if limit != nil {
		r.Limit, r.LimitCPUSPerMillion = limit.Name, limit.CPUSPerMillion
	}
	b.report.Results = append(b.report.Results, r)
}
