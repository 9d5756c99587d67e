package format

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// special sets the high bit of each byte of w that is a quote, a backslash, a control character or not ASCII. Bytes
// above the first such one may be set by mistake.
func special(w uint64) uint64 {
	q := w ^ lowBits*'"'
	s := w ^ lowBits*'\\'
	return ((q-lowBits)&^q | (s-lowBits)&^s | (w - lowBits*0x20) | w) & highBits
}

// str reads the string at p, a quote, and returns its value and the position behind it, or -1. The value aliases the
// input, or scratch where it had to be changed: it holds until the next call.
func (d *JSON) str(p int) (value []byte, end int) {
	data := d.data
	p++
	first := p
	for p+8 <= len(data) {
		if m := special(binary.LittleEndian.Uint64(data[p:])); m != 0 {
			p += bits.TrailingZeros64(m) >> 3
			if data[p] == '"' {
				return data[first:p], p + 1
			}
			return d.strSlow(first, p)
		}
		p += 8
	}
	return d.strSlow(first, p)
}

// strSlow reads the string whose text begins at first and is plain up to p.
func (d *JSON) strSlow(first, p int) (value []byte, end int) {
	data := d.data
	out := data[first:p]
	changed := false
	for p < len(data) {
		c := data[p]
		switch {
		case c == '"':
			if changed {
				d.scratch = out
			}
			return out, p + 1
		case c < 0x20:
			return nil, d.fail(p, "a control character in a string must be escaped")
		case c == '\\':
			if !changed {
				out, changed = append(d.scratch[:0], out...), true
			}
			if out, p = d.escape(out, p); p < 0 {
				return nil, -1
			}
		case c < utf8.RuneSelf:
			if changed {
				out = append(out, c)
			} else {
				out = data[first : p+1]
			}
			p++
		default:
			r, n := utf8.DecodeRune(data[p:])
			if r == utf8.RuneError && n <= 1 && !changed {
				out, changed = append(d.scratch[:0], out...), true
			}
			if changed {
				out = utf8.AppendRune(out, r)
			} else {
				out = data[first : p+n]
			}
			p += n
		}
	}
	return nil, d.fail(p, "")
}

// simpleEscapes has what stands for each escaped letter.
var simpleEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape appends what the escape at p stands for. Half a surrogate pair becomes U+FFFD.
func (d *JSON) escape(out []byte, p int) (longer []byte, next int) {
	data := d.data
	if p+1 >= len(data) {
		return out, d.fail(len(data), "")
	}
	if c := simpleEscapes[data[p+1]]; c != 0 {
		return append(out, c), p + 2
	}
	r := hexRune(data, p)
	if r < 0 {
		return out, d.fail(p, "this escape is unknown")
	}
	p += 6
	if utf16.IsSurrogate(r) {
		if low := utf16.DecodeRune(r, hexRune(data, p)); low != utf8.RuneError {
			return utf8.AppendRune(out, low), p + 6
		}
		r = utf8.RuneError
	}
	return utf8.AppendRune(out, r), p
}

// hexRune reads \uXXXX at p; -1 when it is not there.
func hexRune(data []byte, p int) rune {
	if p+6 > len(data) || data[p] != '\\' || data[p+1] != 'u' {
		return -1
	}
	r := rune(0)
	for _, c := range data[p+2 : p+6] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// skip reads over the value at p and checks it; -1 when it is no JSON. depth counts the objects and lists around it.
func (d *JSON) skip(p, depth int) int {
	if p >= len(d.data) {
		return d.fail(p, "")
	}
	switch c := d.data[p]; c {
	case '"':
		_, end := d.str(p)
		return end
	case '{', '[':
		if depth >= maxDepth {
			d.deep = true
			return d.fail(p, "nested too deep")
		}
		return d.skipNested(p, depth)
	case 't', 'f', 'n':
		return d.word(p)
	default:
		end := numberEnd(d.data, p)
		if end < 0 {
			return d.fail(p, "want a value")
		}
		return end
	}
}

func (d *JSON) skipNested(p, depth int) int {
	object := d.data[p] == '{'
	closing := byte(']')
	if object {
		closing = '}'
	}
	p = d.space(p + 1)
	if p < len(d.data) && d.data[p] == closing {
		return p + 1
	}
	for {
		if object {
			if p = d.skipKey(p); p < 0 {
				return -1
			}
		}
		if p = d.skip(d.space(p), depth+1); p < 0 {
			return -1
		}
		p = d.space(p)
		if p >= len(d.data) {
			return d.fail(p, "")
		}
		if d.data[p] == closing {
			return p + 1
		}
		if d.data[p] != ',' {
			return d.fail(p, "want a comma or the closing bracket")
		}
		p = d.space(p + 1)
	}
}

func (d *JSON) skipKey(p int) int {
	if p >= len(d.data) || d.data[p] != '"' {
		return d.fail(p, "want a key in quotes")
	}
	if _, p = d.str(p); p < 0 {
		return -1
	}
	if p = d.space(p); p >= len(d.data) || d.data[p] != ':' {
		return d.fail(p, "want : behind a key")
	}
	return p + 1
}

// word reads true, false or null at p.
func (d *JSON) word(p int) int {
	for _, w := range [...]string{"true", "false", "null"} {
		if len(d.data)-p >= len(w) && string(d.data[p:p+len(w)]) == w {
			return p + len(w)
		}
	}
	return d.fail(p, "want a value")
}

// appendCompact appends valid JSON without the white space between its tokens; broken UTF-8 becomes U+FFFD.
func appendCompact(dst, s []byte) []byte {
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quoted && c == '\\':
			dst = append(dst, c, s[i+1])
			i++
		case quoted && c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n - 1
		case quoted || c > ' ':
			dst = append(dst, c)
			quoted = quoted != (c == '"')
		}
	}
	return dst
}
