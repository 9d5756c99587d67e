package expr

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Param is a parameter of a lambda, inside of its body.
type Param struct {
	ID   int // tells it from parameters of the same name in one statement
	Name string
	T    vector.Type
	At   sqlerr.Span
}

// Lambda is x => body. It stands only as an argument of TRANSFORM, FILTER and REDUCE; its type is that of the body.
type Lambda struct {
	Params []*Param
	Body   Expr
	At     sqlerr.Span
}

// Type returns the type of the parameter.
func (p *Param) Type() vector.Type { return p.T }

// Type returns the type of the body.
func (l *Lambda) Type() vector.Type { return l.Body.Type() }

// Span returns where the parameter is named.
func (p *Param) Span() sqlerr.Span { return p.At }

// Span returns where the lambda stands.
func (l *Lambda) Span() sqlerr.Span { return l.At }

// String returns the name.
func (p *Param) String() string { return p.Name }

// String returns the lambda as SQL.
func (l *Lambda) String() string {
	names := make([]string, len(l.Params))
	for i, p := range l.Params {
		names[i] = p.Name
	}
	if len(names) == 1 {
		return names[0] + " => " + l.Body.String()
	}
	return "(" + strings.Join(names, ", ") + ") => " + l.Body.String()
}

// LambdaParams returns the types of the parameters that the lambda behind args gets from the function called name.
func LambdaParams(name string, args []Expr, at sqlerr.Span) ([]vector.Type, error) {
	f, ok := Lookup(name)
	if !ok || f.lambda == nil {
		return nil, sqlerr.New(sqlerr.TypeMismatch, at, "%s takes no lambda", strings.ToUpper(name)).
			WithHint("TRANSFORM, FILTER and REDUCE do")
	}
	types := f.lambda(args)
	if types == nil {
		return nil, sqlerr.New(sqlerr.TypeMismatch, at, "no lambda is due here: %s is %s", f.Name,
			strings.Join(f.Usage, " or "))
	}
	return types, nil
}

// elementTypes are what a lambda gets of each element of a collection: the element, or key and value.
func elementTypes(t vector.Type) []vector.Type {
	switch t.Kind {
	case vector.Array:
		return []vector.Type{*t.Elem}
	case vector.Map:
		return []vector.Type{*t.Key, *t.Elem}
	default:
		return nil
	}
}

// Children are the expressions that e is made of.
func Children(e Expr) []Expr {
	switch x := e.(type) {
	case *Call:
		return x.Args
	case *Cast:
		return []Expr{x.X}
	case *Try:
		return []Expr{x.X}
	case *Lambda:
		return []Expr{x.Body}
	case *Case:
		out := append(append([]Expr{}, x.When...), x.Then...)
		if x.Else != nil {
			out = append(out, x.Else)
		}
		return out
	default:
		return nil
	}
}

// Rewrite returns e with change applied to its leaves: columns, constants, parameters.
func Rewrite(e Expr, change func(Expr) Expr) Expr {
	switch x := e.(type) {
	case *Call:
		out := *x
		out.Args = rewriteAll(x.Args, change)
		return &out
	case *Cast:
		out := *x
		out.X = Rewrite(x.X, change)
		return &out
	case *Try:
		out := *x
		out.X = Rewrite(x.X, change)
		return &out
	case *Lambda:
		out := *x
		out.Body = Rewrite(x.Body, change)
		return &out
	case *Case:
		out := *x
		out.When, out.Then = rewriteAll(x.When, change), rewriteAll(x.Then, change)
		if x.Else != nil {
			out.Else = Rewrite(x.Else, change)
		}
		return &out
	default:
		return change(e)
	}
}

func rewriteAll(list []Expr, change func(Expr) Expr) []Expr {
	out := make([]Expr, len(list))
	for i, e := range list {
		out[i] = Rewrite(e, change)
	}
	return out
}

// body is a compiled lambda. It is evaluated over many elements at once: a batch with a column for each parameter, and
// one for each column of the rows that the body reads, gathered by row.
type body struct {
	root   node
	params int
	outer  []node // compiled outside: what the body reads of the rows
	batch  vector.Batch
	ctx    Context
	ev     evaluator
	mask   masked
}

// body compiles a lambda.
func (c *compiler) body(l *Lambda) (*body, error) {
	b := &body{params: len(l.Params)}
	own := map[int]int{}
	for i, p := range l.Params {
		own[p.ID] = i
	}
	slots := map[int]int{} // column of the rows -> its place in outside
	var outside []Expr
	inner := Rewrite(l.Body, func(e Expr) Expr {
		switch x := e.(type) {
		case *Param:
			if i, ok := own[x.ID]; ok {
				return &Column{Index: i, Name: x.Name, T: x.T, At: x.At}
			} // else of a lambda inside of this one
		case *Column:
			at, ok := slots[x.Index]
			if !ok {
				at = len(outside)
				slots[x.Index] = at
				outside = append(outside, e)
			}
			return &Column{Index: b.params + at, Name: x.Name, T: x.T, At: x.At}
		}
		return e
	})
	var err error
	if b.outer, err = c.all(outside); err != nil {
		return nil, err
	}
	b.root, err = c.compile(inner)
	return b, err
}

// run evaluates the body for n elements: params are its columns, outer the columns of the rows (from read), rowOf the
// row of each element. Errors go to the rows, in ev.
func (b *body) run(ev *evaluator, params, outer []*vector.Vector, rowOf []uint32) *vector.Vector {
	b.batch = vector.Batch{Rows: len(rowOf), Cols: append(b.batch.Cols[:0], params...)}
	if ev.b != nil {
		b.batch.Schema, b.batch.Seq, b.batch.Partition = ev.b.Schema, ev.b.Seq, ev.b.Partition
		b.batch.AppendTime = ev.b.AppendTime
	}
	for _, v := range outer {
		b.batch.Cols = append(b.batch.Cols, vector.Gather(v, rowOf))
	}
	b.ctx.Errors = b.ctx.Errors[:0]
	b.ev = evaluator{ctx: &b.ctx, b: &b.batch, n: len(rowOf), spent: ev.spent, owner: b.ev.owner[:0]}
	for _, i := range rowOf {
		b.ev.owner = append(b.ev.owner, ev.ownerOf(i))
	}
	out := b.root.eval(&b.ev, nil)
	dedupe(&b.ctx, 0)
	out = b.mask.mask(out, b.ctx.Errors)
	for _, e := range b.ctx.Errors {
		ev.ctx.Errors = append(ev.ctx.Errors, RowError{Row: rowOf[e.Row], Code: e.Code, Msg: e.Msg})
	}
	return out
}

// read evaluates what the body reads of the rows.
func (b *body) read(ev *evaluator, sel []uint32) []*vector.Vector {
	out := make([]*vector.Vector, len(b.outer))
	for i, n := range b.outer {
		out[i] = n.eval(ev, sel)
	}
	return out
}
