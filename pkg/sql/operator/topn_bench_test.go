package operator

import (
	"fmt"
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// BenchmarkTopN: the first rows of each group by price, of a stream and of a changelog whose rows are replaced.
func BenchmarkTopN(b *testing.B) {
	for _, c := range []struct {
		groups int
		n      int64
		key    bool
	}{{100_000, 1, false}, {100_000, 10, false}, {1_000_000, 1, false}, {1_000_000, 10, false}, {100_000, 1, true}} {
		in, batches := benchBatches(max(64, 2*c.groups/benchRows), c.groups, 1000)
		spec := &TopN{
			Partition: []int{0}, Order: []SortKey{{Col: 3, Desc: true}}, N: c.n, WindowEnd: -1, Schema: in,
		}
		if c.key { // a row of each value of v mod 2^24 is replaced now and then
			spec.Key = []int{2}
		}
		b.Run(fmt.Sprintf("groups=%d/n=%d/key=%v", c.groups, c.n, c.key), func(b *testing.B) {
			benchChain(b, in, batches, spec)
		})
	}
}

// BenchmarkFunctions: states of 500 groups.
func BenchmarkFunctions(b *testing.B) {
	in, batches := benchBatches(64, 500, 1000)
	for _, a := range []Agg{
		{Func: "MEDIAN", Args: []int{2}},
		{Func: "ARG_MAX", Args: []int{1, 2}},
		{Func: "APPROX_COUNT_DISTINCT", Args: []int{2}},
		{Func: "CORR", Args: []int{2, 4}},
		{Func: "APPROX_PERCENTILE", Args: []int{4, 4}},
	} {
		a.Filter = -1
		if a.Func == "APPROX_PERCENTILE" {
			for _, bt := range batches {
				for i := range bt.Cols[4].F64 {
					bt.Cols[4].F64[i] = float64(i) / benchRows
				}
			}
		}
		b.Run(a.Func, func(b *testing.B) {
			benchChain(b, in, batches, benchSpec(in, []int{0}, Window{}, EmitFinal, a))
		})
	}
	b.Run("MAX with retraction", func(b *testing.B) {
		spec := benchSpec(in, []int{0}, Window{}, EmitBatch, Agg{Func: "MAX", Args: []int{2}, Filter: -1})
		spec.Retracts = true
		for _, bt := range batches {
			bt.Ops = make([]vector.Op, bt.Rows)
			for i := range bt.Ops {
				if i%2 == 1 {
					bt.Ops[i] = vector.Delete
					bt.Cols[0].I64[i], bt.Cols[2].I64[i] = bt.Cols[0].I64[i-1], bt.Cols[2].I64[i-1]
				}
			}
		}
		benchChain(b, in, batches, spec)
	})
}
