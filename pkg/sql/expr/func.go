package expr

import "github.com/leatsql/leat/pkg/sql/vector"

// Kernel computes one overload over a batch. args have n rows each (a constant argument is expanded or marked by the
// compiler as it sees fit); it returns a vector of n rows. sel lists the rows that matter (nil: all); others may hold
// anything. A row that fails is reported with ctx.Errors and made null.
type Kernel func(ctx *Context, args []*vector.Vector, n int, sel []uint32, out vector.Type) *vector.Vector

// Func is one row of the table of functions: binder, SHOW FUNCTIONS, DESCRIBE FUNCTION, completion and the manual read
// it. Operators ("+", "=", "LIKE", "AND") are rows too, marked Operator.
type Func struct {
	Name     string // upper case, canonical
	Aliases  []string
	Category string   // math, string, time, null, condition, json, other
	Doc      string   // one sentence
	Usage    []string // "SUBSTRING(s, pos[, n])"
	Operator bool
	// Resolve gives the result type for argument types, and the types that arguments are to be cast to first (nil: as
	// they are), or ok = false with what is wanted. A literal NULL has type NULL.
	Resolve func(args []vector.Type) (out vector.Type, cast []vector.Type, err error)
	Kernel  Kernel
	// NotDeterministic functions (RANDOM, UUID) are refused in persistent queries.
	NotDeterministic bool
}
