package parser

import (
	"maps"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// piece says where a part of the statement's text comes from: copied from the script, or put in for a variable.
type piece struct {
	at   int // in the statement's text
	orig int // in the script
	size int // of ${name} in the script; 0: a copy
}

// offsets maps places of the statement's text to places of the script.
type offsets struct{ pieces []piece }

func (o *offsets) find(off int) piece {
	i, ok := slices.BinarySearchFunc(o.pieces, off, func(p piece, v int) int { return p.at - v })
	if !ok {
		i--
	}
	return o.pieces[max(i, 0)]
}

func (o *offsets) start(off int) int {
	p := o.find(off)
	if p.size > 0 {
		return p.orig
	}
	return p.orig + off - p.at
}

func (o *offsets) end(off int) int {
	p := o.find(max(off-1, 0))
	if p.size > 0 {
		return p.orig + p.size
	}
	return p.orig + off - p.at
}

// scanState follows quotes and comments through a script.
type scanState struct {
	src   string
	pos   int
	quote byte // the quote that is open, or 0
}

// step passes one character, comment or quote and reports whether the place it passed was in SQL text or in quotes.
func (s *scanState) step() {
	c := s.src[s.pos]
	rest := s.src[s.pos:]
	switch {
	case s.quote != 0:
		if c == s.quote {
			s.quote = 0 // a doubled quote opens again at the next step
		}
		s.pos++
	case c == '\'' || c == '"' || c == '`':
		s.quote = c
		s.pos++
	case strings.HasPrefix(rest, "--"):
		i := strings.IndexByte(rest, '\n')
		if i < 0 {
			i = len(rest)
		}
		s.pos += i
	case strings.HasPrefix(rest, "/*"):
		i := strings.Index(rest[2:], "*/")
		if i < 0 {
			s.pos = len(s.src)
			return
		}
		s.pos += i + 4
	default:
		s.pos++
	}
}

// statementEnd returns the place of the semicolon that ends the statement at from, or the length of src and false.
func statementEnd(src string, from int) (int, bool) {
	s := scanState{src: src, pos: from}
	for s.pos < len(src) {
		if s.quote == 0 && src[s.pos] == ';' {
			return s.pos, true
		}
		s.step()
	}
	return len(src), false
}

// expand replaces ${name} and ${name:default} in script[from:to], comments excepted. In quotes the value is escaped;
// elsewhere it may not hold a semicolon, so that a value is never a further statement.
func expand(script string, from, to int, vars map[string]string) (string, *offsets, *sqlerr.Error) {
	raw := script[from:to]
	at := &offsets{pieces: []piece{{at: 0, orig: from}}}
	if !strings.Contains(raw, "${") {
		return raw, at, nil
	}
	var out strings.Builder
	s := scanState{src: raw}
	copied := 0
	for s.pos < len(raw) {
		if !strings.HasPrefix(raw[s.pos:], "${") {
			s.step()
			continue
		}
		value, size, err := variable(raw[s.pos:], from+s.pos, s.quote, vars)
		if err != nil {
			return "", nil, err
		}
		out.WriteString(raw[copied:s.pos])
		if value != "" {
			at.pieces = append(at.pieces, piece{at: out.Len(), orig: from + s.pos, size: size})
			out.WriteString(value)
		}
		s.pos += size
		copied = s.pos
		at.pieces = append(at.pieces, piece{at: out.Len(), orig: from + s.pos})
		if out.Len() > maxExpanded {
			return "", nil, sqlerr.New(sqlerr.TooLarge, ast.Span{Start: from, End: to},
				"with its variables the statement has more than %d bytes", maxExpanded)
		}
	}
	out.WriteString(raw[copied:])
	return out.String(), at, nil
}

const maxExpanded = 1 << 20

// variable returns the value of the ${name} that text starts with and its size in the script.
func variable(text string, at int, quote byte, vars map[string]string) (string, int, *sqlerr.Error) {
	i := strings.IndexAny(text, "}\n")
	if i < 0 || text[i] != '}' {
		opened := ast.Span{Start: at, End: at + 2}
		return "", 0, sqlerr.New(sqlerr.Syntax, opened, "the variable that starts here has no end").
			WithHint("close it with }")
	}
	size := i + 1
	name, fallback, hasFallback := strings.Cut(text[2:i], ":")
	value, ok := lookup(vars, name)
	if !ok {
		value = fallback
	}
	span := ast.Span{Start: at, End: at + size}
	if !ok && !hasFallback {
		err := sqlerr.New(sqlerr.Syntax, span, "no variable %q", name).
			WithHint("give it a value: DEFINE %s = '...';  or --define %s=...", name, name)
		if near := sqlerr.Nearest(name, slices.Sorted(maps.Keys(vars))); near != "" {
			setHint(err, "did you mean ${%s}?", near)
		}
		return "", 0, err
	}
	if quote != 0 {
		q := string(quote)
		return strings.ReplaceAll(value, q, q+q), size, nil
	}
	if end, found := statementEnd(value, 0); found || end < len(value) {
		return "", 0, sqlerr.New(sqlerr.Syntax, span, "the value of %q holds a semicolon", name).
			WithHint("a variable stands for a part of one statement")
	}
	return value, size, nil
}

// lookup finds a variable without regard to case; an exact match comes first.
func lookup(vars map[string]string, name string) (string, bool) {
	if v, ok := vars[name]; ok {
		return v, true
	}
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		if strings.EqualFold(k, name) {
			return vars[k], true
		}
	}
	return "", false
}

// Split cuts a script for a shell: the statements that are complete, without their semicolons, and what follows the
// last one. A semicolon in a string, a quoted name or a comment ends nothing.
func Split(script string) (complete []string, rest string) {
	from := 0
	for {
		end, ok := statementEnd(script, from)
		if !ok {
			return complete, script[from:]
		}
		complete = append(complete, script[from:end])
		from = end + 1
	}
}
