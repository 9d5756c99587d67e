package expr

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Kernel computes one overload over the rows of a batch; see Frame.
type Kernel func(f *Frame)

// Operand is an argument as overload resolution sees it: literals convert more freely than columns.
type Operand struct {
	T   vector.Type
	Lit *Literal // nil when the argument is no literal
	// parts are the items of a literal ARRAY, MAP (keys and values in turn) or STRUCT, whose literals convert as
	// freely.
	parts []Operand
	// instant is a system column of BIGINT milliseconds, such as ROWTIME.
	instant bool
}

// Match is a resolved overload: the result type, the types the arguments are cast to first, and the kernel.
type Match struct {
	Out    vector.Type
	Args   []vector.Type
	Kernel Kernel
	cmp    *cmpOp // set for comparisons, which Filter knows
}

// Func is one row of the table of functions: binder, SHOW FUNCTIONS, DESCRIBE FUNCTION, completion and the manual read
// it. Operators ("+", "=", "LIKE", "AND") are rows too, marked Operator.
type Func struct {
	Name     string // upper case, canonical
	Aliases  []string
	Category string   // math, string, time, null, condition, json, bytes, regex, url, operator, other
	Doc      string   // one sentence
	Usage    []string // "SUBSTRING(s, pos[, n])"
	Operator bool
	// Overloads are tried for the cheapest conversion of the arguments; Resolve replaces them where types follow a
	// rule. It returns nil when the arguments do not fit.
	Overloads []Overload
	Resolve   func(args []Operand) (*Match, error)
	// NullSafe kernels see null arguments; all others give null where an argument is null.
	NullSafe bool
	// firstStrict kernels give null where the first argument is null, and see the other nulls.
	firstStrict bool
	// Unit says that the first argument is a unit of time, which may be written without quotes: DATEADD(DAYS, 3, d).
	Unit bool
	// NotDeterministic functions (RANDOM, UUID) are refused in persistent queries.
	NotDeterministic bool
	// twoValued conditions are FALSE where an argument is null.
	twoValued bool
	// ksql is the row that stands for this one in the ksql profile, nil where both agree.
	ksql *Func
	// lambda gives the types of the parameters of the lambda behind args; nil where none is due.
	lambda func(args []Expr) []vector.Type
	// lazy functions have a node of their own instead of a kernel: their arguments are evaluated row by row as needed.
	lazy func(c *compiler, call *Call) (node, error)
}

// Lookup finds a function or operator by name or alias, without regard to case.
func Lookup(name string) (*Func, bool) {
	f, ok := byName[strings.ToUpper(name)]
	return f, ok
}

// All returns the table sorted by name.
func All() []*Func { return slices.Clone(sortedTable) }

var (
	sortedTable = sortTable()
	byName      = indexTable(sortedTable)
)

func sortTable() []*Func {
	var all []*Func
	for _, part := range [][]*Func{
		operatorFuncs(), conditionFuncs(), mathFuncs(), stringFuncs(), timeFuncs(),
		jsonFuncs(), constructors(), lambdaFuncs(), collectionFuncs(), bytesFuncs(), regexFuncs(), urlFuncs(),
		headerFuncs(), otherFuncs(),
	} {
		all = append(all, part...)
	}
	slices.SortFunc(all, func(a, b *Func) int { return strings.Compare(a.Name, b.Name) })
	return ksqlVariants(all)
}

func indexTable(all []*Func) map[string]*Func {
	index := make(map[string]*Func, 2*len(all))
	for _, f := range all {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if _, twice := index[name]; twice {
				panic("expr: two functions are named " + name)
			}
			index[name] = f
		}
	}
	return index
}
