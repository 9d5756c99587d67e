package task

import (
	"context"
	"fmt"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Delivery is one message of an input, decoded. It is immutable: the tasks of a process may share it.
type Delivery struct {
	Message            *topic.Message
	Created            int64 // of the shard, ns since the epoch: its identity
	Pending            int64 // messages behind it, -1: unknown
	Batch              *vector.Batch
	Writer             string
	Correlation, Trace string

	input int
}

// Feed gives the messages of an input in order. It is used by one goroutine.
type Feed interface {
	// Next waits for the next message until ctx ends. A *topic.GapError ends the feed.
	Next(ctx context.Context) (*Delivery, error)
	Close()
}

// Decode makes a delivery of a message of the topic name.
func Decode(m *topic.Message, name string, schema *vector.Schema) (*Delivery, error) {
	place, err := topic.ParseSubject(m.Subject)
	if err != nil {
		return nil, fmt.Errorf("message %d: %w", m.Seq, err)
	}
	d := &Delivery{
		Message: m, Writer: place.Writer, Pending: -1,
		Batch: &vector.Batch{
			Schema: schema, Watermark: vector.NoTime, AppendTime: m.TimeMs, Topic: name, Partition: place.Partition,
			Seq: m.Seq,
		},
		Correlation: m.Header[HeaderCorrelation], Trace: m.Header[HeaderTrace],
	}
	var r messages.BatchResult
	if place.Class == topic.ClassSource {
		err = messages.DecodeProcessBatch(m.Data, &r.ProcessBatch)
	} else {
		err = messages.DecodeBatchResult(m.Data, &r)
	}
	if err != nil {
		return nil, fmt.Errorf("message %d of %s: %w", m.Seq, m.Subject, err)
	}
	d.Batch.Watermark, d.Batch.Idle = r.Watermark, r.Idle
	if d.Correlation == "" {
		d.Correlation = r.CorrelationID
	}
	if r.Columns.Rows == 0 { // epoch and progress messages may not know the columns
		emptyColumns(d.Batch)
		return d, nil
	}
	if err = vector.FromColumns(&r.Columns, schema, d.Batch); err != nil {
		return nil, fmt.Errorf("message %d of %s: %w", m.Seq, m.Subject, err)
	}
	if d.Batch.Time == nil {
		return nil, fmt.Errorf("message %d of %s: its rows have no event time", m.Seq, m.Subject)
	}
	return d, nil
}

func emptyColumns(b *vector.Batch) {
	e := vector.NewBatch(b.Schema, 0)
	b.Rows, b.Cols, b.Time, b.Ops, b.Sel = 0, e.Cols, e.Time, nil, nil
}

// headOnly is the batch without its rows: watermark and idle mark alone.
func (d *Delivery) headOnly() *vector.Batch {
	b := *d.Batch
	emptyColumns(&b)
	return &b
}

// logFeed reads a partition for one task.
type logFeed struct {
	reader *topic.Reader
	name   string
	schema *vector.Schema
}

// OpenFeed returns a feed over a reader of its own.
func OpenFeed(cfg topic.ReaderConfig, name string, schema *vector.Schema) Feed {
	return &logFeed{reader: topic.NewReader(cfg), name: name, schema: schema}
}

// Next implements Feed.
func (f *logFeed) Next(ctx context.Context) (*Delivery, error) {
	m, pending, err := f.reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	return f.deliver(m, pending)
}

func (f *logFeed) deliver(m *topic.Message, pending int64) (*Delivery, error) {
	d, err := Decode(m, f.name, f.schema)
	if err != nil {
		return nil, err
	}
	d.Created, d.Pending = f.reader.Created(), pending
	return d, nil
}

// Close implements Feed.
func (f *logFeed) Close() { f.reader.Close() }
