package expr

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Profile is the dialect under which a statement was created; it decides where meanings conflict.
type Profile uint8

// The profiles.
const (
	Leat Profile = iota
	Ksql
)

// ksqlVariants gives the rows of the table that mean something else under ksql their second form.
func ksqlVariants(all []*Func) []*Func {
	for _, f := range all {
		change, ok := ksqlChanges[f.Name]
		if !ok {
			continue
		}
		other := *f
		change(&other)
		f.ksql = &other
	}
	return all
}

// ksqlChanges is what the ksql profile changes, by function.
var ksqlChanges = map[string]func(f *Func){
	"=": ksqlCompare, "<>": ksqlCompare, "<": ksqlCompare, "<=": ksqlCompare, ">": ksqlCompare,
	">=": ksqlCompare, "BETWEEN": ksqlCompare, "||": ksqlJoin, "LIKE": ksqlCondition, "IN": ksqlCondition,
	"+": ksqlArith(opAdd), "-": ksqlArith(opSub), "*": ksqlArith(opMul), "/": ksqlArith(opDiv), "%": ksqlArith(opMod),
	"NEG":            ksqlNeg,
	"ABS":            ksqlAbs,
	"REGEXP_EXTRACT": ksqlPatternFirst, "REGEXP_EXTRACT_ALL": ksqlPatternFirst,
	"SQRT": ksqlPlain(math.Sqrt), "LN": ksqlPlain(math.Log), "ASIN": ksqlPlain(math.Asin), "ACOS": ksqlPlain(math.Acos),
	"LOG": ksqlLog, "POWER": ksqlPower,
	"PARSE_DATE": ksqlParse(parseDays), "STRINGTODATE": ksqlParse(parseDays),
	"PARSE_TIMESTAMP": ksqlParse(parseMillis), "STRINGTOTIMESTAMP": ksqlParse(parseMillis),
	"TO_JSON_STRING": ksqlJSON,
	"ROUND":          ksqlRound(roundTiesUp), "TRUNC": ksqlRound(roundCut),
	"CEIL": ksqlWhole(roundUp), "FLOOR": ksqlWhole(roundDown),
	"ARRAY_CONTAINS": ksqlCondition,
}

// ksqlNotes says in the manual what ksqlChanges makes of a function.
var ksqlNotes = notesByName([][2]string{
	{"= <> < <= > >= BETWEEN LIKE IN ARRAY_CONTAINS", "FALSE where an argument is NULL"},
	{"+ - * / %", "whole numbers wrap; a literal NULL is refused"},
	{"NEG ABS", "whole numbers wrap"},
	{"||", "one side is a text"},
	{"REGEXP_EXTRACT REGEXP_EXTRACT_ALL", "the pattern comes first"},
	{"SQRT LN ASIN ACOS POWER", "NaN or an infinity where it fails otherwise"},
	{"LOG", "base e without a base, NaN or -Infinity where it fails otherwise"},
	{
		"PARSE_DATE STRINGTODATE PARSE_TIMESTAMP STRINGTOTIMESTAMP",
		"a day beyond the end of its month is the last one",
	},
	{"TO_JSON_STRING", "a TIMESTAMP has no Z"},
	{"ROUND TRUNC", "an INT becomes a BIGINT, and what does not fit saturates"},
	{"CEIL FLOOR", "a DECIMAL keeps its type"},
})

func notesByName(list [][2]string) map[string]string {
	out := map[string]string{}
	for _, l := range list {
		for name := range strings.FieldsSeq(l[0]) {
			out[name] = l[1]
		}
	}
	return out
}

// ksqlCondition makes a condition two-valued.
func ksqlCondition(f *Func) { f.twoValued = true }

// ksqlCompare is two-valued too, and stricter with texts.
func ksqlCompare(f *Func) {
	ksqlCondition(f)
	resolve := f.Resolve
	name := f.Name
	f.Resolve = func(args []Operand) (*Match, error) {
		if err := ksqlTextWithNumber(args); err != nil {
			return nil, err
		}
		if slices.Contains([]string{"<", "<=", ">", ">="}, name) && len(args) > 0 && args[0].T.Kind == vector.Boolean {
			return nil, fmt.Errorf("%s does not compare BOOLEAN: truth values have no order", name)
		}
		return resolve(args)
	}
}

// ksqlJoin wants a text on a side.
func ksqlJoin(f *Func) {
	resolve := f.Resolve
	f.Resolve = func(args []Operand) (*Match, error) {
		if len(args) == 2 && !textual(args[0].T) && !textual(args[1].T) {
			return nil, &misfit{}
		}
		return resolve(args)
	}
}

// ksqlPatternFirst exchanges the first two arguments, which are a text and its pattern.
func ksqlPatternFirst(f *Func) {
	f.Overloads = slices.Clone(f.Overloads)
	for i := range f.Overloads {
		k := f.Overloads[i].Kernel
		f.Overloads[i].Kernel = func(f *Frame) {
			f.swap()
			k(f)
			f.swap()
		}
	}
}

// swap exchanges the first two arguments.
func (f *Frame) swap() {
	f.Args[0], f.Args[1] = f.Args[1], f.Args[0]
	f.Const[0], f.Const[1] = f.Const[1], f.Const[0]
}

// integers says that the operands and the result of an operator are INT or BIGINT.
func (m *Match) integers() bool {
	for _, t := range append([]vector.Type{m.Out}, m.Args...) {
		if t.Kind != vector.Int && t.Kind != vector.BigInt {
			return false
		}
	}
	return true
}

// ksqlArith wraps integers, and refuses a literal NULL and numbers beside strings.
func ksqlArith(op arithOp) func(f *Func) {
	return func(f *Func) {
		resolve := f.Resolve
		f.Resolve = func(args []Operand) (*Match, error) {
			for _, a := range args {
				if a.T.Kind == vector.Null {
					return nil, &misfit{}
				}
			}
			if len(args) == 2 && textual(args[0].T) != textual(args[1].T) {
				return nil, &misfit{}
			}
			m, err := resolve(args)
			if err == nil && m.integers() {
				m.Kernel = func(f *Frame) { wrapI64(op, f) }
			}
			return m, err
		}
	}
}

// wrapI64 is the arithmetic of INT and BIGINT in two's complement.
func wrapI64(op arithOp, f *Frame) {
	n := f.N
	a, b, out := f.Args[0].I64[:n], f.Args[1].I64[:n], f.Out.I64[:n]
	switch op {
	case opAdd:
		for i := range out {
			out[i] = a[i] + b[i]
		}
	case opSub:
		for i := range out {
			out[i] = a[i] - b[i]
		}
	case opMul:
		for i := range out {
			out[i] = a[i] * b[i]
		}
	case opDiv, opMod:
		for i := range f.live {
			switch y := b[i]; {
			case y == 0:
				f.fail(i, CodeDivideByZero, fmt.Sprintf("%d %s 0: division by zero", a[i], op))
			case op == opMod:
				out[i] = a[i] - a[i]/y*y
			default:
				out[i] = a[i] / y
			}
		}
	}
	wrapInt(f)
}

// wrapInt cuts an INT result to 32 bits.
func wrapInt(f *Frame) {
	if f.Out.Type.Kind != vector.Int {
		return
	}
	out := f.Out.I64[:f.N]
	for i, v := range out {
		out[i] = int64(int32(v))
	}
}

func ksqlNeg(f *Func) {
	f.Resolve = func(args []Operand) (*Match, error) {
		m, err := negMatch(args)
		if err == nil && m.integers() {
			m.Kernel = func(f *Frame) {
				out := f.Out.I64[:f.N]
				for i, v := range f.Args[0].I64[:f.N] {
					out[i] = -v
				}
				wrapInt(f)
			}
		}
		return m, err
	}
}

// ksqlAbs leaves the least number as it is.
func ksqlAbs(f *Func) {
	f.Overloads = slices.Clone(f.Overloads)
	for i := range f.Overloads {
		if k := f.Overloads[i].Out; k == vector.Int || k == vector.BigInt {
			f.Overloads[i].Kernel = func(f *Frame) {
				out := f.Out.I64[:f.N]
				for i, v := range f.Args[0].I64[:f.N] {
					out[i] = max(v, -v)
				}
				wrapInt(f)
			}
		}
	}
}
