package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// ToStream makes rows of a changelog: Insert and UpdateAfter leave as inserts, Delete and UpdateBefore are dropped
// (Filtered).
type ToStream struct {
	Schema *vector.Schema
}

// toStream turns changes into rows.
type toStream struct {
	stateless
	sel []uint32
}

// Process keeps inserts and updates-after.
func (t *toStream) Process(ctx *Context, _ int, b *vector.Batch, emit Emit) {
	out := *b
	out.Ops = nil
	if b.Ops == nil {
		emit(&out)
		return
	}
	t.sel = t.sel[:0]
	for k := range b.Live() {
		i := uint32(k)
		if b.Sel != nil {
			i = b.Sel[k]
		}
		if op := b.Ops[i]; op == vector.Insert || op == vector.UpdateAfter {
			t.sel = append(t.sel, i)
		}
	}
	if n := b.Live() - len(t.sel); n > 0 {
		ctx.Report.Filtered(n)
	}
	if len(t.sel) > 0 {
		out.Sel = t.sel
		emit(&out)
	}
}
