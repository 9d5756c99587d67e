package expr

import (
	"errors"
	"math"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// CodeHalt is the error of an external function that must not become a result of any kind: it stops the query.
const CodeHalt = "LEAT-5217"

// ErrHalt wraps such an error.
var ErrHalt = errors.New("the query stops")

// External makes a function of one signature that is computed elsewhere, row by row. call gets bool, int64, float64 and
// []byte, none of them null, and returns a value of these kinds; it must depend on nothing but them. An error is one of
// the row, unless it wraps ErrHalt.
func External(name string, params []vector.Type, returns vector.Type, call func(args []any) (any, error)) *Func {
	types := make([]string, len(params))
	for i, p := range params {
		types[i] = p.String()
	}
	usage := name + "(" + strings.Join(types, ", ") + ") " + returns.String()
	f := &Func{
		Name: strings.ToUpper(name), Category: "external", Usage: []string{usage},
		Doc: "Declared by CREATE FUNCTION.",
	}
	kernel := externalKernel(params, returns, call)
	f.Resolve = func(args []Operand) (*Match, error) {
		if len(args) != len(params) {
			return nil, &misfit{}
		}
		for i, a := range args {
			if cost(a, params[i].Kind) >= noFit {
				return nil, &misfit{}
			}
		}
		return &Match{Out: returns, Args: params, Kernel: kernel}, nil
	}
	return f
}

func externalKernel(params []vector.Type, returns vector.Type, call func([]any) (any, error)) Kernel {
	apply := func(f *Frame, i int) (any, error) {
		args := make([]any, len(params))
		for k, p := range params {
			args[k] = externalValue(f.Args[k], p, i)
		}
		out, err := call(args)
		switch {
		case errors.Is(err, ErrHalt):
			return nil, fail(CodeHalt, err.Error())
		case err != nil:
			return nil, fail(CodeBadArgument, err.Error())
		}
		return out, nil
	}
	switch returns.Phys() {
	case vector.PhysStr:
		return rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
			v, err := apply(f, i)
			if err != nil {
				return nil, err
			}
			b, _ := v.([]byte)
			return append(dst, b...), nil
		})
	case vector.PhysBool:
		return rowBool(func(f *Frame, i int) (bool, error) { return externalResult[bool](apply(f, i)) })
	case vector.PhysF64:
		return rowF64(func(f *Frame, i int) (float64, error) { return externalResult[float64](apply(f, i)) })
	default:
		return rowI64(func(f *Frame, i int) (int64, error) {
			v, err := externalResult[int64](apply(f, i))
			if err == nil && returns.Kind == vector.Int && (v > math.MaxInt32 || v < math.MinInt32) {
				return 0, fail(CodeOverflow, "the result does not fit INT")
			}
			return v, err
		})
	}
}

func externalResult[T any](v any, err error) (T, error) {
	out, _ := v.(T)
	return out, err
}

func externalValue(v *vector.Vector, t vector.Type, i int) any {
	switch t.Phys() {
	case vector.PhysBool:
		return v.Bool[i]
	case vector.PhysF64:
		return v.F64[i]
	case vector.PhysStr:
		return v.Bytes(i)
	default:
		return v.I64[i]
	}
}
