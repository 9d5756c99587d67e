package messages

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// bombs are bytes that stop or fill a process when a general decoder takes them unguarded.
var bombs = map[string][]byte{
	"array of 4 G":      {0xdd, 0xff, 0xff, 0xff, 0xff},
	"map of 4 G":        {0xdf, 0xff, 0xff, 0xff, 0xff},
	"bin of 4 GiB":      {0xc6, 0xff, 0xff, 0xff, 0xff},
	"string of 4 GiB":   {0xdb, 0xff, 0xff, 0xff, 0xff},
	"extension":         {0xc9, 0xff, 0xff, 0xff, 0xff, 0x01},
	"deep arrays":       []byte(strings.Repeat("\x91", 1<<20)),
	"deep maps":         []byte(strings.Repeat("\x81\xc0", 1<<20)),
	"more than 1 M":     append([]byte{0xdd, 0x00, 0x20, 0x00, 0x00}, make([]byte, 1<<21)...),
	"nothing":           {},
	"reserved":          {0xc1},
	"half a length":     {0xda, 0x00},
	"half a number":     {0xcf, 1, 2, 3},
	"array cut off":     {0x93, 1, 2},
	"more than 8 MiB":   make([]byte, MaxMessageBytes+1),
	"fixext cut off":    {0xd8, 1, 2},
	"map without value": {0x81, 0xa1, 'a'},
}

func TestGuardStopsBombs(t *testing.T) {
	t.Parallel()
	for name, b := range bombs {
		if err := Guard(b, Limits{}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := DecodeProcessBatch(b, &ProcessBatch{}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: decode: got %v", name, err)
		}
		if _, err := DecodeDeadLetter(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: dead letter: got %v", name, err)
		}
	}
}

func TestGuardLimits(t *testing.T) {
	t.Parallel()
	row, err := msgpack.Marshal(map[string]any{"a": []any{1, "x", 2.5, nil, true, []byte{1}, map[string]any{"b": 1}}})
	if err != nil {
		t.Fatal(err)
	}
	two := append(append([]byte{}, row...), row...)
	for _, c := range []struct {
		name   string
		data   []byte
		limits Limits
		ok     bool
	}{
		{"a row", row, Limits{}, true},
		{"two rows", two, Limits{}, true},
		{"depth 3 of 3", row, Limits{Depth: 3}, true},
		{"depth 3 of 2", row, Limits{Depth: 2}, false},
		{"24 values", two, Limits{Values: 24}, true},
		{"24 values of 23", two, Limits{Values: 23}, false},
		{"bytes", row, Limits{Bytes: len(row) - 1}, false},
		{"depth 32", []byte(strings.Repeat("\x91", 32) + "\xc0"), Limits{}, true},
		{"depth 33", []byte(strings.Repeat("\x91", 33) + "\xc0"), Limits{Depth: 100}, false},
	} {
		if err := Guard(c.data, c.limits); (err == nil) != c.ok {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if n, err := Next(two, Limits{}); n != len(row) || err != nil {
		t.Errorf("Next: got %d, %v, want %d", n, err, len(row))
	}
}

func TestNewerVersionIsNamed(t *testing.T) {
	t.Parallel()
	b := trades(1).Append(nil)
	b[3] = 9 // map, "v", version
	err := DecodeProcessBatch(b, &ProcessBatch{})
	want := "message has wire version 9, this program reads up to version 1"
	var v *VersionError
	if !errors.As(err, &v) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestUnknownFieldsArePassedOver(t *testing.T) {
	t.Parallel()
	b := trades(3).Append(nil)
	b[0]++ // one more pair
	b = append(b, "\xa3new\x92\x01\x81\xa1x\xc0"...)
	var got ProcessBatch
	if err := DecodeProcessBatch(b, &got); err != nil || got.Columns.Rows != 3 {
		t.Errorf("got %v", err)
	}
}

// corrupt makes a message of one column whose values are the bytes given.
func corrupt(typ string, rows int, values string) []byte {
	b := []byte("\x8e\xa1v\x01\xa1k\xa7process\xa2id\xa0\xa3cid\xa0\xa2ts\x00" +
		"\xa2rc\x00\xa3sid\x00\xa2wm\x00\xa4idle\xc2\xa3end\xc2\xa1n")
	b = packUint(b, uint64(rows))
	b = packStr(packStr(append(b, "\xa4cols\x91\x94"...), "x"), typ)
	b, mark := openBin(b)
	b = closeBin(append(b, values...), mark)
	return append(b, "\xc0\xa3ops\xc0\xa2et\xc0"...)
}

func TestWrongColumns(t *testing.T) {
	t.Parallel()
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	for _, c := range []struct {
		name, typ string
		rows      int
		values    string
		want      string // "" when it is right
	}{
		{"const", "BIGINT", 3, zeros(9), ""},
		{"no bytes", "BIGINT", 3, "", "integer column of 0 bytes"},
		{"short", "BIGINT", 3, "\x01" + zeros(8) + "ab", "2 bytes for 3 rows of 1"},
		{"long", "BIGINT", 3, "\x01" + zeros(8) + "abcd", "4 bytes for 3 rows of 1"},
		{"encoding", "BIGINT", 3, "\x09" + zeros(8) + "abc", "encoding 0x09"},
		{"deltas", "BIGINT", 3, "\x11" + zeros(16) + "ab", ""},
		{"deltas short", "BIGINT", 3, "\x11" + zeros(16) + "a", "differences: 9 bytes for 3 rows"},
		{"rows without bytes", "BIGINT", 0, "x", "1 bytes for no rows"},
		{"double", "DOUBLE", 2, "\x21" + zeros(15), "double column"},
		{"bits", "BOOLEAN", 9, "\x30a", "boolean column"},
		{"wide", "DECIMAL(38,0)", 1, "\x20" + zeros(15), "wide column"},
		{"type", "FLOAT", 1, zeros(9), `unknown column type "FLOAT"`},
		{"type with arguments", "BIGINT(1,2)", 1, zeros(9), "unknown column type"},
		{"decimal without", "DECIMAL", 1, zeros(9), "unknown column type"},
		{"decimal 39", "DECIMAL(39,0)", 1, zeros(9), "unknown column type"},
		{"decimal scale", "DECIMAL(3,4)", 1, zeros(9), "unknown column type"},
		{"dictionary", "STRING", 3, "\x40\x01\x02\x00\x00\x00\x01\x01\x02abb\x00\x01\x01", ""},
		{"code", "STRING", 3, "\x40\x01\x02\x00\x00\x00\x01\x01\x02abb\x00\x01\x02", "code 2 in a dictionary of 2"},
		{"no entries", "STRING", 3, "\x40\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00abc", "dictionary of 0 entries"},
		{"many entries", "STRING", 3, "\x40\x01\xff\xff\xff\xff\x00\x00\x00\x00\x00abc", "of 4294967295 entries"},
		{"lengths", "STRING", 3, "\x40\x01\x02\x00\x00\x00\x01\x01\x09abb\x00\x01\x01", "strings take more"},
		{"wrap", "STRING", 3, "\x41\x04\xff\xff\xff\xff\xff\xff\xff\xff\x03\x00\x00\x00a", "strings take more"},
		{"flat", "STRING", 3, "\x41\x00\x01\x00\x00\x00abc", ""},
		{"flat long", "STRING", 3, "\x41\x00\x01\x00\x00\x00abcd", "1 bytes too many"},
		{"width 3", "STRING", 3, "\x41\x03" + zeros(9), "lengths of 3 bytes"},
		{"codes of 0", "STRING", 3, "\x40\x00\x02\x00\x00\x00\x01\x01\x02abb", "codes of 0 bytes for 2 entries"},
		{"rows", "BIGINT", MaxRows + 1, zeros(9), "outside 0..1048576"},
	} {
		err := DecodeProcessBatch(corrupt(c.typ, c.rows, c.values), &ProcessBatch{})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: got %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

// A constant column is nine bytes and a million rows: many of them must not fill the memory.
func TestSmallMessageCannotTakeMuchMemory(t *testing.T) {
	b := corrupt("BIGINT", MaxRows, strings.Repeat("\x00", 9))
	head, tail, _ := strings.Cut(string(b), "\x91\x94")
	column, _, _ := strings.Cut("\x94"+tail, "\xa3ops")
	many := []byte(head + "\xdc\x03\xe8" + strings.Repeat(column, 1000) + tail[strings.Index(tail, "\xa3ops"):])
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := DecodeProcessBatch(many, &ProcessBatch{})
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "would take") {
		t.Errorf("got %v", err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
		t.Errorf("took %d bytes to say no to a message of %d", grown, len(many))
	}
}

func TestEveryDamageIsAnErrorOrHarmless(t *testing.T) {
	t.Parallel()
	whole := everyType().Append(nil)
	for n := range whole {
		if err := DecodeBatchResult(whole[:n], &BatchResult{}); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut to %d bytes: got %v", n, err)
		}
	}
	if err := DecodeBatchResult(append(whole, 0xc0), &BatchResult{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a byte too many: got %v", err)
	}
	var into BatchResult
	for i := range whole {
		for _, x := range []byte{0x00, 0x01, 0x7f, 0x80, 0xc0, 0xff, whole[i] ^ 1, whole[i] ^ 0x80} {
			damaged := append([]byte{}, whole...)
			damaged[i] = x
			if DecodeBatchResult(damaged, &into) == nil {
				rowsOf(&into.Columns)
			}
		}
	}
}

func TestDecodeDoesNotAllocatePerRow(t *testing.T) {
	allocs := func(rows int) float64 {
		data := trades(rows).Append(nil)
		var into ProcessBatch
		return testing.AllocsPerRun(20, func() {
			if err := DecodeProcessBatch(data, &into); err != nil {
				t.Fatal(err)
			}
		})
	}
	if small, large := allocs(16), allocs(16_384); large > small || large > 4 {
		t.Errorf("16 rows: %v allocations, 16,384 rows: %v", small, large)
	}
	fresh := func(rows int) float64 {
		data := trades(rows).Append(nil)
		return testing.AllocsPerRun(20, func() {
			if err := DecodeProcessBatch(data, &ProcessBatch{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	// A small dictionary column is flat, which takes one allocation less a column.
	if small, large := fresh(16), fresh(16_384); large > small+4 {
		t.Errorf("into a new batch: 16 rows: %v allocations, 16,384 rows: %v", small, large)
	}
	b, buf := trades(16_384), make([]byte, 0, 1<<20)
	if n := testing.AllocsPerRun(20, func() { buf = b.Append(buf[:0]) }); n > 16 { // a pool may be emptied meanwhile
		t.Errorf("encoding 16,384 rows: %v allocations", n)
	}
}

func TestGuardDoesNotAllocate(t *testing.T) {
	data := trades(4096).Append(nil)
	if n := testing.AllocsPerRun(20, func() {
		if err := Guard(data, Limits{}); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzGuard(f *testing.F) {
	for _, b := range bombs {
		if len(b) < 1<<12 {
			f.Add(b)
		}
	}
	f.Add(trades(3).Append(nil))
	f.Add(everyType().Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		size, err := Next(data, Limits{})
		if err != nil {
			return
		}
		if size <= 0 || size > len(data) {
			t.Fatalf("document of %d bytes in %d", size, len(data))
		}
		var v any // what the guard lets pass neither kills nor hangs a general decoder
		_ = msgpack.Unmarshal(data[:size], &v)
		if Guard(data[:size], Limits{}) != nil {
			t.Fatal("Guard refuses what Next takes")
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(trades(0).Append(nil))
	f.Add(trades(9).Append(nil))
	f.Add(everyType().Append(nil))
	f.Add(nestedBatch().Append(nil))
	f.Add(corrupt("STRING", 3, "\x40\x01\x02\x00\x00\x00\x01\x01\x02abb\x00\x01\x01"))
	f.Add(corrupt("DECIMAL(38,0)", 3, "\x11"+strings.Repeat("\x00", 16)+"ab"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p ProcessBatch
		if DecodeProcessBatch(data, &p) == nil && p.Columns.Rows < 10_000 {
			checkAgain(t, &BatchResult{ProcessBatch: p})
		}
		var r BatchResult
		if DecodeBatchResult(data, &r) == nil && r.Columns.Rows < 10_000 {
			checkAgain(t, &r)
		}
	})
}

// checkAgain encodes what was decoded and compares what comes back.
func checkAgain(t *testing.T, r *BatchResult) {
	t.Helper()
	first := r.Append(nil)
	var again BatchResult
	if err := DecodeBatchResult(first, &again); err != nil {
		t.Fatalf("decode of encode: %v", err)
	}
	if second := again.Append(nil); string(first) != string(second) {
		t.Fatalf("encode of decode of encode differs:\n%x\n%x", first, second)
	}
	if want, got := describe(&r.ProcessBatch), describe(&again.ProcessBatch); want != got {
		if r.Columns.Ops == nil || strings.Trim(string(r.Columns.Ops), "\x00") != "" {
			t.Fatalf("got %s\nwant %s", got, want)
		}
	}
}

func BenchmarkGuard(b *testing.B) {
	data := trades(4096).Append(nil)
	for b.Loop() {
		if err := Guard(data, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGuardRows(b *testing.B) {
	row, err := msgpack.Marshal(map[string]any{"id": 1, "symbol": "AAPL", "price": "1.25", "ts": 1_700_000_000_000})
	if err != nil {
		b.Fatal(err)
	}
	data := binary.BigEndian.AppendUint16([]byte{0xdc}, 1000)
	for range 1000 {
		data = append(data, row...)
	}
	for b.Loop() {
		if err := Guard(data, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
