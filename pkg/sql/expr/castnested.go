package expr

import (
	"sort"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// castNode converts a collection to one of another type, element by element; fields of a STRUCT go by their names.
type castNode struct {
	x    node
	conv *converter
	try  bool
	out  masked
}

// converter is one level of a conversion: of flat values by a kernel, or of what is inside.
type converter struct {
	to   vector.Type
	leaf *callNode
	slot *slotNode
	ctx  Context
	kids []*converter // of a STRUCT nil where the source has no such field
	from []int        // the source's field
	out  vector.Vector
	same bool
}

// slotNode hands on the vector that was put there.
type slotNode struct{ v *vector.Vector }

func (s *slotNode) eval(*evaluator, []uint32) *vector.Vector { return s.v }

// castNested compiles the conversion between collections.
func (c *compiler) castNested(x *Cast, arg node) (node, error) {
	if !x.Profile.castable(x.X.Type(), x.T) {
		return nil, sqlerr.New(sqlerr.TypeMismatch, x.At, "%s does not convert to %s", x.X.Type(), x.T)
	}
	n := &castNode{x: arg, conv: x.Profile.converter(x.X.Type(), x.T), try: x.Try}
	return fold(n, x.T, arg), nil
}

func (p Profile) converter(from, to vector.Type) *converter {
	c := &converter{to: to, out: vector.Vector{Type: to}, same: from.Equal(to)}
	switch {
	case c.same:
	case from.Phys() != vector.PhysNested || to.Phys() != vector.PhysNested:
		k, _ := p.castKernel(from, to)
		c.slot = &slotNode{}
		c.leaf = newCall(k, []node{c.slot}, to)
		c.leaf.lift = -1
	case to.Kind == vector.Struct:
		for _, f := range to.Fields {
			k := fieldNamed(from, f.Name)
			c.from = append(c.from, k)
			if k < 0 {
				c.kids = append(c.kids, p.converter(vector.TNull, f.Type))
			} else {
				c.kids = append(c.kids, p.converter(from.Fields[k].Type, f.Type))
			}
		}
	default:
		for k := range to.Kids() {
			c.from, c.kids = append(c.from, k), append(c.kids, p.converter(from.Kid(k), to.Kid(k)))
		}
	}
	return c
}

func (n *castNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	v := n.x.eval(ev, sel)
	mark := len(ev.ctx.Errors)
	out := n.conv.convert(v)
	wanted := sel
	for _, e := range n.conv.ctx.Errors {
		for len(wanted) > 0 && wanted[0] < e.Row {
			wanted = wanted[1:]
		}
		if wanted == nil || len(wanted) > 0 && wanted[0] == e.Row {
			ev.ctx.Errors = append(ev.ctx.Errors, e)
		}
	}
	out = n.out.mask(out, ev.ctx.Errors[mark:])
	if n.try {
		ev.ctx.Errors = ev.ctx.Errors[:mark]
	}
	return out
}

// convert converts all rows of v; the rows that fail are in ctx, ascending.
func (c *converter) convert(v *vector.Vector) *vector.Vector {
	c.ctx.Errors = c.ctx.Errors[:0]
	switch {
	case c.same:
		return v
	case c.leaf != nil:
		c.slot.v = v
		b := &vector.Batch{Rows: v.Len}
		return c.leaf.eval(&evaluator{ctx: &c.ctx, b: b, n: v.Len}, nil)
	}
	c.out.Len, c.out.Valid, c.out.Kids = v.Len, v.Valid, make([]*vector.Vector, len(c.kids))
	for k, kid := range c.kids {
		source := &vector.Vector{Len: v.Len}
		if c.from[k] >= 0 {
			source = v.Kids[c.from[k]]
		}
		c.out.Kids[k] = kid.convert(source)
		c.raise(v, kid.ctx.Errors)
	}
	dedupe(&c.ctx, 0)
	if c.to.Kind == vector.Struct {
		return &c.out
	}
	c.out.Offs = v.Offs
	if c.to.Kind == vector.Map && !c.kids[0].same {
		return c.sorted()
	}
	return &c.out
}

// raise makes errors of elements errors of the rows that hold them; elements of no row do not count.
func (c *converter) raise(v *vector.Vector, errs []RowError) {
	for _, e := range errs {
		if c.to.Kind != vector.Struct {
			row := sort.Search(v.Len, func(i int) bool { return v.Offs[i+1] > e.Row })
			if row == v.Len || v.Offs[row] > e.Row || v.Null(row) {
				continue
			}
			e.Row = uint32(row)
		}
		c.ctx.Errors = append(c.ctx.Errors, e)
	}
}

// sorted puts the entries of each MAP in the order of their new keys.
func (c *converter) sorted() *vector.Vector {
	out := vector.NewVector(c.to, c.out.Len)
	for i := range c.out.Len {
		if c.out.Null(i) {
			vector.AppendNull(out)
			continue
		}
		lo, hi := c.out.Elements(i)
		for e := lo; e < hi; e++ {
			appendEntry(out, c.out.Kids[0], e, c.out.Kids[1], e)
		}
		vector.Close(out)
	}
	return out
}
