package format

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func sample(tb testing.TB) *vector.Batch {
	tb.Helper()
	s := fields("id", vector.TBigInt, "name", vector.TString, "price", vector.TDecimal(18, 2), "at", vector.TTimestamp)
	b, err := NewBuilder(s, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	NewJSON(true).Decode([]byte(`{"id":1,"name":"a, \"b\"","price":1.5,"at":0}
{"id":20,"name":"日本","price":-100}
{"id":3,"name":"","price":null,"at":1}
{"id":4,"name":"two\nlines\u001b[31m","price":0}
`), true, b)
	return b.Take()
}

func TestWriters(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"jsonl": `{"id":1,"name":"a, \"b\"","price":1.50,"at":"1970-01-01T00:00:00.000Z"}
{"id":20,"name":"日本","price":-100.00,"at":null}
{"id":3,"name":"","price":null,"at":"1970-01-01T00:00:00.001Z"}
{"id":4,"name":"two\nlines\u001b[31m","price":0.00,"at":null}
`,
		"csv": "id,name,price,at\n1,\"a, \"\"b\"\"\",1.50,1970-01-01T00:00:00.000Z\n" +
			"20,日本,-100.00,\n3,\"\",,1970-01-01T00:00:00.001Z\n4,\"two\nlines\x1b[31m\",0.00,\n",
		"table": `id | name                |   price | at
---+---------------------+---------+-------------------------
 1 | a, "b"              |    1.50 | 1970-01-01T00:00:00.000Z
20 | 日本                | -100.00 | NULL
 3 |                     |    NULL | 1970-01-01T00:00:00.001Z
 4 | two\nlines\x1b[31m  |    0.00 | NULL
(4 rows)
`,
	} {
		var out bytes.Buffer
		w, err := NewWriter(kind, &out)
		if err != nil {
			t.Fatal(err)
		}
		b := sample(t)
		if err := errors.Join(w.Begin(b.Schema), w.Write(b), w.End()); err != nil {
			t.Fatal(err)
		}
		got := out.String()
		if kind == "table" { // the width of the escape is checked by eye once: one blank less or more is no matter here
			got, want = squeeze(got), squeeze(want)
		}
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", kind, got, want)
		}
	}
}

func squeeze(s string) string {
	for strings.Contains(s, "  ") || strings.Contains(s, "--") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "  ", " "), "--", "-")
	}
	return s
}

func TestWritersHeedTheSelection(t *testing.T) {
	t.Parallel()
	b := sample(t)
	b.Sel = []uint32{1, 3}
	var out bytes.Buffer
	w, err := NewWriter("json", &out)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Begin(b.Schema), w.Write(b), w.End()); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "{") != 2 || !strings.HasPrefix(got, "[\n{\"id\":20,") ||
		!strings.HasSuffix(got, "}\n]\n") {
		t.Errorf("got %s", got)
	}
}

// TestRowsComeBack writes random rows as JSON lines, JSON and CSV, and reads them again.
func TestRowsComeBack(t *testing.T) {
	t.Parallel()
	types := []vector.Type{
		vector.TBigInt, vector.TInt, vector.TDouble, vector.TDecimal(18, 4), vector.TDecimal(38, 10),
		vector.TString, vector.TBoolean, vector.TTimestamp, vector.TDate, vector.TTime, vector.TBytes,
	}
	rapid.Check(t, func(t *rapid.T) {
		s := &vector.Schema{}
		for i := range rapid.IntRange(1, 5).Draw(t, "columns") {
			s.Fields = append(s.Fields, vector.Field{
				Name: fmt.Sprint("c", i),
				Type: rapid.SampledFrom(types).Draw(t, "type"),
			})
		}
		var rows bytes.Buffer
		n := rapid.IntRange(1, 200).Draw(t, "rows")
		for range n {
			rows.WriteByte('{')
			for i, f := range s.Fields {
				if i > 0 {
					rows.WriteByte(',')
				}
				fmt.Fprintf(&rows, "%q:%s", f.Name, anyValue(t, f.Type))
			}
			rows.WriteString("}\n")
		}
		want := reread(t, s, NewJSON(true), rows.Bytes(), n)
		for kind, d := range map[string]Decoder{"jsonl": NewJSON(true), "json": NewJSON(false), "csv": csvDecoder(t)} {
			if kind == "csv" && len(s.Fields) == 1 && s.Fields[0].Type.Phys() == vector.PhysStr {
				continue // a lone null text is an empty line, which is no record
			}
			var out bytes.Buffer
			w, err := NewWriter(kind, &out)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(w.Begin(s), w.Write(want), w.End()); err != nil {
				t.Fatal(err)
			}
			got := reread(t, s, d, out.Bytes(), n)
			for i := range n {
				for k := range s.Fields {
					a, b := want.Cols[k], got.Cols[k]
					if string(vector.AppendJSON(nil, a, i)) != string(vector.AppendJSON(nil, b, i)) {
						t.Fatalf("%s: row %d, column %d (%s): wrote %s, read %s\n%s", kind, i, k, a.Type,
							vector.AppendJSON(nil, a, i), vector.AppendJSON(nil, b, i), out.Bytes())
					}
				}
			}
		}
	})
}

func csvDecoder(t *rapid.T) Decoder {
	d, err := NewCSV(Config{Header: "true"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func anyValue(t *rapid.T, typ vector.Type) string {
	if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
		return "null"
	}
	switch typ.Kind {
	case vector.BigInt:
		return fmt.Sprint(rapid.Int64().Draw(t, "v"))
	case vector.Int:
		return fmt.Sprint(rapid.Int32().Draw(t, "v"))
	case vector.Double:
		return fmt.Sprint(rapid.Float64().Draw(t, "v"))
	case vector.Decimal:
		return fmt.Sprintf("%d.%04d", rapid.Int64Range(-99_999_999_999_999, 99_999_999_999_999).Draw(t, "v"),
			rapid.IntRange(0, 9999).Draw(t, "f"))
	case vector.Boolean:
		return fmt.Sprint(rapid.Bool().Draw(t, "v"))
	case vector.Timestamp:
		return fmt.Sprint(rapid.Int64Range(-60_000_000_000_000, 250_000_000_000_000).Draw(t, "v"))
	case vector.Date:
		return fmt.Sprint(rapid.Int64Range(-700_000, 2_900_000).Draw(t, "v"))
	case vector.Time:
		return fmt.Sprint(rapid.Int64Range(0, msDay-1).Draw(t, "v"))
	case vector.Bytes:
		return `"` + rapid.SampledFrom([]string{"aGk=", "", "AAEC/w=="}).Draw(t, "v") + `"`
	default:
		return string(vector.AppendJSONString(nil, []byte(rapid.String().Draw(t, "v"))))
	}
}

func reread(t *rapid.T, s *vector.Schema, d Decoder, data []byte, rows int) *vector.Batch {
	b, err := NewBuilder(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	d.Start()
	used := d.Decode(data, true, b)
	batch, bad := b.Take(), b.TakeBad()
	if batch == nil || len(bad) > 0 || used != len(data) {
		t.Fatalf("read %d of %d bytes, bad %+v of %s", used, len(data), bad, data)
	}
	if batch.Rows != rows {
		t.Fatalf("%d rows, want %d", batch.Rows, rows)
	}
	return batch
}

func BenchmarkWriteJSONL(b *testing.B) { benchWrite(b, "jsonl") }
func BenchmarkWriteCSV(b *testing.B)   { benchWrite(b, "csv") }

func benchWrite(b *testing.B, kind string) {
	b.Helper()
	data, _ := trades()
	bld, err := NewBuilder(tradeSchema(6), Options{MaxRows: tradeRows, MaxBytes: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	NewJSON(true).Decode(data, true, bld)
	batch := bld.Take()
	var out countWriter
	w, err := NewWriter(kind, &out)
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Begin(batch.Schema); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := cpuNs()
	for b.Loop() {
		if err := w.Write(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuNs()-before)/float64(b.N)/float64(batch.Rows), "cpu-ns/row")
}

type countWriter int

func (c *countWriter) Write(p []byte) (int, error) { *c += countWriter(len(p)); return len(p), nil }

// TestAllocationsDoNotGrow wants a batch of many rows to cost about as many allocations as one of few.
func TestAllocationsDoNotGrow(t *testing.T) {
	jsonl, csvText := trades()
	for name, c := range map[string]struct {
		d    Decoder
		data []byte
	}{"json": {NewJSON(true), jsonl}, "csv": {mustCSV(t), csvText}} {
		allocs := func(rows int) float64 {
			b, err := NewBuilder(tradeSchema(6), Options{MaxRows: rows, EventTime: "ts"})
			if err != nil {
				t.Fatal(err)
			}
			return testing.AllocsPerRun(20, func() {
				c.d.Start()
				c.d.Decode(c.data, true, b)
				b.Take()
			})
		}
		few, many := allocs(64), allocs(4096)
		if many > few+25 {
			t.Errorf("%s: %.0f allocations for 64 rows, %.0f for 4,096", name, few, many)
		}
	}
}

func mustCSV(t *testing.T) *CSV {
	t.Helper()
	d, err := NewCSV(Config{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
