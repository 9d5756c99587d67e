package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Overload is one list of parameter types with its kernel.
type Overload struct {
	Params   []vector.Kind
	Optional int  // how many of the last parameters may be left out
	Variadic bool // the last parameter repeats
	Out      vector.Kind
	Kernel   Kernel
	// outType refines Out for DECIMAL results; it gets the types after conversion.
	outType func(args []vector.Type) vector.Type
}

var kindByName = map[string]vector.Kind{
	"BOOLEAN": vector.Boolean, "INT": vector.Int, "BIGINT": vector.BigInt,
	"DOUBLE": vector.Double, "DECIMAL": vector.Decimal, "STRING": vector.String, "BYTES": vector.Bytes,
	"DATE": vector.Date, "TIME": vector.Time, "TIMESTAMP": vector.Timestamp, "INTERVAL": vector.Interval,
}

// on reads an overload from its text: "STRING, BIGINT[, BIGINT] -> STRING", "STRING... -> STRING".
func on(sig string, k Kernel) Overload {
	params, out, ok := strings.Cut(sig, " -> ")
	if !ok {
		panic("expr: no result in " + sig)
	}
	o := Overload{Out: kind(out), Kernel: k}
	o.Optional = strings.Count(params, "[")
	params = strings.NewReplacer("[", "", "]", "").Replace(params)
	params, o.Variadic = strings.CutSuffix(params, "...")
	for p := range strings.SplitSeq(params, ",") {
		if p = strings.TrimSpace(p); p != "" {
			o.Params = append(o.Params, kind(p))
		}
	}
	return o
}

// onDec is on with a rule for the type of a DECIMAL result.
func onDec(sig string, out func([]vector.Type) vector.Type, k Kernel) Overload {
	o := on(sig, k)
	o.outType = out
	return o
}

func kind(name string) vector.Kind {
	k, ok := kindByName[name]
	if !ok {
		panic("expr: no type " + name)
	}
	return k
}

// param returns the kind of parameter i, ok = false beyond the last.
func (o *Overload) param(i int) (vector.Kind, bool) {
	if i < len(o.Params) {
		return o.Params[i], true
	}
	if o.Variadic && len(o.Params) > 0 {
		return o.Params[len(o.Params)-1], true
	}
	return 0, false
}

// noFit is the cost of a conversion that is not made without a CAST.
const noFit = 1 << 20

// literalCost is the cost of converting a literal between families, above all conversions by widening.
const literalCost = 100

// widening[from][to] is the cost of a conversion that keeps the value.
var widening = map[vector.Kind]map[vector.Kind]int{
	vector.Int:     {vector.BigInt: 1, vector.Decimal: 2, vector.Double: 3},
	vector.BigInt:  {vector.Decimal: 1, vector.Double: 2},
	vector.Decimal: {vector.Double: 1},
	vector.Date:    {vector.Timestamp: 1},
}

// cost returns what it costs to use a as a value of kind k.
func cost(a Operand, k vector.Kind) int {
	if a.T.Kind == k {
		return 0
	}
	if a.T.Kind == vector.Null {
		return 1
	}
	if c, ok := widening[a.T.Kind][k]; ok {
		return c
	}
	if a.Lit == nil {
		return noFit
	}
	if k == vector.String && a.T.Kind != vector.Bytes {
		return literalCost
	}
	if a.T.Kind == vector.Int && k == vector.Boolean || a.T.Kind != vector.String {
		return noFit
	}
	if _, err := convertText(a.Lit, vector.Type{Kind: k, Precision: vector.MaxDigits, Scale: 10}); err != nil {
		return noFit
	}
	return literalCost
}

// as returns the type that an argument of type t has as a value of kind k.
func as(t vector.Type, k vector.Kind) vector.Type {
	if t.Kind == k {
		return t
	}
	if k != vector.Decimal {
		return vector.Type{Kind: k}
	}
	switch t.Kind {
	case vector.Int:
		return vector.TDecimal(10, 0)
	case vector.BigInt:
		return vector.TDecimal(19, 0)
	default:
		return vector.TDecimal(vector.MaxDigits, 10)
	}
}

// match returns the overload's types for args, and the cost, noFit when they do not fit.
func (o *Overload) match(args []Operand) (*Match, int) {
	if len(args) < len(o.Params)-o.Optional || len(o.Params) == 0 && len(args) > 0 {
		return nil, noFit
	}
	m := &Match{Out: vector.Type{Kind: o.Out}, Kernel: o.Kernel}
	sum := 0
	for i, a := range args {
		k, ok := o.param(i)
		if !ok {
			return nil, noFit
		}
		sum += cost(a, k)
		if sum >= noFit {
			return nil, noFit
		}
		m.Args = append(m.Args, as(a.T, k))
	}
	if o.outType != nil {
		m.Out = o.outType(m.Args)
	}
	return m, sum
}

// resolve finds the overload of f that args fit with the cheapest conversions; the first of equal ones wins.
func resolve(f *Func, args []Operand) (*Match, error) {
	if f.Resolve != nil {
		m, err := f.Resolve(args)
		if _, ok := errors.AsType[*misfit](err); ok {
			return nil, mismatch(f.Name, f.Usage, args)
		}
		return m, err
	}
	var best *Match
	least := noFit
	for i := range f.Overloads {
		if m, c := f.Overloads[i].match(args); c < least {
			best, least = m, c
		}
	}
	if best == nil {
		return nil, mismatch(f.Name, f.Usage, args)
	}
	return best, nil
}

// misfit is the error of a Resolve whose arguments do not fit; resolve adds how the function is called.
type misfit struct{}

func (*misfit) Error() string { return "the arguments do not fit" }

func mismatch(name string, usage []string, args []Operand) error {
	types := make([]string, len(args))
	for i, a := range args {
		types[i] = a.T.String()
	}
	msg := fmt.Sprintf("%s does not take (%s)", name, strings.Join(types, ", "))
	if len(usage) > 0 {
		msg += "; it is " + strings.Join(usage, " or ")
	}
	return errors.New(msg)
}

// instants are the columns of BIGINT milliseconds that compare with the text of a date, by their name.
var instants = map[string]bool{
	"rowtime": true, "windowstart": true, "windowend": true, "window_start": true, "window_end": true,
	"window_time": true, "_timestamp": true, "_event_time": true,
}

// datesAsMillis turns the texts of dates that are compared with ROWTIME or its like into milliseconds: '2018' is a year
// there.
func datesAsMillis(f *Func, args []Expr) []Expr {
	if !f.Operator || !slices.ContainsFunc(args, isInstant) {
		return args
	}
	out := slices.Clone(args)
	for i, a := range out {
		lit, ok := a.(*Literal)
		if !ok {
			continue
		}
		if text, ok := lit.V.(string); ok && lit.T.Kind == vector.String {
			if ms, err := vector.ParseTimestamp([]byte(text)); err == nil {
				out[i] = &Literal{V: ms, T: vector.TBigInt, At: lit.At}
			}
		}
	}
	return out
}

func isInstant(x Expr) bool {
	c, ok := x.(*Column)
	if !ok || c.T.Kind != vector.BigInt {
		return false
	}
	return c.Index == ColRowtime || c.Index == ColAppendTime ||
		instants[strings.TrimPrefix(strings.ToLower(c.Name), "$")]
}

func operands(args []Expr) []Operand {
	out := make([]Operand, len(args))
	for i, a := range args {
		lit, _ := a.(*Literal)
		out[i] = Operand{T: a.Type(), Lit: lit, instant: isInstant(a), parts: partsOf(a)}
	}
	return out
}
