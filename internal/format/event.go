package format

import (
	"fmt"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// eventColumn reads the event time of a row from one of its columns.
type eventColumn struct {
	col     int
	name    string
	kind    vector.Kind
	pattern *Pattern // of a STRING; nil is ISO
}

func newEventColumn(i int, c *column, format string) (*eventColumn, error) {
	e := &eventColumn{col: i, name: c.name, kind: c.typ.Kind}
	switch e.kind {
	case vector.BigInt, vector.Int, vector.Timestamp, vector.Date:
		return e, nil
	case vector.String:
		if format == "" {
			return e, nil
		}
		p, err := ParsePattern(format)
		if err != nil {
			return nil, fmt.Errorf("event_time_format %q: %w", format, err)
		}
		e.pattern = p
		return e, nil
	default:
		return nil, fmt.Errorf("event_time: column %s is %s; want BIGINT (ms), TIMESTAMP, DATE or STRING", e.name,
			c.typ)
	}
}

// time returns the event time of the row being written, or refuses the row.
func (e *eventColumn) time(b *Builder) int64 {
	c := &b.cols[e.col]
	if c.stamp != b.gen {
		b.refuse(CodeTime, e.name, "the event time "+e.name+" is null")
		return 0
	}
	var v int64
	switch e.kind {
	case vector.String:
		s := c.str.last(b.rows)
		var ok bool
		if e.pattern != nil {
			v, ok = e.pattern.Parse(s)
		} else {
			v, ok = parseTimestamp(s)
		}
		if !ok {
			b.refuse(CodeTime, e.name, quote(s)+" is no time")
			return 0
		}
	case vector.Date:
		v = c.i64[b.rows] * msDay
	default:
		v = c.i64[b.rows]
	}
	if v < 0 {
		b.refuse(CodeTime, e.name, fmt.Sprintf("the event time %s is negative: %d", e.name, v))
	}
	return v
}
