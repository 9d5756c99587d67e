package expr

import (
	"bytes"
	"cmp"
	"fmt"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func mathFunc(name, usage, doc string, over ...Overload) *Func {
	return &Func{Name: name, Category: "math", Usage: []string{usage}, Doc: doc, Overloads: over}
}

func mathFuncs() []*Func {
	double := func(name, doc string, fn func(float64) float64) *Func {
		return mathFunc(name, name+"(x)", doc, on("DOUBLE -> DOUBLE", mapF64(fn)))
	}
	list := []*Func{
		double("CBRT", "Returns the cube root.", math.Cbrt),
		double("EXP", "Returns e to the power of x.", math.Exp),
		double("SIN", "Returns the sine of an angle in radians.", math.Sin),
		double("COS", "Returns the cosine of an angle in radians.", math.Cos),
		double("TAN", "Returns the tangent of an angle in radians.", math.Tan),
		double("COT", "Returns the cotangent of an angle in radians.",
			func(x float64) float64 { return 1 / math.Tan(x) }),
		double("ATAN", "Returns the angle in radians whose tangent is x.", math.Atan),
		double("SINH", "Returns the hyperbolic sine.", math.Sinh),
		double("COSH", "Returns the hyperbolic cosine.", math.Cosh),
		double("TANH", "Returns the hyperbolic tangent.", math.Tanh),
		double("DEGREES", "Converts radians to degrees.", func(x float64) float64 { return x * (180 / math.Pi) }),
		double("RADIANS", "Converts degrees to radians.", func(x float64) float64 { return x * radian }),
		mathFunc("ATAN2", "ATAN2(y, x)", "Returns the angle in radians of the point (x, y).",
			on("DOUBLE, DOUBLE -> DOUBLE", map2F64(math.Atan2))),
		mathFunc("PI", "PI()", "Returns the number pi.", on(" -> DOUBLE", func(f *Frame) { fill(f.Out.F64, math.Pi) })),
		mathFunc("GEO_DISTANCE", "GEO_DISTANCE(lat1, lon1, lat2, lon2[, 'KM'|'MILES'])",
			"Returns the distance of two points on the earth along a great circle.",
			on("DOUBLE, DOUBLE, DOUBLE, DOUBLE[, STRING] -> DOUBLE", geoKernel)).nullSafe(),
		mathFunc("ABS", "ABS(x)", "Returns the number without its sign.", on("INT -> INT", absI64),
			on("BIGINT -> BIGINT", absI64), onDec("DECIMAL -> DECIMAL", sameDec, absDec),
			on("DOUBLE -> DOUBLE", mapF64(math.Abs))),
		mathFunc("SIGN", "SIGN(x)", "Returns -1, 0 or 1.", on("BIGINT -> INT", signKernel),
			on("DECIMAL -> INT", signDec), on("DOUBLE -> INT", signF64)),
		{
			Name: "GREATEST", Category: "math", Usage: []string{"GREATEST(a, b, ...)"}, NullSafe: true,
			Doc: "Returns the largest of the values that are not NULL.", Resolve: extremeMatch(1),
		},
		{
			Name: "LEAST", Category: "math", Usage: []string{"LEAST(a, b, ...)"}, NullSafe: true,
			Doc: "Returns the smallest of the values that are not NULL.", Resolve: extremeMatch(-1),
		},
		{
			Name: "RANDOM", Aliases: []string{"RAND"}, Category: "math", Usage: []string{"RANDOM()"},
			NotDeterministic: true,
			Doc:              "Returns a number from 0 to below 1 that is drawn from the position of the record.",
			Overloads:        []Overload{on(" -> DOUBLE", randomKernel)},
		},
	}
	return append(append(list, domainFuncs()...), roundFuncs()...)
}

func fill[T any](out []T, v T) {
	for i := range out {
		out[i] = v
	}
}

func mapF64(fn func(float64) float64) Kernel {
	return func(f *Frame) {
		a, out := f.Args[0].F64, f.Out.F64
		for i := range f.live {
			out[i] = fn(a[i])
		}
	}
}

func map2F64(fn func(a, b float64) float64) Kernel {
	return func(f *Frame) {
		a, b, out := f.Args[0].F64, f.Args[1].F64, f.Out.F64
		for i := range f.live {
			out[i] = fn(a[i], b[i])
		}
	}
}

// The radius of the earth, and a degree in radians.
const (
	radian     = math.Pi / 180
	earthKm    = 6371
	earthMiles = 3959
)

// geoKernel is kilometres where the unit is null.
var geoKernel = rowF64(func(f *Frame, i int) (float64, error) {
	for _, a := range f.Args[:4] {
		if isNull(a, i) {
			return 0, errNull
		}
	}
	radius := float64(earthKm)
	if len(f.Args) == 5 && !isNull(f.Args[4], i) {
		switch unit := string(bytes.ToUpper(f.text(4, i))); unit {
		case "KM", "KILOMETER", "KILOMETERS":
		case "MI", "MILE", "MILES":
			radius = earthMiles
		default:
			return 0, fail(CodeBadArgument, fmt.Sprintf("GEO_DISTANCE knows KM and MILES, not %q", unit))
		}
	}
	lat1, lat2 := f.f64(0, i), f.f64(2, i)
	if math.Abs(lat1) > 90 || math.Abs(lat2) > 90 || math.Abs(f.f64(1, i)) > 180 || math.Abs(f.f64(3, i)) > 180 {
		return 0, fail(CodeBadArgument, "GEO_DISTANCE wants latitudes from -90 to 90 and longitudes from -180 to 180")
	}
	rad := func(deg float64) float64 { return deg * radian }
	dLat, dLon := rad(lat2-lat1), rad(f.f64(3, i)-f.f64(1, i))
	s, t := math.Sin(dLat/2), math.Sin(dLon/2)
	a := s*s + float64(t*t*math.Cos(rad(lat1))*math.Cos(rad(lat2)))
	return radius * 2 * math.Asin(math.Min(1, math.Sqrt(a))), nil
})

var absI64 = rowI64(func(f *Frame, i int) (int64, error) {
	v := f.i64(0, i)
	if v >= 0 {
		return v, nil
	}
	if v = -v; v < 0 || f.Out.Type.Kind == vector.Int && v > math.MaxInt32 {
		return 0, fail(CodeOverflow, "the magnitude of the least number is outside of "+f.Out.Type.String())
	}
	return v, nil
})

var absDec = rowDec(func(f *Frame, i int) (vector.Int128, error) { return f.Args[0].Dec(i).Abs(), nil })

func sameDec(args []vector.Type) vector.Type { return args[0] }

var (
	signKernel = rowI64(func(f *Frame, i int) (int64, error) { return int64(cmp.Compare(f.i64(0, i), 0)), nil })
	signDec    = rowI64(func(f *Frame, i int) (int64, error) { return int64(f.Args[0].Dec(i).Sign()), nil })
	signF64    = rowI64(func(f *Frame, i int) (int64, error) {
		v := f.f64(0, i)
		return int64(b2u(v > 0)) - int64(b2u(v < 0)), nil
	})
)

// extremeMatch is GREATEST (want 1) and LEAST (want -1).
func extremeMatch(want int) func([]Operand) (*Match, error) {
	kernel := func(f *Frame) { extreme(f, want) }
	return func(args []Operand) (*Match, error) {
		m, err := sameTypes(args)
		if err != nil {
			return nil, err
		}
		if m.Out.Kind == vector.Null {
			return nil, &misfit{}
		}
		m.Kernel = kernel
		return m, nil
	}
}

func extreme(f *Frame, want int) {
	o := f.Out
	for i := range rows(f.N, f.Sel) {
		var best *vector.Vector
		for _, a := range f.Args {
			if !isNull(a, i) && (best == nil || compareAt(a, best, i) == want) {
				best = a
			}
		}
		if best == nil {
			f.setNull(i)
		}
		f.copyRow(best, i)
	}
	if o.Type.Phys() == vector.PhysStr {
		for len(o.Offs) <= f.N {
			o.Offs = append(o.Offs, uint32(len(o.Data)))
		}
	}
}

// copyRow gives row i of the result the value of row i of v (nil: any value); rows come in ascending order.
func (f *Frame) copyRow(v *vector.Vector, i int) {
	o := f.Out
	if o.Type.Phys() == vector.PhysStr {
		for len(o.Offs) <= i {
			o.Offs = append(o.Offs, uint32(len(o.Data)))
		}
		if v != nil {
			o.Data = append(o.Data, v.Bytes(i)...)
		}
		o.Offs = append(o.Offs, uint32(len(o.Data)))
		return
	}
	if v == nil {
		return
	}
	switch o.Type.Phys() {
	case vector.PhysBool:
		o.Bool[i] = v.Bool[i]
	case vector.PhysF64:
		o.F64[i] = v.F64[i]
	case vector.PhysI128:
		o.I128[i] = v.I128[i]
	default:
		o.I64[i] = v.I64[i]
	}
}

// compareAt orders row i of two vectors of one type.
func compareAt(a, b *vector.Vector, i int) int {
	switch a.Type.Phys() {
	case vector.PhysBool:
		return int(b2u(a.Bool[i])) - int(b2u(b.Bool[i]))
	case vector.PhysF64:
		return cmp.Compare(a.F64[i], b.F64[i])
	case vector.PhysI128:
		return a.I128[i].Cmp(b.I128[i])
	case vector.PhysStr:
		return bytes.Compare(a.Bytes(i), b.Bytes(i))
	default:
		return cmp.Compare(a.I64[i], b.I64[i])
	}
}

// randomKernel hashes the position of the record: the same record gives the same number again.
func randomKernel(f *Frame) {
	for i := range f.Out.F64[:f.N] {
		f.Out.F64[i] = float64(recordHash(f, i, 0)>>11) / (1 << 53)
	}
}

// recordHash mixes the position of row i (splitmix64).
func recordHash(f *Frame, i int, salt uint64) uint64 {
	b := f.Batch
	h := b.Seq*0x9e3779b97f4a7c15 ^ uint64(b.Partition)<<48 ^ uint64(b.FirstRow+i)<<20 ^ salt
	for _, mul := range [...]uint64{0xbf58476d1ce4e5b9, 0x94d049bb133111eb} {
		h = (h ^ h>>30) * mul
	}
	return h ^ h>>31
}
