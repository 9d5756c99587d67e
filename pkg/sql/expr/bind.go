package expr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// NewCall resolves a call of the function or operator called name, converts the arguments to what the overload takes,
// and returns it. Errors are *sqlerr.Error.
func NewCall(name string, args []Expr, at sqlerr.Span) (Expr, error) {
	return Leat.Call(name, args, at)
}

// Call is NewCall under the profile.
func (p Profile) Call(name string, args []Expr, at sqlerr.Span) (Expr, error) {
	f, ok := Lookup(name)
	if !ok {
		return nil, unknownFunc(name, at)
	}
	if x, err := p.rewrite(f.Name, args, at); x != nil || err != nil {
		return x, err
	}
	if p == Ksql && f.ksql != nil {
		f = f.ksql
	}
	return p.Apply(f, datesAsMillis(f, args), at)
}

// Apply is Call of a function already found, which need not be in the table.
func (p Profile) Apply(f *Func, args []Expr, at sqlerr.Span) (Expr, error) {
	m, err := resolve(f, operands(args))
	if err != nil {
		return nil, bindError(err, at)
	}
	cast := make([]Expr, len(args))
	for i, a := range args {
		if cast[i], err = p.convert(a, m.Args[i]); err != nil {
			return nil, err
		}
	}
	return &Call{Func: f, Args: cast, T: m.Out, At: at}, nil
}

// bindError places an error of resolution in the statement.
func bindError(err error, at sqlerr.Span) error {
	if e, ok := errors.AsType[*sqlerr.Error](err); ok {
		if e.Span == (sqlerr.Span{}) {
			e.Span = at
		}
		return e
	}
	code := sqlerr.TypeMismatch
	if strings.HasSuffix(err.Error(), "not supported") {
		code = sqlerr.NotSupported
	}
	return sqlerr.New(code, at, "%s", err)
}

// convert gives x the type t without changing what it means: nothing, a literal of another type, or a CAST.
func (p Profile) convert(x Expr, t vector.Type) (Expr, error) {
	if x.Type().Equal(t) {
		return x, nil
	}
	if l, ok := x.(*Lambda); ok {
		body, err := p.convert(l.Body, t)
		return &Lambda{Params: l.Params, Body: body, At: l.At}, err
	}
	if made, ok, err := p.convertItems(x, t); ok {
		return made, err
	}
	if lit, ok := x.(*Literal); ok {
		return p.convertLiteral(lit, t)
	}
	return &Cast{X: x, T: t, Profile: p, At: x.Span()}, nil
}

func (p Profile) convertLiteral(l *Literal, t vector.Type) (Expr, error) {
	if l.V == nil {
		return &Literal{T: t, At: l.At}, nil
	}
	if _, ok := castKernel(l.T, t); !ok {
		return nil, sqlerr.New(sqlerr.TypeMismatch, l.At, "%s is %s, not %s", l, l.T, t)
	}
	if l.T.Kind == vector.String {
		p = Leat // no text is FALSE only because it is not TRUE
	}
	one, err := p.castLiteral(l, t)
	if err != nil {
		return nil, sqlerr.New(sqlerr.TypeMismatch, l.At, "%s", err)
	}
	return one, nil
}

// convertText returns the literal that a string literal spells in type t; a date or time counts as ms for BIGINT.
func convertText(l *Literal, t vector.Type) (*Literal, error) {
	if t.Kind == vector.Null || t.Kind == vector.Bytes || t.Phys() == vector.PhysNested {
		return nil, vector.ErrSyntax
	}
	text, ok := l.V.(string)
	if !ok {
		return nil, vector.ErrSyntax
	}
	one := vector.NewVector(t, 1)
	if err := vector.ParseInto(one, []byte(text)); err != nil {
		ms, err2 := vector.ParseTimestamp([]byte(text))
		if t.Kind != vector.BigInt || err2 != nil {
			return nil, errors.New(parseMessage([]byte(text), t, err))
		}
		return &Literal{V: ms, T: t, At: l.At}, nil
	}
	return &Literal{V: one.Value(0), T: t, At: l.At}, nil
}

// castLiteral converts a literal at bind time.
func (p Profile) castLiteral(l *Literal, t vector.Type) (*Literal, error) {
	if l.T.Kind == vector.String && t.Kind == vector.BigInt {
		return convertText(l, t)
	}
	k, _ := p.castKernel(l.T, t)
	n := newCall(k, []node{newConst(literalVector(l))}, t)
	ctx := &Context{}
	v := n.eval(&evaluator{ctx: ctx, n: 1}, nil)
	if len(ctx.Errors) > 0 {
		return nil, errors.New(ctx.Errors[0].Msg)
	}
	return &Literal{V: v.Value(0), T: t, At: l.At}, nil
}

// NewCast returns CAST(x AS t), or TRY_CAST; x itself when it has the type.
func NewCast(x Expr, t vector.Type, try bool, at sqlerr.Span) (Expr, error) {
	return Leat.Cast(x, t, try, at)
}

// Cast is NewCast under the profile.
func (p Profile) Cast(x Expr, t vector.Type, try bool, at sqlerr.Span) (Expr, error) {
	from := x.Type()
	if from.Equal(t) {
		return x, nil
	}
	if from.Kind == vector.Null {
		return &Literal{T: t, At: at}, nil
	}
	if !p.castable(from, t) {
		return nil, sqlerr.New(sqlerr.TypeMismatch, at, "%s does not convert to %s", from, t)
	}
	if lit, ok := x.(*Literal); ok {
		one, err := p.castLiteral(lit, t)
		switch {
		case err == nil:
			one.At = at
			return one, nil
		case try:
			return &Literal{T: t, At: at}, nil
		case t.Kind == vector.Date || t.Kind == vector.Time || t.Kind == vector.Timestamp:
			return nil, sqlerr.New(sqlerr.TypeMismatch, at, "%s", err).WithHint("TRY_CAST gives NULL instead")
		}
		// It fails when a row asks for it, which TRY or a CASE may prevent.
	}
	return &Cast{X: x, T: t, Try: try, Profile: p, At: at}, nil
}

// Case returns CASE WHEN when[i] THEN then[i] ... ELSE els END; els may be nil. The branches get one type.
func (p Profile) Case(when, then []Expr, els Expr, at sqlerr.Span) (Expr, error) {
	for _, w := range when {
		if k := w.Type().Kind; k != vector.Boolean && k != vector.Null {
			return nil, sqlerr.New(sqlerr.TypeMismatch, w.Span(), "WHEN wants a BOOLEAN, this is %s", w.Type())
		}
	}
	branches := then
	if els != nil {
		branches = append(append([]Expr{}, then...), els)
	}
	t, err := commonType(operands(branches))
	if err != nil {
		return nil, sqlerr.New(sqlerr.TypeMismatch, at, "the branches of CASE: %s", err)
	}
	if t.Kind == vector.Null {
		return nil, sqlerr.New(sqlerr.TypeMismatch, at, "every branch of this CASE is NULL").
			WithHint("give it a type: CAST(NULL AS STRING)")
	}
	c := &Case{T: t, At: at, When: make([]Expr, len(when)), Then: make([]Expr, len(then))}
	for i := range when {
		if c.When[i], err = p.convert(when[i], vector.TBoolean); err != nil {
			return nil, err
		}
		if c.Then[i], err = p.convert(then[i], t); err != nil {
			return nil, err
		}
	}
	if els != nil {
		c.Else, err = p.convert(els, t)
	}
	return c, err
}

// CommonType returns the type that values of all the types widen to: INT, BIGINT, DECIMAL, DOUBLE in this order, DATE
// to TIMESTAMP; NULL takes any type.
func CommonType(ts ...vector.Type) (vector.Type, error) {
	ops := make([]Operand, len(ts))
	for i, t := range ts {
		ops[i].T = t
	}
	return commonType(ops)
}

// commonType is CommonType for arguments: a literal takes the type of what stands beside it.
func commonType(ops []Operand) (vector.Type, error) {
	out := vector.TNull
	for pass := range 2 { // columns first, then literals
		for _, o := range ops {
			if (o.Lit != nil && o.Lit.V != nil || o.parts != nil) != (pass == 1) {
				continue
			}
			t, err := widen(out, o, pass == 1 && o.Lit != nil)
			if err != nil {
				return out, err
			}
			out = t
		}
	}
	return out, nil
}

func widen(t vector.Type, o Operand, lit bool) (vector.Type, error) {
	u := o.T
	switch {
	case t.Kind == vector.Null:
		return u, nil
	case u.Kind == vector.Null || t.Equal(u):
		return t, nil
	case t.Phys() == vector.PhysNested && u.Phys() == vector.PhysNested:
		return widenNested(t, o)
	case t.Numeric() && u.Numeric():
		if lit {
			u = literalType(o)
		}
		return commonNumber(t, u), nil
	case t.Kind == vector.Date && u.Kind == vector.Timestamp, t.Kind == vector.Timestamp && u.Kind == vector.Date:
		return vector.TTimestamp, nil
	case lit && u.Kind == vector.String:
		if u, ok := spelled(o.Lit, t); ok {
			return u, nil
		}
	case lit && t.Kind == vector.String && u.Kind != vector.Bytes:
		return t, nil
	}
	return t, fmt.Errorf("%s and %s have no common type", t, u)
}

// spelled returns the type that a string literal takes beside values of type t: t itself, or for a number that t does
// not hold a wider number type.
func spelled(l *Literal, t vector.Type) (vector.Type, bool) {
	if t.Kind != vector.Decimal {
		if _, err := convertText(l, t); err == nil {
			return t, true
		}
	}
	if !t.Numeric() {
		return t, false
	}
	if t.Kind == vector.Int {
		if _, err := convertText(l, vector.TBigInt); err == nil {
			return vector.TBigInt, true
		}
	}
	text, _ := l.V.(string)
	if p, s, ok := vector.DecimalShape([]byte(text)); ok {
		return commonNumber(t, vector.TDecimal(p, s)), true
	}
	_, err := convertText(l, vector.TDouble)
	return vector.TDouble, err == nil
}

// literalType is the narrowest type of a number literal, so that it does not widen what stands beside it.
func literalType(o Operand) vector.Type {
	v, ok := o.Lit.V.(int64)
	if !ok || o.T.Kind != vector.Int && o.T.Kind != vector.BigInt {
		return o.T
	}
	digits := 1
	for v /= 10; v != 0; v /= 10 {
		digits++
	}
	return vector.Type{Kind: o.T.Kind, Precision: uint8(digits)}
}

// commonNumber returns the number type that holds both; Precision of an integer is that of a literal, 0 when unknown.
func commonNumber(t, u vector.Type) vector.Type {
	if t.Kind == vector.Double || u.Kind == vector.Double {
		return vector.TDouble
	}
	if t.Kind != vector.Decimal && u.Kind != vector.Decimal {
		return vector.Type{Kind: max(t.Kind, u.Kind)}
	}
	a, b := decimalOf(t), decimalOf(u)
	s := max(a.Scale, b.Scale)
	whole := max(a.Precision-a.Scale, b.Precision-b.Scale)
	return vector.TDecimal(min(whole+s, vector.MaxDigits), s)
}

// decimalOf returns the DECIMAL that an exact number type counts as.
func decimalOf(t vector.Type) vector.Type {
	switch {
	case t.Kind == vector.Decimal:
		return t
	case t.Precision > 0:
		return vector.TDecimal(t.Precision, 0)
	case t.Kind == vector.Int:
		return vector.TDecimal(10, 0)
	default:
		return vector.TDecimal(19, 0)
	}
}
