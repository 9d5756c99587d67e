package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/operator"
)

// LateSuffix is what the stream of a query's late rows is called, behind the name of its result.
const LateSuffix = ".late"

// lateRows gives the query a stream of its late rows, as WITH (late = 'topic') asks: those of its first windowed stage,
// with the columns that the stage reads. Late rows of stages behind it are counted.
func (p *Plan) lateRows(o *Object, c *ast.Create) error {
	for _, s := range p.Stages {
		if !slices.ContainsFunc(s.Ops, closesWindows) {
			continue
		}
		if slices.ContainsFunc(s.Inputs, func(in Input) bool { return in.Port == 1 }) {
			return unsupported(c.Name.At, "late = 'topic' of a join").
				WithHint("late rows of a join are counted; GRACE PERIOD keeps rows longer")
		}
		schema := s.Inputs[0].Schema
		s.Late = &Output{Topic: o.Topic + "_late", Partitions: 1, Schema: schema}
		p.Late = &Object{
			Name: o.Name + LateSuffix, Kind: ast.Stream, Topic: s.Late.Topic, Partitions: 1, Query: o.Query,
			Statement: o.Statement, Profile: o.Profile,
		}
		for _, f := range schema.Fields {
			p.Late.Columns = append(p.Late.Columns, Column{Name: f.Name, Type: f.Type})
		}
		return nil
	}
	return unsupported(c.Name.At, "late = 'topic' of a query without windows").
		WithHint("only rows of windows that have closed are late")
}

// closesWindows tells of an operator to which a row may come too late.
func closesWindows(s operator.Spec) bool {
	switch s := s.(type) {
	case *operator.Aggregate:
		return s.Window.Kind != operator.NoWindow
	case *operator.Over, *operator.WindowJoin, *operator.AsofJoin:
		return true
	}
	return false
}
