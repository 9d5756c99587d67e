package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// bindNested binds the literals of ARRAY, MAP and STRUCT and the access to what is in them.
func (b *exprBinder) bindNested(e ast.Expr) (expr.Expr, error) {
	switch n := e.(type) {
	case *ast.ArrayLit:
		items, err := b.bindAll(n.Items)
		if err != nil {
			return nil, err
		}
		return b.profile.Array(items, n.At)
	case *ast.MapLit:
		keys, err := b.bindAll(n.Keys)
		if err != nil {
			return nil, err
		}
		values, err := b.bindAll(n.Values)
		if err != nil {
			return nil, err
		}
		return b.profile.Map(keys, values, n.At)
	case *ast.StructLit:
		values, err := b.bindAll(n.Values)
		if err != nil {
			return nil, err
		}
		names := make([]string, len(n.Names))
		for i, id := range n.Names {
			names[i] = id.Name
		}
		return b.profile.Struct(names, values, n.At)
	case *ast.Field:
		x, err := b.bind(n.X)
		if err != nil {
			return nil, err
		}
		return b.profile.Field(x, n.Name.Name, n.Name.Quoted, n.At)
	case *ast.Index:
		both, err := b.bindAll([]ast.Expr{n.X, n.I})
		if err != nil {
			return nil, err
		}
		return b.profile.Index(both[0], both[1], n.At)
	case *ast.Lambda:
		return nil, sqlerr.New(sqlerr.BadStatement, n.At, "a lambda stands only in TRANSFORM, FILTER and REDUCE")
	default:
		return nil, nil
	}
}

// bindPath binds a.b.c where a, or a.b, is a column of a STRUCT, or a parameter of a lambda.
func (b *exprBinder) bindPath(n *ast.Name) (expr.Expr, error) {
	for cut := len(n.Parts) - 1; cut > 0; cut-- {
		head := &ast.Name{E: n.E, Parts: n.Parts[:cut]}
		x, err := b.bind(head)
		if err != nil {
			continue
		}
		for _, f := range n.Parts[cut:] {
			if x, err = b.profile.Field(x, f.Name, f.Quoted, n.At); err != nil {
				return nil, err
			}
		}
		return x, nil
	}
	return nil, nil
}

// param returns the parameter of an enclosing lambda that a name means, or nil.
func (b *exprBinder) param(n *ast.Name) *expr.Param {
	for i := len(b.params) - 1; i >= 0 && len(n.Parts) == 1; i-- {
		if same(n.Parts[0], b.params[i].Name) {
			return b.params[i]
		}
	}
	return nil
}

// readsParam tells that an expression reads a parameter of an enclosing lambda.
func (b *exprBinder) readsParam(e ast.Expr) bool {
	if len(b.params) == 0 {
		return false
	}
	found := false
	walk(e, func(e ast.Expr) bool {
		if n, ok := e.(*ast.Name); ok {
			first := &ast.Name{Parts: n.Parts[:1]}
			found = found || b.param(first) != nil
		}
		return !found
	})
	return found
}

// hasLambda tells that an argument of a call is a lambda.
func hasLambda(args []ast.Expr) bool {
	for _, a := range args {
		if _, ok := a.(*ast.Lambda); ok {
			return true
		}
	}
	return false
}

// lambdaCall binds a call from left to right: what a lambda gets depends on the arguments before it.
func (b *exprBinder) lambdaCall(name string, n *ast.Call) (expr.Expr, error) {
	var bound []expr.Expr
	for _, a := range n.Args {
		l, ok := a.(*ast.Lambda)
		if !ok {
			x, err := b.bind(a)
			if err != nil {
				return nil, err
			}
			bound = append(bound, x)
			continue
		}
		x, err := b.bindLambda(name, bound, l)
		if err != nil {
			return nil, err
		}
		if s := len(bound) - 1; name == "REDUCE" && s == 1 && !x.Type().Equal(bound[s].Type()) {
			if x, err = b.widenState(bound, x, l); err != nil {
				return nil, err
			}
		}
		bound = append(bound, x)
	}
	return b.profile.Call(name, bound, n.At)
}

// widenState gives the state of a REDUCE the type that the result of its lambda needs, and binds the lambda anew.
func (b *exprBinder) widenState(bound []expr.Expr, x expr.Expr, l *ast.Lambda) (expr.Expr, error) {
	state := bound[1]
	t, err := expr.ReduceState(state.Type(), x.Type())
	if err != nil {
		return nil, sqlerr.New(sqlerr.TypeMismatch, l.At, "the state of REDUCE is %s, its lambda gives %s",
			state.Type(), x.Type())
	}
	if bound[1], err = b.profile.Cast(state, t, false, state.Span()); err != nil {
		return nil, err
	}
	return b.bindLambda("REDUCE", bound, l)
}

func (b *exprBinder) bindLambda(name string, before []expr.Expr, n *ast.Lambda) (expr.Expr, error) {
	types, err := expr.LambdaParams(name, before, n.At)
	if err != nil {
		return nil, err
	}
	if len(types) != len(n.Params) {
		return nil, sqlerr.New(sqlerr.BadStatement, n.At, "%s gives its lambda %d values, this one takes %d", name,
			len(types), len(n.Params))
	}
	l := &expr.Lambda{At: n.At}
	for i, id := range n.Params {
		for k, p := range append(slices.Clone(b.params), l.Params...) {
			inside := k < len(b.params) && b.profile != expr.Ksql // a lambda may hide a parameter around it
			if !inside && same(id, p.Name) {
				return nil, sqlerr.New(sqlerr.Ambiguous, id.At, "two parameters of lambdas are named %q here", id.Name).
					WithHint("give one of them another name")
			}
		}
		b.lambdas++
		l.Params = append(l.Params, &expr.Param{ID: b.lambdas, Name: id.Name, T: types[i], At: id.At})
	}
	outside := len(b.params)
	b.params = append(b.params, l.Params...)
	defer func() { b.params = b.params[:outside] }()
	if l.Body, err = b.bind(n.Body); err != nil {
		return nil, err
	}
	if l.Body.Type().Kind == vector.Null && name != "FILTER" {
		return nil, sqlerr.New(sqlerr.TypeMismatch, n.Body.Span(), "this lambda gives NULL without a type").
			WithHint("CAST(NULL AS STRING)")
	}
	return l, nil
}
