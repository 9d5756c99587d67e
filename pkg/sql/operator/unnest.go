package operator

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// unnest emits a row for each element that its functions give.
type unnest struct {
	stateless
	spec  *Unnest
	funcs []rowFunc
	rows  []uint32 // of the input, one for each row of the output
	cols  []*vector.Vector
	pos   []int64
	in    vector.Batch // the input without the columns that nobody reads
}

// rowFunc is one table function while rows go through it: open looks at a row and says how many elements it gives,
// append gives the k-th.
type rowFunc interface {
	open(b *vector.Batch, i int) (n int, err error)
	append(out *vector.Vector, k int)
}

func newUnnest(spec *Unnest, in *vector.Schema) (*unnest, error) {
	added := len(spec.Funcs)
	if spec.Ordinal {
		added++
	}
	if len(spec.Funcs) == 0 || len(spec.Schema.Fields) != len(in.Fields)+added {
		return nil, errors.New("the schema is not the input's columns and one for each function")
	}
	for _, c := range spec.Unread {
		if c < 0 || c >= len(in.Fields) {
			return nil, fmt.Errorf("no input column %d", c)
		}
	}
	u := &unnest{spec: spec}
	for _, f := range spec.Funcs {
		for _, a := range f.Args {
			if a < 0 || a >= len(in.Fields) {
				return nil, fmt.Errorf("%s: no input column %d", f.Func, a)
			}
		}
		fn, err := newRowFunc(f, typesOf(in, f.Args))
		if err != nil {
			return nil, err
		}
		u.funcs = append(u.funcs, fn)
		u.cols = append(u.cols, vector.NewVector(f.T, 0))
	}
	return u, nil
}

func newRowFunc(f TableFunc, args []vector.Type) (rowFunc, error) {
	switch f.Func {
	case "EXPLODE", "UNNEST":
		if len(args) == 1 && args[0].Kind == vector.Array && args[0].Elem.Equal(f.T) {
			return &explode{arg: f.Args[0]}, nil
		}
	case "CUBE_EXPLODE":
		if len(args) == 1 && args[0].Kind == vector.Array && args[0].Equal(f.T) {
			return &cube{arg: f.Args[0]}, nil
		}
	case "GENERATE_SERIES":
		whole := len(args) == 2 || len(args) == 3
		for _, a := range args {
			whole = whole && (a.Kind == vector.Int || a.Kind == vector.BigInt)
		}
		if whole && (f.T.Kind == vector.Int || f.T.Kind == vector.BigInt) {
			return &series{args: f.Args}, nil
		}
	}
	return nil, fmt.Errorf("%s of %v does not give %s", f.Func, args, f.T)
}

// Process emits the rows of each element, in order.
func (u *unnest) Process(ctx *Context, _ int, b *vector.Batch, emit Emit) {
	u.thin(b)
	filtered := 0
	counts := make([]int, len(u.funcs))
	for k := range b.Live() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		most, err := u.open(counts, b, i)
		if err != nil {
			ctx.Report.Failed(b, uint32(i), CodeBadArgument, err.Error())
			continue
		}
		if most == 0 && u.spec.Outer {
			u.add(counts, i, 0, vector.NoTime)
		} else if most == 0 {
			filtered++
		}
		for e := range most {
			u.add(counts, i, e, int64(e+1))
			if len(u.rows) == outRows {
				u.flush(emit)
			}
		}
		if len(u.rows) >= outRows {
			u.flush(emit)
		}
	}
	u.flush(emit)
	if filtered > 0 {
		ctx.Report.Filtered(filtered)
	}
}

// thin sets in.
func (u *unnest) thin(b *vector.Batch) {
	u.in = *b
	if len(u.spec.Unread) == 0 {
		return
	}
	u.in.Cols = slices.Clone(b.Cols)
	for _, c := range u.spec.Unread {
		u.in.Cols[c] = nulls(b.Cols[c].Type, b.Rows)
	}
}

// open asks the functions how many elements row i has, and returns the largest number.
func (u *unnest) open(counts []int, b *vector.Batch, i int) (most int, err error) {
	for k, f := range u.funcs {
		if counts[k], err = f.open(b, i); err != nil {
			return 0, fmt.Errorf("%s: %w", u.spec.Funcs[k].Func, err)
		}
		most = max(most, counts[k])
	}
	return most, nil
}

// add makes a row of element e of row i; functions that have fewer give null. NoTime stands for no position.
func (u *unnest) add(counts []int, i, e int, pos int64) {
	u.rows, u.pos = append(u.rows, uint32(i)), append(u.pos, pos)
	for k, f := range u.funcs {
		if e < counts[k] {
			f.append(u.cols[k], e)
		} else {
			vector.AppendNull(u.cols[k])
		}
	}
}

// flush emits the rows that have been made.
func (u *unnest) flush(emit Emit) {
	if len(u.rows) == 0 {
		return
	}
	out := gatherBatch(&u.in, u.spec.Schema, u.rows)
	out.Cols = append(out.Cols, u.cols...)
	if u.spec.Ordinal {
		v := vector.NewVector(vector.TBigInt, len(u.pos))
		for _, p := range u.pos {
			if p == vector.NoTime {
				vector.AppendNull(v)
				continue
			}
			appendWord(v, uint64(p))
		}
		out.Cols = append(out.Cols, v)
	}
	emit(out)
	u.rows, u.pos = u.rows[:0], u.pos[:0]
	for _, c := range u.cols {
		vector.Reset(c)
	}
}

// explode gives the elements of an array.
type explode struct {
	arg  int
	kid  *vector.Vector
	from int
}

func (f *explode) open(b *vector.Batch, i int) (int, error) {
	v := b.Cols[f.arg]
	if v.Null(i) {
		return 0, nil
	}
	from, to := v.Elements(i)
	f.kid, f.from = v.Kids[0], from
	return to - from, nil
}

func (f *explode) append(out *vector.Vector, k int) { vector.AppendFrom(out, f.kid, f.from+k) }

// maxCube is the most elements of an array whose combinations are rows.
const maxCube = 16

// cube gives the array with each combination of its elements set to null, the last element changing first; an element
// that is null already stays so.
type cube struct {
	arg      int
	kid      *vector.Vector
	from, to int
	full     []bool // elements that are not null
}

func (f *cube) open(b *vector.Batch, i int) (int, error) {
	v := b.Cols[f.arg]
	if v.Null(i) {
		return 0, nil
	}
	f.kid, f.full = v.Kids[0], f.full[:0]
	f.from, f.to = v.Elements(i)
	n := 0
	for e := f.from; e < f.to; e++ {
		full := !f.kid.Null(e)
		f.full = append(f.full, full)
		if full {
			n++
		}
	}
	if n > maxCube {
		return 0, fmt.Errorf("an array of %d elements has too many combinations, the limit is %d elements", n, maxCube)
	}
	return 1 << n, nil
}

func (f *cube) append(out *vector.Vector, k int) {
	left := 0 // elements that are not null, from here to the last
	for _, full := range f.full {
		if full {
			left++
		}
	}
	for e, full := range f.full {
		if full {
			left--
		}
		if full && k>>left&1 == 1 {
			vector.AppendFrom(out.Kids[0], f.kid, f.from+e)
		} else {
			vector.AppendNull(out.Kids[0])
		}
	}
	vector.Close(out)
}

// series gives the whole numbers from one to another, both included. Without a step it goes by one, up or down.
type series struct {
	args        []int
	start, step int64
}

func (f *series) open(b *vector.Batch, i int) (int, error) {
	for _, a := range f.args {
		if b.Cols[a].Null(i) {
			return 0, nil
		}
	}
	start, end := b.Cols[f.args[0]].I64[i], b.Cols[f.args[1]].I64[i]
	f.start, f.step = start, 1
	if end < start {
		f.step = -1
	}
	if len(f.args) == 3 {
		f.step = b.Cols[f.args[2]].I64[i]
	}
	distance, step := uint64(end)-uint64(start), uint64(f.step)
	switch {
	case f.step == 0:
		return 0, errors.New("the step is 0")
	case f.step > 0 && end < start, f.step < 0 && end > start:
		return 0, nil
	case f.step < 0:
		distance, step = -distance, -step
	}
	n, carry := bits.Add64(distance/step, 1, 0)
	if carry != 0 || n > vector.MaxElements {
		return 0, fmt.Errorf("more than %d numbers from %d to %d", vector.MaxElements, start, end)
	}
	return int(n), nil
}

func (f *series) append(out *vector.Vector, k int) {
	appendWord(out, uint64(f.start)+uint64(f.step)*uint64(k))
}
