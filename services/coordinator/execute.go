package coordinator

import (
	"context"
	"errors"
	"maps"

	"go.opentelemetry.io/otel/trace"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/wasm"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// session is what SET and DEFINE change while a script runs.
type session struct {
	set        map[string]string
	vars       map[string]string
	fromLatest bool
}

// Execute runs the statements of a script in order and stops at the first error. Statements that ran stay done.
func (c *Coordinator) Execute(ctx context.Context, req api.ExecuteRequest) api.ExecuteResponse {
	if c.cfg.Tracer != nil {
		var span trace.Span
		ctx, span = c.cfg.Tracer.Start(ctx, "execute")
		defer span.End()
	}
	s := &session{set: clone(req.Session), vars: clone(req.Vars), fromLatest: req.FromLatest}
	resp := api.ExecuteResponse{}
	statements, errs := parser.Parse(req.Script, parser.Options{
		Vars: s.vars, Types: c.Catalog().Types, Upper: plan.SettingProfile(s.set) == expr.Ksql,
	})
	if len(errs) > 0 {
		resp.Error = apiError(errs[0], req.Script)
		return resp
	}
	for _, st := range statements {
		if req.IfNotExists {
			ifNotExists(st)
		}
		r, err := c.statement(ctx, s, st)
		if err != nil {
			resp.Error = apiError(err, req.Script)
			break
		}
		resp.Results = append(resp.Results, r...)
	}
	resp.Session, resp.Vars = s.set, s.vars
	return resp
}

// ifNotExists marks a CREATE.
func ifNotExists(st ast.Statement) {
	switch st := st.(type) {
	case *ast.Create:
		st.IfNotExists = !st.OrReplace
	case *ast.CreateSink:
		st.IfNotExists = true
	}
}

func clone(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}

// statement runs one statement.
func (c *Coordinator) statement(ctx context.Context, s *session, st ast.Statement) ([]api.Result, error) {
	switch st := st.(type) {
	case *ast.Create:
		return one(c.create(ctx, s, st))
	case *ast.CreateSink:
		return one(c.createSink(ctx, st))
	case *ast.InsertSelect:
		return one(c.insertSelect(ctx, s, st))
	case *ast.InsertValues:
		return one(c.insertValues(ctx, s, st))
	case *ast.Select:
		return one(c.query(ctx, s, st))
	case *ast.Print:
		return one(c.print(ctx, st))
	case *ast.CreateType:
		return one(c.createType(ctx, st))
	case *ast.CreateFunction:
		return one(c.createFunction(ctx, st))
	case *ast.Alter:
		return one(c.alter(ctx, st))
	case *ast.Drop:
		return one(c.drop(ctx, st))
	case *ast.Control:
		return one(c.control(ctx, st))
	case *ast.Show:
		return one(c.show(s, st))
	case *ast.Describe:
		return one(c.describe(st))
	case *ast.Explain:
		return one(c.explain(s, st))
	case *ast.Set:
		return one(setting(s, st))
	case *ast.RunScript:
		return nil, unsupported(st, "RUN SCRIPT on a server").WithHint("leat sql -f FILE runs a script")
	default:
		return nil, unsupported(st, "this statement")
	}
}

func unsupported(st ast.Statement, what string) *sqlerr.Error {
	return sqlerr.New(sqlerr.NotSupported, st.Span(), "%s is not supported", what)
}

func one(r api.Result, err error) ([]api.Result, error) {
	if err != nil {
		return nil, err
	}
	return []api.Result{r}, nil
}

func message(text string, warnings ...string) api.Result {
	return api.Result{Kind: "message", Message: text, Warnings: warnings}
}

// setting runs SET, UNSET, DEFINE and UNDEFINE.
func setting(s *session, st *ast.Set) (api.Result, error) {
	m := s.set
	if st.Define {
		m = s.vars
	} else if err := plan.CheckSetting(st.Key, st.Value, st.Unset, st.At); err != nil {
		return api.Result{}, err
	}
	if st.Unset {
		delete(m, st.Key)
		return message("unset " + st.Key), nil
	}
	m[st.Key] = st.Value
	return message(st.Key + " = " + st.Value), nil
}

// binder makes a binder for a statement of a session.
func (c *Coordinator) binder(s *session, mode plan.Mode) *plan.Binder {
	return &plan.Binder{
		Catalog: c.Catalog(), Mode: mode, RecordEmission: s.set["emit"] == "record",
		Profile: plan.SettingProfile(s.set), KeyFormat: plan.SettingDefaults(s.set, 1).KeyFormat,
		StateTTLMs: plan.SettingStateTTL(s.set),
		Functions:  wasm.Functions(c.Catalog().Functions),
	}
}

// apiError gives an error its code, hint and place.
func apiError(err error, script string) *api.Error {
	if e, ok := errors.AsType[*sqlerr.Error](err); ok {
		line, col := sqlerr.Position(script, e.Span.Start)
		return &api.Error{
			Code: string(e.Code), Message: e.Msg, Hint: e.Hint,
			Position: &api.Position{
				Line: line, Column: col, Offset: e.Span.Start,
				Length: max(1, e.Span.End-e.Span.Start),
			},
		}
	}
	if a, ok := errors.AsType[*api.Error](err); ok {
		return a
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &api.Error{Code: "LEAT-4001", Message: err.Error(), Retryable: true}
	}
	return &api.Error{Code: "LEAT-4002", Message: err.Error(), Retryable: true}
}
