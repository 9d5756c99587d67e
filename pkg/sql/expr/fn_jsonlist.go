package expr

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

// jsonCollectionFuncs make collections of JSON texts.
func jsonCollectionFuncs() []*Func {
	list := func(name, usage, doc string, out vector.Type, k Kernel) *Func {
		return &Func{
			Name: name, Category: "json", Usage: []string{usage}, Doc: doc,
			Overloads: []Overload{onList("STRING", out, k)},
		}
	}
	return []*Func{
		list(
			"JSON_ITEMS",
			"JSON_ITEMS(json)",
			"Returns the elements of a JSON array as JSON texts; NULL when it is none.",
			textList,
			jsonItemList,
		),
		list("JSON_KEYS", "JSON_KEYS(json)", "Returns the keys of a JSON object, in its order; NULL when it is none.",
			textList, jsonKeyList),
		list("JSON_RECORDS", "JSON_RECORDS(json)", "Returns the members of a JSON object as a MAP of their texts: a "+
			"string without its quotes, anything else as JSON; NULL when it is none.", textMap, jsonRecords),
	}
}

// jsonOf returns the JSON of row i when it starts with open.
func (f *Frame) jsonOf(i int, open byte) ([]byte, error) {
	v, ok := jsonWhole(f.text(0, i))
	if !ok || v[0] != open {
		return nil, errNull
	}
	return v, nil
}

var (
	jsonItemList = rowNested(func(f *Frame, i int) error {
		v, err := f.jsonOf(i, '[')
		if err != nil {
			return err
		}
		jsonItems(v, 0, func(_, item []byte) bool {
			f.add(appendCompact(nil, item))
			return true
		})
		return nil
	})
	jsonKeyList = rowNested(func(f *Frame, i int) error {
		v, err := f.jsonOf(i, '{')
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		jsonItems(v, 0, func(key, _ []byte) bool {
			if text := appendJSONText(nil, key); !seen[string(text)] {
				seen[string(text)] = true
				f.add(text)
			}
			return true
		})
		return nil
	})
	jsonRecords = rowNested(func(f *Frame, i int) error {
		v, err := f.jsonOf(i, '{')
		if err != nil {
			return err
		}
		jsonItems(v, 0, func(key, value []byte) bool {
			vector.AppendBytes(f.Out.Kids[0], appendJSONText(nil, key))
			text := appendCompact(nil, value)
			if value[0] == '"' {
				text = appendJSONText(nil, value)
			}
			vector.AppendBytes(f.Out.Kids[1], text)
			return true
		})
		return nil
	})
)
