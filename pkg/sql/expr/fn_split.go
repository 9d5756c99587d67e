package expr

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// onList is on for functions with a collection as their result.
func onList(sig string, out vector.Type, k Kernel) Overload {
	o := on(sig+" -> STRING", k)
	o.Out = out.Kind
	o.outType = func([]vector.Type) vector.Type { return out }
	return o
}

var (
	textList = vector.TArray(vector.TString)
	textMap  = vector.TMap(vector.TString, vector.TString)
)

// splitFuncs take strings apart.
func splitFuncs() []*Func {
	return []*Func{
		{
			Name: "SPLIT", Category: "string", Usage: []string{"SPLIT(s, separator)"},
			Aliases: []string{"STRING_SPLIT", "STRING_TO_ARRAY"},
			Doc: "Returns the parts of s between the separators, empty ones too; an empty separator parts the " +
				"characters.",
			Overloads: []Overload{
				onList("STRING, STRING", textList, split),
				onList("BYTES, BYTES", vector.TArray(vector.TBytes), split),
			},
		},
		{
			Name: "SPLIT_TO_MAP", Category: "string", Usage: []string{"SPLIT_TO_MAP(s, separator, assign)"},
			Doc: "Returns the entries of a text such as 'a=1,b=2' as a MAP; parts without assign are left out, and " +
				"of equal keys the last one stays. NULL where a separator is empty.",
			Overloads: []Overload{onList("STRING, STRING, STRING", textMap, splitToMap)},
		},
		{
			Name: "REGEXP_EXTRACT_ALL", Category: "regex", Usage: []string{"REGEXP_EXTRACT_ALL(s, pattern[, group])"},
			Doc:       "Returns all matches of an RE2 pattern, or those of one of its groups.",
			Overloads: []Overload{onList("STRING, STRING[, INT]", textList, regexExtractAll)},
		},
		{
			Name: "REGEXP_SPLIT_TO_ARRAY", Category: "regex", Usage: []string{"REGEXP_SPLIT_TO_ARRAY(s, pattern)"},
			Doc:       "Returns the parts of s between the matches of an RE2 pattern.",
			Overloads: []Overload{onList("STRING, STRING", textList, regexSplit)},
		},
	}
}

// add appends a text to the list that is being made.
func (f *Frame) add(s []byte) { vector.AppendBytes(f.Out.Kids[0], s) }

var split = rowNested(func(f *Frame, i int) error {
	s, sep := f.text(0, i), f.text(1, i)
	if len(sep) == 0 {
		f.addCharacters(s)
		return nil
	}
	for {
		part, rest, more := bytes.Cut(s, sep)
		f.add(part)
		if !more {
			return nil
		}
		s = rest
	}
})

// addCharacters appends each character; of an empty text the empty text.
func (f *Frame) addCharacters(s []byte) {
	if len(s) == 0 {
		f.add(nil)
	}
	for len(s) > 0 {
		n := 1
		if f.Args[0].Type.Kind == vector.String {
			_, n = utf8.DecodeRune(s)
		}
		f.add(s[:n])
		s = s[n:]
	}
}

var splitToMap = rowNested(func(f *Frame, i int) error {
	s, sep, assign := f.text(0, i), f.text(1, i), f.text(2, i)
	if len(sep) == 0 || len(assign) == 0 {
		return errNull
	}
	for more := true; more; {
		var part []byte
		part, s, more = bytes.Cut(s, sep)
		key, value, ok := bytes.Cut(part, assign)
		if !ok {
			continue
		}
		value, _, _ = bytes.Cut(value, assign)
		vector.AppendBytes(f.Out.Kids[0], key)
		vector.AppendBytes(f.Out.Kids[1], value)
	}
	return nil
})

var regexExtractAll = rowNested(func(f *Frame, i int) error {
	s, err := f.regex(f.text(1, i))
	if err != nil {
		return err
	}
	group := int64(0)
	if len(f.Args) == 3 {
		group = f.i64(2, i)
	}
	if group < 0 || group > int64(s.re.NumSubexp()) {
		return errNull
	}
	text := f.text(0, i)
	for _, at := range s.re.FindAllSubmatchIndex(text, -1) {
		if at[2*group] < 0 {
			vector.AppendNull(f.Out.Kids[0])
			continue
		}
		f.add(text[at[2*group]:at[2*group+1]])
	}
	return nil
})

var regexSplit = rowNested(func(f *Frame, i int) error {
	s, err := f.regex(f.text(1, i))
	if err != nil {
		return err
	}
	text := f.text(0, i)
	if s.re.Match(nil) {
		f.splitAtEmpty(s.re, text)
		return nil
	}
	from := 0
	for _, at := range s.re.FindAllIndex(text, -1) {
		f.add(text[from:at[0]])
		from = at[1]
	}
	f.add(text[from:])
	return nil
})

// splitAtEmpty splits at a pattern that matches the empty text: no part comes before a match without letters at the
// beginning, and empty parts at the end are left out.
func (f *Frame) splitAtEmpty(re *regexp.Regexp, text []byte) {
	out, from := f.Out.Kids[0], 0
	first := out.Len
	for _, at := range re.FindAllIndex(text, -1) {
		if at[1] == 0 || at[0] == len(text) && at[1] == len(text) {
			continue
		}
		f.add(text[from:at[0]])
		from = at[1]
	}
	f.add(text[from:])
	for out.Len > first+1 && len(out.Bytes(out.Len-1)) == 0 {
		vector.Truncate(out, out.Len-1)
	}
}
