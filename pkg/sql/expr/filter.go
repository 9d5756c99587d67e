package expr

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// predicate selects rows. sel lists the rows to look at (nil: all); the ones that are TRUE are appended to dst,
// ascending.
type predicate interface {
	filter(ev *evaluator, sel, dst []uint32) []uint32
}

// Filter returns the selected rows of b for which the expression is TRUE, ascending; it writes into the memory of dst.
// Rows that fail are not among them and are reported in ctx. A term of AND is not evaluated for a row that an earlier
// term has not found TRUE.
func (p *Program) Filter(ctx *Context, b *vector.Batch, dst []uint32) []uint32 {
	if p.pred == nil {
		p.pred = makePredicate(p.root)
	}
	p.ev = evaluator{ctx: ctx, b: b, n: b.Rows}
	mark := len(ctx.Errors)
	dst = p.pred.filter(&p.ev, b.Sel, dst[:0])
	if len(ctx.Errors) > mark {
		dedupe(ctx, mark)
		dst = without(dst, ctx.Errors[mark:])
	}
	if dst == nil {
		dst = []uint32{} // nil would mean all rows
	}
	return dst
}

// without removes the rows of errs, both ascending.
func without(sel []uint32, errs []RowError) []uint32 {
	return slices.DeleteFunc(sel, func(i uint32) bool {
		for len(errs) > 0 && errs[0].Row < i {
			errs = errs[1:]
		}
		return len(errs) > 0 && errs[0].Row == i
	})
}

func makePredicate(n node) predicate {
	switch x := n.(type) {
	case *logicNode:
		parts := make([]predicate, len(x.args))
		for i, a := range x.args {
			parts[i] = makePredicate(a)
		}
		if x.stop {
			return &anyOf{parts: parts}
		}
		return &allOf{parts: parts}
	case *callNode:
		if p := comparePredicate(x); p != nil {
			return p
		}
		if x.lift >= 0 {
			return &liftedPredicate{call: x}
		}
	}
	return &boolPredicate{n: n}
}

// allOf is AND: each part looks only at what the parts before have left.
type allOf struct {
	parts []predicate
	buf   [2][]uint32
}

func (a *allOf) filter(ev *evaluator, sel, dst []uint32) []uint32 {
	last := len(a.parts) - 1
	for k, p := range a.parts[:last] {
		a.buf[k&1] = p.filter(ev, sel, a.buf[k&1][:0])
		if sel = a.buf[k&1]; len(sel) == 0 {
			return dst
		}
	}
	return a.parts[last].filter(ev, sel, dst)
}

// anyOf is OR: each part looks only at what the parts before have not taken.
type anyOf struct {
	parts []predicate
	hits  []uint32
	rest  [2][]uint32
	took  [2][]uint32
}

func (o *anyOf) filter(ev *evaluator, sel, dst []uint32) []uint32 {
	took := o.took[0][:0]
	for k, p := range o.parts {
		o.hits = p.filter(ev, sel, o.hits[:0])
		merged := o.took[(k+1)&1][:0]
		merged = union(merged, took, o.hits)
		o.took[(k+1)&1] = merged
		took = merged
		if k == len(o.parts)-1 {
			break
		}
		rest := o.rest[k&1][:0]
		if rest == nil {
			rest = make([]uint32, 0, ev.n)
		}
		rest = minus(rest, ev.n, sel, o.hits)
		o.rest[k&1] = rest
		if sel = rest; len(sel) == 0 {
			break
		}
	}
	return append(dst, took...)
}

// union appends two ascending lists without common rows, in order.
func union(dst, a, b []uint32) []uint32 {
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			dst, a = append(dst, a[0]), a[1:]
		} else {
			dst, b = append(dst, b[0]), b[1:]
		}
	}
	return append(append(dst, a...), b...)
}

// minus appends the rows of sel (nil: 0..n-1) that are not in hits.
func minus(dst []uint32, n int, sel, hits []uint32) []uint32 {
	for i := range rows(n, sel) {
		if len(hits) > 0 && hits[0] == uint32(i) {
			hits = hits[1:]
			continue
		}
		dst = append(dst, uint32(i))
	}
	return dst
}

// boolPredicate evaluates any BOOLEAN expression and takes the rows that are TRUE.
type boolPredicate struct{ n node }

func (p *boolPredicate) filter(ev *evaluator, sel, dst []uint32) []uint32 {
	if sel != nil && len(sel) == 0 || ev.n == 0 {
		return dst
	}
	v := p.n.eval(ev, sel)
	if v.Type.Kind == vector.Null {
		return dst
	}
	at := len(dst)
	dst = room(dst, ev.n, sel)
	out, k := dst[at:], 0
	if sel == nil {
		for i, b := range v.Bool[:ev.n] {
			out[k] = uint32(i)
			k += int(b2u(b))
		}
	} else {
		for _, i := range sel {
			out[k] = i
			k += int(b2u(v.Bool[i]))
		}
	}
	return dropNulls(dst[:at+k], at, v)
}

// room grows dst by as many rows as there are to look at; the kernels write before they know whether a row counts, so
// that one more is needed.
func room(dst []uint32, n int, sel []uint32) []uint32 {
	if sel != nil {
		n = len(sel)
	}
	return slices.Grow(dst, n+1)[:len(dst)+n+1]
}

// dropNulls removes the rows of dst[at:] in which v is null.
func dropNulls(dst []uint32, at int, v *vector.Vector) []uint32 {
	if v.Valid == nil {
		return dst
	}
	k := at
	for _, i := range dst[at:] {
		dst[k] = i
		k += int(v.Valid[i>>6] >> (i & 63) & 1)
	}
	return dst[:k]
}

// liftedPredicate is a call whose one varying argument is a string: with a small dictionary it is evaluated once per
// entry, and a row is one look-up by code.
type liftedPredicate struct {
	call *callNode
	hit  []bool
}

func (p *liftedPredicate) filter(ev *evaluator, sel, dst []uint32) []uint32 {
	c := p.call
	if sel != nil && len(sel) == 0 || ev.n == 0 {
		return dst
	}
	v := c.args[c.lift].eval(ev, sel)
	c.f.Args[c.lift] = v
	if !c.worthLifting(ev, sel) {
		return (&boolPredicate{n: c}).filter(ev, sel, dst)
	}
	entry := c.entries(v)
	if len(c.lifted.ctx.Errors) > 0 && !c.try {
		c.lifted.report(ev, v, sel)
	}
	p.hit = append(p.hit[:0], entry.Bool[:entry.Len]...)
	if entry.Valid != nil {
		for i := range p.hit {
			p.hit[i] = p.hit[i] && !entry.Null(i)
		}
	}
	at := len(dst)
	dst = room(dst, ev.n, sel)
	out, k, codes, hit := dst[at:], 0, v.Codes, p.hit
	if sel == nil {
		for i, c := range codes[:ev.n] {
			out[k] = uint32(i)
			k += int(b2u(hit[c]))
		}
	} else {
		for _, i := range sel {
			out[k] = i
			k += int(b2u(hit[codes[i]]))
		}
	}
	return dropNulls(dst[:at+k], at, v)
}
