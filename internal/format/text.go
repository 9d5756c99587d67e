package format

import (
	"bytes"
	"encoding/base64"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// text makes the text s the value of c: a JSON string, a CSV field. What is no value of the type refuses the row.
func (b *Builder) text(c *column, s []byte) {
	if c.typ.Kind == vector.String {
		c.str.set(b.rows, s)
		b.mark(c)
		return
	}
	if c.typ.Kind == vector.Bytes {
		b.base64(c, s)
		return
	}
	s = bytes.TrimSpace(s)
	if c.nest != nil {
		b.jsonText(c, s)
		return
	}
	switch c.typ.Kind {
	case vector.Int, vector.BigInt, vector.Double, vector.Decimal:
		b.number(c, s)
	case vector.Interval:
		v, st := parseInt(s)
		if st != isNumber {
			var err error
			if v, err = vector.ParseInterval(s); err != nil {
				b.refuseValue(c, s)
				return
			}
		}
		b.int64(c, v)
	case vector.Boolean:
		b.booleanText(c, s)
	default:
		parse := parseTimestamp
		switch c.typ.Kind { //nolint:exhaustive // the others are above
		case vector.Date:
			parse = parseDate
		case vector.Time:
			parse = parseTime
		}
		v, ok := parse(s)
		if !ok {
			b.refuseValue(c, s)
			return
		}
		b.int64(c, v)
	}
}

func (b *Builder) booleanText(c *column, s []byte) {
	switch {
	case equalFold(s, "true"):
		b.boolean(c, true)
	case equalFold(s, "false"):
		b.boolean(c, false)
	default:
		b.refuseValue(c, s)
	}
}

// equalFold compares ASCII without regard to case; word is in small letters.
func equalFold(s []byte, word string) bool {
	if len(s) != len(word) {
		return false
	}
	for i := range s {
		if s[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}

// number makes the number written as s the value of a numeric column.
func (b *Builder) number(c *column, s []byte) {
	var st status
	switch c.typ.Kind {
	case vector.Double:
		var f float64
		if f, st = parseFloat(s); st == isNumber {
			b.float64(c, f)
		}
	case vector.Decimal:
		var v vector.Int128
		if v, st = parseScaled(s, int(c.typ.Precision), int(c.typ.Scale)); st == isNumber {
			b.decimal(c, v)
		}
	default:
		var v int64
		if v, st = parseInt(s); st == isNumber {
			b.int64(c, v)
		}
	}
	b.refuseNumber(c, s, st)
}

func (b *Builder) refuseNumber(c *column, s []byte, st status) {
	if st == isNumber || b.failed {
		return
	}
	switch {
	case st == noNumber:
		b.refuseValue(c, s)
	case st == tooFine && c.typ.Kind == vector.Decimal:
		b.refuse(CodeRange, c.name, quote(s)+" has more places than "+c.typ.String())
	case st == tooFine:
		b.refuseValue(c, s)
	default:
		b.refuse(CodeRange, c.name, quote(s)+" is out of range of "+c.typ.String())
	}
}

func (b *Builder) boolean(c *column, v bool) {
	c.bools[b.rows] = v
	b.mark(c)
}

func (b *Builder) float64(c *column, v float64) {
	c.f64[b.rows] = v
	b.mark(c)
}

// int64 sets a column whose values lie in I64 and checks the range of INT.
func (b *Builder) int64(c *column, v int64) {
	if c.typ.Kind == vector.Int && v != int64(int32(v)) {
		b.refuse(CodeRange, c.name, quote(intText(v))+" is out of range of INT")
		return
	}
	c.i64[b.rows] = v
	b.mark(c)
}

func (b *Builder) decimal(c *column, v vector.Int128) {
	if c.typ.Phys() == vector.PhysI128 {
		c.i128[b.rows] = v
	} else {
		c.i64[b.rows] = int64(v.Lo)
	}
	b.mark(c)
}

func (b *Builder) bytesValue(c *column, v []byte) {
	c.str.set(b.rows, v)
	b.mark(c)
}

func (b *Builder) base64(c *column, s []byte) {
	s = bytes.TrimRight(s, "=")
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(s)))
	n, err := base64.RawStdEncoding.Decode(out, s)
	if err != nil {
		b.refuse(CodeValue, c.name, quote(s)+" is not base64")
		return
	}
	b.bytesValue(c, out[:n])
}

// floatNumber makes a binary floating point number the value of c, whatever its type.
func (b *Builder) floatNumber(c *column, f float64) {
	if c.typ.Kind == vector.Double {
		b.float64(c, f)
		return
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		if c.typ.Kind == vector.String {
			b.text(c, vector.AppendDouble(nil, f))
			return
		}
		b.refuseValue(c, vector.AppendDouble(nil, f))
		return
	}
	b.text(c, vector.AppendDouble(nil, f))
}

// fixed makes mant * 10^-places the value of a DECIMAL of at most 18 digits; false when that is not possible so.
func (b *Builder) fixed(c *column, v fixedPoint) bool {
	precision, scale := int(c.typ.Precision), int(c.typ.Scale)
	if v.places > scale || precision > 18 {
		return false
	}
	if limit := pow10[precision-scale+v.places]; v.mant >= limit || v.mant <= -limit {
		return false
	}
	c.i64[b.rows] = v.mant * pow10[scale-v.places]
	b.mark(c)
	return true
}
