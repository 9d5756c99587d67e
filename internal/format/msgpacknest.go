package format

import (
	"strconv"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// nested reads the next value into the nested column c. messages.Next has bounded the number of values and the depth.
func (d *Msgpack) nested(b *Builder, c *column) error {
	code, err := d.dec.PeekCode()
	if err != nil {
		return err
	}
	n := c.nest
	read := d.elements
	switch {
	case isArray(code) && c.typ.Kind == vector.Array:
	case isMap(code) && c.typ.Kind == vector.Map:
		read = d.entries
	case isMap(code) && c.typ.Kind == vector.Struct:
		read = d.structFields
	case isArray(code) && c.typ.Kind == vector.Struct:
		read = d.positions
	default:
		v, err := d.dec.DecodeInterfaceLoose()
		if v != nil {
			b.refuse(CodeValue, c.name, "the value is not "+c.typ.String())
		} else {
			b.null(c)
		}
		return err
	}
	n.open(b.rows)
	if err := read(b, c); err != nil {
		return err
	}
	n.shut(b.rows)
	b.mark(c)
	return nil
}

// kid reads the next value as the next row of k.
func (d *Msgpack) kid(b, k *Builder) error {
	k.begin()
	err := d.value(k, &k.cols[0])
	b.element(k)
	return err
}

func (d *Msgpack) elements(b *Builder, c *column) error {
	n, err := d.dec.DecodeArrayLen()
	for i := 0; i < n && err == nil; i++ {
		if b.crowded(c, i) {
			err = d.dec.Skip()
			continue
		}
		err = d.kid(b, c.nest.kids[0])
	}
	return err
}

func (d *Msgpack) entries(b *Builder, c *column) error {
	key, value := c.nest.kids[0], c.nest.kids[1]
	n, err := d.dec.DecodeMapLen()
	for i := 0; i < n && err == nil; i++ {
		if b.crowded(c, i) {
			if err = d.dec.Skip(); err == nil {
				err = d.dec.Skip()
			}
			continue
		}
		if err = d.kid(b, key); err != nil {
			break
		}
		if key.set == 0 {
			b.refuse(CodeValue, c.name, "a key of a map is null")
		}
		err = d.kid(b, value)
	}
	return err
}

// structFields reads a struct by the names of its fields.
func (d *Msgpack) structFields(b *Builder, c *column) error {
	n, err := d.dec.DecodeMapLen()
	for i := 0; i < n && err == nil; i++ {
		key, kerr := d.dec.DecodeInterface()
		if kerr != nil {
			return kerr
		}
		name, _ := key.(string)
		k := c.nest.field([]byte(name))
		if k == nil || b.crowded(c, i) {
			err = d.dec.Skip()
			continue
		}
		k.rows = b.rows
		err = d.kid(b, k)
	}
	return err
}

// positions reads a struct by the order of its fields.
func (d *Msgpack) positions(b *Builder, c *column) error {
	n, err := d.dec.DecodeArrayLen()
	if err == nil && n != len(c.nest.kids) {
		b.refuse(CodeFields, c.name, strconv.Itoa(n)+" values, want "+strconv.Itoa(len(c.nest.kids)))
	}
	for i := 0; i < n && err == nil; i++ {
		if i >= len(c.nest.kids) {
			err = d.dec.Skip()
			continue
		}
		err = d.kid(b, c.nest.kids[i])
	}
	return err
}
