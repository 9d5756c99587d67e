package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// What becomes of a record that is no row.
const (
	DeadLetter = "dlq"       // it is handed out by Bad (the default)
	Skip       = "skip"      // it is counted
	FailFast   = "fail_fast" // it ends the reading with a *BadRowError
)

// Config says how the bytes of a source become rows.
type Config struct {
	// Format is json (default), csv, msgpack, raw, kafka or none.
	Format string
	Schema *vector.Schema
	// Headers names the columns that the headers of a message fill: the column's number and the header, "" for the list
	// of all. They do not stand in the records.
	Headers map[int]string
	// EventTime is the column of the event time; "" takes Now (bounded input) or the time of arrival.
	EventTime       string
	EventTimeFormat string
	Delimiter       string // csv; default a comma
	Header          string // csv; auto (default), true, false
	// WatermarkDelayMs is how far the watermark stays behind the largest event time.
	WatermarkDelayMs int64
	// MaxFutureMs refuses event times further ahead of the time of arrival; 0 is off, as it has to be for files.
	MaxFutureMs int64
	// MaxRows and MaxBytes (of input) bound a batch; default 4,096 and 1 MiB.
	MaxRows, MaxBytes int
	// MaxRecord is the largest record in bytes; default format.MaxRowBytes.
	MaxRecord int
	// OnError is dlq (default), skip or fail_fast.
	OnError string
	// Keys are the key columns; Table tells that they are the primary key, and that deletes take rows away.
	Keys  []string
	Table bool
	// Outside: the keys come from outside of the records, which need not hold them.
	Outside bool
	// Nulls says what a record without a value is.
	Nulls format.Nulls
	// Now is the time of data that has no time of its own, in ms; Clock, if not nil, gives it anew for each chunk.
	Now   int64
	Clock func() int64
}

// headerKey is the header in which Leat's sinks write the key of a row.
const headerKey = "Leat-Key"

// BadRowError ends the reading of a source whose OnError is fail_fast.
type BadRowError struct {
	Source string
	Bad    format.BadRow
}

func (e *BadRowError) Error() string {
	return fmt.Sprintf("%s:%d: %s [%s]", e.Source, e.Bad.Line, e.Bad.Reason, e.Bad.Code)
}

// BadRow is a record that is no row, and where it came from.
type BadRow struct {
	format.BadRow
	Origin
}

// Origin is what is known of the message that rows came in.
type Origin struct {
	Seq     uint64 // Position.Seq
	Subject string
	TimeMs  int64

	Correlation, Traceparent, Baggage string
}

// Segment is a run of rows of a batch that came in one message, or from one file.
type Segment struct {
	First int // row of the batch
	Origin
	headers map[string][]string // where columns want them
}

// Reader makes batches of what a Source gives. One goroutine uses it.
type Reader struct {
	src      Source
	cfg      Config
	lines    bool
	dec      format.Decoder
	b        *format.Builder
	chunk    *Chunk
	used     int  // bytes of chunk that are decoded
	more     bool // the next chunk is near
	pos      Position
	rows     int // given out so far
	wm       int64
	segments []Segment
	records  []int
	done     []func(error)
	bad      []BadRow
	badRows  uint64
	failed   error
	ended    bool
}

// NewReader returns a reader of src, which must be open and stand behind from. lines says that the source is a text.
func NewReader(src Source, cfg Config, lines bool, from Position) (*Reader, error) {
	as := format.Config{
		Format:    cfg.Format,
		Lines:     lines,
		Delimiter: cfg.Delimiter,
		Header:    cfg.Header,
		Table:     cfg.Table,
	}
	if cfg.Outside {
		as.Keys = cfg.Keys
	}
	values := ValueSchema(cfg.Schema, cfg.Headers)
	dec, err := format.New(as, values)
	if err != nil {
		return nil, err
	}
	b, err := format.NewBuilder(values, format.Options{
		MaxRows: cfg.MaxRows, MaxBytes: cfg.MaxBytes, MaxRecord: cfg.MaxRecord,
		EventTime: cfg.EventTime, EventTimeFormat: cfg.EventTimeFormat, StopAtBad: cfg.OnError == FailFast,
		Keys: cfg.Keys, Nulls: cfg.Nulls,
	})
	if err != nil {
		return nil, err
	}
	switch cfg.OnError {
	case "", DeadLetter, Skip, FailFast:
	default:
		return nil, fmt.Errorf("on_error %q: want dlq, skip or fail_fast", cfg.OnError)
	}
	b.Now, b.MaxFuture = cfg.Now, cfg.MaxFutureMs
	b.Line, b.Record = from.Line+1, int(from.Row)
	r := &Reader{src: src, cfg: cfg, lines: lines, dec: dec, b: b, pos: from, wm: vector.NoTime}
	return r, r.prime(from)
}

// prime shows the decoder the beginning of a text that is read from the middle: a header stands there.
func (r *Reader) prime(from Position) error {
	f, ok := r.src.(interface{ Beginning() []byte })
	if !ok || from.Offset == 0 {
		return nil
	}
	b, err := format.NewBuilder(r.b.Schema(), format.Options{MaxRows: 1})
	if err != nil {
		return err
	}
	r.dec.Decode(f.Beginning(), false, b)
	return nil
}

// OpenFile returns a reader of a file or, if path is "-", of standard input.
func OpenFile(ctx context.Context, path string, cfg Config) (*Reader, error) {
	f := &File{Path: path}
	if path == "-" {
		f.Input = os.Stdin
	}
	return Open(ctx, f, cfg)
}

// Open opens a text source at its beginning and returns a reader of it. The reader closes the source.
func Open(ctx context.Context, src Source, cfg Config) (*Reader, error) {
	if err := src.Open(ctx, Position{}); err != nil {
		return nil, err
	}
	r, err := NewReader(src, cfg, true, Position{})
	if err != nil {
		return nil, errors.Join(err, src.Close())
	}
	return r, nil
}

// Next is NextContext without a way to stop.
func (r *Reader) Next() (*vector.Batch, error) { return r.NextContext(context.Background()) }

// NextContext returns the next batch: rows, event times, and the watermark that holds behind them. A batch without
// rows brings bad rows only. The batch belongs to the caller. io.EOF ends a bounded source.
func (r *Reader) NextContext(ctx context.Context) (*vector.Batch, error) {
	if r.failed != nil {
		return nil, r.failed
	}
	r.segments, r.done = r.segments[:0], r.done[:0]
	fresh := len(r.bad)
	for !r.b.Full() && !r.ended && r.failed == nil {
		if r.chunk == nil {
			if (r.b.Rows() > 0 || len(r.bad) > fresh) && !r.more {
				break
			}
			err := r.fetch(ctx)
			if errors.Is(err, io.EOF) {
				r.ended = true
				break
			}
			if err != nil {
				return nil, err
			}
		}
		r.decode()
	}
	if r.ended && r.b.Rows() == 0 && len(r.bad) == fresh {
		return nil, io.EOF
	}
	return r.take(), nil
}

// fetch gets the next chunk.
func (r *Reader) fetch(ctx context.Context) error {
	c, err := r.src.Next(ctx)
	if err != nil {
		return err
	}
	r.chunk, r.used, r.more = c, 0, c.More
	switch {
	case c.TimeMs > 0:
		r.b.Now = c.TimeMs
	case r.cfg.Clock != nil:
		r.b.Now = r.cfg.Clock()
	}
	if c.Message || c.Start.Seq != r.pos.Seq {
		r.dec.Start()
		r.b.Line, r.b.Record = 1, 0
	}
	if c.Done != nil {
		r.done = append(r.done, c.Done)
	}
	return nil
}

// decode takes rows out of the chunk, and lets go of it when there are no more.
func (r *Reader) decode() {
	c := r.chunk
	origin := Origin{
		Seq: c.Start.Seq, Subject: c.Subject, TimeMs: c.TimeMs, Correlation: c.Correlation,
		Traceparent: c.Traceparent, Baggage: c.Baggage,
	}
	if n := len(r.segments); n == 0 || r.segments[n-1].Origin != origin {
		r.segments = append(r.segments, Segment{First: r.b.Rows(), Origin: origin, headers: c.Headers})
	}
	r.envelope(c)
	if c.Message && len(c.Data) == 0 && r.cfg.Nulls != format.NullBad {
		r.b.Null(nil)
	}
	data := c.Data[r.used:]
	r.used += r.dec.Decode(data, c.Message || c.Final, r.b)
	rest := len(c.Data) - r.used
	full := r.b.Full()
	long := !full && (c.Message && rest > 0 || rest >= format.MaxRecordBytes)
	if long {
		r.tooLong(c.Data[r.used:])
	}
	r.pos = Position{Seq: c.Start.Seq, Row: uint64(r.b.Record), ID: c.Start.ID}
	if !c.Message {
		r.pos.Offset, r.pos.Line = c.Start.Offset+int64(r.used), r.b.Line-1
	}
	r.takeBad(origin)
	if c.Used = r.used; !full && (!long || r.used == len(c.Data)) {
		r.chunk = nil
	}
}

// envelope tells the builder what stands beside the data of a chunk.
func (r *Reader) envelope(c *Chunk) {
	e := format.Envelope{Delete: c.Delete}
	if c.Keys != nil && (c.Fill || empty(c.Data)) {
		e.Keys = c.Keys
	} else if k := c.Headers[headerKey]; len(k) > 0 && r.cfg.Nulls != format.NullBad && empty(c.Data) {
		e.Keys = format.SplitKey(k[0], len(r.cfg.Keys))
	}
	r.b.Envelope(e)
}

// empty tells a record without a value.
func empty(data []byte) bool {
	return len(data) < 64 && (len(bytes.TrimSpace(data)) == 0 || string(bytes.TrimSpace(data)) == "null")
}

// tooLong keeps the beginning of a record that is larger than a record may be.
func (r *Reader) tooLong(rest []byte) {
	end := len(rest)
	if k := bytes.IndexByte(rest, '\n'); k >= 0 && !r.chunk.Message {
		end = k + 1
	} else {
		r.chunk.Skip = !r.chunk.Message
	}
	r.b.Reject(rest[:end], format.CodeLimit, fmt.Sprintf("the record is longer than %d bytes", format.MaxRecordBytes))
	r.b.Line++
	r.used += end
}

func (r *Reader) takeBad(origin Origin) {
	for _, bad := range r.b.TakeBad() {
		r.badRows++
		switch r.cfg.OnError {
		case Skip:
		case FailFast:
			r.failed = &BadRowError{Source: origin.Subject, Bad: bad}
			return
		default:
			r.bad = append(r.bad, BadRow{BadRow: bad, Origin: origin})
		}
	}
}

// take makes a batch of the rows that were read.
func (r *Reader) take() *vector.Batch {
	r.records = append(r.records[:0], r.b.Records()...)
	out := r.b.Take()
	if out == nil {
		out = vector.NewBatch(r.cfg.Schema, 0)
		out.AppendTime = r.b.Now
	} else {
		AddHeaders(out, r.cfg.Schema, r.cfg.Headers, r.segments)
	}
	vector.SetClock(out, r.wm, r.cfg.WatermarkDelayMs)
	r.wm = r.Watermark()
	out.Watermark = r.wm
	out.FirstRow = r.rows
	r.rows += out.Rows
	return out
}

// Watermark returns the watermark that holds behind the last batch; vector.NoTime before the first row.
func (r *Reader) Watermark() int64 {
	if r.b.Largest() == vector.NoTime {
		return vector.NoTime
	}
	return r.b.Largest() - r.cfg.WatermarkDelayMs
}

// Bad returns the bad rows since the last call; with on_error dlq only.
func (r *Reader) Bad() []BadRow {
	out := r.bad
	r.bad = nil
	return out
}

// BadRows returns how many bad rows there were.
func (r *Reader) BadRows() uint64 { return r.badRows }

// Position returns where the source stands behind the last batch.
func (r *Reader) Position() Position { return r.pos }

// Close closes the source.
func (r *Reader) Close() error { return r.src.Close() }
