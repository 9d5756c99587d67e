package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/telemetry"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const (
	quietAfter  = 20 * time.Millisecond // a partition without rows learns of the watermark that late at most
	commitEvery = time.Second
	never       = time.Hour
)

// Pump moves a source into a topic: it decodes, splits by key, appends each row once, and keeps what is no row. The
// last messages of the topic are its only memory.
type Pump struct {
	Name      string // of the stream, for people
	Topic     string
	Writer    string
	Epoch     uint64
	Source    source.Source
	Text      bool // the source is a text in lines
	BySubject bool // rows without a key go where their subject puts them
	Config    source.Config
	Keys      []int       // key columns
	Logs      []topic.Log // of each partition
	Dead      topic.Log   // of the dead letters; nil with on_error skip and fail_fast
	// Idle is after how long without a row the source is not waited for; 0 is never.
	Idle time.Duration
	// Correlation is the column that gives the correlation id, or -1.
	Correlation int
	OnStatus    func(topic.Status)
	Span        telemetry.BatchSpan

	mu        sync.Mutex // guards app until Run has set it
	app, dead *task.Appender
	behind    []source.Position // per partition, where the log stood at the start
	deadAt    source.Position
	catching  bool // rows may be in the log already
	wm        int64
	told      []int64 // per partition, the watermark last written
	late      bool    // a partition has not been told of the watermark
	idle      bool
	lastRows  time.Time
	committed time.Time
	pos       source.Position // behind what was written
	waiting   []answer
	in, bad   atomic.Uint64
}

// answer is what somebody waits for: Done once pos is in the log.
type answer struct {
	pos  source.Position
	done []func(error)
}

// Run moves rows until ctx ends or the source does, and all is in the log. topic.ErrFenced means that a later owner is
// there. Next to it a *source.BadRowError ends it for good.
func (p *Pump) Run(ctx context.Context) error {
	from, wm, err := p.open(ctx)
	if err != nil {
		return err
	}
	if err := p.Source.Open(ctx, from); err != nil {
		return fmt.Errorf("source %s: %w", p.Name, err)
	}
	r, err := source.NewReader(p.Source, p.Config, p.Text, from)
	if err != nil {
		return errors.Join(fmt.Errorf("source %s: %w", p.Name, err), p.Source.Close())
	}
	if wm != vector.NoTime && wm != vector.MaxTime {
		r.Seen(wm + p.Config.WatermarkDelayMs)
	}
	p.wm = r.Watermark()
	err = p.run(ctx, r)
	p.answerAll(err)
	return errors.Join(err, p.Source.Close())
}

// open becomes the owner of the topic's subjects and finds out where to go on: at the position of the partition that is
// furthest behind, with its watermark.
func (p *Pump) open(ctx context.Context) (from source.Position, wm int64, err error) {
	app, err := task.NewAppender(task.AppenderConfig{
		Name: p.Writer, Epoch: p.Epoch, Topic: p.Topic, Schema: p.Config.Schema, Logs: p.Logs, OnStatus: p.OnStatus,
		Clock: monotonic(),
	})
	if err != nil {
		return from, wm, err
	}
	p.mu.Lock()
	p.app = app
	p.mu.Unlock()
	found, err := p.app.Open(ctx)
	if err != nil {
		return from, wm, err
	}
	p.behind, p.told = make([]source.Position, len(found)), make([]int64, len(found))
	for i, f := range found {
		if p.behind[i], err = source.ParsePosition(f.Source); err != nil {
			return from, wm, fmt.Errorf("topic %s, partition %d: %w", p.Topic, i, err)
		}
		p.told[i] = f.Watermark
		p.catching = p.catching || f.Found
		if i == 0 || p.behind[i].Less(from) {
			from, wm = p.behind[i], f.Watermark
		}
	}
	p.pos = from
	return from, wm, p.openDead(ctx)
}

func (p *Pump) openDead(ctx context.Context) (err error) {
	if p.Dead == nil {
		return nil
	}
	p.dead, err = task.NewAppender(task.AppenderConfig{
		Name: p.Writer, Epoch: p.Epoch, Class: topic.ClassDead, Topic: p.Topic, Logs: []topic.Log{p.Dead},
		OnStatus: p.OnStatus, Clock: monotonic(),
	})
	if err != nil {
		return err
	}
	found, err := p.dead.Open(ctx)
	if err != nil {
		return err
	}
	p.deadAt, err = source.ParsePosition(found[0].Source)
	return err
}

// monotonic returns a clock for figures.
func monotonic() func() int64 {
	start := time.Now()
	return func() int64 { return int64(time.Since(start)) }
}

// run has one goroutine that reads, one that writes, and one for each subject's appends.
func (p *Pump) run(ctx context.Context, r *source.Reader) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	blocks := make(chan *source.Block, 1) // one being written, one ready
	g, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, func() { _ = p.Source.Close() }) // a read may wait for ever otherwise
	defer stop()
	g.Go(func() error { return p.app.Run(ctx) })
	if p.dead != nil {
		g.Go(func() error { return p.dead.Run(ctx) })
	}
	var readErr error
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(blocks)
		readErr = read(ctx, r, blocks)
	})
	g.Go(func() error {
		defer reading.Wait()
		if err := p.write(ctx, blocks); err != nil {
			return err
		}
		reading.Wait()
		return p.finish(ctx, readErr)
	})
	return g.Wait()
}

// read hands blocks over until the source ends (nil) or fails.
func read(ctx context.Context, r *source.Reader, blocks chan<- *source.Block) error {
	for {
		b, err := r.Block(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case blocks <- b:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// write takes blocks until there are no more.
func (p *Pump) write(ctx context.Context, blocks <-chan *source.Block) error {
	p.lastRows = time.Now()
	timer := time.NewTimer(p.next())
	defer timer.Stop()
	for {
		select {
		case b, ok := <-blocks:
			if !ok {
				return nil
			}
			if err := p.block(ctx, b); err != nil {
				return err
			}
		case <-timer.C:
			if err := p.tick(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		timer.Reset(p.next())
	}
}

// next returns when there is something to do without a block.
func (p *Pump) next() time.Duration {
	switch {
	case p.late || len(p.waiting) > 0:
		return quietAfter
	case p.committed != p.lastRows:
		return commitEvery
	case p.Idle > 0 && !p.idle:
		return max(0, time.Until(p.lastRows.Add(p.Idle)))
	}
	return never
}

// block writes the rows and bad rows of a block. Bad rows are in the log before the position of a row says so.
func (p *Pump) block(ctx context.Context, b *source.Block) error {
	if err := p.letters(ctx, b); err != nil {
		return err
	}
	p.in.Add(uint64(b.Batch.Rows))
	if len(b.Segments) > 0 {
		defer p.Span.Start("send "+p.Topic, b.Segments[0].Traceparent, b.Batch.Rows)()
	}
	if p.Correlation >= 0 && b.Batch.Rows > 0 {
		p.app.Origin(string(vector.AppendText(nil, b.Batch.Cols[p.Correlation], 0)), b.Segments[0].Traceparent)
	} else if len(b.Segments) > 0 {
		p.app.Origin(b.Segments[0].Correlation, b.Segments[0].Traceparent)
	}
	pos := b.Position.String()
	p.wm = max(p.wm, b.Batch.Watermark)
	for i, sel := range b.Split(p.Keys, p.BySubject, p.done()) {
		if len(sel) == 0 {
			continue
		}
		part := *b.Batch
		part.Sel = sel
		if len(sel) == part.Rows {
			part.Sel = nil
		}
		if err := p.append(ctx, i, &part, pos); err != nil {
			return err
		}
	}
	p.pos = b.Position
	p.catching = p.catching && p.anyBehind(b.Position)
	if b.Batch.Rows > 0 {
		p.lastRows, p.idle = time.Now(), false
	}
	p.late = p.late || len(p.Logs) > 1 && b.Batch.Rows > 0
	if len(b.Done) > 0 {
		p.waiting = append(p.waiting, answer{pos: b.Position, done: b.Done})
	}
	return nil
}

// done returns the positions up to which partitions have their rows; none once everything is new.
func (p *Pump) done() []source.Position {
	if p.catching {
		return p.behind
	}
	for i := range p.behind {
		p.behind[i] = source.Position{}
	}
	return p.behind
}

func (p *Pump) anyBehind(pos source.Position) bool {
	return slices.ContainsFunc(p.behind, pos.Less)
}

func (p *Pump) append(ctx context.Context, partition int, b *vector.Batch, pos string) error {
	b.Watermark, b.Idle = p.wm, p.idle && b.Live() == 0
	p.told[partition] = p.wm
	return p.app.Write(ctx, partition, b, pos)
}

// tick does what waits for the clock: the clock decides when a message is written, never what results are.
func (p *Pump) tick(ctx context.Context) error {
	now := time.Now()
	if p.Idle > 0 && !p.idle && now.Sub(p.lastRows) >= p.Idle {
		p.idle = true
		if err := p.tellAll(ctx); err != nil {
			return err
		}
	}
	if p.late {
		if err := p.tellLate(ctx); err != nil {
			return err
		}
	}
	safe := p.safe()
	for len(p.waiting) > 0 && !safe.Less(p.waiting[0].pos) {
		for _, f := range p.waiting[0].done {
			f(nil)
		}
		p.waiting = p.waiting[1:]
	}
	if safe == p.pos {
		p.committed = p.lastRows
	}
	return p.Source.Commit(ctx, safe)
}

// tellAll writes the watermark and the idle mark to every partition.
func (p *Pump) tellAll(ctx context.Context) error {
	for i := range p.Logs {
		if err := p.tell(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// tellLate writes the watermark to the partitions that did not get it with rows.
func (p *Pump) tellLate(ctx context.Context) error {
	p.late = false
	for i := range p.Logs {
		if p.told[i] < p.wm {
			if err := p.tell(ctx, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell writes watermark, idle mark and position without rows. A partition that is ahead of the position keeps its own.
func (p *Pump) tell(ctx context.Context, partition int) error {
	if p.catching && p.pos.Less(p.behind[partition]) {
		return nil
	}
	return p.append(ctx, partition, vector.NewBatch(p.Config.Schema, 0), p.pos.String())
}

// safe returns the position up to which everything is in the log.
func (p *Pump) safe() source.Position {
	least := p.pos
	for i := range p.Logs {
		if !p.app.Pending(i) {
			continue
		}
		text, _ := p.app.Acknowledged(i)
		pos, err := source.ParsePosition(text)
		if err != nil {
			pos = source.Position{}
		}
		if pos.Less(least) {
			least = pos
		}
	}
	return least
}

// finish writes the end of a bounded source, or returns why reading failed, after all that was read is in the log.
func (p *Pump) finish(ctx context.Context, readErr error) error {
	if readErr == nil {
		p.wm = vector.MaxTime
		p.idle = false
		if err := p.tellAll(ctx); err != nil {
			return err
		}
	}
	if err := p.app.Flush(ctx); err != nil {
		return err
	}
	if err := p.tick(ctx); err != nil {
		return err
	}
	p.app.Close()
	if p.dead != nil {
		p.dead.Close()
	}
	return readErr
}

// answerAll tells everybody who still waits that their rows may not be in the log.
func (p *Pump) answerAll(err error) {
	if err == nil {
		err = context.Canceled
	}
	for _, a := range p.waiting {
		for _, f := range a.done {
			f(err)
		}
	}
	p.waiting = nil
}

// letters appends the bad rows of a block to the dead letters and waits until they are there.
func (p *Pump) letters(ctx context.Context, b *source.Block) error {
	var letters [][]byte
	for i := range b.Bad {
		bad := &b.Bad[i]
		p.bad.Add(1)
		if p.dead == nil || bad.Seq < p.deadAt.Seq || bad.Seq == p.deadAt.Seq && uint64(bad.Record) < p.deadAt.Row {
			continue
		}
		data, err := p.letter(bad).Append(nil)
		if err != nil {
			return err
		}
		letters = append(letters, data)
	}
	if len(letters) == 0 {
		return nil
	}
	if err := p.dead.WriteDead(ctx, 0, letters, b.Position.String()); err != nil {
		return err
	}
	return p.dead.Flush(ctx)
}

// letter describes a bad row.
func (p *Pump) letter(bad *source.BadRow) *messages.DeadLetter {
	d := &messages.DeadLetter{
		Original: bad.Original, Format: p.Config.Format, Source: p.Name, Subject: bad.Subject, Sequence: bad.Seq,
		Row:   bad.Record,
		Stage: "ingest", Code: bad.Code, Error: bad.Reason, CorrelationID: bad.Correlation,
		TraceID: messages.TraceID(bad.Traceparent), Attempts: 1, TimeMs: bad.TimeMs, Truncated: bad.Truncated,
	}
	if p.Text {
		d.Row = bad.Line
	}
	if bad.Column != "" {
		d.Error = bad.Column + ": " + d.Error
	}
	if d.CorrelationID == "" {
		d.CorrelationID = fmt.Sprintf("%s/%d/%d", p.Topic, bad.Seq, bad.Record)
	}
	return d
}

// Links returns the figures of each partition's appends, empty before the source is open.
func (p *Pump) Links() []task.OutputNumbers {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.app == nil {
		return nil
	}
	return p.app.Stats()
}
