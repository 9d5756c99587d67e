package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// tableFuncs are the functions that give rows: from the types of the arguments to those that the operator takes, and
// the type of the column it gives. nil: they do not fit.
var tableFuncs = map[string]struct {
	usage string
	typed func(args []vector.Type) (in []vector.Type, out vector.Type)
}{
	"EXPLODE":         {"EXPLODE(array)", explodeTypes},
	"UNNEST":          {"UNNEST(array)", explodeTypes},
	"CUBE_EXPLODE":    {"CUBE_EXPLODE(array)", cubeTypes},
	"GENERATE_SERIES": {"GENERATE_SERIES(from, to[, step])", seriesTypes},
}

func explodeTypes(args []vector.Type) ([]vector.Type, vector.Type) {
	if len(args) != 1 || args[0].Kind != vector.Array {
		return nil, vector.TNull
	}
	return args, *args[0].Elem
}

func cubeTypes(args []vector.Type) ([]vector.Type, vector.Type) {
	if len(args) != 1 || args[0].Kind != vector.Array {
		return nil, vector.TNull
	}
	return args, args[0]
}

func seriesTypes(args []vector.Type) ([]vector.Type, vector.Type) {
	if len(args) != 2 && len(args) != 3 {
		return nil, vector.TNull
	}
	t := vector.TInt
	for _, a := range args {
		switch a.Kind {
		case vector.Int, vector.Null:
		case vector.BigInt:
			t = vector.TBigInt
		default:
			return nil, vector.TNull
		}
	}
	return slices.Repeat([]vector.Type{t}, len(args)), t
}

// isTableFunc tells that a call gives rows.
func isTableFunc(e ast.Expr) (*ast.Call, bool) {
	c, ok := e.(*ast.Call)
	if !ok {
		return nil, false
	}
	_, ok = tableFuncs[strings.ToUpper(c.Name.Name)]
	return c, ok
}

// tableCalls are the calls of table functions in a select list.
func tableCalls(items []item) []*ast.Call {
	var calls []*ast.Call
	for _, it := range items {
		walk(it.e, func(e ast.Expr) bool {
			c, ok := isTableFunc(e)
			if ok {
				calls = append(calls, c)
			}
			return !ok
		})
	}
	return calls
}

// tableCallInCase finds a table function of which CASE would want rows now and then.
func tableCallInCase(e ast.Expr) *ast.Call {
	var found *ast.Call
	walk(e, func(e ast.Expr) bool {
		if c, ok := e.(*ast.Case); ok {
			if calls := tableCalls([]item{{e: c}}); len(calls) > 0 {
				found = calls[0]
			}
		}
		return found == nil
	})
	return found
}

// unnesting is an Unnest in the making: a projection that computes the arguments, and the operator over it.
type unnesting struct {
	b     *Binder
	eb    *exprBinder
	exprs []expr.Expr
	names []string
	spec  operator.Unnest
}

func (b *Binder) unnesting(sc *scope) *unnesting {
	u := &unnesting{b: b, eb: b.binder(sc)}
	u.exprs, u.names = identity(sc.node)
	return u
}

// add adds a function over arguments.
func (u *unnesting) add(name string, args []expr.Expr, at ast.Span) (vector.Type, error) {
	types := make([]vector.Type, len(args))
	for i, a := range args {
		args[i] = expr.Settle(a)
		types[i] = args[i].Type()
	}
	f := tableFuncs[name]
	in, out := f.typed(types)
	if in == nil {
		texts := make([]string, len(types))
		for i, t := range types {
			texts[i] = t.String()
		}
		return out, sqlerr.New(sqlerr.TypeMismatch, at, "%s does not take (%s); it is %s", name,
			strings.Join(texts, ", "), f.usage)
	}
	call := operator.TableFunc{Func: name, T: out}
	for i, a := range args {
		x, err := u.b.Profile.Cast(a, in[i], false, a.Span())
		if err != nil {
			return out, err
		}
		call.Args = append(call.Args, u.column(x))
	}
	u.spec.Funcs = append(u.spec.Funcs, call)
	return out, nil
}

// column is the column that holds an expression.
func (u *unnesting) column(x expr.Expr) int {
	if c, ok := x.(*expr.Column); ok && c.Index >= 0 {
		return c.Index
	}
	u.exprs = append(u.exprs, x)
	u.names = append(u.names, freeName(fmt.Sprintf("$%d", len(u.exprs)), u.names))
	return len(u.exprs) - 1
}

// node puts the operator on top; its columns stand behind those of the input, in order of the functions.
func (u *unnesting) node(in *Node, names []string) (n *Node, first int) {
	if len(u.exprs) > len(in.Schema.Fields) {
		in = project(in, u.exprs, u.names)
	}
	first = len(in.Schema.Fields)
	s := &vector.Schema{Fields: slices.Clone(in.Schema.Fields)}
	for i, f := range u.spec.Funcs {
		s.Fields = append(s.Fields, vector.Field{Name: names[i], Type: f.T})
	}
	if u.spec.Ordinal {
		s.Fields = append(s.Fields, vector.Field{Name: names[len(u.spec.Funcs)], Type: vector.TBigInt})
	}
	spec := u.spec
	spec.Schema = s
	props := in.Props
	props.Schema = s
	return &Node{Spec: &spec, Inputs: []*Node{in}, Props: props}, first
}

// bindTableCalls plans the table functions of a select list: the scope over their rows, and what stands for the calls.
func (b *Binder) bindTableCalls(items []item, sc *scope) (*scope, func(ast.Expr) (expr.Expr, error), error) {
	calls := tableCalls(items)
	if len(calls) == 0 {
		return sc, nil, nil
	}
	for _, it := range items {
		if c := tableCallInCase(it.e); c != nil {
			return nil, nil, sqlerr.New(sqlerr.BadStatement, c.At, "%s gives rows and may not stand in CASE",
				strings.ToUpper(c.Name.Name)).WithHint("CASE inside of its arguments chooses what it takes apart")
		}
	}
	if sc.node.Updating {
		return nil, nil, rowsOfTable(strings.ToUpper(calls[0].Name.Name), calls[0].At)
	}
	u := b.unnesting(sc)
	names := make([]string, len(calls))
	for i, c := range calls {
		args, err := u.eb.bindAll(c.Args)
		if err != nil {
			return nil, nil, err
		}
		if _, err := u.add(strings.ToUpper(c.Name.Name), args, c.At); err != nil {
			return nil, nil, err
		}
		names[i] = fmt.Sprintf("$%s%d", c.Name.Name, i)
	}
	out := *sc
	var first int
	out.node, first = u.node(sc.node, names)
	return &out, func(e ast.Expr) (expr.Expr, error) {
		c, ok := isTableFunc(e)
		if !ok {
			return nil, nil
		}
		if i := slices.Index(calls, c); i >= 0 {
			x := column(out.node, first+i)
			x.At = c.At
			return x, nil
		}
		return nil, nil
	}, nil
}

// rowsOfTable refuses a table function over a table: its rows would have no key of their own.
func rowsOfTable(name string, at ast.Span) error {
	return sqlerr.New(sqlerr.BadStatement, at, "%s needs a stream; this is a table", name)
}

// refuseTableCalls refuses table functions beside aggregates and OVER.
func refuseTableCalls(items []item) error {
	if calls := tableCalls(items); len(calls) > 0 {
		return sqlerr.New(sqlerr.BadStatement, calls[0].At, "%s does not stand beside aggregates, GROUP BY or OVER",
			strings.ToUpper(calls[0].Name.Name)).WithHint("make a stream of its rows first, and aggregate that")
	}
	return nil
}

// bindUnnest binds UNNEST(e) as a relation: the rows of left, each once for every element.
func (b *Binder) bindUnnest(left *scope, r *ast.Unnest, outer bool) (*scope, error) {
	if left.node.Updating {
		return nil, rowsOfTable("UNNEST", r.At)
	}
	u := b.unnesting(left)
	x, err := u.eb.bind(r.Expr)
	if err != nil {
		return nil, err
	}
	if x.Type().Kind == vector.Map { // key and value are its columns
		if x, err = b.Profile.Call("ENTRIES", []expr.Expr{x}, r.At); err != nil {
			return nil, err
		}
	}
	elem, err := u.add("UNNEST", []expr.Expr{x}, r.At)
	if err != nil {
		return nil, err
	}
	u.spec.Outer, u.spec.Ordinal = outer, r.Ordinality
	alias := ast.Ident{Name: "unnest", At: r.At}
	if r.Alias != nil {
		alias = *r.Alias
	}
	n, first := u.node(left.node, []string{alias.Name, "ordinality"})
	out := *left
	if out.node, first, err = b.unnested(n, first, elem, r); err != nil {
		return nil, err
	}
	out.relations = append(slices.Clone(left.relations), relation{
		alias: alias, from: first, to: len(out.node.Schema.Fields),
	})
	return &out, nil
}

// unnested names the columns of an UNNEST: the fields of its STRUCTs, or the element, then the ordinality.
func (b *Binder) unnested(n *Node, first int, elem vector.Type, r *ast.Unnest) (*Node, int, error) {
	exprs, names := identity(n)
	own := []expr.Expr{column(n, first)}
	ownNames := []string{n.Schema.Fields[first].Name}
	if elem.Kind == vector.Struct && (len(r.Columns) != 1 || len(elem.Fields) == 1) {
		own, ownNames = nil, nil
		for _, f := range elem.Fields {
			x, err := b.Profile.Field(column(n, first), f.Name, true, r.At)
			if err != nil {
				return nil, 0, err
			}
			own, ownNames = append(own, x), append(ownNames, f.Name)
		}
	}
	if r.Ordinality {
		own, ownNames = append(own, column(n, first+1)), append(ownNames, "ordinality")
	}
	if len(r.Columns) > len(own) {
		return nil, 0, sqlerr.New(sqlerr.BadStatement, r.At, "UNNEST gives %d columns, %d are named", len(own),
			len(r.Columns))
	}
	for i, c := range r.Columns {
		ownNames[i] = c.Name
	}
	out := project(n, slices.Concat(exprs[:first], own), slices.Concat(names[:first], ownNames))
	return out, first, nil
}

// joinUnnest binds `left CROSS JOIN UNNEST(e)`, a comma, and `left [LEFT] JOIN UNNEST(e) ON TRUE`.
func (b *Binder) joinUnnest(j *ast.Join, u *ast.Unnest) (*scope, error) {
	always, isLiteral := j.On.(*ast.Literal)
	switch {
	case j.On != nil && (!isLiteral || always.Kind != ast.BoolLit || !strings.EqualFold(always.Text, "TRUE")):
		return nil, unsupported(j.On.Span(), "a condition on UNNEST").WithHint("ON TRUE, and filter with WHERE")
	case j.Kind == ast.Right || j.Kind == ast.Full || j.AsOf || j.Within != nil:
		return nil, unsupported(j.At, "this join with UNNEST").WithHint("CROSS JOIN, or LEFT JOIN .. ON TRUE")
	}
	left, err := b.bindFrom(j.L)
	if err != nil {
		return nil, err
	}
	return b.bindUnnest(left, u, j.Kind == ast.Left)
}
