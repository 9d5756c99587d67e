package operator

import (
	"fmt"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// How the calls of aggregates are typed and which kernels or states serve them.

func planCount(c *aggCall) error {
	c.kind, c.out = kindCount, vector.TBigInt
	c.fresh = func() aggState { return &numericState{} }
	if len(c.in) == 0 {
		c.nulls = keepNull
	}
	return nil
}

func planCountDistinct(c *aggCall) error {
	c.distinct = true
	return planCount(c)
}

func sumKind(t vector.Type) aggKind {
	switch t.Kind {
	case vector.Decimal:
		return kindSum128
	case vector.Double:
		return kindSumF
	default:
		return kindSum64
	}
}

func sumType(t vector.Type, ksql bool) vector.Type {
	switch {
	case ksql && t.Kind != vector.Null:
		return t
	case t.Kind == vector.Decimal:
		return vector.TDecimal(38, t.Scale)
	case t.Kind == vector.Double, t.Kind == vector.Interval:
		return t
	default:
		return vector.TBigInt
	}
}

func planSum(c *aggCall) error {
	t := c.arg(0)
	if !numeric(t) {
		return c.refuse(0)
	}
	c.kind, c.out, c.zero = sumKind(t), sumType(t, c.ksql), c.ksql
	mode := numExact
	switch {
	case t.Kind == vector.Double:
		mode = numOne
	case c.ksql && c.kind == kindSum64:
		c.fin = finWrap
	case c.retracts && c.kind == kindSum64:
		c.kind = kindAvgInt // sums come and go: only the result has to fit
	}
	in, out, zero := t, c.out, c.zero
	c.fresh = func() aggState {
		return &numericState{mode: mode, in: in, out: out, zero: zero}
	}
	return nil
}

func avgKind(t vector.Type, ksql bool) aggKind {
	switch {
	case t.Kind == vector.Decimal && !ksql:
		return kindAvgDec
	case t.Kind == vector.Double:
		return kindAvgF
	default:
		return kindAvgInt
	}
}

func planAvg(c *aggCall) error {
	t := c.arg(0)
	if !numeric(t) {
		return c.refuse(0)
	}
	c.kind, c.out, c.zero = avgKind(t, c.ksql), vector.TDouble, c.ksql
	if c.kind == kindAvgDec {
		c.out = vector.TDecimal(38, max(t.Scale, 16))
	}
	mode := numExact
	if t.Kind == vector.Double {
		mode = numOne
	}
	out, zero := c.out, c.zero
	c.fresh = func() aggState { return &numericState{mode: mode, f: meanOf, in: t, out: out, zero: zero} }
	return nil
}

// planSpread is the STDDEV family: sample forms are null for one value, 0 in the ksql profile.
func planSpread(fin, inKsql finish) func(c *aggCall) error {
	return func(c *aggCall) error {
		if !numeric(c.arg(0)) {
			return c.refuse(0)
		}
		c.kind, c.fin, c.out, c.zero = kindVar, fin, vector.TDouble, c.ksql
		if c.ksql {
			c.fin = inKsql
		}
		f := varianceOf(c.fin)
		if c.ksql {
			f = orZero(f)
		}
		c.fresh = func() aggState { return &numericState{mode: numOne, f: f} }
		return nil
	}
}

// planPair is a statistic of two columns.
func planPair(f momentFunc, inKsql momentFunc, out vector.Type) func(c *aggCall) error {
	return func(c *aggCall) error {
		for i := range c.in {
			if !numeric(c.arg(i)) {
				return c.refuse(i)
			}
		}
		c.kind, c.out, c.nulls = kindState, out, skipAny
		f := f
		if c.ksql && inKsql != nil {
			f = inKsql
		}
		c.fresh = func() aggState { return &numericState{mode: numTwo, f: f} }
		return nil
	}
}

// planExtreme is MIN and MAX.
func planExtreme(k aggKind, o orderKind) func(c *aggCall) error {
	return func(c *aggCall) error {
		t := c.arg(0)
		if !ordered(t) {
			return c.refuse(0)
		}
		c.kind, c.out = k, t
		c.fresh = func() aggState { return newOrdered(o, t) }
		return nil
	}
}

func planBool(k aggKind, o orderKind) func(c *aggCall) error {
	extreme := planExtreme(k, o)
	return func(c *aggCall) error {
		if t := c.arg(0); t.Kind != vector.Boolean && t.Kind != vector.Null {
			return c.refuse(0)
		}
		return extreme(c)
	}
}

// planPick is FIRST_VALUE and its kin: (x[, n][, ignoreNulls]).
func planPick(k aggKind, l listKind, byTime bool) func(c *aggCall) error {
	return func(c *aggCall) error {
		rest := c.in[1:]
		many := len(rest) > 0 && whole64(rest[0])
		if many {
			rest = rest[1:]
		}
		nulls := len(rest) > 0 && rest[0].Kind == vector.Boolean
		if nulls {
			rest = rest[1:]
		}
		if len(rest) > 0 {
			return c.refuse(len(c.in) - 1)
		}
		c.kind, c.out = k, c.arg(0)
		if len(c.in) > 1 {
			c.kind, c.nulls = kindState, keepNull
		}
		if many {
			c.out, c.check = arrayOf(c.arg(0)), checkCount(1)
		}
		in, all := c.in, c.retracts
		c.fresh = func() aggState {
			s := &listState{kind: l, in: in, byTime: byTime, scalar: !many, nulls: nulls, all: all, limit: 1}
			if many {
				s.limit = 0
			}
			return s
		}
		return nil
	}
}

// planList is COLLECT_LIST.
func planList(c *aggCall) error {
	c.kind, c.out, c.nulls = kindState, arrayOf(c.arg(0)), keepNull
	in, limit := c.in, c.limit
	c.fresh = func() aggState { return &listState{kind: listArray, in: in, limit: limit} }
	return nil
}

func planText(c *aggCall) error {
	if t := c.arg(0); !ordered(t) {
		return c.refuse(0)
	}
	if len(c.in) > 1 && c.arg(1).Kind != vector.String {
		return c.refuse(1)
	}
	c.kind, c.out = kindState, vector.TString
	in := c.in
	c.fresh = func() aggState { return &listState{kind: listText, in: in, limit: maxElements, sep: []byte(",")} }
	return nil
}

// planSet is an aggregate over the different values.
func planSet(k setKind) func(c *aggCall) error {
	return func(c *aggCall) error {
		t := c.arg(0)
		limit := 0
		c.kind, c.out = kindState, t
		switch k {
		case setList:
			c.out, c.nulls, limit = arrayOf(t), keepNull, c.limit
		case setMap:
			if t.Kind != vector.String && t.Kind != vector.Null {
				return c.refuse(0)
			}
			count := vector.TBigInt
			key := vector.TString
			c.out = vector.Type{Kind: vector.Map, Key: &key, Elem: &count}
			limit = min(c.limit, 1000)
		case setAttr:
			c.nulls = keepNull
		case setMode:
			if !ordered(t) {
				return c.refuse(0)
			}
		default:
			c.out = vector.TBigInt
		}
		in := c.in
		c.fresh = func() aggState { return &setState{kind: k, limit: limit, types: in} }
		return nil
	}
}

// planTop is TOPK(x[, c..], k).
func planTop(k rankKind) func(c *aggCall) error {
	return func(c *aggCall) error {
		last := len(c.in) - 1
		if !ordered(c.arg(0)) {
			return c.refuse(0)
		}
		if !whole64(c.arg(last)) {
			return c.refuse(last)
		}
		keep := c.in[:last]
		elem := keep[0]
		if len(keep) > 1 {
			elem = vector.Type{Kind: vector.Struct, Fields: []vector.Field{{Name: "sort_col", Type: keep[0]}}}
			for i, t := range keep[1:] {
				elem.Fields = append(elem.Fields, vector.Field{Name: fmt.Sprintf("col%d", i), Type: t})
			}
		}
		c.kind, c.out, c.check = kindState, arrayOf(elem), checkCount(last)
		all := c.retracts
		c.fresh = func() aggState { return &rankedState{kind: k, desc: true, all: all, keep: keep} }
		return nil
	}
}

// planArg is ARG_MIN(x, by) and ARG_MAX.
func planArg(desc bool) func(c *aggCall) error {
	return func(c *aggCall) error {
		if !ordered(c.arg(1)) {
			return c.refuse(1)
		}
		c.kind, c.out, c.nulls = kindState, c.arg(0), skipAny
		keep, all := c.in[:1], c.retracts
		c.fresh = func() aggState { return &rankedState{kind: rankArg, desc: desc, all: all, keep: keep} }
		return nil
	}
}

func planMedian(c *aggCall) error {
	t := c.arg(0)
	if !numeric(t) {
		return c.refuse(0)
	}
	c.kind, c.out = kindState, vector.TDouble
	c.fresh = func() aggState { return newOrdered(ordMedian, t) }
	return nil
}

// planPercentile is PERCENTILE_CONT(x, p) and PERCENTILE_DISC. With p alone it is the point p of the scale 0 to 100.
func planPercentile(o orderKind) func(c *aggCall) error {
	return func(c *aggCall) error {
		t, p := c.arg(0), len(c.in)-1
		if !numeric(c.arg(p)) {
			return c.refuse(p)
		}
		c.kind, c.out, c.check = kindState, vector.TDouble, checkShare(p)
		if p == 0 {
			c.fresh = func() aggState { return &scaleState{} }
			return nil
		}
		if o == ordDisc && ordered(t) {
			c.out = t
		} else if !numeric(t) {
			return c.refuse(0)
		}
		c.fresh = func() aggState { return newOrdered(o, t) }
		return nil
	}
}

func planSketch(c *aggCall) error {
	for i := range c.in {
		if !numeric(c.arg(i)) {
			return c.refuse(i)
		}
	}
	c.kind, c.out, c.check = kindState, vector.TDouble, checkShare(1)
	c.fresh = func() aggState { return &sketchState{} }
	return nil
}

func planApproxCount(c *aggCall) error {
	c.kind, c.out = kindState, vector.TBigInt
	in := c.in
	c.fresh = func() aggState { return &hllState{} }
	if c.retracts {
		c.fresh = func() aggState { return &setState{kind: setCount, types: in} }
	}
	return nil
}

// checkCount: argument i is a number of elements.
func checkCount(i int) func(x *aggRow) string {
	return func(x *aggRow) string {
		if v := x.args[i]; isNull(v, x.i) || v.I64[x.i] < 1 || v.I64[x.i] > maxElements {
			return fmt.Sprintf("the number of values is from 1 to %d", maxElements)
		}
		return ""
	}
}

// checkShare: argument i is a share from 0 to 1, or null where it stands alone.
func checkShare(i int) func(x *aggRow) string {
	return func(x *aggRow) string {
		v := x.args[i]
		if isNull(v, x.i) {
			if i == 0 {
				return ""
			}
		} else if p := number(v, uint32(x.i)); p >= 0 && p <= 1 {
			return ""
		}
		return "the share of a percentile is a number from 0 to 1"
	}
}

// scaleState is the point p of the scale 0 to 100, of the last row.
type scaleState struct {
	n int64
	p float64
}

func (s *scaleState) add(x *aggRow, sign int64) {
	s.n += sign
	s.p = number(x.args[0], uint32(x.i))
}

func (s *scaleState) merge(o aggState) {
	if other, ok := o.(*scaleState); ok {
		s.n, s.p = s.n+other.n, other.p
	}
}

func (s *scaleState) result(out *vector.Vector) bool {
	if s.n <= 0 {
		vector.AppendNull(out)
		return true
	}
	out.F64 = append(out.F64, 100*s.p)
	vector.SetLen(out, out.Len+1)
	return true
}

func (s *scaleState) snapshot(dst []byte) []byte { return putU64(putI64(dst, s.n), float64Bits(s.p)) }
func (s *scaleState) restore(r *reader)          { s.n, s.p = r.i64(), r.f64() }
func (s *scaleState) bytes() int                 { return 16 }
