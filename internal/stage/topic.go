package stage

import (
	"strconv"
	"strings"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// InputTopic is the log an input reads: an object's topic, or the exchange of a stage.
func InputTopic(in plan.Input) string {
	if in.Stage != "" {
		return exchange(in.Stage)
	}
	return in.Topic
}

// OutputTopic is the log a stage writes.
func OutputTopic(s *plan.Stage) string {
	if s.Output.Topic == s.ID {
		return exchange(s.ID)
	}
	return s.Output.Topic
}

func exchange(id string) string {
	query, n, _ := strings.Cut(id, ".")
	number, err := strconv.Atoi(n)
	if err != nil {
		panic("stage: id " + id + " is not query.number")
	}
	return topic.StageName(query, number)
}

// Writer is the writer token of a stage's task: q1-1-3 for task 3 of stage q1.1.
func Writer(s *plan.Stage, partition int) string {
	return strings.ReplaceAll(s.ID, ".", "-") + "-" + strconv.Itoa(partition)
}

// TaskName names a task: q1.1.3.
func TaskName(s *plan.Stage, partition int) string { return s.ID + "." + strconv.Itoa(partition) }

// IngestWriter is the writer token of ingest: one process owns a source, so the name is the same for every partition.
const IngestWriter = "ingest"

// TopicWriters lists the writers that a reader of a partition of an object's topic waits for: ingest of a declared
// source, or the tasks of the query that writes it. planOf gives the plan of a query. Writers that come later join with
// their first message.
func TopicWriters(o *plan.Object, partition int, planOf func(query string) *plan.Plan) []string {
	if o.Query == "" {
		return []string{IngestWriter}
	}
	p := planOf(o.Query)
	if p == nil {
		return nil
	}
	if s := LateStage(p); s != nil && s.Late.Topic == o.Topic {
		return lateWriters(s)
	}
	return Writers(p.Stages[len(p.Stages)-1], partition)
}

// LateStage is the stage whose late rows are a stream; nil: no stage's.
func LateStage(p *plan.Plan) *plan.Stage {
	for _, s := range p.Stages {
		if s.Late != nil {
			return s
		}
	}
	return nil
}

func lateWriters(s *plan.Stage) []string {
	out := make([]string, s.Partitions)
	for t := range out {
		out[t] = Writer(s, t)
	}
	return out
}

// Writers lists the tasks of a stage that write a partition of its output.
func Writers(s *plan.Stage, partition int) []string {
	var out []string
	for t := range s.Partitions {
		if Writes(s, t, partition) {
			out = append(out, Writer(s, t))
		}
	}
	return out
}

// Writes tells whether task t of a stage writes a partition of its output. Without keys rows stay on their task's
// number.
func Writes(s *plan.Stage, t, partition int) bool {
	return len(s.Output.Keys) > 0 || partition == t%max(1, s.Output.Partitions)
}

// TopicWritersOf gives the writers of an object's partitions among the plans of one program, those of INSERT INTO too.
func TopicWritersOf(o *plan.Object, plans []*plan.Plan) func(partition int) []string {
	planOf := func(id string) *plan.Plan {
		for _, p := range plans {
			if p.Query == id {
				return p
			}
		}
		return nil
	}
	return func(partition int) []string {
		names := TopicWriters(o, partition, planOf)
		for _, p := range plans {
			if last := p.Stages[len(p.Stages)-1]; last.Output.Topic == o.Topic && p.Query != o.Query {
				names = append(names, Writers(last, partition)...)
			}
		}
		return names
	}
}
