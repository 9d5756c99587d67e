package format

import (
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Limits of nested values. A cell is a value inside another one; nulls that fill up a STRUCT count, so that a small
// record cannot become a large batch.
const (
	fullCells = 1 << 20 // cells of a batch before the builder counts as full
	maxCells  = 4 << 20 // cells of a record
	firstKids = 16      // elements that a batch makes room for at first
)

// nestState is what a Builder knows about nested columns. The values inside a nested column are the rows of builders
// of their own, one a kid, whose top is the builder of the record.
type nestState struct {
	top      *Builder // nil: this is the one
	cells    int      // of the batch
	rowCells int      // cells when the record began
}

// nest is the values inside a column of ARRAY, MAP or STRUCT.
type nest struct {
	kids  []*Builder // one column each: element; key, value; fields
	names []string   // of fields
	ends  []uint32   // ARRAY, MAP: row i has the elements from ends[i] to ends[i+1]
}

// newNest returns what lies inside column c of b; nil when nothing does.
func newNest(c *column, b *Builder) *nest {
	if c.typ.Phys() != vector.PhysNested {
		return nil
	}
	n := &nest{}
	top := b.top
	if top == nil {
		top = b
	}
	for k := range c.typ.Kids() {
		name, key := c.name+"[]", ""
		if c.typ.Kind == vector.Struct {
			f := c.typ.Fields[k].Name
			n.names = append(n.names, f)
			name, key = c.name+"->"+f, string(appendKey(nil, f))
		}
		kid := &Builder{maxRows: math.MaxInt32, gen: 1, nestState: nestState{top: top}}
		kid.cols = []column{{name: name, key: key, typ: c.typ.Kid(k)}}
		kid.cols[0].nest = newNest(&kid.cols[0], kid)
		n.kids = append(n.kids, kid)
	}
	return n
}

// reset makes room for a new batch of rows.
func (n *nest) reset(c *column, room int) {
	if c.typ.Kind != vector.Struct {
		n.ends = make([]uint32, room+1)
		room = firstKids
	}
	for _, k := range n.kids {
		k.reset(room)
	}
}

// grow makes room for more rows; kids make their own.
func (n *nest) grow(rows, room int) {
	if n.ends != nil {
		n.ends = grown(n.ends, rows+1, room+1)
	}
}

// open begins the value of a row, whatever was there.
func (n *nest) open(row int) {
	if n.ends != nil {
		row = int(n.ends[row])
	}
	for _, k := range n.kids {
		k.rows = row
	}
}

// shut ends the value of a row: fields that are missing are null.
func (n *nest) shut(row int) {
	if n.ends != nil {
		n.ends[row+1] = uint32(n.kids[0].rows)
		return
	}
	for _, k := range n.kids {
		if k.rows == row {
			k.begin()
			k.finish()
		}
	}
}

// setNull makes the value of a row null.
func (n *nest) setNull(row int) {
	n.open(row)
	n.shut(row)
}

// finish ends a row of a kid: it counts, with its value or as null.
func (b *Builder) finish() {
	b.top.cells++
	if b.set == 0 {
		b.nulls()
	} else if c := &b.cols[0]; c.valid != nil && b.rows>>6 < len(c.valid) {
		c.valid[b.rows>>6] |= 1 << (uint(b.rows) & 63) // a record that was refused may have had a null there
	}
	b.rows++
}

// element ends a row of kid k for the value of a row of b, which fails where the element did.
func (b *Builder) element(k *Builder) {
	if k.failed {
		b.refuse(k.fail.code, k.fail.column, k.fail.reason)
	}
	k.finish()
}

// crowded reports whether a list of n elements, or its record, is as large as it may be; the record is refused then.
func (b *Builder) crowded(c *column, n int) bool {
	top := b.top
	if top == nil {
		top = b
	}
	if n < vector.MaxElements && top.cells-top.rowCells < maxCells {
		return false
	}
	b.refuse(CodeLimit, c.name, "the record has too many nested values")
	return true
}

// take puts the values of the first rows into v.
func (n *nest) take(v *vector.Vector, rows int) *vector.Vector {
	if n.ends != nil {
		v.Offs = n.ends[: rows+1 : rows+1]
		rows = int(n.ends[rows])
	}
	v.Kids = make([]*vector.Vector, len(n.kids))
	for i, k := range n.kids {
		v.Kids[i] = k.cols[0].take(rows)
	}
	vector.Order(v)
	return v
}

// field returns the kid that a name of the input means; nil when there is none.
func (n *nest) field(name []byte) *Builder {
	for i, f := range n.names {
		if f == string(name) {
			return n.kids[i]
		}
	}
	for i, f := range n.names {
		if len(f) == len(name) && equalNames(f, name) {
			return n.kids[i]
		}
	}
	return nil
}
