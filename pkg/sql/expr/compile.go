package expr

import (
	"cmp"
	"slices"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Program is a compiled expression. It owns the memory of its results: what Eval returns holds until the next Eval of
// the same program. It is not safe for use by several goroutines.
type Program struct {
	t    vector.Type
	root node
	pred predicate // made when Filter is called first
	ev   evaluator
	out  masked
}

// node is a compiled expression. eval returns a vector of ev.n rows in which the rows of sel (nil: all) are computed;
// it reports errors of those rows alone. The vector is the node's until it is evaluated again.
type node interface {
	eval(ev *evaluator, sel []uint32) *vector.Vector
}

// evaluator is what one evaluation works on.
type evaluator struct {
	ctx *Context
	b   *vector.Batch
	n   int
	// Inside of a lambda: the row of the whole expression that each element belongs to, and how many elements the
	// lambdas have taken for each of those.
	owner []uint32
	spent []uint32
}

// maxDepth bounds the nesting of an expression.
const maxDepth = 500

type compiler struct{ depth int }

// Compile turns an expression into kernels. Constant parts are evaluated once, here.
func Compile(e Expr) (*Program, error) {
	c := &compiler{}
	root, err := c.compile(e)
	if err != nil {
		return nil, err
	}
	return &Program{t: e.Type(), root: root}, nil
}

// Type returns the type of the result.
func (p *Program) Type() vector.Type { return p.t }

// Eval computes the expression for the selected rows of b; the result has b.Rows rows, and those that are not selected
// may hold anything. Rows that fail are null and reported in ctx.
func (p *Program) Eval(ctx *Context, b *vector.Batch) *vector.Vector {
	p.ev = evaluator{ctx: ctx, b: b, n: b.Rows}
	mark := len(ctx.Errors)
	out := p.root.eval(&p.ev, b.Sel)
	dedupe(ctx, mark)
	return p.out.mask(out, ctx.Errors[mark:])
}

// dedupe sorts the errors after mark by row and keeps the first of each row.
func dedupe(ctx *Context, mark int) {
	if len(ctx.Errors)-mark < 2 {
		return
	}
	fresh := ctx.Errors[mark:]
	slices.SortStableFunc(fresh, func(a, b RowError) int { return cmp.Compare(a.Row, b.Row) })
	fresh = slices.CompactFunc(fresh, func(a, b RowError) bool { return a.Row == b.Row })
	ctx.Errors = ctx.Errors[:mark+len(fresh)]
}

func (c *compiler) compile(e Expr) (node, error) {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxDepth {
		return nil, sqlerr.New(sqlerr.TooLarge, e.Span(), "the expression is nested more than %d levels deep", maxDepth)
	}
	switch x := e.(type) {
	case *Column:
		return &columnNode{index: x.Index, out: vector.Vector{Type: x.T}}, nil
	case *Literal:
		return newConst(literalVector(x)), nil
	case *Call:
		return c.call(x)
	case *Cast:
		return c.cast(x)
	case *Case:
		return c.caseWhen(x)
	case *Lambda:
		return nil, sqlerr.New(sqlerr.BadStatement, x.At, "a lambda stands only in TRANSFORM, FILTER and REDUCE")
	case *Try:
		inner, err := c.compile(x.X)
		if err != nil {
			return nil, err
		}
		return fold(&tryNode{x: inner}, x.Type(), inner), nil
	default:
		return nil, sqlerr.New(sqlerr.NotSupported, e.Span(), "%s is not supported here", e)
	}
}

func (c *compiler) all(list []Expr) ([]node, error) {
	out := make([]node, len(list))
	for i, e := range list {
		n, err := c.compile(e)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

func (c *compiler) call(x *Call) (node, error) {
	if x.Func.lazy != nil {
		return x.Func.lazy(c, x)
	}
	m, err := resolve(x.Func, operands(x.Args))
	if err != nil {
		return nil, sqlerr.New(sqlerr.TypeMismatch, x.At, "%s", err)
	}
	args, err := c.all(x.Args)
	if err != nil {
		return nil, err
	}
	n := newCall(m.Kernel, args, x.T)
	n.strict, n.cmp = !x.Func.NullSafe, m.cmp
	n.firstStrict, n.twoValued = x.Func.firstStrict, x.Func.twoValued
	if x.Func.NotDeterministic {
		n.lift = -1
		return n, nil
	}
	return fold(n, x.T, args...), nil
}

// fold evaluates n at once when all its inputs are constants and it does not fail.
func fold(n node, t vector.Type, inputs ...node) node {
	for _, in := range inputs {
		if _, ok := in.(*constNode); !ok {
			return n
		}
	}
	ctx := &Context{}
	v := n.eval(&evaluator{ctx: ctx, b: &vector.Batch{Rows: 1, Schema: &vector.Schema{}}, n: 1}, nil)
	if len(ctx.Errors) > 0 {
		return n
	}
	one := vector.CloneVector(v)
	if one.Type.Phys() == vector.PhysStr {
		one = vector.NewVector(t, 1)
		vector.Append(one, flat(v), nil)
	}
	one.Type = t
	return newConst(one)
}

// flat returns a copy of v without Codes.
func flat(v *vector.Vector) *vector.Vector {
	if v.Codes == nil {
		return v
	}
	out := &vector.Vector{Type: v.Type, Len: v.Len, Valid: v.Valid, Offs: []uint32{0}}
	for i := range v.Len {
		out.Data = append(out.Data, v.Bytes(i)...)
		out.Offs = append(out.Offs, uint32(len(out.Data)))
	}
	return out
}
