package telemetry

import (
	"context"
	"errors"
	"math"
	"runtime"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// stepBuckets are the borders of leat_step_duration_seconds: 20 us to 10 s.
var stepBuckets = []float64{
	20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1, 0.2, 0.5, 1, 2, 5, 10,
}

// stageColumn is one instrument that a scrape reads from the open stages. In Prometheus dots are underscores, and the
// unit and _total follow.
type stageColumn struct {
	name, unit, about string
	total             bool
	read              func(*StageState) float64
}

var stageColumns = []stageColumn{
	{"leat.records.in", "", "Records taken.", true, func(s *StageState) float64 { return float64(s.Records.In) }},
	{"leat.records.out", "", "Records emitted.", true, func(s *StageState) float64 { return float64(s.Records.Out) }},
	{
		"leat.records.filtered", "", "Records that a condition left out.", true,
		func(s *StageState) float64 { return float64(s.Records.Filtered) },
	},
	{
		"leat.records.late", "", "Records too late for all their windows.", true,
		func(s *StageState) float64 { return float64(s.Records.Late) },
	},
	{
		"leat.records.dead_lettered", "", "Records that went to the dead letters.", true,
		func(s *StageState) float64 { return float64(s.Records.DeadLettered) },
	},
	{
		"leat.records.skipped", "", "Records left out by on_error = 'skip'.", true,
		func(s *StageState) float64 { return float64(s.Records.Skipped) },
	},
	{"leat.lag", "s", "How far behind its input a task is.", false, func(s *StageState) float64 {
		return s.LagSeconds
	}},
	{"leat.state", "By", "Size of a task's state.", false, func(s *StageState) float64 {
		return float64(s.StateBytes)
	}},
	{
		"leat.state.stored", "By", "The part of a task's state that lies in files, above the limit of memory.", false,
		func(s *StageState) float64 { return float64(s.StoredBytes) },
	},
	{"leat.state.keys", "", "Groups, keys and rows of a task's state.", false, func(s *StageState) float64 {
		return float64(s.StateKeys)
	}},
}

// linkColumn is one instrument that a scrape reads from the open links.
type linkColumn struct {
	name, unit, about string
	total             bool
	read              func(*LinkState) float64
}

var linkColumns = []linkColumn{
	{"leat.queue.depth", "", "Entries in a bounded queue.", false, func(l *LinkState) float64 {
		return float64(l.Depth)
	}},
	{"leat.queue.capacity", "", "Entries a queue can hold.", false, func(l *LinkState) float64 {
		return float64(l.Capacity)
	}},
	{
		"leat.queue.blocked", "s", "Time in which a sender waited for room.", true,
		func(l *LinkState) float64 { return l.Blocked.Seconds() },
	},
	{
		"leat.queue.high_water", "", "Times a queue rose above 90 % of its capacity.", true,
		func(l *LinkState) float64 { return float64(l.HighWater) },
	},
}

// observe makes an asynchronous instrument.
func observe(m metric.Meter, name, unit, about string, total bool) (metric.Float64Observable, error) {
	if total {
		return m.Float64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(about))
	}
	return m.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(about))
}

// instruments makes every instrument of a process on m.
func (t *Telemetry) instruments(ctx context.Context, version string) error {
	return errors.Join(t.syncInstruments(), t.observeStages(), t.observeLinks(), t.buildInfo(ctx, version))
}

func (t *Telemetry) syncInstruments() error {
	var errs [5]error
	m := t.Meter
	t.Stages.steps, errs[0] = m.Float64Histogram("leat.step.duration", metric.WithUnit("s"),
		metric.WithDescription("Time of one step of a task."), metric.WithExplicitBucketBoundaries(stepBuckets...))
	t.Stages.errors, errs[1] = m.Int64Counter("leat.errors", metric.WithDescription("Errors by code."))
	t.Stages.retries, errs[2] = m.Int64Counter("leat.retries", metric.WithDescription("Retries of transient failures."))
	t.Stages.restarts, errs[3] = m.Int64Counter("leat.task.restarts", metric.WithDescription("Restarts of tasks."))
	t.lines, errs[4] = m.Int64Counter("leat.log.lines", metric.WithDescription("Log lines by level."))
	return errors.Join(errs[:]...)
}

func (t *Telemetry) observeStages() error {
	insts := make([]metric.Observable, len(stageColumns))
	for i, c := range stageColumns {
		o, err := observe(t.Meter, c.name, c.unit, c.about, c.total)
		if err != nil {
			return err
		}
		insts[i] = o
	}
	_, err := t.Meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, s := range t.Stages.States() {
			set := metric.WithAttributeSet(attribute.NewSet(attribute.String("query", s.Name.Query),
				attribute.String("stage", s.Name.Stage), attribute.String("partition", s.Name.Partition)))
			for i, c := range stageColumns {
				inst, ok := insts[i].(metric.Float64Observable)
				if v := c.read(&s); ok && !math.IsNaN(v) {
					o.ObserveFloat64(inst, v, set)
				}
			}
		}
		return nil
	}, insts...)
	return err
}

func (t *Telemetry) observeLinks() error {
	insts := make([]metric.Observable, len(linkColumns))
	for i, c := range linkColumns {
		o, err := observe(t.Meter, c.name, c.unit, c.about, c.total)
		if err != nil {
			return err
		}
		insts[i] = o
	}
	_, err := t.Meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, l := range t.Links.States() {
			set := metric.WithAttributeSet(attribute.NewSet(attribute.String("queue", l.Name.Queue),
				attribute.String("query", l.Name.Query), attribute.String("stage", l.Name.Stage),
				attribute.String("partition", l.Name.Partition)))
			for i, c := range linkColumns {
				if inst, ok := insts[i].(metric.Float64Observable); ok {
					o.ObserveFloat64(inst, c.read(&l), set)
				}
			}
		}
		return nil
	}, insts...)
	return err
}

func (t *Telemetry) buildInfo(ctx context.Context, version string) error {
	g, err := t.Meter.Int64Gauge("leat.build_info", metric.WithDescription("The build of this process; always 1."))
	if err == nil {
		g.Record(ctx, 1, metric.WithAttributes(
			attribute.String("version", version), attribute.String("go_version", runtime.Version())))
	}
	return err
}
