package expr

import (
	"bytes"
	"unicode/utf8"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// likePattern is a LIKE pattern taken apart at its %: the text must start with the first part, end with the last, and
// have the others between them in order.
type likePattern struct {
	source []byte
	escape rune // 0: none
	parts  []likePart
}

// likePart is text without %; single marks the code points that are _.
type likePart struct {
	text   []byte // without any _: compared as bytes
	runes  []rune // with _: -1 stands for any one
	anyOne bool
}

func newLike(pattern []byte, escape rune) (*likePattern, error) {
	p := &likePattern{source: bytes.Clone(pattern), escape: escape}
	var cur likePart
	flush := func() {
		p.parts = append(p.parts, cur)
		cur = likePart{}
	}
	for i := 0; i < len(pattern); {
		r, n := utf8.DecodeRune(pattern[i:])
		raw := pattern[i : i+n]
		i += n
		switch {
		case escape != 0 && r == escape:
			if i == len(pattern) {
				return nil, fail(CodeBadArgument, "the LIKE pattern ends with its escape character")
			}
			r, n = utf8.DecodeRune(pattern[i:])
			raw = pattern[i : i+n]
			i += n
		case r == '%':
			flush()
			continue
		case r == '_':
			cur.anyOne = true
			cur.runes = append(cur.runes, -1)
			continue
		}
		cur.text = append(cur.text, raw...)
		cur.runes = append(cur.runes, r)
	}
	flush()
	return p, nil
}

// prefix returns the length of the start of s that the part matches, or -1.
func (l *likePart) prefix(s []byte) int {
	if !l.anyOne {
		if bytes.HasPrefix(s, l.text) {
			return len(l.text)
		}
		return -1
	}
	at := 0
	for _, want := range l.runes {
		r, n := utf8.DecodeRune(s[at:])
		if n == 0 || want >= 0 && r != want {
			return -1
		}
		at += n
	}
	return at
}

// find returns where the part matches first in s and where that ends, or -1.
func (l *likePart) find(s []byte) (end int) {
	if !l.anyOne {
		if at := bytes.Index(s, l.text); at >= 0 {
			return at + len(l.text)
		}
		return -1
	}
	for at := 0; at <= len(s); {
		if n := l.prefix(s[at:]); n >= 0 {
			return at + n
		}
		_, n := utf8.DecodeRune(s[at:])
		at += max(n, 1)
	}
	return -1
}

// suffix reports whether the part matches the end of s.
func (l *likePart) suffix(s []byte) bool {
	if !l.anyOne {
		return bytes.HasSuffix(s, l.text)
	}
	at := len(s)
	for range l.runes {
		if at == 0 {
			return false
		}
		_, n := utf8.DecodeLastRune(s[:at])
		at -= n
	}
	return l.prefix(s[at:]) == len(s)-at
}

func (p *likePattern) match(s []byte) bool {
	n := p.parts[0].prefix(s)
	if n < 0 {
		return false
	}
	if len(p.parts) == 1 {
		return n == len(s)
	}
	s = s[n:]
	last := len(p.parts) - 1
	for i := 1; i < last; i++ {
		end := p.parts[i].find(s)
		if end < 0 {
			return false
		}
		s = s[end:]
	}
	return p.parts[last].suffix(s)
}

// likeKernel is x LIKE pattern [ESCAPE c]; the pattern of the row before is kept.
var likeKernel = rowBool(func(f *Frame, i int) (bool, error) {
	p, ok := f.State.(*likePattern)
	pattern := f.Args[1].Bytes(i)
	var escape rune
	if len(f.Args) == 3 {
		r, n := utf8.DecodeRune(f.Args[2].Bytes(i))
		if n == 0 || n != len(f.Args[2].Bytes(i)) {
			return false, fail(CodeBadArgument, "ESCAPE wants one character")
		}
		escape = r
	}
	fixed := f.Const[1] && (len(f.Args) < 3 || f.Const[2])
	if !ok || !fixed && (!bytes.Equal(p.source, pattern) || p.escape != escape) {
		var err error
		if p, err = newLike(pattern, escape); err != nil {
			return false, err
		}
		f.State = p
	}
	return p.match(f.Args[0].Bytes(i)), nil
})

func likeMatch(args []Operand) (*Match, error) {
	if len(args) != 2 && len(args) != 3 {
		return nil, &misfit{}
	}
	m := &Match{Out: vector.TBoolean, Kernel: likeKernel}
	for _, a := range args {
		if a.T.Kind != vector.String && a.T.Kind != vector.Null {
			return nil, &misfit{}
		}
		m.Args = append(m.Args, vector.TString)
	}
	return m, nil
}
