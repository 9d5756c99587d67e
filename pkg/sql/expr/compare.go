package expr

import (
	"bytes"
	"fmt"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// cmpOp is a comparison.
type cmpOp uint8

const (
	opEq cmpOp = iota
	opNe
	opLt
	opLe
	opGt
	opGe
)

// flip is the operator with its sides exchanged.
func (op cmpOp) flip() cmpOp { return [...]cmpOp{opEq, opNe, opGt, opGe, opLt, opLe}[op] }

// resolveCompare brings two operands to one type; another number of them is a misfit.
func resolveCompare(op string, args []Operand) (vector.Type, error) {
	if len(args) != 2 {
		return vector.TNull, &misfit{}
	}
	a, b := args[0], args[1]
	if err := textWithNumber(a, b); err != nil {
		return a.T, err
	}
	if t, ok := dated(a, b); ok {
		return t, nil
	}
	t, err := commonType([]Operand{a, b})
	if err != nil {
		if t, ok := millis(a.T, b.T); ok {
			return t, nil
		}
		return t, fmt.Errorf("%s does not compare %s with %s", op, a.T, b.T)
	}
	if t.Kind == vector.Null {
		return vector.TBoolean, nil
	}
	return t, nil
}

// dated reads a STRING that stands beside a date or time, or ROWTIME, as one; a text that is none fails.
func dated(a, b Operand) (vector.Type, bool) {
	if a.T.Kind == vector.String {
		a, b = b, a
	}
	if a.instant {
		a.T = vector.TTimestamp
	}
	k := a.T.Kind
	return a.T, b.T.Kind == vector.String && b.Lit == nil &&
		(k == vector.Date || k == vector.Time || k == vector.Timestamp)
}

// millis lets BIGINT milliseconds meet timestamps and intervals.
func millis(a, b vector.Type) (vector.Type, bool) {
	if a.Kind == vector.BigInt || a.Kind == vector.Int {
		a, b = b, a
	}
	ms := (a.Kind == vector.Timestamp || a.Kind == vector.Interval) && (b.Kind == vector.BigInt || b.Kind == vector.Int)
	return vector.TBigInt, ms
}

// textWithNumber refuses to compare a STRING with a number, literal or not, except a date in text with milliseconds.
func textWithNumber(a, b Operand) error {
	if b.T.Kind == vector.String {
		a, b = b, a
	}
	if a.T.Kind != vector.String || !b.T.Numeric() || b.instant || b.T.Kind == vector.BigInt && a.isDate() {
		return nil
	}
	if a.Lit != nil && a.Lit.V != nil {
		return fmt.Errorf("%s is a STRING and does not compare with %s; CAST it, or leave the quotes out", a.Lit, b.T)
	}
	return fmt.Errorf("a STRING does not compare with %s; CAST one of them, or quote the number", b.T)
}

// isDate says that the operand is the text of a date or time, and no number.
func (o Operand) isDate() bool {
	if o.Lit == nil {
		return false
	}
	text, _ := o.Lit.V.(string)
	_, err := vector.ParseTimestamp([]byte(text))
	_, number := vector.ParseDouble([]byte(text))
	return err == nil && number != nil
}

// ksqlTextWithNumber lets dates in text meet ROWTIME and the bounds of windows only.
func ksqlTextWithNumber(args []Operand) error {
	for _, a := range args {
		for _, b := range args {
			if a.T.Kind == vector.String && b.T.Numeric() && !b.instant {
				return fmt.Errorf("%s does not compare with %s", a.T, b.T)
			}
		}
	}
	return nil
}

func compareMatch(name string, op cmpOp) func([]Operand) (*Match, error) {
	return func(args []Operand) (*Match, error) {
		t, err := resolveCompare(name, args)
		if err != nil {
			return nil, err
		}
		if op != opEq && op != opNe && t.Phys() == vector.PhysNested {
			return nil, fmt.Errorf("%s does not compare %s: collections have no order", name, t.Kind)
		}
		return &Match{
			Out: vector.TBoolean, Args: []vector.Type{t, t}, Kernel: compareKernel(op, t.Phys()),
			cmp: &op,
		}, nil
	}
}

func compareKernel(op cmpOp, p vector.Phys) Kernel {
	switch p {
	case vector.PhysBool:
		return func(f *Frame) { compareBool(op, f) }
	case vector.PhysF64:
		return func(f *Frame) { compareFlat(op, f.Out.Bool[:f.N], f.Args[0].F64[:f.N], f.Args[1].F64[:f.N]) }
	case vector.PhysI128:
		return func(f *Frame) { compareWide(op, f) }
	case vector.PhysStr:
		return func(f *Frame) { compareText(op, f) }
	case vector.PhysNested:
		return func(f *Frame) {
			for i := range f.live {
				f.Out.Bool[i] = vector.Equal(f.Args[0], i, f.Args[1], i) == (op == opEq)
			}
		}
	default:
		return func(f *Frame) { compareFlat(op, f.Out.Bool[:f.N], f.Args[0].I64[:f.N], f.Args[1].I64[:f.N]) }
	}
}

func compareFlat[T int64 | float64](op cmpOp, out []bool, a, b []T) {
	a, b = a[:len(out)], b[:len(out)]
	switch op {
	case opEq:
		for i := range out {
			out[i] = a[i] == b[i]
		}
	case opNe:
		for i := range out {
			out[i] = a[i] != b[i]
		}
	case opLt:
		for i := range out {
			out[i] = a[i] < b[i]
		}
	case opLe:
		for i := range out {
			out[i] = a[i] <= b[i]
		}
	case opGt:
		for i := range out {
			out[i] = a[i] > b[i]
		}
	case opGe:
		for i := range out {
			out[i] = a[i] >= b[i]
		}
	}
}

// holds reports whether the operator accepts c, which is -1, 0 or 1.
func (op cmpOp) holds(c int) bool {
	switch op {
	case opEq:
		return c == 0
	case opNe:
		return c != 0
	case opLt:
		return c < 0
	case opLe:
		return c <= 0
	case opGt:
		return c > 0
	default:
		return c >= 0
	}
}

func compareBool(op cmpOp, f *Frame) {
	a, b, out := f.Args[0].Bool, f.Args[1].Bool, f.Out.Bool
	for i := range f.N {
		out[i] = op.holds(int(b2u(a[i])) - int(b2u(b[i])))
	}
}

func compareWide(op cmpOp, f *Frame) {
	a, b, out := f.Args[0].I128, f.Args[1].I128, f.Out.Bool
	for i := range f.N {
		out[i] = op.holds(a[i].Cmp(b[i]))
	}
}

func compareText(op cmpOp, f *Frame) {
	a, b, out := f.Args[0], f.Args[1], f.Out.Bool
	switch op {
	case opEq, opNe:
		for i := range f.live {
			out[i] = bytes.Equal(a.Bytes(i), b.Bytes(i)) == (op == opEq)
		}
	default:
		for i := range f.live {
			out[i] = op.holds(bytes.Compare(a.Bytes(i), b.Bytes(i)))
		}
	}
}

// sameAt reports whether row i of two vectors of one type holds the same value; neither is null. NaN is itself here.
func sameAt(a, b *vector.Vector, i int) bool {
	switch a.Type.Phys() {
	case vector.PhysBool:
		return a.Bool[i] == b.Bool[i]
	case vector.PhysF64:
		return a.F64[i] == b.F64[i] || math.IsNaN(a.F64[i]) && math.IsNaN(b.F64[i])
	case vector.PhysI128:
		return a.I128[i] == b.I128[i]
	case vector.PhysStr:
		return bytes.Equal(a.Bytes(i), b.Bytes(i))
	case vector.PhysNested:
		return vector.Equal(a, i, b, i)
	default:
		return a.I64[i] == b.I64[i]
	}
}

// distinctMatch is IS [NOT] DISTINCT FROM: two nulls are the same, a null and a value are not.
func distinctMatch(name string, want bool) func([]Operand) (*Match, error) {
	kernel := func(f *Frame) {
		a, b, out := f.Args[0], f.Args[1], f.Out.Bool
		for i := range rows(f.N, f.Sel) {
			na, nb := isNull(a, i), isNull(b, i)
			same := na && nb || !na && !nb && sameAt(a, b, i)
			out[i] = same != want
		}
	}
	return func(args []Operand) (*Match, error) {
		t, err := resolveCompare(name, args)
		if err != nil {
			return nil, err
		}
		return &Match{Out: vector.TBoolean, Args: []vector.Type{t, t}, Kernel: kernel}, nil
	}
}

func isNull(v *vector.Vector, i int) bool { return v.Type.Kind == vector.Null || v.Null(i) }

// isNullKernel is IS NULL.
func isNullKernel(f *Frame) {
	a, out := f.Args[0], f.Out.Bool[:f.N]
	switch {
	case a.Type.Kind == vector.Null:
		for i := range out {
			out[i] = true
		}
	case a.Valid == nil:
		clear(out)
	default:
		for i := range out {
			out[i] = a.Valid[i>>6]>>(uint(i)&63)&1 == 0
		}
	}
}
