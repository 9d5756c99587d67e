package operator

import (
	"cmp"
	"slices"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// joinCond is the condition of a join over pairs of rows.
type joinCond struct {
	pred *predicate
	out  *joinOut // gathers the columns that it reads
	want []bool   // the columns that it reads
	sel  []uint32
}

// newJoinCond compiles the condition e; nil is none.
func newJoinCond(e expr.Expr, left, right *vector.Schema, rows [2]*joinRows) (*joinCond, error) {
	if e == nil {
		return nil, nil //nolint:nilnil // no condition is no error
	}
	p, err := newPredicate(e)
	if err != nil {
		return nil, err
	}
	both := bothSides(left, right)
	c := &joinCond{pred: p, out: newJoinOut(both, len(left.Fields), rows), want: make([]bool, len(both.Fields))}
	readColumns(e, c.want)
	return c, nil
}

// bothSides is the columns of two schemas.
func bothSides(left, right *vector.Schema) *vector.Schema {
	s := &vector.Schema{Fields: make([]vector.Field, 0, len(left.Fields)+len(right.Fields))}
	s.Fields = append(append(s.Fields, left.Fields...), right.Fields...)
	return s
}

// readColumns marks the columns that an expression reads; all of them where it is of a kind not known here.
func readColumns(e expr.Expr, want []bool) {
	switch x := e.(type) {
	case nil:
	case *expr.Column:
		if x.Index >= 0 && x.Index < len(want) {
			want[x.Index] = true
		}
	case *expr.Literal:
	case *expr.Call:
		for _, a := range x.Args {
			readColumns(a, want)
		}
	case *expr.Cast:
		readColumns(x.X, want)
	case *expr.Case:
		for i := range x.When {
			readColumns(x.When[i], want)
			readColumns(x.Then[i], want)
		}
		readColumns(x.Else, want)
	case *expr.Try:
		readColumns(x.X, want)
	default:
		for i := range want {
			want[i] = true
		}
	}
}

// pairs is candidate pairs of the rows of a batch, own row by own row, and what the condition says about them.
type pairs struct {
	own, other []rowRef
	at         []int64 // event times of the pairs, where the condition may ask for them
	pass       []bool
	failed     []expr.RowError // by pair, ascending
}

func (p *pairs) reset() {
	p.own, p.other, p.at, p.failed = p.own[:0], p.other[:0], p.at[:0], p.failed[:0]
}

func (p *pairs) add(own, other rowRef, t int64) {
	p.own, p.other, p.at = append(p.own, own), append(p.other, other), append(p.at, t)
}

// judge fills pass and failed of p, whose own rows are of side port.
func (c *joinCond) judge(ctx *Context, port int, b *vector.Batch, p *pairs) {
	p.pass, p.failed = grow(p.pass, len(p.own)), p.failed[:0]
	if c == nil {
		for i := range p.pass {
			p.pass[i] = true
		}
		return
	}
	clear(p.pass)
	o := c.out
	o.begin(ctx, port, b, nil)
	for from := 0; from < len(p.own); from += outRows {
		to := min(from+outRows, len(p.own))
		o.refs[port], o.refs[1-port] = append(o.refs[port][:0], p.own[from:to]...),
			append(o.refs[1-port][:0], p.other[from:to]...)
		o.times = append(o.times[:0], p.at[from:to]...)
		eval := vector.Batch{
			Schema: o.schema, Rows: to - from, Cols: o.columns(c.want), Time: o.times, Watermark: vector.NoTime,
			AppendTime: ctx.AppendTime,
		}
		sel, failed := c.pred.keep(&eval, c.sel)
		c.sel = sel
		for _, i := range sel {
			p.pass[from+int(i)] = true
		}
		for _, f := range failed {
			f.Row += uint32(from)
			p.failed = append(p.failed, f)
		}
		o.reset()
	}
}

// failure returns the first error among pairs [from, to).
func (p *pairs) failure(from, to int) *expr.RowError {
	i, _ := slices.BinarySearchFunc(p.failed, from, func(e expr.RowError, k int) int {
		return cmp.Compare(int(e.Row), k)
	})
	if i < len(p.failed) && int(p.failed[i].Row) < to {
		return &p.failed[i]
	}
	return nil
}
