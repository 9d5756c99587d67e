package expr

import (
	"fmt"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// elements is the elements of the collections of a batch, one after the other.
type elements struct {
	kid   []uint32 // place of each element in the Kids
	rowOf []uint32 // row of each element
	flat  []*vector.Vector
}

// ownerOf returns the row of the whole expression that row i of a lambda's elements belongs to.
func (ev *evaluator) ownerOf(i uint32) uint32 {
	if ev.owner == nil {
		return i
	}
	return ev.owner[i]
}

// maxCalls bounds how often the lambdas of an expression may run for one row.
const maxCalls = 4 * vector.MaxElements

// take collects the elements of the rows of sel. A row with too many fails.
func (e *elements) take(ev *evaluator, v *vector.Vector, sel []uint32) {
	e.kid, e.rowOf = e.kid[:0], e.rowOf[:0]
	if ev.owner == nil {
		ev.spent = make([]uint32, ev.n)
	}
	for i := range rows(ev.n, sel) {
		if isNull(v, i) || v.Type.Kind == vector.Null {
			continue
		}
		lo, hi := v.Elements(i)
		if !ev.spend(uint32(i), hi-lo) {
			continue
		}
		for k := lo; k < hi; k++ {
			e.kid, e.rowOf = append(e.kid, uint32(k)), append(e.rowOf, uint32(i))
		}
	}
	e.flat = e.flat[:0]
	for _, kid := range v.Kids {
		e.flat = append(e.flat, gather(kid, e.kid))
	}
}

// spend counts calls of row i, and fails it when they are too many.
func (ev *evaluator) spend(i uint32, calls int) bool {
	owner := ev.ownerOf(i)
	ev.spent[owner] += uint32(calls)
	if ev.spent[owner] <= maxCalls {
		return true
	}
	ev.ctx.Errors = append(ev.ctx.Errors, RowError{
		Row: i, Code: CodeBadArgument,
		Msg: fmt.Sprintf("more than %d elements for the lambdas of one row", maxCalls),
	})
	return false
}

// gather is vector.Gather that shares what lies together.
func gather(v *vector.Vector, sel []uint32) *vector.Vector {
	n := len(sel)
	if n > 0 && int(sel[n-1]-sel[0]) == n-1 && v.Type.Phys() != vector.PhysNested {
		return vector.SliceVector(v, int(sel[0]), int(sel[0])+n)
	}
	return vector.Gather(v, sel)
}

// listed starts the result of a lambda: nothing in the rows that are null in v or not selected. each is called for
// every other row with its elements [lo, hi) among those taken, and ends the row with Close.
func (e *elements) listed(out, v *vector.Vector, sel []uint32, each func(lo, hi int)) {
	vector.Reset(out)
	at := 0
	for i := range rows(v.Len, sel) {
		for out.Len < i {
			vector.AppendNull(out)
		}
		if isNull(v, i) {
			vector.AppendNull(out)
			continue
		}
		lo := at
		for at < len(e.rowOf) && int(e.rowOf[at]) == i {
			at++
		}
		each(lo, at)
	}
	for out.Len < v.Len {
		vector.AppendNull(out)
	}
}

// transformNode is TRANSFORM(a, x => e) and TRANSFORM(m, (k, v) => e, (k, v) => e).
type transformNode struct {
	x      node
	bodies []*body
	elems  elements
	out    *vector.Vector
}

func compileTransform(c *compiler, x *Call) (node, error) {
	n := &transformNode{out: vector.NewVector(x.T, 0)}
	var err error
	if n.x, n.bodies, err = c.collection(x.Args[0], x.Args[1:]); err != nil {
		return nil, err
	}
	return n, nil
}

// collection compiles a collection and the lambdas that work on it.
func (c *compiler) collection(x Expr, lambdas []Expr) (node, []*body, error) {
	n, err := c.compile(x)
	if err != nil {
		return nil, nil, err
	}
	bodies := make([]*body, len(lambdas))
	for i, l := range lambdas {
		lambda, ok := l.(*Lambda)
		if !ok {
			return nil, nil, bindError(&misfit{}, l.Span())
		}
		if bodies[i], err = c.body(lambda); err != nil {
			return nil, nil, err
		}
	}
	return n, bodies, nil
}

func (t *transformNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	v := t.x.eval(ev, sel)
	t.elems.take(ev, v, sel)
	results := make([]*vector.Vector, len(t.bodies))
	for k, b := range t.bodies {
		results[k] = b.run(ev, t.elems.flat, b.read(ev, sel), t.elems.rowOf)
	}
	isMap := t.out.Type.Kind == vector.Map
	t.elems.listed(t.out, v, sel, func(lo, hi int) {
		for k, r := range results {
			appendRows(t.out.Kids[k], r, lo, hi)
		}
		before := t.out.Kids[0].Len
		vector.Close(t.out)
		if isMap && t.out.Kids[0].Len != before {
			ev.ctx.Errors = append(ev.ctx.Errors, RowError{
				Row: uint32(t.out.Len - 1), Code: CodeBadArgument,
				Msg: "two entries of the MAP get the same key, or one gets NULL",
			})
		}
	})
	return t.out
}

// filterNode is FILTER(a, x => b) and FILTER(m, (k, v) => b).
type filterNode struct {
	x     node
	body  *body
	elems elements
	out   *vector.Vector
}

func compileFilter(c *compiler, x *Call) (node, error) {
	n, bodies, err := c.collection(x.Args[0], x.Args[1:])
	if err != nil {
		return nil, err
	}
	return &filterNode{x: n, body: bodies[0], out: vector.NewVector(x.T, 0)}, nil
}

func (t *filterNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	v := t.x.eval(ev, sel)
	t.elems.take(ev, v, sel)
	keep := t.body.run(ev, t.elems.flat, t.body.read(ev, sel), t.elems.rowOf)
	t.elems.listed(t.out, v, sel, func(lo, hi int) {
		for e := lo; e < hi; e++ {
			if isNull(keep, e) || !keep.Bool[e] {
				continue
			}
			for k, kid := range t.elems.flat {
				vector.AppendFrom(t.out.Kids[k], kid, e)
			}
		}
		vector.Close(t.out)
	})
	return t.out
}
