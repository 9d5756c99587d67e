package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// crashing is a log that ends a context at its n-th append, before or behind it.
type crashing struct {
	topic.Log
	left  *atomic.Int64
	crash context.CancelFunc
	after bool
}

func (c *crashing) Append(ctx context.Context, m *topic.Message, expect uint64) (uint64, error) {
	if c.left.Add(-1) > 0 {
		return c.Log.Append(ctx, m, expect)
	}
	if c.after {
		_, _ = c.Log.Append(ctx, m, expect)
	}
	c.crash()
	return 0, topic.ErrNoAnswer
}

// wanted reads a source without a log: the ids of its rows in order, and its bad rows.
func wanted(t *testing.T, src source.Source, cfg source.Config) (ids []int64, bad []string) {
	t.Helper()
	r, err := source.Open(t.Context(), src, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ids, bad
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, b.Cols[0].I64[:b.Rows]...)
		for _, row := range r.Bad() {
			bad = append(bad, string(row.Original))
		}
	}
}

// logged reads rows and dead letters back: the ids of each partition, whether each partition has ended, the originals.
func logged(t *testing.T, log, dead *topic.Memory, partitions int) (ids [][]int64, ended int, bad []string) {
	t.Helper()
	ids = make([][]int64, partitions)
	ends := make([]bool, partitions)
	for _, m := range log.Messages() {
		place, err := topic.ParseSubject(m.Subject)
		if err != nil {
			t.Fatal(err)
		}
		var b messages.ProcessBatch
		if err := messages.DecodeProcessBatch(m.Data, &b); err != nil {
			t.Fatal(err)
		}
		if b.Columns.Rows > 0 {
			ids[place.Partition] = append(ids[place.Partition], b.Columns.Cols[0].I64[:b.Columns.Rows]...)
		}
		ends[place.Partition] = b.End
	}
	for _, e := range ends {
		if e {
			ended++
		}
	}
	for _, m := range dead.Messages() {
		if len(m.Data) == 0 {
			continue // an epoch
		}
		d, err := messages.DecodeDeadLetter(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		bad = append(bad, string(d.Original))
	}
	return ids, ended, bad
}

// crashUntilDone runs a pump again and again, crashing at random appends, until it comes to the end of the source.
func crashUntilDone(t *testing.T, seed uint64, partitions int, pump func() *Pump) (log, dead *topic.Memory, runs int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	log, dead = topic.NewMemory(topic.MemoryConfig{}), topic.NewMemory(topic.MemoryConfig{})
	for runs = 1; ; runs++ {
		ctx, cancel := context.WithCancel(t.Context())
		var left atomic.Int64
		left.Store(1 << 40)
		if runs < 40 {
			left.Store(int64(partitions) + 2 + r.Int64N(8))
		}
		after := r.IntN(2) == 0
		p := pump()
		p.Epoch, p.Logs = uint64(runs), nil
		for range partitions {
			p.Logs = append(p.Logs, &crashing{log, &left, cancel, after})
		}
		p.Dead = &crashing{dead, &left, cancel, after}
		err := p.Run(ctx)
		cancel()
		if err == nil {
			return log, dead, runs
		}
		if left.Load() > 0 {
			t.Fatalf("seed %d, run %d: %v", seed, runs, err)
		}
	}
}

// rows are what a source has, and what the log of the run of a seed should have.
type rows struct {
	seed uint64
	ids  []int64
	bad  []string
}

func checkLogged(t *testing.T, log, dead *topic.Memory, partitions int, want rows) {
	t.Helper()
	ids, ended, bad := logged(t, log, dead, partitions)
	var all []int64
	for p, part := range ids {
		if !slices.IsSorted(part) {
			t.Errorf("seed %d: partition %d is out of order", want.seed, p)
		}
		all = append(all, part...)
	}
	slices.Sort(all)
	if !slices.Equal(all, want.ids) {
		t.Errorf("seed %d: %d rows in the log, %d in the source", want.seed, len(all), len(want.ids))
	}
	if !slices.Equal(bad, want.bad) {
		t.Errorf("seed %d: %d dead letters, want %d", want.seed, len(bad), len(want.bad))
	}
	if ended != partitions {
		t.Errorf("seed %d: %d of %d partitions have ended", want.seed, ended, partitions)
	}
}

func TestPumpCrashesAndResumesGenerator(t *testing.T) {
	t.Parallel()
	schema, _ := source.GeneratorSchema("trades")
	for seed := range uint64(20) {
		partitions := 1 + int(seed%4)
		cfg := source.Config{Schema: schema, EventTime: "ts", MaxRows: 37}
		market := func() source.Source {
			return &source.Generator{Kind: "trades", Seed: seed, Limit: 1500, Symbols: 20, Malformed: 0.02}
		}
		want, bad := wanted(t, market(), cfg)
		log, dead, _ := crashUntilDone(t, seed, partitions, func() *Pump {
			return &Pump{
				Name: "trades", Topic: "trades", Writer: "ingest", Source: market(), Text: true, Config: cfg,
				Keys: []int{1}, Correlation: -1,
			}
		})
		if len(bad) == 0 {
			t.Error("no malformed rows: the test shows nothing about dead letters")
		}
		checkLogged(t, log, dead, partitions, rows{seed, want, bad})
	}
}

func TestPumpCrashesAndResumesFile(t *testing.T) {
	t.Parallel()
	schema := &vector.Schema{Fields: []vector.Field{
		{Name: "id", Type: vector.TBigInt},
		{Name: "s", Type: vector.TString},
	}}
	var text strings.Builder
	text.WriteString("s,id\n")
	for i := range 2000 {
		switch {
		case i%97 == 0:
			text.WriteString("no number,x\n")
		case i%13 == 0:
			fmt.Fprintf(&text, "\"two\nlines\",%d\n", i)
		default:
			fmt.Fprintf(&text, "name %d,%d\n", i%31, i)
		}
	}
	path := filepath.Join(t.TempDir(), "f.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := source.Config{Format: "csv", Schema: schema, MaxRows: 61}
	want, bad := wanted(t, &source.File{Path: path}, cfg)
	for seed := range uint64(10) {
		log, dead, runs := crashUntilDone(t, seed, 2, func() *Pump {
			return &Pump{
				Name: "f", Topic: "f", Writer: "ingest", Source: &source.File{Path: path}, Text: true,
				Config: cfg, Keys: []int{0}, Correlation: -1,
			}
		})
		if runs < 3 {
			t.Errorf("seed %d: only %d runs", seed, runs)
		}
		checkLogged(t, log, dead, 2, rows{seed, want, bad})
	}
}

func TestPumpFailFast(t *testing.T) {
	t.Parallel()
	schema := &vector.Schema{Fields: []vector.Field{{Name: "id", Type: vector.TBigInt}}}
	path := filepath.Join(t.TempDir(), "f.jsonl")
	if err := os.WriteFile(path, []byte("{\"id\":1}\n{\"id\":2}\n{\"id\":\"x\"}\n{\"id\":4}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := topic.NewMemory(topic.MemoryConfig{})
	p := &Pump{
		Name: "f", Topic: "f", Writer: "ingest", Epoch: 1, Source: &source.File{Path: path}, Text: true,
		Config: source.Config{Schema: schema, OnError: source.FailFast}, Logs: []topic.Log{log}, Correlation: -1,
	}
	err := p.Run(t.Context())
	var bad *source.BadRowError
	if !errors.As(err, &bad) || bad.Bad.Line != 3 {
		t.Fatalf("got %v, want the bad row of line 3", err)
	}
	ids, _, _ := logged(t, log, topic.NewMemory(topic.MemoryConfig{}), 1)
	if !slices.Equal(ids[0], []int64{1, 2}) {
		t.Errorf("rows before the bad one: %v", ids[0])
	}
}
