package expr

import (
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// setFuncs see arrays as sets: the result has each value once, where it comes first.
func setFuncs() []*Func {
	return []*Func{
		collectionFunc("ARRAY_DISTINCT", "ARRAY_DISTINCT(array)", "Returns each element once, in the order in which "+
			"they come first.", gen("ARRAY<T> -> ARRAY<T>", arrayDistinct)).as("LIST_DISTINCT"),
		collectionFunc("ARRAY_UNION", "ARRAY_UNION(a, b)", "Returns the elements of both arrays, each once.",
			gen("ARRAY<T>, ARRAY<T> -> ARRAY<T>", arrayUnion)),
		collectionFunc(
			"ARRAY_INTERSECT",
			"ARRAY_INTERSECT(a, b)",
			"Returns the elements of a that b has too, each once.",
			gen("ARRAY<T>, ARRAY<T> -> ARRAY<T>", arrayPart(true)),
		),
		collectionFunc("ARRAY_EXCEPT", "ARRAY_EXCEPT(a, b)", "Returns the elements of a that b has not, each once.",
			gen("ARRAY<T>, ARRAY<T> -> ARRAY<T>", arrayPart(false))),
	}
}

// valueSet is a set of values of one type.
type valueSet struct {
	seen map[string]bool
	key  messages.KeyHasher
}

// set returns an empty set, which the frame keeps.
func (f *Frame) set() *valueSet {
	s, ok := f.State.(*valueSet)
	if !ok {
		s = &valueSet{seen: map[string]bool{}}
		f.State = s
	}
	clear(s.seen)
	return s
}

// add puts a value in and reports whether it is new.
func (s *valueSet) add(v *vector.Vector, i int) bool {
	s.key.Reset()
	vector.AppendKey(&s.key, v, i)
	if s.seen[string(s.key.Canonical())] {
		return false
	}
	s.seen[string(s.key.Canonical())] = true
	return true
}

func (s *valueSet) has(v *vector.Vector, i int) bool {
	s.key.Reset()
	vector.AppendKey(&s.key, v, i)
	return s.seen[string(s.key.Canonical())]
}

func (f *Frame) addDistinct(s *valueSet, a *vector.Vector, i int) {
	lo, hi := a.Elements(i)
	for k := lo; k < hi; k++ {
		if s.add(a.Kids[0], k) {
			vector.AppendFrom(f.Out.Kids[0], a.Kids[0], k)
		}
	}
}

var arrayDistinct = rowNested(func(f *Frame, i int) error {
	f.addDistinct(f.set(), f.Args[0], i)
	return nil
})

var arrayUnion = rowNested(func(f *Frame, i int) error {
	s := f.set()
	f.addDistinct(s, f.Args[0], i)
	f.addDistinct(s, f.Args[1], i)
	return nil
})

// arrayPart keeps the elements of the first array that the second one has, or has not.
func arrayPart(keep bool) Kernel {
	return rowNested(func(f *Frame, i int) error {
		s, a, b := f.set(), f.Args[0], f.Args[1]
		lo, hi := b.Elements(i)
		for k := lo; k < hi; k++ {
			s.add(b.Kids[0], k)
		}
		first := &valueSet{seen: map[string]bool{}}
		lo, hi = a.Elements(i)
		for k := lo; k < hi; k++ {
			if s.has(a.Kids[0], k) == keep && first.add(a.Kids[0], k) {
				vector.AppendFrom(f.Out.Kids[0], a.Kids[0], k)
			}
		}
		return nil
	})
}
