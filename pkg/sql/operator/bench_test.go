package operator

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const benchRows = 4096

// benchBatches makes batches of the columns key (int, and the same as dictionary string), value, price; time moves by
// one ms every rowsPerMs rows.
func benchBatches(n, groups, rowsPerMs int) (*vector.Schema, []*vector.Batch) {
	s := fields("id:BIGINT sym:STRING v:BIGINT p:DECIMAL(10,2) d:DOUBLE")
	x := uint64(88172645463325252)
	var out []*vector.Batch
	at := 0
	for range n {
		b := vector.NewBatch(s, benchRows)
		dict := map[uint64]uint32{}
		sym := b.Cols[1]
		sym.Codes, sym.Offs = []uint32{}, []uint32{0}
		for range benchRows {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			k := x % uint64(groups)
			c, ok := dict[k]
			if !ok {
				c = uint32(len(sym.Offs) - 1)
				dict[k] = c
				sym.Data = strconv.AppendUint(append(sym.Data, "CUST-"...), k, 10)
				sym.Offs = append(sym.Offs, uint32(len(sym.Data)))
			}
			sym.Codes = append(sym.Codes, c)
			b.Cols[0].I64 = append(b.Cols[0].I64, int64(k*7919))
			b.Cols[2].I64 = append(b.Cols[2].I64, int64(x>>40))
			b.Cols[3].I64 = append(b.Cols[3].I64, int64(x>>44))
			b.Cols[4].F64 = append(b.Cols[4].F64, float64(x>>44)/100)
			b.Time = append(b.Time, int64(at/rowsPerMs))
			at++
		}
		for _, v := range b.Cols {
			v.Len = benchRows
		}
		b.Rows = benchRows
		out = append(out, b)
	}
	return s, out
}

func benchSpec(in *vector.Schema, keys []int, w Window, emit Emission, aggs ...Agg) *Aggregate {
	spec := &Aggregate{Keys: keys, Window: w, Emit: emit, Aggs: aggs, Schema: &vector.Schema{}}
	for _, k := range keys {
		spec.Schema.Fields = append(spec.Schema.Fields, in.Fields[k])
	}
	if w.Kind != NoWindow {
		spec.Schema.Fields = append(spec.Schema.Fields, fields("s:BIGINT e:BIGINT").Fields...)
	}
	for i, a := range aggs {
		var args []vector.Type
		for _, c := range a.Args {
			args = append(args, in.Fields[c].Type)
		}
		t, err := ResolveAggIn(expr.Leat, a.Func, args)
		if err != nil {
			panic(err)
		}
		spec.Schema.Fields = append(spec.Schema.Fields, vector.Field{Name: "a" + strconv.Itoa(i), Type: t})
	}
	return spec
}

func four(col int) []Agg {
	return []Agg{
		{Func: "COUNT", Filter: -1},
		{Func: "SUM", Args: []int{col}, Filter: -1},
		{Func: "MIN", Args: []int{col}, Filter: -1},
		{Func: "MAX", Args: []int{col}, Filter: -1},
	}
}

type nothing struct{ noReport }

func (nothing) emit(*vector.Batch) {}

// cpuTime is the CPU time of the process in ns: the machine may be busy with other things.
func cpuTime() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func benchChain(b *testing.B, in *vector.Schema, batches []*vector.Batch, specs ...Spec) {
	b.Helper()
	c, err := BuildOn([]*vector.Schema{in}, specs, nothing{}, nothing{}.emit)
	if err != nil {
		b.Fatal(err)
	}
	span := batches[len(batches)-1].Time[benchRows-1] + 1
	shift := int64(0)
	pass := func() {
		for _, batch := range batches {
			c.Process(0, batch)
			c.Advance(batch.Time[batch.Rows-1] - 1)
			c.Flush()
		}
		shift += span
		for _, batch := range batches {
			for i := range batch.Time {
				batch.Time[i] += span
			}
		}
	}
	pass()
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	cpu := cpuTime()
	for b.Loop() {
		pass()
		n += len(batches) * benchRows
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(n), "cpu-ns/row")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkGroup(b *testing.B) {
	for _, g := range []int{500, 100_000, 1_000_000} {
		n := max(64, 2*g/benchRows)
		in, batches := benchBatches(n, g, 1000)
		for _, k := range []struct {
			name string
			col  int
		}{{"int", 0}, {"dict", 1}} {
			b.Run(fmt.Sprintf("%s/%d", k.name, g), func(b *testing.B) {
				benchChain(b, in, batches, benchSpec(in, []int{k.col}, Window{}, EmitFinal, four(2)...))
			})
		}
	}
	in, batches := benchBatches(64, 500, 1000)
	b.Run("dict+int/500", func(b *testing.B) {
		benchChain(b, in, batches, benchSpec(in, []int{1, 0}, Window{}, EmitFinal, four(2)...))
	})
	b.Run("changes/500", func(b *testing.B) {
		benchChain(b, in, batches, benchSpec(in, []int{1}, Window{}, EmitBatch, four(2)...))
	})
	b.Run("decimal_avg_stddev/500", func(b *testing.B) {
		benchChain(b, in, batches, benchSpec(in, []int{1}, Window{}, EmitFinal, Agg{
			Func: "AVG", Args: []int{3},
			Filter: -1,
		},
			Agg{Func: "AVG", Args: []int{4}, Filter: -1}, Agg{Func: "STDDEV", Args: []int{4}, Filter: -1}))
	})
	b.Run("count_distinct/500", func(b *testing.B) {
		benchChain(b, in, batches, benchSpec(in, []int{1}, Window{Kind: Tumbling, SizeMs: 100}, EmitFinal,
			Agg{Func: "COUNT", Args: []int{3}, Distinct: true, Filter: -1}))
	})
}

// BenchmarkWindow: 10,000 rows a hop of 10 ms, 500 keys, as in the workloads.
func BenchmarkWindow(b *testing.B) {
	in, batches := benchBatches(256, 500, 1000)
	for name, w := range map[string]Window{
		"tumbling":  {Kind: Tumbling, SizeMs: 10},
		"hopping12": {Kind: Hopping, SizeMs: 120, AdvanceMs: 10},
		"session":   {Kind: Session, SizeMs: 3},
	} {
		b.Run(name, func(b *testing.B) {
			benchChain(b, in, batches, benchSpec(in, []int{1}, w, EmitFinal, four(2)...))
		})
	}
	b.Run("tumbling_changes", func(b *testing.B) {
		benchChain(b, in, batches, benchSpec(in, []int{1}, Window{Kind: Tumbling, SizeMs: 10}, EmitBatch, four(2)...))
	})
}

func BenchmarkOver(b *testing.B) {
	in, batches := benchBatches(64, 500, 1000)
	over := func(fn string, col int, t vector.Type, rangeMs, rows int64) *Over {
		s := &vector.Schema{Fields: append([]vector.Field{}, in.Fields...)}
		s.Fields = append(s.Fields, vector.Field{Name: "o", Type: t})
		return &Over{Partition: []int{1}, Schema: s, Aggs: []OverAgg{{
			Func: fn, Args: []int{col}, RangeMs: rangeMs,
			Rows: rows, T: t,
		}}}
	}
	b.Run("range_avg_decimal", func(b *testing.B) {
		benchChain(b, in, batches, over("AVG", 3, vector.TDecimal(38, 16), 100, -1))
	})
	b.Run("range_avg_double", func(b *testing.B) {
		benchChain(b, in, batches, over("AVG", 4, vector.TDouble, 100, -1))
	})
	b.Run("rows_max", func(b *testing.B) {
		benchChain(b, in, batches, over("MAX", 2, vector.TBigInt, -1, 100))
	})
}

func BenchmarkFilterProject(b *testing.B) {
	in, batches := benchBatches(64, 500, 1000)
	col := func(i int) expr.Expr { return &expr.Column{Index: i, Name: in.Fields[i].Name, T: in.Fields[i].Type} }
	out := &vector.Schema{Fields: []vector.Field{in.Fields[1], in.Fields[2]}}
	benchChain(b, in, batches, &Project{Exprs: []expr.Expr{col(1), col(2)}, Schema: out, EventTime: -1})
}

func BenchmarkLookup(b *testing.B) {
	in, batches := benchBatches(64, 500, 1000)
	table := fields("sym:STRING name:STRING rate:DOUBLE")
	s := &vector.Schema{Fields: append(append([]vector.Field{}, in.Fields...), table.Fields...)}
	c, err := BuildOn([]*vector.Schema{in, table}, []Spec{&LookupJoin{
		StreamKeys: []int{1}, TableKeys: []int{0},
		Schema: s,
	}},
		nothing{}, nothing{}.emit)
	if err != nil {
		b.Fatal(err)
	}
	rows := vector.NewBatch(table, 500)
	for k := range 500 {
		for i, v := range []string{fmt.Sprintf("CUST-%d", k), fmt.Sprintf("name of %d", k), "1.5"} {
			if err := parseCell(rows.Cols[i], v); err != nil {
				b.Fatal(err)
			}
		}
		rows.Time = append(rows.Time, 0)
		rows.Rows++
	}
	c.Process(1, rows)
	b.ReportAllocs()
	n := 0
	cpu := cpuTime()
	for b.Loop() {
		for _, batch := range batches {
			c.Process(0, batch)
		}
		n += len(batches) * benchRows
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(n), "cpu-ns/row")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkState is the memory per key and the cost of one collection; LEAT_BENCH_KEYS sets the number of keys.
func BenchmarkState(b *testing.B) {
	keys := 200_000
	if n, err := strconv.Atoi(os.Getenv("LEAT_BENCH_KEYS")); err == nil {
		keys = n
	}
	in := fields("sym:STRING v:BIGINT")
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	c, err := BuildOn([]*vector.Schema{in}, []Spec{benchSpec(in, []int{0}, Window{}, EmitFinal, four(1)...)}, nothing{},
		nothing{}.emit)
	if err != nil {
		b.Fatal(err)
	}
	batch := vector.NewBatch(in, benchRows)
	for k := 0; k < keys; {
		for _, v := range batch.Cols {
			vector.Reset(v)
		}
		batch.Time, batch.Rows = batch.Time[:0], 0
		for ; batch.Rows < benchRows && k < keys; k++ {
			s := batch.Cols[0]
			s.Data = strconv.AppendInt(append(s.Data, "CUST-"...), int64(k), 10)
			s.Offs = append(s.Offs, uint32(len(s.Data)))
			s.Len++
			appendWord(batch.Cols[1], uint64(k))
			batch.Time = append(batch.Time, int64(k))
			batch.Rows++
		}
		c.Process(0, batch)
	}
	held := float64(heap()-before) / float64(keys)
	cpu := cpuTime()
	for b.Loop() {
		runtime.GC()
	}
	b.ReportMetric(float64(cpuTime()-cpu)/1e6/float64(b.N), "cpu-ms/GC")
	b.ReportMetric(held, "B/key")
	b.ReportMetric(float64(c.StateBytes())/float64(keys), "state_B/key")
	runtime.KeepAlive(c)
}
