package expr

import (
	"fmt"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func outOfRange(a *vector.Vector, i int, t vector.Type) (string, string) {
	return CodeOverflow, fmt.Sprintf("%s is outside of %s", vector.AppendText(nil, a, i), t)
}

// castI64Dec converts INT and BIGINT to DECIMAL.
func castI64Dec(f *Frame) { rescale(f, 0, 19) }

// castDecDec moves the decimal point: HALF_UP where digits are cut.
func castDecDec(f *Frame) {
	t := f.Args[0].Type
	rescale(f, int(t.Scale), int(t.Precision))
}

// rescale writes the exact numbers of argument 0, which have the scale and precision given, as DECIMAL.
func rescale(f *Frame, scale, precision int) {
	a, o := f.Args[0], f.Out
	ps, ss := int(o.Type.Precision), int(o.Type.Scale)
	safe := ps-ss >= precision-scale && ss >= scale // every value fits
	switch {
	case safe && a.I64 != nil && o.Type.Phys() == vector.PhysI64:
		k, out := vector.Pow10I64(ss-scale), o.I64
		for i, v := range a.I64[:f.N] {
			out[i] = v * k
		}
	case safe && a.I64 != nil && ss-scale <= 18:
		scaleUpWide(f, vector.Pow10I64(ss-scale))
	case !safe && a.I64 != nil && o.Type.Phys() == vector.PhysI64 && ss >= scale && ss-scale <= 18:
		scaleUpChecked(f, ss-scale)
	default:
		rescaleAny(f, scale)
	}
}

// scaleUpWide multiplies 64-bit values by k into 128 bits.
func scaleUpWide(f *Frame, k int64) {
	out := f.Out.I128
	if k == 1 {
		for i, v := range f.Args[0].I64[:f.N] {
			out[i] = vector.FromInt64(v)
		}
		return
	}
	for i, v := range f.Args[0].I64[:f.N] {
		out[i] = vector.MulInt64(v, k)
	}
}

// scaleUpChecked multiplies by 10^n where the product may not fit.
func scaleUpChecked(f *Frame, n int) {
	t, out := f.Out.Type, f.Out.I64
	k := vector.Pow10I64(n)
	limit := vector.Pow10I64(int(t.Precision)) / k // |v| < limit fits
	a := f.Args[0].I64[:f.N]
	bad := false
	for i, v := range a {
		out[i] = v * k
		bad = bad || v >= limit || v <= -limit
	}
	if !bad {
		return
	}
	for i := range f.live {
		if v := a[i]; v >= limit || v <= -limit {
			code, msg := outOfRange(f.Args[0], i, t)
			f.fail(i, code, msg)
		}
	}
}

func rescaleAny(f *Frame, scale int) {
	a, t := f.Args[0], f.Out.Type
	for i := range f.live {
		v := exact(a, i)
		d, ok := v.Rescale(scale, int(t.Scale))
		if !ok || !d.Fits(int(t.Precision)) {
			code, msg := outOfRange(a, i, t)
			f.fail(i, code, msg)
			continue
		}
		setDec(f.Out, i, d)
	}
}

// exact returns row i of an INT, BIGINT or DECIMAL vector, unscaled.
func exact(v *vector.Vector, i int) vector.Int128 {
	if v.Type.Phys() == vector.PhysI128 {
		return v.I128[i]
	}
	return vector.FromInt64(v.I64[i])
}

func castDecF64(f *Frame) {
	a, out := f.Args[0], f.Out.F64
	scale := int(a.Type.Scale)
	for i := range f.live {
		out[i] = exact(a, i).Float64(scale)
	}
}

// castDecI64 cuts the fraction.
func castDecI64(f *Frame) {
	a, out := f.Args[0], f.Out.I64
	unit := vector.Pow10(int(a.Type.Scale))
	for i := range f.live {
		q, _ := exact(a, i).QuoRem(unit)
		v, ok := q.Int64()
		if !ok || f.Out.Type.Kind == vector.Int && v != int64(int32(v)) {
			code, msg := outOfRange(a, i, f.Out.Type)
			f.fail(i, code, msg)
			continue
		}
		out[i] = v
	}
}
