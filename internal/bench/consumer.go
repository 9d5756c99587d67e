package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/broker"
)

// childConsumer is what a Go developer writes instead of W5: a consumer, encoding/json, a map, publishes. The server is
// in the process, as it is in leat dev. Arguments: input, data folder, rows a message, file for the answer.
func childConsumer(ctx context.Context, args []string) (*childReport, error) {
	perMessage, err := number(arg(args, 2))
	if err != nil {
		return nil, err
	}
	s, err := broker.Start(ctx, broker.Config{StoreDir: arg(args, 1)})
	if err != nil {
		return nil, err
	}
	r, err := consumeByHand(ctx, s, arg(args, 0), perMessage, arg(args, 3))
	return r, errors.Join(err, s.Shutdown())
}

func consumeByHand(
	ctx context.Context, s *broker.Server, in string, perMessage int, answer string,
) (*childReport, error) {
	js, err := appJetStream(s, "loader")
	if err != nil {
		return nil, err
	}
	out, err := loadStreams(ctx, js, in, perMessage)
	if err != nil {
		return nil, err
	}
	reader, err := appJetStream(s, "reader")
	if err != nil {
		return nil, err
	}
	writer, err := appJetStream(s, "writer")
	if err != nil {
		return nil, err
	}
	p := newHand("w2", nil)
	p.emit = func(r handResult) error {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return publish(writer, outSubject, b)
	}
	r, err := measured(func() (int64, error) {
		n, err := p.consume(ctx, reader)
		if err != nil {
			return 0, err
		}
		return n, flushed(ctx, writer)
	})
	if err != nil {
		return nil, err
	}
	r.Answer, err = answerOfStream(ctx, out, answer, handColumns["w2"])
	return r, err
}

func appJetStream(s *broker.Server, name string) (jetstream.JetStream, error) {
	nc, err := s.App(name)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(maxPending))
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return js, nil
}

// consume reads all messages of the input, each once acknowledged in groups, and returns the rows.
func (p *handProgram) consume(ctx context.Context, js jetstream.JetStream) (int64, error) {
	s, err := js.Stream(ctx, inStream)
	if err != nil {
		return 0, fmt.Errorf("open the input: %w", err)
	}
	c, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckAllPolicy, MaxAckPending: 4096,
		MemoryStorage: true,
	})
	if err != nil {
		return 0, fmt.Errorf("make a consumer: %w", err)
	}
	it, err := c.Messages(jetstream.PullMaxBytes(4 << 20))
	if err != nil {
		return 0, fmt.Errorf("read the input: %w", err)
	}
	defer it.Stop()
	left := s.CachedInfo().State.Msgs
	var rows int64
	for ; left > 0; left-- {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return 0, fmt.Errorf("read the input: %w", err)
		}
		n, err := p.message(m.Data())
		if err != nil {
			return 0, err
		}
		if rows += n; left%64 == 1 {
			if err := m.Ack(); err != nil {
				return 0, fmt.Errorf("acknowledge: %w", err)
			}
		}
	}
	return rows, nil
}

// message takes the rows of a message; the row that only closes windows is not counted.
func (p *handProgram) message(data []byte) (int64, error) {
	var rows int64
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		var t handTrade
		if err := json.Unmarshal(line, &t); err != nil {
			return 0, fmt.Errorf("decode a row: %w", err)
		}
		if err := p.window(&t); err != nil {
			return 0, err
		}
		if t.Symbol != lastSymbol {
			rows++
		}
	}
	return rows, nil
}
