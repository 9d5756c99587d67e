package operator

import (
	"fmt"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// stateless is the part of an Operator that operators without state share.
type stateless struct{}

func (stateless) Advance(_ *Context, wm int64, _ Emit) int64 { return wm }
func (stateless) Flush(*Context, Emit)                       {}
func (stateless) Snapshot(dst []byte) []byte                 { return dst }
func (stateless) StateBytes() int64                          { return 0 }

func (stateless) Restore(src []byte) error {
	r := reader{src: src}
	return r.done()
}

// filter keeps the rows on which a predicate is true.
type filter struct {
	stateless
	pred   *predicate
	values bool
	sel    []uint32
}

// Process narrows the selection; rows keep their numbers.
func (f *filter) Process(ctx *Context, _ int, b *vector.Batch, emit Emit) {
	sel, failed := f.pred.keep(b, f.sel)
	if f.values {
		sel = slices.DeleteFunc(sel, func(i uint32) bool { return b.Op(int(i)) == vector.Delete })
	}
	f.sel = sel
	if n := b.Live() - len(sel) - dropped(ctx.Report, b, failed, f.pred.null); n > 0 {
		ctx.Report.Filtered(n)
	}
	if len(sel) == 0 {
		return
	}
	out := *b
	if len(sel) < b.Rows {
		out.Sel = sel
	}
	emit(&out)
}

// newFilter makes the operator of a Filter that is not HAVING.
func newFilter(spec *Filter, in *vector.Schema) (Operator, error) {
	p, err := newPredicate(spec.Pred)
	if err != nil {
		return nil, err
	}
	p.null = spec.NullOnError
	if len(spec.Keys) == 0 {
		return &filter{pred: p, values: spec.Values}, nil
	}
	types := make([]vector.Type, len(spec.Keys))
	for i, k := range spec.Keys {
		if k < 0 || k >= len(in.Fields) {
			return nil, fmt.Errorf("no key column %d", k)
		}
		types[i] = in.Fields[k].Type
	}
	return &tableFilter{pred: p, by: spec.Keys, keys: newKeyTable(types)}, nil
}
