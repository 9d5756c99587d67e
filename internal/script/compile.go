// Package script compiles a script for leat run: objects, plans, the last SELECT, the sources that it needs.
package script

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/wasm"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Options are what the command line brings.
type Options struct {
	Vars       map[string]string
	Inputs     map[string]string // stream -> file, instead of the declared source
	Partitions int
	RecordEmit bool
	// Push plans the last SELECT as one that runs for ever.
	Push bool
	// Dir is where the script lies: the modules of functions are looked up there too.
	Dir string
}

// Program is a script that has been checked whole.
type Program struct {
	Objects  plan.Objects
	Plans    []*plan.Plan      // in order of the statements
	Texts    map[string]string // query id -> statement text
	Inserts  []Insert
	Sinks    []*ast.CreateSink
	Result   *plan.Plan // the last SELECT; nil without one
	Select   *ast.Select
	Explains []string
	Warnings []string
	Notices  []string // statements that were made of samples
	Emit     string   // batch or record
	// Profile, KeyFormat and Types are those under which the queries are planned again in message mode.
	Profile   string
	KeyFormat string
	Types     map[string]vector.Type
	Functions map[string]*plan.Function
	// Declared names the declared objects in the order of the script.
	Declared []string
}

// Insert is one INSERT INTO .. VALUES.
type Insert struct {
	Object *plan.Object
	Rows   *vector.Batch
}

// compiler holds the state of Compile.
type compiler struct {
	opt  Options
	p    *Program
	next int
	set  map[string]string

	types  map[string]vector.Type // names of CREATE TYPE, in capitals
	extern plan.Functions
}

// Compile parses, binds and plans all statements; up to ten errors come back together.
func Compile(ctx context.Context, text string, opt Options) (*Program, []*sqlerr.Error) {
	statements, errs := parser.Parse(text, parser.Options{Vars: opt.Vars})
	if len(errs) > 0 {
		return nil, errs
	}
	c := &compiler{
		opt: opt, p: &Program{Objects: plan.Objects{}, Texts: map[string]string{}}, set: map[string]string{},
		types: map[string]vector.Type{},
	}
	if opt.RecordEmit {
		c.set["emit"] = "record"
	}
	for i, st := range statements {
		if err := c.statement(ctx, st, lastSelect(statements, i)); err != nil {
			return nil, []*sqlerr.Error{asError(err, st)}
		}
	}
	for name := range opt.Inputs { // any order: at most one error comes of it
		if _, ok := c.p.Objects.Object(ast.Ident{Name: name}); !ok {
			e := sqlerr.New(sqlerr.UnknownObject, ast.Span{}, "--in %s: no stream or table of that name is declared",
				name)
			return nil, []*sqlerr.Error{e}
		}
	}
	c.p.Profile, c.p.KeyFormat = plan.ProfileName(plan.SettingProfile(c.set)), plan.SettingDefaults(c.set, 1).KeyFormat
	c.p.Types = c.types
	c.p.Emit = "batch"
	if c.set["emit"] == "record" {
		c.p.Emit = "record"
	}
	return c.p, nil
}

func asError(err error, st ast.Statement) *sqlerr.Error {
	if e, ok := err.(*sqlerr.Error); ok { //nolint:errorlint // made by this front end, never wrapped
		return e
	}
	return sqlerr.New(sqlerr.BadStatement, st.Span(), "%s", err.Error())
}

func lastSelect(statements []ast.Statement, i int) bool {
	return !slices.ContainsFunc(statements[i+1:], func(s ast.Statement) bool { _, ok := s.(*ast.Select); return ok })
}

func (c *compiler) statement(ctx context.Context, st ast.Statement, last bool) error {
	switch st := st.(type) {
	case *ast.Create:
		return c.create(ctx, st)
	case *ast.InsertSelect:
		p, _, err := c.binder(ctx, plan.Persistent).InsertSelect(c.id(st.Text), st)
		return c.add(p, err)
	case *ast.InsertValues:
		o, rows, err := c.binder(ctx, plan.Persistent).InsertValues(st)
		if err == nil {
			c.p.Inserts = append(c.p.Inserts, Insert{Object: o, Rows: rows})
		}
		return err
	case *ast.CreateSink:
		return c.sink(st)
	case *ast.Select:
		return c.selectStatement(ctx, st, last)
	case *ast.Explain:
		return c.explain(ctx, st)
	case *ast.Set:
		return c.setting(st)
	case *ast.CreateType:
		return c.createType(st)
	case *ast.CreateFunction:
		return c.createFunction(ctx, st)
	default:
		return c.change(st)
	}
}

func (c *compiler) setting(st *ast.Set) error {
	if st.Define {
		return nil // the parser has replaced the variable already
	}
	if err := plan.CheckSetting(st.Key, st.Value, st.Unset, st.At); err != nil {
		return err
	}
	if st.Unset {
		delete(c.set, st.Key)
	} else {
		c.set[st.Key] = st.Value
	}
	return nil
}

// createType checks that the name is free; the parser has put the type in where later statements name it.
func (c *compiler) createType(st *ast.CreateType) error {
	name := strings.ToUpper(st.Name.Name)
	if _, exists := c.types[name]; exists && !st.IfNotExists {
		return sqlerr.New(sqlerr.Exists, st.Name.At, "type %s exists already", name)
	}
	c.types[name] = st.Type
	return nil
}

// createFunction reads the module of a function.
func (c *compiler) createFunction(ctx context.Context, st *ast.CreateFunction) error {
	name := strings.ToUpper(st.Name.Name)
	if _, exists := c.p.Functions[name]; exists && !st.OrReplace {
		if st.IfNotExists {
			return nil
		}
		return sqlerr.New(sqlerr.Exists, st.Name.At, "function %s exists already", name)
	}
	f, err := os.Open(Locate(st.File, c.opt.Dir))
	if err != nil {
		return sqlerr.New(sqlerr.NotFound, st.FileAt, "%s", err.Error())
	}
	defer f.Close()
	code, err := io.ReadAll(io.LimitReader(f, wasm.MaxModuleBytes+1))
	if err != nil {
		return sqlerr.New(sqlerr.NotFound, st.FileAt, "%s", err.Error())
	}
	if c.p.Functions == nil {
		c.p.Functions = map[string]*plan.Function{}
	}
	if c.p.Functions[name], err = wasm.Define(ctx, st, code); err != nil {
		return err
	}
	c.extern = wasm.Functions(c.p.Functions)
	return nil
}

func (c *compiler) binder(ctx context.Context, mode plan.Mode) *plan.Binder {
	return &plan.Binder{
		Catalog: c.p.Objects, Mode: mode, RecordEmission: c.set["emit"] == "record",
		Profile: plan.SettingProfile(c.set), KeyFormat: plan.SettingDefaults(c.set, 1).KeyFormat,
		StateTTLMs: plan.SettingStateTTL(c.set),
		Functions:  c.extern, File: func(r *ast.TableRef) (*plan.Object, error) { return c.file(ctx, r) },
	}
}

func (c *compiler) id(text string) string {
	c.next++
	id := fmt.Sprintf("q%d", c.next)
	c.p.Texts[id] = text
	return id
}

func (c *compiler) add(p *plan.Plan, err error) error {
	if err == nil {
		c.p.Plans = append(c.p.Plans, p)
	}
	return err
}

func (c *compiler) create(ctx context.Context, st *ast.Create) error {
	if o, exists := c.p.Objects.Object(st.Name); exists {
		if st.IfNotExists {
			return nil
		}
		if st.OrReplace {
			return c.replace(ctx, o, st)
		}
		return sqlerr.New(sqlerr.Exists, st.Name.At, "%s exists already", o.Name)
	}
	if st.As != nil {
		b := c.binder(ctx, plan.Persistent)
		p, o, err := b.CreateAs(c.id(st.Text), st)
		if err != nil {
			return err
		}
		c.p.Warnings = append(c.p.Warnings, b.Warnings...)
		c.p.Objects[o.Name] = o
		if p.Late != nil {
			c.p.Objects[p.Late.Name] = p.Late
		}
		return c.add(p, nil)
	}
	_, err := c.declare(ctx, st)
	return err
}

// declare adds a source.
func (c *compiler) declare(ctx context.Context, st *ast.Create) (*plan.Object, error) {
	def := plan.SettingDefaults(c.set, max(1, c.opt.Partitions))
	if err := c.infer(ctx, st, def); err != nil {
		return nil, err
	}
	o, warnings, err := plan.Define(st, def)
	if err != nil {
		return nil, err
	}
	c.p.Warnings = append(c.p.Warnings, warnings...)
	c.override(o)
	c.p.Objects[o.Name] = o
	c.p.Declared = append(c.p.Declared, o.Name)
	return o, nil
}

// override applies --in NAME=FILE.
func (c *compiler) override(o *plan.Object) {
	for name, path := range c.opt.Inputs { // any order: names are distinct
		if id := (ast.Ident{Name: name}); !matches(id, o.Name) {
			continue
		}
		s := o.Source
		if path == "-" {
			s.Connector, s.Path = "stdin", ""
		} else {
			s.Connector, s.Path = "file", path
			s.Format = plan.FormatOfPath(path, s.Format)
		}
		s.Subject, s.URL, s.Generator, s.MaxFutureMs = "", "", "", 0
	}
}

func matches(id ast.Ident, name string) bool {
	_, ok := plan.Objects{name: {Name: name}}.Object(id)
	return ok
}

func (c *compiler) sink(st *ast.CreateSink) error {
	if _, ok := c.p.Objects.Object(st.From); !ok {
		return sqlerr.New(sqlerr.UnknownObject, st.From.At, "no stream or table %q", st.From.Name)
	}
	if st.Target != "FILE" && st.Target != "CONSOLE" {
		return sqlerr.New(sqlerr.NotSupported, st.AddressAt, "a sink TO %s is not supported by leat run", st.Target).
			WithHint("leat dev runs it; here: TO FILE 'path' or TO CONSOLE")
	}
	c.p.Sinks = append(c.p.Sinks, st)
	return nil
}

// selectStatement plans a SELECT; only the last one prints.
func (c *compiler) selectStatement(ctx context.Context, st *ast.Select, last bool) error {
	mode := plan.Bounded
	if c.opt.Push {
		mode = plan.Push
	}
	b := c.binder(ctx, mode)
	p, err := b.Select(c.id(st.Text), st.Query)
	if err != nil {
		return err
	}
	c.p.Warnings = append(c.p.Warnings, b.Warnings...)
	if !last {
		c.p.Warnings = append(c.p.Warnings, "only the last SELECT prints; an earlier one is checked and left out")
		return nil
	}
	c.p.Result, c.p.Select = p, st
	return nil
}

func (c *compiler) explain(ctx context.Context, st *ast.Explain) error {
	var p *plan.Plan
	var err error
	id := fmt.Sprintf("q%d", c.next+1)
	switch inner := st.Statement.(type) {
	case *ast.Select:
		p, err = c.binder(ctx, plan.Bounded).Select(id, inner.Query)
	case *ast.Create:
		if inner.As == nil {
			return sqlerr.New(sqlerr.NotSupported, st.At, "EXPLAIN of a declaration is not supported")
		}
		p, _, err = c.binder(ctx, plan.Persistent).CreateAs(id, inner)
	case *ast.InsertSelect:
		p, _, err = c.binder(ctx, plan.Persistent).InsertSelect(id, inner)
	default:
		return sqlerr.New(sqlerr.NotSupported, st.At, "EXPLAIN of this statement is not supported here")
	}
	if err != nil {
		return err
	}
	c.p.Explains = append(c.p.Explains, p.Explain())
	return nil
}

// Needed returns the plans and objects that the result and the sinks need, plans in order; sources nobody needs are not
// opened.
func (p *Program) Needed() (plans []*plan.Plan, objects []string) {
	want := map[string]bool{}
	var visit func(name string)
	needPlan := map[string]bool{}
	visitPlan := func(pl *plan.Plan) {
		needPlan[pl.Query] = true
		for _, s := range pl.Stages {
			for _, in := range s.Inputs {
				if in.Object != "" {
					visit(in.Object)
				}
			}
		}
	}
	visit = func(name string) {
		if want[name] {
			return
		}
		want[name] = true
		o := p.Objects[name]
		for _, pl := range p.Plans {
			if pl.Stages[len(pl.Stages)-1].Output.Topic == o.Topic || pl.Late != nil && pl.Late.Topic == o.Topic {
				visitPlan(pl)
			}
		}
	}
	for _, s := range p.Sinks {
		o, _ := p.Objects.Object(s.From)
		visit(o.Name)
	}
	if p.Result != nil {
		visitPlan(p.Result)
	}
	for _, pl := range p.Plans {
		if needPlan[pl.Query] {
			plans = append(plans, pl)
		}
	}
	if p.Result != nil {
		plans = append(plans, p.Result)
	}
	for _, name := range p.Declared {
		if want[name] {
			objects = append(objects, name)
		}
	}
	return plans, objects
}
