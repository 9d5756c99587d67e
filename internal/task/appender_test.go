package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

var idSchema = &vector.Schema{Fields: []vector.Field{
	{Name: "id", Type: vector.TBigInt}, {Name: "s", Type: vector.TString},
}}

// idBatch makes rows from to to-1, with strings of uneven sizes.
func idBatch(from, to int) *vector.Batch {
	b := vector.NewBatch(idSchema, to-from)
	for i := from; i < to; i++ {
		b.Cols[0].I64 = append(b.Cols[0].I64, int64(i))
		b.Cols[1].Data = append(b.Cols[1].Data, fmt.Sprintf("%*d", i%17, i)...)
		b.Cols[1].Offs = append(b.Cols[1].Offs, uint32(len(b.Cols[1].Data)))
		b.Time = append(b.Time, int64(i))
	}
	vector.SetLen(b.Cols[0], to-from)
	vector.SetLen(b.Cols[1], to-from)
	b.Rows, b.Watermark = to-from, int64(to)
	return b
}

// ids reads the rows of a subject back from the log.
func ids(t interface{ Fatalf(string, ...any) }, log *topic.Memory, subject string) []int64 {
	var out []int64
	for _, m := range log.Messages() {
		if m.Subject != subject {
			continue
		}
		var b messages.ProcessBatch
		if err := messages.DecodeProcessBatch(m.Data, &b); err != nil {
			t.Fatalf("message %d: %v", m.Seq, err)
		}
		for i := range b.Columns.Rows {
			out = append(out, b.Columns.Cols[0].I64[i])
		}
	}
	return out
}

func appenderOver(t interface{ Fatalf(string, ...any) }, log topic.Log, epoch uint64, bytes int) *Appender {
	a, err := NewAppender(AppenderConfig{
		Name: "i0", Epoch: epoch, Topic: "orders", Schema: idSchema, Logs: []topic.Log{log},
		Limits: Limits{MessageBytes: bytes},
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return a
}

// TestAppenderResumes writes rows in random batches through owners that stop at random places, and finds each row once.
func TestAppenderResumes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		log := topic.NewMemory(topic.MemoryConfig{})
		const rows = 300
		for epoch := uint64(1); ; epoch++ {
			a := appenderOver(t, log, epoch, rapid.SampledFrom([]int{40, 400, 1 << 20}).Draw(t, "bytes"))
			found, err := a.Open(t.Context())
			if err != nil {
				t.Fatalf("open: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { _ = a.Run(ctx) })
			at := 0
			if found[0].Source != "" {
				if _, err = fmt.Sscan(found[0].Source, &at); err != nil {
					t.Fatalf("source: %v", err)
				}
			}
			stop := rows
			if epoch < 6 {
				stop = min(rows, at+rapid.IntRange(0, 120).Draw(t, "stop"))
			}
			for at < stop {
				n := min(rows-at, rapid.IntRange(1, 60).Draw(t, "batch"))
				if err = a.Write(ctx, 0, idBatch(at, at+n), fmt.Sprint(at+n)); err != nil {
					t.Fatalf("write: %v", err)
				}
				at += n
			}
			if epoch >= 6 {
				if err = a.Flush(ctx); err != nil {
					t.Fatalf("flush: %v", err)
				}
			}
			cancel()
			wg.Wait()
			if epoch >= 6 {
				break
			}
		}
		got := ids(t, log, topic.Subject(topic.ClassSource, "orders", 0, "i0"))
		want := make([]int64, rows)
		for i := range want {
			want[i] = int64(i)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %d rows %v, want 0..%d", len(got), got, rows-1)
		}
	})
}

func TestAppenderStaleOwnerStops(t *testing.T) {
	t.Parallel()
	log := topic.NewMemory(topic.MemoryConfig{})
	old, fresh := appenderOver(t, log, 1, 0), appenderOver(t, log, 2, 0)
	for _, a := range []*Appender{old, fresh} {
		if _, err := a.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ran := make(chan error, 1)
	go func() { ran <- old.Run(t.Context()) }()
	if err := old.Write(t.Context(), 0, idBatch(0, 1), "1"); err != nil {
		t.Fatal(err)
	}
	if err := <-ran; !errors.Is(err, topic.ErrFenced) {
		t.Fatalf("stale owner ended with %v, want %v", err, topic.ErrFenced)
	}
	if err := old.Write(t.Context(), 0, idBatch(1, 2), "2"); !errors.Is(err, topic.ErrFenced) {
		t.Fatalf("write of a stale owner: %v", err)
	}
	if again := appenderOver(t, log, 1, 0); again != nil {
		if _, err := again.Open(t.Context()); !errors.Is(err, topic.ErrFenced) {
			t.Fatalf("open with a lower epoch: %v", err)
		}
	}
}
