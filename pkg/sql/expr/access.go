package expr

import (
	"sort"
	"strings"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Index is x[i].
func (p Profile) Index(x, i Expr, at sqlerr.Span) (Expr, error) {
	switch k := x.Type().Kind; k {
	case vector.Array, vector.Map, vector.Null:
		return p.Call("[]", []Expr{x, i}, at)
	default:
		return nil, sqlerr.New(sqlerr.TypeMismatch, at, "[ ] takes an element of an ARRAY or MAP, this is %s", x.Type())
	}
}

// Field is x->name. A name that is not quoted matches without regard to case; under ksql it stands for its upper case.
func (p Profile) Field(x Expr, name string, quoted bool, at sqlerr.Span) (Expr, error) {
	t := x.Type()
	if t.Kind != vector.Struct {
		return nil, sqlerr.New(sqlerr.TypeMismatch, at, "%s has no fields: it is %s", x, t)
	}
	k := p.findField(t, name, quoted)
	if k < 0 {
		names := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			names[i] = f.Name
		}
		e := sqlerr.New(sqlerr.UnknownColumn, at, "no field %q in %s", name, x)
		if near := sqlerr.Nearest(name, names); near != "" {
			return nil, e.WithHint("did you mean %q?  fields: %s", near, strings.Join(names, ", "))
		}
		return nil, e.WithHint("fields: %s", strings.Join(names, ", "))
	}
	f, _ := Lookup("->")
	exact := &Literal{V: t.Fields[k].Name, T: vector.TString, At: at}
	return &Call{Func: f, Args: []Expr{x, exact}, T: t.Fields[k].Type, At: at}, nil
}

func (p Profile) findField(t vector.Type, name string, quoted bool) int {
	if p == Ksql && !quoted {
		return fieldNamed(t, strings.ToUpper(name))
	}
	if k := fieldNamed(t, name); k >= 0 || quoted {
		return k
	}
	found := -1
	for k, f := range t.Fields {
		if strings.EqualFold(f.Name, name) {
			if found >= 0 {
				return -1
			}
			found = k
		}
	}
	return found
}

// elementAt finds a[i] of row i: from 1, from the end when negative.
func elementAt(f *Frame, i int) (*vector.Vector, int) {
	lo, hi := f.Args[0].Elements(i)
	at := f.Args[1].I64[i]
	switch n := int64(hi - lo); {
	case at > 0 && at <= n:
		return f.Args[0].Kids[0], lo + int(at) - 1
	case at < 0 && -at <= n && -at > 0:
		return f.Args[0].Kids[0], hi + int(at)
	default:
		return nil, -1
	}
}

// valueOf finds the value of a key; keys are in order.
func valueOf(f *Frame, i int) (*vector.Vector, int) {
	m, key := f.Args[0], f.Args[1]
	lo, hi := m.Elements(i)
	k := lo + sort.Search(hi-lo, func(k int) bool { return vector.Compare(m.Kids[0], lo+k, key, i) >= 0 })
	if k == hi || vector.Compare(m.Kids[0], k, key, i) != 0 {
		return nil, -1
	}
	return m.Kids[1], k
}

// fieldNode is s->f.
type fieldNode struct {
	x     node
	field int
	out   vector.Vector
	valid []uint64
}

func compileField(c *compiler, x *Call) (node, error) {
	inner, err := c.compile(x.Args[0])
	if err != nil {
		return nil, err
	}
	name, _ := x.Args[1].(*Literal)
	text, _ := name.V.(string)
	n := &fieldNode{x: inner, field: fieldNamed(x.Args[0].Type(), text)}
	return fold(n, x.T, inner), nil
}

func (n *fieldNode) eval(ev *evaluator, sel []uint32) *vector.Vector {
	s := n.x.eval(ev, sel)
	kid := s.Kids[n.field]
	if s.Valid == nil {
		return kid
	}
	n.out = *kid
	words := vector.Words(ev.n)
	if kid.Valid == nil || kid.Type.Kind == vector.Null {
		n.valid = append(n.valid[:0], s.Valid[:words]...)
	} else {
		n.valid = append(n.valid[:0], kid.Valid[:words]...)
		for i := range n.valid {
			n.valid[i] &= s.Valid[i]
		}
	}
	n.out.Valid = n.valid
	return &n.out
}
