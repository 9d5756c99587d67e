package expr

import (
	"errors"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Frame is one application of a function to the rows of a batch, as a kernel sees it.
//
// Every argument has N rows; Const says that all of them are row 0. Sel lists the rows that matter (nil: all), others
// may hold anything and must not fail. Out has the result type, room for N rows, and, unless the function is NullSafe,
// a validity that is null where an argument is null; a kernel writes every row that matters.
type Frame struct {
	Ctx   *Context
	Batch *vector.Batch
	Args  []*vector.Vector
	Const []bool
	N     int
	Sel   []uint32
	Out   *vector.Vector
	// State is what a kernel keeps from batch to batch (a compiled pattern).
	State any
	valid []uint64 // scratch of Out.Valid
	m     moment   // scratch of date and time functions
}

// failure is a row error on its way from a row function to the frame.
type failure struct{ code, msg string }

func (f *failure) Error() string { return f.msg }

func fail(code, msg string) error { return &failure{code: code, msg: msg} }

// errNull makes a row null without an error.
var errNull = errors.New("null")

// prepare sizes Out and sets its validity.
func (f *Frame) prepare(strict bool) {
	o := f.Out
	o.Len, o.Codes, o.Valid = f.N, nil, nil
	switch o.Type.Phys() {
	case vector.PhysBool:
		o.Bool = resize(o.Bool, f.N)
	case vector.PhysI64:
		o.I64 = resize(o.I64, f.N)
	case vector.PhysF64:
		o.F64 = resize(o.F64, f.N)
	case vector.PhysI128:
		o.I128 = resize(o.I128, f.N)
	case vector.PhysStr:
		o.Offs, o.Data = append(o.Offs[:0], 0), o.Data[:0]
	case vector.PhysNone:
		f.clearAll()
	case vector.PhysNested:
		prepareNested(o)
		o.Len = f.N
	}
	if !strict {
		return
	}
	for _, a := range f.Args {
		f.andValid(a)
	}
}

func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

func (f *Frame) andValid(a *vector.Vector) {
	if a.Type.Kind == vector.Null {
		f.clearAll()
		return
	}
	if a.Valid == nil {
		return
	}
	if f.Out.Valid == nil {
		f.valid = append(f.valid[:0], a.Valid[:vector.Words(f.N)]...)
		f.Out.Valid = f.valid
		return
	}
	out := f.Out.Valid
	for i, w := range a.Valid[:len(out)] {
		out[i] &= w
	}
}

// ensureValid gives Out a validity bitmap.
func (f *Frame) ensureValid() {
	if f.Out.Valid != nil {
		return
	}
	f.valid = resize(f.valid, vector.Words(f.N))
	for i := range f.valid {
		f.valid[i] = ^uint64(0)
	}
	f.Out.Valid = f.valid
}

func (f *Frame) clearAll() {
	f.ensureValid()
	clear(f.Out.Valid)
}

// setNull makes row i of the result null.
func (f *Frame) setNull(i int) {
	f.ensureValid()
	f.Out.Valid[i>>6] &^= 1 << (uint(i) & 63)
}

// fail reports row i and makes it null.
func (f *Frame) fail(i int, code, msg string) {
	f.Ctx.Errors = append(f.Ctx.Errors, RowError{Row: uint32(i), Code: code, Msg: msg})
	f.setNull(i)
}

// reject is fail for the error of a row function.
func (f *Frame) reject(i int, err error) {
	if errors.Is(err, errNull) { // frequent
		f.setNull(i)
		return
	}
	if fl, ok := errors.AsType[*failure](err); ok {
		f.fail(i, fl.code, fl.msg)
		return
	}
	f.fail(i, CodeBadValue, err.Error())
}

// live yields the rows that matter and are not null so far, ascending.
func (f *Frame) live(yield func(int) bool) {
	if f.Sel == nil {
		for i := range f.N {
			if !f.Out.Null(i) && !yield(i) {
				return
			}
		}
		return
	}
	for _, i := range f.Sel {
		if !f.Out.Null(int(i)) && !yield(int(i)) {
			return
		}
	}
}

func (f *Frame) text(k, i int) []byte { return f.Args[k].Bytes(i) }

func (f *Frame) i64(k, i int) int64 { return f.Args[k].I64[i] }

func (f *Frame) f64(k, i int) float64 { return f.Args[k].F64[i] }

// The kernels below call fn for each row that matters and has no null argument. fn must not keep what it is given. An
// error of fail is a row error, errNull a null.

func rowStr(fn func(f *Frame, i int, dst []byte) ([]byte, error)) Kernel {
	return func(f *Frame) {
		o, done := f.Out, 0
		for i := range f.live {
			for ; done < i; done++ {
				o.Offs = append(o.Offs, uint32(len(o.Data)))
			}
			out, err := fn(f, i, o.Data)
			if err != nil {
				f.reject(i, err)
				out = o.Data
			}
			o.Data = out
			o.Offs = append(o.Offs, uint32(len(o.Data)))
			done++
		}
		for ; done < f.N; done++ {
			o.Offs = append(o.Offs, uint32(len(o.Data)))
		}
	}
}

func rowI64(fn func(f *Frame, i int) (int64, error)) Kernel {
	return func(f *Frame) { eachRow(f, f.Out.I64, fn) }
}

func rowF64(fn func(f *Frame, i int) (float64, error)) Kernel {
	return func(f *Frame) { eachRow(f, f.Out.F64, fn) }
}

func rowBool(fn func(f *Frame, i int) (bool, error)) Kernel {
	return func(f *Frame) { eachRow(f, f.Out.Bool, fn) }
}

// rowDec is for DECIMAL results of any precision.
func rowDec(fn func(f *Frame, i int) (vector.Int128, error)) Kernel {
	return func(f *Frame) {
		for i := range f.live {
			d, err := fn(f, i)
			if err != nil {
				f.reject(i, err)
				continue
			}
			setDec(f.Out, i, d)
		}
	}
}

func setDec(v *vector.Vector, i int, d vector.Int128) {
	if v.Type.Precision > 18 {
		v.I128[i] = d
		return
	}
	v.I64[i] = int64(d.Lo)
}

func eachRow[T any](f *Frame, out []T, fn func(f *Frame, i int) (T, error)) {
	for i := range f.live {
		v, err := fn(f, i)
		if err != nil {
			f.reject(i, err)
			continue
		}
		out[i] = v
	}
}
