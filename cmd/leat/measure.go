package main

import (
	"context"
	"strings"
	"time"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/telemetry"
)

// measured is the metrics of one task, source or sink, with the totals that were told already.
type measured struct {
	stage *telemetry.Stage
	told  api.Counts
	seen  bool
}

// measure copies the figures of the services into the metrics, once a second, until ctx ends.
func (n *node) measure(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	all := map[telemetry.StageName]*measured{}
	states := map[string]telemetry.HealthState{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			n.copyFigures(all)
			n.tellHealth(ctx, states)
		}
	}
}

func (n *node) copyFigures(all map[telemetry.StageName]*measured) {
	for _, m := range all { // any order: each is marked
		m.seen = false
	}
	r := n.report()
	for _, s := range r.Sources {
		n.count(all, telemetry.StageName{Stage: "ingest " + s.Name}, s.Counts)
	}
	for _, t := range r.Tasks {
		part := t.Name[strings.LastIndexByte(t.Name, '.')+1:]
		m := n.count(all, telemetry.StageName{Query: t.Query, Stage: t.Stage, Partition: part}, t.Counts)
		m.stage.StateBytes(t.StateBytes)
	}
	for _, s := range r.Sinks {
		n.count(all, telemetry.StageName{Stage: "sink " + s.Name},
			api.Counts{In: s.Delivered + s.Dead, Out: s.Delivered, DeadLettered: s.Dead})
	}
	for name, m := range all { // any order: each is judged on its own
		if !m.seen {
			m.stage.Close()
			delete(all, name)
		}
	}
}

// count adds what came since the last look. Totals that fell belong to a task that began anew.
func (n *node) count(all map[telemetry.StageName]*measured, name telemetry.StageName, c api.Counts) *measured {
	m := all[name]
	if m == nil {
		m = &measured{stage: n.cfg.telemetry.Stages.Open(name)}
		all[name] = m
	}
	m.seen = true
	if c.In < m.told.In {
		m.told = api.Counts{}
	}
	m.stage.Count(telemetry.Records{
		In: c.In - m.told.In, Out: c.Out - min(c.Out, m.told.Out),
		Filtered: c.Filtered - min(c.Filtered, m.told.Filtered), Late: c.Late - min(c.Late, m.told.Late),
		DeadLettered: c.DeadLettered - min(c.DeadLettered, m.told.DeadLettered),
		Skipped:      c.Skipped - min(c.Skipped, m.told.Skipped),
	})
	m.told = c
	return m
}

// tellHealth logs each check whose state has changed since the last look.
func (n *node) tellHealth(ctx context.Context, states map[string]telemetry.HealthState) {
	_, results := n.cfg.telemetry.Health.Run(ctx, telemetry.Ready)
	for _, r := range results {
		before := states[r.Name]
		states[r.Name] = r.State
		switch r.State {
		case before:
		case telemetry.Unhealthy:
			n.cfg.telemetry.Log.Error("unhealthy", "check", r.Name, "value", r.Value, "limit", r.Limit, "detail",
				r.Detail)
		case telemetry.Degraded:
			n.cfg.telemetry.Log.Warn("degraded", "check", r.Name, "value", r.Value, "limit", r.Limit, "detail",
				r.Detail)
		default:
			n.cfg.telemetry.Log.Info("healthy again", "check", r.Name)
		}
	}
}
