package expr

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// constructors are the rows of ARRAY[..], MAP(..), STRUCT(..), and of the access to what is in them.
func constructors() []*Func {
	structure := &Func{
		Name: "STRUCT", Category: "collection", Usage: []string{"STRUCT(f := v, ...)"}, Resolve: rewritten,
		Doc: "Makes a STRUCT of named values.", NullSafe: true, lazy: compileStruct,
	}
	index := operator("[]", "a[i], m[key]", "The element of an ARRAY, counted from 1, or from the end when i is "+
		"negative; the value of a key of a MAP; NULL where there is none.", generic(
		genTyped("ARRAY<T>, BIGINT -> T", func(m *Match) Kernel { return pickAt(m.Out, elementAt) }),
		genTyped("MAP<K, V>, K -> V", func(m *Match) Kernel { return pickAt(m.Out, valueOf) })))
	field := operator("->", "s->f", "The field of a STRUCT; NULL where the STRUCT is NULL.", rewritten)
	field.lazy = compileField
	return []*Func{structure, index, field, {
		Name: "ARRAY", Category: "collection", Usage: []string{"ARRAY[a, b, ...]"}, Resolve: arrayMatch,
		Doc: "Makes an ARRAY; the elements get one type.", NullSafe: true,
	}, {
		Name: "MAP", Category: "collection", Usage: []string{"MAP(key := value, ...)"}, Resolve: mapMatch,
		Doc: "Makes a MAP; of equal keys the last one stays.", NullSafe: true,
	}}
}

// Array is ARRAY[items].
func (p Profile) Array(items []Expr, at sqlerr.Span) (Expr, error) {
	if err := p.known(items, "ARRAY", at); err != nil {
		return nil, err
	}
	if items, ok := p.loosely(items); ok {
		return p.nested(p.Call("ARRAY", items, at))
	}
	return p.nested(p.Call("ARRAY", p.safely(items), at))
}

// Map is MAP(keys := values).
func (p Profile) Map(keys, values []Expr, at sqlerr.Span) (Expr, error) {
	if err := p.known(values, "MAP", at); err != nil {
		return nil, err
	}
	keys, _ = p.loosely(keys)
	values, _ = p.loosely(values)
	args := make([]Expr, 0, 2*len(keys))
	for i := range keys {
		args = append(args, keys[i], values[i])
	}
	return p.nested(p.Call("MAP", p.safely(args), at))
}

// Struct is STRUCT(names := values).
func (p Profile) Struct(names []string, values []Expr, at sqlerr.Span) (Expr, error) {
	f, _ := Lookup("STRUCT")
	t := vector.TStruct()
	for i, v := range values {
		if fieldNamed(t, names[i]) >= 0 {
			return nil, sqlerr.New(sqlerr.TypeMismatch, v.Span(), "two fields of this STRUCT are named %q", names[i])
		}
		t.Fields = append(t.Fields, vector.Field{Name: names[i], Type: v.Type()})
	}
	return p.nested(&Call{Func: f, Args: p.safely(values), T: t, At: at}, nil)
}

// known refuses, under ksql, a collection of which no type is known.
func (p Profile) known(items []Expr, what string, at sqlerr.Span) error {
	if p != Ksql {
		return nil
	}
	for _, x := range items {
		if x.Type().Kind != vector.Null {
			return nil
		}
	}
	return sqlerr.New(sqlerr.TypeMismatch, at, "this %s has no value that is not NULL: its type is not known", what).
		WithHint("give it a type: CAST(NULL AS STRING)")
}

// safely makes, under ksql, an item that fails NULL, where the others are kept.
func (p Profile) safely(items []Expr) []Expr {
	if p != Ksql {
		return items
	}
	out := make([]Expr, len(items))
	for i, x := range items {
		out[i] = x
		switch x.(type) {
		case *Call, *Cast, *Case:
			out[i] = &Try{X: x, At: x.Span()}
		}
	}
	return out
}

// loosely makes literals of several families, such as 1 and 'x', STRINGs; the ksql profile refuses them. false: they
// stay as they are.
func (p Profile) loosely(items []Expr) ([]Expr, bool) {
	ops := operands(items)
	if _, err := commonType(ops); err == nil || p == Ksql {
		return items, false
	}
	for i, o := range ops {
		if !o.literal() {
			return items, false
		}
		ops[i] = Operand{T: texts(o.T)}
	}
	t, err := commonType(ops)
	if err != nil {
		return items, false
	}
	out := make([]Expr, len(items))
	for i, x := range items {
		if out[i], err = p.convert(x, t); err != nil {
			return items, false
		}
	}
	return out, true
}

// literal says that all of an argument is written in the statement.
func (o Operand) literal() bool {
	if o.parts == nil {
		return o.Lit != nil
	}
	return !slices.ContainsFunc(o.parts, func(p Operand) bool { return !p.literal() })
}

// texts is a type with STRING for everything flat in it.
func texts(t vector.Type) vector.Type {
	switch t.Kind {
	case vector.Null, vector.Bytes:
		return t
	case vector.Array:
		return vector.TArray(texts(*t.Elem))
	case vector.Map:
		return vector.TMap(*t.Key, texts(*t.Elem))
	case vector.Struct:
		out := vector.TStruct(slices.Clone(t.Fields)...)
		for i := range out.Fields {
			out.Fields[i].Type = texts(out.Fields[i].Type)
		}
		return out
	default:
		return vector.TString
	}
}

// nested refuses types that nest too deep.
func (p Profile) nested(x Expr, err error) (Expr, error) {
	if err == nil && x.Type().Depth() > vector.MaxDepth {
		return nil, sqlerr.New(sqlerr.TooLarge, x.Span(), "types are nested more than %d deep", vector.MaxDepth)
	}
	return x, err
}

func arrayMatch(args []Operand) (*Match, error) {
	elem, err := commonType(args)
	if err != nil {
		return nil, err
	}
	m := &Match{Out: vector.TArray(elem), Kernel: newArray}
	for range args {
		m.Args = append(m.Args, elem)
	}
	return m, nil
}

var newArray = rowNested(func(f *Frame, i int) error {
	for _, a := range f.Args {
		vector.AppendFrom(f.Out.Kids[0], a, i)
	}
	return nil
})

func mapMatch(args []Operand) (*Match, error) {
	if len(args)%2 != 0 {
		return nil, &misfit{}
	}
	var keys, values []Operand
	for i := 0; i < len(args); i += 2 {
		keys, values = append(keys, args[i]), append(values, args[i+1])
	}
	k, err := commonType(keys)
	if err != nil {
		return nil, err
	}
	v, err := commonType(values)
	if err != nil {
		return nil, err
	}
	if k.Kind == vector.Null {
		k = vector.TString
	}
	if !scalars(k) {
		return nil, &misfit{}
	}
	m := &Match{Out: vector.TMap(k, v), Kernel: newMap}
	for range keys {
		m.Args = append(m.Args, k, v)
	}
	return m, nil
}

var newMap = rowNested(func(f *Frame, i int) error {
	for k := 0; k < len(f.Args); k += 2 {
		appendEntry(f.Out, f.Args[k], i, f.Args[k+1], i)
	}
	return nil
})

// appendEntry appends an entry to the row of a MAP that is being made; a null key is the text null, and in a MAP
// without STRING keys no entry.
func appendEntry(o, keys *vector.Vector, k int, values *vector.Vector, v int) {
	if isNull(keys, k) {
		if o.Kids[0].Type.Kind != vector.String {
			return
		}
		vector.AppendBytes(o.Kids[0], []byte("null"))
	} else {
		vector.AppendFrom(o.Kids[0], keys, k)
	}
	vector.AppendFrom(o.Kids[1], values, v)
}

// structNode is STRUCT(..): its fields are the columns of its arguments.
type structNode struct {
	args []node
	out  vector.Vector
}

func compileStruct(c *compiler, x *Call) (node, error) {
	args, err := c.all(x.Args)
	if err != nil {
		return nil, err
	}
	n := &structNode{args: args, out: vector.Vector{Type: x.T, Kids: make([]*vector.Vector, len(args))}}
	return fold(n, x.T, args...), nil
}

func (s *structNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	s.out.Len = ev.n
	for i, a := range s.args {
		s.out.Kids[i] = a.eval(ev, sel)
	}
	return &s.out
}

// partsOf are the items of a literal collection, nil where x is none.
func partsOf(x Expr) []Operand {
	c, ok := x.(*Call)
	if !ok || len(c.Args) == 0 || c.Func.Category != "collection" {
		return nil
	}
	switch c.Func.Name {
	case "ARRAY", "MAP", "STRUCT":
		parts := operands(c.Args)
		for i, o := range parts {
			if o.Lit != nil && o.Lit.V == nil {
				parts[i].T = vector.TNull
			}
		}
		return parts
	default:
		return nil
	}
}

// convertItems gives a literal collection the type t by converting its items; false where that is not what x is.
func (p Profile) convertItems(x Expr, t vector.Type) (Expr, bool, error) {
	if partsOf(x) == nil || x.Type().Kind != t.Kind {
		return nil, false, nil
	}
	c, _ := x.(*Call)
	out := *c
	out.T, out.Args = t, slices.Clone(c.Args)
	var err error
	if t.Kind == vector.Struct {
		out.Args = out.Args[:0]
		for _, f := range t.Fields {
			var item Expr = &Literal{T: f.Type, At: x.Span()}
			if k := fieldNamed(c.T, f.Name); k >= 0 {
				if item, err = p.convertItem(c.Args[k], f.Type); err != nil {
					return nil, true, err
				}
			}
			out.Args = append(out.Args, item)
		}
		return &out, true, nil
	}
	for i, a := range c.Args {
		item := *t.Elem
		if t.Kind == vector.Map && i%2 == 0 {
			item = *t.Key
		}
		if out.Args[i], err = p.convertItem(a, item); err != nil {
			return nil, true, err
		}
	}
	return &out, true, nil
}

// convertItem converts an item; one that was made safe stays so.
func (p Profile) convertItem(x Expr, t vector.Type) (Expr, error) {
	if try, ok := x.(*Try); ok {
		inner, err := p.convert(try.X, t)
		return &Try{X: inner, At: try.At}, err
	}
	return p.convert(x, t)
}
