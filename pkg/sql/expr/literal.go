package expr

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

// literalVector returns a vector of one row that holds the constant.
func literalVector(l *Literal) *vector.Vector {
	v := vector.NewVector(l.T, 1)
	if l.V == nil {
		vector.AppendNull(v)
		return v
	}
	switch x := l.V.(type) {
	case bool:
		v.Bool = append(v.Bool, x)
	case int64:
		v.I64 = append(v.I64, x)
	case float64:
		v.F64 = append(v.F64, x)
	case vector.Int128:
		if l.T.Phys() == vector.PhysI128 {
			v.I128 = append(v.I128, x)
			break
		}
		v.I64 = append(v.I64, int64(x.Lo))
	case string:
		v.Data = append(v.Data, x...)
		v.Offs = append(v.Offs, uint32(len(v.Data)))
	case []byte:
		v.Data = append(v.Data, x...)
		v.Offs = append(v.Offs, uint32(len(v.Data)))
	default:
		panic("expr: a literal holds a value of an unknown Go type")
	}
	vector.SetLen(v, 1)
	return v
}

// constNode is a constant; its one row is repeated for as many rows as a batch has, and kept between batches.
type constNode struct {
	one *vector.Vector
	all vector.Vector // rows repeated so far
	out vector.Vector // all, cut to the batch
}

func newConst(one *vector.Vector) *constNode {
	return &constNode{one: one, all: vector.Vector{Type: one.Type}}
}

func (c *constNode) null() bool { return c.one.Type.Kind == vector.Null || c.one.Null(0) }

func (c *constNode) eval(ev *evaluator, _ []uint32) *vector.Vector { return c.rows(ev.n) }

// rows returns the constant as a vector of n rows.
func (c *constNode) rows(n int) *vector.Vector {
	if c.all.Len < n {
		c.grow(n)
	}
	c.out = c.all
	c.out.Len = n
	switch c.one.Type.Phys() {
	case vector.PhysBool:
		c.out.Bool = c.all.Bool[:n]
	case vector.PhysI64:
		c.out.I64 = c.all.I64[:n]
	case vector.PhysF64:
		c.out.F64 = c.all.F64[:n]
	case vector.PhysI128:
		c.out.I128 = c.all.I128[:n]
	case vector.PhysStr:
		c.out.Codes = c.all.Codes[:n]
	case vector.PhysNested:
		return vector.SliceVector(&c.all, 0, n)
	case vector.PhysNone:
	}
	if c.out.Valid != nil {
		c.out.Valid = c.all.Valid[:vector.Words(n)]
	}
	return &c.out
}

func (c *constNode) grow(n int) {
	if c.one.Type.Phys() == vector.PhysNested { // may be large: not more of them than rows
		c.all = *vector.Gather(c.one, make([]uint32, n))
		return
	}
	n = max(n, 1024)
	c.all.Len = n
	if c.null() {
		c.all.Valid = make([]uint64, vector.Words(n))
	}
	switch c.one.Type.Phys() {
	case vector.PhysBool:
		c.all.Bool = repeat(c.one.Bool[0], n)
	case vector.PhysI64:
		c.all.I64 = repeat(c.one.I64[0], n)
	case vector.PhysF64:
		c.all.F64 = repeat(c.one.F64[0], n)
	case vector.PhysI128:
		c.all.I128 = repeat(c.one.I128[0], n)
	case vector.PhysStr:
		c.all.Codes = make([]uint32, n)
		c.all.Offs, c.all.Data = c.one.Offs, c.one.Data
	case vector.PhysNone, vector.PhysNested:
	}
}

func repeat[T any](x T, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = x
	}
	return out
}
