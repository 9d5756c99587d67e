package expr

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// inMatch is x IN (a, b, ...). A NULL in the list never matches: the result is then TRUE or NULL.
func inMatch(args []Operand) (*Match, error) {
	if len(args) < 2 {
		return nil, &misfit{}
	}
	t, err := commonType(args)
	if err != nil {
		return nil, err
	}
	if t.Kind == vector.Null {
		t = vector.TBoolean
	}
	m := &Match{Out: vector.TBoolean, Kernel: inKernel}
	for range args {
		m.Args = append(m.Args, t)
	}
	return m, nil
}

// inSet is the constants of an IN list.
type inSet struct {
	usable bool
	i64    map[int64]bool
	text   map[string]bool
	few    []int64
}

// linear is the length up to which a list of integers is searched one by one.
const linear = 8

func inKernel(f *Frame) {
	set, ok := f.State.(*inSet)
	if !ok {
		set = makeInSet(f)
		f.State = set
	}
	x, out := f.Args[0], f.Out.Bool
	switch {
	case set.text != nil:
		for i := range f.live {
			out[i] = set.text[string(x.Bytes(i))]
		}
	case set.i64 != nil:
		for i := range f.live {
			out[i] = set.i64[x.I64[i]]
		}
	case set.usable:
		for i := range f.live {
			out[i] = slices.Contains(set.few, x.I64[i])
		}
	default:
		inRows(f)
	}
}

// inRows compares with every element, which may be null.
func inRows(f *Frame) {
	x, out := f.Args[0], f.Out.Bool
	for i := range f.live {
		found, null := false, false
		for _, a := range f.Args[1:] {
			if isNull(a, i) {
				null = true
			} else if sameAt(x, a, i) {
				found = true
				break
			}
		}
		out[i] = found
		if !found && null {
			f.setNull(i)
		}
	}
}

func makeInSet(f *Frame) *inSet {
	s := &inSet{}
	p := f.Args[0].Type.Phys()
	if p != vector.PhysI64 && p != vector.PhysStr {
		return s
	}
	for k, a := range f.Args[1:] {
		if !f.Const[k+1] || isNull(a, 0) {
			return s
		}
	}
	s.usable = true
	if p == vector.PhysStr {
		s.text = map[string]bool{}
	} else if len(f.Args) > linear {
		s.i64 = map[int64]bool{}
	}
	for _, a := range f.Args[1:] {
		switch {
		case s.text != nil:
			s.text[string(a.Bytes(0))] = true
		case s.i64 != nil:
			s.i64[a.I64[0]] = true
		default:
			s.few = append(s.few, a.I64[0])
		}
	}
	return s
}
