package format

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// maxOrder bounds how many fields of a row are remembered for the next one.
const maxOrder = 256

// JSON decodes objects: one a message, many of them one behind the other, or lists of objects. With Lines each line is
// a record of its own. It writes values straight into the columns and expects a row's fields in the order of the row
// before.
type JSON struct {
	// Lines says that a newline ends a record, also a broken one.
	Lines bool

	b       *Builder
	data    []byte
	order   []orderedField
	list    listState
	scratch []byte
	key     []byte
	wrong   string // what is wrong at errAt
	errAt   int
	deep    bool
}

// orderedField is a field of the row before: its key as it stood there, and its column or -1. head and tail are the
// first and the last eight bytes of a key of 8 to 16 bytes (most are), so that two words compare it.
type orderedField struct {
	key        string
	col        int
	head, tail uint64
}

func newOrderedField(key []byte, col int) orderedField {
	f := orderedField{key: string(key), col: col}
	if n := len(key); n >= 8 && n <= 16 {
		f.head, f.tail = binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[n-8:])
	}
	return f
}

// at reports whether the key stands at p, and where it ends.
func (f *orderedField) at(data []byte, p int) (end int, ok bool) {
	if end = p + len(f.key); end >= len(data) {
		return 0, false
	}
	if f.head != 0 {
		return end, binary.LittleEndian.Uint64(data[p:]) == f.head && binary.LittleEndian.Uint64(data[end-8:]) == f.tail
	}
	return end, string(data[p:end]) == f.key
}

// listState says what may come next at the top of the input.
type listState uint8

const (
	noList      listState = iota // rows one behind the other
	listStart                    // behind [
	listElement                  // behind an element
	listComma                    // behind a comma
)

// NewJSON returns a decoder of JSON.
func NewJSON(lines bool) *JSON { return &JSON{Lines: lines} }

// Start implements Decoder.
func (d *JSON) Start() { d.list = noList }

// Decode implements Decoder.
func (d *JSON) Decode(data []byte, final bool, b *Builder) int {
	if d.Lines && !final {
		data = data[:bytes.LastIndexByte(data, '\n')+1]
	}
	d.b, d.data = b, data
	p := 0
	for !b.Full() {
		if p = d.gap(p); p >= len(data) {
			break
		}
		p = d.record(p)
	}
	if p >= len(data) && d.list != noList {
		d.unclosed()
	}
	d.b, d.data = nil, nil
	return p
}

func (d *JSON) unclosed() {
	d.list = noList
	d.b.Reject(nil, CodeSyntax, "a list of rows is not closed")
}

// gap skips white space between records and counts lines.
func (d *JSON) gap(p int) int {
	for p < len(d.data) {
		switch d.data[p] {
		case '\n':
			d.b.Line++
			if d.Lines && d.list != noList {
				d.unclosed()
			}
		case ' ', '\t', '\r':
		default:
			return p
		}
		p++
	}
	return p
}

// record reads what stands at p, which is no white space, and returns where the next thing begins.
func (d *JSON) record(p int) int {
	switch c := d.data[p]; {
	case c == '{' && d.list != listElement:
		return d.row(p)
	case c == '[' && d.list == noList:
		d.list = listStart
		return p + 1
	case c == ']' && (d.list == listStart || d.list == listElement):
		d.list = noList
		return p + 1
	case c == ',' && d.list == listElement:
		d.list = listComma
		return p + 1
	case c == 'n' && d.list == noList && d.b.nullIs != NullBad && d.null(p):
		d.b.Null(d.data[p : p+4])
		return p + 4
	}
	if d.list == listElement {
		return d.broken(p, p, "want , or ] behind a row of a list")
	}
	if d.list != noList && !d.Lines {
		if end := d.skip(p, 0); end > 0 { // one element is no object; the others are not to blame
			return d.element(p, end)
		}
	}
	found := d.data[p:min(len(d.data), p+20)]
	if k := bytes.IndexByte(found, '\n'); k >= 0 {
		found = found[:k]
	}
	return d.broken(p, p, "want an object, found "+quote(found))
}

// null tells that a record is null and nothing else.
func (d *JSON) null(p int) bool {
	if !bytes.HasPrefix(d.data[p:], []byte("null")) {
		return false
	}
	next := d.space(p + 4)
	return next >= len(d.data) || d.data[next] == '\n' || d.data[next] == '{'
}

// element keeps a value of a list that is no object as a bad row of its own.
func (d *JSON) element(p, end int) int {
	d.list = listElement
	d.b.failed = false
	d.b.refuse(CodeSyntax, "", "byte 1: want an object, found "+quote(d.data[p:min(end, p+20)]))
	d.b.bytes += end - p
	d.b.reject(d.data[p:end])
	d.b.Line += bytes.Count(d.data[p:end], newline)
	return end
}

// row reads the object at p and commits it.
func (d *JSON) row(p int) int {
	b := d.b
	b.begin()
	end := d.object(p)
	if end < 0 {
		return d.broken(p, d.errAt, d.wrong)
	}
	if d.list == noList {
		next := d.space(end)
		if d.Lines && next < len(d.data) && d.data[next] != '\n' {
			return d.broken(p, next, "more text behind the object")
		}
	} else {
		d.list = listElement
	}
	b.commit(d.data[p:end])
	if !d.Lines {
		b.Line += bytes.Count(d.data[p:end], newline)
	}
	return end
}

var newline = []byte{'\n'}

// broken keeps the record at p, in which reading failed at errAt, as a bad row, and returns where to go on: at the next
// line. Without Lines a line that is indented or closes a bracket still belongs to the record.
func (d *JSON) broken(p, errAt int, wrong string) int {
	end := p
	for {
		k := bytes.IndexByte(d.data[end:], '\n')
		if k < 0 {
			end = len(d.data)
			break
		}
		end += k
		if d.Lines || end+1 >= len(d.data) || !bytes.ContainsRune([]byte(" \t}]\r"), rune(d.data[end+1])) {
			break
		}
		end++
	}
	code := CodeSyntax
	if d.deep {
		code, d.deep = CodeLimit, false
	}
	record := bytes.TrimRight(d.data[p:end], " \t\r\n")
	d.list = d.list.behind(record, d.Lines)
	d.b.failed = false
	d.b.refuse(code, "", "byte "+string(intText(int64(errAt-p+1)))+": "+wrong)
	d.b.bytes += len(record)
	d.b.reject(record)
	d.b.Line += bytes.Count(d.data[p:end], newline)
	return end
}

// behind returns what may come next when a list goes on behind a broken record.
func (l listState) behind(record []byte, lines bool) listState {
	if l == noList || lines || len(record) == 0 {
		return noList
	}
	switch record[len(record)-1] {
	case ',':
		return listComma
	case ']':
		return noList
	}
	return listElement
}

// fail notes what is wrong at p.
func (d *JSON) fail(p int, wrong string) int {
	d.errAt, d.wrong = p, wrong
	if p >= len(d.data) || d.Lines && d.data[p] == '\n' {
		d.wrong = "the text ends in the middle of a value"
	}
	return -1
}

// space skips white space inside a record.
func (d *JSON) space(p int) int {
	for p < len(d.data) {
		c := d.data[p]
		if c > ' ' || c != ' ' && c != '\t' && c != '\r' && (c != '\n' || d.Lines) {
			break
		}
		p++
	}
	return p
}

// object reads the object at p into the row and returns the position behind it, or -1.
func (d *JSON) object(p int) int {
	data := d.data
	if p = d.space(p + 1); p < len(data) && data[p] == '}' {
		return p + 1
	}
	for k := 0; ; k++ {
		col := -1
		known := false
		if k < len(d.order) {
			f := &d.order[k]
			var end int
			if end, known = f.at(data, p); known {
				p, col = end, f.col
			}
		}
		if !known {
			if p, col = d.field(p, k); p < 0 {
				return -1
			}
		}
		if p < len(data) && data[p] <= ' ' {
			p = d.space(p)
		}
		if col >= 0 {
			p = d.value(p, &d.b.cols[col])
		} else {
			p = d.skip(p, 1)
		}
		if p < 0 {
			return -1
		}
		if p < len(data) && data[p] <= ' ' {
			p = d.space(p)
		}
		if p >= len(data) {
			return d.fail(p, "")
		}
		if data[p] == '}' {
			return p + 1
		}
		if data[p] != ',' {
			return d.fail(p, "want , or } behind a value")
		}
		p++
		if p < len(data) && data[p] <= ' ' {
			p = d.space(p)
		}
	}
}

// field reads a key and its colon at p, finds its column, and remembers both as field k of a row.
func (d *JSON) field(p, k int) (next, col int) {
	if p >= len(d.data) || d.data[p] != '"' {
		return d.fail(p, "want a key in quotes"), -1
	}
	name, end := d.str(p)
	if end < 0 {
		return -1, -1
	}
	d.key = append(d.key[:0], name...)
	colon := d.space(end)
	if colon >= len(d.data) || d.data[colon] != ':' {
		return d.fail(colon, "want : behind a key"), -1
	}
	col = d.b.find(d.key)
	if colon+1-p > MaxOriginalBytes {
		return colon + 1, col
	}
	f := newOrderedField(d.data[p:colon+1], col)
	switch {
	case k < len(d.order):
		d.order[k] = f
	case k == len(d.order) && k < maxOrder:
		d.order = append(d.order, f)
	}
	return colon + 1, col
}

// value reads the value at p into c and returns the position behind it, or -1 when it is no JSON. The usual forms of
// each type come first; the rest is for other.
func (d *JSON) value(p int, c *column) int {
	data, b := d.data, d.b
	switch c.typ.Kind {
	case vector.BigInt, vector.Timestamp:
		if v, end, ok := scanInt(data, p); ok {
			c.i64[b.rows] = v
			b.mark(c)
			return end
		}
	case vector.Int:
		if v, end, ok := scanInt(data, p); ok {
			b.int64(c, v)
			return end
		}
	case vector.String:
		if p < len(data) && data[p] == '"' {
			s, end := d.str(p)
			if end >= 0 {
				c.str.set(b.rows, s)
				b.mark(c)
			}
			return end
		}
	case vector.Decimal:
		if end, ok := d.fixed(p, c); ok {
			return end
		}
	case vector.Double:
		if v, end, ok := scanFixed(data, p); ok {
			if f, exact := fixedFloat(v, data[p] == '-'); exact {
				c.f64[b.rows] = f
				b.mark(c)
				return end
			}
		}
	default:
	}
	return d.other(p, c)
}

// fixed reads a plain decimal, with or without quotes, into a column of at most 18 digits.
func (d *JSON) fixed(p int, c *column) (end int, ok bool) {
	data, b := d.data, d.b
	if p >= len(data) {
		return 0, false
	}
	quoted := data[p] == '"'
	if quoted {
		p++
	}
	v, end, ok := scanFixed(data, p)
	if !ok {
		return 0, false
	}
	if quoted {
		if end >= len(data) || data[end] != '"' {
			return 0, false
		}
		end++
	}
	if !b.fixed(c, v) {
		return 0, false
	}
	return end, true
}

// other reads any value at p into c.
func (d *JSON) other(p int, c *column) int {
	if p >= len(d.data) {
		return d.fail(p, "")
	}
	if c.nest != nil {
		return d.nestedValue(p, c)
	}
	b := d.b
	switch ch := d.data[p]; ch {
	case '"':
		s, end := d.str(p)
		if end >= 0 {
			b.text(c, s)
		}
		return end
	case '{', '[':
		end := d.skip(p, 1)
		if end >= 0 {
			d.document(c, d.data[p:end])
		}
		return end
	case 't', 'f', 'n':
		end := d.word(p)
		if end >= 0 {
			d.literal(c, d.data[p:end])
		}
		return end
	default:
		end := numberEnd(d.data, p)
		if end < 0 {
			return d.fail(p, "want a value")
		}
		d.numeric(c, d.data[p:end])
		return end
	}
}

func (d *JSON) literal(c *column, word []byte) {
	switch {
	case word[0] == 'n':
		d.b.null(c)
	case c.typ.Kind == vector.Boolean:
		d.b.boolean(c, word[0] == 't')
	case c.typ.Kind == vector.String:
		d.b.text(c, word)
	default:
		d.b.refuseValue(c, word)
	}
}

func (d *JSON) numeric(c *column, s []byte) {
	switch c.typ.Kind {
	case vector.Boolean, vector.Bytes:
		d.b.refuseValue(c, s)
	default:
		d.b.text(c, s)
	}
}

// document keeps an object or a list in a column of strings, as JSON without white space.
func (d *JSON) document(c *column, s []byte) {
	if c.typ.Kind != vector.String {
		what := "an object"
		if s[0] == '[' {
			what = "a list"
		}
		d.b.refuse(CodeValue, c.name, what+" is not "+c.typ.String())
		return
	}
	d.scratch = appendCompact(d.scratch[:0], s)
	d.b.text(c, d.scratch)
}

var errFormat = errors.New("format: want json, csv, delimited, msgpack, raw, kafka or none")
