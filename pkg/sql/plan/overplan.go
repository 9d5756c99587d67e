package plan

import (
	"fmt"
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// build chains the operators of the specs behind a Project that computes what they need.
func (o *overBinding) build() error {
	n := o.base
	time := -1
	for _, s := range o.specs {
		if col := o.timeColumn(s); col >= 0 && time < 0 {
			time = col
		}
	}
	if len(o.pre) > len(n.Schema.Fields) || time >= 0 {
		n = project(n, o.pre, o.names)
		n.Hidden = 0
	}
	if time >= 0 {
		setEventTime(n, time)
	}
	for _, s := range o.specs {
		s.first = len(n.Schema.Fields)
		var err error
		switch {
		case o.rank != nil:
			n = o.topN(n, s)
		case o.timed(n, s):
			n = overNode(n, s)
		default:
			n, err = o.tableOver(n, s)
		}
		if err != nil {
			return err
		}
	}
	o.out = n
	return o.wantFull()
}

// timeColumn is the column of a spec that becomes the event time because OVER orders by it: the rows of an endless
// stream that has no event time of its own; -1 for none.
func (o *overBinding) timeColumn(s *overSpec) int {
	if o.rank != nil || o.b.Mode == Bounded || o.base.Updating || o.base.EventTime >= 0 || len(s.order) != 1 ||
		s.order[0].Desc || !framesEndHere(s) {
		return -1
	}
	x := o.pre[s.order[0].Col]
	if c, ok := x.(*expr.Column); ok && c.Index == expr.ColRowtime {
		return -1
	}
	if k := x.Type().Kind; k == vector.Timestamp || k == vector.BigInt && !rankOnly(s) {
		return s.order[0].Col
	}
	return -1
}

func rankOnly(s *overSpec) bool {
	return !slices.ContainsFunc(s.calls, func(k overCall) bool { return !numbering[k.name] })
}

// timed tells that a spec goes by event time over a stream: then a row leaves once the watermark has passed it, and
// nothing is taken back.
func (o *overBinding) timed(n *Node, s *overSpec) bool {
	if n.Updating || !framesEndHere(s) {
		return false
	}
	for _, k := range s.calls {
		if k.distinct || k.filter >= 0 || !streamsOver(k) {
			return false
		}
	}
	switch len(s.order) {
	case 0: // by arrival, where the frame asks for no more
		return !slices.ContainsFunc(s.calls, func(k overCall) bool { return k.frame == nil && !ranked(k.name) })
	case 1:
		if s.order[0].Desc {
			return false
		}
		x, ok := o.pre[s.order[0].Col].(*expr.Column)
		return ok && x.Index == expr.ColRowtime || s.order[0].Col == n.EventTime
	default:
		return false
	}
}

// framesEndHere tells that no frame reaches behind the current row.
func framesEndHere(s *overSpec) bool {
	return !slices.ContainsFunc(s.calls, func(k overCall) bool {
		return k.frame != nil && k.frame.Following != 0 || k.name == "LEAD" && k.frame == nil
	})
}

func overNode(n *Node, s *overSpec) *Node {
	spec := &operator.Over{Partition: s.partition, ExpireMs: s.expireMs}
	for _, k := range s.calls {
		agg := operator.OverAgg{
			Func: k.name, Args: k.args, RangeMs: -1, Rows: -1, T: k.t, Order: k.order,
			IgnoreNulls: k.ignore,
		}
		if f := k.frame; f != nil {
			agg.ByRows = f.Rows
			switch {
			case f.Preceding < 0:
			case f.Rows:
				agg.Rows = f.Preceding
			default:
				agg.RangeMs = f.Preceding
			}
		} else if len(s.order) == 0 {
			agg.ByRows = true
		}
		spec.Aggs = append(spec.Aggs, agg)
	}
	out := appended(n, spec, s.calls)
	spec.Schema = out.Schema
	return out
}

// appended is a node with a column for each call behind those of n.
func appended(n *Node, spec operator.Spec, calls []overCall) *Node {
	p := n.Props
	p.Schema = &vector.Schema{Fields: slices.Clone(n.Schema.Fields)}
	p.Hidden = 0
	for range calls {
		k := calls[len(p.Schema.Fields)-len(n.Schema.Fields)]
		name := fmt.Sprintf("$over%d", len(p.Schema.Fields))
		p.Schema.Fields = append(p.Schema.Fields, vector.Field{Name: name, Type: k.t})
	}
	return &Node{Spec: spec, Inputs: []*Node{n}, Props: p}
}

// tableOver computes window functions over the rows that a partition holds at the moment.
func (o *overBinding) tableOver(n *Node, s *overSpec) (*Node, error) {
	for _, k := range s.calls {
		if f := k.frame; f != nil && !f.Rows && len(s.order) != 1 && (f.Preceding > 0 || f.Following != 0) {
			return nil, sqlerr.New(sqlerr.BadStatement, f.At, "a RANGE frame with an offset wants one ORDER BY key")
		}
	}
	if s.expireMs > 0 {
		return nil, unsupported(s.at, "EXPIRE AFTER where OVER does not go by event time over a stream")
	}
	spec := &operator.TableOver{Order: s.order, WindowEnd: -1}
	n, spec.Partition, spec.WindowEnd = o.partitioned(n, s)
	spec.Key, spec.Retracts = upsertKey(n), n.Retracts || n.Bag
	spec.Final = o.final(n, spec.WindowEnd)
	for _, k := range s.calls {
		spec.Aggs = append(spec.Aggs, tableAgg(k, len(s.order) > 0))
	}
	out := appended(n, spec, s.calls)
	spec.Schema = out.Schema
	o.changing(out, spec.Final)
	return out, nil
}

// changing sets what a changelog of whole rows is.
func (o *overBinding) changing(n *Node, final bool) {
	n.Updating, n.Retracts, n.Table = !final, !final, !final
	n.Bag = !final && len(n.Key) == 0
}

// partitioned prepares the input of an operator that keeps the rows of partitions: its partition columns, with the
// bounds of the window where one of them is there, and the column of the window's end or -1. Where a change can move a
// row to another partition, the changelog says what it replaces.
func (o *overBinding) partitioned(n *Node, s *overSpec) (*Node, []int, int) {
	partition, end := slices.Clone(s.partition), -1
	if n.WindowEnd >= 0 && (slices.Contains(partition, n.WindowStart) || slices.Contains(partition, n.WindowEnd)) {
		end = n.WindowEnd
		if !slices.Contains(partition, end) {
			partition = append(partition, end)
		}
	}
	if !n.Updating || n.Retracts || n.Bag {
		return n, partition, end
	}
	moves := slices.ContainsFunc(partition, func(c int) bool { return !slices.Contains(n.Key, c) })
	if moves || len(n.Key) == 0 {
		n = retracting(n)
	}
	return n, partition, end
}

// final tells that results leave only when nothing can change them: at the end of bounded input, or with the window
// where the query says so.
func (o *overBinding) final(n *Node, windowEnd int) bool {
	if n.Updating {
		return false
	}
	if windowEnd >= 0 && o.b.final {
		o.b.finals++
		return true
	}
	return o.b.Mode == Bounded
}

func tableAgg(k overCall, ordered bool) operator.TableOverAgg {
	agg := operator.TableOverAgg{Func: k.name, Args: k.args, Distinct: k.distinct, Filter: k.filter, T: k.t}
	agg.Order, agg.IgnoreNulls = k.order, k.ignore
	agg.From.Unbounded = true
	switch {
	case k.frame != nil:
		agg.Rows = k.frame.Rows
		agg.From = operator.FrameBound{Unbounded: k.frame.Preceding < 0, Offset: -k.frame.Preceding}
		if agg.From.Unbounded {
			agg.From.Offset = 0
		}
		if agg.To = (operator.FrameBound{Offset: k.frame.Following}); k.frame.Following == ast.UnboundedFollowing {
			agg.To = operator.FrameBound{Unbounded: true}
		}
	case !ordered:
		agg.To.Unbounded = true
	}
	return agg
}
