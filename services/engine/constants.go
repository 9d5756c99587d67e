package engine

import (
	"context"
	"fmt"

	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// valuesTopic is what the rows of VALUES are read from; no name of a topic has its capital letter.
const valuesTopic = "Values"

// constants makes the input of a stage that reads nothing: a log of one message, the same in every process.
func constants(ctx context.Context, s *plan.Stage) (task.Input, error) {
	rows := s.Constants()
	log := topic.NewMemory(topic.MemoryConfig{Clock: func() int64 { return 0 }})
	var pb messages.ProcessBatch
	pb.Watermark = rows.Watermark
	vector.ToColumns(rows, &pb.Columns)
	m := &topic.Message{Subject: topic.Subject(topic.ClassSource, valuesTopic, 0, "values"), Data: pb.Append(nil)}
	if _, err := log.Append(ctx, m, 0); err != nil {
		return task.Input{}, fmt.Errorf("put the rows of VALUES into a log: %w", err)
	}
	return task.Input{
		Topic: valuesTopic, Log: log, Schema: rows.Schema,
		Filters: []string{topic.PartitionFilter(topic.ClassSource, valuesTopic, 0)},
	}, nil
}

// closedTable tells that an input of a bounded query is a table whose rows all come from declared tables and constants:
// it is read to its end before any row looks into it.
func (e *Engine) closedTable(w want, in plan.Input) bool {
	cat := e.view.Catalog()
	var closed func(p *plan.Plan, in plan.Input) bool
	all := func(p *plan.Plan, s *plan.Stage) bool {
		for _, in := range s.Inputs {
			if !closed(p, in) {
				return false
			}
		}
		return true
	}
	closed = func(p *plan.Plan, in plan.Input) bool {
		if in.Stage != "" {
			for _, s := range p.Stages {
				if s.ID == in.Stage {
					return all(p, s)
				}
			}
			return false
		}
		o := w.query.Sources[in.Object]
		if o == nil || !in.Table {
			return false
		}
		if o.Query == "" {
			return true
		}
		q := cat.Queries[o.Query]
		if q == nil {
			return false
		}
		made, err := e.planOf(q, cat)
		if err != nil {
			return false
		}
		for _, s := range made.Stages {
			if !all(made, s) {
				return false
			}
		}
		return true
	}
	return w.query.Bounded && in.Port == 1 && in.Table && closed(w.plan, in)
}
