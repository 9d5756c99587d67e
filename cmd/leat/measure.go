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
	links := map[telemetry.LinkName]*telemetry.Link{}
	states := map[string]telemetry.HealthState{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			r := n.report()
			n.copyFigures(all, &r)
			n.copyLinks(links, &r)
			n.tellHealth(ctx, states)
		}
	}
}

func (n *node) copyFigures(all map[telemetry.StageName]*measured, r *api.MemberReport) {
	for _, m := range all { // any order: each is marked
		m.seen = false
	}
	for _, s := range r.Sources {
		n.count(all, telemetry.StageName{Stage: "ingest " + s.Name}, s.Counts)
	}
	for _, t := range r.Tasks {
		m := n.count(all, telemetry.StageName{Query: t.Query, Stage: t.Stage, Partition: partitionOf(t)}, t.Counts)
		m.stage.StateSize(t.StateBytes, t.StoredBytes, t.StateKeys)
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

func partitionOf(t api.TaskReport) string { return t.Name[strings.LastIndexByte(t.Name, '.')+1:] }

// copyLinks states the figures of the bounded links. Links of one name, such as the appends of one task to several
// partitions, count as one.
func (n *node) copyLinks(open map[telemetry.LinkName]*telemetry.Link, r *api.MemberReport) {
	now := map[telemetry.LinkName]api.Link{}
	add := func(name telemetry.LinkName, links []api.Link) {
		for _, l := range links {
			name.Queue = l.Name
			sum := now[name]
			sum.Depth += l.Depth
			sum.Capacity += l.Capacity
			sum.BlockedMs += l.BlockedMs
			now[name] = sum
		}
	}
	for _, s := range r.Sources {
		add(telemetry.LinkName{Stage: "ingest " + s.Name}, s.Links)
	}
	for _, t := range r.Tasks {
		add(telemetry.LinkName{Query: t.Query, Stage: t.Stage, Partition: partitionOf(t)}, t.Links)
	}
	for name, l := range now { // any order: links do not depend on each other
		if open[name] == nil {
			open[name] = n.cfg.telemetry.Links.Open(name, l.Capacity)
		}
		open[name].Set(l.Depth)
		open[name].Blocked(time.Duration(l.BlockedMs) * time.Millisecond)
	}
	for name, l := range open { // any order: each is judged on its own
		if _, there := now[name]; !there {
			l.Close()
			delete(open, name)
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
