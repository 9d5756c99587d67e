package expr

import (
	"fmt"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// arithOp is an arithmetic operator.
type arithOp uint8

const (
	opAdd arithOp = iota
	opSub
	opMul
	opDiv
	opMod
)

func (op arithOp) String() string { return string("+-*/%"[op]) }

const noRoom = "the result of %s is outside of %s"

// resolveArith types a binary operator on numbers; ok is false when the operands are no numbers.
func resolveArith(op arithOp, a, b Operand) (*Match, bool) {
	if !a.T.Numeric() || !b.T.Numeric() {
		return nil, false
	}
	switch {
	case a.T.Kind == vector.Double || b.T.Kind == vector.Double:
		return &Match{
			Out: vector.TDouble, Args: []vector.Type{vector.TDouble, vector.TDouble},
			Kernel: func(f *Frame) { arithF64(op, f) },
		}, true
	case a.T.Kind != vector.Decimal && b.T.Kind != vector.Decimal:
		t := vector.Type{Kind: max(a.T.Kind, b.T.Kind)}
		return &Match{Out: t, Args: []vector.Type{t, t}, Kernel: func(f *Frame) { arithI64(op, f) }}, true
	default:
		x, y := decimalOf(a.T), decimalOf(b.T)
		// INT and BIGINT are not converted: the kernels read them as decimals of scale 0.
		return &Match{
			Out: decimalResult(op, x, y), Args: []vector.Type{a.T, b.T},
			Kernel: func(f *Frame) { arithDec(op, f) },
		}, true
	}
}

// decimalResult is the rule of the dialect for precision and scale, with its cap at 38 digits.
func decimalResult(op arithOp, a, b vector.Type) vector.Type {
	p1, s1, p2, s2 := int(a.Precision), int(a.Scale), int(b.Precision), int(b.Scale)
	var p, s int
	switch op {
	case opAdd, opSub:
		s = max(s1, s2)
		p = s + max(p1-s1, p2-s2) + 1
	case opMul:
		p, s = p1+p2+1, s1+s2
	case opDiv:
		s = max(6, s1+p2+1)
		p = p1 - s1 + s2 + s
		if p > vector.MaxDigits {
			s = max(vector.MaxDigits-(p-s), min(s, 16))
		}
	case opMod:
		s = max(s1, s2)
		p = min(p1-s1, p2-s2) + s
	}
	p = min(max(p, 1), vector.MaxDigits)
	return vector.TDecimal(uint8(p), uint8(min(s, p)))
}

func arithF64(op arithOp, f *Frame) {
	n := f.N
	a, b, out := f.Args[0].F64[:n], f.Args[1].F64[:n], f.Out.F64[:n]
	switch op {
	case opAdd:
		for i := range out {
			out[i] = a[i] + b[i]
		}
	case opSub:
		for i := range out {
			out[i] = a[i] - b[i]
		}
	case opMul:
		for i := range out {
			out[i] = a[i] * b[i]
		}
	case opDiv:
		for i := range out {
			out[i] = a[i] / b[i]
		}
	case opMod:
		for i := range out {
			out[i] = math.Mod(a[i], b[i])
		}
	}
}

// arithI64 computes every row, wrapped, and looks for the rows that overflowed only when there is one: a test per row
// costs more than the sum itself.
func arithI64(op arithOp, f *Frame) {
	n := f.N
	a, b, out := f.Args[0].I64[:n], f.Args[1].I64[:n], f.Out.I64[:n]
	var bad int64 // negative when a row overflowed
	switch op {
	case opAdd:
		for i := range out {
			x, y := a[i], b[i]
			r := x + y
			out[i] = r
			bad |= (x ^ r) & (y ^ r)
		}
	case opSub:
		for i := range out {
			x, y := a[i], b[i]
			r := x - y
			out[i] = r
			bad |= (x ^ y) & (x ^ r)
		}
	case opMul:
		bad = mulI64(out, a, b)
	case opDiv, opMod:
		divI64(op, f)
		return
	}
	if f.Out.Type.Kind == vector.Int {
		for _, r := range out {
			bad |= -int64(uint64(r+1<<31) >> 32)
		}
	}
	if bad < 0 {
		reportI64(op, f)
	}
}

func mulI64(out, a, b []int64) (bad int64) {
	for i := range out {
		x, y := a[i], b[i]
		r := x * y
		out[i] = r
		// Factors below 2^31 cannot overflow; others are looked at one by one.
		if uint64(x+1<<31)|uint64(y+1<<31) >= 1<<32 && overflows(x, y) {
			bad = -1
		}
	}
	return bad
}

func overflows(x, y int64) bool {
	p := vector.MulInt64(x, y)
	_, ok := p.Int64()
	return !ok
}

// reportI64 finds the rows that overflowed.
func reportI64(op arithOp, f *Frame) {
	a, b, out, t := f.Args[0].I64, f.Args[1].I64, f.Out.I64, f.Out.Type
	for i := range f.live {
		x, y, r := a[i], b[i], out[i]
		var over bool
		switch op {
		case opAdd:
			over = (x^r)&(y^r) < 0
		case opSub:
			over = (x^y)&(x^r) < 0
		default:
			over = overflows(x, y)
		}
		if over || t.Kind == vector.Int && r != int64(int32(r)) {
			f.fail(i, CodeOverflow, fmt.Sprintf(noRoom, fmt.Sprintf("%d %s %d", x, op, y), t))
		}
	}
}

func divI64(op arithOp, f *Frame) {
	a, b, out := f.Args[0].I64, f.Args[1].I64, f.Out.I64
	for i := range f.live {
		x, y := a[i], b[i]
		switch {
		case y == 0:
			f.fail(i, CodeDivideByZero, fmt.Sprintf("%d %s 0: division by zero", x, op))
		case op == opMod && y == -1:
			out[i] = 0
		case op == opMod:
			out[i] = x % y
		case y == -1 && (x == math.MinInt64 || f.Out.Type.Kind == vector.Int && x == math.MinInt32):
			f.fail(i, CodeOverflow, fmt.Sprintf(noRoom, fmt.Sprintf("%d / -1", x), f.Out.Type))
		default:
			out[i] = x / y
		}
	}
}
