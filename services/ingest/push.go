package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const (
	pushWaiting  = 256       // requests that may wait for one topic
	pushMessage  = 512 << 10 // where the appender cuts messages
	groupBytes   = 256 << 10 // of rows that are appended before the next flush: a step is never cut
	codeTryLater = "LEAT-4101"
	codeNoAnswer = "LEAT-4006"
	codeBadRows  = format.CodeSyntax
	headerKey    = "Leat-Idempotency-Key"
)

// Pusher takes rows that users send by INSERT and HTTP, appends them, and answers. It is a writer of its own beside the
// source of the topic, which it joins with its first row. Requests with a key take effect once: the keys stand in the
// log with the rows.
type Pusher struct {
	Object *plan.Object
	Writer string
	Epoch  uint64
	Logs   []topic.Log
	Dead   topic.Log
	Idle   time.Duration
	// Early opens the writer at once: readers wait for it.
	Early    bool
	OnStatus func(topic.Status)

	full     fullness
	requests chan *nats.Msg
	schema   *vector.Schema
	keys     []int
	app      *task.Appender
	dead     *task.Appender
	seen     []keyList // per partition
	group    *errgroup.Group
	wm       int64
	open     bool
	idle     bool
	filled   int // estimated bytes since the last flush
	answers  []func()
	rows     uint64
	bad      uint64
}

// NewPusher completes p.
func NewPusher(p *Pusher) *Pusher {
	p.requests = make(chan *nats.Msg, pushWaiting)
	p.schema, p.wm, p.idle = p.Object.Schema(), vector.NoTime, true
	tell := p.OnStatus
	p.OnStatus = func(st topic.Status) {
		p.full.saw(st)
		if tell != nil {
			tell(st)
		}
	}
	p.keys = p.Object.Placement()
	return p
}

// Handle takes a request; one that finds the topic or the queue full is told to come again. It never blocks.
func (p *Pusher) Handle(m *nats.Msg) {
	if p.full.yes() {
		respond(m, &api.PushResponse{Error: &api.Error{
			Code: codeTryLater, Retryable: true,
			Message: "the topic of " + p.Object.Name + " is full: its readers are slow", Hint: "try again in a second",
		}})
		return
	}
	select {
	case p.requests <- m:
	default:
		respond(m, &api.PushResponse{Error: &api.Error{
			Code: codeTryLater, Retryable: true,
			Message: "too many rows are waiting for " + p.Object.Name, Hint: "try again in a second",
		}})
	}
}

// Depth returns how many requests wait, and how many may.
func (p *Pusher) Depth() (waiting, capacity int) { return len(p.requests), cap(p.requests) }

func respond(m *nats.Msg, r *api.PushResponse) {
	if m.Reply == "" {
		return
	}
	data, err := json.Marshal(r)
	if err == nil {
		err = m.Respond(data)
	}
	_ = err // whoever asked asks again after its timeout
}

// Run serves requests until ctx ends or the writer is fenced.
func (p *Pusher) Run(ctx context.Context) error {
	var gctx context.Context
	p.group, gctx = errgroup.WithContext(ctx)
	p.group.Go(func() error { return p.serve(gctx) })
	err := p.group.Wait()
	p.refuseWaiting()
	return err
}

func (p *Pusher) refuseWaiting() {
	for {
		select {
		case m := <-p.requests:
			stops := &api.Error{Code: codeTryLater, Message: "ingest stops", Retryable: true}
			respond(m, &api.PushResponse{Error: stops})
		default:
			return
		}
	}
}

func (p *Pusher) serve(ctx context.Context) error {
	early, err := p.early(ctx)
	if err != nil {
		return err
	}
	if early {
		if err := p.ensure(ctx); err != nil {
			return err
		}
	}
	timer := time.NewTimer(p.untilIdle())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case m := <-p.requests:
			if err := p.serveGroup(ctx, m); err != nil {
				return err
			}
		case <-timer.C:
			if err := p.beIdle(ctx); err != nil {
				return err
			}
		}
		timer.Reset(p.untilIdle())
	}
}

func (p *Pusher) untilIdle() time.Duration {
	if !p.open || p.idle || p.Idle <= 0 {
		return never
	}
	return p.Idle
}

// early reports whether the writer has to exist before a request comes: readers wait for it, or it was there before and
// must say that it is idle.
func (p *Pusher) early(ctx context.Context) (bool, error) {
	if p.Early {
		return true, nil
	}
	for i, l := range p.Logs {
		_, err := l.Last(ctx, topic.Subject(topic.ClassSource, p.Object.Topic, i, p.Writer))
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, topic.ErrNotFound) {
			return false, fmt.Errorf("look for rows pushed to %s: %w", p.Object.Name, err)
		}
	}
	return false, nil
}

// ensure opens the writer.
func (p *Pusher) ensure(ctx context.Context) (err error) {
	if p.open {
		return nil
	}
	limits := task.Limits{MessageBytes: pushMessage}
	p.app, err = task.NewAppender(task.AppenderConfig{
		Name: p.Writer, Epoch: p.Epoch, Topic: p.Object.Topic, Schema: p.schema, Logs: p.Logs, Limits: limits,
		OnStatus: p.OnStatus,
	})
	if err != nil {
		return err
	}
	found, err := p.app.Open(ctx)
	if err != nil {
		return err
	}
	p.seen = make([]keyList, len(found))
	for i, f := range found {
		p.seen[i] = parseKeys(f.Source)
		p.wm = max(p.wm, f.Watermark)
	}
	if p.Dead != nil {
		p.dead, err = task.NewAppender(task.AppenderConfig{
			Name: p.Writer, Epoch: p.Epoch, Class: topic.ClassDead,
			Topic: p.Object.Topic, Logs: []topic.Log{p.Dead}, Limits: limits, OnStatus: p.OnStatus,
		})
		if err != nil {
			return err
		}
		if _, err := p.dead.Open(ctx); err != nil {
			return err
		}
		p.group.Go(func() error { return p.dead.Run(ctx) })
	}
	p.group.Go(func() error { return p.app.Run(ctx) })
	p.open, p.idle = true, false
	return nil
}

// serveGroup answers m and what else waits, with one flush for as many as fit a message.
func (p *Pusher) serveGroup(ctx context.Context, m *nats.Msg) error {
	if err := p.ensure(ctx); err != nil {
		p.refuse(m, err)
		return err
	}
	p.idle = false
	for {
		if err := p.serveOne(ctx, m); err != nil {
			p.refuse(m, err)
			return err
		}
		select {
		case m = <-p.requests:
			continue
		default:
		}
		return p.flush(ctx)
	}
}

func (p *Pusher) refuse(m *nats.Msg, err error) {
	respond(m, &api.PushResponse{Error: &api.Error{
		Code: codeNoAnswer, Retryable: true,
		Message: fmt.Sprintf("rows for %s may be in the log or not: %v", p.Object.Name, err),
	}})
}

// serveOne writes the rows of a request; the answer waits for the flush. Only errors of the log are returned.
func (p *Pusher) serveOne(ctx context.Context, m *nats.Msg) error {
	batches, bad, err := p.decode(m)
	if err != nil {
		p.answers = append(p.answers, func() {
			respond(m, &api.PushResponse{Error: &api.Error{Code: codeBadRows, Message: err.Error()}})
		})
		return nil //nolint:nilerr // the client is told
	}
	e := messages.ReadEnvelope(m.Header)
	p.app.Origin(e.CorrelationID, e.TraceParent)
	key := keyOf(m.Header.Get(headerKey))
	rows, done := 0, make([]int, len(p.Logs)) // rows of the request so far, in all and per partition
	for _, b := range batches {
		rows += b.Rows
		if err := p.write(ctx, b, key, done); err != nil {
			return err
		}
	}
	if key != "" {
		for i := range p.Logs {
			p.seen[i].complete(key)
			if err := p.tell(ctx, i); err != nil {
				return err
			}
		}
	}
	if err := p.letters(ctx, m, bad); err != nil {
		return err
	}
	p.rows += uint64(rows)
	p.answers = append(p.answers, func() { respond(m, &api.PushResponse{Rows: rows, Dead: len(bad)}) })
	return nil
}

// decode returns the rows of a request and those that are none.
func (p *Pusher) decode(m *nats.Msg) ([]*vector.Batch, []format.BadRow, error) {
	now := time.Now().UnixMilli()
	as := m.Header.Get(api.HeaderFormat)
	if as == "batch" {
		b, err := p.decodeBatch(m.Data, now)
		return []*vector.Batch{b}, nil, err
	}
	o := p.Object
	cfg := format.Config{Format: as, Table: o.Kind == ast.Table}
	if o.Source != nil {
		if as == "" {
			cfg.Format = o.Source.Format
		}
		cfg.Delimiter, cfg.Header = o.Source.Delimiter, o.Source.Header
	}
	headers := o.HeaderColumns()
	values := source.ValueSchema(p.schema, headers)
	dec, err := format.New(cfg, values)
	if err != nil {
		return nil, nil, err
	}
	b, err := format.NewBuilder(values, format.Options{EventTime: o.EventTime, EventTimeFormat: o.EventTimeFormat})
	if err != nil {
		return nil, nil, err
	}
	b.Now = now
	if o.Source != nil {
		b.MaxFuture = o.Source.MaxFutureMs
	}
	var batches []*vector.Batch
	var bad []format.BadRow
	for at := 0; at < len(m.Data); {
		n := dec.Decode(m.Data[at:], true, b)
		at += n
		rows, wrong := b.Take(), b.TakeBad()
		if rows != nil {
			source.AddHeaders(rows, p.schema, headers, nil)
			batches = append(batches, rows)
		}
		if bad = append(bad, wrong...); n == 0 && rows == nil && len(wrong) == 0 {
			return nil, nil, fmt.Errorf("byte %d: no more rows can be read", at)
		}
	}
	if o.Source != nil && o.Source.OnError == "fail_fast" && len(bad) > 0 {
		return nil, nil, fmt.Errorf("line %d: %s [%s]", bad[0].Line, bad[0].Reason, bad[0].Code)
	}
	return batches, bad, nil
}

// decodeBatch reads rows that a coordinator made of INSERT VALUES.
func (p *Pusher) decodeBatch(data []byte, now int64) (*vector.Batch, error) {
	var pb messages.ProcessBatch
	if err := messages.DecodeProcessBatch(data, &pb); err != nil {
		return nil, err
	}
	b := &vector.Batch{Watermark: vector.NoTime, AppendTime: now}
	if err := vector.FromColumns(&pb.Columns, p.schema, b); err != nil {
		return nil, err
	}
	for i, t := range b.Time {
		if t != vector.NoTime {
			continue
		}
		if p.Object.EventTime != "" && p.Object.Source != nil {
			return nil, fmt.Errorf("row %d: the event time %s is null", i+1, p.Object.EventTime)
		}
		b.Time[i] = now
	}
	return b, nil
}

// write appends a batch in pieces that each fit a message, so that no step is ever cut and a key says how many rows of
// its request are there.
func (p *Pusher) write(ctx context.Context, b *vector.Batch, key string, done []int) error {
	vector.SetClock(b, p.wm, p.Object.DelayMs)
	for _, t := range b.Time {
		p.wm = max(p.wm, t-p.Object.DelayMs)
	}
	for i, sel := range splitRows(b, p.keys, len(p.Logs)) {
		for len(sel) > 0 {
			n := fitting(b, sel)
			part := *b
			part.Sel = sel[:n]
			sel = sel[n:]
			done[i] += n
			there := p.seen[i].rows(key)
			if there >= done[i] {
				continue
			}
			if over := there - (done[i] - n); over > 0 {
				part.Sel = part.Sel[over:]
			}
			if err := p.append(ctx, i, &part, key, done[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Pusher) append(ctx context.Context, partition int, part *vector.Batch, key string, done int) error {
	size := sizeOf(part)
	if p.filled > 0 && p.filled+size > groupBytes {
		if err := p.app.Flush(ctx); err != nil {
			return err
		}
		p.filled = 0
	}
	p.filled += size
	p.seen[partition].advance(key, done)
	part.Watermark, part.Idle = p.wm, false
	return p.app.Write(ctx, partition, part, p.seen[partition].String())
}

// tell writes watermark, idle mark and keys to a partition.
func (p *Pusher) tell(ctx context.Context, partition int) error {
	b := vector.NewBatch(p.schema, 0)
	b.Watermark, b.Idle, b.AppendTime = p.wm, p.idle, time.Now().UnixMilli()
	return p.app.Write(ctx, partition, b, p.seen[partition].String())
}

// flush tells all partitions of the watermark, waits until all is in the log, and answers.
func (p *Pusher) flush(ctx context.Context) error {
	for i := range p.Logs {
		if err := p.tell(ctx, i); err != nil {
			return err
		}
	}
	if err := p.app.Flush(ctx); err != nil {
		return err
	}
	p.filled = 0
	for _, f := range p.answers {
		f()
	}
	p.answers = p.answers[:0]
	return nil
}

// beIdle says once that the writer is not to be waited for.
func (p *Pusher) beIdle(ctx context.Context) error {
	if !p.open || p.idle {
		return nil
	}
	p.idle = true
	for i := range p.Logs {
		if err := p.tell(ctx, i); err != nil {
			return err
		}
	}
	return p.app.Flush(ctx)
}

// letters appends the bad rows of a request, each in a step of its own.
func (p *Pusher) letters(ctx context.Context, m *nats.Msg, bad []format.BadRow) error {
	if p.dead == nil || len(bad) == 0 || p.Object.Source != nil && p.Object.Source.OnError == "skip" {
		return nil
	}
	e := messages.ReadEnvelope(m.Header)
	for i := range bad {
		row := &bad[i]
		p.bad++
		d := messages.DeadLetter{
			Original: row.Original, Format: m.Header.Get(api.HeaderFormat), Source: p.Object.Name, Subject: m.Subject,
			Row: row.Line, Stage: "ingest", Code: row.Code, Error: row.Reason, CorrelationID: e.CorrelationID,
			TraceID: messages.TraceID(e.TraceParent), Attempts: 1, TimeMs: time.Now().UnixMilli(),
			Truncated: row.Truncated,
		}
		data, err := d.Append(nil)
		if err != nil {
			return err
		}
		if err := p.dead.WriteDead(ctx, 0, [][]byte{data}, ""); err != nil {
			return err
		}
	}
	return p.dead.Flush(ctx)
}
