package expr

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

const benchRows = 4096

// benchColumns names the columns of benchBatch.
func benchColumns() columns {
	c := columns{}
	for i, f := range []vector.Field{
		{Name: "i", Type: vector.TBigInt},
		{Name: "j", Type: vector.TBigInt},
		{Name: "d", Type: vector.TDouble},
		{Name: "price", Type: vector.TDecimal(18, 4)},
		{Name: "size", Type: vector.TBigInt},
		{Name: "wide", Type: vector.TDecimal(30, 4)},
		{Name: "sym", Type: vector.TString},
		{Name: "flat", Type: vector.TString},
		{Name: "num", Type: vector.TString},
		{Name: "ts", Type: vector.TTimestamp},
	} {
		c[f.Name] = &Column{Index: i, Name: f.Name, T: f.Type}
	}
	return c
}

func benchBatch(n int) *vector.Batch {
	b := &vector.Batch{Rows: n, Time: make([]int64, n)}
	cols := benchColumns()
	for range cols {
		b.Cols = append(b.Cols, nil)
	}
	for _, c := range cols {
		b.Cols[c.Index] = vector.NewVector(c.T, n)
	}
	for r := range n {
		x := int64(uint64(r)*0x9e3779b97f4a7c15>>40) % 1000
		for _, k := range []int{0, 1, 3, 4} {
			b.Cols[k].I64 = append(b.Cols[k].I64, x+int64(k))
		}
		b.Cols[9].I64 = append(b.Cols[9].I64, 1_700_000_000_000+x*1000)
		b.Cols[2].F64 = append(b.Cols[2].F64, float64(x)/8)
		b.Cols[5].I128 = append(b.Cols[5].I128, vector.FromInt64(x*1e9))
		for k, s := range map[int]string{
			6: fmt.Sprintf("SYM%d", x%50), 7: fmt.Sprintf("/path/%d/item", x),
			8: fmt.Sprint(x),
		} {
			b.Cols[k].Data = append(b.Cols[k].Data, s...)
			b.Cols[k].Offs = append(b.Cols[k].Offs, uint32(len(b.Cols[k].Data)))
		}
	}
	for _, v := range b.Cols {
		vector.SetLen(v, n)
	}
	b.Cols[6] = encode(b.Cols[6])
	return b
}

var benchCases = []string{
	"i + j", "i * 3", "i / 7", "d * 2.5", "price * size", "price + 1.5", "price / 3", "wide + price",
	"i > 500", "sym = 'SYM7'", "flat = '/path/7/item'", "flat LIKE '%/7%'", "sym LIKE 'SYM1%'", "CAST(num AS BIGINT)",
	"CAST(num AS DECIMAL(10, 2))", "CAST(i AS STRING)", "CAST(i AS DOUBLE)", "UPPER(sym)", "UPPER(flat)",
	"SUBSTRING(flat, 2, 4)", "CASE WHEN i > 500 THEN 'high' ELSE 'low' END", "COALESCE(i, 0)", "i > 100 AND i < 900",
	"i IN (1, 2, 3)", "HOUR(ts)", "DATE_FORMAT(ts, 'yyyy-MM-dd HH:mm')", "ABS(i)", "ROUND(d, 1)", "i + 1 > j * 2",
}

// cpu is the CPU time of the process in ns: the machine may be busy with others.
func cpu() int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return r.Utime.Nano() + r.Stime.Nano()
}

func BenchmarkEval(b *testing.B) {
	batch, cols := benchBatch(benchRows), benchColumns()
	for _, text := range benchCases {
		b.Run(text, func(b *testing.B) {
			p, ctx := mustCompile(b, mustBind(b, text, cols)), &Context{}
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				p.Eval(ctx, batch)
			}
			b.ReportMetric(float64(cpu()-start)/float64(b.N)/benchRows, "cpu-ns/row")
		})
	}
}

func BenchmarkFilter(b *testing.B) {
	batch, cols := benchBatch(benchRows), benchColumns()
	for _, text := range []string{
		"i > 500", "d > 60", "price > 0.05", "wide > 500", "sym = 'SYM7'", "sym LIKE 'SYM1%'",
		"flat LIKE '%/7%'", "i > 100 AND i < 900", "i BETWEEN 100 AND 900", "i > 500 AND sym = 'SYM7'",
		"i < 100 OR i > 900",
		"i > j", "ts > '2023-11-14T22:20:00Z'",
	} {
		b.Run(text, func(b *testing.B) {
			p, ctx := mustCompile(b, mustBind(b, text, cols)), &Context{}
			var sel []uint32
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				sel = p.Filter(ctx, batch, sel)
			}
			b.ReportMetric(float64(cpu()-start)/float64(b.N)/benchRows, "cpu-ns/row")
		})
	}
}

// TestAllocs holds programs to memory that does not grow with the rows. Regular expressions are not among them: the
// library allocates for each match.
func TestAllocs(t *testing.T) {
	cols := benchColumns()
	small, large := benchBatch(64), benchBatch(benchRows)
	for _, text := range append(slicesOf(benchCases), "CONCAT(sym, '-', flat)", "INSTR(flat, 'item')",
		"REPLACE(flat, 'i', 'j')",
		"SPLIT_PART(flat, '/', 2)", "wide / 3", "wide * size", "MD5(flat)", "EXTRACTJSONFIELD(flat, '$.a')",
		"DATE_TRUNC('hour', ts)",

		"PARSE_DATE(CAST(ts AS STRING), 'yyyy-MM-dd''T''HH:mm:ss.SSSX')",
		"PARSE_TIMESTAMP(CONCAT(CAST(ts AS STRING), ' Asia/Tokyo'), "+
			"'yyyy-MM-dd''T''HH:mm:ss.SSSX VV')",
		"GREATEST(sym, flat)", "NULLIF(i, 3)", "i NOT IN (1, j)",
		"TRY(i / 7)", "CAST(price AS STRING)", "LPAD(flat, 20, '-')", "JSON_ARRAY_CONTAINS(num, i)") {
		p := mustCompile(t, mustBind(t, text, cols))
		ctx := &Context{}
		measure := func(b *vector.Batch) float64 {
			p.Eval(ctx, b)
			return testing.AllocsPerRun(5, func() { p.Eval(ctx, b) })
		}
		few, many := measure(small), measure(large)
		if many > few+2 {
			t.Errorf("%s: %v allocations for %d rows, %v for %d", text, few, small.Rows, many, large.Rows)
		}
	}
}

func slicesOf(s []string) []string { return append([]string{}, s...) }
