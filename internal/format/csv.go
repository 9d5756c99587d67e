package format

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// CSV decodes fields with a delimiter between them, quoted as RFC 4180 says: a quoted field may hold delimiters,
// newlines and doubled quotes. Empty lines are no records. An empty field is null, a quoted empty one the empty string
// (of a column that is no text: null).
type CSV struct {
	delim   byte
	header  string
	first   bool
	cols    []int // column of each field, -1: none; nil: by position
	fields  int   // number of fields of a record
	b       *Builder
	data    []byte
	final   bool
	scratch []byte
	valid   []byte
	wrong   string
	lines   int       // newlines within the record so far
	special [256]bool // bytes that end or complicate a plain field
}

// NewCSV returns a decoder of CSV.
func NewCSV(c Config) (*CSV, error) {
	d := &CSV{delim: ',', header: c.Header}
	switch {
	case len(c.Delimiter) > 1 || c.Delimiter == `"` || c.Delimiter == "\n" || c.Delimiter == "\r":
		return nil, fmt.Errorf("delimiter %q: want one character, not a quote or newline", c.Delimiter)
	case c.Delimiter != "":
		d.delim = c.Delimiter[0]
	}
	switch c.Header {
	case "":
		d.header = "auto"
	case "auto", "true", "false":
	default:
		return nil, fmt.Errorf("header %q: want auto, true or false", c.Header)
	}
	for c := range d.special {
		d.special[c] = c >= utf8.RuneSelf || c == '"' || c == '\n' || c == '\r' || byte(c) == d.delim
	}
	d.Start()
	return d, nil
}

// Start implements Decoder.
func (d *CSV) Start() { d.first, d.cols = true, nil }

// What a scan of a field or record may return instead of a position.
const (
	incomplete = -1 // the record may go on behind the data
	malformed  = -2 // d.wrong says why
)

// Decode implements Decoder.
func (d *CSV) Decode(data []byte, final bool, b *Builder) int {
	d.b, d.data, d.final = b, data, final
	p := 0
	if d.first {
		if p = d.begin(); p < 0 {
			return 0
		}
	}
	for !b.Full() && p < len(data) {
		if n := d.emptyLine(p); n > 0 {
			b.Line++
			p += n
			continue
		}
		b.begin()
		end := d.record(p)
		if end == incomplete {
			break
		}
		if end == malformed {
			if end = d.broken(p); end == incomplete {
				break
			}
			p = end
			continue
		}
		text := end
		if end > p && data[end-1] == '\n' {
			text--
			d.lines++
		}
		b.commit(bytes.TrimSuffix(data[p:text], carriage))
		b.Line += d.lines
		p = end
	}
	d.b, d.data = nil, nil
	return p
}

var carriage = []byte{'\r'}

// emptyLine returns the length of an empty line at p, 0 when there is none.
func (d *CSV) emptyLine(p int) int {
	switch {
	case d.data[p] == '\n':
		return 1
	case d.data[p] == '\r' && p+1 < len(d.data) && d.data[p+1] == '\n':
		return 2
	case d.data[p] == '\r' && p+1 == len(d.data) && d.final:
		return 1
	}
	return 0
}

// begin looks at the first record: it skips a byte order mark and finds out whether a header stands there. It returns
// where the records begin, or incomplete.
func (d *CSV) begin() int {
	p := 0
	if bytes.HasPrefix(d.data, []byte("\ufeff")) {
		p = 3
	}
	d.fields = len(d.b.cols)
	if d.header == "false" {
		d.first = false
		return p
	}
	at, lines := p, 0
	for at < len(d.data) {
		n := d.emptyLine(at)
		if n == 0 {
			break
		}
		at += n
		lines++
	}
	if at >= len(d.data) && !d.final {
		return incomplete
	}
	names, end := d.names(at)
	if end == incomplete {
		return incomplete
	}
	d.first = false
	if end == malformed || !d.useHeader(names) {
		return p
	}
	d.b.Line += lines + bytes.Count(d.data[at:end], newline)
	return end
}

// names reads the record at p as text.
func (d *CSV) names(p int) (names []string, end int) {
	for p < len(d.data) || !d.final {
		s, _, end := d.field(p)
		if end < 0 {
			return nil, end
		}
		names = append(names, string(bytes.TrimSpace(s)))
		next, last := d.behind(end)
		if next < 0 {
			return nil, next
		}
		if last {
			return names, next
		}
		if p = next; p >= len(d.data) && d.final {
			return append(names, ""), p
		}
	}
	return nil, p
}

// useHeader maps fields by name if names are a header.
func (d *CSV) useHeader(names []string) bool {
	cols, used, known := make([]int, len(names)), make([]bool, len(d.b.cols)), 0
	for i, n := range names {
		cols[i] = d.b.find([]byte(n))
		if cols[i] >= 0 && used[cols[i]] {
			cols[i] = -1
		}
		if cols[i] >= 0 {
			used[cols[i]] = true
			known++
		}
	}
	if d.header == "auto" && (known != len(names) || known != len(d.b.cols)) || len(names) == 0 {
		return false
	}
	d.cols, d.fields = cols, len(names)
	return true
}

// record reads the record at p into the row and returns where the next one begins.
func (d *CSV) record(p int) int {
	d.lines = 0
	for k := 0; ; k++ {
		var c *column
		switch {
		case k >= d.fields:
		case d.cols == nil:
			c = &d.b.cols[k]
		case d.cols[k] >= 0:
			c = &d.b.cols[d.cols[k]]
		}
		var next int
		var last bool
		if end := d.plain(p, c); end >= 0 {
			next, last = end+1, d.data[end] == '\n'
		} else {
			s, quoted, end := d.field(p)
			if end < 0 {
				return end
			}
			d.set(c, s, quoted)
			if next, last = d.behind(end); next < 0 {
				return next
			}
		}
		if last {
			if k+1 != d.fields {
				d.b.failed = false // the count says more than a value in the wrong column
				d.b.refuse(CodeFields, "", fmt.Sprintf("%d fields, want %d", k+1, d.fields))
			}
			return next
		}
		p = next
	}
}

// plain reads a number written in the usual way at p, or a text in ASCII without quotes, and returns where the
// delimiter or newline behind it stands; -1 when the field is anything else.
func (d *CSV) plain(p int, c *column) int {
	if c == nil {
		return -1
	}
	var end int
	switch c.typ.Kind {
	case vector.String:
		for end = p; end < len(d.data) && !d.special[d.data[end]]; end++ {
		}
		if end > p && end < len(d.data) && (d.data[end] == d.delim || d.data[end] == '\n') {
			c.str.set(d.b.rows, d.data[p:end])
			d.b.mark(c)
			return end
		}
	case vector.BigInt:
		v, e, ok := scanInt(d.data, p)
		if !ok {
			return -1
		}
		if end = e; end < len(d.data) && (d.data[end] == d.delim || d.data[end] == '\n') {
			d.b.int64(c, v)
			return end
		}
	case vector.Decimal:
		v, e, ok := scanFixed(d.data, p)
		if end = e; !ok || end >= len(d.data) || d.data[end] != d.delim && d.data[end] != '\n' {
			return -1
		}
		if d.b.fixed(c, v) {
			return end
		}
	case vector.Double:
		v, e, ok := scanFixed(d.data, p)
		if end = e; !ok || end >= len(d.data) || d.data[end] != d.delim && d.data[end] != '\n' {
			return -1
		}
		if f, exact := fixedFloat(v, d.data[p] == '-'); exact {
			d.b.float64(c, f)
			return end
		}
	default:
	}
	return -1
}

// set makes a field the value of c.
func (d *CSV) set(c *column, s []byte, quoted bool) {
	switch {
	case c == nil || len(s) == 0 && !quoted:
	case c.typ.Kind == vector.String:
		if !utf8.Valid(s) {
			d.valid = appendValid(d.valid[:0], s) // s may lie in scratch
			s = d.valid
		}
		d.b.text(c, s)
	case len(s) > 0 || c.typ.Kind == vector.Bytes:
		d.b.text(c, s)
	}
}

// field reads the field at p: its value, whether it was quoted, and the position behind it. The value may lie in
// scratch.
func (d *CSV) field(p int) (s []byte, quoted bool, end int) {
	if p < len(d.data) && d.data[p] == '"' {
		s, end = d.quotedField(p + 1)
		return s, true, end
	}
	first := p
	for ; p < len(d.data); p++ {
		c := d.data[p]
		if c == d.delim || c == '\n' {
			break
		}
		if c == '"' {
			d.wrong = `a quote in a field that does not begin with one`
			return nil, false, malformed
		}
	}
	if p == len(d.data) && !d.final {
		return nil, false, incomplete
	}
	end = p
	if end > first && d.data[end-1] == '\r' && (end == len(d.data) || d.data[end] == '\n') {
		return d.data[first : end-1], false, end
	}
	return d.data[first:end], false, end
}

func (d *CSV) quotedField(p int) (s []byte, end int) {
	first, copied := p, false
	for {
		k := bytes.IndexByte(d.data[p:], '"')
		if k < 0 || p+k+1 == len(d.data) && !d.final {
			if !d.final {
				return nil, incomplete
			}
			if k < 0 {
				d.wrong = "a quoted field is not closed"
				return nil, malformed
			}
		}
		part := d.data[p : p+k]
		d.lines += bytes.Count(part, newline)
		p += k + 1
		if p < len(d.data) && d.data[p] == '"' {
			if !copied {
				d.scratch, copied = d.scratch[:0], true
			}
			d.scratch = append(append(d.scratch, part...), '"')
			p++
			continue
		}
		if copied {
			d.scratch = append(d.scratch, part...)
			return d.scratch, p
		}
		return d.data[first : p-1], p
	}
}

// behind looks at what follows a field: a delimiter, or the end of the record (last).
func (d *CSV) behind(p int) (next int, last bool) {
	switch {
	case p == len(d.data) && d.final:
		return p, true
	case p == len(d.data):
		return incomplete, false
	case d.data[p] == d.delim:
		return p + 1, false
	case d.data[p] == '\n':
		return p + 1, true
	case d.data[p] == '\r' && p+1 == len(d.data):
		if !d.final {
			return incomplete, false
		}
		return p + 1, true
	case d.data[p] == '\r' && d.data[p+1] == '\n':
		return p + 2, true
	}
	d.wrong = "text behind the closing quote of a field"
	return malformed, false
}

// broken keeps the line at p as a bad row and returns where the next line begins, or incomplete.
func (d *CSV) broken(p int) int {
	end := len(d.data)
	if k := bytes.IndexByte(d.data[p:], '\n'); k >= 0 {
		end = p + k + 1
	} else if !d.final {
		return incomplete
	}
	d.b.Reject(bytes.TrimRight(d.data[p:end], "\r\n"), CodeSyntax, d.wrong)
	d.b.Line++
	return end
}

// appendValid appends s with each byte that is no UTF-8 replaced by U+FFFD.
func appendValid(dst, s []byte) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		dst = utf8.AppendRune(dst, r)
		s = s[n:]
	}
	return dst
}
