package coordinator

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
)

// Status puts together what the members' heartbeats tell.
func (c *Coordinator) Status() api.Status {
	cat := c.Catalog()
	s := api.Status{
		Kind: "leat.status/v1", NATS: c.cfg.NATSAddress, HTTP: c.cfg.HTTPAddress,
		Sources: []api.SourceStatus{}, Queries: []api.QueryStatus{}, Sinks: []api.SinkStatus{},
		Members: []api.MemberStatus{},
	}
	var tasks []api.TaskReport
	for _, beat := range c.cfg.Members.Beats() {
		var r api.MemberReport
		if len(beat.Status) > 0 && json.Unmarshal(beat.Status, &r) != nil {
			continue
		}
		m := api.MemberStatus{ID: beat.ID, Roles: beat.Roles}
		for _, src := range r.Sources {
			if o := cat.Objects[src.Name]; o == nil || o.Source == nil && src.State == "running" {
				continue // a derived object takes rows by INSERT alone
			}
			src.Owner = beat.ID
			s.Sources = append(s.Sources, src)
		}
		for _, t := range r.Tasks {
			m.Tasks = append(m.Tasks, t.Name)
		}
		tasks = append(tasks, r.Tasks...)
		s.Sinks = append(s.Sinks, r.Sinks...)
		s.Members = append(s.Members, m)
	}
	for _, id := range slices.Sorted(maps.Keys(cat.Queries)) {
		s.Queries = append(s.Queries, queryStatus(cat.Queries[id], cat, tasks))
	}
	slices.SortFunc(s.Sources, func(a, b api.SourceStatus) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Sinks, func(a, b api.SinkStatus) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// queryStatus sums up the tasks of a query by stage.
func queryStatus(q *catalog.Query, cat *catalog.Catalog, tasks []api.TaskReport) api.QueryStatus {
	out := api.QueryStatus{ID: q.ID, Result: q.Result, State: string(q.State), Stages: []api.StageStatus{}}
	p, err := q.Plan(cat.Objects[q.Result])
	if err != nil {
		out.State, out.Reason = "stopped", err.Error()
		return out
	}
	for _, st := range p.Stages {
		sum := api.StageStatus{ID: st.ID}
		for _, t := range tasks {
			if t.Stage == st.ID {
				addTask(&out, &sum, t)
			}
		}
		if sum.Tasks < st.Partitions && out.State == string(catalog.Running) {
			out.State = "starting"
		}
		out.Stages = append(out.Stages, sum)
	}
	return out
}

func addTask(q *api.QueryStatus, sum *api.StageStatus, t api.TaskReport) {
	sum.Tasks++
	sum.StateBytes += t.StateBytes
	sum.StoredBytes += t.StoredBytes
	sum.StateKeys += t.StateKeys
	q.Lag += t.Lag
	if t.Reason != "" && q.Reason == "" {
		q.Reason = t.Name + ": " + t.Reason
	}
	if t.State == "stopped" {
		q.State = "stopped"
	}
	sum.Counts = add(sum.Counts, t.Counts)
	for _, l := range t.Links {
		i := slices.IndexFunc(sum.Links, func(have api.Link) bool { return have.Name == l.Name })
		if i < 0 {
			sum.Links = append(sum.Links, l)
			continue
		}
		have := &sum.Links[i]
		have.Depth += l.Depth
		have.Capacity += l.Capacity
		have.HighWater += l.HighWater
		have.BlockedMs += l.BlockedMs
	}
}

func add(a, b api.Counts) api.Counts {
	return api.Counts{
		In: a.In + b.In, Used: a.Used + b.Used, Out: a.Out + b.Out, Filtered: a.Filtered + b.Filtered,
		Late: a.Late + b.Late, DeadLettered: a.DeadLettered + b.DeadLettered, Skipped: a.Skipped + b.Skipped,
	}
}
