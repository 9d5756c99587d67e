package format

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Msgpack decodes rows in msgpack: maps by name or lists by position, one a message, one behind the other, or all in
// a list. Every row passes messages.Next, which bounds depth, lengths and counts, before the library sees it.
type Msgpack struct {
	left int // rows of a list that are still to come
	dec  *msgpack.Decoder
	in   bytes.Reader
}

// NewMsgpack returns a decoder of msgpack.
func NewMsgpack() *Msgpack {
	d := &Msgpack{}
	d.dec = msgpack.NewDecoder(&d.in)
	return d
}

// Start implements Decoder.
func (d *Msgpack) Start() { d.left = 0 }

// Decode implements Decoder.
func (d *Msgpack) Decode(data []byte, _ bool, b *Builder) int {
	p := 0
	for p < len(data) && !b.Full() {
		size, err := messages.Next(data[p:], messages.Limits{Depth: 32})
		if err != nil {
			b.Reject(data[p:], CodeSyntax, err.Error())
			d.left = 0
			return len(data)
		}
		if d.left == 0 {
			if head, rows := rowList(data[p:]); head > 0 {
				d.left = rows
				p += head
				continue
			}
		} else {
			d.left--
		}
		b.begin()
		d.row(b, data[p:p+size])
		b.commit(data[p : p+size])
		p += size
	}
	return p
}

// rowList reports whether data begins with a list of rows: the size of its head, 0 when not, and how many there are.
func rowList(data []byte) (head, rows int) {
	switch c := data[0]; {
	case msgpcode.IsFixedArray(c):
		head, rows = 1, int(c&msgpcode.FixedArrayMask)
	case c == msgpcode.Array16:
		head, rows = 3, int(binary.BigEndian.Uint16(data[1:]))
	case c == msgpcode.Array32:
		head, rows = 5, int(binary.BigEndian.Uint32(data[1:]))
	default:
		return 0, 0
	}
	if rows > 0 && !isMap(data[head]) && !isArray(data[head]) {
		return 0, 0
	}
	return head, rows
}

func isMap(c byte) bool {
	return msgpcode.IsFixedMap(c) || c == msgpcode.Map16 || c == msgpcode.Map32
}

func isArray(c byte) bool {
	return msgpcode.IsFixedArray(c) || c == msgpcode.Array16 || c == msgpcode.Array32
}

// row reads one document into the row being written.
func (d *Msgpack) row(b *Builder, doc []byte) {
	d.in.Reset(doc)
	d.dec.Reset(&d.in)
	var err error
	switch {
	case isMap(doc[0]):
		err = d.fields(b)
	case isArray(doc[0]):
		err = d.list(b)
	default:
		b.refuse(CodeSyntax, "", "want a map or a list of values")
	}
	if err != nil {
		b.refuse(CodeSyntax, "", err.Error())
	}
}

func (d *Msgpack) fields(b *Builder) error {
	n, err := d.dec.DecodeMapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := d.dec.DecodeInterface()
		if err != nil {
			return err
		}
		col := -1
		if name, ok := key.(string); ok {
			col = b.find([]byte(name))
		}
		if col < 0 {
			err = d.dec.Skip()
		} else {
			err = d.value(b, &b.cols[col])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Msgpack) list(b *Builder) error {
	n, err := d.dec.DecodeArrayLen()
	if err != nil {
		return err
	}
	if n != len(b.cols) {
		b.refuse(CodeFields, "", strconv.Itoa(n)+" values, want "+strconv.Itoa(len(b.cols)))
		return nil
	}
	for i := range b.cols {
		if err := d.value(b, &b.cols[i]); err != nil {
			return err
		}
	}
	return nil
}

// value reads the next value into c.
func (d *Msgpack) value(b *Builder, c *column) error {
	if c.nest != nil {
		return d.nested(b, c)
	}
	v, err := d.dec.DecodeInterfaceLoose()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		b.null(c)
	case bool:
		b.word(c, v)
	case int64:
		b.integer(c, v)
	case uint64:
		b.text(c, strconv.AppendUint(nil, v, 10))
	case float64:
		b.floatNumber(c, v)
	case string:
		b.text(c, appendValid(nil, []byte(v)))
	case []byte:
		if c.typ.Kind == vector.Bytes {
			b.bytesValue(c, v)
			return nil
		}
		b.text(c, appendValid(nil, v))
	case time.Time:
		b.moment(c, v)
	default:
		return b.document(c, v)
	}
	return nil
}

// word makes a boolean the value of c.
func (b *Builder) word(c *column, v bool) {
	switch c.typ.Kind {
	case vector.Boolean:
		b.boolean(c, v)
	case vector.String:
		b.text(c, strconv.AppendBool(nil, v))
	default:
		b.refuseValue(c, strconv.AppendBool(nil, v))
	}
}

// integer makes an integer the value of c.
func (b *Builder) integer(c *column, v int64) {
	switch c.typ.Kind {
	case vector.Boolean, vector.Bytes:
		b.refuseValue(c, intText(v))
	case vector.Int, vector.BigInt, vector.Timestamp:
		b.int64(c, v)
	default:
		b.text(c, intText(v))
	}
}

func (b *Builder) moment(c *column, t time.Time) {
	switch c.typ.Kind {
	case vector.Timestamp, vector.BigInt:
		b.int64(c, t.UnixMilli())
	case vector.String:
		b.text(c, vector.AppendTimestamp(nil, t.UnixMilli()))
	default:
		b.refuseValue(c, vector.AppendTimestamp(nil, t.UnixMilli()))
	}
}

// document keeps a list or map in a column of strings, as JSON.
func (b *Builder) document(c *column, v any) error {
	if c.typ.Kind != vector.String {
		b.refuse(CodeValue, c.name, "a list or map is not "+c.typ.String())
		return nil
	}
	s, err := json.Marshal(v)
	if err != nil {
		b.refuse(CodeValue, c.name, err.Error())
		return nil
	}
	b.text(c, s)
	return nil
}
