package task

import (
	"fmt"
	"testing"

	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/internal/topic/topictest"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// pass is a machine that hands its rows on, spread over the partitions.
type pass struct {
	parts int
	n     uint64
	sel   [][]uint32
}

func (m *pass) Step(_ int, _ string, in *vector.Batch, out Output) {
	for p := range m.sel {
		m.sel[p] = m.sel[p][:0]
	}
	for i := range in.Rows {
		p := int(in.Cols[1].I64[i]) % m.parts
		m.sel[p] = append(m.sel[p], uint32(i))
	}
	for p, sel := range m.sel {
		if len(sel) > 0 {
			part := *in
			part.Sel = sel
			out.Rows(0, p, &part)
		}
	}
	m.n += uint64(in.Rows)
	out.Watermark(0, in.Watermark, false)
}
func (m *pass) Snapshot(dst []byte) []byte    { return dst }
func (m *pass) Restore([]byte) error          { return nil }
func (m *pass) Scan(func(*vector.Batch)) bool { return false }
func (m *pass) StateBytes() int64             { return 0 }
func (m *pass) Counts() Counts                { return Counts{In: m.n, Used: m.n, Out: m.n} }

// BenchmarkTask runs an exchange from one partition to eight, recovery and end included, over an embedded server.
func BenchmarkTask(b *testing.B) {
	for _, rows := range []int{64, 4096} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) { benchTask(b, rows) })
	}
}

func benchTask(b *testing.B, rows int) {
	b.Helper()
	const total, parts = 1 << 20, 8
	js := topictest.StartServer(b, b.TempDir()).Connect(b)
	shard := func(name, class string) topic.Log {
		log, err := topic.CreateShard(b.Context(), js, topic.ShardConfig{
			Name: topic.ShardName(name, 0), Subjects: []string{topic.Filter(class, name)}, MaxBytes: 1 << 30,
			WriterSubjects: 8,
		}, topic.JetStreamConfig{})
		if err != nil {
			b.Fatal(err)
		}
		return log
	}
	in := shard("S", topic.ClassSource)
	a, err := NewAppender(AppenderConfig{
		Name: "i0", Epoch: 1, Topic: "S", Schema: toySchema, Logs: []topic.Log{in},
		Limits: Limits{MessageBytes: rows * 48},
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err = a.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- a.Run(b.Context()) }()
	list := make([]toyRow, rows)
	for n := 0; n < total; n += rows {
		for i := range list {
			list[i] = toyRow{id: int64(n + i), key: int64(i * 7 % 64), t: int64(n + i)}
		}
		batch := toyBatch(list)
		batch.Watermark = int64(n)
		if n+rows >= total {
			batch.Watermark = vector.MaxTime
		}
		if err = a.Write(b.Context(), 0, batch, ""); err != nil {
			b.Fatal(err)
		}
	}
	a.Close()
	if err = <-ran; err != nil {
		b.Fatal(err)
	}
	run := 0
	for b.Loop() {
		run++
		out := shard(fmt.Sprintf("E%d", run), topic.ClassResult)
		logs := make([]topic.Log, parts)
		for p := range logs {
			logs[p] = out
		}
		err = Run(b.Context(), Config{
			Name: fmt.Sprintf("x%d", run), Epoch: 1, Snapshots: state.NewMemory(), Bounded: true,
			Machine: &pass{parts: parts, sel: make([][]uint32, parts)},
			Inputs: []Input{{
				Topic: "S", Log: in, Schema: toySchema,
				Filters: []string{topic.PartitionFilter(topic.ClassSource, "S", 0)},
			}},
			Outputs: []OutputConfig{{Topic: fmt.Sprintf("E%d", run), Schema: toySchema, Logs: logs}},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/total, "ns/row")
}
