package expr

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// The columns of the random expressions.
var propColumns = []vector.Type{
	vector.TInt, vector.TBigInt, vector.TDecimal(6, 2), vector.TDecimal(25, 5), vector.TString,
	vector.TBoolean,
}

// anyLiteral draws a constant of a type; small numbers are frequent, so that rows meet.
func anyLiteral(t *rapid.T, typ vector.Type) *Literal {
	l := &Literal{T: typ}
	if rapid.IntRange(0, 7).Draw(t, "null") == 0 {
		return l
	}
	switch typ.Kind {
	case vector.Boolean:
		l.V = rapid.Bool().Draw(t, "bool")
	case vector.Int:
		l.V = int64(rapid.OneOf(rapid.Int32Range(-3, 3), rapid.Int32()).Draw(t, "int"))
	case vector.BigInt:
		l.V = rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64()).Draw(t, "bigint")
	case vector.Decimal:
		if typ.Precision == 6 {
			l.V = vector.FromInt64(rapid.Int64Range(-999999, 999999).Draw(t, "dec"))
			break
		}
		v, _ := vector.FromInt64(rapid.Int64().Draw(t, "dec")).MulChecked(vector.FromInt64(rapid.Int64Range(0,
			999999).Draw(t, "dec")))
		l.V = v
	default:
		l.V = rapid.SampledFrom([]string{"", "a", "ab", "abc", "b%", "日本", "本"}).Draw(t, "string")
	}
	return l
}

// propBatch draws a batch with some rows selected; strings have a dictionary now and then.
func propBatch(t *rapid.T) *vector.Batch {
	n := rapid.IntRange(1, 80).Draw(t, "rows")
	b := &vector.Batch{Rows: n, Time: make([]int64, n)}
	for _, typ := range propColumns {
		v := vector.NewVector(typ, n)
		for range n {
			vector.Append(v, literalVector(anyLiteral(t, typ)), nil)
		}
		if typ.Kind == vector.String && rapid.Bool().Draw(t, "dictionary") {
			v = encode(v)
		}
		b.Cols = append(b.Cols, v)
	}
	if rapid.Bool().Draw(t, "sel") {
		b.Sel = []uint32{}
		for i := range n {
			if rapid.IntRange(0, 2).Draw(t, "selected") > 0 {
				b.Sel = append(b.Sel, uint32(i))
			}
		}
	}
	return b
}

// encode gives a flat string vector a dictionary.
func encode(v *vector.Vector) *vector.Vector {
	out := &vector.Vector{Type: v.Type, Len: v.Len, Valid: v.Valid, Offs: []uint32{0}, Codes: make([]uint32, v.Len)}
	codes := map[string]uint32{}
	for i := range v.Len {
		s := string(v.Bytes(i))
		c, ok := codes[s]
		if !ok {
			c = uint32(len(codes))
			codes[s] = c
			out.Data = append(out.Data, s...)
			out.Offs = append(out.Offs, uint32(len(out.Data)))
		}
		out.Codes[i] = c
	}
	return out
}

func column(i int) Expr {
	return &Column{Index: i, Name: fmt.Sprintf("c%d", i), T: propColumns[i]}
}

// anyNumber and anyBool draw expressions of some depth; calls that do not type are drawn anew as their first argument.
func (p Profile) anyNumber(t *rapid.T, depth int) Expr {
	pick := rapid.IntRange(0, 9).Draw(t, "number")
	if depth == 0 || pick < 3 {
		i := rapid.IntRange(0, 3).Draw(t, "column")
		if pick == 0 {
			return anyLiteral(t, propColumns[i])
		}
		return column(i)
	}
	x := p.anyNumber(t, depth-1)
	var args []Expr
	var name string
	switch pick {
	case 3:
		name, args = "NEG", []Expr{x}
	case 4:
		c, err := p.Case([]Expr{p.anyBool(t, depth-1), p.anyBool(t, depth-1)}, []Expr{x, p.anyNumber(t, depth-1)},
			p.anyNumber(t, depth-1), sqlerr.Span{})
		if err != nil {
			return x
		}
		return c
	case 5:
		name, args = "COALESCE", []Expr{x, p.anyNumber(t, depth-1), p.anyNumber(t, depth-1)}
	case 6:
		return &Try{X: x}
	default:
		name = rapid.SampledFrom([]string{"+", "-", "*", "/", "%"}).Draw(t, "op")
		args = []Expr{x, p.anyNumber(t, depth-1)}
	}
	call, err := p.Call(name, args, sqlerr.Span{})
	if err != nil {
		return x
	}
	return call
}

func (p Profile) anyString(t *rapid.T, depth int) Expr {
	switch pick := rapid.IntRange(0, 4).Draw(t, "string"); {
	case depth == 0 || pick < 2:
		return column(4)
	case pick == 2:
		l := anyLiteral(t, vector.TString)
		return l
	case pick == 3:
		c, err := p.Case([]Expr{p.anyBool(t, depth-1)}, []Expr{p.anyString(t, depth-1)}, p.anyString(t, depth-1),
			sqlerr.Span{})
		if err != nil {
			return column(4)
		}
		return c
	default:
		c, err := p.Call("||", []Expr{p.anyString(t, depth-1), p.anyString(t, depth-1)}, sqlerr.Span{})
		if err != nil {
			return column(4)
		}
		return c
	}
}

func (p Profile) anyBool(t *rapid.T, depth int) Expr {
	compare := rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"})
	pick := rapid.IntRange(0, 9).Draw(t, "bool")
	var args []Expr
	var name string
	switch {
	case depth == 0 || pick == 0:
		return column(5)
	case pick == 1:
		name, args = "NOT", []Expr{p.anyBool(t, depth-1)}
	case pick < 5:
		name = rapid.SampledFrom([]string{"AND", "OR"}).Draw(t, "logic")
		args = []Expr{p.anyBool(t, depth-1), p.anyBool(t, depth-1)}
	case pick == 5:
		name, args = "IS NULL", []Expr{p.anyNumber(t, depth-1)}
	case pick == 6:
		name = "LIKE"
		pattern := rapid.SampledFrom([]string{"%", "a%", "%b", "_b", "%b%", "a_c", "日%", "", "_"}).Draw(t, "pattern")
		args = []Expr{p.anyString(t, depth-1), &Literal{V: pattern, T: vector.TString}}
	case pick == 7:
		name = compare.Draw(t, "op")
		args = []Expr{p.anyString(t, depth-1), p.anyString(t, depth-1)}
	case pick == 8:
		name = rapid.SampledFrom([]string{"IN", "BETWEEN"}).Draw(t, "name")
		args = []Expr{p.anyNumber(t, depth-1), p.anyNumber(t, depth-1), p.anyNumber(t, 0)}
	default:
		name = compare.Draw(t, "op")
		args = []Expr{p.anyNumber(t, depth-1), p.anyNumber(t, depth-1)}
	}
	call, err := p.Call(name, args, sqlerr.Span{})
	if err != nil {
		return column(5)
	}
	return call
}

// TestPrograms compares kernels with the interpreter of one row below.
func TestPrograms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		profile := rapid.SampledFrom([]Profile{Leat, Ksql}).Draw(t, "profile")
		x := profile.anyBool(t, 4)
		if rapid.Bool().Draw(t, "kind") {
			x = profile.anyNumber(t, 4)
		}
		p, err := Compile(x)
		if err != nil {
			t.Fatalf("%s: %v", x, err)
		}
		for range 2 { // memory is used again
			b := propBatch(t)
			compareWithOracle(t, x, p, b)
			if x.Type().Kind == vector.Boolean {
				compareFilter(t, x, p, b)
			}
		}
	})
}

func compareWithOracle(t *rapid.T, x Expr, p *Program, b *vector.Batch) {
	ctx := &Context{}
	v := p.Eval(ctx, b)
	failed := map[uint32]bool{}
	last := -1
	for _, e := range ctx.Errors {
		failed[e.Row] = true
		if int(e.Row) <= last || b.Sel != nil && !slices.Contains(b.Sel, e.Row) {
			t.Fatalf("%s: errors %v, selected %v", x, ctx.Errors, b.Sel)
		}
		last = int(e.Row)
	}
	for i := range rows(b.Rows, b.Sel) {
		want, ok := oracle(x, b, i)
		if ok == failed[uint32(i)] {
			t.Fatalf("%s row %d: the oracle says %v, %v; errors %v\n%s", x, i, want, ok, ctx.Errors, showRow(b, i))
		}
		if !ok {
			want = nil
		}
		if got := plain(v, i); !same(got, want) {
			t.Fatalf("%s row %d: got %v, want %v\n%s", x, i, got, want, showRow(b, i))
		}
	}
}

// compareFilter holds Filter against Eval. Filter may leave out the errors of terms it need not look at, and may then
// take a row that fails in Eval: (NULL AND 1/0 = 1) OR TRUE.
func compareFilter(t *rapid.T, x Expr, p *Program, b *vector.Batch) {
	ctx, fctx := &Context{}, &Context{}
	v := p.Eval(ctx, b)
	want := []uint32{}
	for i := range rows(b.Rows, b.Sel) {
		if !isNull(v, i) && v.Bool[i] {
			want = append(want, uint32(i))
		}
	}
	got := p.Filter(fctx, b, nil)
	sure := slices.DeleteFunc(slices.Clone(got), func(i uint32) bool {
		return failsIn(ctx.Errors, i) && !failsIn(fctx.Errors, i)
	})
	if !slices.Equal(sure, want) || got == nil {
		t.Fatalf("%s: filter %v, want %v", x, got, want)
	}
	for _, e := range fctx.Errors {
		if !failsIn(ctx.Errors, e.Row) {
			t.Fatalf("%s: row %d fails in Filter alone: %s", x, e.Row, e.Msg)
		}
	}
}

func failsIn(errs []RowError, row uint32) bool {
	return slices.ContainsFunc(errs, func(e RowError) bool { return e.Row == row })
}

func showRow(b *vector.Batch, i int) string {
	var s strings.Builder
	for k, v := range b.Cols {
		fmt.Fprintf(&s, "c%d=%v ", k, plain(v, i))
	}
	return s.String()
}

// plain returns a value as nil, bool, string or *big.Rat.
func plain(v *vector.Vector, i int) any {
	switch x := v.Value(i).(type) {
	case int64:
		return new(big.Rat).SetInt64(x)
	case vector.Int128:
		return new(big.Rat).SetFrac(x.Big(), vector.Pow10(int(v.Type.Scale)).Big())
	default:
		return x
	}
}

func same(a, b any) bool {
	x, ok := a.(*big.Rat)
	y, ok2 := b.(*big.Rat)
	if ok && ok2 {
		return x.Cmp(y) == 0
	}
	return a == b
}

// oracle evaluates x for row i; ok is false when the row fails.
func oracle(x Expr, b *vector.Batch, i int) (val any, ok bool) {
	switch n := x.(type) {
	case *Column:
		return plain(b.Cols[n.Index], i), true
	case *Literal:
		return plain(literalVector(n), 0), true
	case *Try:
		if v, ok := oracle(n.X, b, i); ok {
			return v, true
		}
		return nil, true
	case *Cast:
		v, ok := oracle(n.X, b, i)
		if r, number := v.(*big.Rat); number {
			return fit(r, n.T)
		}
		return v, ok
	case *Case:
		for k, w := range n.When {
			v, ok := oracle(w, b, i)
			if !ok {
				return nil, false
			}
			if v == true {
				return oracle(n.Then[k], b, i)
			}
		}
		return oracle(n.Else, b, i)
	}
	c := x.(*Call)
	switch c.Func.Name {
	case "AND", "OR":
		return oracleLogic(c, b, i)
	case "COALESCE":
		for _, a := range c.Args {
			if v, ok := oracle(a, b, i); v != nil || !ok {
				return v, ok
			}
		}
		return nil, true
	case "BETWEEN":
		return oracleBetween(c, b, i)
	}
	args := make([]any, len(c.Args))
	null := false
	for k, a := range c.Args {
		v, ok := oracle(a, b, i)
		if !ok {
			return nil, false
		}
		args[k] = v
		null = null || v == nil
	}
	v, ok := oracleCall(c, args, null)
	if v == nil && ok && c.Func.twoValued {
		return false, true
	}
	return v, ok
}

func oracleBetween(c *Call, b *vector.Batch, i int) (any, bool) {
	x := c.Args[0]
	ge, le := byName[">="], byName["<="]
	if c.Func.twoValued {
		ge, le = ge.ksql, le.ksql
	}
	lo, hi := &Call{Func: ge, Args: []Expr{x, c.Args[1]}}, &Call{Func: le, Args: []Expr{x, c.Args[2]}}
	return oracleLogic(&Call{Func: byName["AND"], Args: []Expr{lo, hi}}, b, i)
}

func oracleLogic(c *Call, b *vector.Batch, i int) (any, bool) {
	stop := c.Func.Name == "OR"
	null := false
	for _, a := range c.Args {
		v, ok := oracle(a, b, i)
		switch {
		case !ok:
			return nil, false
		case v == nil:
			null = true
		case v == stop:
			return stop, true
		}
	}
	if null {
		return nil, true
	}
	return !stop, true
}

func oracleCall(c *Call, args []any, null bool) (any, bool) {
	switch c.Func.Name {
	case "IS NULL":
		return args[0] == nil, true
	case "IS DISTINCT FROM":
		return !same(args[0], args[1]), true
	case "IS NOT DISTINCT FROM":
		return same(args[0], args[1]), true
	case "IN":
		return oracleIn(args), true
	}
	if null {
		return nil, true
	}
	switch c.Func.Name {
	case "NOT":
		return args[0] == false, true
	case "NEG":
		return fitCall(c, new(big.Rat).Neg(args[0].(*big.Rat)))
	case "||":
		return args[0].(string) + args[1].(string), true
	case "LIKE":
		re := strings.NewReplacer("%", "(?s:.*)", "_", "(?s:.)").Replace(regexp.QuoteMeta(args[1].(string)))
		return regexp.MustCompile("^" + re + "$").MatchString(args[0].(string)), true
	case "+", "-", "*", "/", "%":
		return oracleArith(c, args[0].(*big.Rat), args[1].(*big.Rat))
	}
	var order int
	if x, ok := args[0].(*big.Rat); ok {
		order = x.Cmp(args[1].(*big.Rat))
	} else {
		order = strings.Compare(args[0].(string), args[1].(string))
	}
	return map[string]bool{
		"=": order == 0, "<>": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0,
		">=": order >= 0,
	}[c.Func.Name], true
}

func oracleIn(args []any) any {
	if args[0] == nil {
		return nil
	}
	null := false
	for _, a := range args[1:] {
		if a == nil {
			null = true
		} else if same(a, args[0]) {
			return true
		}
	}
	if null {
		return nil
	}
	return false
}

func oracleArith(c *Call, x, y *big.Rat) (any, bool) {
	r := new(big.Rat)
	switch c.Func.Name {
	case "+":
		r.Add(x, y)
	case "-":
		r.Sub(x, y)
	case "*":
		r.Mul(x, y)
	default:
		if y.Sign() == 0 {
			return nil, false
		}
		r.Quo(x, y)
		whole := new(big.Int).Quo(r.Num(), r.Denom())
		if c.Func.Name == "%" {
			r.Sub(x, new(big.Rat).Mul(y, new(big.Rat).SetInt(whole)))
		} else if c.T.Kind != vector.Decimal {
			r.SetInt(whole)
		}
	}
	return fitCall(c, r)
}

// fitCall is fit, in two's complement under ksql.
func fitCall(c *Call, r *big.Rat) (any, bool) {
	bits := map[vector.Kind]uint{vector.Int: 32, vector.BigInt: 64}[c.T.Kind]
	if bits == 0 || c.Func != byName[c.Func.Name].ksql {
		return fit(r, c.T)
	}
	half := new(big.Int).Lsh(big.NewInt(1), bits-1)
	n := new(big.Int).Add(new(big.Int).Quo(r.Num(), r.Denom()), half)
	n.Mod(n, new(big.Int).Lsh(half, 1))
	return new(big.Rat).SetInt(n.Sub(n, half)), true
}

// fit rounds half away from zero to the scale of t, and fails when t does not hold the result.
func fit(r *big.Rat, t vector.Type) (any, bool) {
	bound := map[vector.Kind]int64{vector.Int: 1 << 31, vector.BigInt: 0}
	if limit, ok := bound[t.Kind]; ok {
		n := new(big.Int).Quo(r.Num(), r.Denom())
		if !n.IsInt64() || limit != 0 && (n.Int64() < -limit || n.Int64() >= limit) {
			return nil, false
		}
		return new(big.Rat).SetInt(n), true
	}
	unit := vector.Pow10(int(t.Scale)).Big()
	scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(unit))
	twice := new(big.Int).Mul(new(big.Int).Abs(scaled.Num()), big.NewInt(2))
	twice.Add(twice, scaled.Denom())
	n := twice.Quo(twice, new(big.Int).Mul(scaled.Denom(), big.NewInt(2)))
	if scaled.Sign() < 0 {
		n.Neg(n)
	}
	if v, ok := vector.FromBig(n); !ok || !v.Fits(int(t.Precision)) {
		return nil, false
	}
	return new(big.Rat).SetFrac(n, unit), true
}
