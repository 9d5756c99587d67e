package expr

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func regexFuncs() []*Func {
	regexFunc := func(name, usage, doc string, over ...Overload) *Func {
		return &Func{Name: name, Category: "regex", Usage: []string{usage}, Doc: doc, Overloads: over}
	}
	return []*Func{
		regexFunc("REGEXP_EXTRACT", "REGEXP_EXTRACT(s, pattern[, group])", "Returns the first match of an RE2 "+
			"pattern, or "+
			"one of its groups; NULL when nothing matches.", on("STRING, STRING[, INT] -> STRING", regexExtract)),
		regexFunc("REGEXP_REPLACE", "REGEXP_REPLACE(s, pattern, new[, flags])", "Replaces every match of an RE2 "+
			"pattern; $1 is the first group. The flags are those of RE2 (i: without regard to case) and g.",
			on("STRING, STRING, STRING[, STRING] -> STRING", regexReplace)),
		regexFunc("REGEXP_LIKE", "REGEXP_LIKE(s, pattern)", "Returns whether an RE2 pattern matches somewhere in s.",
			on("STRING, STRING -> BOOLEAN", regexLike)).as("REGEXP_MATCHES"),
	}
}

// regexState keeps the pattern of the row before.
type regexState struct {
	source, from []byte
	re           *regexp.Regexp
	template     []byte
}

// maxRegex bounds the length of a pattern.
const maxRegex = 4096

func (f *Frame) regex(source []byte) (*regexState, error) {
	s, ok := f.State.(*regexState)
	if ok && bytes.Equal(s.source, source) {
		return s, nil
	}
	if len(source) > maxRegex {
		return nil, fail(CodeBadArgument, fmt.Sprintf("a pattern of %d bytes; the limit is %d", len(source), maxRegex))
	}
	re, err := regexp.Compile(string(source))
	if err != nil {
		return nil, fail(CodeBadArgument, fmt.Sprintf("the pattern %q: %s", clip(source), err))
	}
	s = &regexState{source: bytes.Clone(source), re: re}
	f.State = s
	return s, nil
}

// regexFlags is the pattern of argument 1 with the flags of argument 3.
func (f *Frame) regexFlags(i int) (*regexState, error) {
	pattern := f.text(1, i)
	if len(f.Args) < 4 {
		return f.regex(pattern)
	}
	flags := bytes.ReplaceAll(f.text(3, i), []byte("g"), nil)
	if len(bytes.Trim(flags, "ims")) > 0 {
		return nil, fail(CodeBadArgument, fmt.Sprintf("the flags are g, i, m and s, not %q", clip(f.text(3, i))))
	}
	if len(flags) == 0 {
		return f.regex(pattern)
	}
	return f.regex(fmt.Appendf(nil, "(?%s)%s", flags, pattern))
}

var (
	regexExtract = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		s, err := f.regex(f.text(1, i))
		if err != nil {
			return dst, err
		}
		group := int64(0)
		if len(f.Args) == 3 {
			group = f.i64(2, i)
		}
		if group < 0 || group > int64(s.re.NumSubexp()) {
			return dst, errNull
		}
		text := f.text(0, i)
		at := s.re.FindSubmatchIndex(text)
		if at == nil || at[2*group] < 0 {
			return dst, errNull
		}
		return append(dst, text[at[2*group]:at[2*group+1]]...), nil
	})
	regexReplace = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		s, err := f.regexFlags(i)
		if err != nil {
			return dst, err
		}
		if s.template == nil || !bytes.Equal(s.from, f.text(2, i)) {
			s.from = append(s.from[:0], f.text(2, i)...)
			s.template = javaTemplate(s.from)
		}
		return append(dst, s.re.ReplaceAll(f.text(0, i), s.template)...), nil
	})
	regexLike = rowBool(func(f *Frame, i int) (bool, error) {
		s, err := f.regex(f.text(1, i))
		if err != nil {
			return false, err
		}
		return s.re.Match(f.text(0, i)), nil
	})
)

// javaTemplate turns $1 and \$ of Java into ${1} and $$ of Go.
func javaTemplate(s []byte) []byte {
	out := []byte{}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] == '$' {
				out = append(out, '$')
			}
			out = append(out, s[i])
		case s[i] == '$' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			out = append(out, '$', '{', s[i+1], '}')
			i++
		case s[i] == '$' && i+1 < len(s) && s[i+1] != '{':
			out = append(out, '$', '$')
		default:
			out = append(out, s[i])
		}
	}
	return out
}

func otherFuncs() []*Func {
	return []*Func{
		{
			Name: "AS_VALUE", Category: "other", Usage: []string{"AS_VALUE(key)"}, Doc: "Returns a key column as a " +
				"value.",
			Resolve: func(args []Operand) (*Match, error) {
				if len(args) != 1 || args[0].T.Kind == vector.Null {
					return nil, &misfit{}
				}
				return &Match{Out: args[0].T, Args: []vector.Type{args[0].T}, Kernel: share}, nil
			},
		},
	}
}
