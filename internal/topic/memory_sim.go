package topic

import (
	"slices"
	"time"
)

// Pending returns the subjects of the appends that were answered ErrNoAnswer and may yet be committed, oldest first.
func (l *Memory) Pending() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var subjects []string
	for _, p := range l.pending {
		subjects = append(subjects, p.m.Subject)
	}
	return subjects
}

// Deliver lets pending append number i happen and returns its sequence, or 0 when it was refused. The network does not
// keep order: any i may come first.
func (l *Memory) Deliver(i int) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.takePending(i)
	if !p.held && l.check(p.m, p.expect) != nil {
		return 0
	}
	return l.commit(p.m, p.expect)
}

// Drop forgets pending append number i.
func (l *Memory) Drop(i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takePending(i)
}

func (l *Memory) takePending(i int) *lateAppend {
	p := l.pending[i]
	l.pending = slices.Delete(l.pending, i, i+1)
	if p.held {
		delete(l.held, p.m.Subject)
	}
	return p
}

// Delete removes the message at seq, as a damaged block does: readers find a hole. The subject's last sequence is then
// the one before, as in the broker.
func (l *Memory) Delete(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(func(m *Message) bool { return m.Seq == seq })
	l.recount()
}

// CutTo restores the shard as it was when seq was its last sequence (an older backup): what came later is gone, numbers
// are used again, Created stays. What was trimmed stays trimmed. Cursors die, appends on their way are forgotten.
func (l *Memory) CutTo(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(func(m *Message) bool { return m.Seq > seq })
	l.lastSeq = min(l.lastSeq, seq)
	l.reset()
}

// Recreate deletes the shard and makes it again, empty.
func (l *Memory) Recreate(created time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(func(*Message) bool { return true })
	l.lastSeq, l.created = 0, created
	l.reset()
}

// KillCursors ends every running read, as a restart of the broker does.
func (l *Memory) KillCursors() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.life++
	l.wake()
}

// SetMaxBytes changes the limit, live.
func (l *Memory) SetMaxBytes(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cfg.MaxBytes = n
}

// Messages returns the kept messages in order. It draws no fault.
func (l *Memory) Messages() []*Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.msgs)
}

// History returns every message ever committed in order, if the config asked for it.
func (l *Memory) History() []*Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.history)
}

func (l *Memory) reset() {
	l.recount()
	l.pending = nil
	clear(l.held)
	l.life++
	l.wake()
}

func (l *Memory) recount() {
	clear(l.last)
	for _, m := range l.msgs {
		l.last[m.Subject] = m.Seq
	}
}
