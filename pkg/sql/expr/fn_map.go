package expr

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

func mapFuncs() []*Func {
	ofLists := collectionFunc("AS_MAP", "AS_MAP(keys, values)", "Makes a MAP of an array of keys and one of values; "+
		"the longer one is cut.", gen("ARRAY<K>, ARRAY<V> -> MAP<K, V>", asMap))
	ofLists.Resolve = mapKeyed(ofLists.Resolve)
	entries := genTyped("MAP<K, V>[, BOOLEAN] -> ARRAY<STRING>", func(*Match) Kernel { return mapEntries })
	entries.fixOut = func(args []vector.Type) vector.Type {
		if args[0].Kind != vector.Map {
			args[0] = vector.TMap(vector.TString, vector.TString)
		}
		return vector.TArray(vector.TStruct(vector.Field{Name: "K", Type: *args[0].Key},
			vector.Field{Name: "V", Type: *args[0].Elem}))
	}
	return []*Func{
		collectionFunc("MAP_KEYS", "MAP_KEYS(map)", "Returns the keys, in order.",
			gen("MAP<K, V> -> ARRAY<K>", mapPart(0))),
		collectionFunc("MAP_VALUES", "MAP_VALUES(map)", "Returns the values, in the order of their keys.",
			gen("MAP<K, V> -> ARRAY<V>", mapPart(1))),
		collectionFunc("MAP_UNION", "MAP_UNION(a, b, ...)", "Returns the entries of all maps; of equal keys the last "+
			"one stays. NULL maps are left out, and of NULLs alone it is NULL.",
			gen("MAP<K, V>... -> MAP<K, V>", mapUnion)).nullSafe().as("MAP_CONCAT"),
		ofLists,
		collectionFunc("ENTRIES", "ENTRIES(map, sorted)", "Returns the entries as an array of STRUCT<K, V>, in the "+
			"order of the keys either way.", entries).as("MAP_ENTRIES"),
	}
}

func mapPart(k int) Kernel {
	return rowNested(func(f *Frame, i int) error {
		lo, hi := f.Args[0].Elements(i)
		appendRows(f.Out.Kids[0], f.Args[0].Kids[k], lo, hi)
		return nil
	})
}

var mapUnion = rowNested(func(f *Frame, i int) error {
	none := true
	for _, a := range f.Args {
		if isNull(a, i) {
			continue
		}
		none = false
		lo, hi := a.Elements(i)
		appendRows(f.Out.Kids[0], a.Kids[0], lo, hi)
		appendRows(f.Out.Kids[1], a.Kids[1], lo, hi)
	}
	if none {
		return errNull
	}
	return nil
})

var asMap = rowNested(func(f *Frame, i int) error {
	keys, values := f.Args[0], f.Args[1]
	from, to := keys.Elements(i)
	at, end := values.Elements(i)
	for k := range min(to-from, end-at) {
		appendEntry(f.Out, keys.Kids[0], from+k, values.Kids[0], at+k)
	}
	return nil
})

var mapEntries = rowNested(func(f *Frame, i int) error {
	lo, hi := f.Args[0].Elements(i)
	out := f.Out.Kids[0]
	for k := lo; k < hi; k++ {
		vector.AppendFrom(out.Kids[0], f.Args[0].Kids[0], k)
		vector.AppendFrom(out.Kids[1], f.Args[0].Kids[1], k)
		vector.Close(out)
	}
	return nil
})

// mapKeyed refuses MAPs whose keys would be collections.
func mapKeyed(resolve func([]Operand) (*Match, error)) func([]Operand) (*Match, error) {
	return func(args []Operand) (*Match, error) {
		m, err := resolve(args)
		if err == nil && m.Out.Kind == vector.Map && !scalars(*m.Out.Key) {
			return nil, &misfit{}
		}
		return m, err
	}
}
