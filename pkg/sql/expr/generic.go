package expr

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// pattern is the type of a parameter of a generic function: a type, in which a letter stands for any type.
type pattern struct {
	kind   vector.Kind
	letter byte // T, K, V; else 0
	elem   *pattern
	key    *pattern
}

// signature is the types of a generic function.
type signature struct {
	params   []pattern
	optional int
	variadic bool
	out      pattern
	fixOut   func(args []vector.Type) vector.Type // set where out does not say it
	kernel   func(m *Match) Kernel
}

// readPattern reads "ARRAY<T>", "MAP<K, V>", "T", "STRING".
func readPattern(text string) pattern {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "ARRAY<"); ok {
		elem := readPattern(strings.TrimSuffix(inner, ">"))
		return pattern{kind: vector.Array, elem: &elem}
	}
	if inner, ok := strings.CutPrefix(text, "MAP<"); ok {
		k, v, _ := strings.Cut(strings.TrimSuffix(inner, ">"), ",")
		key, elem := readPattern(k), readPattern(v)
		return pattern{kind: vector.Map, key: &key, elem: &elem}
	}
	if len(text) == 1 {
		return pattern{letter: text[0]}
	}
	return pattern{kind: kind(text)}
}

// splitTypes splits at the commas that are not inside of < >.
func splitTypes(text string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '<':
			depth++
		case '>':
			depth--
		case ',':
			if depth == 0 {
				out, from = append(out, text[from:i]), i+1
			}
		}
	}
	if strings.TrimSpace(text[from:]) != "" {
		out = append(out, text[from:])
	}
	return out
}

// gen reads a signature: "ARRAY<T>, T -> BOOLEAN", "ARRAY<T>[, STRING] -> STRING", "ARRAY<T>... -> ARRAY<T>".
func gen(sig string, k Kernel) *signature {
	return genTyped(sig, func(*Match) Kernel { return k })
}

// genTyped is gen with a kernel that depends on the types.
func genTyped(sig string, kernel func(m *Match) Kernel) *signature {
	params, out, _ := strings.Cut(sig, " -> ")
	s := &signature{out: readPattern(out), kernel: kernel, optional: strings.Count(params, "[")}
	params = strings.NewReplacer("[", "", "]", "").Replace(params)
	params, s.variadic = strings.CutSuffix(params, "...")
	for _, p := range splitTypes(params) {
		s.params = append(s.params, readPattern(p))
	}
	return s
}

// generic makes the Resolve of a function from its signatures; the first that fits wins.
func generic(sigs ...*signature) func(args []Operand) (*Match, error) {
	return func(args []Operand) (*Match, error) {
		for _, s := range sigs {
			if m, ok := s.match(args); ok {
				return m, nil
			}
		}
		return nil, &misfit{}
	}
}

func (s *signature) match(args []Operand) (*Match, bool) {
	if len(args) < len(s.params)-s.optional || len(args) > len(s.params) && !s.variadic {
		return nil, false
	}
	bound := map[byte][]Operand{}
	for i, a := range args {
		if !s.params[min(i, len(s.params)-1)].unify(a, bound) {
			return nil, false
		}
	}
	types := map[byte]vector.Type{}
	for _, letter := range []byte("TKVRS") {
		t, err := commonType(bound[letter])
		if err != nil {
			return nil, false
		}
		if t.Kind == vector.Null && len(bound[letter]) == 0 {
			t = vector.TString // nothing but NULL was given
		}
		types[letter] = t
	}
	m := &Match{Out: s.out.typed(types, Operand{})}
	for i, a := range args {
		m.Args = append(m.Args, s.params[min(i, len(s.params)-1)].typed(types, a))
	}
	if s.fixOut != nil {
		m.Out = s.fixOut(m.Args)
	}
	m.Kernel = s.kernel(m)
	return m, true
}

// unify notes what the letters of p stand for when it is given a.
func (p *pattern) unify(a Operand, bound map[byte][]Operand) bool {
	switch {
	case p.letter != 0:
		bound[p.letter] = append(bound[p.letter], a)
		return true
	case a.T.Kind == vector.Null:
		return true
	case p.kind == vector.Array:
		return a.T.Kind == vector.Array && p.elem.unify(Operand{T: *a.T.Elem}, bound)
	case p.kind == vector.Map:
		return a.T.Kind == vector.Map && p.key.unify(Operand{T: *a.T.Key}, bound) &&
			p.elem.unify(Operand{T: *a.T.Elem}, bound)
	default:
		return cost(a, p.kind) < noFit
	}
}

// typed is the type of p with the letters put in; a decides what a DECIMAL keeps.
func (p *pattern) typed(types map[byte]vector.Type, a Operand) vector.Type {
	switch {
	case p.letter != 0:
		return types[p.letter]
	case p.kind == vector.Array:
		return vector.TArray(p.elem.typed(types, Operand{}))
	case p.kind == vector.Map:
		return vector.TMap(p.key.typed(types, Operand{}), p.elem.typed(types, Operand{}))
	default:
		return as(a.T, p.kind)
	}
}

// scalars says that elements of the type have an order.
func scalars(t vector.Type) bool { return t.Phys() != vector.PhysNested }
