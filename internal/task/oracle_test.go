package task

import (
	"slices"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// evaluated is what a plain sequential evaluation of a task gives: per lane the rows, and how many after each step.
type evaluated struct {
	rows  [][]toyRow
	dead  []uint64 // sequence<<16|row of the dead letters
	ends  [][]int
	marks [][]mark // after each step
	count []Counts
}

// gather is an Output that keeps rows by lane.
type gather struct {
	c *core
	e *evaluated
}

func (g gather) lane(l *lane, b *vector.Batch) {
	i := slices.Index(g.c.lanes, l)
	g.e.rows[i] = append(g.e.rows[i], toyRows(b)...)
}
func (g gather) Rows(o, p int, b *vector.Batch) { g.lane(g.c.byOutput[o][p], b) }
func (g gather) Watermark(o int, wm int64, idle bool) {
	last := len(g.e.marks) - 1
	g.e.marks[last][o] = mark{wm, idle}
}

func (g gather) DeadLetter(b *vector.Batch, row uint32, _, _ string) {
	g.e.dead = append(g.e.dead, b.Seq<<16|uint64(row))
}

func (g gather) Late(b *vector.Batch, rows []uint32) {
	if len(rows) == 0 {
		return
	}
	part := *b
	part.Sel = rows
	g.lane(g.c.late, &part)
}

// check compares everything ever written with a sequential evaluation of every task over its whole input.
func (w *world) check() {
	for _, t := range w.tasks {
		w.checkTask(t)
	}
}

func (w *world) evaluate(t *toyTask) *evaluated {
	c := t.inst.c
	e := &evaluated{rows: make([][]toyRow, len(c.lanes)), ends: make([][]int, len(c.lanes)), count: []Counts{{}}}
	first := make([]mark, len(c.marks))
	for i := range first {
		first[i].wm = vector.NoTime
	}
	e.marks = append(e.marks, first)
	for i := range e.ends {
		e.ends[i] = []int{0}
	}
	deadLane := slices.Index(c.lanes, c.dead)
	var in [2][]*topic.Message
	for k := range t.inputs {
		for _, m := range w.shards[t.inputs[k].Topic].log.History() {
			if topic.MatchAny(t.inputs[k].Filters, m.Subject) {
				in[k] = append(in[k], m)
			}
		}
	}
	m, extra := t.fresh(), uint64(0)
	for step, port := range t.inst.m.st.Ports {
		if len(in[port]) == 0 {
			w.fail("%s: step %d took more of input %d than there is", t.name, step+1, port)
		}
		d, err := Decode(in[port][0], t.inputs[port].Topic, toySchema)
		if err != nil {
			w.fail("%v", err)
		}
		in[port] = in[port][1:]
		e.marks = append(e.marks, slices.Clone(e.marks[step]))
		bad := t.bad(d)
		for _, k := range bad {
			gather{c, e}.DeadLetter(d.Batch, uint32(k), "", "")
		}
		extra += uint64(len(bad))
		m.Step(int(port), d.Writer, without(d.Batch, bad, d.Batch.Rows), gather{c, e})
		for i := range e.rows {
			n := len(e.rows[i])
			if i == deadLane {
				n = len(e.dead)
			}
			e.ends[i] = append(e.ends[i], n)
		}
		if e.marks[step+1][0].wm == vector.MaxTime && c.late != nil {
			e.marks[step+1][c.late.output].wm = vector.MaxTime
		}
		n := m.Counts()
		n.In, n.DeadLettered = n.In+extra, n.DeadLettered+extra
		e.count = append(e.count, n)
	}
	for k := range t.inputs {
		if len(in[k]) > 0 {
			w.fail("%s: %d messages of input %d were never taken", t.name, len(in[k]), k)
		}
	}
	return e
}

// bad are the rows of a batch that kill the task.
func (t *toyTask) bad(d *Delivery) []int {
	var bad []int
	for k, r := range toyRows(d.Batch) {
		if t.kills != nil && t.kills(r) {
			bad = append(bad, k)
		}
	}
	return bad
}

func (w *world) checkTask(t *toyTask) {
	c := t.inst.c
	e := w.evaluate(t)
	final := e.count[len(e.count)-1]
	if final != c.counts() {
		w.fail("%s: counts %+v, evaluation %+v", t.name, c.counts(), final)
	}
	if n := final; n.In != n.Used+n.Filtered+n.Late+n.DeadLettered+n.Skipped {
		w.fail("%s: counts do not add up: %+v", t.name, n)
	}
	for i, l := range c.lanes {
		w.checkLane(t, i, l, e)
	}
}

// checkLane walks over every message of a subject that was ever committed.
func (w *world) checkLane(t *toyTask, i int, l *lane, e *evaluated) {
	subject := l.writer.Subject()
	var cursor Cursor
	var epoch uint64
	wm, got := vector.NoTime, 0
	for _, m := range w.history(l) {
		p, err := ProvenanceOf(m)
		if err != nil {
			w.fail("%v", err)
		}
		if p.Epoch < epoch || p.Writer != t.name {
			w.fail("%s #%d: epoch fell from %d to %d", subject, m.Seq, epoch, p.Epoch)
		}
		epoch = p.Epoch
		if p.Kind == KindEpoch && w.rules.NoEpochCopy {
			continue
		}
		if p.Cursor.Before(cursor) || p.Kind == KindEpoch && p.Cursor != cursor {
			w.fail("%s #%d: cursor %s after %s", subject, m.Seq, p.Cursor, cursor)
		}
		cursor = p.Cursor
		got += w.checkRows(m, l, e, i, got)
		if p.Cursor.Step >= uint64(len(e.ends[i])) {
			w.fail("%s #%d: cursor %s is beyond the evaluation", subject, m.Seq, p.Cursor)
		}
		if want := e.ends[i][p.Cursor.Step] + int(p.Cursor.Rows); want != got {
			w.fail("%s #%d: %d rows up to cursor %s, the evaluation has %d", subject, m.Seq, got, p.Cursor, want)
		}
		if l.quiet {
			continue
		}
		if p.Watermark < wm {
			w.fail("%s #%d: watermark fell from %d to %d", subject, m.Seq, wm, p.Watermark)
		}
		wm = p.Watermark
		if want := e.marks[p.Cursor.Step][l.output]; want != (mark{p.Watermark, p.Idle}) {
			w.fail("%s #%d: mark %d %v at cursor %s, evaluation %+v", subject, m.Seq, p.Watermark, p.Idle, p.Cursor,
				want)
		}
		if p.Kind != KindEpoch && p.Counts != e.count[p.Cursor.Step] {
			w.fail("%s #%d: counts %+v at cursor %s, evaluation %+v", subject, m.Seq, p.Counts, p.Cursor,
				e.count[p.Cursor.Step])
		}
	}
	total := e.ends[i][len(e.ends[i])-1]
	if got != total {
		w.fail("%s ends with %d rows, the evaluation has %d", subject, got, total)
	}
	if !l.quiet && wm != vector.MaxTime {
		w.fail("%s: the input has ended, the subject stays at watermark %d", subject, wm)
	}
}

func (w *world) history(l *lane) []*topic.Message {
	place, err := topic.ParseSubject(l.writer.Subject())
	if err != nil {
		w.fail("%v", err)
	}
	return slices.DeleteFunc(w.shards[place.Name].log.History(), func(m *topic.Message) bool {
		return m.Subject != l.writer.Subject()
	})
}

// checkRows compares the rows of a message with those of the evaluation from number got on.
func (w *world) checkRows(m *topic.Message, l *lane, e *evaluated, i, got int) int {
	if l.class == topic.ClassDead {
		if len(m.Data) == 0 {
			return 0
		}
		d, err := messages.DecodeDeadLetter(m.Data)
		if err != nil {
			w.fail("%v", err)
		}
		if got >= len(e.dead) || e.dead[got] != d.Sequence<<16|uint64(d.Row) {
			w.fail("%s #%d: dead letter %d/%d is not number %d of the evaluation", m.Subject, m.Seq, d.Sequence, d.Row,
				got)
		}
		return 1
	}
	d, err := Decode(m, "x", toySchema)
	if err != nil {
		w.fail("%v", err)
	}
	rows := toyRows(d.Batch)
	want := e.rows[i]
	if got+len(rows) > len(want) || !slices.Equal(rows, want[got:got+len(rows)]) {
		w.fail("%s #%d: rows %v are not those of the evaluation from %d on: %v", m.Subject, m.Seq, rows, got,
			want[min(got, len(want)):min(got+len(rows), len(want))])
	}
	return len(rows)
}

// measure notes the size of the largest message, so that the logs are known to be large enough.
func (w *world) measure() {
	for _, s := range w.shards {
		for _, m := range s.log.History() {
			n := 34 + len(m.Subject) + len(m.Data)
			for k, v := range m.Header {
				n += len(k) + len(v) + 4
			}
			w.largest = max(w.largest, n)
		}
	}
}
