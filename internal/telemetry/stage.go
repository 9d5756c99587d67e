package telemetry

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// StageName tells the tasks of a process apart; services that have no query leave Query empty.
type StageName struct{ Query, Stage, Partition string }

// Records are counts of records since the last call: In = used + Filtered + Late + DeadLettered + Skipped.
type Records struct{ In, Out, Filtered, Late, DeadLettered, Skipped uint64 }

// Stage measures one task, or one input or sink. All methods may be called at once from any goroutine.
type Stage struct {
	name StageName
	from *Stages
	set  metric.MeasurementOption

	in, out, filtered, late, dead, skipped atomic.Int64
	lag                                    atomic.Uint64 // bits of a float64, seconds
	state, stored, keys                    atomic.Int64
}

// StageState is a stage at one instant.
type StageState struct {
	Name       StageName
	Records    Records
	LagSeconds float64 // NaN: nobody has stated it
	StateBytes int64
	// StoredBytes of StateBytes lie in files; StateKeys counts groups, keys and rows.
	StoredBytes, StateKeys int64
}

// Stages are the measured stages of a process.
type Stages struct {
	steps    metric.Float64Histogram
	errors   metric.Int64Counter
	retries  metric.Int64Counter
	restarts metric.Int64Counter

	mu   sync.Mutex
	open map[*Stage]struct{}
}

// Open registers a stage; Close ends it, and its series with it.
func (ss *Stages) Open(name StageName) *Stage {
	s := &Stage{name: name, from: ss, set: metric.WithAttributeSet(attribute.NewSet(
		attribute.String("query", name.Query), attribute.String("stage", name.Stage)))}
	s.lag.Store(math.Float64bits(math.NaN()))
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.open == nil {
		ss.open = map[*Stage]struct{}{}
	}
	ss.open[s] = struct{}{}
	return s
}

// Close takes the stage off the list.
func (s *Stage) Close() {
	s.from.mu.Lock()
	defer s.from.mu.Unlock()
	delete(s.from.open, s)
}

// Count adds records.
func (s *Stage) Count(r Records) {
	s.in.Add(int64(r.In))
	s.out.Add(int64(r.Out))
	s.filtered.Add(int64(r.Filtered))
	s.late.Add(int64(r.Late))
	s.dead.Add(int64(r.DeadLettered))
	s.skipped.Add(int64(r.Skipped))
}

// Step notes how long one step took.
func (s *Stage) Step(ctx context.Context, d time.Duration) {
	s.from.steps.Record(ctx, d.Seconds(), s.set)
}

// Lag states how far behind its input the stage is.
func (s *Stage) Lag(d time.Duration) { s.lag.Store(math.Float64bits(d.Seconds())) }

// StateSize states the size of the stage's state: its bytes, those of them that lie in files, and its keys.
func (s *Stage) StateSize(bytes, stored, keys int64) {
	s.state.Store(bytes)
	s.stored.Store(stored)
	s.keys.Store(keys)
}

// Error counts an error by its code.
func (s *Stage) Error(ctx context.Context, code string) {
	s.from.errors.Add(ctx, 1, s.set, metric.WithAttributes(attribute.String("code", code)))
}

// Retry counts a retry.
func (s *Stage) Retry(ctx context.Context) { s.from.retries.Add(ctx, 1, s.set) }

// Restart counts a restart of the task.
func (s *Stage) Restart(ctx context.Context) { s.from.restarts.Add(ctx, 1, s.set) }

// State returns the stage as it is now.
func (s *Stage) State() StageState {
	return StageState{
		Name: s.name,
		Records: Records{
			In: uint64(s.in.Load()), Out: uint64(s.out.Load()), Filtered: uint64(s.filtered.Load()),
			Late: uint64(s.late.Load()), DeadLettered: uint64(s.dead.Load()), Skipped: uint64(s.skipped.Load()),
		},
		LagSeconds: math.Float64frombits(s.lag.Load()),
		StateBytes: s.state.Load(), StoredBytes: s.stored.Load(), StateKeys: s.keys.Load(),
	}
}

// States returns all stages, sorted by name.
func (ss *Stages) States() []StageState {
	ss.mu.Lock()
	states := make([]StageState, 0, len(ss.open))
	for s := range ss.open { // any order: sorted below
		states = append(states, s.State())
	}
	ss.mu.Unlock()
	slices.SortFunc(states, func(a, b StageState) int { return strings.Compare(a.Name.key(), b.Name.key()) })
	return states
}

func (n StageName) key() string { return strings.Join([]string{n.Query, n.Stage, n.Partition}, "\x00") }
