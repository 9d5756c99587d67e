package expr

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

// cmpPredicate compares a value with a constant.
type cmpPredicate struct {
	op cmpOp
	x  node
	p  vector.Phys
	i  int64
	f  float64
	w  vector.Int128
}

// comparePredicate returns the predicate of a comparison of numbers or times with a constant, or nil.
func comparePredicate(c *callNode) predicate {
	if c.cmp == nil || c.f.Const[0] == c.f.Const[1] {
		return nil
	}
	p := &cmpPredicate{op: *c.cmp, x: c.args[0]}
	k := 1
	if c.f.Const[0] {
		p.op, p.x, k = p.op.flip(), c.args[1], 0
	}
	konst, _ := c.args[k].(*constNode)
	if konst.null() {
		return &never{x: p.x}
	}
	p.p = konst.one.Type.Phys()
	switch p.p {
	case vector.PhysI64:
		p.i = konst.one.I64[0]
	case vector.PhysF64:
		p.f = konst.one.F64[0]
	case vector.PhysI128:
		p.w = konst.one.I128[0]
	default:
		return nil
	}
	return p
}

// never evaluates x for its errors; a comparison with NULL is not TRUE for any row.
type never struct{ x node }

func (p *never) filter(ev *evaluator, sel, dst []uint32) []uint32 {
	p.x.eval(ev, sel)
	return dst
}

func (p *cmpPredicate) filter(ev *evaluator, sel, dst []uint32) []uint32 {
	if sel != nil && len(sel) == 0 || ev.n == 0 {
		return dst
	}
	v := p.x.eval(ev, sel)
	at := len(dst)
	dst = room(dst, ev.n, sel)
	var k int
	switch p.p {
	case vector.PhysI64:
		k = selectFlat(p.op, v.I64[:ev.n], p.i, sel, dst[at:])
	case vector.PhysF64:
		k = selectFlat(p.op, v.F64[:ev.n], p.f, sel, dst[at:])
	default:
		k = selectWide(p.op, v.I128[:ev.n], p.w, sel, dst[at:])
	}
	return dropNulls(dst[:at+k], at, v)
}

// selectFlat writes the rows that hold and returns their number; there is no branch on the outcome, because a branch
// that is taken every other time costs more than the comparison.
func selectFlat[T int64 | float64](op cmpOp, a []T, c T, sel, out []uint32) int {
	if sel != nil {
		return selectSome(op, a, c, sel, out)
	}
	k := 0
	switch op {
	case opEq:
		for i, x := range a {
			out[k] = uint32(i)
			k += int(b2u(x == c))
		}
	case opNe:
		for i, x := range a {
			out[k] = uint32(i)
			k += int(b2u(x != c))
		}
	case opLt:
		for i, x := range a {
			out[k] = uint32(i)
			k += int(b2u(x < c))
		}
	case opLe:
		for i, x := range a {
			out[k] = uint32(i)
			k += int(b2u(x <= c))
		}
	case opGt:
		for i, x := range a {
			out[k] = uint32(i)
			k += int(b2u(x > c))
		}
	case opGe:
		for i, x := range a {
			out[k] = uint32(i)
			k += int(b2u(x >= c))
		}
	}
	return k
}

func selectSome[T int64 | float64](op cmpOp, a []T, c T, sel, out []uint32) int {
	k := 0
	switch op {
	case opEq:
		for _, i := range sel {
			out[k] = i
			k += int(b2u(a[i] == c))
		}
	case opNe:
		for _, i := range sel {
			out[k] = i
			k += int(b2u(a[i] != c))
		}
	case opLt:
		for _, i := range sel {
			out[k] = i
			k += int(b2u(a[i] < c))
		}
	case opLe:
		for _, i := range sel {
			out[k] = i
			k += int(b2u(a[i] <= c))
		}
	case opGt:
		for _, i := range sel {
			out[k] = i
			k += int(b2u(a[i] > c))
		}
	case opGe:
		for _, i := range sel {
			out[k] = i
			k += int(b2u(a[i] >= c))
		}
	}
	return k
}

func selectWide(op cmpOp, a []vector.Int128, c vector.Int128, sel, out []uint32) int {
	k := 0
	for i := range rows(len(a), sel) {
		out[k] = uint32(i)
		k += int(b2u(op.holds(a[i].Cmp(c))))
	}
	return k
}
