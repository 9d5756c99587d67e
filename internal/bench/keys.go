package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const (
	stateKeys  = 10 // times the rows of the direct workloads
	keysScript = `CREATE STREAM g (k STRING, v BIGINT, ts BIGINT)
  WITH (connector = 'file', path = '-', format = 'json', event_time = 'ts');
SELECT k, COUNT(*) AS n, SUM(v) AS total, MIN(v) AS lo, MAX(v) AS hi FROM g GROUP BY k;`
	keyBatch = 4096
)

// keyState measures the state of many string keys, in a process of its own: memory a key, and one garbage collection.
func (b *bench) keyState(ctx context.Context) error {
	n := stateKeys * b.cfg.Rows
	u, r, err := b.child(ctx, "keys", strconv.Itoa(n))
	if err != nil {
		return err
	}
	res := u.result("keys_string")
	res.BytesPerRecord, res.GCMs = r.PerKey, ms(time.Duration(r.GCNs))
	b.add(res, nil)
	return nil
}

// keySource makes batches of rows with a key each, then looks at the memory before the input ends.
type keySource struct {
	schema *vector.Schema
	keys   int
	rounds int // times that each key comes
	next   int
	batch  *vector.Batch
	full   func()
}

var errMeasured = errors.New("measured")

// Next implements direct.Source.
func (s *keySource) Next(context.Context) (direct.Item, error) {
	if s.next == s.keys {
		if s.rounds--; s.rounds <= 0 {
			s.full()
			return direct.Item{}, errMeasured
		}
		s.next = 0
	}
	rows := min(keyBatch, s.keys-s.next)
	b := s.batch
	for i, f := range s.schema.Fields {
		v := b.Cols[i]
		v.Len, v.I64, v.Data, v.Offs = rows, v.I64[:0], v.Data[:0], v.Offs[:0]
		text := f.Type.Phys() == vector.PhysStr
		if text {
			v.Offs = append(v.Offs, 0)
		}
		for k := range rows {
			if !text {
				v.I64 = append(v.I64, int64(s.next+k))
				continue
			}
			v.Data = append(v.Data, "key"...)
			v.Data = appendPadded(v.Data, spread(s.next+k, s.keys))
			v.Offs = append(v.Offs, uint32(len(v.Data)))
		}
	}
	b.Rows, b.Time = rows, b.Time[:0]
	for range rows {
		b.Time = append(b.Time, firstTime)
	}
	s.next += rows
	return direct.Item{Batch: b, Writer: "bench"}, nil
}

func appendPadded(dst []byte, k int) []byte {
	digits := strconv.Itoa(k)
	for range 9 - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// discard is a sink for a run whose results do not count.
type discard struct{}

func (discard) Result(string, int, *vector.Batch) error            { return nil }
func (discard) Dead(string, *vector.Batch, uint32, string, string) {}
func (discard) Late(string, *vector.Batch, []uint32)               {}

// childKeys groups by as many keys as it is told, then measures the state.
func childKeys(ctx context.Context, args []string) (*childReport, error) {
	n, err := number(arg(args, 0))
	if err != nil {
		return nil, err
	}
	return groupKeys(ctx, n, 1, nil)
}

// groupKeys groups by n keys that come several times, with the state in a budget.
func groupKeys(ctx context.Context, n, rounds int, budget *arena.Budget) (*childReport, error) {
	prog, errs := script.Compile(ctx, keysScript, script.Options{})
	if len(errs) > 0 {
		return nil, fmt.Errorf("compile: %w", errs[0])
	}
	in := prog.Result.Stages[0].Inputs[0]
	src := &keySource{schema: in.Schema, keys: n, rounds: rounds, batch: vector.NewBatch(in.Schema, keyBatch)}
	run, err := direct.New(direct.Config{
		Plans: []*plan.Plan{prog.Result}, Sink: discard{}, OnError: stage.DeadLetter, Budget: budget,
		Inputs: []direct.Input{{Topic: in.Topic, Writers: direct.One("bench"), Source: src}},
	})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	before := heap()
	var bytes uint64
	var gc time.Duration
	src.full = func() {
		bytes = heap() - before
		c := ownCPU()
		runtime.GC()
		gc = ownCPU() - c
	}
	r, err := measured(func() (int64, error) {
		if err := run.Run(ctx); !errors.Is(err, errMeasured) {
			return 0, fmt.Errorf("build the state: %w", err)
		}
		return int64(n * rounds), nil
	})
	if err != nil {
		return nil, err
	}
	var used uint64
	for _, c := range run.Counts() {
		used, r.StateBytes, r.StoredBytes = max(used, c.In), c.StateBytes, c.StoredBytes
	}
	if used != uint64(n*rounds) {
		return nil, fmt.Errorf("the state took %d of %d rows", used, n*rounds)
	}
	r.PerKey, r.GCNs = float64(bytes)/float64(n), int64(gc)
	return r, nil
}

// heap is the memory in use behind a garbage collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
