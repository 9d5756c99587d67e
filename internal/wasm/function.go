package wasm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// Define checks a CREATE FUNCTION and its module.
func Define(ctx context.Context, st *ast.CreateFunction, code []byte) (*plan.Function, error) {
	f, err := plan.DefineFunction(st, code)
	if err != nil {
		return nil, err
	}
	m, err := Load(ctx, code, signatureOf(f))
	if err != nil {
		return nil, sqlerr.New(sqlerr.BadStatement, st.FileAt, "%s: %s", st.File, err.Error())
	}
	return f, m.Close(ctx)
}

func signatureOf(f *plan.Function) Signature {
	return Signature{Export: f.Export, Params: f.Types(), Returns: f.Returns}
}

// Functions makes the functions callable; a module is loaded when it is called first. A kernel has no context: a call
// is bounded by its own time.
//
//nolint:contextcheck,nolintlint // a kernel has no context; contextcheck reads this line itself
func Functions(list map[string]*plan.Function) plan.Functions {
	out := plan.Functions{}
	for name, f := range list { // any order: each has its own entry
		load := sync.OnceValues(func() (*Module, error) {
			return Load(context.Background(), f.Code, signatureOf(f))
		})
		var slow atomic.Bool // it has stopped its query: the rows that are left need not wait
		out[name] = expr.External(f.Name, f.Types(), f.Returns, func(args []any) (any, error) {
			m, err := load()
			if err != nil {
				return nil, fmt.Errorf("function %s: %w: %w", f.Name, err, expr.ErrHalt)
			}
			if slow.Load() {
				return nil, fmt.Errorf("function %s %w: %w", f.Name, ErrTimeout, expr.ErrHalt)
			}
			v, err := m.Call(context.Background(), args)
			if errors.Is(err, ErrTimeout) {
				slow.Store(true)
				return nil, fmt.Errorf("function %s %w: %w", f.Name, err, expr.ErrHalt)
			}
			if err != nil {
				return nil, fmt.Errorf("function %s: %w", f.Name, err)
			}
			return v, nil
		})
	}
	return out
}
