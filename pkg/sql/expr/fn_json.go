package expr

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func jsonFunc(name, usage, doc string, over ...Overload) *Func {
	return &Func{Name: name, Category: "json", Usage: []string{usage}, Doc: doc, Overloads: over}
}

func jsonFuncs() []*Func {
	concat := jsonFunc("JSON_CONCAT", "JSON_CONCAT(a, b, ...)", "Merges JSON objects (a later key wins) or joins "+
		"arrays; "+
		"NULL when one is no JSON.", on("STRING... -> STRING", jsonConcat))
	text := &Func{
		Name: "TO_JSON_STRING", Category: "json", Usage: []string{"TO_JSON_STRING(x)"}, NullSafe: true,
		Doc: "Returns any value as JSON; NULL is the text null.", Resolve: anyOne(vector.TString, toJSON),
	}
	return []*Func{
		concat, text,
		jsonFunc("EXTRACTJSONFIELD", "EXTRACTJSONFIELD(json, '$.a.b[0]')", "Returns the value at a path of a JSON "+
			"text: a "+
			"string without its quotes, anything else as it is written; NULL when there is none.",
			on("STRING, STRING -> STRING", extractJSON)).as("JSON_VALUE", "JSON_EXTRACT_STRING",
			"GET_JSON_OBJECT"),
		jsonFunc("JSON_EXTRACT", "JSON_EXTRACT(json, '$.a.b[0]')", "Returns the value at a path of a JSON text as "+
			"JSON; NULL when there is none.", on("STRING, STRING -> STRING", extractRaw(false))),
		jsonFunc("JSON_QUERY", "JSON_QUERY(json, '$.a.b[0]')", "Returns the object or array at a path of a JSON text "+
			"as JSON; NULL when there is none.", on("STRING, STRING -> STRING", extractRaw(true))),
		jsonFunc("JSON_EXISTS", "JSON_EXISTS(json, '$.a.b[0]')", "Returns whether a JSON text has a value at a path; "+
			"null is one.", on("STRING, STRING -> BOOLEAN", jsonExists)),
		jsonFunc("IS_JSON_STRING", "IS_JSON_STRING(s)", "Returns whether a text is JSON; FALSE for NULL.",
			on("STRING -> BOOLEAN", isJSON)).nullSafe(),
		jsonFunc("JSON_ARRAY_LENGTH", "JSON_ARRAY_LENGTH(json)", "Returns the number of elements of a JSON array; "+
			"NULL "+
			"when it is none.", on("STRING -> INT", jsonLength)),
		jsonFunc("JSON_ARRAY_CONTAINS", "JSON_ARRAY_CONTAINS(json, value)", "Returns whether a JSON array has a value "+
			"among its elements.", on("STRING, STRING -> BOOLEAN", jsonContains),
			on("STRING, BOOLEAN -> BOOLEAN", jsonContains), on("STRING, BIGINT -> BOOLEAN", jsonContains),
			on("STRING, DECIMAL -> BOOLEAN", jsonContains), on("STRING, DOUBLE -> BOOLEAN", jsonContains)).firstOnly(),
	}
}

func (f *Func) nullSafe() *Func {
	f.NullSafe = true
	return f
}

func (f *Func) firstOnly() *Func {
	f.NullSafe, f.firstStrict = true, true
	return f
}

var (
	toJSON = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		return vector.AppendJSON(dst, f.Args[0], i), nil
	})
	isJSON = rowBool(func(f *Frame, i int) (bool, error) {
		if isNull(f.Args[0], i) {
			return false, nil
		}
		_, ok := jsonWhole(f.text(0, i))
		return ok, nil
	})
	jsonLength = rowI64(func(f *Frame, i int) (int64, error) {
		v, ok := jsonWhole(f.text(0, i))
		if !ok || v[0] != '[' {
			return 0, errNull
		}
		n := int64(0)
		jsonItems(v, 0, func(_, _ []byte) bool {
			n++
			return true
		})
		return n, nil
	})
	jsonExists = rowBool(func(f *Frame, i int) (bool, error) {
		v, err := f.jsonAt(i)
		return v != nil, err
	})
	extractJSON = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		v, err := f.jsonAt(i)
		switch {
		case err != nil:
			return dst, err
		case v == nil:
			return dst, errNull
		}
		switch v[0] {
		case 'n':
			return dst, errNull
		case '"':
			return appendJSONText(dst, v), nil
		default:
			return appendCompact(dst, v), nil
		}
	})
)

// jsonAt returns the value of argument 0 at the path that is argument 1, nil where there is none.
func (f *Frame) jsonAt(i int) ([]byte, error) {
	path, err := f.jsonPath(f.text(1, i))
	if err != nil {
		return nil, err
	}
	v, ok := jsonWhole(f.text(0, i))
	if !ok {
		return nil, nil
	}
	for _, step := range path.steps {
		if v = step.of(v); v == nil {
			return nil, nil
		}
	}
	return v, nil
}

// extractRaw returns what stands at a path, or only what has parts.
func extractRaw(parts bool) Kernel {
	return rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		v, err := f.jsonAt(i)
		switch {
		case err != nil:
			return dst, err
		case v == nil || parts && v[0] != '{' && v[0] != '[':
			return dst, errNull
		}
		return appendCompact(dst, v), nil
	})
}

// jsonContains compares as JSON values: 1 and 1.0 are equal, 1 and "1" are not. A NULL looks for null.
var jsonContains = rowBool(func(f *Frame, i int) (bool, error) {
	v, ok := jsonWhole(f.text(0, i))
	if !ok || v[0] != '[' {
		return false, nil
	}
	scratch, _ := f.State.([]byte)
	want := vector.AppendJSON(scratch[:0], f.Args[1], i)
	f.State = want
	found := false
	jsonItems(v, 0, func(_, item []byte) bool {
		found = sameJSON(item, want)
		return !found
	})
	return found, nil
})

func sameJSON(a, b []byte) bool {
	if a[0] != '"' && b[0] != '"' {
		if x, err := strconv.ParseFloat(string(a), 64); err == nil {
			y, err := strconv.ParseFloat(string(b), 64)
			return err == nil && x == y
		}
		return bytes.Equal(a, b)
	}
	return a[0] == b[0] && bytes.Equal(appendJSONText(nil, a), appendJSONText(nil, b))
}

// jsonPath is $.a['b'][0] taken apart.
type jsonPath struct {
	source []byte
	steps  []jsonStep
}

type jsonStep struct {
	key   string
	index int // -1: a key
}

// of returns the value that the step leads to, nil when there is none.
func (s jsonStep) of(v []byte) []byte {
	if v[0] == '[' && s.index < 0 { // $.tags.0 is $.tags[0]
		n, err := strconv.Atoi(s.key)
		if err != nil {
			return nil
		}
		s.index = n
	}
	if v[0] != '{' && v[0] != '[' || (v[0] == '[') != (s.index >= 0) {
		return nil
	}
	var out []byte
	n := 0
	jsonItems(v, 0, func(key, item []byte) bool {
		switch {
		case key == nil && n == s.index:
			out = item
		case key != nil && string(key[1:len(key)-1]) == s.key:
			out = item
		case key != nil && bytes.IndexByte(key, '\\') >= 0 && string(appendJSONText(nil, key)) == s.key:
			out = item
		}
		n++
		return out == nil
	})
	return out
}

func (f *Frame) jsonPath(text []byte) (*jsonPath, error) {
	if p, ok := f.State.(*jsonPath); ok && bytes.Equal(p.source, text) {
		return p, nil
	}
	p := &jsonPath{source: bytes.Clone(text)}
	bad := func() error {
		return fail(CodeBadArgument, fmt.Sprintf("%q is no JSON path; write $.name[0]", clip(text)))
	}
	s := p.source
	if len(s) == 0 || s[0] != '$' {
		return nil, bad()
	}
	for s = s[1:]; len(s) > 0; {
		step, rest, ok := readStep(s)
		if !ok {
			return nil, bad()
		}
		p.steps, s = append(p.steps, step), rest
	}
	f.State = p
	return p, nil
}

// readStep reads .name, ['name'] or [0].
func readStep(s []byte) (jsonStep, []byte, bool) {
	switch s[0] {
	case '.':
		end := bytes.IndexAny(s[1:], ".[")
		if end < 0 {
			end = len(s) - 1
		}
		return jsonStep{key: string(s[1 : end+1]), index: -1}, s[end+1:], end > 0
	case '[':
		end := bytes.IndexByte(s, ']')
		if end < 2 {
			return jsonStep{}, s, false
		}
		in := s[1:end]
		if q := in[0]; (q == '\'' || q == '"') && len(in) > 1 && in[len(in)-1] == q {
			return jsonStep{key: string(in[1 : len(in)-1]), index: -1}, s[end+1:], true
		}
		n, err := strconv.Atoi(string(in))
		return jsonStep{index: n}, s[end+1:], err == nil && n >= 0
	default:
		return jsonStep{}, s, false
	}
}

// jsonMember is a member of the object that JSON_CONCAT makes.
type jsonMember struct{ key, value []byte }

var jsonConcat = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
	objects := 0
	values := make([][]byte, len(f.Args))
	for k, a := range f.Args {
		v, ok := jsonWhole(a.Bytes(i))
		if !ok {
			return dst, errNull
		}
		values[k] = v
		if v[0] == '{' {
			objects++
		}
	}
	if objects == len(values) {
		return appendMerged(dst, values), nil
	}
	dst = append(dst, '[')
	n := 0
	add := func(_, item []byte) bool {
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		dst = appendCompact(dst, item)
		return true
	}
	for _, v := range values {
		if v[0] == '[' {
			jsonItems(v, 0, add)
		} else {
			add(nil, v)
		}
	}
	return append(dst, ']'), nil
})

func appendMerged(dst []byte, objects [][]byte) []byte {
	var members []jsonMember
	at := map[string]int{}
	for _, o := range objects {
		jsonItems(o, 0, func(key, value []byte) bool {
			if k, ok := at[string(key)]; ok {
				members[k].value = value
				return true
			}
			at[string(key)] = len(members)
			members = append(members, jsonMember{key, value})
			return true
		})
	}
	dst = append(dst, '{')
	for k, m := range members {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, m.key...), ':')
		dst = appendCompact(dst, m.value)
	}
	return append(dst, '}')
}
