package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// FeedsTable tells that the rows of a stage come to the table side of a look-up.
func (p *Plan) FeedsTable(st *Stage) bool {
	for _, next := range p.Stages {
		for _, in := range next.Inputs {
			if in.Stage == st.ID && (in.Port == 1 && in.Table || in.Port == 0 && p.FeedsTable(next)) {
				return true
			}
		}
	}
	return false
}

// Pinned returns the values that the conditions of a stage demand of the columns cols of its input (k = 'a'), as
// vectors of one row; false when one of them is free. A pull query asks only the task that holds such a key.
func Pinned(st *Stage, cols []int) ([]*vector.Vector, bool) {
	out := make([]*vector.Vector, len(cols))
	for _, op := range st.Ops {
		f, ok := op.(*operator.Filter)
		if _, fold := op.(*operator.Materialize); !ok && !fold {
			break // behind it, columns have other numbers
		}
		if !ok {
			continue
		}
		for _, term := range andTerms(f.Pred) {
			col, v := pinnedTerm(term)
			if i := slices.Index(cols, col); i >= 0 && v != nil {
				out[i] = v
			}
		}
	}
	return out, len(cols) > 0 && !slices.Contains(out, nil)
}

// pinnedTerm takes column = constant apart; -1 for anything else.
func pinnedTerm(term expr.Expr) (int, *vector.Vector) {
	c, ok := term.(*expr.Call)
	if !ok || c.Func.Name != "=" || len(c.Args) != 2 {
		return -1, nil
	}
	for i, a := range c.Args {
		col, ok := a.(*expr.Column)
		if !ok || col.Index < 0 {
			continue
		}
		value := c.Args[1-i]
		if maxColumnOf(value) >= 0 || !value.Type().Equal(col.T) {
			continue
		}
		p, err := expr.Compile(value)
		if err != nil {
			continue
		}
		ctx := &expr.Context{}
		v := p.Eval(ctx, &vector.Batch{Schema: &vector.Schema{}, Rows: 1, Time: []int64{0}})
		if len(ctx.Errors) == 0 && !v.Null(0) {
			return col.Index, vector.CloneVector(v)
		}
	}
	return -1, nil
}

// maxColumnOf is the largest column that e reads, or -1; a pseudo column counts as one.
func maxColumnOf(e expr.Expr) int {
	most := -1
	if c, ok := e.(*expr.Column); ok {
		most = max(c.Index, 0)
	}
	for _, x := range expr.Children(e) {
		most = max(most, maxColumnOf(x))
	}
	return most
}
