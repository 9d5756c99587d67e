package expr

import (
	"fmt"
	"maps"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// bindNested binds what has to do with ARRAY, MAP and STRUCT.
func (c columns) bindNested(e ast.Expr) (Expr, error) {
	switch n := e.(type) {
	case *ast.ArrayLit:
		items, err := c.bindAll(n.Items...)
		if err != nil {
			return nil, err
		}
		return c.profile().Array(items, n.At)
	case *ast.MapLit:
		keys, err := c.bindAll(n.Keys...)
		if err != nil {
			return nil, err
		}
		values, err := c.bindAll(n.Values...)
		if err != nil {
			return nil, err
		}
		return c.profile().Map(keys, values, n.At)
	case *ast.StructLit:
		values, err := c.bindAll(n.Values...)
		if err != nil {
			return nil, err
		}
		names := make([]string, len(n.Names))
		for i, id := range n.Names {
			if names[i] = id.Name; c.profile() == Ksql && !id.Quoted {
				names[i] = strings.ToUpper(id.Name)
			}
		}
		return c.profile().Struct(names, values, n.At)
	case *ast.Field:
		x, err := c.bind(n.X)
		if err != nil {
			return nil, err
		}
		return c.profile().Field(x, n.Name.Name, n.Name.Quoted, n.At)
	case *ast.Index:
		list, err := c.bindAll(n.X, n.I)
		if err != nil {
			return nil, err
		}
		return c.profile().Index(list[0], list[1], n.At)
	default:
		return nil, fmt.Errorf("the tests do not bind %T", e)
	}
}

// bindLambda binds a lambda behind the arguments before it: its parameters are columns for a while.
func (c columns) bindLambda(name string, before []Expr, n *ast.Lambda) (Expr, error) {
	types, err := LambdaParams(name, before, n.At)
	if err != nil {
		return nil, err
	}
	if len(types) != len(n.Params) {
		return nil, fmt.Errorf("%s gives the lambda %d values, not %d", name, len(types), len(n.Params))
	}
	inner := maps.Clone(c)
	if inner == nil {
		inner = columns{}
	}
	l := &Lambda{At: n.At}
	params := map[int]*Param{}
	for i, id := range n.Params {
		p := &Param{ID: len(c)*10 + i, Name: id.Name, T: types[i]}
		inner[id.Name] = &Column{Index: -1000 - p.ID, Name: id.Name, T: p.T}
		params[-1000-p.ID] = p
		l.Params = append(l.Params, p)
	}
	body, err := inner.bind(n.Body)
	if err != nil {
		return nil, err
	}
	l.Body = Rewrite(body, func(e Expr) Expr {
		if col, ok := e.(*Column); ok && params[col.Index] != nil {
			return params[col.Index]
		}
		return e
	})
	return l, nil
}

// lambdaCall binds a call whose arguments may be lambdas.
func (c columns) lambdaCall(name string, at sqlerr.Span, args []ast.Expr) (Expr, error) {
	var bound []Expr
	for _, a := range args {
		l, ok := a.(*ast.Lambda)
		if !ok {
			x, err := c.bind(a)
			if err != nil {
				return nil, err
			}
			bound = append(bound, x)
			continue
		}
		x, err := c.bindLambda(name, bound, l)
		if err != nil {
			return nil, err
		}
		if s := len(bound) - 1; strings.EqualFold(name, "REDUCE") && !x.Type().Equal(bound[s].Type()) {
			t, err := ReduceState(bound[s].Type(), x.Type())
			if err != nil {
				return nil, err
			}
			if bound[s], err = Leat.Cast(bound[s], t, false, at); err != nil {
				return nil, err
			}
			if x, err = c.bindLambda(name, bound, l); err != nil {
				return nil, err
			}
		}
		bound = append(bound, x)
	}
	return c.profile().Call(name, bound, at)
}
