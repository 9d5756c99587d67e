package expr

import "github.com/leatsql/leat/pkg/sql/vector"

// lambdaFuncs are the functions that take lambdas. Errors inside of a lambda are errors of the row.
func lambdaFuncs() []*Func {
	return []*Func{{
		Name: "TRANSFORM", Aliases: []string{"LIST_TRANSFORM"}, Category: "collection",
		Usage:    []string{"TRANSFORM(array, x => e)", "TRANSFORM(map, (k, v) => key, (k, v) => value)"},
		Doc:      "Returns the collection with each element, or each key and value, replaced.",
		NullSafe: true, Resolve: transformMatch, lazy: compileTransform,
		lambda: func(args []Expr) []vector.Type {
			if t := args[0].Type(); len(args) == 1 || t.Kind == vector.Map && len(args) == 2 {
				return elementTypes(t)
			}
			return nil
		},
	}, {
		Name: "FILTER", Aliases: []string{"LIST_FILTER"}, Category: "collection",
		Usage:    []string{"FILTER(array, x => condition)", "FILTER(map, (k, v) => condition)"},
		Doc:      "Returns the elements for which the condition is TRUE.",
		NullSafe: true, Resolve: filterMatch, lazy: compileFilter,
		lambda: func(args []Expr) []vector.Type {
			if len(args) != 1 {
				return nil
			}
			return elementTypes(args[0].Type())
		},
	}, {
		Name: "REDUCE", Aliases: []string{"LIST_REDUCE"}, Category: "collection",
		Usage: []string{"REDUCE(array, state, (s, x) => e)", "REDUCE(map, state, (s, k, v) => e)"},
		Doc: "Returns the state after the lambda has taken one element after the other into it; the state itself " +
			"where the collection is NULL, NULL where the state is.",
		NullSafe: true, Resolve: reduceMatch, lazy: compileReduce,
		lambda: func(args []Expr) []vector.Type {
			if len(args) != 2 || elementTypes(args[0].Type()) == nil {
				return nil
			}
			return append([]vector.Type{args[1].Type()}, elementTypes(args[0].Type())...)
		},
	}}
}

func argTypes(args []Operand) []vector.Type {
	out := make([]vector.Type, len(args))
	for i, a := range args {
		out[i] = a.T
	}
	return out
}

func transformMatch(args []Operand) (*Match, error) {
	m := &Match{Args: argTypes(args)}
	switch {
	case len(args) == 2 && args[0].T.Kind == vector.Array:
		m.Out = vector.TArray(args[1].T)
	case len(args) == 3 && args[0].T.Kind == vector.Map && scalars(args[1].T):
		m.Out = vector.TMap(args[1].T, args[2].T)
	default:
		return nil, &misfit{}
	}
	return m, nil
}

func filterMatch(args []Operand) (*Match, error) {
	if len(args) != 2 || args[1].T.Kind != vector.Boolean && args[1].T.Kind != vector.Null {
		return nil, &misfit{}
	}
	return &Match{Out: args[0].T, Args: []vector.Type{args[0].T, vector.TBoolean}}, nil
}

func reduceMatch(args []Operand) (*Match, error) {
	if len(args) != 3 {
		return nil, &misfit{}
	}
	s := args[1].T
	return &Match{Out: s, Args: []vector.Type{args[0].T, s, s}}, nil
}

// ReduceState returns the type that the state of a REDUCE needs so that its lambda's result fits.
func ReduceState(state, result vector.Type) (vector.Type, error) {
	t, err := CommonType(state, result)
	if err == nil && t.Kind == vector.Decimal && !t.Equal(state) {
		t.Precision = vector.MaxDigits
	}
	return t, err
}
