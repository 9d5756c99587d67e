package expr

import "github.com/leatsql/leat/pkg/sql/vector"

// lifted is the scratch of a call that is evaluated once per entry of a dictionary.
type lifted struct {
	dict   vector.Vector // the dictionary as a flat vector
	ctx    Context
	failed []int32 // entry -> index into ctx.Errors + 1
	out    vector.Vector
	valid  []uint64
}

func (c *callNode) worthLifting(ev *evaluator, sel []uint32) bool {
	v := c.f.Args[c.lift]
	if v.Codes == nil || v.Type.Phys() != vector.PhysStr || !c.strict && (!c.firstStrict || c.lift != 0) {
		return false
	}
	rows := ev.n
	if sel != nil {
		rows = len(sel)
	}
	return len(v.Offs)-1 < rows
}

func (c *callNode) evalLifted(ev *evaluator, sel []uint32) *vector.Vector {
	l, v := &c.lifted, c.f.Args[c.lift]
	l.spread(ev, v, sel, c.entries(v))
	if len(l.ctx.Errors) > 0 && !c.try {
		l.report(ev, v, sel)
	}
	return &l.out
}

// entries runs the kernel on the dictionary of v.
func (c *callNode) entries(v *vector.Vector) *vector.Vector {
	l, count := &c.lifted, len(v.Offs)-1
	l.dict = vector.Vector{Type: v.Type, Len: count, Offs: v.Offs, Data: v.Data}
	l.ctx.Errors = l.ctx.Errors[:0]
	c.f.Ctx, c.f.N, c.f.Sel, c.f.Out = &l.ctx, count, nil, &c.out
	for i, a := range c.args {
		if k, ok := a.(*constNode); ok {
			c.f.Args[i] = k.rows(count)
		}
	}
	c.f.Args[c.lift] = &l.dict
	c.f.prepare(c.strict)
	c.kernel(&c.f)
	return &c.out
}

// spread gives each row the result of its entry. Codes of rows that are not selected may be anything, so that only
// selected ones are followed.
func (l *lifted) spread(ev *evaluator, v *vector.Vector, sel []uint32, entry *vector.Vector) {
	n := ev.n
	l.out.Type, l.out.Len, l.out.Valid = entry.Type, n, v.Valid
	switch entry.Type.Phys() {
	case vector.PhysBool:
		l.out.Bool = spread(resize(l.out.Bool, n), entry.Bool, v.Codes, sel)
	case vector.PhysI64:
		l.out.I64 = spread(resize(l.out.I64, n), entry.I64, v.Codes, sel)
	case vector.PhysF64:
		l.out.F64 = spread(resize(l.out.F64, n), entry.F64, v.Codes, sel)
	case vector.PhysI128:
		l.out.I128 = spread(resize(l.out.I128, n), entry.I128, v.Codes, sel)
	case vector.PhysStr:
		l.out.Offs, l.out.Data, l.out.Codes = entry.Offs, entry.Data, v.Codes
		if entry.Codes != nil {
			l.out.Codes = spread(resize(l.out.Codes, n), entry.Codes, v.Codes, sel)
		}
	case vector.PhysNone, vector.PhysNested:
	}
	if entry.Valid != nil {
		l.spreadValid(v, sel, entry)
	}
}

func spread[T any](out, entry []T, codes, sel []uint32) []T {
	if sel == nil {
		for i, c := range codes[:len(out)] {
			out[i] = entry[c]
		}
		return out
	}
	for _, i := range sel {
		out[i] = entry[codes[i]]
	}
	return out
}

func (l *lifted) spreadValid(v *vector.Vector, sel []uint32, entry *vector.Vector) {
	n := l.out.Len
	l.valid = resize(l.valid, vector.Words(n))
	if v.Valid != nil {
		copy(l.valid, v.Valid)
	} else {
		for i := range l.valid {
			l.valid[i] = ^uint64(0)
		}
	}
	l.out.Valid = l.valid
	for i := range rows(n, sel) {
		if entry.Null(int(v.Codes[i])) {
			l.valid[i>>6] &^= 1 << (uint(i) & 63)
		}
	}
}

// report turns the errors of entries into errors of the rows that have them.
func (l *lifted) report(ev *evaluator, v *vector.Vector, sel []uint32) {
	l.failed = resize(l.failed, len(v.Offs)-1)
	clear(l.failed)
	for k, e := range l.ctx.Errors {
		l.failed[e.Row] = int32(k + 1)
	}
	for i := range rows(ev.n, sel) {
		if k := l.failed[v.Codes[i]]; k != 0 && !v.Null(i) {
			e := l.ctx.Errors[k-1]
			ev.ctx.Errors = append(ev.ctx.Errors, RowError{Row: uint32(i), Code: e.Code, Msg: e.Msg})
		}
	}
}

// rows yields the rows of sel, or 0..n-1 when sel is nil.
func rows(n int, sel []uint32) func(func(int) bool) {
	return func(yield func(int) bool) {
		if sel == nil {
			for i := range n {
				if !yield(i) {
					return
				}
			}
			return
		}
		for _, i := range sel {
			if !yield(int(i)) {
				return
			}
		}
	}
}
