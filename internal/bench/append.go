package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// message measures W2 in message mode beside direct mode, and beside the mere appending of its input's batches.
func (b *bench) message(ctx context.Context) error {
	in, table, err := b.directInputs(ctx, "w2")
	if err != nil {
		return err
	}
	_, want, err := b.child(ctx, "limit", "w2", in, table, b.path("want"), allColumns["w2"])
	if err != nil {
		return err
	}
	message, direct := leatRun{"w2", "message", in, table}, leatRun{"w2", "direct", in, table}
	if err := b.leatCheck(ctx, message, want); err != nil {
		return err
	}
	perRow := 0.0
	m, err := b.rounds(ctx, []entrant{
		b.leatEntrant(ctx, "w2_message", message),
		b.leatEntrant(ctx, "w2_direct", direct),
		{"limit.append", func() (usage, error) {
			data, err := os.MkdirTemp(b.dir, "data-")
			if err != nil {
				return usage{}, fmt.Errorf("make a data folder: %w", err)
			}
			defer func() { _ = os.RemoveAll(data) }() // a temporary folder
			u, r, err := b.child(ctx, "append", in, data)
			if err == nil {
				perRow = r.PerKey
			}
			return u, err
		}},
	})
	if err != nil {
		return err
	}
	limit, r := m["limit.append"].result("limit.append"), m["w2_message"].result("w2_message")
	limit.BytesPerRecord, r.BytesPerRecord = perRow, perRow
	b.add(r, &limit)
	b.add(m["w2_direct"].result("w2_direct"), nil)
	b.add(limit, nil)
	return nil
}

// childAppend appends the batches of W2's input to a topic: fenced, one in flight, as an ingest does. Making the
// batches is not measured. Arguments: input, data folder.
func childAppend(ctx context.Context, args []string) (*childReport, error) {
	encoded, rows, err := encodeBatches(ctx, arg(args, 0), 0)
	if err != nil {
		return nil, err
	}
	s, err := broker.Start(ctx, broker.Config{StoreDir: arg(args, 1)})
	if err != nil {
		return nil, err
	}
	js, err := leatJetStream(s)
	if err != nil {
		return nil, errors.Join(err, s.Shutdown())
	}
	r, err := appendAll(ctx, js, encoded)
	if err != nil {
		return nil, errors.Join(err, s.Shutdown())
	}
	r.Records = int64(rows)
	r.PerKey = float64(totalBytes(encoded)) / float64(rows)
	return r, s.Shutdown()
}

// encodeBatches reads the trades as a source does, into messages of a source's topic, of maxRows rows (0: the default).
func encodeBatches(ctx context.Context, in string, maxRows int) (encoded [][]byte, rows int, err error) {
	prog, errs := script.Compile(ctx, scripts["w2"], script.Options{Vars: map[string]string{"in": in}})
	if len(errs) > 0 {
		return nil, 0, fmt.Errorf("compile: %w", errs[0])
	}
	schema := prog.Result.Stages[0].Inputs[0].Schema
	r, err := source.OpenFile(ctx, in, source.Config{
		Schema: schema, EventTime: "ts", WatermarkDelayMs: delayMs,
		OnError: source.FailFast, MaxRows: maxRows,
	})
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		b, err := r.NextContext(ctx)
		if errors.Is(err, io.EOF) {
			return encoded, rows, nil
		}
		if err != nil {
			return nil, 0, err
		}
		m := messages.ProcessBatch{SchemaID: vector.SchemaID(schema), Watermark: b.Watermark}
		vector.ToColumns(b, &m.Columns)
		encoded = append(encoded, m.Append(nil))
		rows += b.Rows
	}
}

func totalBytes(messages [][]byte) int64 {
	var n int64
	for _, m := range messages {
		n += int64(len(m))
	}
	return n
}

// The topic that batches are appended to, and its writer.
const (
	benchTopic  = "bench"
	benchWriter = stage.IngestWriter
)

// leatJetStream connects into Leat's account.
func leatJetStream(s *broker.Server) (jetstream.JetStream, error) {
	nc, err := s.Leat("bench")
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return js, nil
}

func appendAll(ctx context.Context, js jetstream.JetStream, encoded [][]byte) (*childReport, error) {
	log, err := topic.CreateShard(ctx, js, topic.ShardConfig{
		Name: topic.ShardName(benchTopic, 0), WriterSubjects: 1,
		MaxBytes: 2*totalBytes(encoded) + topic.MinMaxBytes(1, 0),
		Subjects: []string{topic.Filter(topic.ClassSource, benchTopic)},
	}, topic.JetStreamConfig{})
	if err != nil {
		return nil, err
	}
	subject := topic.Subject(topic.ClassSource, benchTopic, 0, benchWriter)
	return measured(func() (int64, error) {
		var last uint64
		for _, data := range encoded {
			if last, err = log.Append(ctx, &topic.Message{Subject: subject, Data: data}, last); err != nil {
				return 0, fmt.Errorf("append: %w", err)
			}
		}
		return 0, nil
	})
}
