package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// ShardConfig describes a stream to be made for a topic.
type ShardConfig struct {
	Name     string   // ShardName
	Subjects []string // Filter of each class, or the filters of the shard's partitions
	MaxBytes int64    // at least MinMaxBytes
	Replicas int      // 0: 1
	// WriterSubjects is how many subjects are written in the shard: its partitions times their writers.
	WriterSubjects int
	MaxMessage     int // bytes of the largest message; 0: DefaultMaxMessage
	Description    string
	Metadata       map[string]string // leat.kind, leat.query
}

// DefaultMaxMessage is where messages are cut.
const DefaultMaxMessage = 512 << 10

// MinMaxBytes is the least MaxBytes of a shard in which writers never wait for ever: what can never be trimmed (the
// last message of each subject and the bookmarked ones) and a message must fit, twice.
func MinMaxBytes(writerSubjects, maxMessage int) int64 {
	if maxMessage == 0 {
		maxMessage = DefaultMaxMessage
	}
	return 2 * int64(writerSubjects+1) * int64(maxMessage)
}

// Validate lists every mistake.
func (c ShardConfig) Validate() error {
	var errs []error
	if !strings.HasPrefix(c.Name, "LEAT_") {
		errs = append(errs, fmt.Errorf("name: %q does not begin with LEAT_", c.Name))
	}
	if len(c.Subjects) == 0 {
		errs = append(errs, errors.New("subjects: missing"))
	}
	for _, s := range c.Subjects {
		if !strings.HasPrefix(s, "leat.") {
			errs = append(errs, fmt.Errorf("subjects: %q does not begin with %q", s, "leat."))
		}
	}
	if c.WriterSubjects < 1 {
		errs = append(errs, fmt.Errorf("writer subjects: %d is below 1", c.WriterSubjects))
	}
	if c.Replicas < 0 || c.Replicas > 5 {
		errs = append(errs, fmt.Errorf("replicas: %d is outside 0..5", c.Replicas))
	}
	if least := MinMaxBytes(c.WriterSubjects, c.MaxMessage); c.MaxBytes < least {
		errs = append(errs, fmt.Errorf("max_bytes: %d is too small for %d subjects of messages up to %d bytes; want "+
			"%d or more, else writers could wait for room for ever",
			c.MaxBytes, c.WriterSubjects, c.maxMessage(), least))
	}
	return errors.Join(errs...)
}

func (c ShardConfig) maxMessage() int {
	if c.MaxMessage == 0 {
		return DefaultMaxMessage
	}
	return c.MaxMessage
}

// CreateShard makes the stream, or finds the very same one there, and returns its log. Nothing in it ever goes by age
// or number, a full one refuses, and replicas answer no reads.
func CreateShard(ctx context.Context, js jetstream.JetStream, c ShardConfig, jc JetStreamConfig) (*JetStream, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("make shard %s: %w", c.Name, err)
	}
	return createStream(ctx, js, jetstream.StreamConfig{
		Name:        c.Name,
		Description: c.Description,
		Metadata:    maps.Clone(c.Metadata),
		Subjects:    slices.Clone(c.Subjects),
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		MaxBytes:    c.MaxBytes,
		Replicas:    max(c.Replicas, 1),
		AllowDirect: false,
		DenyDelete:  false, // dead letters are dropped one by one
	}, jc)
}

func createStream(ctx context.Context, js jetstream.JetStream, sc jetstream.StreamConfig, jc JetStreamConfig) (
	*JetStream, error,
) {
	l := NewJetStream(js, sc.Name, jc)
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	s, err := js.CreateStream(ctx, sc)
	if err != nil {
		return nil, apiError("make shard "+sc.Name, err)
	}
	if err = checkStream(s.CachedInfo().Config); err != nil {
		return nil, fmt.Errorf("make shard %s: %w", sc.Name, err)
	}
	return l, nil
}

// OpenShard returns the log over a stream that is there, after a look at what would break the protocol.
func OpenShard(ctx context.Context, js jetstream.JetStream, name string, cfg JetStreamConfig) (*JetStream, error) {
	l := NewJetStream(js, name, cfg)
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	s, err := js.Stream(ctx, name)
	if err != nil {
		return nil, apiError("open shard "+name, err)
	}
	if err = checkStream(s.CachedInfo().Config); err != nil {
		return nil, fmt.Errorf("open shard %s: %w", name, err)
	}
	return l, nil
}

// checkStream refuses settings under which a fence does not hold or messages vanish.
func checkStream(c jetstream.StreamConfig) error {
	var errs []error
	for _, f := range []struct {
		bad  bool
		what string
	}{
		{c.Discard != jetstream.DiscardNew, "discard must be new: a full topic waits, it never drops"},
		{c.MaxAge != 0, "max_age must be 0: age would remove a subject's last message, which is its fence"},
		{c.MaxMsgsPerSubject > 0, "max_msgs_per_subject must not be set"},
		{c.MaxMsgs > 0, "max_msgs must not be set"},
		{c.MaxBytes <= 0, "max_bytes must be set: one stream without it can fill the server for all"},
		{c.AllowDirect, "allow_direct must be off: replicas would answer reads from the past"},
		{c.Retention != jetstream.LimitsPolicy, "retention must be by limits"},
		{c.NoAck, "no_ack must be off"},
	} {
		if f.bad {
			errs = append(errs, errors.New(f.what))
		}
	}
	return errors.Join(errs...)
}
