package task

import (
	"fmt"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// emitter hands what the machine emits to the lanes.
type emitter struct{ c *core }

// Rows implements Output.
func (e emitter) Rows(o, p int, b *vector.Batch) {
	var l *lane
	if o < len(e.c.byOutput) && p < len(e.c.byOutput[o]) {
		l = e.c.byOutput[o][p]
	}
	if l == nil {
		e.c.fail(fmt.Errorf("task %s: its machine emits to output %d, partition %d, which it does not write",
			e.c.cfg.Name,
			o, p))
		return
	}
	l.rows(e.c.running, e.fitting(b))
}

// fitting leaves out rows that no message can hold. They become dead letters, in every replay the same.
func (e emitter) fitting(b *vector.Batch) *vector.Batch {
	most, fixed := e.c.cfg.Limits.RowBytes, rowSize(b)
	if all := fixed + backing(b); all <= most {
		return b // all values of the batch together would fit
	}
	var sel []uint32
	for k := range b.Live() {
		i, size := rowAt(b, k), fixed
		for _, v := range b.Cols {
			size += v.MoreBytes(i)
		}
		if size <= most {
			sel = append(sel, uint32(i))
			continue
		}
		e.DeadLetter(b, uint32(i), format.CodeLimit, fmt.Sprintf("the row has %d bytes, the limit is %d", size, most))
	}
	if len(sel) == b.Live() {
		return b
	}
	part := *b
	part.Sel = append([]uint32{}, sel...) // never nil, which would be all rows
	return &part
}

// backing is how many bytes the strings and elements of all rows take, those that are not live too.
func backing(b *vector.Batch) int {
	n := 0
	for _, v := range b.Cols {
		n += len(v.Data)
		if v.Type.Phys() != vector.PhysNested {
			continue
		}
		for i := range b.Rows {
			n += v.MoreBytes(i)
		}
	}
	return n
}

// Watermark implements Output.
func (e emitter) Watermark(o int, wm int64, idle bool) { e.c.marks[o] = mark{wm, idle} }

// DeadLetter implements Output.
func (e emitter) DeadLetter(b *vector.Batch, row uint32, code, msg string) {
	if e.c.dead != nil {
		e.c.dead.deadLetter(e.c.running, e.c.letter(b, row, code, msg))
	}
}

// Late implements Output.
func (e emitter) Late(b *vector.Batch, rows []uint32) {
	if e.c.late == nil || len(rows) == 0 {
		return
	}
	part := *b
	part.Sel = rows
	e.c.late.rows(e.c.running, &part)
}

// letter encodes a dead letter. What is left of the record is its columns, as JSON.
func (c *core) letter(b *vector.Batch, row uint32, code, msg string) []byte {
	d := messages.DeadLetter{
		Original: format.AppendRow(nil, format.JSONKeys(b.Schema), b, int(row)), Format: "json",
		Source: b.Topic, Partition: b.Partition, Sequence: b.Seq,
		Row: b.FirstRow + int(row), Query: c.cfg.Query, Stage: c.cfg.Stage, Code: code, Error: msg,
		CorrelationID: c.cur.correlation, TraceID: traceID(c.cur.trace), TimeMs: b.AppendTime,
	}
	if len(d.Original) > messages.MaxOriginalBytes {
		d.Original, d.Truncated = d.Original[:messages.MaxOriginalBytes], true
	}
	data, err := d.Append(nil)
	if err != nil { // plain fields of known types
		panic(fmt.Sprintf("task: %v", err))
	}
	return data
}

// traceID takes the id out of a W3C traceparent: version-trace-span-flags.
func traceID(parent string) string {
	if len(parent) == 55 && parent[2] == '-' && parent[35] == '-' {
		return parent[3:35]
	}
	return ""
}
