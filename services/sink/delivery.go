package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/feed"
	"github.com/leatsql/leat/internal/pause"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Position is how far a delivery has come: all rows of messages before Seq, and the first Row rows of Seq.
type Position struct {
	Seq uint64 `json:"seq"`
	Row int    `json:"row"`
}

// Less reports whether p comes before o.
func (p Position) Less(o Position) bool { return p.Seq < o.Seq || p.Seq == o.Seq && p.Row < o.Row }

func (p Position) String() string { return strconv.FormatUint(p.Seq, 10) + "." + strconv.Itoa(p.Row) }

func parsePosition(s string) (Position, bool) {
	seq, row, ok := strings.Cut(s, ".")
	n, err := strconv.ParseUint(seq, 10, 64)
	r, err2 := strconv.Atoi(row)
	return Position{n, r}, ok && err == nil && err2 == nil
}

// record is what the bucket LEAT_SINKS keeps of a delivery. It holds the trim of the topic too.
type record struct {
	// Sink is the id of the sink: a record that an earlier sink of the same name left is not this one's.
	Sink string `json:"sink"`
	Position
	Epoch uint64 `json:"epoch"`
	// Mark identifies the last message that was delivered whole.
	Mark topic.Bookmark `json:"mark"`
	// Target is where to look for what the target holds beyond Position: a sequence of its stream.
	Target uint64 `json:"target,omitempty"`
}

// target is where rows go. One goroutine uses it. Errors of open and write start the delivery again, after a while and
// from the recorded position.
type target interface {
	// open returns the position up to which the target holds all rows: recorded, or further.
	open(ctx context.Context, recorded *record) (Position, error)
	// write takes row i of b, whose end is at pos; it may keep it until flush, and b with it.
	write(ctx context.Context, b *vector.Batch, i int, pos Position) error
	// flush makes everything written durable in the target and completes r. After an error it is called again, unless
	// the error is fatal or a *brokenError.
	flush(ctx context.Context, r *record) error
	guarantee() string
	close() error
}

// brokenError is a target that must be opened anew: nobody knows what it holds beyond the recorded position.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// origin is what a message of a topic tells of the record that it comes from; what is delivered carries it on.
type origin struct{ correlation, trace string }

// delivery is a sink on one partition (part -1: all of them).
type delivery struct {
	s      *Service
	sink   *catalog.Sink
	object *plan.Object
	part   int
	n      counters

	target   target
	letters  *letters
	origin   origin // of the message being delivered
	record   record
	safe     record // as it was at the last flush: what may be written down
	revision uint64
	dirty    int       // rows since the last flush
	unsaved  bool      // the record in the bucket is behind what was flushed
	last     time.Time // of the last flush, successful or not
	saved    time.Time // of the last time the record was written
	sure     time.Time // when the bucket last said that the delivery is still this one's
}

// tag names the delivery in a target: its sink, the one of that name that it is, and the partition.
func (d *delivery) tag() string { return d.id() + "@" + d.sink.ID }

func (d *delivery) id() string {
	if d.part < 0 {
		return strings.ToLower(d.sink.Name)
	}
	return strings.ToLower(d.sink.Name) + "." + strconv.Itoa(d.part)
}

const (
	flushRows  = 4096
	flushEvery = time.Second
	saveEvery  = 250 * time.Millisecond
	pollWait   = 250 * time.Millisecond
	// A process that was stopped for longer than sureFor asks whether it was replaced before it writes again.
	sureFor = 5 * time.Second
)

// run delivers until ctx ends.
func (d *delivery) run(ctx context.Context, epoch uint64) (err error) {
	log := topic.NewJetStream(d.s.js, topic.ShardName(d.object.Topic, 0), topic.JetStreamConfig{})
	if err := d.load(ctx, epoch); err != nil {
		return err
	}
	if d.target, err = d.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.target.close()) }()
	from, err := d.target.open(ctx, &d.record)
	if err != nil {
		return fmt.Errorf("open sink %s: %w", d.sink.Name, err)
	}
	d.n.guarantee.Store(d.target.guarantee())
	d.safe = d.record
	if err := d.save(ctx); err != nil { // registered: from here on nothing we need is trimmed
		return err
	}
	if d.letters, err = openLetters(ctx, d, epoch); err != nil {
		return err
	}
	r := topic.NewReader(topic.ReaderConfig{
		Log: log, Topic: d.object.Topic, Filters: d.filters(),
		After: d.record.Mark,
	})
	defer r.Close()
	d.last = time.Now()
	err = d.deliver(ctx, r, from)
	if ctx.Err() != nil { // a clean stop: what was written is made durable
		fctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return errors.Join(context.Cause(ctx), d.commit(fctx))
	}
	if errors.Is(err, topic.ErrGap) {
		return &fatalError{err}
	}
	return err
}

const stopTimeout = 5 * time.Second

func (d *delivery) filters() []string {
	t := d.object.Topic
	if d.part < 0 {
		return []string{topic.Filter(topic.ClassSource, t), topic.Filter(topic.ClassResult, t)}
	}
	return []string{
		topic.PartitionFilter(topic.ClassSource, t, d.part),
		topic.PartitionFilter(topic.ClassResult, t, d.part),
	}
}

// deliver is the loop: message by message, flushed by number, by time, and when nothing more waits.
func (d *delivery) deliver(ctx context.Context, r *topic.Reader, from Position) error {
	for {
		wctx, cancel := context.WithTimeout(ctx, pollWait)
		m, pending, err := r.Next(wctx)
		timeout := wctx.Err() != nil && ctx.Err() == nil
		cancel()
		if err != nil && !timeout {
			return err
		}
		if m != nil {
			if time.Since(d.sure) > sureFor {
				if err := d.save(ctx); err != nil {
					return err
				}
			}
			d.n.lag.Store(uint64(max(pending, 0)))
			if err := d.message(ctx, m, from); err != nil {
				return err
			}
			d.record.Position = Position{Seq: m.Seq + 1}
			d.record.Mark = r.Mark(m)
		}
		idle := m == nil || pending == 0
		if d.dirty >= flushRows || d.dirty > 0 && (idle || time.Since(d.last) > flushEvery) || idle &&
			time.Since(d.last) > 10*flushEvery {
			if err := d.flush(ctx); err != nil {
				return err
			}
		}
		if d.unsaved && (m == nil || time.Since(d.saved) > saveEvery) {
			if err := d.save(ctx); err != nil {
				return err
			}
		}
	}
}

// message writes the rows of one message that the target does not hold yet.
func (d *delivery) message(ctx context.Context, m *topic.Message, from Position) error {
	item, err := feed.Decode(m, d.object.Schema())
	if err != nil {
		return &fatalError{fmt.Errorf("topic %s message %d: %w", d.object.Topic, m.Seq, err)}
	}
	d.origin = origin{correlation: m.Header[messages.HeaderCorrelationID], trace: m.Header[messages.HeaderTraceParent]}
	b := item.Batch
	defer d.s.cfg.Span.Start("deliver "+d.sink.Name, d.origin.trace, b.Rows)()
	for i := range b.Rows {
		pos := Position{Seq: m.Seq, Row: i}
		if pos.Less(from) || b.Ops != nil && b.Ops[i] == vector.UpdateBefore {
			continue
		}
		if err := d.target.write(ctx, b, i, Position{Seq: m.Seq, Row: i + 1}); err != nil {
			return err
		}
		d.dirty++
	}
	return nil
}

// commit makes what was written durable and records the position.
func (d *delivery) commit(ctx context.Context) error {
	if err := d.flush(ctx); err != nil {
		return err
	}
	return d.save(ctx)
}

// flush makes what was written durable. Transient failures are tried again for ever, with backoff: a target that is
// away or full holds the log back, it loses nothing. The position is recorded less often: a start finds in the target
// what was delivered since.
func (d *delivery) flush(ctx context.Context) error {
	for wait := firstWait; ; wait = min(wait*2, longestWait) {
		err := d.target.flush(ctx, &d.record)
		if err == nil {
			break
		}
		var broken *brokenError
		if fatal(err) || errors.As(err, &broken) || ctx.Err() != nil {
			return err
		}
		d.waits(err)
		if !pause.For(ctx, wait) {
			return context.Cause(ctx)
		}
	}
	d.n.reason.Store("")
	d.n.delivered.Add(uint64(d.dirty))
	d.dirty, d.last, d.safe, d.unsaved = 0, time.Now(), d.record, true
	return nil
}

const (
	firstWait   = 100 * time.Millisecond
	longestWait = 5 * time.Second
)

// waits tells once that the target does not take rows, and why.
func (d *delivery) waits(err error) {
	if before, _ := d.n.reason.Load().(string); before == err.Error() {
		return
	}
	d.n.reason.Store(err.Error())
	d.s.log.Warn("sink waits for its target", "sink", d.sink.Name, "error", err)
}

// refuse keeps row i of b as a dead letter: the target will never take it.
func (d *delivery) refuse(ctx context.Context, b *vector.Batch, i int, code string, why error) error {
	d.n.dead.Add(1)
	return d.letters.add(ctx, b, i, code, why)
}

// load reads the record and takes it over by its revision.
func (d *delivery) load(ctx context.Context, epoch uint64) error {
	e, err := d.s.kv.Get(ctx, d.id())
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return fmt.Errorf("read the position of sink %s: %w", d.id(), err)
	}
	d.record, d.revision = record{}, 0
	if err == nil {
		if err := json.Unmarshal(e.Value(), &d.record); err != nil {
			return &fatalError{fmt.Errorf("decode the position of sink %s: %w", d.id(), err)}
		}
		d.revision = e.Revision()
	}
	if d.record.Sink != d.sink.ID {
		d.record = record{Sink: d.sink.ID}
	}
	if d.record.Epoch > epoch {
		return fmt.Errorf("sink %s has a later owner (epoch %d): %w", d.id(), d.record.Epoch, topic.ErrFenced)
	}
	d.record.Epoch = epoch
	return nil
}

// save writes down how far the target is flushed, by revision: a later owner makes it fail.
func (d *delivery) save(ctx context.Context) error {
	data, err := json.Marshal(d.safe)
	if err != nil {
		return fmt.Errorf("encode the position of sink %s: %w", d.id(), err)
	}
	if d.revision == 0 {
		d.revision, err = d.s.kv.Create(ctx, d.id(), data)
	} else {
		d.revision, err = d.s.kv.Update(ctx, d.id(), data, d.revision)
	}
	if err != nil {
		return fmt.Errorf("write the position of sink %s: %w", d.id(), err)
	}
	d.sure = time.Now()
	d.saved, d.unsaved = d.sure, false
	return nil
}

// open makes the target of the sink.
func (d *delivery) open() (target, error) {
	if d.s.openTarget != nil {
		return d.s.openTarget(d)
	}
	switch d.sink.Target {
	case "NATS":
		return newSubjectTarget(d), nil
	case "KV":
		return newKVTarget(d), nil
	case "FILE":
		return newFileTarget(d)
	case "CONSOLE":
		return newConsoleTarget(d)
	case "HTTP":
		return newWebhookTarget(d)
	case "POSTGRES":
		return newPostgresTarget(d)
	default:
		return nil, &fatalError{fmt.Errorf("a sink TO %s is not supported", d.sink.Target)}
	}
}
