// Package topic is the ordered, partitioned log: one contract (Log), two implementations (JetStream, and Memory with
// seeded faults), and on top of it the fenced Writer and the Reader.
package topic

import (
	"context"
	"errors"
	"time"
)

// Header keys of Leat's own. Nats-Expected-Last-Subject-Sequence is stored by the server and chains a subject.
const (
	HeaderProvenance = "Leat-Provenance"
	HeaderKind       = "Leat-Kind" // batch, epoch, progress
	HeaderFence      = "Nats-Expected-Last-Subject-Sequence"
)

// Message is one entry of a shard. Time is the server's append time, in ms since the epoch. Header may be nil.
type Message struct {
	Subject string
	Seq     uint64
	TimeMs  int64
	Header  map[string]string
	Data    []byte
	// Fence is the sequence the writer expected as the subject's last; HasFence tells whether there was one. It chains
	// the messages of a subject: a reader notices a hole for free.
	Fence    uint64
	HasFence bool
}

// Info is the state of a shard.
type Info struct {
	Created  time.Time // identity of the stream
	FirstSeq uint64
	LastSeq  uint64
	Messages uint64
	Bytes    uint64
	MaxBytes uint64
	Replicas int // above 1 a leader that lost its followers may answer reads from the past for some seconds
}

// The errors of a Log. Each says whether the append may have happened all the same.
var (
	// ErrWrongLast: another message is last on the subject (10071). Not appended by this attempt. *WrongLastError
	// says which.
	ErrWrongLast = errors.New("wrong last sequence")
	// ErrUndecided: an append to the subject is still in flight or without quorum (10164). May still be committed.
	ErrUndecided = errors.New("an append is undecided")
	// ErrFull: the shard is at its MaxBytes (10077). Not appended. Backpressure, not failure.
	ErrFull = errors.New("topic is full")
	// ErrServerFull: the server has no storage left (10023). Not appended.
	ErrServerFull = errors.New("the server's store is full")
	// ErrNoAnswer: no answer in time (connection lost, server gone, disk dead). May still be committed.
	ErrNoAnswer = errors.New("no answer from the broker")
	// ErrTooLarge: larger than the server takes. Not appended.
	ErrTooLarge = errors.New("message too large")
	// ErrNotFound: no such message, subject or shard.
	ErrNotFound = errors.New("not found")
)

// WrongLastError carries the subject's true last sequence.
type WrongLastError struct{ Last uint64 }

func (e *WrongLastError) Error() string { return "wrong last sequence" }

// Is makes errors.Is(err, ErrWrongLast) true.
func (e *WrongLastError) Is(target error) bool { return target == ErrWrongLast }

// Log is one shard: an ordered log of subjects. All methods are safe for concurrent use. It retries nothing.
type Log interface {
	// Append makes ONE attempt to append m.Subject/Header/Data, fenced: it is taken only if the subject's last sequence
	// is expect (0: the subject is empty). It returns the sequence, or one of the errors above. The message may be used
	// again afterwards; its Header may not hold HeaderFence. When ctx ends first the error is ErrNoAnswer and ctx's.
	Append(ctx context.Context, m *Message, expect uint64) (uint64, error)
	// Last returns the subject's last message as the leader knows it (may be stale after an election), or ErrNotFound.
	Last(ctx context.Context, subject string) (*Message, error)
	// Get returns the message at seq from the leader, or ErrNotFound.
	Get(ctx context.Context, seq uint64) (*Message, error)
	// Read delivers messages with a sequence >= from whose subject matches one of filters (NATS wildcards; none: all),
	// in order, to the returned Cursor. maxBytes bounds what is buffered.
	Read(ctx context.Context, from uint64, maxBytes int, filters ...string) (Cursor, error)
	// Trim removes the messages of subject with a sequence < below, never the subject's last one.
	Trim(ctx context.Context, subject string, below uint64) error
	// Info returns the shard's state.
	Info(ctx context.Context) (Info, error)
}

// Cursor is a running read. It is used by one goroutine.
type Cursor interface {
	// Next returns the next message, waiting for it until ctx ends. pending is how many more match (best effort, -1
	// unknown). After an error other than ctx's the cursor is dead; the caller reads again from its position. A message
	// that is there already is delivered even when ctx has ended. Messages are shared and must not be changed.
	Next(ctx context.Context) (m *Message, pending int64, err error)
	Close()
}
