package expr

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

// reduceNode is REDUCE(a, s0, (s, x) => e) and REDUCE(m, s0, (s, k, v) => e). Step k takes the k-th element of all rows
// that have one.
type reduceNode struct {
	x, init node
	body    *body
	elems   elements
	start   []uint32 // row -> its first element among those taken
	open    []uint32 // rows with elements to come
	state   [2]*vector.Vector
	done    *vector.Vector // states that are final
	place   []int32        // row -> its place in done, -1: null
	out     *vector.Vector
}

func compileReduce(c *compiler, x *Call) (node, error) {
	n, bodies, err := c.collection(x.Args[0], x.Args[2:])
	if err != nil {
		return nil, err
	}
	init, err := c.compile(x.Args[1])
	if err != nil {
		return nil, err
	}
	r := &reduceNode{x: n, init: init, body: bodies[0]}
	for _, v := range []**vector.Vector{&r.state[0], &r.state[1], &r.done, &r.out} {
		*v = vector.NewVector(x.T, 0)
	}
	return r, nil
}

func (r *reduceNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	v, init := r.x.eval(ev, sel), r.init.eval(ev, sel)
	outer := r.body.read(ev, sel)
	r.elems.take(ev, v, sel)
	r.begin(ev, init, sel)
	for step := 0; len(r.open) > 0; step++ {
		r.step(ev, outer, step)
	}
	vector.Reset(r.out)
	for i := range ev.n {
		if k := r.place[i]; k >= 0 {
			vector.AppendFrom(r.out, r.done, int(k))
		} else {
			vector.AppendNull(r.out)
		}
	}
	return r.out
}

// begin gives each row its first state; rows without elements end with it, rows that begin with NULL are NULL.
func (r *reduceNode) begin(ev *evaluator, init *vector.Vector, sel []uint32) {
	r.place, r.start = resize(r.place, ev.n), resize(r.start, ev.n)
	for i := range r.place {
		r.place[i] = -1
	}
	vector.Reset(r.state[0])
	vector.Reset(r.done)
	r.open = r.open[:0]
	at := 0
	for i := range rows(ev.n, sel) {
		r.start[i] = uint32(at)
		for at < len(r.elems.rowOf) && int(r.elems.rowOf[at]) == i {
			at++
		}
		switch {
		case isNull(init, i):
		case int(r.start[i]) == at:
			r.finish(uint32(i), init, i)
		default:
			r.open = append(r.open, uint32(i))
			vector.AppendFrom(r.state[0], init, i)
		}
	}
}

func (r *reduceNode) finish(row uint32, v *vector.Vector, k int) {
	r.place[row] = int32(r.done.Len)
	vector.AppendFrom(r.done, v, k)
}

// step runs the body once for each open row.
func (r *reduceNode) step(ev *evaluator, outer []*vector.Vector, step int) {
	at := make([]uint32, len(r.open))
	for k, i := range r.open {
		at[k] = r.start[i] + uint32(step)
	}
	params := []*vector.Vector{r.state[step&1]}
	for _, kid := range r.elems.flat {
		params = append(params, vector.Gather(kid, at))
	}
	mark := len(ev.ctx.Errors)
	out := r.body.run(ev, params, outer, r.open)
	failed := ev.ctx.Errors[mark:]
	next := r.state[(step+1)&1]
	vector.Reset(next)
	open := r.open[:0]
	for k, i := range r.open {
		if len(failed) > 0 && failed[0].Row == i {
			failed = failed[1:]
			continue
		}
		if last := int(at[k]) + 1; last == len(r.elems.rowOf) || r.elems.rowOf[last] != i {
			r.finish(i, out, k)
			continue
		}
		open = append(open, i)
		vector.AppendFrom(next, out, k)
	}
	r.open = open
}
