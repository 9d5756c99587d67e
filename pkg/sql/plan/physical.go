package plan

import (
	"fmt"
	"slices"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Plan is a query as it runs: stages in an order in which every stage comes after those it reads.
type Plan struct {
	Query   string
	Stages  []*Stage
	Logical *Node
	// Result describes what the last stage emits.
	Result Result
	// Late is the stream of the query's late rows; nil: they are counted.
	Late *Object
}

// Result is the shape of a query's output.
type Result struct {
	Schema     *vector.Schema
	Key        []int
	KeyCols    []int // columns that hold a part of the key, also where not all of it was selected
	Updating   bool
	Table      bool
	Windowed   bool
	Part       []int
	EventTime  string
	DelayMs    int64
	DelaySet   bool
	Partitions int
}

// Stage is a chain of operators with no exchange inside. It runs as one task per partition.
type Stage struct {
	ID         string // q1.1
	Inputs     []Input
	Values     [][]expr.Expr // constant rows instead of inputs (SELECT without FROM)
	constants  *vector.Schema
	Ops        []operator.Spec
	Partitions int
	Output     Output
	Late       *Output // of late rows: every task writes its one partition; nil: they are counted
}

// Input is one topic a stage reads: task p reads partition p. Port 1 is the table side of a join.
type Input struct {
	Port   int
	Topic  string
	Object string // name of the stream or table; "" for an exchange
	Stage  string // the stage that writes the exchange; "" for an object
	Table  bool
	Schema *vector.Schema
	// Timed: a declared source with an event time; its watermark is the largest time so far less DelayMs.
	Timed   bool
	DelayMs int64
}

// Output is where a stage's rows go. A row goes to partition hash(Keys) mod Partitions; without Keys it stays on the
// partition number of the task, modulo Partitions.
type Output struct {
	Topic      string
	Keys       []int
	Partitions int
	Schema     *vector.Schema
}

// physical builds stages bottom-up.
type physical struct {
	query  string
	stages []*Stage
}

func (p *physical) open() *Stage {
	s := &Stage{}
	return s
}

// exchange ends a stage and opens the one that reads its rows, placed by keys.
func (p *physical) exchange(s *Stage, n *Node, keys []int, partitions int) *Stage {
	in := p.through(s, n, Output{Keys: keys, Partitions: partitions})
	next := p.open()
	next.Partitions = partitions
	next.Inputs = []Input{in}
	return next
}

// through ends a stage and returns the input that reads its rows.
func (p *physical) through(s *Stage, n *Node, out Output) Input {
	p.finish(s, n, out)
	return Input{Topic: s.Output.Topic, Stage: s.ID, Schema: n.Schema, Table: n.Table}
}

func (p *physical) finish(s *Stage, n *Node, out Output) {
	s.ID = fmt.Sprintf("%s.%d", p.query, len(p.stages)+1)
	if out.Topic == "" {
		out.Topic = s.ID
	}
	out.Schema = n.Schema
	s.Output = out
	p.stages = append(p.stages, s)
}

// build returns the open stage whose last operator is n, and the partitioning of its rows.
func (p *physical) build(n *Node) (*Stage, []int) {
	switch {
	case n.Scan != nil:
		s := p.open()
		s.Partitions = n.Partitions
		s.Inputs = []Input{{
			Topic: n.Scan.Topic, Object: n.Scan.Name, Schema: n.Schema, Table: n.Table,
			Timed: n.Scan.Query == "" && n.Scan.EventTime != "", DelayMs: n.Scan.DelayMs,
		}}
		return s, n.Part
	case n.Spec == nil:
		s := p.open()
		s.Partitions, s.Values = 1, n.Values
		s.constants = n.Schema
		return s, nil
	case isJoin(n):
		return p.join(n)
	}
	return p.operator(n)
}

// operator puts an operator with one input, or a union, on what is below it.
func (p *physical) operator(n *Node) (*Stage, []int) {
	switch spec := n.Spec.(type) {
	case *unionAll:
		return p.union(n), nil
	case *operator.Aggregate:
		s, part := p.require(n.Inputs[0], spec.Keys)
		// Without keys there is one partition, which also answers for an input without a row.
		spec.OneRow = len(spec.Keys) == 0 && spec.Window.Kind == operator.NoWindow
		s.Ops = append(s.Ops, spec)
		return s, mapAll(part, positions(spec.Keys))
	case *operator.Over:
		return p.keyed(n, spec.Partition)
	case *operator.TableOver:
		return p.keyed(n, spec.Partition)
	case *operator.TopN:
		return p.keyed(n, spec.Partition)
	case *operator.Dedup:
		return p.keyed(n, spec.Keys)
	case *operator.Materialize:
		return p.materialize(n, spec)
	case *operator.Sort, *operator.Limit:
		s, _ := p.require(n.Inputs[0], nil)
		s.Ops = append(s.Ops, n.Spec)
		return s, nil
	case *operator.Project:
		s, part := p.build(n.Inputs[0])
		s.Ops = append(s.Ops, spec)
		return s, mapAll(part, copies(spec))
	case *operator.Expand: // what placed the rows may be null behind it
		s, _ := p.build(n.Inputs[0])
		s.Ops = append(s.Ops, spec)
		return s, nil
	case *operator.Retract:
		s, part := p.ordered(p.build(n.Inputs[0]))(n.Inputs[0])
		s.Ops = append(s.Ops, spec)
		return s, part
	default:
		s, part := p.build(n.Inputs[0])
		s.Ops = append(s.Ops, n.Spec)
		return s, part
	}
}

// keyed puts an operator where the rows with equal keys meet.
func (p *physical) keyed(n *Node, keys []int) (*Stage, []int) {
	s, part := p.require(n.Inputs[0], keys)
	s.Ops = append(s.Ops, n.Spec)
	return s, part
}

// materialize keeps the rows of a table: the changes of a key meet in one task, in the order in which they were made.
func (p *physical) materialize(n *Node, spec *operator.Materialize) (*Stage, []int) {
	in := n.Inputs[0]
	out := *spec
	out.Bag = in.bag()
	out.OneKey = len(spec.Keys) == 0 && in.Updating && !out.Bag // the changes of an aggregate without GROUP BY
	if out.Bag {
		out.Keys = nil
	}
	var s *Stage
	var part []int
	if in.Updating && len(in.Key) > 0 && slices.Equal(in.Key, spec.Keys) {
		s, part = p.ordered(p.build(in))(in)
	} else {
		s, part = p.require(in, out.Keys)
	}
	s.Ops = append(s.Ops, &out)
	return s, part
}

// union lets each input write to the partitions of one stage, in the order of the inputs.
func (p *physical) union(n *Node) *Stage {
	stages := make([]*Stage, len(n.Inputs))
	partitions := 1
	for i, in := range n.Inputs {
		stages[i], _ = p.build(in)
		partitions = max(partitions, stages[i].Partitions)
	}
	next := p.open()
	next.Partitions = partitions
	for i, s := range stages {
		next.Inputs = append(next.Inputs, p.through(s, n.Inputs[i], Output{Partitions: partitions}))
	}
	return next
}

func positions(cols []int) map[int]int {
	at := map[int]int{}
	for i, c := range cols {
		at[c] = i
	}
	return at
}

func copies(spec *operator.Project) map[int]int {
	at := map[int]int{}
	for i, e := range spec.Exprs {
		if c, ok := e.(*expr.Column); ok && c.Index >= 0 {
			if _, seen := at[c.Index]; !seen {
				at[c.Index] = i
			}
		}
	}
	return at
}

// require returns an open stage in which all rows with equal keys meet in one task.
func (p *physical) require(n *Node, keys []int) (*Stage, []int) {
	s, part := p.build(n)
	if s.Partitions == 1 || within(part, keys) {
		return s, part
	}
	if len(keys) == 0 {
		return p.exchange(s, n, nil, 1), nil
	}
	return p.exchange(s, n, keys, s.Partitions), slices.Clone(keys)
}

// within tells that the rows of each value of keys lie on one partition: what places them is a part of keys.
func within(part, keys []int) bool {
	return len(part) > 0 && !slices.ContainsFunc(part, func(c int) bool { return !slices.Contains(keys, c) })
}

// ordered makes of a stage one in which the changes of each key of n come in order: where several tasks write them, as
// behind a join by other columns, they are brought together and settled.
func (p *physical) ordered(s *Stage, part []int) func(*Node) (*Stage, []int) {
	return func(n *Node) (*Stage, []int) {
		by := withoutBounds(n)
		if !n.Updating || len(by) == 0 || s.Partitions == 1 || within(part, n.Key) {
			return s, part
		}
		if !n.Retracts { // what settles goes by value
			s.Ops = append(s.Ops, &operator.Retract{Keys: slices.Clone(n.Key), Schema: n.Schema})
		}
		next := p.exchange(s, n, by, s.Partitions)
		next.Ops = append(next.Ops, &operator.Settle{Keys: slices.Clone(n.Key), Schema: n.Schema})
		return next, by
	}
}

// makePlan builds the physical plan of n; topic and partitions name the result's log ("" for a client).
func makePlan(query string, n *Node, topic string, partitions int) *Plan {
	n = pruned(n)
	p := &physical{query: query}
	s, part := p.ordered(p.build(n))(n)
	out := Output{Topic: topic, Partitions: partitions}
	if out.Partitions == 0 {
		out.Partitions = s.Partitions
	}
	if len(part) == 0 || n.Rekeyed {
		part = withoutBounds(n)
		out.Keys = part
	} else if out.Partitions != s.Partitions {
		out.Keys = part
	} // else rows lie where they belong already: each task writes its own partition alone
	p.finish(s, n, out)
	s.Output.Topic = topic
	r := Result{
		Schema: n.Schema, Key: n.Key, KeyCols: keyColumns(n), Updating: n.Updating, Table: n.Table, DelayMs: n.DelayMs,
		DelaySet: n.DelaySet, Partitions: out.Partitions, Part: part, Windowed: n.WindowStart >= 0 &&
			slices.Contains(n.Key, n.WindowStart),
	}
	if n.EventTime >= 0 {
		r.EventTime = n.Schema.Fields[n.EventTime].Name
	}
	return &Plan{Query: query, Stages: p.stages, Logical: n, Result: r}
}

// withoutBounds is the key without the window bounds: what places rows on partitions.
func withoutBounds(n *Node) []int {
	var out []int
	for _, k := range n.Key {
		if k != n.WindowStart && k != n.WindowEnd {
			out = append(out, k)
		}
	}
	return out
}
