package expr

import (
	"errors"
	"fmt"
	"math"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

func (c *compiler) cast(x *Cast) (node, error) {
	arg, err := c.compile(x.X)
	if err != nil {
		return nil, err
	}
	if x.X.Type().Phys() == vector.PhysNested && x.T.Phys() == vector.PhysNested {
		return c.castNested(x, arg)
	}
	k, ok := x.Profile.castKernel(x.X.Type(), x.T)
	if !ok {
		return nil, sqlerr.New(sqlerr.TypeMismatch, x.At, "%s does not convert to %s", x.X.Type(), x.T)
	}
	n := newCall(k, []node{arg}, x.T)
	n.try = x.Try
	return fold(n, x.T, arg), nil
}

// castKernel returns the kernel that converts from one type to another; ok is false where SQL has no conversion.
func castKernel(from, to vector.Type) (k Kernel, ok bool) {
	if from.Equal(to) {
		return share, true
	}
	if from.Kind == vector.Null {
		return func(f *Frame) { f.clearAll(); f.padStrings() }, true
	}
	if from.Phys() == vector.PhysNested && to.Kind == vector.String {
		return castText, true
	}
	byTo, ok := casts[from.Kind]
	if !ok {
		return nil, false
	}
	k, ok = byTo[to.Kind]
	return k, ok
}

// castKernel is the conversion under the profile.
func (p Profile) castKernel(from, to vector.Type) (k Kernel, ok bool) {
	if p == Ksql {
		if from.Phys() == vector.PhysNested && to.Kind == vector.String {
			return javaText, true
		}
		if k, ok := ksqlCasts[from.Kind][to.Kind]; ok {
			return k, true
		}
	}
	return castKernel(from, to)
}

// padStrings gives every row an empty string.
func (f *Frame) padStrings() {
	if f.Out.Type.Phys() == vector.PhysStr {
		for range f.N {
			f.Out.Offs = append(f.Out.Offs, uint32(len(f.Out.Data)))
		}
	}
	if f.Out.Type.Phys() == vector.PhysNested {
		f.padNested(f.N)
	}
}

// casts[from][to] is the table of conversions. BIGINT is milliseconds where it meets a TIMESTAMP, TIME or INTERVAL.
var casts = map[vector.Kind]map[vector.Kind]Kernel{
	vector.Boolean: {vector.String: castText, vector.Int: castBoolInt, vector.BigInt: castBoolInt},
	vector.Int: {
		vector.BigInt: share, vector.Double: castI64F64, vector.Decimal: castI64Dec, vector.String: castText,
		vector.Boolean: castIntBool, vector.Timestamp: share, vector.Date: share, vector.Time: castMsTime,
		vector.Interval: share,
	},
	vector.BigInt: {
		vector.Int: castI64Int, vector.Double: castI64F64, vector.Decimal: castI64Dec,
		vector.String: castText, vector.Boolean: castIntBool, vector.Timestamp: share, vector.Date: share,
		vector.Time: castMsTime, vector.Interval: share,
	},
	vector.Double: {
		vector.Int: castF64I64, vector.BigInt: castF64I64, vector.Decimal: castF64Dec,
		vector.String: castText,
	},
	vector.Decimal: {
		vector.Int: castDecI64, vector.BigInt: castDecI64, vector.Double: castDecF64,
		vector.Decimal: castDecDec, vector.String: castText,
	},
	vector.String: {
		vector.Boolean: castParse, vector.Int: castParse, vector.BigInt: castParse,
		vector.Double: castParseF64, vector.Decimal: castParseDec, vector.Bytes: share, vector.Date: castParse,
		vector.Time: castParse, vector.Timestamp: castParse, vector.Interval: castParse,
	},
	vector.Bytes: {vector.String: castBytesText},
	vector.Date: {
		vector.String: castText, vector.Timestamp: castDateTimestamp, vector.BigInt: share,
		vector.Int: castI64Int,
	},
	vector.Time: {vector.String: castText, vector.BigInt: share, vector.Int: share},
	vector.Timestamp: {
		vector.String: castText, vector.BigInt: share, vector.Date: castTimestampDate,
		vector.Time: castTimestampTime,
	},
	vector.Interval: {vector.String: castText, vector.BigInt: share},
}

// share hands the values on as they are.
func share(f *Frame) {
	a, o := f.Args[0], f.Out
	switch o.Type.Phys() {
	case vector.PhysStr:
		// Appending to these later would write into the argument; a kernel always starts from prepare.
		o.Offs, o.Data, o.Codes = append(o.Offs[:0], a.Offs...), append(o.Data[:0], a.Data...), nil
		if a.Codes != nil {
			o.Codes = append(o.Codes, a.Codes[:f.N]...)
		}
	case vector.PhysBool:
		copy(o.Bool, a.Bool[:f.N])
	case vector.PhysF64:
		copy(o.F64, a.F64[:f.N])
	case vector.PhysI128:
		copy(o.I128, a.I128[:f.N])
	case vector.PhysI64:
		copy(o.I64, a.I64[:f.N])
	case vector.PhysNested:
		shareNested(f)
	case vector.PhysNone:
	}
}

var shareNested = rowNested(func(f *Frame, i int) error {
	copyInner(f.Out, f.Args[0], i)
	return nil
})

func castText(f *Frame) { textKernel(f) }

var textKernel = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
	return vector.AppendText(dst, f.Args[0], i), nil
})

func castBoolInt(f *Frame) {
	out := f.Out.I64
	for i, b := range f.Args[0].Bool[:f.N] {
		out[i] = int64(b2u(b))
	}
}

func castIntBool(f *Frame) {
	out := f.Out.Bool
	for i, v := range f.Args[0].I64[:f.N] {
		out[i] = v != 0
	}
}

func castI64F64(f *Frame) {
	out := f.Out.F64
	for i, v := range f.Args[0].I64[:f.N] {
		out[i] = float64(v)
	}
}

func castI64Int(f *Frame) {
	out := f.Out.I64
	var bad uint64
	for i, v := range f.Args[0].I64[:f.N] {
		out[i] = v
		bad |= uint64(v+1<<31) >> 32
	}
	if bad != 0 {
		for i := range f.live {
			if v := out[i]; v != int64(int32(v)) {
				f.fail(i, CodeOverflow, fmt.Sprintf("%d is outside of INT", v))
			}
		}
	}
}

var castMsTime = rowI64(func(f *Frame, i int) (int64, error) {
	v := f.Args[0].I64[i]
	if v < 0 || v >= vector.MsDay {
		return 0, fail(CodeBadValue, fmt.Sprintf("%d is no millisecond of a day", v))
	}
	return v, nil
})

var castF64I64 = rowI64(func(f *Frame, i int) (int64, error) { return truncDouble(f.Args[0].F64[i], f.Out.Type) })

func truncDouble(v float64, t vector.Type) (int64, error) {
	v = math.Trunc(v)
	low, high := -float64(1<<63), float64(1<<63)
	if t.Kind == vector.Int {
		low, high = math.MinInt32, math.MaxInt32+1
	}
	if !(v >= low && v < high) {
		return 0, fail(CodeOverflow, fmt.Sprintf("%v is outside of %s", v, t))
	}
	return int64(v), nil
}

var castF64Dec = rowDec(func(f *Frame, i int) (vector.Int128, error) {
	return doubleToDec(f.Args[0].F64[i], f.Out.Type)
})

// doubleToDec rounds the shortest decimal text of v, which is the number that the user sees.
func doubleToDec(v float64, t vector.Type) (vector.Int128, error) {
	var buf [40]byte
	d, err := vector.ParseDecimal(vector.AppendDouble(buf[:0], v), int(t.Precision), int(t.Scale))
	if err != nil {
		return d, fail(CodeOverflow, fmt.Sprintf("%v is outside of %s", v, t))
	}
	return d, nil
}

func castParse(f *Frame) {
	if f.Out.Type.Kind == vector.Boolean {
		parseBool(f)
		return
	}
	parseI64(f)
}

var (
	parseBool = rowBool(func(f *Frame, i int) (bool, error) {
		b, err := vector.ParseBool(f.Args[0].Bytes(i))
		if err != nil {
			return b, badText(f, i, err)
		}
		return b, nil
	})
	parseI64 = rowI64(func(f *Frame, i int) (int64, error) {
		v, err := vector.ParseI64(f.Out.Type.Kind, f.Args[0].Bytes(i))
		if err != nil {
			return v, badText(f, i, err)
		}
		return v, nil
	})
	castParseF64 = rowF64(func(f *Frame, i int) (float64, error) {
		v, err := vector.ParseDouble(f.Args[0].Bytes(i))
		if err != nil {
			return v, badText(f, i, err)
		}
		return v, nil
	})
	castParseDec = rowDec(func(f *Frame, i int) (vector.Int128, error) {
		t := f.Out.Type
		v, err := vector.ParseDecimal(f.Args[0].Bytes(i), int(t.Precision), int(t.Scale))
		if err != nil {
			return v, badText(f, i, err)
		}
		return v, nil
	})
	castBytesText = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		return appendValidText(dst, f.Args[0].Bytes(i))
	})
)

func badText(f *Frame, i int, err error) error {
	return fail(CodeBadValue, parseMessage(f.Args[0].Bytes(i), f.Out.Type, err))
}

// parseMessage says why a text is no value of a type.
func parseMessage(text []byte, t vector.Type, err error) string {
	if errors.Is(err, vector.ErrSyntax) {
		return fmt.Sprintf("%q does not convert to %s", clip(text), t)
	}
	return fmt.Sprintf("%q is outside of %s", clip(text), t)
}

func castDateTimestamp(f *Frame) {
	out := f.Out.I64
	for i, d := range f.Args[0].I64[:f.N] {
		out[i] = d * vector.MsDay
	}
}

func castTimestampDate(f *Frame) {
	out := f.Out.I64
	for i, ms := range f.Args[0].I64[:f.N] {
		out[i] = vector.FloorDiv(ms, vector.MsDay)
	}
}

func castTimestampTime(f *Frame) {
	out := f.Out.I64
	for i, ms := range f.Args[0].I64[:f.N] {
		out[i] = vector.FloorMod(ms, vector.MsDay)
	}
}

func b2u(b bool) uint32 {
	var u uint32
	if b {
		u = 1
	}
	return u
}
