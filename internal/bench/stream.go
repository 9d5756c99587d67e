package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// W5 is W2 from a JetStream subject, one row a message, to a JetStream subject; W5b has batchRows rows a message. The
// messages are there before the clock starts; it ends when the last result is stored.
const (
	inStream   = "BENCH_IN"
	inSubject  = "bench.in"
	outStream  = "BENCH_OUT"
	outSubject = "bench.out"
	batchRows  = 256
	stallAfter = 20 * time.Second
	// The share of the rows: with one row a message, with batchRows.
	streamShare, batchShare = 10, 4
)

const streamScript = `CREATE STREAM trades (symbol STRING, price DECIMAL(18,4), volume BIGINT, ts BIGINT, venue STRING)
  WITH (connector = 'nats', subject = '` + inSubject + `', format = 'json', event_time = 'ts',
        watermark = '1s', partitions = 1);
CREATE TABLE stats AS SELECT symbol, window_start, COUNT(*) AS n, AVG(price) AS avg, MIN(price) AS lo, MAX(price) AS hi
  FROM trades WINDOW TUMBLING(1s) GROUP BY symbol EMIT FINAL;
CREATE SINK s FROM stats TO NATS '` + outSubject + `';`

// stream measures W5 and W5b.
func (b *bench) stream(ctx context.Context, name string, perMessage int) error {
	rows := max(minRows, b.cfg.Rows/batchShare)
	if perMessage == 1 {
		rows = max(minRows, b.cfg.Rows/streamShare)
	}
	in, err := b.input(fmt.Sprintf("trades.%d.ndjson", rows), func(p string) error { return writeTrades(p, rows) })
	if err != nil {
		return err
	}
	_, want, err := b.child(ctx, "limit", "w2", in, "", b.path("want"), allColumns["w2"])
	if err != nil {
		return err
	}
	// The float averages of the program by hand are not compared.
	_, wantHand, err := b.child(ctx, "answer", b.path("want"), handColumns["w2"])
	if err != nil {
		return err
	}
	logBytes := 0.0
	m, err := b.rounds(ctx, []entrant{
		{name, func() (usage, error) {
			u, bytes, err := b.streamLeat(ctx, in, perMessage, want)
			logBytes = bytes
			return u, err
		}},
		{"hand." + name, func() (usage, error) { return b.streamHand(ctx, in, perMessage, wantHand.Answer) }},
	})
	if err != nil {
		return err
	}
	hand := m["hand."+name].result("hand." + name)
	r := m[name].result(name)
	r.BytesPerRecord = logBytes
	b.add(r, &hand)
	b.add(hand, nil)
	return nil
}

// streamLeat is one run of leat dev. It returns the bytes a row takes on Leat's log too.
func (b *bench) streamLeat(
	ctx context.Context, in string, perMessage int, want *childReport,
) (u usage, perRow float64, err error) {
	d, err := b.dev(ctx)
	if err != nil {
		return u, 0, err
	}
	defer func() {
		all, cerr := d.close()
		u.peak = all.peak
		err = errors.Join(err, cerr)
	}()
	out, err := loadStreams(ctx, d.js, in, perMessage)
	if err != nil {
		return u, 0, err
	}
	start, c := time.Now(), d.cpu()
	if err := d.execute(ctx, streamScript); err != nil {
		return u, 0, err
	}
	if err := d.stored(ctx, out, want.Answer.Rows); err != nil {
		return u, 0, err
	}
	u.wall, u.records = time.Since(start), want.Records
	if c > 0 {
		u.cpu = d.cpu() - c
	}
	got, err := answerOfStream(ctx, out, b.path("out"), allColumns["w2"])
	if err == nil {
		err = sameAnswer(got, want.Answer)
	}
	return u, float64(dirBytes(filepath.Join(d.data, "nats", "jetstream", "LEAT"))) / float64(want.Records), err
}

// loadStreams makes both streams and fills the first with the rows and one that closes their windows.
func loadStreams(ctx context.Context, js jetstream.JetStream, in string, perMessage int) (jetstream.Stream, error) {
	if _, err := makeStream(ctx, js, inStream, inSubject); err != nil {
		return nil, err
	}
	out, err := makeStream(ctx, js, outStream, outSubject)
	if err != nil {
		return nil, err
	}
	var message []byte
	rows := 0
	err = each(in, func(line []byte) error {
		if len(message) > 0 {
			message = append(message, '\n')
		}
		message = append(message, line...)
		if rows++; rows%perMessage != 0 {
			return nil
		}
		err := publish(js, inSubject, message)
		message = nil // it waits for its acknowledgement
		return err
	})
	if err == nil && len(message) > 0 {
		err = publish(js, inSubject, message)
	}
	if err == nil {
		last := trades{n: int64(rows)}
		err = publish(js, inSubject, last.appendLast(nil))
	}
	if err != nil {
		return nil, err
	}
	return out, flushed(ctx, js)
}

// stored waits until the stream holds n messages.
func (d *dev) stored(ctx context.Context, s jetstream.Stream, n int64) error {
	seen, moved := uint64(0), time.Now()
	for {
		info, err := s.Info(ctx)
		if err != nil {
			return fmt.Errorf("look at the results: %w", err)
		}
		switch {
		case info.State.Msgs >= uint64(n):
			return nil
		case info.State.Msgs > seen:
			seen, moved = info.State.Msgs, time.Now()
		case time.Since(moved) > stallAfter:
			return fmt.Errorf("%d of %d results, and no more for %s: %s", seen, n, stallAfter, d.stderr.String())
		}
		if err := d.ended(); err != nil {
			return err
		}
		if err := rest(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
}

// answerOfStream writes the messages of a stream to a file and sums them up.
func answerOfStream(ctx context.Context, s jetstream.Stream, path, columns string) (Answer, error) {
	info, err := s.Info(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("look at the results: %w", err)
	}
	err = writeFile(path, func(w *bufio.Writer) error {
		if info.State.Msgs == 0 {
			return nil
		}
		c, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
		if err != nil {
			return fmt.Errorf("read the results: %w", err)
		}
		it, err := c.Messages(jetstream.PullMaxMessages(maxPending))
		if err != nil {
			return fmt.Errorf("read the results: %w", err)
		}
		defer it.Stop()
		for range info.State.Msgs {
			m, err := it.Next(jetstream.NextContext(ctx))
			if err != nil {
				return fmt.Errorf("read the results: %w", err)
			}
			if _, err := w.Write(append(m.Data(), '\n')); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	return answerOf(path, strings.Split(columns, ","))
}

// dirBytes is the size of the files below dir.
func dirBytes(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error { // what vanished does not count
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}

// streamHand is one run of the consumer written by hand.
func (b *bench) streamHand(ctx context.Context, in string, perMessage int, want Answer) (usage, error) {
	data, err := os.MkdirTemp(b.dir, "data-")
	if err != nil {
		return usage{}, fmt.Errorf("make a data folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(data) }() // a temporary folder
	u, r, err := b.child(ctx, "consumer", in, data, fmt.Sprint(perMessage), b.path("out"))
	if err == nil && r.Answer != want {
		err = fmt.Errorf("the consumer by hand answers %+v, want %+v", r.Answer, want)
	}
	return u, err
}
