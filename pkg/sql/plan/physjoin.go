package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/operator"
)

// joinSides are the columns of each side that a join compares.
func joinSides(spec operator.Spec) (left, right []int) {
	switch s := spec.(type) {
	case *operator.LookupJoin:
		return s.StreamKeys, s.TableKeys
	case *operator.LookupMany:
		return s.StreamKeys, s.TableKeys
	case *operator.WindowJoin:
		return s.LeftKeys, s.RightKeys
	case *operator.AsofJoin:
		return s.LeftKeys, s.RightKeys
	case *operator.TableJoin:
		return s.LeftKeys, s.RightKeys
	case *operator.ForeignJoin:
		return s.LeftKeys, s.RightKeys
	case *operator.ChangeJoin:
		return s.LeftKeys, s.RightKeys
	default:
		return nil, nil
	}
}

// kindOf is which rows of a join leave it.
func kindOf(spec operator.Spec) operator.JoinKind {
	switch s := spec.(type) {
	case *operator.LookupJoin:
		if s.Left {
			return operator.LeftJoin
		}
		return operator.InnerJoin
	case *operator.LookupMany:
		return s.Kind
	case *operator.WindowJoin:
		return s.Kind
	case *operator.AsofJoin:
		return s.Kind
	case *operator.TableJoin:
		return s.Kind
	case *operator.ForeignJoin:
		return s.Kind
	case *operator.ChangeJoin:
		return s.Kind
	default:
		return operator.InnerJoin
	}
}

// oneTask tells that a join has to see all rows in one task: it compares nothing, or a null on the right side speaks
// for every row of the left one.
func oneTask(spec operator.Spec) bool {
	left, _ := joinSides(spec)
	switch s := spec.(type) {
	case *operator.LookupMany:
		return len(left) == 0 || s.NullAware
	case *operator.ChangeJoin:
		return len(left) == 0 || s.NullAware
	default:
		return len(left) == 0
	}
}

// lookedUp tells that only the left side of a join triggers results: its right side is read first.
func lookedUp(spec operator.Spec) bool {
	switch spec.(type) {
	case *operator.LookupJoin, *operator.LookupMany:
		return true
	default:
		return false
	}
}

// port is one side of a join on its way into a stage.
type port struct {
	n    *Node
	keys []int // what the join compares
	s    *Stage
	part []int
}

// placed tells that the rows of a side lie where the join of so many partitions looks for them.
func (s *port) placed(partitions int) bool {
	return s.s.Partitions == partitions && (partitions == 1 || slices.Equal(s.part, s.keys))
}

// bare is a topic that is read as it lies.
func (s *port) bare() bool { return len(s.s.Ops) == 0 && len(s.s.Inputs) == 1 }

// join puts a join into a stage: the left side with its operators on port 0 unless it joins already or lies wrong, a
// topic on port 1.
func (p *physical) join(n *Node) (*Stage, []int) {
	lk, rk := joinSides(n.Spec)
	r := &port{n: n.Inputs[1], keys: rk}
	r.s, r.part = p.build(r.n)
	l := &port{n: n.Inputs[0], keys: lk}
	l.s, l.part = p.build(l.n)
	if f, ok := n.Spec.(*operator.ForeignJoin); ok && p.joinPartitions(n.Spec, l, r) > 1 {
		return p.foreign(n, f, l, r)
	}
	return p.joinBuilt(n, l, r)
}

// joinBuilt joins two sides that are built.
func (p *physical) joinBuilt(n *Node, l, r *port) (*Stage, []int) {
	partitions := p.joinPartitions(n.Spec, l, r)
	spec := p.prepare(n.Spec, l, r, partitions)
	s := p.leftPort(l, partitions)
	in := p.rightPort(r, partitions)
	in.Port, in.Table = 1, lookedUp(spec)
	s.Inputs = append(s.Inputs, in)
	s.Ops = append(s.Ops, spec)
	switch kindOf(spec) {
	case operator.FullJoin:
		return s, nil
	case operator.RightJoin:
		return s, shifted(r.keys, len(l.n.Schema.Fields))
	default:
		return s, slices.Clone(l.keys)
	}
}

func (p *physical) joinPartitions(spec operator.Spec, l, r *port) int {
	switch {
	case oneTask(spec):
		return 1
	case r.bare() && slices.Equal(r.part, r.keys):
		return r.s.Partitions
	case lookedUp(spec), l.s.Partitions > 1 && slices.Equal(l.part, l.keys):
		return l.s.Partitions
	default:
		return max(l.s.Partitions, r.s.Partitions)
	}
}

// leftPort is the stage that the join goes to.
func (p *physical) leftPort(l *port, partitions int) *Stage {
	joined := slices.ContainsFunc(l.s.Inputs, func(in Input) bool { return in.Port == 1 })
	constant := len(l.s.Inputs) == 0
	if l.placed(partitions) && !joined && !constant {
		return l.s
	}
	keys := l.keys
	if partitions == 1 {
		keys = nil
	}
	return p.exchange(l.s, l.n, keys, partitions)
}

// rightPort is the topic that the join reads on port 1.
func (p *physical) rightPort(r *port, partitions int) Input {
	if r.bare() && r.placed(partitions) {
		return r.s.Inputs[0]
	}
	out := Output{Partitions: partitions}
	if partitions > 1 && !r.placed(partitions) {
		out.Keys = r.keys
	}
	return p.through(r.s, r.n, out)
}

// prepare makes the sides what the operator reads: changes that an exchange takes apart from the row they replace are
// spelled out in front of it, and the changes of a key come in order where the operator goes by the key.
func (p *physical) prepare(spec operator.Spec, l, r *port, partitions int) operator.Spec {
	switch s := spec.(type) {
	case *operator.ChangeJoin:
		out := *s
		out.LeftPK, out.RightPK = p.byValue(l, s.LeftPK, partitions), p.byValue(r, s.RightPK, partitions)
		return &out
	case *operator.LookupMany:
		out := *s
		out.TablePK = p.byValue(r, s.TablePK, partitions)
		return &out
	case *operator.LookupJoin:
		p.settle(r)
	case *operator.TableJoin:
		p.settle(l)
		p.settle(r)
	case *operator.ForeignJoin:
		p.settle(l)
		p.settle(r)
	}
	return spec
}

// settle brings the changes of a side's key in order.
func (p *physical) settle(side *port) { side.s, side.part = p.ordered(side.s, side.part)(side.n) }

// byValue returns the key by which a join may take the changes of a side, or nil where it goes by the whole row.
func (p *physical) byValue(side *port, key []int, partitions int) []int {
	if key == nil {
		return nil
	}
	if partitions == 1 && side.s.Partitions == 1 {
		return key
	}
	p.settle(side)
	moves := slices.ContainsFunc(side.keys, func(k int) bool { return !slices.Contains(key, k) })
	if side.placed(partitions) || !moves {
		return key
	}
	side.s.Ops = append(side.s.Ops, &operator.Retract{Keys: slices.Clone(key), Schema: side.n.Schema})
	return nil
}

// foreign is a foreign-key join over several partitions: a row of the left side whose reference changes goes to another
// task, so the sides join by value and the result is settled by the left key.
func (p *physical) foreign(n *Node, f *operator.ForeignJoin, l, r *port) (*Stage, []int) {
	spec := &operator.ChangeJoin{
		Kind: f.Kind, LeftKeys: f.LeftKeys, RightKeys: f.RightKeys, LeftPK: f.LeftPK, RightPK: f.RightKeys,
		DropNulls: !f.KeepNulls, Schema: f.Schema,
	}
	out := *n
	out.Spec, out.Retracts = spec, true
	s, part := p.joinBuilt(&out, l, r)
	return p.ordered(s, part)(&out)
}

// shifted adds an offset to column numbers.
func shifted(cols []int, by int) []int {
	var out []int
	for _, c := range cols {
		out = append(out, c+by)
	}
	return out
}
