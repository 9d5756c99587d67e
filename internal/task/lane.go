package task

import (
	"fmt"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// lane is the task's side of one output subject: what waits to be sent, cut into segments, and the fenced writer with
// at most one append in flight. It is pure but for step, which makes one call to the log.
type lane struct {
	output    int // number of the output, for marks
	partition int
	class     string
	name      string // writer
	epoch     uint64
	schema    *vector.Schema
	limit     int // bytes of a message
	quiet     bool
	writer    *topic.Writer
	order     *Order // of the task; nil: none
	rules     *Rules

	segs     []*segment
	pending  int    // estimated bytes of segs and of what is in flight
	rowsHere uint64 // rows that the running step has given to this lane
	from     Cursor // recovery: what is at or before it is in the log already
	tail     *stamp // last complete step that the lane has seen
	sent     mark   // what the last message said
	acked    Cursor
	ackedAt  *stamp
	inFlight *segment
	cur      *origin // of the running step
	stats    *OutputStats
	buf      []byte
	spare    *vector.Batch // rows of a message that is encoded, to be filled anew
}

// rows takes rows of step, which is running.
func (l *lane) rows(step uint64, b *vector.Batch) {
	live := b.Live()
	k := l.skip(step, live)
	for k < live {
		s := l.open(b)
		part := liveRows(b, k, live)
		size := batchSize(part)
		if size > l.limit-s.size {
			part = liveRows(part, 0, fitting(part, 0, l.limit-s.size))
			size = batchSize(part)
		}
		if s.rows == nil {
			s.rows = l.fresh(part)
		}
		s.add(part, step, size)
		l.grow(size, part.Live())
		k += part.Live()
		s.end = Cursor{step - 1, l.rowsHere}
	}
}

// deadLetter takes an encoded dead letter of step. Each is a message of its own, so that it can be retried and dropped
// alone.
func (l *lane) deadLetter(step uint64, data []byte) {
	if l.skip(step, 1) > 0 {
		return
	}
	n := len(l.segs)
	if n == 0 || !l.segs[n-1].silent() {
		l.segs = append(l.segs, &segment{stamp: l.tail})
		n++
	}
	s := l.segs[n-1]
	s.dead, s.size, s.first, s.origin, s.end = data, len(data), step, *l.cur, Cursor{step - 1, l.rowsHere + 1}
	l.grow(len(data), 1)
}

// skip counts n more rows of step and returns how many of them the log has already.
func (l *lane) skip(step uint64, n int) int {
	if l.rules.NoSuppress {
		return 0
	}
	if step <= l.from.Step {
		return n
	}
	if step != l.from.Step+1 || l.rowsHere >= l.from.Rows {
		return 0
	}
	there := int(min(uint64(n), l.from.Rows-l.rowsHere))
	l.rowsHere += uint64(there)
	return there
}

func (l *lane) grow(bytes, rows int) {
	l.pending += bytes
	l.rowsHere += uint64(rows)
	l.stats.add(bytes, rows)
}

// open returns the segment that takes the next row of b.
func (l *lane) open(b *vector.Batch) *segment {
	if n := len(l.segs); n > 0 {
		s := l.segs[n-1]
		if s.dead == nil && s.size < l.limit && s.sameColumns(b) {
			if s.first == 0 {
				s.origin = *l.cur
			}
			return s
		}
	}
	s := &segment{stamp: l.tail, origin: *l.cur}
	l.segs = append(l.segs, s)
	return s
}

// endStep says that a step is complete; s holds after it.
func (l *lane) endStep(s *stamp, ns int64) {
	l.rowsHere = 0
	l.tail = s
	if !l.rules.NoSuppress && s.step <= l.from.Step {
		return
	}
	n := len(l.segs)
	if n == 0 {
		l.segs = append(l.segs, &segment{})
		n++
	}
	last := l.segs[n-1]
	last.stamp, last.end = s, Cursor{Step: s.step}
	last.ns += ns
}

// covers tells whether all rows of the steps up to step are acknowledged.
func (l *lane) covers(step uint64) bool {
	if l.inFlight != nil && !l.inFlight.silent() && l.inFlight.first <= step {
		return false
	}
	return len(l.segs) == 0 || l.segs[0].silent() || l.segs[0].first > step
}

// drained tells whether nothing waits that a reader could miss.
func (l *lane) drained() bool { return l.inFlight == nil && !l.ready() }

// ready tells whether a message can be started.
func (l *lane) ready() bool {
	if l.inFlight != nil || len(l.segs) == 0 {
		return false
	}
	s := l.segs[0]
	return !s.silent() || s.forced || !l.quiet && s.stamp.marks[l.output] != l.sent
}

// start hands the first segment to the writer.
func (l *lane) start() error {
	s := l.segs[0]
	l.segs = l.segs[1:]
	l.inFlight = s
	kind := KindBatch
	if s.silent() {
		kind = KindProgress
	}
	p := l.provenance(s.stamp, s.end, kind)
	header := map[string]string{
		topic.HeaderKind:       kind,
		topic.HeaderProvenance: string(p.Append(nil)),
	}
	if s.origin.correlation != "" {
		header[HeaderCorrelation] = s.origin.correlation
	}
	if s.origin.trace != "" {
		header[HeaderTrace] = s.origin.trace
	}
	data := l.encode(s, p)
	if s.rows != nil {
		l.spare, s.rows = s.rows, nil
	}
	if err := l.writer.Start(header, data); err != nil {
		return fmt.Errorf("task %s: %w", l.name, err)
	}
	return nil
}

// fresh returns an empty batch with the columns of b: the memory of a message that is encoded, if there is one.
func (l *lane) fresh(b *vector.Batch) *vector.Batch {
	s := l.spare
	l.spare = nil
	if s == nil || s.Schema != b.Schema {
		return vector.NewBatch(b.Schema, b.Live())
	}
	for _, v := range s.Cols {
		vector.Reset(v)
	}
	*s = vector.Batch{Schema: s.Schema, Cols: s.Cols, Time: s.Time[:0], Watermark: vector.NoTime}
	return s
}

// Headers that follow a record through the stages.
const (
	HeaderCorrelation = "Leat-Correlation-Id"
	HeaderTrace       = "traceparent"
)

func (l *lane) provenance(s *stamp, c Cursor, kind string) *Provenance {
	p := &Provenance{Writer: l.name, Epoch: l.epoch, Kind: kind, Cursor: c, Watermark: vector.NoTime}
	if s != nil {
		p.Positions, p.Source, p.Counts = s.positions, s.source, s.counts
		p.Watermark, p.Idle = s.marks[l.output].wm, s.marks[l.output].idle
	}
	if l.order != nil && l.order.Inputs > 1 {
		p.Order = l.order.upTo(max(c.Last(), l.order.Base))
		if len(p.Positions) == 0 {
			p.Positions = make([]uint64, l.order.Inputs)
		}
	}
	return p
}

// encode returns the body of a segment; it lives until the append is settled.
func (l *lane) encode(s *segment, p *Provenance) []byte {
	if s.dead != nil {
		return s.dead
	}
	rows := s.rows
	if rows == nil {
		rows = l.empty()
	}
	l.buf = encodeBatch(l.buf[:0], l.class, rows, p, s)
	return l.buf
}

func (l *lane) empty() *vector.Batch {
	if l.schema == nil {
		return vector.NewBatch(&vector.Schema{}, 0)
	}
	return vector.NewBatch(l.schema, 0)
}

// encodeBatch makes the document of a message: ProcessBatch in source topics, BatchResult elsewhere.
func encodeBatch(dst []byte, class string, rows *vector.Batch, p *Provenance, s *segment) []byte {
	r := messages.BatchResult{ProcessBatch: messages.ProcessBatch{
		BatchID:       p.Writer + "/" + p.Cursor.String(),
		CorrelationID: s.origin.correlation,
		Watermark:     p.Watermark,
		Idle:          p.Idle,
		End:           p.Watermark == vector.MaxTime,
	}}
	if s.stamp != nil {
		r.TimeMs = s.stamp.timeMs
	}
	vector.ToColumns(rows, &r.Columns)
	r.SchemaID = messages.SchemaID(r.Columns.Specs)
	if class == topic.ClassSource {
		return r.ProcessBatch.Append(dst)
	}
	r.Counts = messages.Counts(p.Counts)
	r.ProcessingNs = s.ns
	return r.Append(dst)
}

// settled takes the news that the append in flight is in the log.
func (l *lane) settled() {
	s := l.inFlight
	l.inFlight = nil
	l.pending -= s.size
	l.acked, l.ackedAt = s.end, s.stamp
	if s.stamp != nil {
		l.sent = s.stamp.marks[l.output]
	}
	l.stats.settled(s.size, l.pending)
}

// fence begins to make this task the owner of the subject.
func (l *lane) fence() error {
	return l.writer.StartFence(l.epochMessage)
}

// epochMessage repeats the provenance, watermark and idle mark of the message it follows.
func (l *lane) epochMessage(last *topic.Message) (map[string]string, []byte, error) {
	p := &Provenance{Watermark: vector.NoTime}
	s := &segment{}
	if last != nil {
		before, err := ProvenanceOf(last)
		switch {
		case err != nil:
			return nil, nil, err
		case before.Writer != l.name:
			return nil, nil, fmt.Errorf("message %d of %s is of writer %q, not of %q", last.Seq, last.Subject,
				before.Writer, l.name)
		case before.Epoch > l.epoch && !l.rules.NoEpochCheck:
			return nil, nil, fmt.Errorf("message %d of %s has epoch %d, this owner %d: %w", last.Seq, last.Subject,
				before.Epoch, l.epoch, topic.ErrFenced)
		}
		if !l.rules.NoEpochCopy {
			p = before
		}
	}
	p.Writer, p.Epoch, p.Kind = l.name, l.epoch, KindEpoch
	header := map[string]string{topic.HeaderKind: KindEpoch, topic.HeaderProvenance: string(p.Append(nil))}
	if l.class == topic.ClassDead {
		return header, nil, nil
	}
	return header, encodeBatch(nil, l.class, l.empty(), p, s), nil
}

// recovered takes what the log says about the subject, once it is fenced, and returns the provenance, nil for none.
func (l *lane) recovered() (*Provenance, error) {
	last := l.writer.Followed()
	if last == nil || l.rules.NoEpochCopy && last.Header[topic.HeaderKind] == KindEpoch {
		return nil, nil
	}
	p, err := ProvenanceOf(last)
	if err != nil {
		return nil, err
	}
	l.from, l.acked = p.Cursor, p.Cursor
	l.sent = mark{p.Watermark, p.Idle}
	return p, nil
}
