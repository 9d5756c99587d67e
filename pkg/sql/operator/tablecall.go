package operator

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// tableCall is one function of a tableOver.
type tableCall struct {
	spec  TableOverAgg
	name  string
	t     vector.Type
	fixed windowFunc // nil: an aggregate
	def   aggDef
	order []SortKey
}

// windowFunc computes a function for all rows of a partition.
type windowFunc func(c *tableCall, b *vector.Batch, p *peerEdges, out *vector.Vector)

// leastArgs are the arguments that a window function cannot do without.
var leastArgs = map[string]int{"NTILE": 1, "LAG": 1, "LEAD": 1, "FIRST_VALUE": 1, "LAST_VALUE": 1, "NTH_VALUE": 2}

// windowFuncs are the functions that are no aggregates.
var windowFuncs = map[string]windowFunc{
	"ROW_NUMBER": numbers(func(_ *peerEdges, i int) int64 { return int64(i) + 1 }),
	"RANK":       numbers(func(p *peerEdges, i int) int64 { return int64(p.start[i]) + 1 }),
	"DENSE_RANK": numbers(func(p *peerEdges, i int) int64 { return int64(p.dense[i]) }),
	"PERCENT_RANK": shares(func(p *peerEdges, i int) float64 {
		return float64(p.start[i]) / math.Max(1, float64(p.n-1))
	}),
	"CUME_DIST":   shares(func(p *peerEdges, i int) float64 { return float64(p.end[i]) / float64(p.n) }),
	"NTILE":       ntile,
	"LAG":         shift(-1),
	"LEAD":        shift(1),
	"FIRST_VALUE": fromFrame(func(_ *tableCall, _ *vector.Batch, _, lo, _ int) int { return lo }),
	"LAST_VALUE":  fromFrame(func(_ *tableCall, _ *vector.Batch, _, _, hi int) int { return hi - 1 }),
	"NTH_VALUE":   fromFrame(nth),
}

func newTableCall(a TableOverAgg, order []SortKey, in *vector.Schema) (tableCall, error) {
	c := tableCall{spec: a, name: strings.ToUpper(a.Func), t: a.T, order: order}
	if err := checkColumns(in, a.Args); err != nil {
		return c, err
	}
	c.fixed = windowFuncs[c.name]
	if a.IgnoreNulls && c.fixed != nil && passesNulls[c.name] == nil {
		return c, errIgnoreNulls
	}
	if c.fixed != nil {
		if least := leastArgs[c.name]; len(a.Args) < least {
			return c, fmt.Errorf("%s needs %d arguments", c.name, least)
		}
		for k, col := range a.Args {
			if (k == 1 || c.name == "NTILE") && !whole64(in.Fields[col].Type) {
				return c, fmt.Errorf("%s counts rows with an integer", c.name)
			}
		}
		return c, c.checkFrame(in)
	}
	call := Agg{Func: a.Func, Args: a.Args, Distinct: a.Distinct, Filter: a.Filter, T: a.T, Order: a.Order}
	d, err := newAggDef(call, in, aggMode{retracts: true})
	c.def = d
	if err != nil {
		return c, err
	}
	c.t = d.out
	return c, c.checkFrame(in)
}

// checkFrame: an offset of RANGE is added to the one column that the rows are ordered by.
func (c *tableCall) checkFrame(in *vector.Schema) error {
	if c.spec.Rows || c.spec.From.Offset == 0 && c.spec.To.Offset == 0 {
		return nil
	}
	if len(c.order) != 1 {
		return errors.New("a RANGE frame with an offset needs one ORDER BY column")
	}
	if p := in.Fields[c.order[0].Col].Type.Phys(); p != vector.PhysI64 && p != vector.PhysF64 {
		return errors.New("a RANGE frame with an offset needs an ORDER BY column that is a number or a time")
	}
	return nil
}

func (c *tableCall) run(b *vector.Batch, p *peerEdges, out *vector.Vector, bad []bool) {
	if c.fixed != nil && c.spec.IgnoreNulls {
		c.passingNulls(b, p, out)
		return
	}
	if c.fixed != nil {
		c.fixed(c, b, p, out)
		return
	}
	c.aggregate(b, p, out, bad)
}

// aggregate lets rows enter and leave the frame: its edges never move back.
func (c *tableCall) aggregate(b *vector.Batch, p *peerEdges, out *vector.Vector, bad []bool) {
	st := c.def.fresh()
	x := aggRow{args: c.def.argVectors(b), exact: true}
	f := frameEdges{c: c, b: b, p: p}
	apply := func(i int, sign int64) {
		if w := c.def.filter; w >= 0 && (isNull(b.Cols[w], i) || !b.Cols[w].Bool[i]) {
			return
		}
		x.i, x.seq, x.time = i, int64(i), b.Time[i]
		if !c.def.nulls.skips(&x) {
			st.add(&x, sign)
		}
	}
	from, to := 0, 0
	for i := range b.Rows {
		lo, hi := f.of(i)
		if lo >= to { // nothing is left of the frame before
			st, from, to = c.def.fresh(), lo, lo
		}
		for ; to < hi; to++ {
			apply(to, 1)
		}
		for ; from < lo; from++ {
			apply(from, -1)
		}
		bad[i] = !st.result(out)
	}
}

// frameEdges finds the frame of each row, row by row.
type frameEdges struct {
	c      *tableCall
	b      *vector.Batch
	p      *peerEdges
	lo, hi int
}

// of is the frame [lo, hi) of row i; rows are asked for in order.
func (f *frameEdges) of(i int) (int, int) {
	s := &f.c.spec
	lo, hi := 0, f.p.n
	switch {
	case s.Rows:
		if !s.From.Unbounded {
			lo = clampRow(int64(i)+s.From.Offset, f.p.n)
		}
		if !s.To.Unbounded {
			hi = clampRow(addSat(int64(i)+1, s.To.Offset), f.p.n)
		}
	default:
		if !s.From.Unbounded {
			lo = f.edge(i, s.From.Offset, false)
		}
		if !s.To.Unbounded {
			hi = f.edge(i, s.To.Offset, true)
		}
	}
	return lo, max(lo, hi)
}

func clampRow(i int64, n int) int { return int(max(0, min(i, int64(n)))) }

// edge is the first row whose ORDER BY value is not before that of row i and the offset (or, behind, is after it). A
// null has its peers alone.
func (f *frameEdges) edge(i int, offset int64, behind bool) int {
	null := len(f.c.order) == 0 || isNull(f.b.Cols[f.c.order[0].Col], i)
	switch {
	case offset == 0 || null:
		if behind {
			return f.p.end[i]
		}
		return f.p.start[i]
	case behind:
		f.hi = f.move(max(f.hi, 0), i, offset, true)
		return f.hi
	default:
		f.lo = f.move(f.lo, i, offset, false)
		return f.lo
	}
}

// move moves an edge on from at.
func (f *frameEdges) move(at, i int, offset int64, behind bool) int {
	k := f.c.order[0]
	v := f.b.Cols[k.Col]
	if k.Desc {
		offset = -offset
	}
	for at < f.p.n {
		if isNull(v, at) {
			if at < i { // nulls first
				at++
				continue
			}
			return at
		}
		order := compareMoved(v, at, i, offset)
		if k.Desc {
			order = -order
		}
		if order > 0 || order == 0 && !behind {
			return at
		}
		at++
	}
	return at
}

// compareMoved compares row a with row i moved by the offset.
func compareMoved(v *vector.Vector, a, i int, offset int64) int {
	if v.Type.Phys() == vector.PhysF64 {
		return compareFloats(v.F64[a], v.F64[i]+float64(offset))
	}
	if v.Type.Kind == vector.Decimal {
		offset *= int64(math.Pow10(int(v.Type.Scale)))
	}
	x, y := v.I64[a], addSat(v.I64[i], offset)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// compareFloats puts NaN above all.
func compareFloats(x, y float64) int {
	switch {
	case x < y || y != y && x == x:
		return -1
	case x > y || x != x && y == y:
		return 1
	}
	return 0
}

func numbers(f func(p *peerEdges, i int) int64) windowFunc {
	return func(_ *tableCall, _ *vector.Batch, p *peerEdges, out *vector.Vector) {
		for i := range p.n {
			out.I64 = append(out.I64, f(p, i))
		}
		vector.SetLen(out, p.n)
	}
}

func shares(f func(p *peerEdges, i int) float64) windowFunc {
	return func(_ *tableCall, _ *vector.Batch, p *peerEdges, out *vector.Vector) {
		for i := range p.n {
			out.F64 = append(out.F64, f(p, i))
		}
		vector.SetLen(out, p.n)
	}
}

// ntile deals the rows into k parts, the first ones one row larger. k below 1 or null gives null.
func ntile(c *tableCall, b *vector.Batch, p *peerEdges, out *vector.Vector) {
	v := b.Cols[c.spec.Args[0]]
	for i := range p.n {
		if isNull(v, i) || v.I64[i] < 1 {
			vector.AppendNull(out)
			continue
		}
		k := v.I64[i]
		small, larger := int64(p.n)/k, int64(p.n)%k
		at := int64(i)
		tile := at / (small + 1)
		if at >= larger*(small+1) {
			tile = larger + (at-larger*(small+1))/max(1, small)
		}
		appendWord(out, uint64(tile+1))
	}
}

// shift is LAG and LEAD: (x[, n[, default]]).
func shift(sign int64) windowFunc {
	return func(c *tableCall, b *vector.Batch, p *peerEdges, out *vector.Vector) {
		args := c.spec.Args
		x := b.Cols[args[0]]
		for i := range p.n {
			n := int64(1)
			if len(args) > 1 {
				v := b.Cols[args[1]]
				if isNull(v, i) {
					vector.AppendNull(out)
					continue
				}
				n = v.I64[i]
			}
			at := addSat(int64(i), sign*n)
			switch {
			case at >= 0 && at < int64(p.n):
				appendCell(out, x, int(at))
			case len(args) > 2:
				appendCell(out, b.Cols[args[2]], i)
			default:
				vector.AppendNull(out)
			}
		}
	}
}

// fromFrame gives the value of one row of the frame.
func fromFrame(row func(c *tableCall, b *vector.Batch, i, lo, hi int) int) windowFunc {
	return func(c *tableCall, b *vector.Batch, p *peerEdges, out *vector.Vector) {
		f := frameEdges{c: c, b: b, p: p}
		x := b.Cols[c.spec.Args[0]]
		for i := range p.n {
			lo, hi := f.of(i)
			if at := row(c, b, i, lo, hi); at >= lo && at < hi {
				appendCell(out, x, at)
			} else {
				vector.AppendNull(out)
			}
		}
	}
}

func nth(c *tableCall, b *vector.Batch, i, lo, _ int) int {
	v := b.Cols[c.spec.Args[1]]
	if isNull(v, i) || v.I64[i] < 1 {
		return -1
	}
	return clampRow(addSat(int64(lo), v.I64[i]-1), b.Rows)
}

// appendCell appends row i of v, a vector of the same form.
func appendCell(out, v *vector.Vector, i int) {
	if isNull(v, i) {
		vector.AppendNull(out)
		return
	}
	sel := [1]uint32{uint32(i)}
	vector.Append(out, v, sel[:])
}
