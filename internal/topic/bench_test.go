package topic_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/internal/topic/topictest"
)

var benchSizes = []int{128, 8 << 10, 64 << 10}

// BenchmarkAppend is one fenced append in flight over an embedded server: through Writer, and by nats.go alone.
func BenchmarkAppend(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("writer/%d", size), func(b *testing.B) {
			l := topictest.OpenJetStream(b, topictest.StartServer(b, b.TempDir()).Connect(b), 4<<30-1)
			w := topic.NewWriter(topic.WriterConfig{Log: l, Subject: topictest.Sub(0, "w")})
			if _, err := w.Fence(b.Context(), epoch(1)); err != nil {
				b.Fatal(err)
			}
			data := make([]byte, size)
			defer perByte(b, size)
			row := 0
			for b.Loop() {
				row++
				h := map[string]string{topic.HeaderProvenance: strconv.Itoa(row)}
				if _, err := w.Append(b.Context(), h, data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("raw/%d", size), func(b *testing.B) {
			js := topictest.StartServer(b, b.TempDir()).Connect(b)
			topictest.OpenJetStream(b, js, 4<<30-1)
			data := make([]byte, size)
			defer perByte(b, size)
			last := uint64(0)
			for b.Loop() {
				ack, err := js.PublishMsg(b.Context(), &nats.Msg{
					Subject: topictest.Sub(0, "w"), Data: data,
					Header: nats.Header{topic.HeaderProvenance: {strconv.FormatUint(last, 10)}},
				}, jetstream.WithExpectLastSequencePerSubject(last))
				if err != nil {
					b.Fatal(err)
				}
				last = ack.Sequence
			}
		})
	}
}

// BenchmarkRead reads a topic of 64 MB (or 100,000 messages) again and again: through Reader, and by nats.go alone with
// the same bytes asked for.
func BenchmarkRead(b *testing.B) {
	for _, size := range benchSizes {
		js := topictest.StartServer(b, b.TempDir()).Connect(b)
		l := topictest.OpenJetStream(b, js, 4<<30-1)
		n := min(100_000, 64<<20/size)
		fillBench(b, js, n, size)
		b.Run(fmt.Sprintf("reader/%d", size), func(b *testing.B) {
			defer perByte(b, size)
			var r *topic.Reader
			left := 0
			for b.Loop() {
				if left == 0 {
					if r != nil {
						r.Close()
					}
					r, left = newReader(l, topic.ReaderConfig{}), n
				}
				if m, _, err := r.Next(b.Context()); err != nil || len(m.Data) != size {
					b.Fatal(err)
				}
				left--
			}
			r.Close()
		})
		b.Run(fmt.Sprintf("raw/%d", size), func(b *testing.B) {
			defer perByte(b, size)
			var it jetstream.MessagesContext
			left := 0
			for b.Loop() {
				if left == 0 {
					if it != nil {
						it.Stop()
					}
					c, err := js.CreateConsumer(b.Context(), "LEAT_x_0", jetstream.ConsumerConfig{
						AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true,
						FilterSubject: topic.PartitionFilter(topic.ClassSource, "x", 0),
					})
					if err != nil {
						b.Fatal(err)
					}
					if it, err = c.Messages(jetstream.PullMaxBytes(1 << 20)); err != nil {
						b.Fatal(err)
					}
					left = n
				}
				if m, err := it.Next(); err != nil || len(m.Data()) != size {
					b.Fatal(err)
				}
				left--
			}
			it.Stop()
		})
	}
}

// perByte reports the cost of a byte.
func perByte(b *testing.B, size int) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/B")
}

// fillBench appends n messages of a size, fenced, many in flight: each fence is the message before.
func fillBench(b *testing.B, js jetstream.JetStream, n, size int) {
	b.Helper()
	data := make([]byte, size)
	for i := range n {
		_, err := js.PublishMsgAsync(&nats.Msg{
			Subject: topictest.Sub(0, "w"), Data: data, Header: nats.Header{topic.HeaderProvenance: {"p"}},
		}, jetstream.WithExpectLastSequencePerSubject(uint64(i)))
		if err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}

// BenchmarkSettle is the protocol of an append alone: what Writer costs over a log in memory.
func BenchmarkSettle(b *testing.B) {
	l := topic.NewMemory(topic.MemoryConfig{})
	w := topic.NewWriter(topic.WriterConfig{Log: nullLog{l}, Subject: topictest.Sub(0, "w")})
	if _, err := w.Fence(b.Context(), epoch(1)); err != nil {
		b.Fatal(err)
	}
	h := map[string]string{topic.HeaderProvenance: "p"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Append(b.Context(), h, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// nullLog takes every append at once.
type nullLog struct{ topic.Log }

func (nullLog) Append(_ context.Context, _ *topic.Message, expect uint64) (uint64, error) {
	return expect + 1, nil
}
