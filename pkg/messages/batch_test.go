package messages

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// trades is a batch as the demo market makes it: ids in order, 500 symbols, decimals with two digits in use.
func trades(rows int) *ProcessBatch {
	b := &ProcessBatch{
		BatchID: "trades/0/17", CorrelationID: "trades/0/17/0", TimeMs: 1_700_000_000_000, SchemaID: 42,
		Watermark: 1_700_000_000_000,
	}
	c := &b.Columns
	c.Rows = rows
	c.Specs = []ColumnSpec{
		{"id", ColumnType{Kind: "BIGINT"}},
		{"symbol", ColumnType{Kind: "STRING"}},
		{"price", ColumnType{Kind: "DECIMAL", Precision: 18, Scale: 4}},
		{"volume", ColumnType{Kind: "BIGINT"}},
		{"ts", ColumnType{Kind: "BIGINT"}},
		{"venue", ColumnType{Kind: "STRING"}},
	}
	c.Cols = make([]Column, len(c.Specs))
	for i := range c.Cols {
		c.Cols[i].Type = c.Specs[i].Type
	}
	symbols, venues := &c.Cols[1], &c.Cols[5]
	symbols.Offs, venues.Offs = []uint32{0}, []uint32{0}
	for k := range 500 {
		symbols.Data = append(symbols.Data, 'S', byte('A'+k/100), byte('A'+k/10%10), byte('A'+k%10))
		symbols.Offs = append(symbols.Offs, uint32(len(symbols.Data)))
	}
	for _, v := range []string{"NYSE", "NASDAQ", "ARCA", "BATS", "IEX"} {
		venues.Data = append(venues.Data, v...)
		venues.Offs = append(venues.Offs, uint32(len(venues.Data)))
	}
	x := uint64(1)
	for i := range rows {
		x = x*6364136223846793005 + 1442695040888963407
		r := x >> 33
		c.Cols[0].I64 = append(c.Cols[0].I64, int64(1_000_000+i))
		symbols.Codes = append(symbols.Codes, uint32(r*r%500))
		c.Cols[2].I64 = append(c.Cols[2].I64, int64(1_000_000+r%40_000*100))
		c.Cols[3].I64 = append(c.Cols[3].I64, int64(1+r%1000))
		c.Cols[4].I64 = append(c.Cols[4].I64, 1_700_000_000_000+int64(i)*20+int64(r%40))
		venues.Codes = append(venues.Codes, uint32(r%5))
	}
	c.Time = c.Cols[4].I64
	return b
}

// rowsOf makes comparable rows of columns: nil for null, strings for strings.
func rowsOf(c *Columns) [][]any {
	out := make([][]any, c.Rows)
	for i := range out {
		for k := range c.Cols {
			out[i] = append(out[i], valueOf(&c.Cols[k], i))
		}
		if c.Ops != nil {
			out[i] = append(out[i], c.Ops[i])
		}
		if c.Time != nil {
			out[i] = append(out[i], c.Time[i])
		}
	}
	return out
}

func valueOf(c *Column, i int) any {
	if c.Valid != nil && c.Valid[i>>6]>>(uint(i)&63)&1 == 0 {
		return nil
	}
	switch physOf(&c.Type) {
	case physBool:
		return c.Bool[i]
	case physI64:
		return c.I64[i]
	case physF64:
		return c.F64[i]
	case physI128:
		return c.I128[i]
	case physList, physStruct:
		return nestedOf(c, i)
	default:
		k := i
		if c.Codes != nil {
			k = int(c.Codes[i])
		}
		return string(c.Data[c.Offs[k]:c.Offs[k+1]])
	}
}

// nestedOf is a value of a nested column: a list of what the kids have, row by row.
func nestedOf(c *Column, i int) any {
	from, to := i, i+1
	if physOf(&c.Type) == physList {
		from, to = int(c.Offs[i]), int(c.Offs[i+1])
	}
	out := []any{}
	for e := from; e < to; e++ {
		for k := range c.Kids {
			out = append(out, valueOf(&c.Kids[k], e))
		}
	}
	return out
}

func TestProcessBatchRoundTrip(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 1, 2, 7, 64, 65, 1024, 4096} {
		want := trades(rows)
		var got ProcessBatch
		if err := DecodeProcessBatch(want.Append(nil), &got); err != nil {
			t.Fatalf("%d rows: %v", rows, err)
		}
		if d := cmp.Diff(rowsOf(&want.Columns), rowsOf(&got.Columns)); d != "" {
			t.Errorf("%d rows (-want +got):\n%s", rows, d)
		}
		if d := cmp.Diff(want, &got, cmpopts.IgnoreFields(Columns{}, "Cols", "Time", "Ops")); d != "" {
			t.Errorf("%d rows: envelope (-want +got):\n%s", rows, d)
		}
	}
}

func TestBatchResultRoundTrip(t *testing.T) {
	t.Parallel()
	want := &BatchResult{
		ProcessBatch: *trades(5),
		Counts:       Counts{In: 9, Used: 5, Out: 5, Filtered: 1, Late: 1, DeadLettered: 1, Skipped: 1},
		Errors:       []RecordError{{Row: 3, Code: "LEAT-5001", Message: "division by zero", CorrelationID: "a/0/1/3"}},
		ProcessingNs: 12345,
	}
	want.Columns.Ops = []byte{OpInsert, OpUpdateBefore, OpUpdateAfter, OpDelete, OpInsert}
	var got BatchResult
	if err := DecodeBatchResult(want.Append(nil), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(rowsOf(&want.Columns), rowsOf(&got.Columns)); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want, &got, cmpopts.IgnoreFields(Columns{}, "Cols", "Time")); d != "" {
		t.Errorf("envelope (-want +got):\n%s", d)
	}
}

func BenchmarkEncode(b *testing.B)    { benchEncode(b, 4096) }
func BenchmarkEncodeOne(b *testing.B) { benchEncode(b, 1) }
func BenchmarkDecode(b *testing.B)    { benchDecode(b, 4096, true) }
func BenchmarkDecodeOne(b *testing.B) { benchDecode(b, 1, true) }
func BenchmarkDecodeNew(b *testing.B) { benchDecode(b, 4096, false) } // as a shared reader does

func benchEncode(b *testing.B, rows int) {
	b.Helper()
	m := trades(rows)
	buf := m.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		buf = m.Append(buf[:0])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
	b.ReportMetric(float64(len(buf))/float64(rows), "B/row")
}

func benchDecode(b *testing.B, rows int, reuse bool) {
	b.Helper()
	buf := trades(rows).Append(nil)
	var m ProcessBatch
	b.ReportAllocs()
	for b.Loop() {
		if !reuse {
			m = ProcessBatch{}
		}
		if err := DecodeProcessBatch(buf, &m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
	b.ReportMetric(float64(len(buf))/float64(rows), "B/row")
}
