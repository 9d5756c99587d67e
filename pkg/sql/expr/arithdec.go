package expr

import (
	"fmt"
	"math/big"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// arithDec computes on DECIMAL, INT and BIGINT. The type of the result is wide enough for every value unless it was cut
// to 38 digits, so that only results of 38 digits are checked.
func arithDec(op arithOp, f *Frame) {
	x, y, t := f.Args[0], f.Args[1], f.Out.Type
	words := x.Type.Phys() == vector.PhysI64 && y.Type.Phys() == vector.PhysI64
	switch {
	case op == opDiv || op == opMod:
		divDec(op, f)
	case t.Phys() == vector.PhysI64:
		narrowDec(op, f)
	case op == opMul && words && t.Scale == x.Type.Scale+y.Type.Scale: // two words make at most 38 digits
		n := f.N
		a, b, out := x.I64[:n], y.I64[:n], f.Out.I128[:n]
		for i := range out {
			out[i] = vector.MulInt64(a[i], b[i])
		}
	case op != opMul && t.Precision < vector.MaxDigits:
		wideAddSub(op, f)
	default:
		checkedDec(op, f)
	}
}

// narrowDec has results of at most 18 digits, and so has operands of fewer.
func narrowDec(op arithOp, f *Frame) {
	n := f.N
	a, b, out := f.Args[0].I64[:n], f.Args[1].I64[:n], f.Out.I64[:n]
	s := f.Out.Type.Scale
	if op == opMul {
		for i := range out {
			out[i] = a[i] * b[i]
		}
		return
	}
	ka := vector.Pow10I64(int(s - f.Args[0].Type.Scale))
	kb := vector.Pow10I64(int(s - f.Args[1].Type.Scale))
	if op == opSub {
		kb = -kb
	}
	if ka == 1 && kb == 1 {
		for i := range out {
			out[i] = a[i] + b[i]
		}
		return
	}
	for i := range out {
		out[i] = a[i]*ka + b[i]*kb
	}
}

// wideScratch holds operands that wideAddSub has brought to one scale.
type wideScratch [2][]vector.Int128

// wideAddSub has results below 38 digits, in 128 bits, of operands of either width.
func wideAddSub(op arithOp, f *Frame) {
	s, ok := f.State.(*wideScratch)
	if !ok {
		s = &wideScratch{}
		f.State = s
	}
	out := f.Out.I128[:f.N]
	a := s.widen(f, 0)[:len(out)]
	b := s.widen(f, 1)[:len(out)]
	if op == opAdd {
		for i := range out {
			out[i] = a[i].Add(b[i])
		}
		return
	}
	for i := range out {
		out[i] = a[i].Sub(b[i])
	}
}

// widen returns argument k at the scale of the result, which holds all its values.
func (s *wideScratch) widen(f *Frame, k int) []vector.Int128 {
	v := f.Args[k]
	up := int(f.Out.Type.Scale - v.Type.Scale)
	wide := v.Type.Phys() == vector.PhysI128
	if wide && up == 0 {
		return v.I128
	}
	out := resize(s[k], f.N)
	s[k] = out
	switch {
	case !wide && up <= 18:
		unit := vector.Pow10I64(up)
		for i, x := range v.I64[:f.N] {
			out[i] = vector.MulInt64(x, unit)
		}
	default:
		for i := range f.live {
			out[i], _ = exact(v, i).MulChecked(vector.Pow10(up))
		}
	}
	return out
}

// checkedDec has results of 38 digits, which may overflow.
func checkedDec(op arithOp, f *Frame) {
	a, b, t := f.Args[0], f.Args[1], f.Out.Type
	sa, sb, s := int(a.Type.Scale), int(b.Type.Scale), int(t.Scale)
	for i := range f.live {
		x, y := exact(a, i), exact(b, i)
		var r vector.Int128
		var ok bool
		if op == opMul {
			r, ok = mulCapped(x, y, sa+sb-s)
		} else {
			r, ok = addScaled(op, x, y, s-sa, s-sb)
		}
		if !ok {
			f.overflow(op, i)
			continue
		}
		f.Out.I128[i] = r
	}
}

// addScaled returns x * 10^upx +- y * 10^upy; ok is false when it has more than 38 digits. A term may have more when
// the result has not.
func addScaled(op arithOp, x, y vector.Int128, upx, upy int) (vector.Int128, bool) {
	if op == opSub {
		y = y.Neg()
	}
	l, okx := x.MulChecked(vector.Pow10(upx))
	r, oky := y.MulChecked(vector.Pow10(upy))
	if okx && oky {
		return l.AddChecked(r)
	}
	sum := scaleBig(x, upx)
	return vector.FromBig(sum.Add(sum, scaleBig(y, upy)))
}

func scaleBig(x vector.Int128, up int) *big.Int {
	b := x.Big()
	return b.Mul(b, vector.Pow10(up).Big())
}

// mulCapped multiplies and cuts digits of the scale, which is above 38 only where both scales are large.
func mulCapped(x, y vector.Int128, cut int) (vector.Int128, bool) {
	if cut == 0 {
		return x.MulChecked(y)
	}
	return x.MulRescaled(y, cut)
}

func (f *Frame) overflow(op arithOp, i int) {
	what := fmt.Sprintf("%s %s %s", vector.AppendText(nil, f.Args[0], i), op, vector.AppendText(nil, f.Args[1], i))
	f.fail(i, CodeOverflow, fmt.Sprintf(noRoom, what, f.Out.Type))
}

func divDec(op arithOp, f *Frame) {
	a, b, t := f.Args[0], f.Args[1], f.Out.Type
	sa, sb, s := int(a.Type.Scale), int(b.Type.Scale), int(t.Scale)
	for i := range f.live {
		x, y := exact(a, i), exact(b, i)
		if y.Sign() == 0 {
			msg := fmt.Sprintf("%s %s 0: division by zero", vector.AppendText(nil, a, i), op)
			f.fail(i, CodeDivideByZero, msg)
			continue
		}
		var r vector.Int128
		var ok bool
		if op == opDiv {
			r, ok = x.DivScaled(y, s-sa+sb)
		} else {
			r, ok = remainder(x, y, s-sa, s-sb)
		}
		if !ok || !r.Fits(int(t.Precision)) {
			f.overflow(op, i)
			continue
		}
		setDec(f.Out, i, r)
	}
}

// remainder brings both to one scale and takes the remainder, which has the sign of x.
func remainder(x, y vector.Int128, upx, upy int) (vector.Int128, bool) {
	l, okx := x.MulChecked(vector.Pow10(upx))
	r, oky := y.MulChecked(vector.Pow10(upy))
	if okx && oky {
		_, rest := l.QuoRem(r)
		return rest, true
	}
	rest := scaleBig(x, upx)
	return vector.FromBig(rest.Rem(rest, scaleBig(y, upy)))
}
