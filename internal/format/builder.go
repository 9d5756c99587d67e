package format

import (
	"fmt"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Defaults and limits of a Builder.
const (
	DefaultRows  = 4096
	DefaultBytes = 1 << 20
	firstRows    = 64
)

// Options tell a Builder what to do with rows beside keeping them. The zero value is usable.
type Options struct {
	MaxRows  int // rows of a batch; default DefaultRows
	MaxBytes int // bytes of input of a batch; default DefaultBytes
	// EventTime names the column that gives the event time; "" means that Now does.
	EventTime string
	// EventTimeFormat is the pattern of a STRING event time, as Java's DateTimeFormatter writes patterns; "" is ISO.
	EventTimeFormat string
	// MaxRecord is the largest record in bytes; default MaxRowBytes.
	MaxRecord int
	// StopAtBad makes the builder full at the first bad row.
	StopAtBad bool
	// Keys are the columns that an Envelope fills, in its order.
	Keys []string
	// Nulls says what a record without a value is.
	Nulls Nulls
}

// Builder collects rows into columns. One goroutine uses it. Decoders write the row behind the last one, in place; it
// counts when it is committed, so that a bad row leaves nothing behind.
type Builder struct {
	// Now is the event time of rows without an event time column, and the latest that MaxFuture is measured from.
	Now int64
	// MaxFuture is how far ahead of Now an event time may be, in ms; 0 is no limit.
	MaxFuture int64
	// Line is the line at which the next record begins, from 1; Record its number in the message or file, from 0.
	Line, Record int

	schema   *vector.Schema
	cols     []column
	rows     int
	room     int // rows the slices have room for
	maxRows  int
	maxBytes int
	maxBad   int
	maxRow   int // bytes of input of a row
	bytes    int // of input since Take
	event    *eventColumn
	times    []int64
	records  []int
	gen      uint64 // number of the row being written; a column with this stamp has a value
	set      int    // columns that have one
	fail     failure
	failed   bool
	bad      []BadRow
	largest  int64 // event time since the beginning
	nestState
	envelopeState
}

// column is a column while rows are added.
type column struct {
	name  string
	key   string // the name as it stands in JSON, with quotes and colon
	typ   vector.Type
	stamp uint64
	bools []bool
	i64   []int64
	f64   []float64
	i128  []vector.Int128
	str   strCol
	valid []uint64 // nil: no null so far
	nest  *nest    // of ARRAY, MAP and STRUCT
}

// NewBuilder returns an empty builder of rows of schema s.
func NewBuilder(s *vector.Schema, o Options) (*Builder, error) {
	b := &Builder{schema: s, maxRows: o.MaxRows, maxBytes: o.MaxBytes, gen: 1, Line: 1, largest: vector.NoTime}
	if b.maxRows <= 0 {
		b.maxRows = DefaultRows
	}
	if b.maxBad = maxBad; o.StopAtBad {
		b.maxBad = 1
	}
	if b.maxBytes <= 0 {
		b.maxBytes = DefaultBytes
	}
	if b.maxRow = o.MaxRecord; b.maxRow <= 0 {
		b.maxRow = MaxRowBytes
	}
	b.cols = make([]column, len(s.Fields))
	for i, f := range s.Fields {
		if f.Type.Phys() == vector.PhysNone || f.Type.Depth() > vector.MaxDepth {
			return nil, fmt.Errorf("column %s: %s is not supported in a source", f.Name, f.Type)
		}
		b.cols[i] = column{name: f.Name, typ: f.Type, key: string(appendKey(nil, f.Name))}
		b.cols[i].nest = newNest(&b.cols[i], b)
	}
	if o.EventTime != "" {
		i := b.find([]byte(o.EventTime))
		if i < 0 {
			return nil, fmt.Errorf("event_time: no column %q", o.EventTime)
		}
		e, err := newEventColumn(i, &b.cols[i], o.EventTimeFormat)
		if err != nil {
			return nil, err
		}
		b.event = e
	}
	if err := b.setKeys(o); err != nil {
		return nil, err
	}
	b.reset(min(firstRows, b.maxRows))
	return b, nil
}

// Schema returns the schema of the rows.
func (b *Builder) Schema() *vector.Schema { return b.schema }

// Rows returns how many rows there are.
func (b *Builder) Rows() int { return b.rows }

// Largest returns the largest event time of all rows so far, those of earlier batches included; NoTime before.
func (b *Builder) Largest() int64 { return b.largest }

// Seen says that event times up to ms came before this builder was made.
func (b *Builder) Seen(ms int64) { b.largest = max(b.largest, ms) }

// Full reports whether the rows should be taken before more are read.
func (b *Builder) Full() bool {
	return b.rows >= b.maxRows || b.bytes >= b.maxBytes || len(b.bad) >= b.maxBad || b.cells >= fullCells
}

// find returns the number of the column that a name of the input means, or -1.
func (b *Builder) find(name []byte) int {
	for i := range b.cols {
		if b.cols[i].name == string(name) {
			return i
		}
	}
	for i := range b.cols {
		if len(b.cols[i].name) == len(name) && strings.EqualFold(b.cols[i].name, string(name)) {
			return i
		}
	}
	return -1
}

func (b *Builder) reset(room int) {
	b.rows, b.bytes, b.room, b.cells, b.ops = 0, 0, room, 0, nil
	if b.top == nil {
		b.times, b.records = make([]int64, room), make([]int, room)
	}
	for i := range b.cols {
		c := &b.cols[i]
		c.valid = nil
		switch c.typ.Phys() {
		case vector.PhysBool:
			c.bools = make([]bool, room)
		case vector.PhysF64:
			c.f64 = make([]float64, room)
		case vector.PhysI128:
			c.i128 = make([]vector.Int128, room)
		case vector.PhysStr:
			c.str.reset(room)
		case vector.PhysNested:
			c.nest.reset(c, room)
		default:
			c.i64 = make([]int64, room)
		}
	}
}

// reserve makes room for the row being written.
func (b *Builder) reserve() {
	if b.rows < b.room {
		return
	}
	rows, room := b.rows, min(4*b.room, max(b.maxRows, b.room+1))
	b.room = room
	if b.top == nil {
		b.times, b.records = grown(b.times, rows, room), grown(b.records, rows, room)
	}
	for i := range b.cols {
		c := &b.cols[i]
		switch c.typ.Phys() {
		case vector.PhysBool:
			c.bools = grown(c.bools, rows, room)
		case vector.PhysF64:
			c.f64 = grown(c.f64, rows, room)
		case vector.PhysI128:
			c.i128 = grown(c.i128, rows, room)
		case vector.PhysStr:
			c.str.grow(rows, room)
		case vector.PhysNested:
			c.nest.grow(rows, room)
		default:
			c.i64 = grown(c.i64, rows, room)
		}
	}
}

// begin starts a row; it must come before the first value.
func (b *Builder) begin() {
	b.reserve()
	b.gen++
	b.set = 0
	b.failed = false
	b.rowCells = b.cells
}

// mark says that c has a value in the row being written.
func (b *Builder) mark(c *column) {
	if c.stamp != b.gen {
		c.stamp = b.gen
		b.set++
	}
}

// null takes a value of c back, if it has one.
func (b *Builder) null(c *column) {
	if c.stamp == b.gen {
		c.stamp = 0
		b.set--
	}
}

// refuse notes what is wrong with the row; the first reason stays.
func (b *Builder) refuse(code, column, reason string) {
	if !b.failed {
		b.failed, b.fail = true, failure{code, reason, column}
	}
}

func (b *Builder) refuseValue(c *column, v []byte) {
	if !b.failed {
		b.refuse(CodeValue, c.name, quote(v)+" is not "+c.typ.String())
	}
}

// commit ends the row of the given record: it counts, or a BadRow is kept.
func (b *Builder) commit(record []byte) {
	at := b.Now
	if len(record) > b.maxRow {
		b.refuse(CodeLimit, "", fmt.Sprintf("the record has %d bytes, the limit is %d", len(record), b.maxRow))
	}
	if !b.failed && len(b.given) > 0 {
		b.fillKeys()
	}
	if !b.failed && b.event != nil {
		at = b.eventTime()
	}
	if !b.failed && b.MaxFuture > 0 && at > b.Now+b.MaxFuture {
		b.refuse(CodeFuture, "", fmt.Sprintf("event time %d is %d ms ahead of the log's time, max_future is %d ms",
			at, at-b.Now, b.MaxFuture))
	}
	b.bytes += len(record)
	if b.failed {
		b.reject(record)
		return
	}
	if b.set != len(b.cols) {
		b.nulls()
	}
	b.times[b.rows], b.records[b.rows] = at, b.Record
	b.largest = max(b.largest, at)
	b.noteOp()
	b.rows++
	b.Record++
}

func (b *Builder) reject(record []byte) {
	bad := BadRow{Line: b.Line, Record: b.Record, Code: b.fail.code, Reason: b.fail.reason, Column: b.fail.column}
	bad.Original, bad.Truncated = original(record)
	b.bad = append(b.bad, bad)
	b.Record++
}

// Reject keeps a record that no decoder saw, or could not take apart, as a bad row.
func (b *Builder) Reject(record []byte, code, reason string) {
	b.failed = false
	b.refuse(code, "", reason)
	b.bytes += len(record)
	b.reject(record)
}

// nulls makes null of every column that has no value in the row.
func (b *Builder) nulls() {
	for i := range b.cols {
		c := &b.cols[i]
		if c.stamp == b.gen {
			continue
		}
		if c.valid == nil {
			c.valid = make([]uint64, vector.Words(b.room))
			for k := range c.valid {
				c.valid[k] = ^uint64(0)
			}
		}
		for len(c.valid) <= b.rows>>6 {
			c.valid = append(c.valid, ^uint64(0))
		}
		c.zero(b.rows)
	}
}

// zero marks a row as null and gives it a value that is the same for every null.
func (c *column) zero(row int) {
	c.valid[row>>6] &^= 1 << (uint(row) & 63)
	switch c.typ.Phys() {
	case vector.PhysBool:
		c.bools[row] = false
	case vector.PhysF64:
		c.f64[row] = 0
	case vector.PhysI128:
		c.i128[row] = vector.Int128{}
	case vector.PhysStr:
		c.str.setNull(row)
	case vector.PhysNested:
		c.nest.setNull(row)
	default:
		c.i64[row] = 0
	}
}

// Take returns the rows as a batch and leaves the builder empty; nil when there are none. The batch shares nothing with
// the builder. Its watermark is NoTime.
func (b *Builder) Take() *vector.Batch {
	if b.rows == 0 {
		b.bytes = 0
		return nil
	}
	n := b.rows
	out := &vector.Batch{
		Schema: b.schema, Rows: n, Cols: make([]*vector.Vector, len(b.cols)), Time: b.times[:n],
		Watermark: vector.NoTime, AppendTime: b.Now, Ops: b.ops,
	}
	for i := range b.cols {
		out.Cols[i] = b.cols[i].take(n)
	}
	room := firstRows
	for room < n {
		room *= 2
	}
	b.reset(min(room, b.maxRows))
	return out
}

// take returns the first n values as a vector.
func (c *column) take(n int) *vector.Vector {
	v := &vector.Vector{Type: c.typ, Len: n}
	if c.valid != nil {
		v.Valid = c.valid[:min(len(c.valid), vector.Words(n))]
		for len(v.Valid) < vector.Words(n) {
			v.Valid = append(v.Valid, ^uint64(0))
		}
	}
	switch c.typ.Phys() {
	case vector.PhysBool:
		v.Bool = c.bools[:n]
	case vector.PhysF64:
		v.F64 = c.f64[:n]
	case vector.PhysI128:
		v.I128 = c.i128[:n]
	case vector.PhysStr:
		c.str.take(v, n)
	case vector.PhysNested:
		return c.nest.take(v, n)
	default:
		v.I64 = c.i64[:n]
	}
	return v
}

// Records returns the record number of each row that is there; it is valid until the next call of Take.
func (b *Builder) Records() []int { return b.records[:b.rows] }

// TakeBad returns the bad rows since the last call.
func (b *Builder) TakeBad() []BadRow {
	out := b.bad
	b.bad = nil
	return out
}
