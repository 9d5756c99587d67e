package format

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func equalNames(f string, name []byte) bool { return strings.EqualFold(f, string(name)) }

// nestedValue reads the value at p into the nested column c and returns the position behind it, or -1.
func (d *JSON) nestedValue(p int, c *column) int {
	switch ch := d.data[p]; {
	case ch == '[' && c.typ.Kind == vector.Array, ch == '{' && c.typ.Kind != vector.Array:
		b := d.b
		c.nest.open(b.rows)
		p = d.inside(p, c)
		if p >= 0 {
			c.nest.shut(b.rows)
			b.mark(c)
		}
		return p
	case ch == 'n':
		if p = d.word(p); p >= 0 {
			d.b.null(c)
		}
		return p
	}
	end := d.skip(p, 1)
	if end >= 0 {
		d.wrongShape(c, d.data[p:end])
	}
	return end
}

func (d *JSON) wrongShape(c *column, s []byte) {
	switch s[0] {
	case '[':
		d.b.refuse(CodeValue, c.name, "a list is not "+c.typ.String())
	case '{':
		d.b.refuse(CodeValue, c.name, "an object is not "+c.typ.String())
	default:
		d.b.refuseValue(c, s)
	}
}

// inside reads the list or object at p.
func (d *JSON) inside(p int, c *column) int {
	closing := byte('}')
	if c.typ.Kind == vector.Array {
		closing = ']'
	}
	p = d.space(p + 1)
	if p < len(d.data) && d.data[p] == closing {
		return p + 1
	}
	for n := 0; ; n++ {
		if d.b.crowded(c, n) {
			p = d.skipMember(p, closing)
		} else {
			p = d.member(p, c, n)
		}
		if p < 0 {
			return -1
		}
		if p = d.space(p); p >= len(d.data) {
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

func (d *JSON) skipMember(p int, closing byte) int {
	if closing == '}' {
		if p = d.skipKey(p); p < 0 {
			return -1
		}
	}
	return d.skip(d.space(p), 1)
}

// member reads element, entry or field number n at p.
func (d *JSON) member(p int, c *column, n int) int {
	kids := c.nest.kids
	switch c.typ.Kind {
	case vector.Array:
		return d.kid(p, kids[0])
	case vector.Map:
		return d.entry(p, kids[0], kids[1])
	default:
		return d.structField(p, c.nest, n)
	}
}

// kid reads the value at p as the next row of k.
func (d *JSON) kid(p int, k *Builder) int {
	outer := d.b
	d.b = k
	k.begin()
	p = d.value(d.space(p), &k.cols[0])
	d.b = outer
	outer.element(k)
	return p
}

// entry reads a key and its value.
func (d *JSON) entry(p int, key, value *Builder) int {
	if p >= len(d.data) || d.data[p] != '"' {
		return d.fail(p, "want a key in quotes")
	}
	text, p := d.str(p)
	if p < 0 {
		return -1
	}
	key.begin()
	key.text(&key.cols[0], text)
	d.b.element(key)
	if p = d.space(p); p >= len(d.data) || d.data[p] != ':' {
		return d.fail(p, "want : behind a key")
	}
	return d.kid(p+1, value)
}

// structField reads a field; they usually come in the order of the declaration.
func (d *JSON) structField(p int, n *nest, at int) int {
	if at < len(n.kids) {
		if key := n.kids[at].cols[0].key; len(d.data)-p > len(key) && string(d.data[p:p+len(key)]) == key {
			n.kids[at].rows = d.b.rows
			return d.kid(p+len(key), n.kids[at])
		}
	}
	if p >= len(d.data) || d.data[p] != '"' {
		return d.fail(p, "want a key in quotes")
	}
	name, p := d.str(p)
	if p < 0 {
		return -1
	}
	k := n.field(name)
	if p = d.space(p); p >= len(d.data) || d.data[p] != ':' {
		return d.fail(p, "want : behind a key")
	}
	if k == nil {
		return d.skip(d.space(p+1), 1)
	}
	k.rows = d.b.rows // a key that comes twice: the last one counts
	return d.kid(p+1, k)
}

// jsonText makes the JSON text s the value of the nested column c: a field of CSV.
func (b *Builder) jsonText(c *column, s []byte) {
	d := JSON{b: b, data: s}
	end := -1
	if len(s) > 0 {
		end = d.nestedValue(0, c)
	}
	if end != len(s) {
		b.refuseValue(c, s)
	}
}
