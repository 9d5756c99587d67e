package messages

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"
)

// keyCases is every rule of the canonical key once.
var keyCases = []struct {
	name string
	add  func(h *KeyHasher)
}{
	{"null", func(h *KeyHasher) { h.AppendNull() }},
	{"false", func(h *KeyHasher) { h.AppendBool(false) }},
	{"true", func(h *KeyHasher) { h.AppendBool(true) }},
	{"int 0", func(h *KeyHasher) { h.AppendInt(0) }},
	{"int 42", func(h *KeyHasher) { h.AppendInt(42) }},
	{"int -1", func(h *KeyHasher) { h.AppendInt(-1) }},
	{"bigint least", func(h *KeyHasher) { h.AppendInt(math.MinInt64) }},
	{"double 0", func(h *KeyHasher) { h.AppendDouble(0) }},
	{"double -0", func(h *KeyHasher) { h.AppendDouble(math.Copysign(0, -1)) }},
	{"double 1.5", func(h *KeyHasher) { h.AppendDouble(1.5) }},
	{"double NaN", func(h *KeyHasher) { h.AppendDouble(math.NaN()) }},
	{"double other NaN", func(h *KeyHasher) { h.AppendDouble(math.Float64frombits(0xfff8000000000123)) }},
	{"double Infinity", func(h *KeyHasher) { h.AppendDouble(math.Inf(1)) }},
	{"decimal 1.50", func(h *KeyHasher) { h.AppendDecimal(150, 2) }},
	{"decimal 1.5", func(h *KeyHasher) { h.AppendDecimal(15, 1) }},
	{"decimal 1.5000000000000000000 in 128 bits", func(h *KeyHasher) {
		h.AppendDecimal128(Int128{Lo: 15_000_000_000_000_000_000}, 19)
	}},
	{"decimal 100", func(h *KeyHasher) { h.AppendDecimal(100, 0) }},
	{"decimal 0.00", func(h *KeyHasher) { h.AppendDecimal(0, 2) }},
	{"decimal -0.05", func(h *KeyHasher) { h.AppendDecimal(-5, 2) }},
	{"decimal -0.050 in 128 bits", func(h *KeyHasher) { h.AppendDecimal128(Int128{Lo: ^uint64(49), Hi: -1}, 3) }},
	{"decimal 2^64", func(h *KeyHasher) { h.AppendDecimal128(Int128{Hi: 1}, 0) }},
	{"decimal -2^64 * 10 / 10", func(h *KeyHasher) { h.AppendDecimal128(Int128{Hi: -10}, 1) }},
	{"decimal -2^64", func(h *KeyHasher) { h.AppendDecimal128(Int128{Hi: -1}, 0) }},
	{"string empty", func(h *KeyHasher) { h.AppendString("") }},
	{"string AAPL", func(h *KeyHasher) { h.AppendString("AAPL") }},
	{"string AAPL as bytes of it", func(h *KeyHasher) { h.AppendStringBytes([]byte("AAPL")) }},
	{"bytes AAPL", func(h *KeyHasher) { h.AppendBytes([]byte("AAPL")) }},
	{"string Grüße", func(h *KeyHasher) { h.AppendString("Grüße") }},
	{"date", func(h *KeyHasher) { h.AppendDate(19_000) }},
	{"time", func(h *KeyHasher) { h.AppendTime(3_600_000) }},
	{"timestamp", func(h *KeyHasher) { h.AppendTimestamp(1_700_000_000_000) }},
	{"interval", func(h *KeyHasher) { h.AppendInterval(60_000) }},
	{"string a, string b", func(h *KeyHasher) { h.AppendString("a"); h.AppendString("b") }},
	{"string ab, string empty", func(h *KeyHasher) { h.AppendString("ab"); h.AppendString("") }},
	{"null, int 1", func(h *KeyHasher) { h.AppendNull(); h.AppendInt(1) }},
	{"300 bytes", func(h *KeyHasher) { h.AppendBytes(bytes.Repeat([]byte("x"), 300)) }},
	{"array 1, null", func(h *KeyHasher) { h.AppendArray(2); h.AppendInt(1); h.AppendNull() }},
	{"map a: 1", func(h *KeyHasher) { h.AppendMap(1); h.AppendString("a"); h.AppendInt(1) }},
	{"struct 1, a", func(h *KeyHasher) { h.AppendStruct(2); h.AppendInt(1); h.AppendString("a") }},
	{"no columns", func(*KeyHasher) {}},
}

// TestKeyVectors compares with testdata/keys.txt, which is frozen: other numbers move keys between partitions.
func TestKeyVectors(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	got.WriteString("# canonical bytes of a key | xxh3-64 of them | partition of 8 | key\n")
	var h KeyHasher
	for _, c := range keyCases {
		h.Reset()
		c.add(&h)
		if h.Sum() != xxh3.Hash(h.Canonical()) {
			t.Errorf("%s: Sum is not the hash of Canonical", c.name)
		}
		fmt.Fprintf(&got, "%s | %016x | %d | %s\n", hex.EncodeToString(h.Canonical()), h.Sum(), h.Sum()%8, c.name)
	}
	const path = "testdata/keys.txt"
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// Keys that are equal in SQL have one hash, others have not.
func TestEqualKeysHashEqual(t *testing.T) {
	t.Parallel()
	sum := func(name string) uint64 {
		for _, c := range keyCases {
			if c.name == name {
				var h KeyHasher
				c.add(&h)
				return h.Sum()
			}
		}
		t.Fatalf("no case %q", name)
		return 0
	}
	for _, pair := range [][2]string{
		{"double 0", "double -0"},
		{"double NaN", "double other NaN"},
		{"decimal 1.50", "decimal 1.5"},
		{"decimal 1.5000000000000000000 in 128 bits", "decimal 1.5"},
		{"decimal -0.050 in 128 bits", "decimal -0.05"},
		{"decimal -2^64 * 10 / 10", "decimal -2^64"},
		{"string AAPL", "string AAPL as bytes of it"},
	} {
		if sum(pair[0]) != sum(pair[1]) {
			t.Errorf("%s and %s differ", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{
		{"string AAPL", "bytes AAPL"},
		{"string a, string b", "string ab, string empty"},
		{"null", "string empty"},
		{"int 0", "double 0"},
		{"decimal 2^64", "decimal -2^64"},
	} {
		if sum(pair[0]) == sum(pair[1]) {
			t.Errorf("%s and %s agree", pair[0], pair[1])
		}
	}
}

func TestShortcutsAgree(t *testing.T) {
	t.Parallel()
	var h KeyHasher
	for n := range 60 {
		s := bytes.Repeat([]byte{byte(n)}, n)
		h.Reset()
		h.AppendStringBytes(s)
		if want, got := h.Sum(), h.HashString(s); got != want {
			t.Errorf("string of %d bytes: got %x, want %x", n, got, want)
		}
		h.Reset()
		h.AppendInt(int64(n) - 30)
		if want, got := h.Sum(), HashInt(int64(n)-30); got != want {
			t.Errorf("int %d: got %x, want %x", n-30, got, want)
		}
	}
}

func TestSchemaID(t *testing.T) {
	t.Parallel()
	specs := trades(0).Columns.Specs
	if got := string(appendSchema(nil, specs[:3])); got != "2 id BIGINT\n6 symbol STRING\n5 price DECIMAL(18,4)\n" {
		t.Errorf("canonical text %q", got)
	}
	if got, want := SchemaID(specs), uint64(17597966717260317806); got != want {
		t.Errorf("got %d, want %d: the id is frozen", got, want)
	}
	a := []ColumnSpec{{"a", ColumnType{Kind: "INT"}}, {"b", ColumnType{Kind: "INT"}}}
	b := []ColumnSpec{{"a INT\n1 b", ColumnType{Kind: "INT"}}}
	if SchemaID(a) == SchemaID(b) {
		t.Error("a name can look like a second column")
	}
}

func TestHashingDoesNotAllocate(t *testing.T) {
	var h KeyHasher
	if n := testing.AllocsPerRun(20, func() {
		h.Reset()
		h.AppendString("AAPL")
		h.AppendInt(7)
		h.Sum()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
