package expr

import (
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// BenchmarkCollections reports the time for one element of 1,024 arrays of eight.
func BenchmarkCollections(b *testing.B) {
	batch := &vector.Batch{Rows: 1024, Time: make([]int64, 1024)}
	list := []any{int64(5), int64(1), int64(7), nil, int64(2), int64(2), int64(9), int64(0)}
	for k, x := range []any{list, list, int64(2)} {
		v := vector.NewVector([]vector.Type{modelColumns["a"].T, modelColumns["b"].T, modelColumns["n"].T}[k], 1024)
		for range batch.Rows {
			if err := vector.AppendAny(v, x); err != nil {
				b.Fatal(err)
			}
		}
		batch.Cols = append(batch.Cols, v)
	}
	for _, sql := range []string{
		"TRANSFORM(a, x => x + n)", "FILTER(a, x => x > n)", "REDUCE(a, n, (s, x) => s + x)", "a[n]",
		"ARRAY_DISTINCT(a)", "ARRAY_CONTAINS(a, n)", "CAST(a AS ARRAY<DOUBLE>)", "ARRAY[n, n]",
	} {
		b.Run(sql, func(b *testing.B) {
			p, err := Compile(mustBind(b, sql, modelColumns))
			if err != nil {
				b.Fatal(err)
			}
			ctx := &Context{}
			for b.Loop() {
				ctx.Errors = ctx.Errors[:0]
				p.Eval(ctx, batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8192, "ns/element")
		})
	}
}
