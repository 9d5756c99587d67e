package messages

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func flatType(kind string) *ColumnType { return &ColumnType{Kind: kind} }

// nestedBatch is four rows of [[1,2],[],null,[null]], {"a":[true]} twice, null, {}, and structs, one of them null.
func nestedBatch() *ProcessBatch {
	list := Column{
		Type:  ColumnType{Kind: "ARRAY", Elem: flatType("BIGINT")},
		Valid: []uint64{0b1011}, Offs: []uint32{0, 2, 2, 2, 3},
		Kids: []Column{{Type: *flatType("BIGINT"), Valid: []uint64{0b011}, I64: []int64{1, 2, 0}}},
	}
	inner := ColumnType{Kind: "ARRAY", Elem: flatType("BOOLEAN")}
	entries := Column{
		Type:  ColumnType{Kind: "MAP", Key: flatType("STRING"), Elem: &inner},
		Valid: []uint64{0b1011}, Offs: []uint32{0, 1, 2, 2, 2},
		Kids: []Column{
			{Type: *flatType("STRING"), Codes: []uint32{0, 0}, Offs: []uint32{0, 1}, Data: []byte("a")},
			{Type: inner, Offs: []uint32{0, 1, 2}, Kids: []Column{{Type: *inner.Elem, Bool: []bool{true, true}}}},
		},
	}
	price := ColumnType{Kind: "DECIMAL", Precision: 38, Scale: 2}
	record := Column{
		Type: ColumnType{Kind: "STRUCT", Fields: []ColumnSpec{
			{"a b,>", *flatType("DOUBLE")}, {"", price}, {"l", list.Type},
		}},
		Valid: []uint64{0b0111},
		Kids: []Column{
			{Type: *flatType("DOUBLE"), Valid: []uint64{0b0110}, F64: []float64{0, 1.5, -1, 0}},
			{Type: price, Valid: []uint64{0b0111}, I128: []Int128{{1, 2}, {3, -1}, {}, {}}},
			list,
		},
	}
	record.Kids[2].Valid = []uint64{0b0011}
	record.Kids[2].Offs = []uint32{0, 2, 3, 3, 3}
	b := &ProcessBatch{BatchID: "nested"}
	b.Columns = Columns{
		Rows:  4,
		Specs: []ColumnSpec{{"l", list.Type}, {"m", entries.Type}, {"s", record.Type}},
		Cols:  []Column{list, entries, record},
	}
	return b
}

func TestNestedRoundTrip(t *testing.T) {
	t.Parallel()
	want := nestedBatch()
	data := want.Append(nil)
	var got ProcessBatch
	for range 2 { // the second time into memory that is there already
		if err := DecodeProcessBatch(data, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.Columns.Specs, got.Columns.Specs); d != "" {
			t.Fatalf("types (-want +got):\n%s", d)
		}
		if again := got.Append(nil); string(again) != string(data) {
			t.Fatalf("encode of decode differs:\n%x\n%x", data, again)
		}
		l := got.Columns.Cols[0]
		if d := cmp.Diff([]int64{1, 2, 1}, l.Kids[0].I64); d != "" { // a null is the minimum
			t.Fatalf("elements (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]uint32{0, 2, 3, 3, 3}, got.Columns.Cols[2].Kids[2].Offs); d != "" {
			t.Fatalf("offsets (-want +got):\n%s", d)
		}
	}
	if d := cmp.Diff(rowsOf(&want.Columns), foreignRows(t, data)); d != "" {
		t.Fatalf("another reader (-want +got):\n%s", d)
	}
	empty := nestedBatch()
	empty.Columns.Rows = 0
	if err := DecodeProcessBatch(empty.Append(nil), &got); err != nil || len(got.Columns.Cols[1].Kids[1].Kids) != 1 {
		t.Fatalf("no rows: got %v, %v", got.Columns.Cols[1], err)
	}
	if want, got := uint64(0xb5477dfe0d7d7274), SchemaID(want.Columns.Specs); got != want {
		t.Errorf("schema id: got %#x, want %#x, which is frozen", got, want)
	}
}

func TestNestedTypeText(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"ARRAY<INT>", "MAP<STRING,DECIMAL(18,4)>", "STRUCT<>", "STRUCT<1:a INT,3:b,> ARRAY<DOUBLE>,0: BYTES>",
		"ARRAY<STRUCT<3:key STRING,5:value BYTES>>", strings.Repeat("ARRAY<", 8) + "INT" + strings.Repeat(">", 8),
	} {
		got, err := ParseColumnType([]byte(s))
		if err != nil || got.String() != s {
			t.Errorf("%s: got %s, %v", s, got.String(), err)
		}
	}
	for _, s := range []string{
		"ARRAY", "ARRAY<", "ARRAY<>", "ARRAY<INT", "ARRAY<INT>>", "ARRAY<INT,INT>", "MAP<INT>", "MAP<INT,INT",
		"LIST<INT>",
		"STRUCT<a INT>", "STRUCT<1:aINT>", "STRUCT<9:a INT>", "STRUCT<1:a INT 1:b INT>", "STRUCT<-1:a INT>",
		"STRUCT<99999999999:a INT>", "STRUCT<1:a INT,>", "DECIMAL<1>", "ARRAY<DECIMAL(3>", "<", "ARRAY<DECIMAL>",
		strings.Repeat("ARRAY<", 9) + "INT" + strings.Repeat(">", 9), strings.Repeat("ARRAY<", 1<<16),
		"STRUCT<" + strings.Repeat("1:a INT,", 1024) + "1:a INT>",
	} {
		if got, err := ParseColumnType([]byte(s)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.60s: got %v, %v", s, got.Kind, err)
		}
	}
}

// sized is bytes with their size in front.
func sized(s string) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s }

// inside is a column inside another: the size, whether a validity follows, the values.
func inside(valid, values string) string {
	return string(binary.LittleEndian.AppendUint32(nil, uint32(len(values)))) + valid + values
}

func TestWrongNestedColumns(t *testing.T) {
	t.Parallel()
	ints := func(v byte) string { return "\x00" + string([]byte{v, 0, 0, 0, 0, 0, 0, 0}) }
	many := "\x00\x00\x00\x00\x08\x00\x00\x00\x00" // 1 << 27
	for _, c := range []struct {
		name, typ string
		rows      int
		values    string
		want      string // "" when it is right
	}{
		{"two elements a row", "ARRAY<INT>", 3, "\x50" + sized(ints(2)) + inside("\x00", ints(7)), ""},
		{"empty lists", "ARRAY<INT>", 3, "\x50" + sized(ints(0)) + inside("\x00", ""), ""},
		{
			"struct", "STRUCT<1:a INT,1:b STRING>", 1,
			"\x51" + inside("\x00", ints(7)) + inside("\x01", "\x41\x00\x00\x00\x00\x00") + "\x00", "",
		},
		{"no fields", "STRUCT<>", 2, "\x51", ""},
		{"nothing", "ARRAY<INT>", 3, "", "does not begin with 0x50"},
		{"encoding", "ARRAY<INT>", 3, "\x51", "does not begin with 0x50"},
		{"struct as list", "STRUCT<>", 3, "\x50", "does not begin with 0x51"},
		{"no lengths", "ARRAY<INT>", 3, "\x50\x01", "lengths of lists end early"},
		{"negative", "ARRAY<INT>", 1, "\x50" + sized("\x00\xff\xff\xff\xff\xff\xff\xff\xff"), "more than 67108864"},
		{"very many", "ARRAY<BOOLEAN>", 1, "\x50" + sized(many) + inside("\x00", "\x30"), "more than 67108864"},
		{"memory", "ARRAY<INT>", 1 << 20, "\x50" + sized(ints(9)) + inside("\x00", ints(7)), "would take more than"},
		{
			"memory of all", "STRUCT<1:a ARRAY<INT>,1:b ARRAY<INT>>", 1 << 20,
			"\x51" + strings.Repeat(inside("\x00", "\x50"+sized(ints(5))+inside("\x00", ints(7))), 2),
			"would take more than",
		},
		{"no elements", "ARRAY<INT>", 3, "\x50" + sized(ints(2)), "nested column ends early"},
		{"no bytes", "ARRAY<INT>", 3, "\x50" + sized(ints(2)) + inside("\x00", ""), "no bytes for 6 nested values"},
		{"flag", "ARRAY<INT>", 3, "\x50" + sized(ints(2)) + inside("\x02", ints(7)), "nested column ends early"},
		{
			"validity", "ARRAY<INT>", 3,
			"\x50" + sized(ints(9)) + inside("\x01", ints(7)) + "abc", "validity of a nested",
		},
		{"rest", "ARRAY<INT>", 3, "\x50" + sized(ints(2)) + inside("\x00", ints(7)) + "x", "1 bytes too many"},
		{"half a map", "MAP<STRING,INT>", 1, "\x50" + sized(ints(0)) + inside("\x00", ""), "nested column ends early"},
		{"elements of none", "ARRAY<INT>", 1, "\x50" + sized(ints(0)) + inside("\x00", ints(7)), "9 bytes for no rows"},
		{"deep", strings.Repeat("ARRAY<", 9) + "INT" + strings.Repeat(">", 9), 1, "\x50", "unknown column type"},
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

func TestNestedBombTakesLittleMemory(t *testing.T) {
	bomb := corrupt(strings.Repeat("ARRAY<", 8)+"DECIMAL(38,0)"+strings.Repeat(">", 8), 1,
		"\x50"+sized("\x00\x00\x00\x00\x04\x00\x00\x00\x00"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := DecodeProcessBatch(bomb, &ProcessBatch{})
	runtime.ReadMemStats(&after)
	if err == nil || after.TotalAlloc-before.TotalAlloc > 1<<20 {
		t.Errorf("took %d bytes to say %v", after.TotalAlloc-before.TotalAlloc, err)
	}
}

func TestNestedDamageIsAnErrorOrHarmless(t *testing.T) {
	t.Parallel()
	whole := nestedBatch().Append(nil)
	var into ProcessBatch
	for i := range whole {
		if err := DecodeProcessBatch(whole[:i], &into); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut to %d bytes: got %v", i, err)
		}
		for _, x := range []byte{0x00, 0x01, 0x02, 0x7f, 0x80, 0xc0, 0xff, whole[i] ^ 1, whole[i] ^ 0x80} {
			damaged := append([]byte{}, whole...)
			damaged[i] = x
			if DecodeProcessBatch(damaged, &into) == nil && into.Columns.Rows < 1000 {
				checkAgain(t, &BatchResult{ProcessBatch: into})
			}
		}
	}
}

func TestFitsCountsElements(t *testing.T) {
	t.Parallel()
	b := nestedBatch()
	if err := b.Columns.Fits(); err != nil {
		t.Fatal(err)
	}
	b.Columns.Cols[0].Offs = []uint32{0, 0, 0, 0, 9 << 20}
	err := b.Columns.Fits()
	if err == nil || !strings.Contains(err.Error(), "nested values of 4 rows would take") {
		t.Errorf("got %v", err)
	}
}
