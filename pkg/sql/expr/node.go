package expr

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

// columnNode reads a column or a pseudo column of the batch.
type columnNode struct {
	index int
	out   vector.Vector // of pseudo columns
}

func (c *columnNode) eval(ev *evaluator, _ []uint32) *vector.Vector {
	if c.index >= 0 {
		return ev.b.Cols[c.index]
	}
	c.out.Len = ev.n
	var same int64
	switch c.index {
	case ColRowtime:
		c.out.I64 = ev.b.Time[:ev.n]
		return &c.out
	case ColAppendTime:
		same = ev.b.AppendTime
	case ColPartition:
		same = int64(ev.b.Partition)
	case ColOffset:
		same = int64(ev.b.Seq)
	}
	c.out.I64 = resize(c.out.I64, ev.n)
	for i := range c.out.I64 {
		c.out.I64[i] = same
	}
	return &c.out
}

// callNode applies a kernel to the results of its arguments.
type callNode struct {
	kernel Kernel
	args   []node
	strict bool
	// firstStrict: null where the first argument is null, whatever the others are.
	firstStrict bool
	twoValued   bool   // nulls become FALSE
	cmp         *cmpOp // set for comparisons
	try         bool   // errors of the kernel are nulls
	f           Frame
	out         vector.Vector
	// lift is the one argument that is no constant when it is a string, else -1: where it has a dictionary smaller than
	// the rows, the kernel runs on the dictionary and its results are spread over the rows.
	lift   int
	lifted lifted
}

func newCall(k Kernel, args []node, t vector.Type) *callNode {
	n := &callNode{kernel: k, args: args, strict: true, lift: -1}
	n.out.Type = t
	n.f = Frame{Args: make([]*vector.Vector, len(args)), Const: make([]bool, len(args))}
	vary := 0
	for i, a := range args {
		_, n.f.Const[i] = a.(*constNode)
		if !n.f.Const[i] {
			n.lift = i
			vary++
		}
	}
	if vary != 1 || t.Phys() == vector.PhysNested {
		n.lift = -1
	}
	return n
}

func (c *callNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	for i, a := range c.args {
		c.f.Args[i] = a.eval(ev, sel)
	}
	mark := len(ev.ctx.Errors)
	c.f.Ctx, c.f.Batch, c.f.N, c.f.Sel, c.f.Out = ev.ctx, ev.b, ev.n, sel, &c.out
	if c.lift >= 0 && c.worthLifting(ev, sel) {
		return c.settle(c.evalLifted(ev, sel))
	}
	c.f.prepare(c.strict)
	if c.firstStrict {
		c.f.andValid(c.f.Args[0])
	}
	c.kernel(&c.f)
	if c.try {
		ev.ctx.Errors = ev.ctx.Errors[:mark]
	}
	return c.settle(&c.out)
}

// settle makes the nulls of a two-valued condition FALSE.
func (c *callNode) settle(v *vector.Vector) *vector.Vector {
	if !c.twoValued || v.Valid == nil {
		return v
	}
	out := v.Bool[:v.Len]
	for i := range out {
		out[i] = out[i] && v.Valid[i>>6]>>(uint(i)&63)&1 != 0
	}
	v.Valid = nil
	return v
}

// tryNode makes nulls of the rows of x that fail.
type tryNode struct {
	x   node
	out masked
}

func (t *tryNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	mark := len(ev.ctx.Errors)
	v := t.x.eval(ev, sel)
	v = t.out.mask(v, ev.ctx.Errors[mark:])
	ev.ctx.Errors = ev.ctx.Errors[:mark]
	return v
}

// masked is a vector in which rows that failed are null, also where the expression went on after the failure: in
// 1/0 = 1 AND FALSE, or COALESCE(1/0, 5).
type masked struct {
	out   vector.Vector
	valid []uint64
}

func (m *masked) mask(v *vector.Vector, errs []RowError) *vector.Vector {
	if len(errs) == 0 || v.Type.Kind == vector.Null {
		return v
	}
	if v.Type.Phys() == vector.PhysNested {
		dead := map[int]bool{}
		for _, e := range errs {
			dead[int(e.Row)] = true
		}
		return rebuilt(v, func(i int) bool { return dead[i] })
	}
	m.out = *v
	m.valid = resize(m.valid, vector.Words(v.Len))
	if v.Valid != nil {
		copy(m.valid, v.Valid)
	} else {
		fill(m.valid, ^uint64(0))
	}
	for _, e := range errs {
		m.valid[e.Row>>6] &^= 1 << (e.Row & 63)
	}
	m.out.Valid = m.valid
	return &m.out
}
