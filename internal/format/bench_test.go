package format

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// tradeSchema is the schema of the benchmark's rows of 105 bytes.
func tradeSchema(columns int) *vector.Schema {
	all := []vector.Field{
		{Name: "symbol", Type: vector.TString},
		{Name: "price", Type: vector.TDecimal(18, 4)},
		{Name: "volume", Type: vector.TBigInt},
		{Name: "ts", Type: vector.TBigInt},
		{Name: "venue", Type: vector.TString},
		{Name: "trade_id", Type: vector.TBigInt},
	}
	return &vector.Schema{Fields: all[:columns]}
}

const tradeRows = 20_000

// trades returns rows as JSON lines and as CSV.
func trades() (jsonl, csv []byte) {
	r := rand.New(rand.NewPCG(1, 2))
	z := rand.NewZipf(r, 1.1, 4, 499)
	venues := []string{"XNAS", "XNYS", "ARCX", "BATS"}
	for i := range tradeRows {
		sym, price, vol := z.Uint64(), float64(50_000+r.IntN(3_000_000))/10_000, 1+r.IntN(5000)
		ts, venue := 1_700_000_000_000+i/10, venues[r.IntN(4)]
		jsonl = fmt.Appendf(jsonl, `{"trade_id":%d,"symbol":"SYM%d","price":"%.4f","volume":%d,"ts":%d,"venue":"%s"}`+
			"\n", 1_000_000+i, sym, price, vol, ts, venue)
		csv = fmt.Appendf(csv, "SYM%d,%.4f,%d,%d,%s,%d\n", sym, price, vol, ts, venue, 1_000_000+i)
	}
	return jsonl, csv
}

// cpuNs is the processor time of the whole process, garbage collection included: on a shared machine it is steadier
// than wall time.
func cpuNs() int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return r.Utime.Nano() + r.Stime.Nano()
}

func benchDecode(b *testing.B, d Decoder, data []byte, columns int) {
	b.Helper()
	bld, err := NewBuilder(tradeSchema(columns), Options{EventTime: "ts"})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	before := cpuNs()
	for b.Loop() {
		rows := 0
		d.Start()
		for p := 0; p < len(data); {
			p += d.Decode(data[p:], true, bld)
			rows += bld.Take().Rows
		}
		if rows != tradeRows {
			b.Fatalf("%d rows, %v", rows, bld.TakeBad())
		}
	}
	b.ReportMetric(float64(cpuNs()-before)/float64(b.N)/tradeRows, "cpu-ns/row")
}

func BenchmarkJSON5(b *testing.B) {
	j, _ := trades()
	benchDecode(b, NewJSON(true), j, 5)
}

func BenchmarkJSON6(b *testing.B) {
	j, _ := trades()
	benchDecode(b, NewJSON(true), j, 6)
}

func BenchmarkCSV6(b *testing.B) {
	_, c := trades()
	d, err := NewCSV(Config{})
	if err != nil {
		b.Fatal(err)
	}
	benchDecode(b, d, c, 6)
}
