package expr

import (
	"fmt"
	"strings"
)

// timePattern is a pattern of a date or time taken apart into fields and literal text.
type timePattern struct {
	source string
	fields []timeField
	// optional sections: fields [open, close) may be missing in a text that is parsed.
	sections []section
}

type section struct{ open, end int }

// timeField is one field: letter is that of Java's DateTimeFormatter, count how often it stands there. The letter 0 is
// literal text.
type timeField struct {
	letter byte
	count  int
	text   string
	pad    bool // padded with spaces, not zeros
}

// maxPattern bounds the length of a pattern.
const maxPattern = 512

// The letters of Java's DateTimeFormatter that are known here, and the longest run of each.
var patternLetters = map[byte]int{
	'G': 5, 'u': 9, 'y': 9, 'D': 3, 'M': 5, 'L': 5, 'd': 2, 'Q': 4, 'q': 4, 'Y': 9, 'w': 2,
	'E': 5, 'e': 5, 'a': 1, 'h': 2, 'K': 2, 'k': 2, 'H': 2, 'm': 2, 's': 2, 'S': 9, 'A': 19, 'n': 19, 'N': 19, 'V': 2,
	'z': 3, 'O': 4, 'X': 5, 'x': 5, 'Z': 5, 'c': 5, 'W': 1, 'F': 1, 'g': 19,
}

// newTimePattern reads a pattern of Java's DateTimeFormatter, or one of strftime when it has a %.
func newTimePattern(source string) (*timePattern, error) {
	if len(source) > maxPattern {
		return nil, fail(CodeBadArgument, fmt.Sprintf("a time pattern of %d bytes; the limit is %d", len(source),
			maxPattern))
	}
	if strings.Contains(source, "%") {
		return strftimePattern(source)
	}
	p := &timePattern{source: source}
	var open []int
	for i := 0; i < len(source); {
		c := source[i]
		switch {
		case c == '\'':
			text, n, err := quoted(source[i:])
			if err != nil {
				return nil, err
			}
			p.literal(text)
			i += n
		case c == '[':
			open = append(open, len(p.fields))
			p.fields = append(p.fields, timeField{})
			i++
		case c == ']':
			if len(open) == 0 {
				return nil, badPattern(source, "] without [")
			}
			p.fields = append(p.fields, timeField{})
			p.sections = append(p.sections, section{open[len(open)-1], len(p.fields)})
			open = open[:len(open)-1]
			i++
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			n := 1
			for i+n < len(source) && source[i+n] == c {
				n++
			}
			if most, ok := patternLetters[c]; !ok || n > most {
				return nil, badPattern(source, source[i:i+n]+" is not supported")
			}
			p.fields = append(p.fields, timeField{letter: c, count: n})
			i += n
		default:
			p.literal(string(c))
			i++
		}
	}
	if len(open) > 0 {
		return nil, badPattern(source, "[ without ]")
	}
	return p, nil
}

// CheckTimePattern reports what is wrong with a pattern of dates and times.
func CheckTimePattern(source string) error {
	_, err := newTimePattern(source)
	return err
}

func badPattern(source, what string) error {
	return fail(CodeBadArgument, fmt.Sprintf("the time pattern %q: %s", source, what))
}

// literal adds text, to the literal before it if there is one.
func (p *timePattern) literal(text string) {
	if n := len(p.fields); n > 0 && p.fields[n-1].letter == 0 && p.fields[n-1].text != "" {
		p.fields[n-1].text += text
		return
	}
	p.fields = append(p.fields, timeField{text: text})
}

// quoted reads '...' with two quotes inside for one; two quotes alone are one quote.
func quoted(s string) (text string, n int, err error) {
	if strings.HasPrefix(s, "''") {
		return "'", 2, nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, nil
	}
	return "", 0, badPattern(s, "a quote is not closed")
}

// strftime maps the conversions of C to fields.
var strftime = map[byte][]timeField{
	'Y': {{letter: 'u', count: 4}}, 'y': {{letter: 'y', count: 2}}, 'm': {{letter: 'M', count: 2}},
	'd': {{letter: 'd', count: 2}}, 'e': {{letter: 'd', count: 2, pad: true}}, 'j': {{letter: 'D', count: 3}},
	'b': {{letter: 'M', count: 3}}, 'h': {{letter: 'M', count: 3}}, 'B': {{letter: 'M', count: 4}},
	'a': {{letter: 'E', count: 3}}, 'A': {{letter: 'E', count: 4}}, 'u': {{letter: 'e', count: 1}},
	'H': {{letter: 'H', count: 2}}, 'k': {{letter: 'H', count: 2, pad: true}}, 'I': {{letter: 'h', count: 2}},
	'l': {{letter: 'h', count: 2, pad: true}}, 'M': {{letter: 'm', count: 2}}, 'S': {{letter: 's', count: 2}},
	'L': {{letter: 'S', count: 3}}, 'f': {{letter: 'S', count: 6}}, 'N': {{letter: 'S', count: 9}},
	'p': {{letter: 'a', count: 1}}, 'z': {{letter: 'Z', count: 1}}, 'Z': {{letter: 'z', count: 1}},
	'G': {{letter: 'Y', count: 4}}, 'V': {{letter: 'w', count: 2}}, 's': {{letter: '@', count: 1}},
	'n': {{text: "\n"}}, 't': {{text: "\t"}}, '%': {{text: "%"}},
	'F': {{letter: 'u', count: 4}, {text: "-"}, {letter: 'M', count: 2}, {text: "-"}, {letter: 'd', count: 2}},
	'D': {{letter: 'M', count: 2}, {text: "/"}, {letter: 'd', count: 2}, {text: "/"}, {letter: 'y', count: 2}},
	'T': {{letter: 'H', count: 2}, {text: ":"}, {letter: 'm', count: 2}, {text: ":"}, {letter: 's', count: 2}},
	'R': {{letter: 'H', count: 2}, {text: ":"}, {letter: 'm', count: 2}},
}

func strftimePattern(source string) (*timePattern, error) {
	p := &timePattern{source: source}
	for i := 0; i < len(source); i++ {
		if source[i] != '%' {
			p.literal(source[i : i+1])
			continue
		}
		if i++; i == len(source) {
			return nil, badPattern(source, "it ends with %")
		}
		fields, ok := strftime[source[i]]
		if !ok {
			return nil, badPattern(source, "%"+source[i:i+1]+" is not supported")
		}
		for _, f := range fields {
			if f.letter == 0 {
				p.literal(f.text)
				continue
			}
			p.fields = append(p.fields, f)
		}
	}
	return p, nil
}
