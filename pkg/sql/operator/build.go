package operator

import (
	"errors"
	"fmt"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// BuildOn makes the chain of specs for inputs with the given columns (by port). Each operator's input is the output of
// the one before; rows that leave the last go to out.
func BuildOn(in []*vector.Schema, specs []Spec, rep Report, out Emit) (*Chain, error) {
	c := &Chain{
		wm: vector.NoTime, outWM: vector.NoTime, appendTime: vector.NoTime, join: -1,
		input: &inputReport{to: rep},
	}
	derived := &derivedReport{to: rep}
	derived.derived, _ = rep.(DerivedReport)
	var rows Report = c.input
	b := builder{in: &vector.Schema{}}
	if len(in) > 0 && in[0] != nil {
		b.in = in[0]
	}
	if len(in) > 1 {
		b.table = in[1]
	}
	specs = withBefore(specs)
	for len(specs) > 0 {
		op, used, err := b.build(specs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", specs[0].Name(), err)
		}
		if isJoin(specs[0]) {
			c.join = len(c.nodes)
		}
		ctx := &Context{Report: rows, Derived: derived, AppendTime: vector.NoTime}
		c.nodes = append(c.nodes, node{op: op, ctx: ctx})
		if keepsRows(op) {
			rows = derived
		}
		b.in = specs[used-1].Out()
		c.specs = append(c.specs, specs[used-1])
		specs = specs[used:]
	}
	c.connect(out)
	return c, nil
}

// withBefore puts a Retract behind each Aggregate (and its HAVING) that is to say what a change replaces.
func withBefore(specs []Spec) []Spec {
	var out []Spec
	for i := 0; i < len(specs); i++ {
		out = append(out, specs[i])
		a, ok := specs[i].(*Aggregate)
		if !ok || !a.Before {
			continue
		}
		if i+1 < len(specs) {
			if f, ok := specs[i+1].(*Filter); ok {
				out = append(out, f)
				i++
			}
		}
		if a.Emit == EmitFinal {
			continue
		}
		r := &Retract{Schema: a.Schema}
		for k := range len(a.Schema.Fields) - len(a.Aggs) {
			r.Keys = append(r.Keys, k)
		}
		out = append(out, r)
	}
	return out
}

// connect lets each node emit to the next.
func (c *Chain) connect(out Emit) {
	if len(c.nodes) == 0 {
		c.nodes = append(c.nodes, node{op: pass{}, ctx: silent(vector.NoTime)})
		c.specs = append(c.specs, &ToStream{})
	}
	for i := range c.nodes {
		if i+1 == len(c.nodes) {
			c.nodes[i].emit = out
			continue
		}
		c.nodes[i].emit = func(b *vector.Batch) { c.push(i+1, 0, b) }
	}
}

// pass is the operator of an empty chain.
type pass struct{ stateless }

// Process hands the batch on.
func (pass) Process(_ *Context, _ int, b *vector.Batch, emit Emit) { emit(b) }

// keepsRows reports whether rows end in the state of an operator, or become others: those behind are no input rows.
func keepsRows(op Operator) bool {
	switch op.(type) {
	case *aggregate, *over, *sorter, *materialize, *rowBag, *unnest:
		return true
	default:
		return changeKeepsRows(op) || joinKeepsRows(op)
	}
}

// builder makes operators; in is the schema of the next one's input, table that of the table side of a join.
type builder struct {
	in, table *vector.Schema
	joined    bool
}

// build makes the operator of specs[0] and says how many specs it took: an Aggregate takes the HAVING behind it.
func (b *builder) build(specs []Spec) (Operator, int, error) {
	if isJoin(specs[0]) {
		if b.joined {
			return nil, 1, errors.New("two joins in one stage are not supported")
		}
		b.joined = true
	}
	switch s := specs[0].(type) {
	case *Filter:
		op, err := newFilter(s, b.in)
		return op, 1, err
	case *Project:
		op, err := newProject(s)
		return op, 1, err
	case *Aggregate:
		return b.aggregate(s, specs)
	case *Limit:
		return &limit{spec: s}, 1, nil
	case *Sort:
		op, err := newSorter(s, b.in)
		return op, 1, err
	case *Materialize:
		if s.Bag {
			return newBag(s, b.in), 1, nil
		}
		op, err := newMaterialize(s, b.in)
		return op, 1, err
	case *Unnest:
		op, err := newUnnest(s, b.in)
		return op, 1, err
	case *ToStream:
		return &toStream{}, 1, nil
	case *Over:
		op, err := newOver(s, b.in)
		return op, 1, err
	case *LookupJoin:
		op, err := newLookupJoin(s, b.in, b.table)
		return op, 1, err
	default:
		if op, err := newChange(s, b.in); op != nil || err != nil {
			return op, 1, err
		}
		op, err := newJoin(s, b.in, b.table)
		return op, 1, err
	}
}

func (b *builder) aggregate(s *Aggregate, specs []Spec) (Operator, int, error) {
	used := 1
	var having *predicate
	if len(specs) > 1 {
		if f, ok := specs[1].(*Filter); ok {
			p, err := newPredicate(f.Pred)
			if err != nil {
				return nil, 1, err
			}
			p.null = f.NullOnError
			having, used = p, 2
		}
	}
	op, err := newAggregate(s, b.in, having)
	return op, used, err
}
