package expr

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

// branchNode is CASE: a branch is evaluated only for the rows that take it.
type branchNode struct {
	when, then []node // a then more than when: ELSE
	m          merge
	rest       [2][]uint32
	taken      []uint32
}

func (c *compiler) caseWhen(x *Case) (node, error) {
	when, err := c.all(x.When)
	if err != nil {
		return nil, err
	}
	then, err := c.all(x.Then)
	if err != nil {
		return nil, err
	}
	if x.Else != nil {
		n, err := c.compile(x.Else)
		if err != nil {
			return nil, err
		}
		then = append(then, n)
	}
	n := &branchNode{when: when, then: then}
	n.m.out.Type = x.T
	return fold(n, x.T, append(append([]node{}, when...), then...)...), nil
}

func (n *branchNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	n.m.start(ev.n)
	rest := sel
	for k, w := range n.when {
		if rest != nil && len(rest) == 0 {
			break
		}
		cond := w.eval(ev, rest)
		rest = n.split(cond, ev.n, rest, k)
		if len(n.taken) > 0 {
			n.m.take(n.then[k].eval(ev, n.taken), n.taken)
		}
	}
	if rest == nil || len(rest) > 0 {
		if len(n.then) > len(n.when) {
			n.m.take(n.then[len(n.when)].eval(ev, rest), rest)
		} else {
			n.m.nulls(rest)
		}
	}
	return n.m.finish()
}

// split puts the rows where cond is true into taken and returns the others.
func (n *branchNode) split(cond *vector.Vector, rowCount int, sel []uint32, k int) []uint32 {
	taken, rest := n.taken[:0], n.rest[k&1][:0]
	if rest == nil {
		rest = make([]uint32, 0, rowCount)
	}
	for i := range rows(rowCount, sel) {
		if !isNull(cond, i) && cond.Bool[i] {
			taken = append(taken, uint32(i))
		} else {
			rest = append(rest, uint32(i))
		}
	}
	n.taken, n.rest[k&1] = taken, rest
	return rest
}

// coalesceNode is COALESCE: an argument is evaluated only for the rows that are null so far.
type coalesceNode struct {
	args []node
	m    merge
	rest [2][]uint32
	has  []uint32
}

func compileCoalesce(c *compiler, x *Call) (node, error) {
	args, err := c.all(x.Args)
	if err != nil {
		return nil, err
	}
	n := &coalesceNode{args: args}
	n.m.out.Type = x.T
	return fold(n, x.T, args...), nil
}

func (n *coalesceNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	n.m.start(ev.n)
	rest := sel
	for k, a := range n.args {
		v := a.eval(ev, rest)
		if k == len(n.args)-1 {
			n.m.take(v, rest)
			break
		}
		has, next := n.has[:0], n.rest[k&1][:0]
		if next == nil || has == nil { // nil would mean all rows
			next, has = make([]uint32, 0, ev.n), make([]uint32, 0, ev.n)
		}
		for i := range rows(ev.n, rest) {
			if isNull(v, i) {
				next = append(next, uint32(i))
			} else {
				has = append(has, uint32(i))
			}
		}
		n.has, n.rest[k&1] = has, next
		n.m.take(v, has)
		if rest = next; len(rest) == 0 {
			break
		}
	}
	return n.m.finish()
}

// merge puts a vector together from rows of others. Strings become a dictionary of what was taken.
type merge struct {
	out   vector.Vector
	valid []uint64
	// Of a nested type: which vector each row comes from, -1: null.
	from  []*vector.Vector
	which []int32
}

func (m *merge) start(n int) {
	o := &m.out
	o.Len, o.Valid = n, nil
	switch o.Type.Phys() {
	case vector.PhysBool:
		o.Bool = resize(o.Bool, n)
	case vector.PhysI64:
		o.I64 = resize(o.I64, n)
	case vector.PhysF64:
		o.F64 = resize(o.F64, n)
	case vector.PhysI128:
		o.I128 = resize(o.I128, n)
	case vector.PhysStr:
		o.Codes = resize(o.Codes, n)
		clear(o.Codes)
		o.Offs, o.Data = append(o.Offs[:0], 0, 0), o.Data[:0] // code 0 is the empty string, for nulls
	case vector.PhysNested:
		m.from, m.which = m.from[:0], resize(m.which, n)
		for i := range m.which {
			m.which[i] = -1
		}
	case vector.PhysNone:
	}
}

// finish returns the result; one of a nested type is put together here, when every row is decided.
func (m *merge) finish() *vector.Vector {
	if m.out.Type.Phys() != vector.PhysNested {
		return &m.out
	}
	out := vector.NewVector(m.out.Type, m.out.Len)
	for _, k := range m.which {
		if i := out.Len; k < 0 {
			vector.AppendNull(out)
		} else {
			vector.AppendFrom(out, m.from[k], i)
		}
	}
	return out
}

func (m *merge) nulls(sel []uint32) {
	if m.out.Type.Phys() == vector.PhysNested {
		return // rows that nothing was taken for
	}
	m.needValid()
	if sel == nil {
		clear(m.out.Valid)
		return
	}
	for _, i := range sel {
		m.out.Valid[i>>6] &^= 1 << (i & 63)
	}
}

func (m *merge) needValid() {
	if m.out.Valid != nil {
		return
	}
	m.valid = resize(m.valid, vector.Words(m.out.Len))
	for i := range m.valid {
		m.valid[i] = ^uint64(0)
	}
	m.out.Valid = m.valid
}

// take copies the rows sel (nil: all) of v.
func (m *merge) take(v *vector.Vector, sel []uint32) {
	if v.Type.Kind == vector.Null {
		m.nulls(sel)
		return
	}
	o := &m.out
	switch o.Type.Phys() {
	case vector.PhysBool:
		pick(o.Bool, v.Bool, sel)
	case vector.PhysI64:
		pick(o.I64, v.I64, sel)
	case vector.PhysF64:
		pick(o.F64, v.F64, sel)
	case vector.PhysI128:
		pick(o.I128, v.I128, sel)
	case vector.PhysStr:
		m.takeText(v, sel)
	case vector.PhysNested:
		m.from = append(m.from, v)
		for i := range rows(o.Len, sel) {
			m.which[i] = int32(len(m.from) - 1)
		}
		return
	case vector.PhysNone:
	}
	if v.Valid == nil {
		return
	}
	m.needValid()
	for i := range rows(o.Len, sel) {
		if v.Null(i) {
			o.Valid[i>>6] &^= 1 << (uint(i) & 63)
		}
	}
}

func pick[T any](dst, src []T, sel []uint32) {
	if sel == nil {
		copy(dst, src[:len(dst)])
		return
	}
	for _, i := range sel {
		dst[i] = src[i]
	}
}

func (m *merge) takeText(v *vector.Vector, sel []uint32) {
	o := &m.out
	count := o.Len
	if sel != nil {
		count = len(sel)
	}
	if v.Codes != nil && len(v.Offs)-1 <= count {
		lo, hi := v.Offs[0], v.Offs[len(v.Offs)-1]
		shift, base := uint32(len(o.Offs)-1), uint32(len(o.Data))
		o.Data = append(o.Data, v.Data[lo:hi]...)
		for _, off := range v.Offs[1:] {
			o.Offs = append(o.Offs, off-lo+base)
		}
		for i := range rows(o.Len, sel) {
			o.Codes[i] = v.Codes[i] + shift
		}
		return
	}
	for i := range rows(o.Len, sel) {
		if v.Null(i) {
			continue
		}
		o.Data = append(o.Data, v.Bytes(i)...)
		o.Offs = append(o.Offs, uint32(len(o.Data)))
		o.Codes[i] = uint32(len(o.Offs) - 2)
	}
}
