package operator

import (
	"fmt"
	"slices"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// project computes columns. Rows keep their numbers.
type project struct {
	spec  *Project
	progs []*computation // nil where pass names the column
	pass  []int
	errs  rowErrors
	all   []expr.RowError
	most  int64 // largest event time set here
	times []int64
	cols  []*vector.Vector
}

func newProject(spec *Project) (*project, error) {
	p := &project{spec: spec, most: vector.NoTime, cols: make([]*vector.Vector, len(spec.Exprs))}
	if len(spec.Schema.Fields) != len(spec.Exprs) || spec.EventTime >= len(spec.Exprs) {
		return nil, fmt.Errorf("projection of %d expressions to %d columns", len(spec.Exprs), len(spec.Schema.Fields))
	}
	for _, e := range spec.Exprs {
		if c, ok := e.(*expr.Column); ok && c.Index >= 0 {
			p.progs, p.pass = append(p.progs, nil), append(p.pass, c.Index)
			continue
		}
		prog, err := expr.Compile(e)
		if err != nil {
			return nil, err
		}
		p.progs, p.pass = append(p.progs, &computation{prog: prog}), append(p.pass, -1)
	}
	return p, nil
}

// Process computes the columns. A row on which one fails is reported and leaves the selection, or with NullOnError goes
// on with a null; a row without a valid event time always leaves.
func (p *project) Process(ctx *Context, _ int, b *vector.Batch, emit Emit) {
	p.compute(ctx, b)
	out := *b
	out.Schema, out.Cols = p.spec.Schema, p.cols
	if p.spec.EventTime >= 0 {
		p.setTime(&out)
	}
	if failed := p.errs.set(p.all); len(failed) > 0 {
		report(ctx.Report, b, failed)
		if b.Sel == nil {
			out.Sel = make([]uint32, b.Rows)
			for i := range out.Sel {
				out.Sel[i] = uint32(i)
			}
		}
		out.Sel = without(slices.Clone(out.Sel), failed)
	}
	if p.spec.EventTime >= 0 {
		p.note(&out)
	}
	if out.Live() > 0 {
		emit(&out)
	}
}

// compute fills the columns and collects the errors of rows that must not go on. Eval has made nulls of the values that
// failed, which is all that NullOnError wants beside a note.
func (p *project) compute(ctx *Context, b *vector.Batch) {
	p.all = p.all[:0]
	for i, c := range p.progs {
		if c == nil {
			p.cols[i] = b.Cols[p.pass[i]]
			continue
		}
		c.ctx.Errors = c.ctx.Errors[:0]
		p.cols[i] = c.prog.Eval(&c.ctx, b)
		if p.spec.NullOnError {
			noted(ctx.Report, b, c.ctx.Errors)
			continue
		}
		p.all = append(p.all, c.ctx.Errors...)
	}
}

// setTime makes the event times those of the column; a null or negative one is an error of its row.
func (p *project) setTime(out *vector.Batch) {
	v := out.Cols[p.spec.EventTime]
	p.times = grow(p.times, out.Rows)
	copy(p.times, v.I64[:out.Rows])
	out.Time = p.times
	for k := range out.Live() {
		i := k
		if out.Sel != nil {
			i = int(out.Sel[k])
		}
		switch {
		case v.Null(i):
			p.all = append(p.all, expr.RowError{Row: uint32(i), Code: CodeOutOfRange, Msg: "the event time is null"})
		case p.times[i] < 0:
			p.all = append(p.all, expr.RowError{
				Row: uint32(i), Code: CodeOutOfRange,
				Msg: "the event time is negative",
			})
		}
	}
}

// note takes the largest event time of the rows that are handed on.
func (p *project) note(out *vector.Batch) {
	for k := range out.Live() {
		i := k
		if out.Sel != nil {
			i = int(out.Sel[k])
		}
		p.most = max(p.most, out.Time[i])
	}
}

// Advance replaces the watermark by that of the event time set here.
func (p *project) Advance(_ *Context, wm int64, _ Emit) int64 {
	switch {
	case p.spec.EventTime < 0, wm == vector.MaxTime:
		return wm
	case p.most == vector.NoTime:
		return vector.NoTime
	}
	return addSat(p.most, -p.spec.DelayMs)
}

// Flush does nothing.
func (p *project) Flush(*Context, Emit) {}

// Snapshot is the largest event time.
func (p *project) Snapshot(dst []byte) []byte {
	if p.spec.EventTime < 0 {
		return dst
	}
	return putI64(dst, p.most)
}

// Restore takes it back.
func (p *project) Restore(src []byte) error {
	r := reader{src: src}
	if p.spec.EventTime >= 0 {
		p.most = r.i64()
	}
	return r.done()
}

// StateBytes is nothing worth counting.
func (p *project) StateBytes() int64 { return 0 }
