package main

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/telemetry"
)

// TestLinksOfReports sums up links of one name, states later figures, and drops the links of what is gone.
func TestLinksOfReports(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.New(t.Context(), telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{cfg: nodeConfig{telemetry: tel}}
	open := map[telemetry.LinkName]*telemetry.Link{}
	report := api.MemberReport{
		Sources: []api.SourceStatus{{Name: "orders", Links: []api.Link{{Name: "push.orders", Depth: 1, Capacity: 8}}}},
		Tasks: []api.TaskReport{{Name: "q1.2.3", Query: "q1", Stage: "q1.2", Links: []api.Link{
			{Name: "append", Depth: 4, Capacity: 5, BlockedMs: 20}, {Name: "append", Depth: 5, Capacity: 5},
		}}},
	}
	n.copyLinks(open, &report)
	report.Tasks[0].Links[0].Depth = 5
	n.copyLinks(open, &report)
	task := telemetry.LinkName{Queue: "append", Query: "q1", Stage: "q1.2", Partition: "3"}
	want := []telemetry.LinkState{
		{Name: task, Capacity: 10, Depth: 10, HighWater: 1, Blocked: 20 * time.Millisecond},
		{Name: telemetry.LinkName{Queue: "push.orders", Stage: "ingest orders"}, Capacity: 8, Depth: 1},
	}
	if d := gocmp.Diff(want, tel.Links.States()); d != "" {
		t.Error(d)
	}
	n.copyLinks(open, &api.MemberReport{Sources: report.Sources})
	if got := tel.Links.States(); len(got) != 1 || len(open) != 1 {
		t.Errorf("links of a task that is gone stay: %v", got)
	}
}
