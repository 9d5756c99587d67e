package topic

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"
)

// MemoryConfig describes a Memory. The zero value is an unlimited, faultless log whose clock counts appends.
type MemoryConfig struct {
	MaxBytes   uint64       // 0: no limit
	MaxMessage int          // bytes of a message's header and data; 0: 8 MiB
	Created    time.Time    // identity of the shard
	Clock      func() int64 // append time in ms
	Faults     Faults       // nil: none
	// History keeps every message ever committed for History, the trimmed ones too.
	History bool
}

// Memory is a shard in memory. It starts no goroutine and knows no time but Clock: what it answers is a function of the
// calls made to it and of its Faults. It survives whoever crashes around it, with the appends still on their way
// (Pending), which the simulator delivers or drops.
type Memory struct {
	mu      sync.Mutex
	cfg     MemoryConfig
	created time.Time
	msgs    []*Message        // kept messages, ascending
	last    map[string]uint64 // last sequence per subject
	lastSeq uint64
	bytes   uint64
	pending []*lateAppend
	held    map[string]bool // subjects with an undecided append
	history []*Message
	changed chan struct{} // closed and replaced at every change
	life    int           // grows when cursors must die
}

// lateAppend is an append that was answered ErrNoAnswer and may yet be committed.
type lateAppend struct {
	m      *Message
	expect uint64
	held   bool // undecided at the leader; otherwise still in the network
}

// NewMemory returns an empty shard.
func NewMemory(cfg MemoryConfig) *Memory {
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = 8 << 20
	}
	return &Memory{
		cfg:     cfg,
		created: cfg.Created,
		last:    map[string]uint64{},
		held:    map[string]bool{},
		changed: make(chan struct{}),
	}
}

// Append implements Log.
func (l *Memory) Append(ctx context.Context, m *Message, expect uint64) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("append to %s: %w: %w", m.Subject, ErrNoAnswer, err)
	}
	if sizeOf(m)-overhead-len(m.Subject) > l.cfg.MaxMessage {
		return 0, fmt.Errorf("append to %s: %w", m.Subject, ErrTooLarge)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fault := AppendOK
	if l.cfg.Faults != nil {
		fault = l.cfg.Faults.OnAppend(m.Subject)
	}
	switch fault {
	case AppendLost:
		return 0, ErrNoAnswer
	case AppendLate:
		l.pending = append(l.pending, &lateAppend{m: clone(m), expect: expect})
		return 0, ErrNoAnswer
	case AppendServerFull:
		return 0, ErrServerFull
	default:
	}
	if err := l.check(m, expect); err != nil {
		if fault == AppendAckLost {
			return 0, ErrNoAnswer
		}
		return 0, err
	}
	if fault == AppendUndecided {
		l.held[m.Subject] = true
		l.pending = append(l.pending, &lateAppend{m: clone(m), expect: expect, held: true})
		return 0, ErrNoAnswer
	}
	seq := l.commit(clone(m), expect)
	if fault == AppendAckLost {
		return 0, ErrNoAnswer
	}
	return seq, nil
}

// check decides about an append as the leader does: the undecided one first, then the fence, then the room.
func (l *Memory) check(m *Message, expect uint64) error {
	if l.held[m.Subject] {
		return ErrUndecided
	}
	if last := l.last[m.Subject]; last != expect {
		return &WrongLastError{Last: last}
	}
	if l.cfg.MaxBytes > 0 && l.bytes+uint64(sizeOf(m)) > l.cfg.MaxBytes {
		return ErrFull
	}
	return nil
}

func (l *Memory) commit(m *Message, expect uint64) uint64 {
	l.lastSeq++
	m.Seq, m.Fence, m.HasFence = l.lastSeq, expect, true
	m.TimeMs = int64(l.lastSeq)
	if l.cfg.Clock != nil {
		m.TimeMs = l.cfg.Clock()
	}
	l.msgs = append(l.msgs, m)
	l.last[m.Subject] = m.Seq
	l.bytes += uint64(sizeOf(m))
	if l.cfg.History {
		l.history = append(l.history, m)
	}
	l.wake()
	return m.Seq
}

func (l *Memory) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *Memory) readFault(op ReadOp) ReadFault {
	if l.cfg.Faults == nil {
		return ReadOK
	}
	return l.cfg.Faults.OnRead(op)
}

// Last implements Log.
func (l *Memory) Last(ctx context.Context, subject string) (*Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("last of %s: %w: %w", subject, ErrNoAnswer, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fault := l.readFault(OpLast)
	if fault == ReadNoAnswer {
		return nil, ErrNoAnswer
	}
	for i, m := range slices.Backward(l.msgs) {
		if m.Subject != subject {
			continue
		}
		// What came before may be trimmed; a stale leader still has it, so staleness ends at the oldest that is kept.
		if fault == ReadStale && l.stale(i) {
			fault = ReadOK
			continue
		}
		return m, nil
	}
	return nil, ErrNotFound
}

// stale tells whether a leader that has not seen message i could still answer about its subject.
func (l *Memory) stale(i int) bool {
	m := l.msgs[i]
	if m.Fence == 0 {
		return true
	}
	_, kept := l.find(m.Fence)
	return kept
}

// Get implements Log.
func (l *Memory) Get(ctx context.Context, seq uint64) (*Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("message %d: %w: %w", seq, ErrNoAnswer, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fault := l.readFault(OpGet)
	if fault == ReadNoAnswer {
		return nil, ErrNoAnswer
	}
	i, ok := l.find(seq)
	if !ok || fault == ReadStale && l.last[l.msgs[i].Subject] == seq {
		return nil, ErrNotFound
	}
	return l.msgs[i], nil
}

// find returns the index of the first kept message at or behind seq, and whether it is seq itself.
func (l *Memory) find(seq uint64) (int, bool) {
	i := sort.Search(len(l.msgs), func(i int) bool { return l.msgs[i].Seq >= seq })
	return i, i < len(l.msgs) && l.msgs[i].Seq == seq
}

// Trim implements Log.
func (l *Memory) Trim(ctx context.Context, subject string, below uint64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("trim %s: %w: %w", subject, ErrNoAnswer, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readFault(OpTrim) == ReadNoAnswer {
		return ErrNoAnswer
	}
	last := l.last[subject]
	l.remove(func(m *Message) bool { return m.Subject == subject && m.Seq < below && m.Seq < last })
	return nil
}

func (l *Memory) remove(gone func(*Message) bool) {
	l.msgs = slices.DeleteFunc(l.msgs, func(m *Message) bool {
		if gone(m) {
			l.bytes -= uint64(sizeOf(m))
			return true
		}
		return false
	})
	l.wake()
}

// Info implements Log.
func (l *Memory) Info(ctx context.Context) (Info, error) {
	if err := ctx.Err(); err != nil {
		return Info{}, fmt.Errorf("state of the shard: %w: %w", ErrNoAnswer, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readFault(OpInfo) == ReadNoAnswer {
		return Info{}, ErrNoAnswer
	}
	first := l.lastSeq + 1
	if len(l.msgs) > 0 {
		first = l.msgs[0].Seq
	}
	return Info{
		Created: l.created, FirstSeq: first, LastSeq: l.lastSeq, Messages: uint64(len(l.msgs)), Bytes: l.bytes,
		MaxBytes: l.cfg.MaxBytes, Replicas: 1,
	}, nil
}

// overhead is about what a file store adds to a message.
const overhead = 34

func sizeOf(m *Message) int {
	n := overhead + len(m.Subject) + len(m.Data)
	for k, v := range m.Header {
		n += len(k) + len(v) + 4
	}
	return n
}

func clone(m *Message) *Message {
	return &Message{Subject: m.Subject, Header: maps.Clone(m.Header), Data: slices.Clone(m.Data)}
}
