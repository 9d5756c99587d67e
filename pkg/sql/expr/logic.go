package expr

import (
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// logicNode is AND (stop is false) and OR (stop is true) of any number of arguments, from left to right: an argument is
// evaluated for the rows that are not decided yet, so that the ones after `x <> 0` may divide by x.
type logicNode struct {
	stop  bool
	args  []node
	out   vector.Vector
	valid []uint64
	open  [2][]uint32 // rows not decided yet
}

func compileLogic(stop bool) func(c *compiler, x *Call) (node, error) {
	return func(c *compiler, x *Call) (node, error) {
		for _, a := range x.Args {
			if k := a.Type().Kind; k != vector.Boolean && k != vector.Null {
				return nil, sqlerr.New(sqlerr.TypeMismatch, a.Span(), "%s wants BOOLEAN, this is %s", x.Func.Name,
					a.Type())
			}
		}
		args, err := c.all(x.Args)
		if err != nil {
			return nil, err
		}
		n := &logicNode{stop: stop, out: vector.Vector{Type: vector.TBoolean}}
		for _, a := range args {
			if same, ok := a.(*logicNode); ok && same.stop == stop {
				n.args = append(n.args, same.args...)
				continue
			}
			n.args = append(n.args, a)
		}
		return fold(n, vector.TBoolean, n.args...), nil
	}
}

func logicMatch(args []Operand) (*Match, error) {
	m := &Match{Out: vector.TBoolean}
	for _, a := range args {
		if a.T.Kind != vector.Boolean && a.T.Kind != vector.Null {
			return nil, &misfit{}
		}
		m.Args = append(m.Args, vector.TBoolean)
	}
	if len(args) < 2 {
		return nil, &misfit{}
	}
	return m, nil
}

func (l *logicNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	n := ev.n
	l.out.Len, l.out.Valid = n, nil
	l.out.Bool = resize(l.out.Bool, n)
	for i := range rows(n, sel) {
		l.out.Bool[i] = !l.stop
	}
	open := sel
	for k, a := range l.args {
		if open != nil && len(open) == 0 {
			break
		}
		v := a.eval(ev, open)
		open = l.decide(v, n, open, k)
	}
	return &l.out
}

// decide takes one argument into the result and returns the rows that are still open.
func (l *logicNode) decide(v *vector.Vector, n int, open []uint32, k int) []uint32 {
	next := resize(l.open[k&1], n)
	at := 0
	if v.Valid == nil && v.Type.Kind == vector.Boolean && l.out.Valid == nil {
		for i := range rows(n, open) {
			b := v.Bool[i] == l.stop
			l.out.Bool[i] = b == l.stop
			next[at] = uint32(i)
			at += int(b2u(!b))
		}
		l.open[k&1] = next
		return next[:at]
	}
	l.needValid(n)
	for i := range rows(n, open) {
		word, bit := i>>6, uint64(1)<<(uint(i)&63)
		switch {
		case isNull(v, i):
			l.out.Valid[word] &^= bit
		case v.Bool[i] == l.stop:
			l.out.Bool[i] = l.stop
			l.out.Valid[word] |= bit
			continue
		}
		next[at] = uint32(i)
		at++
	}
	l.open[k&1] = next
	return next[:at]
}

func (l *logicNode) needValid(n int) {
	if l.out.Valid != nil {
		return
	}
	l.valid = resize(l.valid, vector.Words(n))
	for i := range l.valid {
		l.valid[i] = ^uint64(0)
	}
	l.out.Valid = l.valid
}

func notKernel(f *Frame) {
	out := f.Out.Bool[:f.N]
	for i, b := range f.Args[0].Bool[:f.N] {
		out[i] = !b
	}
}

// betweenNode compiles x BETWEEN lo AND hi as x >= lo AND x <= hi.
func compileBetween(c *compiler, x *Call) (node, error) {
	t := x.Args[0].Type()
	l := &logicNode{out: vector.Vector{Type: vector.TBoolean}}
	for k, op := range []cmpOp{opGe, opLe} {
		args, err := c.all([]Expr{x.Args[0], x.Args[k+1]})
		if err != nil {
			return nil, err
		}
		n := newCall(compareKernel(op, t.Phys()), args, vector.TBoolean)
		n.cmp, n.twoValued = &op, x.Func.twoValued
		l.args = append(l.args, n)
	}
	return fold(l, vector.TBoolean, append(l.args[0].(*callNode).args, l.args[1].(*callNode).args...)...), nil
}

func betweenMatch(args []Operand) (*Match, error) {
	if len(args) != 3 {
		return nil, &misfit{}
	}
	for _, a := range args[1:] {
		if err := textWithNumber(args[0], a); err != nil {
			return nil, err
		}
	}
	t, err := commonType(args)
	if err != nil {
		return nil, err
	}
	if t.Phys() == vector.PhysNested {
		return nil, &misfit{}
	}
	if t.Kind == vector.Null {
		t = vector.TBoolean
	}
	return &Match{Out: vector.TBoolean, Args: []vector.Type{t, t, t}}, nil
}
