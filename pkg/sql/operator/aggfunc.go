package operator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/expr"
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
	finWrap // ksql: an integer sum wraps
)

// AggDoc is one row of the table of aggregates, for the binder, SHOW FUNCTIONS, DESCRIBE FUNCTION and the manual.
type AggDoc struct {
	Name     string // upper case, canonical
	Aliases  []string
	Usage    string
	Doc      string // one sentence
	Result   string // the result type in words
	Distinct bool   // DISTINCT changes the answer
	Retracts bool   // also over tables in the ksql profile; in Leat's all are
}

// aggFunc is an AggDoc with its typing and kernels.
type aggFunc struct {
	AggDoc
	minArgs, maxArgs int
	plan             func(c *aggCall) error
}

// aggCall is a call while it is resolved: plan reads the first part and fills the second.
type aggCall struct {
	name     string
	in       []vector.Type
	ksql     bool
	retracts bool
	limit    int

	out   vector.Type
	kind  aggKind
	fin   finish
	zero  bool // 0 of no rows
	nulls nullRule
	// fresh makes a state: of a kindState, or where the words of kind do not do (DISTINCT or MIN with retraction).
	fresh func() aggState
	// check says what is wrong with the row's constants, "" if nothing.
	check func(x *aggRow) string
	// distinct: equal values count once, as with DISTINCT.
	distinct bool
}

// arg is the type of argument i.
func (c *aggCall) arg(i int) vector.Type {
	if i < len(c.in) {
		return c.in[i]
	}
	return vector.TNull
}

// refuse says that the function is not defined for the argument.
func (c *aggCall) refuse(i int) error { return fmt.Errorf("%s of %s is not defined", c.name, c.arg(i)) }

// ordered types have a least and a greatest value; ARRAY, MAP and STRUCT have not.
func ordered(t vector.Type) bool { return t.Phys() != vector.PhysNested }

func numeric(t vector.Type) bool {
	return t.Numeric() || t.Kind == vector.Null || t.Kind == vector.Interval
}

func whole64(t vector.Type) bool { return t.Kind == vector.Int || t.Kind == vector.BigInt }

func arrayOf(t vector.Type) vector.Type { return vector.Type{Kind: vector.Array, Elem: &t} }

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

// resolveAgg checks the arguments of a call and plans it.
func resolveAgg(name string, c *aggCall) (*aggFunc, error) {
	f := findAgg(name)
	if f == nil {
		return nil, fmt.Errorf("no aggregate %s", name)
	}
	if len(c.in) < f.minArgs || len(c.in) > f.maxArgs {
		return nil, fmt.Errorf("%s is called as %s, not with %d arguments", f.Name, f.Usage, len(c.in))
	}
	if c.limit <= 0 {
		c.limit = maxElements
	}
	c.name = f.Name
	return f, f.plan(c)
}

// ResolveAggIn returns the result type of an aggregate over arguments of the given types under a profile; the error
// says what is wrong with them. COUNT(*) has no argument. Constants (the k of TOPK, the share of a percentile, a
// separator) are arguments like the others.
func ResolveAggIn(p expr.Profile, name string, args []vector.Type) (vector.Type, error) {
	c := &aggCall{in: args, ksql: p == expr.Ksql}
	_, err := resolveAgg(name, c)
	return c.out, err
}
