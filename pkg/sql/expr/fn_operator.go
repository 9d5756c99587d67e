package expr

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

// operator returns a row of the table that stands between its operands.
func operator(name, usage, doc string, resolve func([]Operand) (*Match, error)) *Func {
	return &Func{Name: name, Category: "operator", Doc: doc, Usage: []string{usage}, Operator: true, Resolve: resolve}
}

func operatorFuncs() []*Func {
	and := operator("AND", "a AND b", "TRUE when both are TRUE, FALSE when one is FALSE, else NULL; b is not "+
		"evaluated "+
		"for a row in which a is FALSE.", logicMatch)
	and.lazy = compileLogic(false)
	or := operator("OR", "a OR b", "TRUE when one is TRUE, FALSE when both are FALSE, else NULL; b is not evaluated "+
		"for "+
		"a row in which a is TRUE.", logicMatch)
	or.lazy = compileLogic(true)
	between := operator("BETWEEN", "x BETWEEN low AND high", "The same as x >= low AND x <= high.", betweenMatch)
	between.lazy = compileBetween
	in := operator("IN", "x IN (a, b, ...)", "TRUE when x equals one of the values; a NULL among them never matches.",
		inMatch)
	in.NullSafe, in.firstStrict = true, true
	distinct := operator("IS DISTINCT FROM", "a IS DISTINCT FROM b",
		"Like <>, but NULL is a value like others: never NULL.", distinctMatch("IS DISTINCT FROM", true))
	same := operator("IS NOT DISTINCT FROM", "a IS NOT DISTINCT FROM b",
		"Like =, but NULL is a value like others: never NULL.", distinctMatch("IS NOT DISTINCT FROM", false))
	isNull := operator("IS NULL", "x IS NULL", "TRUE when x is NULL, else FALSE.", anyOne(vector.TBoolean,
		isNullKernel))
	for _, f := range []*Func{distinct, same, isNull} {
		f.NullSafe = true
	}
	not := operator("NOT", "NOT a", "The opposite; NULL stays NULL.", nil)
	not.Overloads = []Overload{on("BOOLEAN -> BOOLEAN", notKernel)}
	return append(arithFuncs(), and, or, between, in, distinct, same, isNull, not,
		operator("=", "a = b", "TRUE when both are equal; NULL when one is NULL.", compareMatch("=", opEq)).as("=="),
		operator("<>", "a <> b", "TRUE when they differ; NULL when one is NULL.", compareMatch("<>", opNe)).as("!="),
		operator("<", "a < b", "TRUE when a is below b; strings by their UTF-8 bytes.", compareMatch("<", opLt)),
		operator("<=", "a <= b", "TRUE when a is not above b; strings by their UTF-8 bytes.", compareMatch("<=", opLe)),
		operator(">", "a > b", "TRUE when a is above b; strings by their UTF-8 bytes.", compareMatch(">", opGt)),
		operator(">=", "a >= b", "TRUE when a is not below b; strings by their UTF-8 bytes.", compareMatch(">=", opGe)),
		operator("LIKE", "s LIKE pattern [ESCAPE c]", "TRUE when s has the form of the pattern: % is any text, _ "+
			"any one "+
			"character.", likeMatch),
	)
}

// as adds aliases.
func (f *Func) as(aliases ...string) *Func {
	f.Aliases = append(f.Aliases, aliases...)
	return f
}

func arithFuncs() []*Func {
	neg := operator("NEG", "-x", "The number with the opposite sign.", negMatch)
	return []*Func{
		operator("+", "a + b", "The sum; two strings are joined; an INTERVAL moves a date or time.", plusMatch),
		operator("-", "a - b", "The difference; two dates or times give an INTERVAL, an INTERVAL moves a date or time.",
			minusMatch),
		operator("*", "a * b", "The product; a DECIMAL keeps all digits of both.", timesMatch),
		operator("/", "a / b", "The quotient; of INT and BIGINT it is cut to a whole number.", overMatch),
		operator("%", "a % b", "The remainder, with the sign of a.", modMatch).as("MOD"),
		operator("||", "a || b", "Two strings, or two BYTES, joined; NULL when one is NULL.", joinMatch),
		neg,
	}
}

// anyOne takes one argument of any type.
func anyOne(out vector.Type, k Kernel) func([]Operand) (*Match, error) {
	return func(args []Operand) (*Match, error) {
		if len(args) != 1 {
			return nil, &misfit{}
		}
		return &Match{Out: out, Args: []vector.Type{args[0].T}, Kernel: k}, nil
	}
}

// modMatch is also the function MOD(a, b).
func modMatch(args []Operand) (*Match, error) { return numbers(opMod, args) }

func numbers(op arithOp, args []Operand) (*Match, error) {
	if len(args) == 2 {
		nullsAsNumbers(args)
		if m, ok := resolveArith(op, args[0], args[1]); ok {
			return m, nil
		}
	}
	return nil, &misfit{}
}

// nullsAsNumbers gives a NULL operand the type of the other one.
func nullsAsNumbers(args []Operand) {
	for i := range args {
		other := args[len(args)-1-i].T
		if args[i].T.Kind != vector.Null {
			continue
		}
		args[i].T = other
		if other.Kind == vector.Null {
			args[i].T = vector.TInt
		}
	}
}

func plusMatch(args []Operand) (*Match, error) {
	if len(args) == 2 {
		if textual(args[0].T) || textual(args[1].T) {
			return plusText(args)
		}
		if m := moveMatch(momentOrNull(args, 0), momentOrNull(args, 1), false); m != nil {
			return m, nil
		}
	}
	return numbers(opAdd, args)
}

// plusText joins texts with +, but no text with a number: that is mostly a mistake.
func plusText(args []Operand) (*Match, error) {
	for _, a := range args {
		if !textual(a.T) && a.T.Kind != vector.Null {
			return nil, &misfit{}
		}
	}
	return joinMatch(args)
}

// momentOrNull is the type of an operand; a NULL that an INTERVAL moves is a TIMESTAMP.
func momentOrNull(args []Operand, i int) vector.Type {
	if args[i].T.Kind == vector.Null && args[1-i].T.Kind == vector.Interval {
		return vector.TTimestamp
	}
	return args[i].T
}

func textual(t vector.Type) bool { return t.Kind == vector.String || t.Kind == vector.Bytes }

func minusMatch(args []Operand) (*Match, error) {
	if len(args) == 2 {
		if m := moveMatch(momentOrNull(args, 0), args[1].T, true); m != nil {
			return m, nil
		}
	}
	return numbers(opSub, args)
}

func timesMatch(args []Operand) (*Match, error) {
	if len(args) == 2 {
		if m := scaleMatch(opMul, args[0].T, args[1].T); m != nil {
			return m, nil
		}
	}
	return numbers(opMul, args)
}

func overMatch(args []Operand) (*Match, error) {
	if len(args) == 2 {
		if m := scaleMatch(opDiv, args[0].T, args[1].T); m != nil {
			return m, nil
		}
	}
	return numbers(opDiv, args)
}

// joinMatch is || and the + of strings; what is no string is taken as its text.
func joinMatch(args []Operand) (*Match, error) {
	if len(args) != 2 {
		return nil, &misfit{}
	}
	t := vector.TString
	if args[0].T.Kind == vector.Bytes || args[1].T.Kind == vector.Bytes {
		t = vector.TBytes
	}
	for _, a := range args {
		if t.Kind == vector.Bytes && a.T.Kind != vector.Bytes && a.T.Kind != vector.Null {
			return nil, &misfit{}
		}
	}
	return &Match{Out: t, Args: []vector.Type{t, t}, Kernel: joinKernel}, nil
}

var joinKernel = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
	return append(append(dst, f.Args[0].Bytes(i)...), f.Args[1].Bytes(i)...), nil
})

func negMatch(args []Operand) (*Match, error) {
	if len(args) != 1 || !args[0].T.Numeric() && args[0].T.Kind != vector.Interval {
		return nil, &misfit{}
	}
	t := args[0].T
	m := &Match{Out: t, Args: []vector.Type{t}}
	switch t.Phys() {
	case vector.PhysF64:
		m.Kernel = negF64
	case vector.PhysI128:
		m.Kernel = negWide
	default:
		m.Kernel = negI64
	}
	return m, nil
}

func negF64(f *Frame) {
	out := f.Out.F64[:f.N]
	for i, v := range f.Args[0].F64[:f.N] {
		out[i] = -v
	}
}

func negWide(f *Frame) {
	out := f.Out.I128[:f.N]
	for i, v := range f.Args[0].I128[:f.N] {
		out[i] = v.Neg()
	}
}

var negI64 = rowI64(func(f *Frame, i int) (int64, error) {
	v := f.Args[0].I64[i]
	if v == -v && v != 0 || f.Out.Type.Kind == vector.Int && v == -1<<31 {
		return 0, fail(CodeOverflow, "the opposite of the least number is outside of "+f.Out.Type.String())
	}
	return -v, nil
})
