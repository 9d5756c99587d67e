package format

import (
	"bytes"
	"fmt"
)

// Debezium decodes the change events of databases, in JSON, with or without the schema around the payload: creates,
// updates and reads of a snapshot are the row after the change, a delete takes the row before it away. Of a stream only
// the rows after changes are kept. Messages and tombstones of the connector are nothing; a truncation is no row.
type Debezium struct {
	json  JSON
	table bool
}

// NewDebezium returns a decoder of change events. table: deletes take rows away.
func NewDebezium(lines, table bool) *Debezium {
	return &Debezium{json: JSON{Lines: lines}, table: table}
}

// Start implements Decoder.
func (d *Debezium) Start() { d.json.Start() }

// Decode implements Decoder.
func (d *Debezium) Decode(data []byte, final bool, b *Builder) int {
	j := &d.json
	if j.Lines && !final {
		data = data[:bytes.LastIndexByte(data, '\n')+1]
	}
	j.b, j.data = b, data
	p := 0
	for !b.Full() {
		if p = j.gap(p); p >= len(data) {
			break
		}
		p = d.event(p)
	}
	j.b, j.data = nil, nil
	return p
}

// change is where the parts of an event stand; -1 where one is absent or null.
type change struct {
	op                     string
	before, after, payload int
	wrapped                bool // there is a payload, perhaps null
}

// event reads the event at p, which is no white space, and returns where the next thing begins.
func (d *Debezium) event(p int) int {
	j := &d.json
	if j.null(p) {
		j.b.Record++
		return p + 4
	}
	if j.data[p] != '{' {
		found, _, _ := bytes.Cut(j.data[p:min(len(j.data), p+20)], newline)
		return j.broken(p, p, "want a change event, found "+quote(found))
	}
	c, end := d.parts(p)
	if end < 0 {
		return j.broken(p, j.errAt, j.wrong)
	}
	if next := j.space(end); j.Lines && next < len(j.data) && j.data[next] != '\n' {
		return j.broken(p, next, "more text behind the event")
	}
	if c.wrapped && c.payload < 0 { // the tombstone behind a delete
		j.b.Record++
		return d.behind(p, end)
	}
	if c.wrapped && j.data[c.payload] == '{' {
		c, _ = d.parts(c.payload)
	}
	if next := d.row(c, p, end); next >= 0 {
		return next
	}
	return d.behind(p, end)
}

// behind counts the lines of an event and returns where it ends.
func (d *Debezium) behind(p, end int) int {
	if j := &d.json; !j.Lines {
		j.b.Line += bytes.Count(j.data[p:end], newline)
	}
	return end
}

// parts finds the parts of the object at p and returns the position behind it, or -1.
func (d *Debezium) parts(p int) (c change, end int) {
	j := &d.json
	c = change{before: -1, after: -1, payload: -1}
	if p = j.space(p + 1); p < len(j.data) && j.data[p] == '}' {
		return c, p + 1
	}
	for {
		if p >= len(j.data) || j.data[p] != '"' {
			return c, j.fail(p, "want a key in quotes")
		}
		name, at := j.str(p)
		if at < 0 {
			return c, -1
		}
		key := string(name[:min(len(name), 16)])
		if at = j.space(at); at >= len(j.data) || j.data[at] != ':' {
			return c, j.fail(at, "want : behind a key")
		}
		at = j.space(at + 1)
		if end = j.skip(at, 1); end < 0 {
			return c, -1
		}
		c.take(key, j.data, at, end)
		if p = j.space(end); p >= len(j.data) {
			return c, j.fail(p, "")
		}
		if j.data[p] == '}' {
			return c, p + 1
		}
		if j.data[p] != ',' {
			return c, j.fail(p, "want , or } behind a value")
		}
		p = j.space(p + 1)
	}
}

// take notes a field of an event.
func (c *change) take(key string, data []byte, at, end int) {
	there := at
	if data[at] == 'n' {
		there = -1
	}
	switch key {
	case "before":
		c.before = there
	case "after":
		c.after = there
	case "payload":
		c.payload, c.wrapped = there, true
	case "op":
		c.op = string(bytes.Trim(data[at:end], `"`))
	}
}

// row makes a row of an event, if it is one. A result >= 0 is where to go on behind a broken event.
func (d *Debezium) row(c change, p, end int) int {
	j, b := &d.json, d.json.b
	at := c.after
	switch c.op {
	case "c", "u", "r":
	case "d":
		at = c.before
	case "m":
	default:
		b.Reject(j.data[p:end], CodeValue,
			fmt.Sprintf("a change event with op %s is not supported", quote([]byte(c.op))))
		return -1
	}
	remove := c.op == "d"
	if c.op == "m" || remove && !d.table {
		b.bytes += end - p
		b.Record++
		return -1
	}
	b.begin()
	switch {
	case at >= 0 && j.data[at] == '{':
		if j.object(at) < 0 {
			return j.broken(p, j.errAt, j.wrong)
		}
	case !remove:
		b.refuse(CodeValue, "", "the change event has no row after the change")
	case len(b.given) == 0:
		b.refuse(CodeValue, "", "the delete has no row before it: the key is not known")
	}
	b.remove = remove
	b.commit(j.data[p:end])
	b.remove = false
	return -1
}
