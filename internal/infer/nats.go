package infer

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/pkg/sql/plan"
)

// subject reads the first messages that a stream holds of a subject.
func (s Sources) subject(ctx context.Context, src *plan.Source) (Sample, error) {
	if s.NATS == nil {
		return Sample{}, fmt.Errorf("a broker would have to be asked what %s holds", src.Subject)
	}
	if src.Format != "json" {
		return Sample{}, errors.New("those of CSV messages cannot be found out")
	}
	name, err := s.NATS.StreamNameBySubject(ctx, src.Subject)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return Sample{}, fmt.Errorf("no stream captures subject %s yet, so there is nothing to look at", src.Subject)
	}
	if err != nil {
		return Sample{}, fmt.Errorf("find the stream of subject %s: %w", src.Subject, err)
	}
	return s.stream(ctx, name, src.Subject)
}

// stream reads the first messages of a subject in a stream.
func (s Sources) stream(ctx context.Context, name, subject string) (Sample, error) {
	var out Sample
	consumer, err := s.NATS.OrderedConsumer(ctx, name, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subject}, DeliverPolicy: jetstream.DeliverAllPolicy,
	})
	if err != nil {
		return out, fmt.Errorf("read stream %s: %w", name, err)
	}
	info, err := consumer.Info(ctx)
	if err != nil {
		return out, fmt.Errorf("read stream %s: %w", name, err)
	}
	if info.NumPending == 0 {
		return out, fmt.Errorf("stream %s holds no message of %s yet", name, subject)
	}
	msgs, err := consumer.Messages(jetstream.PullMaxMessages(maxRecords / 4))
	if err != nil {
		return out, fmt.Errorf("read stream %s: %w", name, err)
	}
	defer msgs.Stop()
	for size := 0; len(out.Messages) < maxRecords && size < maxBytes; {
		m, err := msgs.Next(jetstream.NextContext(ctx))
		if err != nil {
			return out, fmt.Errorf("read stream %s: %w", name, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return out, fmt.Errorf("read stream %s: %w", name, err)
		}
		if data := m.Data(); len(data) > 0 && len(data) <= maxBytes {
			out.Messages = append(out.Messages, data)
			size += len(data)
		}
		if meta.NumPending == 0 {
			break
		}
	}
	if len(out.Messages) == 0 {
		return out, fmt.Errorf("stream %s holds only empty messages of %s", name, subject)
	}
	return out, nil
}
