// Package feed reads a topic as decoded batches: all partitions in the order of the log, from a position, to an end or
// for ever. Pull and push queries, PRINT and the dead letters read through it; tasks have readers of their own, which
// also check bookmarks.
package feed

import (
	"context"
	"fmt"
	"io"

	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Config says what to read.
type Config struct {
	Log    topic.Log
	Topic  string
	Schema *vector.Schema
	From   uint64 // first sequence
	UpTo   uint64 // last sequence, or 0 to follow the log
	// Partition restricts the read; -1 reads all.
	Partition int
}

const bufferBytes = 4 << 20

// Feed implements direct.Source.
type Feed struct {
	cfg    Config
	cursor topic.Cursor
	seq    uint64
	err    error
}

// Open starts the read.
func Open(ctx context.Context, cfg Config) (*Feed, error) {
	f := &Feed{cfg: cfg}
	if cfg.UpTo != 0 && cfg.From > cfg.UpTo {
		f.err = io.EOF
		return f, nil
	}
	c, err := cfg.Log.Read(ctx, max(1, cfg.From), bufferBytes, filters(cfg)...)
	if err != nil {
		return nil, fmt.Errorf("read topic %s from %d: %w", cfg.Topic, cfg.From, err)
	}
	f.cursor = c
	return f, nil
}

func filters(cfg Config) []string {
	if cfg.Partition >= 0 {
		return []string{
			topic.PartitionFilter(topic.ClassSource, cfg.Topic, cfg.Partition),
			topic.PartitionFilter(topic.ClassResult, cfg.Topic, cfg.Partition),
		}
	}
	return []string{topic.Filter(topic.ClassSource, cfg.Topic), topic.Filter(topic.ClassResult, cfg.Topic)}
}

// Close ends the read.
func (f *Feed) Close() {
	if f.cursor != nil {
		f.cursor.Close()
	}
}

// Seq is the sequence of the last message taken.
func (f *Feed) Seq() uint64 { return f.seq }

// Next implements direct.Source; it returns io.EOF behind UpTo.
func (f *Feed) Next(ctx context.Context) (direct.Item, error) {
	if f.err != nil {
		return direct.Item{}, f.err
	}
	m, pending, err := f.cursor.Next(ctx)
	if err != nil {
		return direct.Item{}, err
	}
	f.seq = m.Seq
	if f.cfg.UpTo != 0 && (m.Seq >= f.cfg.UpTo || pending == 0) {
		f.err = io.EOF // after this one
	}
	if f.cfg.UpTo != 0 && m.Seq > f.cfg.UpTo {
		return direct.Item{}, io.EOF
	}
	item, err := Decode(m, f.cfg.Schema)
	if err != nil {
		return direct.Item{}, fmt.Errorf("topic %s message %d: %w", f.cfg.Topic, m.Seq, err)
	}
	item.Pending = pending
	return item, nil
}

// Decode makes a batch of a message of class src or res, as tasks do. Messages without rows give batches without rows.
func Decode(m *topic.Message, schema *vector.Schema) (direct.Item, error) {
	place, err := topic.ParseSubject(m.Subject)
	if err != nil {
		return direct.Item{}, err
	}
	d, err := task.Decode(m, place.Name, schema)
	if err != nil {
		return direct.Item{}, err
	}
	return direct.Item{Batch: d.Batch, Writer: d.Writer, Partition: place.Partition}, nil
}
