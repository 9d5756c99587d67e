package operator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// finish is what is made of an accumulator where the kind alone does not say it.
type finish uint8

const (
	finPlain finish = iota
	finStddevSamp
	finStddevPop
	finVarSamp
	finVarPop
)

// AggDoc is one row of the table of aggregates, for the binder, SHOW FUNCTIONS, DESCRIBE FUNCTION and the manual.
type AggDoc struct {
	Name     string // upper case, canonical
	Aliases  []string
	Usage    string
	Doc      string // one sentence
	Result   string // the result type in words
	Distinct bool   // DISTINCT changes the answer and is supported
	Retracts bool   // rows can be taken out again
}

// aggFunc is an AggDoc with its typing and kernels.
type aggFunc struct {
	AggDoc
	minArgs, maxArgs int
	accepts          func(vector.Type) bool
	kind             func(vector.Type) aggKind
	result           func(vector.Type) vector.Type
	fin              finish
}

func anyType(vector.Type) bool { return true }

// ordered types have a least and a greatest value; ARRAY, MAP and STRUCT have not.
func ordered(t vector.Type) bool { return t.Phys() != vector.PhysNested }

func numeric(t vector.Type) bool {
	return t.Numeric() || t.Kind == vector.Null || t.Kind == vector.Interval
}
func sameType(t vector.Type) vector.Type { return t }
func bigInt(vector.Type) vector.Type     { return vector.TBigInt }
func double(vector.Type) vector.Type     { return vector.TDouble }

func always(k aggKind) func(vector.Type) aggKind { return func(vector.Type) aggKind { return k } }

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

func sumType(t vector.Type) vector.Type {
	switch t.Kind {
	case vector.Decimal:
		return vector.TDecimal(38, t.Scale)
	case vector.Double, vector.Interval:
		return t
	default:
		return vector.TBigInt
	}
}

func avgKind(t vector.Type) aggKind {
	switch t.Kind {
	case vector.Decimal:
		return kindAvgDec
	case vector.Double:
		return kindAvgF
	default:
		return kindAvgInt
	}
}

func avgType(t vector.Type) vector.Type {
	if t.Kind == vector.Decimal {
		return vector.TDecimal(38, max(t.Scale, 16))
	}
	return vector.TDouble
}

// spread is a row of the STDDEV family.
func spread(name string, fin finish, doc string, aliases ...string) aggFunc {
	return aggFunc{
		AggDoc{name, aliases, name + "(x)", doc, "DOUBLE", true, true},
		1, 1, numeric,
		always(kindVar), double, fin,
	}
}

// pick is a row of the aggregates that give one of the values they saw.
func pick(name string, kind aggKind, doc string, aliases ...string) aggFunc {
	return aggFunc{
		AggDoc{name, aliases, name + "(x)", doc, "the type of x", true, false},
		1, 1, anyType,
		always(kind), sameType, finPlain,
	}
}

// extreme is MIN or MAX.
func extreme(name string, kind aggKind, doc string) aggFunc {
	f := pick(name, kind, doc)
	f.accepts = ordered
	return f
}

// aggFuncs is the table of aggregates, in the order of the manual.
var aggFuncs = []aggFunc{
	{
		AggDoc{
			"COUNT", nil, "COUNT(*) | COUNT(x) | COUNT(DISTINCT x)",
			"Number of rows, or of rows in which x is not null; 0 where there are none.", "BIGINT", true, true,
		},
		0, 1, anyType, always(kindCount), bigInt, finPlain,
	},
	{
		AggDoc{
			"COUNT_DISTINCT", nil, "COUNT_DISTINCT(x)",
			"Number of different values of x that are not null.", "BIGINT", true, false,
		},
		1, 1, anyType, always(kindCount), bigInt, finPlain,
	},
	{
		AggDoc{
			"SUM", nil, "SUM(x) | SUM(DISTINCT x)",
			"Sum of x; null where there is no value. Integers and decimals are exact.",
			"BIGINT of integers, DECIMAL(38, s) of DECIMAL(p, s), else DOUBLE", true, true,
		},
		1, 1, numeric, sumKind, sumType, finPlain,
	},
	{
		AggDoc{
			"AVG",
			[]string{"MEAN"},
			"AVG(x) | AVG(DISTINCT x)",
			"Mean of x; null where there is no value. Of decimals a decimal, rounded half up.",
			"DECIMAL(38, max(s, 16)) of DECIMAL(p, s), else DOUBLE", true, true,
		},
		1, 1, numeric, avgKind, avgType, finPlain,
	},
	extreme("MIN", kindMin, "Least value of x; strings are ordered by their UTF-8 bytes."),
	extreme("MAX", kindMax, "Greatest value of x; strings are ordered by their UTF-8 bytes."),
	spread("STDDEV_SAMP", finStddevSamp, "Sample standard deviation of x; null for fewer than two values.",
		"STDDEV", "STDDEV_SAMPLE"),
	spread("STDDEV_POP", finStddevPop, "Population standard deviation of x."),
	spread("VAR_SAMP", finVarSamp, "Sample variance of x; null for fewer than two values.", "VARIANCE"),
	spread("VAR_POP", finVarPop, "Population variance of x."),
	pick("FIRST_VALUE", kindFirst, "Value of x that came first in the log, nulls passed over.",
		"FIRST", "EARLIEST_BY_OFFSET"),
	pick("LAST_VALUE", kindLast, "Value of x that came last in the log, nulls passed over.",
		"LAST", "LATEST_BY_OFFSET"),
	pick("EARLIEST", kindEarliest, "Value of x with the least event time; of equal times the one first in the log."),
	pick("LATEST", kindLatest, "Value of x with the greatest event time; of equal times the one last in the log."),
}

// Aggregates returns the table of aggregates.
func Aggregates() []AggDoc {
	out := make([]AggDoc, len(aggFuncs))
	for i, f := range aggFuncs {
		out[i] = f.AggDoc
	}
	return out
}

func findAgg(name string) *aggFunc {
	name = strings.ToUpper(name)
	for i := range aggFuncs {
		f := &aggFuncs[i]
		if f.Name == name {
			return f
		}
		if slices.Contains(f.Aliases, name) {
			return f
		}
	}
	return nil
}

// IsAggregate reports whether name is an aggregate or an alias of one, without regard to case.
func IsAggregate(name string) bool { return findAgg(name) != nil }

// resolveAgg checks the arguments of a call.
func resolveAgg(name string, args []vector.Type) (*aggFunc, error) {
	f := findAgg(name)
	if f == nil {
		return nil, fmt.Errorf("no aggregate %s", name)
	}
	if len(args) < f.minArgs || len(args) > f.maxArgs {
		return nil, fmt.Errorf("%s is called as %s, not with %d arguments", f.Name, f.Usage, len(args))
	}
	for _, t := range args {
		if !f.accepts(t) {
			return nil, fmt.Errorf("%s of %s is not defined", f.Name, t)
		}
	}
	return f, nil
}

// ResolveAgg returns the result type of an aggregate over arguments of the given types; the error says what is wrong
// with them. COUNT(*) has no argument.
func ResolveAgg(name string, args []vector.Type) (vector.Type, error) {
	f, err := resolveAgg(name, args)
	if err != nil {
		return vector.TNull, err
	}
	var arg vector.Type
	if len(args) > 0 {
		arg = args[0]
	}
	return f.result(arg), nil
}
