package expr

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func collectionFuncs() []*Func {
	return slices.Concat(arrayFuncs(), setFuncs(), mapFuncs(), splitFuncs(), jsonCollectionFuncs())
}

func collectionFunc(name, usage, doc string, sigs ...*signature) *Func {
	return &Func{Name: name, Category: "collection", Usage: []string{usage}, Doc: doc, Resolve: generic(sigs...)}
}

func arrayFuncs() []*Func {
	ordered := func(order int) func(m *Match) Kernel {
		return func(m *Match) Kernel { return extremeElement(m.Out, order) }
	}
	sort := func(*Match) Kernel { return arraySort }
	return []*Func{
		collectionFunc(
			"ARRAY_LENGTH",
			"ARRAY_LENGTH(array)",
			"Returns the number of elements, NULLs too; of a MAP the number of entries.",
			gen("ARRAY<T> -> INT", countElements),
			gen("MAP<K, V> -> INT", countElements),
		).
			as("CARDINALITY", "ARRAY_SIZE"),
		collectionFunc("ARRAY_CONTAINS", "ARRAY_CONTAINS(array, x)", "Returns whether x is an element; a NULL is one "+
			"where the array has a NULL.", gen("ARRAY<T>, T -> BOOLEAN", arrayContains)).firstOnly().
			as("LIST_CONTAINS"),
		orderedFunc("ARRAY_MIN", "ARRAY_MIN(array)", "Returns the least element that is not NULL.",
			genTyped("ARRAY<T> -> T", ordered(-1))),
		orderedFunc("ARRAY_MAX", "ARRAY_MAX(array)", "Returns the greatest element that is not NULL.",
			genTyped("ARRAY<T> -> T", ordered(1))),
		orderedFunc("ARRAY_SORT", "ARRAY_SORT(array[, 'DESC'])", "Returns the elements in ascending or descending "+
			"order, NULLs last; NULL where the direction is another word.",
			genTyped("ARRAY<T>[, STRING] -> ARRAY<T>", sort)),
		collectionFunc(
			"ARRAY_REMOVE",
			"ARRAY_REMOVE(array, x)",
			"Returns the array without the elements that equal x; a NULL removes NULLs.",
			gen("ARRAY<T>, T -> ARRAY<T>", arrayRemove),
		).firstOnly(),
		collectionFunc(
			"ARRAY_CONCAT",
			"ARRAY_CONCAT(a, b, ...)",
			"Returns the elements of all arrays, one array after the other; a NULL array counts as an empty one, "+
				"and of NULLs alone it is NULL.",
			gen("ARRAY<T>... -> ARRAY<T>", arrayConcat),
		).nullSafe().as("LIST_CONCAT"),
		orderedFunc("ARRAY_JOIN", "ARRAY_JOIN(array[, separator])", "Returns the texts of the elements with a "+
			"separator between them, a comma when none is given; a NULL is the text null.",
			gen("ARRAY<T>[, STRING] -> STRING", arrayJoin)).firstOnly(),
		collectionFunc("SLICE", "SLICE(array, from, to)", "Returns the elements from one position to another, both "+
			"counted from 1 and included; a NULL position is the end on its side; NULL where a position is outside.",
			gen("ARRAY<T>, BIGINT, BIGINT -> ARRAY<T>", slice)).firstOnly().as("ARRAY_SLICE"),
	}
}

// orderedFunc is a function of arrays whose elements are no collections.
func orderedFunc(name, usage, doc string, sig *signature) *Func {
	f := collectionFunc(name, usage, doc, sig)
	resolve := f.Resolve
	f.Resolve = func(args []Operand) (*Match, error) {
		if len(args) > 0 && args[0].T.Kind == vector.Array && !scalars(*args[0].T.Elem) {
			return nil, &misfit{}
		}
		return resolve(args)
	}
	return f
}

var countElements = rowI64(func(f *Frame, i int) (int64, error) {
	lo, hi := f.Args[0].Elements(i)
	return int64(hi - lo), nil
})

var arrayContains = rowBool(func(f *Frame, i int) (bool, error) {
	lo, hi := f.Args[0].Elements(i)
	for k := lo; k < hi; k++ {
		if vector.Equal(f.Args[0].Kids[0], k, f.Args[1], i) {
			return true, nil
		}
	}
	return false, nil
})

// extremeElement is ARRAY_MIN (order -1) and ARRAY_MAX (1).
func extremeElement(t vector.Type, order int) Kernel {
	return pickAt(t, func(f *Frame, i int) (*vector.Vector, int) {
		elems := f.Args[0].Kids[0]
		lo, hi := f.Args[0].Elements(i)
		best := -1
		for k := lo; k < hi; k++ {
			if !isNull(elems, k) && (best < 0 || vector.Compare(elems, k, elems, best)*order > 0) {
				best = k
			}
		}
		return elems, best
	})
}

var arraySort = rowNested(func(f *Frame, i int) error {
	direction := 1
	if len(f.Args) > 1 {
		switch strings.ToUpper(string(f.text(1, i))) {
		case "ASC", "ASCENDING":
		case "DESC", "DESCENDING":
			direction = -1
		default:
			return errNull
		}
	}
	elems, order := f.Args[0].Kids[0], f.positions(i)
	slices.SortStableFunc(order, func(a, b int) int {
		if na, nb := isNull(elems, a), isNull(elems, b); na || nb {
			return int(b2u(na)) - int(b2u(nb))
		}
		return direction * vector.Compare(elems, a, elems, b)
	})
	for _, k := range order {
		vector.AppendFrom(f.Out.Kids[0], elems, k)
	}
	return nil
})

// positions lists the elements of the first argument of row i.
func (f *Frame) positions(i int) []int {
	lo, hi := f.Args[0].Elements(i)
	scratch, _ := f.State.([]int)
	scratch = scratch[:0]
	for k := lo; k < hi; k++ {
		scratch = append(scratch, k)
	}
	f.State = scratch
	return scratch
}

var arrayRemove = rowNested(func(f *Frame, i int) error {
	elems := f.Args[0].Kids[0]
	lo, hi := f.Args[0].Elements(i)
	for k := lo; k < hi; k++ {
		if !vector.Equal(elems, k, f.Args[1], i) {
			vector.AppendFrom(f.Out.Kids[0], elems, k)
		}
	}
	return nil
})

var arrayConcat = rowNested(func(f *Frame, i int) error {
	none := true
	for _, a := range f.Args {
		if isNull(a, i) {
			continue
		}
		none = false
		lo, hi := a.Elements(i)
		if f.Out.Kids[0].Len+hi-lo > 1<<30 {
			return fail(CodeBadArgument, "the arrays are too long")
		}
		appendRows(f.Out.Kids[0], a.Kids[0], lo, hi)
	}
	if none {
		return errNull
	}
	return nil
})

var arrayJoin = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
	sep := []byte(",")
	if len(f.Args) > 1 {
		if sep = nil; !isNull(f.Args[1], i) {
			sep = f.text(1, i)
		}
	}
	elems := f.Args[0].Kids[0]
	lo, hi := f.Args[0].Elements(i)
	for k := lo; k < hi; k++ {
		if k > lo {
			dst = append(dst, sep...)
		}
		if isNull(elems, k) {
			dst = append(dst, "null"...)
		} else {
			dst = vector.AppendText(dst, elems, k)
		}
	}
	return dst, nil
})

var slice = rowNested(func(f *Frame, i int) error {
	lo, hi := f.Args[0].Elements(i)
	n := int64(hi - lo)
	from, to := int64(1), n
	if !isNull(f.Args[1], i) {
		from = f.i64(1, i)
	}
	if !isNull(f.Args[2], i) {
		to = f.i64(2, i)
	}
	if from < 1 || to > n || from > to+1 || to < 0 {
		return errNull
	}
	appendRows(f.Out.Kids[0], f.Args[0].Kids[0], lo+int(from)-1, lo+int(to))
	return nil
})
