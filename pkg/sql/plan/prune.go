package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// pruned drops the columns that nobody reads: in front of joins and of what goes through an exchange. The columns of
// the result stay as they are.
func pruned(n *Node) *Node {
	out, _ := prune(n, allColumns(n))
	return out
}

// columnSet is a set of the columns of a node.
type columnSet []bool

func allColumns(n *Node) columnSet {
	s := make(columnSet, len(n.Schema.Fields))
	for i := range s {
		s[i] = true
	}
	return s
}

func (s columnSet) add(cols ...int) {
	for _, c := range cols {
		if c >= 0 && c < len(s) {
			s[c] = true
		}
	}
}

func (s columnSet) addExpr(e expr.Expr) {
	if e != nil {
		visitColumns(e, func(i int) { s.add(i) })
	}
}

func (s columnSet) full() bool { return !slices.Contains(s, false) }

// places maps the columns of a node before the rule to those after it, -1 where one is gone.
type places []int

func unmoved(n int) places {
	p := make(places, n)
	for i := range p {
		p[i] = i
	}
	return p
}

func (p places) at(i int) int {
	if i < 0 || i >= len(p) {
		return -1
	}
	return p[i]
}

func (p places) all(cols []int) []int {
	if cols == nil {
		return nil
	}
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = p.at(c)
	}
	return out
}

// prune returns n without the columns that are not wanted, as far as it can, and where the others went.
func prune(n *Node, want columnSet) (*Node, places) {
	if n.Updating { // what tells rows apart is always read
		want = slices.Clone(want)
		want.add(n.Key...)
	}
	switch spec := n.Spec.(type) {
	case *operator.Project:
		return pruneProject(n, spec, want)
	case *operator.Filter:
		return pruneFilter(n, spec, want)
	case *operator.Retract:
		s := *spec
		return pruneThrough(n, want, spec.Keys, func(p places, schema *vector.Schema) operator.Spec {
			s.Keys, s.Schema = p.all(spec.Keys), schema
			return &s
		})
	case *operator.Unnest:
		return pruneUnnest(n, spec, want)
	case *operator.TopN:
		return pruneTopN(n, spec, want)
	case *operator.AssignWindow:
		return pruneAssignWindow(n, spec, want)
	case *operator.ToStream:
		return pruneThrough(n, want, nil, func(_ places, schema *vector.Schema) operator.Spec {
			return &operator.ToStream{Schema: schema}
		})
	}
	if isJoin(n) {
		return pruneJoin(n, want)
	}
	out := *n
	out.Inputs = make([]*Node, len(n.Inputs))
	for i, in := range n.Inputs {
		out.Inputs[i] = pruned(in)
	}
	return &out, unmoved(len(n.Schema.Fields))
}

// moved is n over other columns.
func moved(n *Node, spec operator.Spec, p places, inputs ...*Node) *Node {
	out := *n
	out.Spec, out.Inputs = spec, inputs
	out.Schema = spec.Out()
	out.Key, out.Part = found(p.all(n.Key)), found(p.all(n.Part))
	out.KeyAlts, out.KeyCols = nil, nil
	for _, c := range n.KeyCols {
		if c = p.at(c); c >= 0 {
			out.KeyCols = append(out.KeyCols, c)
		}
	}
	out.EventTime, out.WindowStart, out.WindowEnd = p.at(n.EventTime), p.at(n.WindowStart), p.at(n.WindowEnd)
	return &out
}

// found is cols, or nil where one of them is gone.
func found(cols []int) []int {
	if slices.Contains(cols, -1) {
		return nil
	}
	return cols
}

func pruneProject(n *Node, spec *operator.Project, want columnSet) (*Node, places) {
	in := n.Inputs[0]
	want = slices.Clone(want)
	want.add(spec.EventTime)
	below := make(columnSet, len(in.Schema.Fields))
	for i, e := range spec.Exprs {
		if want[i] {
			below.addExpr(e)
		}
	}
	input, at := prune(in, below)
	out := &operator.Project{
		Schema:      &vector.Schema{},
		EventTime:   -1,
		DelayMs:     spec.DelayMs,
		NullOnError: spec.NullOnError,
	}
	p := make(places, len(spec.Exprs))
	copies := spec.EventTime < 0
	for i, e := range spec.Exprs {
		p[i] = -1
		if !want[i] {
			continue
		}
		p[i] = len(out.Exprs)
		x := remap(e, at.at)
		copies = copies && plain(x) == p[i] && input.Schema.Fields[p[i]].Name == spec.Schema.Fields[i].Name
		out.Exprs = append(out.Exprs, x)
		out.Schema.Fields = append(out.Schema.Fields, spec.Schema.Fields[i])
	}
	out.EventTime = p.at(spec.EventTime)
	m := moved(n, out, p, input)
	if copies && len(out.Exprs) == len(input.Schema.Fields) && sameProps(n, in) && sameKey(m, input) {
		return input, p
	}
	return m, p
}

// sameKey tells that a projection has given the rows no other key, place or window.
func sameKey(n, in *Node) bool {
	return !n.Rekeyed && slices.Equal(n.Key, in.Key) && slices.Equal(n.Part, in.Part) &&
		n.WindowStart == in.WindowStart && n.WindowEnd == in.WindowEnd
}

// sameProps tells that a projection has not changed what is known of the rows.
func sameProps(n, in *Node) bool {
	return n.Updating == in.Updating && n.Table == in.Table && n.DelaySet == in.DelaySet && n.DelayMs == in.DelayMs &&
		n.Hidden == 0
}

func pruneFilter(n *Node, spec *operator.Filter, want columnSet) (*Node, places) {
	in := n.Inputs[0]
	below := slices.Clone(want)
	below.addExpr(spec.Pred)
	below.add(spec.Keys...)
	input, p := prune(in, below)
	out := *spec
	out.Pred = remap(spec.Pred, p.at)
	out.Keys, out.Schema = p.all(spec.Keys), input.Schema
	return moved(n, &out, p, input), p
}

func pruneThrough(
	n *Node, want columnSet, keys []int, with func(places, *vector.Schema) operator.Spec,
) (*Node, places) {
	below := slices.Clone(want)
	below.add(keys...)
	input, p := prune(n.Inputs[0], below)
	return moved(n, with(p, input.Schema), p, input), p
}

// pruneJoin drops the columns of both sides that neither the join nor its readers want.
func pruneJoin(n *Node, want columnSet) (*Node, places) {
	l, r := n.Inputs[0], n.Inputs[1]
	width := len(l.Schema.Fields)
	left, right := make(columnSet, width), make(columnSet, len(r.Schema.Fields))
	both := make(columnSet, width+len(r.Schema.Fields))
	copy(both, want)
	both.addExpr(onOf(n.Spec))
	copy(left, both[:width])
	copy(right, both[width:])
	lk, rk := joinSides(n.Spec)
	lpk, rpk := primaryKeys(n.Spec)
	left.add(append(slices.Clone(lk), lpk...)...)
	right.add(append(slices.Clone(rk), rpk...)...)
	ln, lp := narrow(l, left, true)
	rn, rp := narrow(r, right, !lookedByKey(n.Spec))
	p := slices.Clone(lp)
	for _, c := range rp {
		if c >= 0 {
			c += len(ln.Schema.Fields)
		}
		p = append(p, c)
	}
	schema := &vector.Schema{Fields: slices.Clone(ln.Schema.Fields)}
	if k := kindOf(n.Spec); k == operator.SemiJoin || k == operator.AntiJoin {
		out := moved(n, rejoined(n.Spec, lp, rp, p, schema), lp, ln, rn)
		return out, lp
	}
	schema.Fields = append(schema.Fields, rn.Schema.Fields...)
	return moved(n, rejoined(n.Spec, lp, rp, p, schema), p, ln, rn), p
}

// lookedByKey tells that the right side of a join is read as it lies where it can be: a table of one row a key.
func lookedByKey(spec operator.Spec) bool {
	switch spec.(type) {
	case *operator.LookupJoin, *operator.TableJoin, *operator.ForeignJoin:
		return true
	default:
		return false
	}
}

// narrow prunes a side of a join and projects what could not be pruned away. A topic that is read as it lies stays
// whole unless that makes its rows much smaller.
func narrow(n *Node, want columnSet, bare bool) (*Node, places) {
	if n.Updating {
		want.add(n.Key...)
	}
	out, p := prune(n, want)
	keep := make(columnSet, len(out.Schema.Fields))
	for i, c := range p {
		if c >= 0 && want[i] {
			keep[c] = true
		}
	}
	if keep.full() || out.Scan != nil && !bare {
		return out, p
	}
	var exprs []expr.Expr
	var names []string
	at := make(places, len(keep))
	for i, f := range out.Schema.Fields {
		at[i] = -1
		if keep[i] {
			at[i] = len(exprs)
			exprs, names = append(exprs, column(out, i)), append(names, f.Name)
		}
	}
	if len(exprs) == 0 { // a batch without columns has no rows to speak of
		return out, p
	}
	return project(out, exprs, names), places(at.all(p))
}

func onOf(spec operator.Spec) expr.Expr {
	switch s := spec.(type) {
	case *operator.WindowJoin:
		return s.On
	case *operator.AsofJoin:
		return s.On
	case *operator.ChangeJoin:
		return s.On
	case *operator.LookupMany:
		return s.On
	default:
		return nil
	}
}

// primaryKeys are the keys of the sides as a join knows them.
func primaryKeys(spec operator.Spec) (left, right []int) {
	switch s := spec.(type) {
	case *operator.ForeignJoin:
		return s.LeftPK, nil
	case *operator.ChangeJoin:
		return s.LeftPK, s.RightPK
	case *operator.LookupMany:
		return nil, s.TablePK
	default:
		return nil, nil
	}
}

// rejoined is a join over other columns: those of the left side, of the right side, and of both.
func rejoined(spec operator.Spec, l, r, both places, schema *vector.Schema) operator.Spec {
	on := onOf(spec)
	if on != nil {
		on = remap(on, both.at)
	}
	switch s := spec.(type) {
	case *operator.LookupJoin:
		out := *s
		out.StreamKeys, out.TableKeys, out.Schema = l.all(s.StreamKeys), r.all(s.TableKeys), schema
		return &out
	case *operator.LookupMany:
		out := *s
		out.StreamKeys, out.TableKeys, out.TablePK = l.all(s.StreamKeys), r.all(s.TableKeys), r.all(s.TablePK)
		out.On, out.Schema = on, schema
		return &out
	case *operator.WindowJoin:
		out := *s
		out.LeftKeys, out.RightKeys, out.On, out.Schema = l.all(s.LeftKeys), r.all(s.RightKeys), on, schema
		return &out
	case *operator.AsofJoin:
		out := *s
		out.LeftKeys, out.RightKeys, out.On, out.Schema = l.all(s.LeftKeys), r.all(s.RightKeys), on, schema
		return &out
	case *operator.TableJoin:
		out := *s
		out.LeftKeys, out.RightKeys, out.Schema = l.all(s.LeftKeys), r.all(s.RightKeys), schema
		return &out
	case *operator.ForeignJoin:
		out := *s
		out.LeftPK, out.LeftKeys, out.RightKeys = l.all(s.LeftPK), l.all(s.LeftKeys), r.all(s.RightKeys)
		out.Schema = schema
		return &out
	case *operator.ChangeJoin:
		out := *s
		out.LeftKeys, out.RightKeys, out.On, out.Schema = l.all(s.LeftKeys), r.all(s.RightKeys), on, schema
		out.LeftPK, out.RightPK = l.all(s.LeftPK), r.all(s.RightPK)
		return &out
	default:
		return spec
	}
}
