package parser

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// wantedAt returns what may stand at offset, and where the word there begins.
func wantedAt(script string, offset int) (int, []string) {
	offset = max(0, min(offset, len(script)))
	from, quiet := statementStart(script[:offset])
	if quiet || offset-from > DefaultMaxBytes {
		return offset, nil
	}
	word := offset
	for word > from && (isWordByte(script[word-1]) || script[word-1] >= utf8.RuneSelf) {
		word--
	}
	return word, wanted(maskVariables(script[from:word]))
}

// Expected lists what may stand at offset: keywords and signs, and <table>, <column>, <function>, <type>, <name>,
// <string>, <number>, <duration>, <property> where such a thing may stand.
func Expected(script string, offset int) []string {
	_, words := wantedAt(script, offset)
	return words
}

// statementStart returns where the last statement of text begins, and whether text ends in quotes or in a comment.
func statementStart(text string) (from int, quiet bool) {
	s := scanState{src: text}
	for s.pos < len(text) {
		if s.quote == 0 && text[s.pos] == ';' {
			from = s.pos + 1
		}
		before := s.pos
		s.step()
		if s.pos == len(text) && s.pos-before > 1 {
			quiet = !strings.HasSuffix(text, "*/") || s.pos-before < 4
		}
	}
	return from, quiet || s.quote != 0
}

// maskVariables puts letters in the place of ${name}, so that a value is not needed.
func maskVariables(text string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	b := []byte(text)
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '$' || b[i+1] != '{' {
			continue
		}
		for i < len(b) && b[i] != '}' && b[i] != '\n' {
			b[i] = 'x'
			i++
		}
		if i < len(b) && b[i] == '}' {
			b[i] = 'x'
		}
	}
	return string(b)
}

// wanted parses a text that ends where something is wanted and returns what the parser looked for at its end.
func wanted(text string) []string {
	p, err := newSession(Options{}).open(text, 0, len(text))
	if err != nil {
		return nil
	}
	p.statement()
	if p.failed && p.errs[len(p.errs)-1].Span.Start < p.tokens[len(p.tokens)-1].at.Start {
		p.want = nil // the mistake is before the place
	}
	words := append(p.endWant, p.want...)
	if !p.failed && len(p.tokens) > 1 {
		words = append(words, ";")
	}
	var out []string
	for _, w := range words {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}
