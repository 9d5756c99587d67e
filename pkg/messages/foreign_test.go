package messages

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

// A reader written from docs/wire.md alone, value by value, over what a general msgpack library gives. It shares no
// code with the codec.

// failer is what a testing.T and a rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func foreignRows(t failer, data []byte) [][]any {
	t.Helper()
	var m map[string]any
	if err := msgpack.Unmarshal(data, &m); err != nil {
		t.Fatalf("msgpack library: %v", err)
	}
	n := int(asInt(m["n"]))
	rows := make([][]any, n)
	var columns [][]any
	for _, c := range m["cols"].([]any) {
		col := c.([]any)
		valid, _ := col[3].([]byte)
		columns = append(columns, foreignColumn(t, col[1].(string), col[2].([]byte), n))
		for i := range rows {
			if valid != nil && valid[i/8]>>(i%8)&1 == 0 {
				columns[len(columns)-1][i] = nil
			}
			rows[i] = append(rows[i], columns[len(columns)-1][i])
		}
	}
	if ops, ok := m["ops"].([]byte); ok {
		for i := range rows {
			rows[i] = append(rows[i], ops[i/4]>>(i%4*2)&3)
		}
	}
	switch et := m["et"].(type) {
	case nil:
	case []byte:
		for i, v := range foreignInts(et, n) {
			rows[i] = append(rows[i], v)
		}
	default:
		for i := range rows {
			rows[i] = append(rows[i], columns[asInt(et)][i])
		}
	}
	return rows
}

func asInt(v any) int64 {
	n, err := strconv.ParseInt(fmt.Sprint(v), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func foreignColumn(t failer, typ string, bin []byte, n int) []any {
	t.Helper()
	out := make([]any, n)
	if n == 0 {
		return out
	}
	if strings.HasSuffix(typ, ">") {
		return foreignNested(t, typ, bin, n)
	}
	kind, _, _ := strings.Cut(typ, "(")
	wide := false
	if kind == "DECIMAL" {
		p, _, _ := strings.Cut(typ[8:], ",")
		wide = len(p) == 2 && p > "18"
	}
	switch {
	case kind == "BOOLEAN":
		for i := range out {
			out[i] = bin[1+i/8]>>(i%8)&1 == 1
		}
	case kind == "DOUBLE":
		for i := range out {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(bin[1+8*i:]))
		}
	case kind == "STRING" || kind == "BYTES":
		for i, s := range foreignStrings(bin, n) {
			out[i] = s
		}
	case wide && bin[0] == 0x20:
		for i := range out {
			out[i] = Int128{binary.LittleEndian.Uint64(bin[1+16*i:]), int64(binary.LittleEndian.Uint64(bin[9+16*i:]))}
		}
	case wide:
		for i, v := range foreignInts(bin, n) {
			out[i] = Int128{uint64(v), v >> 63}
		}
	default:
		for i, v := range foreignInts(bin, n) {
			out[i] = v
		}
	}
	return out
}

// foreignTypes are the types inside a nested one: what is between its outer brackets, cut at the commas of this level.
func foreignTypes(typ string) []string {
	s := typ[strings.IndexByte(typ, '<')+1 : len(typ)-1]
	var out []string
	for s != "" {
		if strings.HasPrefix(typ, "STRUCT") {
			size, rest, _ := strings.Cut(s, ":")
			n, err := strconv.Atoi(size)
			if err != nil {
				panic(err)
			}
			s = rest[n+1:]
		}
		level, end := 0, len(s)
		names := 0 // bytes of a field's name, in which brackets mean nothing
		for i := 0; i < len(s) && end == len(s); i++ {
			if names > 0 {
				names--
				continue
			}
			switch c := s[i]; {
			case c == '<' || c == '(':
				level++
			case c == '>' || c == ')':
				level--
			case c == ':':
				at := i
				for s[at-1] >= '0' && s[at-1] <= '9' {
					at--
				}
				names, _ = strconv.Atoi(s[at:i])
			case c == ',' && level == 0:
				end = i
			}
		}
		out = append(out, s[:end])
		s = strings.TrimPrefix(s[end:], ",")
	}
	return out
}

// foreignNested gives each value as the list of what is in it: element, or key and value, or each field.
func foreignNested(t failer, typ string, bin []byte, n int) []any {
	t.Helper()
	out := make([]any, n)
	lengths := make([]int64, n)
	total := n
	for i := range lengths {
		lengths[i] = 1
	}
	if bin[0] == 0x50 {
		size := little(bin[1:5])
		lengths = foreignInts(bin[5:5+size], n)
		bin, total = bin[4+size:], 0
		for _, l := range lengths {
			total += int(l)
		}
	}
	bin = bin[1:]
	var kids [][]any
	for _, kid := range foreignTypes(typ) {
		size, nulls := little(bin[:4]), bin[4] == 1
		values := foreignColumn(t, kid, bin[5:5+size], total)
		bin = bin[5+size:]
		if nulls {
			for i := range values {
				if bin[i/8]>>(i%8)&1 == 0 {
					values[i] = nil
				}
			}
			bin = bin[(total+7)/8:]
		}
		kids = append(kids, values)
	}
	at := 0
	for i, l := range lengths {
		row := []any{}
		for range l {
			for _, k := range kids {
				row = append(row, k[at])
			}
			at++
		}
		out[i] = row
	}
	return out
}

func little(b []byte) (v uint64) {
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	return v
}

func foreignInts(bin []byte, n int) []int64 {
	out := make([]int64, n)
	w := int(bin[0])
	if w < 0x10 {
		for i := range out {
			out[i] = int64(little(bin[1:9]) + little(bin[9+w*i:9+w*i+w]))
		}
		return out
	}
	w -= 0x10
	out[0] = int64(little(bin[1:9]))
	for i := 1; i < n; i++ {
		at := 17 + w*(i-1)
		out[i] = out[i-1] + int64(little(bin[9:17])+little(bin[at:at+w]))
	}
	return out
}

func foreignStrings(bin []byte, n int) []string {
	if bin[0] == 0x41 {
		s, _ := foreignEntries(bin[1:], n)
		return s
	}
	w := int(bin[1])
	entries, codes := foreignEntries(bin[6:], int(little(bin[2:6])))
	out := make([]string, n)
	for i := range out {
		out[i] = entries[little(codes[w*i:w*i+w])]
	}
	return out
}

func foreignEntries(b []byte, n int) (entries []string, rest []byte) {
	w := int(b[0])
	lens := b[1:]
	text := lens[w*n:]
	if w == 0 {
		text = lens[4:]
	}
	for i := range n {
		var size uint64
		if w == 0 {
			size = little(lens[:4])
		} else {
			size = little(lens[w*i : w*i+w])
		}
		entries, text = append(entries, string(text[:size])), text[size:]
	}
	return entries, text
}

func TestAnyLibraryDecodes(t *testing.T) {
	t.Parallel()
	b := trades(300)
	if d := cmp.Diff(rowsOf(&b.Columns), foreignRows(t, b.Append(nil))); d != "" {
		t.Errorf("trades (-want +got):\n%s", d)
	}
	var m map[string]any
	if err := msgpack.Unmarshal(b.Append(nil), &m); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(m["v"], m["k"], m["id"], m["cid"], m["ts"], m["rc"], m["sid"], m["wm"], m["idle"], m["end"])
	want := "1 process trades/0/17 trades/0/17/0 1700000000000 0 42 1700000000000 false false\n"
	if got != want {
		t.Errorf("envelope: got %s, want %s", got, want)
	}
}

// genBatch draws columns of every type in the shapes that vectors have: dictionaries with equal entries, sliced
// offsets, nulls with anything under them.
func genBatch(t *rapid.T) *BatchResult {
	rows := rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(60, 200)).Draw(t, "rows")
	r := &BatchResult{ProcessBatch: ProcessBatch{
		BatchID: rapid.String().Draw(t, "id"), SchemaID: rapid.Uint64().Draw(t, "sid"),
		Watermark: rapid.Int64().Draw(t, "wm"), TimeMs: rapid.Int64().Draw(t, "ts"), Idle: rapid.Bool().Draw(t, "idle"),
	}}
	c := &r.Columns
	c.Rows = rows
	for range rapid.IntRange(0, 6).Draw(t, "columns") {
		k := kinds[rapid.IntRange(0, len(kinds)-1).Draw(t, "kind")]
		typ := ColumnType{Kind: k.name}
		if k.name == "DECIMAL" {
			typ.Precision = uint8(rapid.IntRange(1, 38).Draw(t, "p"))
			typ.Scale = uint8(rapid.IntRange(0, int(typ.Precision)).Draw(t, "s"))
		}
		c.Specs = append(c.Specs, ColumnSpec{rapid.StringN(0, 10, -1).Draw(t, "name"), typ})
		c.Cols = append(c.Cols, genColumn(t, typ, rows))
	}
	if rapid.Bool().Draw(t, "ops") {
		c.Ops = rapid.SliceOfN(rapid.ByteRange(0, 3), rows, rows).Draw(t, "op")
		if !slices.ContainsFunc(c.Ops, func(op byte) bool { return op != OpInsert }) {
			c.Ops = nil // comes back so
		}
	}
	if rapid.Bool().Draw(t, "timed") {
		c.Time = genInts(t, rows)
	}
	return r
}

func genInts(t *rapid.T, rows int) []int64 {
	base := rapid.Int64().Draw(t, "base")
	spread := uint(rapid.IntRange(0, 63).Draw(t, "bits"))
	out := make([]int64, rows)
	sum := rapid.Bool().Draw(t, "running")
	for i := range out {
		d := rapid.Int64Range(0, 1<<spread-1).Draw(t, "v")
		out[i] = base + d
		if sum {
			base = out[i]
		}
	}
	return out
}

func genColumn(t *rapid.T, typ ColumnType, rows int) Column {
	c := Column{Type: typ}
	switch rapid.IntRange(0, 3).Draw(t, "nulls") {
	case 1:
		c.Valid = rapid.SliceOfN(rapid.Uint64(), (rows+63)/64, (rows+63)/64+1).Draw(t, "valid")
	case 2:
		c.Valid = make([]uint64, (rows+63)/64)
	}
	switch physOf(&typ) {
	case physBool:
		c.Bool = rapid.SliceOfN(rapid.Bool(), rows, rows).Draw(t, "bool")
	case physI64:
		c.I64 = genInts(t, rows)
	case physF64:
		c.F64 = rapid.SliceOfN(rapid.Float64(), rows, rows).Draw(t, "f64")
	case physI128:
		for _, v := range genInts(t, rows) {
			c.I128 = append(c.I128, Int128{uint64(v), v >> 63})
		}
		if rows > 0 && rapid.Bool().Draw(t, "wide") {
			c.I128[rows-1] = Int128{rapid.Uint64().Draw(t, "lo"), rapid.Int64().Draw(t, "hi")}
		}
	case physStr:
		genStrings(t, &c, rows)
	default:
	}
	return c
}

func genStrings(t *rapid.T, c *Column, rows int) {
	n, dict := rows, rapid.Bool().Draw(t, "dict")
	if dict {
		n = rapid.OneOf(rapid.IntRange(1, 4), rapid.IntRange(1, 400)).Draw(t, "entries")
	}
	c.Data = []byte(rapid.StringN(0, 5, -1).Draw(t, "before"))
	c.Offs = []uint32{uint32(len(c.Data))}
	some := rapid.SampledFrom([]string{"", "a", "b", "abc", strings.Repeat("x", 300)})
	for range n {
		c.Data = append(c.Data, some.Draw(t, "s")...)
		c.Offs = append(c.Offs, uint32(len(c.Data)))
	}
	c.Data = append(c.Data, "after"...)
	if dict {
		c.Codes = rapid.SliceOfN(rapid.Uint32Range(0, uint32(n-1)), rows, rows).Draw(t, "codes")
	}
}

func TestRoundTripOfAnything(t *testing.T) {
	t.Parallel()
	var into BatchResult // used again, as a reader does
	rapid.Check(t, func(t *rapid.T) {
		want := genBatch(t)
		data := want.Append([]byte("prefix"))[6:]
		same := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
		if d := cmp.Diff(rowsOf(&want.Columns), foreignRows(t, data), same); d != "" {
			t.Fatalf("foreign reader (-want +got):\n%s", d)
		}
		if err := DecodeBatchResult(data, &into); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(rowsOf(&want.Columns), rowsOf(&into.Columns), same); d != "" {
			t.Fatalf("decoder (-want +got):\n%s", d)
		}
		if into.Watermark != want.Watermark || into.BatchID != want.BatchID || into.SchemaID != want.SchemaID {
			t.Fatalf("envelope: got %+v, want %+v", into.ProcessBatch, want.ProcessBatch)
		}
	})
}
