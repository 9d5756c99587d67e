package source

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Settings of a stream that is made for a subject.
const (
	streamBytes     = 256 << 20
	duplicateWindow = 2 * time.Minute
	windowMargin    = 30 * time.Second // clocks of servers differ
	trimEvery       = 5 * time.Second
	pullMessages    = 4096
	pullBytes       = 1 << 20
	pullMargin      = 64 << 10 // subject and what else the broker counts beside the payload
	metadataOwner   = "leat.source"
)

// Stream reads a subject from the JetStream stream that captures it. One that is there is adopted: it is never changed
// or trimmed. Where there is none, one is made, with a limit that makes publishers wait, and trimmed behind what was
// appended, but never within the window in which the broker knows duplicates.
type Stream struct {
	JS       jetstream.JetStream
	Subject  string
	Name     string // of a stream that is made
	MaxBytes int64  // of a stream that is made; default 256 MiB
	Replicas int
	Warn     func(string)
	Clock    func() time.Time // for the duplicate window; nil: the wall clock

	stream  jetstream.Stream
	made    bool
	id      string
	iter    jetstream.MessagesContext
	chunk   Chunk
	window  time.Duration
	mu      sync.Mutex // guards passed: Commit may come from another goroutine than Next
	passed  []mark     // read, not trimmed yet, oldest first
	trimmed time.Time
}

// mark is when a sequence was stored.
type mark struct {
	seq uint64
	at  time.Time
}

// Ensure finds or makes the stream. Publishers get acknowledgements from then on.
func (s *Stream) Ensure(ctx context.Context) error {
	if s.stream != nil {
		return nil
	}
	name, err := s.JS.StreamNameBySubject(ctx, s.Subject)
	if err == nil {
		return s.adopt(ctx, name)
	}
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("find the stream of subject %s: %w", s.Subject, err)
	}
	cfg := jetstream.StreamConfig{
		Name: s.Name, Subjects: []string{s.Subject}, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew,
		MaxBytes: s.MaxBytes, Duplicates: duplicateWindow, Replicas: max(1, s.Replicas),
		Description: "made by Leat for " + s.Subject, Metadata: map[string]string{metadataOwner: s.Subject},
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = streamBytes
	}
	st, err := s.JS.CreateStream(ctx, cfg)
	if err != nil {
		return fmt.Errorf("make stream %s for subject %s: %w", s.Name, s.Subject, err)
	}
	s.use(st)
	return nil
}

// adopt takes a stream that is there.
func (s *Stream) adopt(ctx context.Context, name string) error {
	st, err := s.JS.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", name, err)
	}
	cfg := st.CachedInfo().Config
	covered := false
	for _, subject := range cfg.Subjects {
		covered = covered || covers(subject, s.Subject)
	}
	if !covered {
		return fmt.Errorf("stream %s captures only a part of %s (its subjects: %s): name a subject that it captures, "+
			"or widen it", name, s.Subject, strings.Join(cfg.Subjects, ", "))
	}
	if cfg.Retention != jetstream.LimitsPolicy {
		return fmt.Errorf("stream %s deletes what is acknowledged (retention %s), so it cannot be read twice: not "+
			"supported", name, cfg.Retention)
	}
	s.use(st)
	return nil
}

func (s *Stream) use(st jetstream.Stream) {
	info := st.CachedInfo()
	s.stream, s.window = st, info.Config.Duplicates
	s.made = info.Config.Metadata[metadataOwner] == s.Subject
	s.id = strconv.FormatInt(info.Created.UnixNano(), 10)
}

// Made reports whether Leat made the stream.
func (s *Stream) Made() bool { return s.made }

// covers reports whether every subject that matches inner matches outer.
func covers(outer, inner string) bool {
	for {
		o, oRest, oMore := strings.Cut(outer, ".")
		i, iRest, iMore := strings.Cut(inner, ".")
		if o == ">" {
			return true
		}
		if i == ">" || o != "*" && o != i || oMore != iMore {
			return false
		}
		if !oMore {
			return true
		}
		outer, inner = oRest, iRest
	}
}

// Open implements Source.
func (s *Stream) Open(ctx context.Context, from Position) error {
	if s.Clock == nil {
		s.Clock = time.Now
	}
	if err := s.Ensure(ctx); err != nil {
		return err
	}
	info, err := s.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("state of stream %s: %w", s.name(), err)
	}
	if err := s.check(from, info.State); err != nil {
		return err
	}
	consumer, err := s.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{s.Subject}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq: max(1, from.Seq),
	})
	if err != nil {
		return fmt.Errorf("read stream %s from %d: %w", s.name(), from.Seq, err)
	}
	s.iter, err = consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(pullMessages, s.pullBytes()))
	if err != nil {
		return fmt.Errorf("read stream %s from %d: %w", s.name(), from.Seq, err)
	}
	return nil
}

func (s *Stream) name() string { return s.stream.CachedInfo().Config.Name }

// pullBytes bounds what is asked for at a time. A message that is larger would never be delivered.
func (s *Stream) pullBytes() int {
	return max(pullBytes, int(s.JS.Conn().MaxPayload())+pullMargin)
}

// check compares the position with what the stream holds now.
func (s *Stream) check(from Position, state jetstream.StreamState) error {
	switch {
	case from.Seq == 0:
		return nil
	case from.ID != "" && from.ID != s.id:
		return fmt.Errorf("stream %s was made anew since message %d was read: drop the source and create it again",
			s.name(), from.Seq)
	case state.LastSeq < from.Seq:
		return fmt.Errorf("stream %s ends at %d, but message %d was read: it went backwards", s.name(), state.LastSeq,
			from.Seq)
	case state.FirstSeq > from.Seq+1 && !s.made && s.Warn != nil:
		s.Warn(fmt.Sprintf("stream %s begins at %d, reading stood at %d: up to %d messages are gone", s.name(),
			state.FirstSeq, from.Seq, state.FirstSeq-from.Seq-1))
	}
	return nil
}

// Next implements Source.
func (s *Stream) Next(ctx context.Context) (*Chunk, error) {
	m, err := s.iter.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", s.name(), err)
	}
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", s.name(), err)
	}
	s.chunk = Chunk{
		Data: m.Data(), Message: true, More: meta.NumPending > 0, Subject: m.Subject(),
		TimeMs: meta.Timestamp.UnixMilli(),
		Start:  Position{Seq: meta.Sequence.Stream, ID: s.id},
	}
	envelope(&s.chunk, m.Headers())
	if s.made {
		s.pass(meta.Sequence.Stream, meta.Timestamp)
	}
	return &s.chunk, nil
}

// pass remembers when messages were stored, about one a second.
func (s *Stream) pass(seq uint64, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.passed); n > 0 && at.Sub(s.passed[n-1].at) < time.Second {
		return
	}
	s.passed = append(s.passed, mark{seq, at})
}

// Commit implements Source: a stream that Leat made is trimmed behind pos.
func (s *Stream) Commit(ctx context.Context, pos Position) error {
	if !s.made {
		return nil
	}
	now := s.Clock()
	if now.Sub(s.trimmed) < trimEvery {
		return nil
	}
	s.trimmed = now
	below := s.trimmable(now, pos.Seq)
	if below == 0 {
		return nil
	}
	if err := s.stream.Purge(ctx, jetstream.WithPurgeSequence(below)); err != nil {
		return fmt.Errorf("trim stream %s below %d: %w", s.name(), below, err)
	}
	return nil
}

// trimmable returns the sequence below which messages are appended and too old to be known as duplicates; 0 for none.
func (s *Stream) trimmable(now time.Time, upTo uint64) (below uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.passed) > 0 && s.passed[0].seq <= upTo && now.Sub(s.passed[0].at) > s.window+windowMargin {
		below = s.passed[0].seq
		s.passed = s.passed[1:]
	}
	return below
}

// Close implements Source.
func (s *Stream) Close() error {
	if s.iter != nil {
		s.iter.Stop()
	}
	return nil
}
