package expr

import (
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

func conditionFuncs() []*Func {
	coalesce := &Func{
		Name: "COALESCE", Category: "null",
		Usage: []string{"COALESCE(a, b, ...)"}, Resolve: sameTypes, lazy: compileCoalesce,
		Doc: "Returns the first argument that is not NULL; later ones are not evaluated.",
	}
	ifNull := &Func{
		Name: "IFNULL", Aliases: []string{"NVL"}, Category: "null", Usage: []string{"IFNULL(a, b)"},
		lazy: compileCoalesce, Doc: "Returns a, or b where a is NULL; b is not evaluated for other rows.",
		Resolve: func(args []Operand) (*Match, error) {
			if len(args) != 2 {
				return nil, &misfit{}
			}
			return sameTypes(args)
		},
	}
	return []*Func{
		coalesce, ifNull,
		{
			Name: "NULLIF", Category: "null", Usage: []string{"NULLIF(a, b)"}, Resolve: rewritten,
			Doc: "Returns NULL when a equals b, else a.",
		},
		{
			Name: "IF", Aliases: []string{"IIF"}, Category: "condition", Usage: []string{"IF(condition, a, b)"},
			Resolve: rewritten,
			Doc:     "Returns a where the condition is TRUE, else b; the other one is not evaluated.",
		},
	}
}

// rewritten is the Resolve of functions that never become a Call.
func rewritten([]Operand) (*Match, error) { return nil, &misfit{} }

// rewrite turns a call into another expression; nil goes on with the table.
func (p Profile) rewrite(name string, args []Expr, at sqlerr.Span) (Expr, error) {
	switch {
	case name == "NULLIF" && len(args) == 2:
		same, err := p.Call("=", args, at)
		if err != nil {
			return nil, err
		}
		return p.Case([]Expr{same}, []Expr{&Literal{T: vector.TNull, At: at}}, args[0], at)
	case name == "IF" && len(args) == 3:
		return p.Case(args[:1], args[1:2], args[2], at)
	case (name == "CONCAT" || name == "||") && allArrays(args):
		return p.Call("ARRAY_CONCAT", args, at)
	case len(args) == 0:
		return now(name, at)
	default:
		return nil, nil
	}
}

// allArrays says that the arguments are arrays, or NULLs beside one.
func allArrays(args []Expr) bool {
	arrays := 0
	for _, x := range args {
		switch x.Type().Kind {
		case vector.Array:
			arrays++
		case vector.Null:
		default:
			return false
		}
	}
	return arrays > 0
}

// clocks are the functions that read the append time of the message, the only clock of a query, and how the BIGINT
// milliseconds are converted.
var clocks = map[string][]vector.Type{
	"NOW":            {vector.TTimestamp},
	"CURRENT_DATE":   {vector.TTimestamp, vector.TDate},
	"CURRENT_TIME":   {vector.TTimestamp, vector.TTime},
	"UNIX_TIMESTAMP": {},
	"UNIX_DATE":      {vector.TTimestamp, vector.TDate, vector.TInt},
}

func now(name string, at sqlerr.Span) (Expr, error) {
	path, ok := clocks[name]
	if !ok {
		return nil, nil
	}
	var x Expr = &Column{Index: ColAppendTime, Name: "now()", T: vector.TBigInt, At: at}
	for _, t := range path {
		var err error
		if x, err = Leat.Cast(x, t, false, at); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// sameTypes resolves functions of one or more arguments that have one type with the result.
func sameTypes(args []Operand) (*Match, error) {
	if len(args) == 0 {
		return nil, &misfit{}
	}
	t, err := commonType(args)
	if err != nil {
		return nil, err
	}
	m := &Match{Out: t}
	for range args {
		m.Args = append(m.Args, t)
	}
	return m, nil
}
