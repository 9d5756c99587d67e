package expr

import (
	"fmt"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// moveMatch types + and - where an INTERVAL moves a point in time, or two points have a distance. BIGINT is a point in
// milliseconds here. It returns nil when the operands are neither.
func moveMatch(a, b vector.Type, minus bool) *Match {
	if !minus && a.Kind == vector.Interval && b.Kind != vector.Interval {
		a, b = b, a
		if m := moveMatch(a, b, false); m != nil {
			k := m.Kernel
			m.Args[0], m.Args[1] = m.Args[1], m.Args[0]
			m.Kernel = func(f *Frame) {
				f.Args[0], f.Args[1] = f.Args[1], f.Args[0]
				k(f)
			}
			return m
		}
		return nil
	}
	point := func(k vector.Kind) bool { return k == vector.Timestamp || k == vector.Date || k == vector.Time }
	switch {
	case b.Kind == vector.Interval && (point(a.Kind) || a.Kind == vector.BigInt || a.Kind == vector.Interval):
		return &Match{Out: a, Args: []vector.Type{a, b}, Kernel: func(f *Frame) { move(f, minus) }}
	case minus && point(a.Kind) && point(b.Kind) && (a.Kind == b.Kind || a.Kind != vector.Time &&
		b.Kind != vector.Time):
		t := a
		if a.Kind != b.Kind {
			t = vector.TTimestamp
		}
		return &Match{Out: vector.TInterval, Args: []vector.Type{t, t}, Kernel: distanceKernel}
	default:
		return nil
	}
}

func move(f *Frame, minus bool) {
	a, b, out, k := f.Args[0].I64, f.Args[1].I64, f.Out.I64, f.Out.Type.Kind
	for i := range f.live {
		x, d := a[i], b[i]
		if minus {
			d = -d
		}
		if k == vector.Date {
			if d%vector.MsDay != 0 {
				f.fail(i, CodeBadArgument, fmt.Sprintf("%s is no whole number of days; CAST the DATE to TIMESTAMP "+
					"first",
					vector.AppendInterval(nil, d)))
				continue
			}
			d /= vector.MsDay
		}
		r := x + d
		if (x^r)&(d^r) < 0 || minus && d == b[i] && d != 0 {
			f.fail(i, CodeOverflow, fmt.Sprintf("the result is outside of %s", f.Out.Type))
			continue
		}
		if k == vector.Time {
			r = vector.FloorMod(r, vector.MsDay)
		}
		out[i] = r
	}
}

func distanceKernel(f *Frame) {
	unit := int64(1)
	if f.Args[0].Type.Kind == vector.Date {
		unit = vector.MsDay
	}
	a, b, out := f.Args[0].I64, f.Args[1].I64, f.Out.I64
	for i := range f.live {
		x, y := a[i], b[i]
		r := x - y
		if (x^y)&(x^r) < 0 || unit != 1 && overflows(r, unit) {
			f.fail(i, CodeOverflow, "the distance is outside of INTERVAL")
			continue
		}
		out[i] = r * unit
	}
}

// scaleMatch types INTERVAL * INT and INTERVAL / INT.
func scaleMatch(op arithOp, a, b vector.Type) *Match {
	whole := func(t vector.Type) bool { return t.Kind == vector.Int || t.Kind == vector.BigInt }
	if a.Kind == vector.Interval && whole(b) || op == opMul && b.Kind == vector.Interval && whole(a) {
		return &Match{Out: vector.TInterval, Args: []vector.Type{a, b}, Kernel: func(f *Frame) { arithI64(op, f) }}
	}
	return nil
}
