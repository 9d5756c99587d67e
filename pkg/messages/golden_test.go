package messages

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// everyType is one column of each type and each encoding, with nulls where a value may be missing.
func everyType() *BatchResult {
	str := func(vs ...string) (c Column) {
		c.Offs = []uint32{0}
		for _, v := range vs {
			c.Data = append(c.Data, v...)
			c.Offs = append(c.Offs, uint32(len(c.Data)))
		}
		return c
	}
	dict := str("NYSE", "ARCA", "unused")
	dict.Codes = []uint32{1, 0, 0, 1, 0, 1, 1, 0, 0}
	flat := str("a", "", "ccc", "Grüße", "e", "f", "g", "h", "i")
	flat.Valid = []uint64{0b101111101}
	fixed := str("\x00\x01", "\x00\x02", "\x00\x03", "\x00\x04", "\x00\x05", "\x00\x06", "\x00\x07", "\x00\x08",
		"\x00\x09")
	cols := []struct {
		name string
		typ  ColumnType
		col  Column
	}{
		{"bool", ColumnType{Kind: "BOOLEAN"}, Column{
			Bool: []bool{true, false, true, true, false, false, true, false, true},
		}},
		{"const", ColumnType{Kind: "INT"}, Column{I64: []int64{7, 7, 7, 7, 7, 7, 7, 7, 7}}},
		{"byte", ColumnType{Kind: "BIGINT"}, Column{
			I64: []int64{-5, 250, 3, 0, 9, 9, 9, 9, 1}, Valid: []uint64{0b111111101},
		}},
		{"delta", ColumnType{Kind: "TIMESTAMP"}, Column{I64: []int64{
			1_700_000_000_000, 1_700_000_060_000, 1_700_000_120_000, 1_700_000_180_000, 1_700_000_240_000,
			1_700_000_300_000, 1_700_000_360_000, 1_700_000_420_000, 1_700_000_480_000,
		}}},
		{"double", ColumnType{Kind: "DOUBLE"}, Column{
			F64: []float64{0, math.Copysign(0, -1), 1.5, -2.25, math.Inf(1), 1e300, 5e-324, 3, 4},
		}},
		{"price", ColumnType{Kind: "DECIMAL", Precision: 18, Scale: 4}, Column{
			I64: []int64{0, 1_000_000, 70_000, 5, 1 << 20, 3, 2, 1, 9},
		}},
		{"narrow", ColumnType{Kind: "DECIMAL", Precision: 38, Scale: 2}, Column{I128: []Int128{
			{Lo: 1}, {Lo: math.MaxUint64, Hi: -1}, {Lo: 3}, {Lo: 4}, {Lo: 5}, {Lo: 6}, {Lo: 7}, {Lo: 8}, {Lo: 9},
		}}},
		{"wide", ColumnType{Kind: "DECIMAL", Precision: 38}, Column{I128: []Int128{
			{Lo: 1, Hi: 1}, {Lo: 2}, {}, {Lo: 4}, {Hi: -1}, {}, {}, {}, {Lo: 9, Hi: 9},
		}}},
		{"venue", ColumnType{Kind: "STRING"}, dict},
		{"note", ColumnType{Kind: "STRING"}, flat},
		{"raw", ColumnType{Kind: "BYTES"}, fixed},
		{"none", ColumnType{Kind: "DATE"}, Column{I64: make([]int64, 9), Valid: []uint64{0}}},
	}
	r := &BatchResult{
		ProcessBatch: ProcessBatch{
			BatchID: "q1/0/3/12", CorrelationID: "trades/0/17", TimeMs: 1_700_000_000_123, RetryCount: 2,
			Watermark: 1_700_000_470_000, Idle: true,
		},
		Counts: Counts{In: 15, Used: 10, Out: 9, Filtered: 2, Late: 1, DeadLettered: 1, Skipped: 1},
		Errors: []RecordError{
			{Row: 4, Code: "LEAT-5001", Message: "division by zero", CorrelationID: "trades/0/17/4"},
		},
		ProcessingNs: 81_000,
	}
	for _, c := range cols {
		c.col.Type = c.typ
		r.Columns.Specs = append(r.Columns.Specs, ColumnSpec{c.name, c.typ})
		r.Columns.Cols = append(r.Columns.Cols, c.col)
	}
	r.Columns.Rows = 9
	r.Columns.Ops = []byte{0, 1, 2, 3, 0, 0, 0, 0, 3}
	r.Columns.Time = []int64{5, 4, 3, 900, 1, 0, -1, -2, 70_000}
	r.SchemaID = SchemaID(r.Columns.Specs)
	return r
}

// describe writes a batch so that a person can compare it with the bytes.
func describe(b *ProcessBatch) string {
	var w strings.Builder
	fmt.Fprintf(&w, "id %q\ncid %q\nts %d\nrc %d\nsid %d\nwm %d\nidle %t\nend %t\nn %d\n", b.BatchID, b.CorrelationID,
		b.TimeMs, b.RetryCount, b.SchemaID, b.Watermark, b.Idle, b.End, b.Columns.Rows)
	c := &b.Columns
	for k := range c.Cols {
		fmt.Fprintf(&w, "%q %s:", c.Specs[k].Name, c.Cols[k].Type.String())
		for i := range c.Rows {
			v := valueOf(&c.Cols[k], i)
			if s, ok := v.(string); ok {
				v = fmt.Sprintf("%q", s)
			}
			fmt.Fprintf(&w, " %v", v)
		}
		w.WriteByte('\n')
	}
	fmt.Fprintf(&w, "ops %v\net %v\n", c.Ops, c.Time)
	return w.String()
}

func goldenMessages(t *testing.T) map[string][2][]byte {
	t.Helper()
	process := trades(20)
	result := everyType()
	letter := &DeadLetter{
		Original: []byte(`{"price":`), Format: "json", Source: "trades", Subject: "md.trades", Partition: 3,
		Sequence: 81, Row: 2, Query: "q1", Stage: "q1.1", Code: "LEAT-5002", Error: "unexpected end",
		CorrelationID: "c-1", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", Attempts: 1, TimeMs: 1_700_000_000_000,
	}
	bin, err := letter.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	var a ProcessBatch
	var r BatchResult
	if err := DecodeProcessBatch(process.Append(nil), &a); err != nil {
		t.Fatal(err)
	}
	if err := DecodeBatchResult(result.Append(nil), &r); err != nil {
		t.Fatal(err)
	}
	nested := nestedBatch()
	d, err := DecodeDeadLetter(bin)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][2][]byte{
		"process": {process.Append(nil), []byte(describe(&a))},
		"result": {result.Append(nil), fmt.Appendf(nil, "%scnt %+v\nerrs %+v\nns %d\n",
			describe(&r.ProcessBatch), r.Counts, r.Errors, r.ProcessingNs)},
		"nested":     {nested.Append(nil), []byte(describe(nested))},
		"deadletter": {bin, fmt.Appendf(nil, "%+v\n", *d)},
	}
}

// TestGolden holds the bytes still: a message written today is read by every later version, and equal rows are equal
// bytes.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, m := range goldenMessages(t) {
		text := fmt.Appendf(m[1], "\n%s", hex.Dump(m[0]))
		for ext, got := range map[string][]byte{".bin": m[0], ".txt": text} {
			path := filepath.Join("testdata", name+ext)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, got) {
				t.Errorf("%s (-want +got):\n%s", path, cmp.Diff(string(want), string(got)))
			}
		}
	}
}
