package operator

import (
	"cmp"
	"slices"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// computation is one compiled expression.
type computation struct {
	prog *expr.Program
	ctx  expr.Context
}

// predicate is a compiled condition.
type predicate struct {
	computation
	errs rowErrors
	null bool // NullOnError: a row on which it fails is noted
}

func newPredicate(e expr.Expr) (*predicate, error) {
	p, err := expr.Compile(e)
	if err != nil {
		return nil, err
	}
	return &predicate{computation: computation{prog: p}}, nil
}

// filter writes the rows of b on which the condition is true to dst, and reports those on which it fails.
func (p *predicate) filter(ctx *Context, b *vector.Batch, dst []uint32) []uint32 {
	sel, failed := p.keep(b, dst)
	dropped(ctx.Derived, b, failed, p.null)
	return sel
}

// keep is filter without the report.
func (p *predicate) keep(b *vector.Batch, dst []uint32) ([]uint32, []expr.RowError) {
	p.ctx.Errors = p.ctx.Errors[:0]
	sel := p.prog.Filter(&p.ctx, b, dst[:0])
	failed := p.errs.set(p.ctx.Errors)
	return without(sel, failed), failed
}

// rowErrors is the first error of each row, by row.
type rowErrors struct{ list []expr.RowError }

func (r *rowErrors) set(errs []expr.RowError) []expr.RowError {
	if len(errs) == 0 {
		return nil
	}
	r.list = append(r.list[:0], errs...)
	slices.SortStableFunc(r.list, func(a, b expr.RowError) int { return cmp.Compare(a.Row, b.Row) })
	r.list = slices.CompactFunc(r.list, func(a, b expr.RowError) bool { return a.Row == b.Row })
	return r.list
}

// without returns sel without the rows that failed; both are ascending.
func without(sel []uint32, failed []expr.RowError) []uint32 {
	if len(failed) == 0 {
		return sel
	}
	n := 0
	for _, i := range sel {
		_, bad := slices.BinarySearchFunc(failed, i, func(e expr.RowError, i uint32) int {
			return cmp.Compare(e.Row,
				i)
		})
		if !bad {
			sel[n] = i
			n++
		}
	}
	return sel[:n]
}

func noted(r Report, b *vector.Batch, failed []expr.RowError) {
	for _, e := range failed {
		r.Noted(b, e.Row, e.Code, e.Msg)
	}
}

// dropped reports rows on which a condition failed: as notes on rows that were filtered (ksql), or as failures. It
// returns how many of them count as failed.
func dropped(r Report, b *vector.Batch, failed []expr.RowError, nullOnError bool) int {
	if nullOnError {
		noted(r, b, failed)
		return 0
	}
	report(r, b, failed)
	return len(failed)
}

func report(r Report, b *vector.Batch, failed []expr.RowError) {
	for _, e := range failed {
		r.Failed(b, e.Row, e.Code, e.Msg)
	}
}
