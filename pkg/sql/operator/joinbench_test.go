package operator

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

var (
	benchLeft  = fields("id:BIGINT name:STRING city:STRING state:STRING at:TIMESTAMP extra:STRING")
	benchRight = fields("ref:BIGINT bidder:BIGINT price:BIGINT channel:STRING url:STRING at:TIMESTAMP extra:STRING")
)

const benchPayload = "the quick brown fox jumps over the lazy dog and runs away from it as fast as it can, over hills"

// joinBatches makes n rows with keys below keys and times that grow by one ms every perMs rows.
func joinBatches(s *vector.Schema, n, keys, perMs int, seed uint64) []*vector.Batch {
	var out []*vector.Batch
	x := seed
	for at := 0; at < n; {
		b := vector.NewBatch(s, benchRows)
		for ; b.Rows < benchRows && at < n; at++ {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			t := int64(at / perMs)
			for k, v := range b.Cols {
				switch {
				case v.Type.Phys() == vector.PhysStr:
					v.Data = strconv.AppendUint(append(v.Data, benchPayload[:8+int(x>>50)%(20+k*10)]...), x>>44, 10)
					v.Offs = append(v.Offs, uint32(len(v.Data)))
				case k == 0:
					v.I64 = append(v.I64, int64(x%uint64(keys)))
				default:
					v.I64 = append(v.I64, t)
				}
				vector.SetLen(v, v.Len+1)
			}
			b.Time = append(b.Time, t)
			b.Rows++
		}
		out = append(out, b)
	}
	return out
}

type joinCounter struct {
	noReport
	rows int
}

func (c *joinCounter) emit(b *vector.Batch) { c.rows += b.Live() }

// benchJoin runs n left and n right rows in turns, by batches.
func benchJoin(b *testing.B, spec func() Spec, keys int) {
	b.Helper()
	const n = 1_000_000
	left, right := joinBatches(benchLeft, n, keys, 10, 88172645463325252), joinBatches(benchRight, n, keys, 10, 1<<40+7)
	b.ReportAllocs()
	rows, cpu, out, state := 0, int64(0), 0, int64(0)
	for b.Loop() {
		r := &joinCounter{}
		c, err := BuildOn([]*vector.Schema{benchLeft, benchRight}, []Spec{spec()}, r, r.emit)
		if err != nil {
			b.Fatal(err)
		}
		from := cpuTime()
		for i := range left {
			c.Process(0, left[i])
			c.Process(1, right[i])
			c.Advance(left[i].Time[0])
			c.Flush()
		}
		cpu += cpuTime() - from
		state = max(state, c.StateBytes())
		c.Advance(vector.MaxTime)
		rows, out = rows+2*n, out+r.rows
	}
	b.ReportMetric(float64(rows)/(float64(cpu)/1e9)/1e3, "K-events/cpu-s")
	b.ReportMetric(float64(out)/float64(rows), "results/event")
	b.ReportMetric(float64(state)/(1<<20), "state-MiB")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkJoin(b *testing.B) {
	s := bothSides(benchLeft, benchRight)
	for _, perKey := range []int{1, 5, 20} {
		keys := 1_000_000 / perKey
		name := func(what string) string { return fmt.Sprintf("%s/%d", what, perKey) }
		b.Run(name("window"), func(b *testing.B) {
			benchJoin(b, func() Spec {
				return &WindowJoin{
					LeftKeys: []int{0}, RightKeys: []int{0}, BeforeMs: 20_000, AfterMs: 20_000, Schema: s,
				}
			}, keys)
		})
		b.Run(name("change"), func(b *testing.B) {
			benchJoin(b, func() Spec { return &ChangeJoin{LeftKeys: []int{0}, RightKeys: []int{0}, Schema: s} }, keys)
		})
		b.Run(name("changeLeft"), func(b *testing.B) {
			benchJoin(b, func() Spec {
				return &ChangeJoin{Kind: LeftJoin, LeftKeys: []int{0}, RightKeys: []int{0}, Schema: s}
			}, keys)
		})
		b.Run(name("semi"), func(b *testing.B) {
			benchJoin(b, func() Spec {
				return &ChangeJoin{Kind: SemiJoin, LeftKeys: []int{0}, RightKeys: []int{0}, Schema: benchLeft}
			}, keys)
		})
		b.Run(name("table"), func(b *testing.B) {
			benchJoin(b, func() Spec { return &TableJoin{LeftKeys: []int{0}, RightKeys: []int{0}, Schema: s} }, keys)
		})
		b.Run(name("many"), func(b *testing.B) {
			benchJoin(b, func() Spec { return &LookupMany{StreamKeys: []int{0}, TableKeys: []int{0}, Schema: s} }, keys)
		})
		b.Run(name("asof"), func(b *testing.B) {
			benchJoin(b, func() Spec {
				return &AsofJoin{Kind: LeftJoin, LeftKeys: []int{0}, RightKeys: []int{0}, Schema: s}
			}, keys)
		})
	}
	b.Run("foreign", func(b *testing.B) {
		benchJoin(b, func() Spec {
			return &ForeignJoin{LeftPK: []int{1}, LeftKeys: []int{0}, RightKeys: []int{0}, Schema: s}
		}, 1_000_000)
	})
}
