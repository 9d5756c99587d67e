package vector

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/messages"
)

// cell is the value of a row as a test compares it; nil is null.
func cell(v *Vector, i int) any {
	if v.Null(i) {
		return nil
	}
	switch v.Type.Phys() {
	case PhysBool:
		return v.Bool[i]
	case PhysI64:
		return v.I64[i]
	case PhysF64:
		return v.F64[i]
	case PhysI128:
		return v.I128[i]
	case PhysStr:
		return string(v.Bytes(i))
	case PhysNested:
		return v.Value(i)
	default:
		return nil
	}
}

func cells(v *Vector, sel []uint32) []any {
	out := []any{}
	if sel == nil {
		for i := range v.Len {
			out = append(out, cell(v, i))
		}
		return out
	}
	for _, i := range sel {
		out = append(out, cell(v, int(i)))
	}
	return out
}

var genTypes = []Type{
	TBoolean, TInt, TDouble, TDecimal(12, 2), TDecimal(30, 3), TString, TBytes, TTimestamp, TNull,
	TArray(TBigInt), TArray(TString), TMap(TString, TDouble), TMap(TInt, TArray(TNull)),
	TStruct(Field{"a", TInt}, Field{"b", TArray(TStruct(Field{"c", TString}, Field{"d", TDecimal(30, 3)}))}),
}

// genVector draws a vector in one of the shapes operators make: with and without nulls, flat, dictionary, slice.
func genVector(t *rapid.T, typ Type) *Vector {
	n := rapid.IntRange(0, 150).Draw(t, "rows")
	v := NewVector(typ, 0)
	nulls := rapid.Bool().Draw(t, "nulls")
	dict := typ.Phys() == PhysStr && rapid.Bool().Draw(t, "dict")
	if dict {
		v.Codes = []uint32{}
		for _, s := range []string{"", "a", "bb", "a"} {
			v.Data = append(v.Data, s...)
			v.Offs = append(v.Offs, uint32(len(v.Data)))
		}
	}
	for range n {
		x := rapid.IntRange(0, 9).Draw(t, "x")
		if (nulls && x == 0) || typ.Kind == Null {
			AppendNull(v)
			continue
		}
		v.push(x, dict)
		SetLen(v, v.Len+1)
	}
	from := rapid.IntRange(0, n).Draw(t, "from")
	return SliceVector(v, from, rapid.IntRange(from, n).Draw(t, "to"))
}

func (v *Vector) push(x int, dict bool) {
	switch v.Type.Phys() {
	case PhysBool:
		v.Bool = append(v.Bool, x%2 == 0)
	case PhysI64:
		v.I64 = append(v.I64, int64(x))
	case PhysF64:
		v.F64 = append(v.F64, float64(x)/4)
	case PhysI128:
		v.I128 = append(v.I128, Int128{Lo: uint64(x), Hi: int64(x % 2)})
	case PhysStr:
		if dict {
			v.Codes = append(v.Codes, uint32(x%4))
			return
		}
		v.Data = append(v.Data, fmt.Sprint("s", x)...)
		v.Offs = append(v.Offs, uint32(len(v.Data)))
	case PhysNested:
		v.pushNested(x)
	default:
	}
}

// pushNested appends a value of x%4 elements, some of them null, without making it a row.
func (v *Vector) pushNested(x int) {
	n := x % 4
	if v.Type.Kind == Struct {
		n = 1
	}
	for e := range n {
		for k, kid := range v.Kids {
			if kid.Type.Kind == Null || (x+e+k)%5 == 4 && (v.Type.Kind != Map || k > 0) {
				AppendNull(kid)
				continue
			}
			kid.push(x+3*e+k, false)
			SetLen(kid, kid.Len+1)
		}
	}
	Close(v)
	v.Len--
}

func genSel(t *rapid.T, n int) []uint32 {
	if rapid.Bool().Draw(t, "all") {
		return nil
	}
	sel := []uint32{}
	for i := range n {
		if rapid.Bool().Draw(t, "in") {
			sel = append(sel, uint32(i))
		}
	}
	return sel
}

func TestAppendAgainstRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(genTypes).Draw(t, "type")
		dst, want := NewVector(typ, 0), []any{}
		sources := []*Vector{genVector(t, typ), genVector(t, typ)}
		before := [][]any{cells(sources[0], nil), cells(sources[1], nil)}
		for range rapid.IntRange(1, 5).Draw(t, "appends") {
			src := sources[rapid.IntRange(0, 1).Draw(t, "source")]
			sel := genSel(t, src.Len)
			want = append(want, cells(src, sel)...)
			Append(dst, src, sel)
			if d := cmp.Diff(want, cells(dst, nil)); d != "" {
				t.Fatalf("(-want +got):\n%s", d)
			}
		}
		Reset(dst)
		Append(dst, sources[0], nil)
		Append(dst, sources[1], nil)
		if d := cmp.Diff(append(before[0], before[1]...), cells(dst, nil)); d != "" {
			t.Fatalf("after a reset, or a source has changed (-want +got):\n%s", d)
		}
	})
}

func TestGatherSliceClone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := genVector(t, rapid.SampledFrom(genTypes).Draw(t, "type"))
		all := cells(v, nil)
		sel := genSel(t, v.Len)
		if d := cmp.Diff(cells(v, sel), cells(Gather(v, sel), nil)); d != "" {
			t.Fatalf("gather (-want +got):\n%s", d)
		}
		from := rapid.IntRange(0, v.Len).Draw(t, "from2")
		to := rapid.IntRange(from, v.Len).Draw(t, "to2")
		if d := cmp.Diff(append([]any{}, all[from:to]...), cells(SliceVector(v, from, to), nil)); d != "" {
			t.Fatalf("slice (-want +got):\n%s", d)
		}
		if d := cmp.Diff(all, cells(CloneVector(v), nil)); d != "" {
			t.Fatalf("clone (-want +got):\n%s", d)
		}
	})
}

// batchOf makes a batch with a column of each type, in the shapes of genVector, cut to the same length.
func genBatch(t *rapid.T) *Batch {
	b := &Batch{Schema: &Schema{}, Rows: 1 << 30, Watermark: rapid.Int64().Draw(t, "wm"), Seq: 7}
	for i := range rapid.IntRange(1, 4).Draw(t, "columns") {
		typ := rapid.SampledFrom(genTypes).Filter(func(t Type) bool { return t.Kind != Null }).Draw(t, "type")
		v := genVector(t, typ)
		b.Schema.Fields = append(b.Schema.Fields, Field{Name: fmt.Sprint("c", i), Type: v.Type})
		b.Cols = append(b.Cols, v)
		b.Rows = min(b.Rows, v.Len)
	}
	for i, v := range b.Cols {
		b.Cols[i] = SliceVector(v, 0, b.Rows)
	}
	b.Time = rapid.SliceOfN(rapid.Int64Range(0, 1000), b.Rows, b.Rows).Draw(t, "time")
	if rapid.Bool().Draw(t, "ops") {
		for range b.Rows {
			b.Ops = append(b.Ops, Op(rapid.IntRange(0, 3).Draw(t, "op")))
		}
	}
	b.Sel = genSel(t, b.Rows)
	return b
}

// rowsOf lists the selected rows with op and event time.
func rowsOf(b *Batch) [][]any {
	out := [][]any{}
	for i := range b.Rows {
		if b.Sel != nil && !slices.Contains(b.Sel, uint32(i)) {
			continue
		}
		op := Insert
		if b.Ops != nil {
			op = b.Ops[i]
		}
		row := []any{op, b.Time[i]}
		for _, v := range b.Cols {
			row = append(row, cell(v, i))
		}
		out = append(out, row)
	}
	return out
}

func TestBatchHelpersKeepRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := genBatch(t)
		want := rowsOf(b)
		at := rapid.IntRange(0, b.Rows).Draw(t, "cut")
		low, high := Slice(b, 0, at), Slice(b, at, b.Rows)
		if d := cmp.Diff(want, append(rowsOf(low), rowsOf(high)...)); d != "" {
			t.Fatalf("slice (-want +got):\n%s", d)
		}
		if high.FirstRow != b.FirstRow+at || high.Seq != 7 {
			t.Fatalf("origin: got %d, %d", high.Seq, high.FirstRow)
		}
		joined := NewBatch(b.Schema, 0)
		AppendBatch(joined, low)
		AppendBatch(joined, high)
		AppendBatch(joined, b)
		if d := cmp.Diff(append(append([][]any{}, want...), want...), rowsOf(joined)); d != "" {
			t.Fatalf("append (-want +got):\n%s", d)
		}
		if joined.Watermark != b.Watermark {
			t.Fatalf("watermark: got %d, want %d", joined.Watermark, b.Watermark)
		}
		if d := cmp.Diff(want, rowsOf(CloneBatch(b))); d != "" {
			t.Fatalf("clone (-want +got):\n%s", d)
		}
	})
}

func TestWireThereAndBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := genBatch(t)
		var p, q messages.ProcessBatch
		ToColumns(b, &p.Columns)
		if err := p.Columns.Fits(); err != nil {
			t.Fatal(err)
		}
		if err := messages.DecodeProcessBatch(p.Append(nil), &q); err != nil {
			t.Fatal(err)
		}
		var got Batch
		if err := FromColumns(&q.Columns, b.Schema, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(rowsOf(b), rowsOf(&got)); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
		schema, err := SchemaOf(q.Columns.Specs)
		if err != nil || SchemaID(schema) != SchemaID(b.Schema) {
			t.Fatalf("schema: got %v, %v, want %v", schema, err, b.Schema)
		}
	})
}

func TestFromColumnsChecksTheSchema(t *testing.T) {
	t.Parallel()
	b := NewBatch(&Schema{Fields: []Field{{"a", TInt}, {"b", TDecimal(10, 2)}}}, 0)
	var c messages.Columns
	ToColumns(b, &c)
	for _, s := range []*Schema{
		{Fields: []Field{{"a", TBigInt}, {"b", TDecimal(10, 2)}}},
		{Fields: []Field{{"a", TInt}, {"b", TDecimal(10, 3)}}},
	} {
		if err := FromColumns(&c, s, &Batch{}); err == nil {
			t.Errorf("schema %v passed", s.Fields)
		}
	}
	// A column that was added later is null in rows from before; one that is not known yet is left out.
	more := &Schema{Fields: []Field{{"a", TInt}, {"b", TDecimal(10, 2)}, {"c", TString}}}
	one := NewBatch(b.Schema, 1)
	one.Rows, one.Time = 1, []int64{0}
	for _, v := range one.Cols {
		AppendNull(v)
	}
	ToColumns(one, &c)
	var got Batch
	if err := FromColumns(&c, more, &got); err != nil || len(got.Cols) != 3 || !got.Cols[2].Null(0) {
		t.Errorf("an added column: %v, %d columns", err, len(got.Cols))
	}
	if err := FromColumns(&c, &Schema{Fields: more.Fields[:1]}, &got); err != nil || len(got.Cols) != 1 {
		t.Errorf("a column not known yet: %v, %d columns", err, len(got.Cols))
	}
}

func TestNullColumnGoesOutAsStrings(t *testing.T) {
	t.Parallel()
	b := NewBatch(&Schema{Fields: []Field{{"nothing", TNull}}}, 0)
	AppendNull(b.Cols[0])
	b.Rows, b.Time = 1, []int64{0}
	var p, q messages.ProcessBatch
	ToColumns(b, &p.Columns)
	if err := messages.DecodeProcessBatch(p.Append(nil), &q); err != nil {
		t.Fatal(err)
	}
	var got Batch
	if err := FromColumns(&q.Columns, &Schema{Fields: []Field{{"nothing", TString}}}, &got); err != nil {
		t.Fatal(err)
	}
	if !got.Cols[0].Null(0) {
		t.Errorf("got %v", cell(got.Cols[0], 0))
	}
}

func TestHashKeysAgainstTheHasher(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := genBatch(t)
		cols := b.Cols[:rapid.IntRange(1, len(b.Cols)).Draw(t, "key columns")]
		dst := make([]uint64, b.Live())
		HashKeys(dst, cols, b.Rows, b.Sel)
		var h messages.KeyHasher
		k := 0
		for i := range b.Rows {
			if b.Sel != nil && !slices.Contains(b.Sel, uint32(i)) {
				continue
			}
			h.Reset()
			for _, v := range cols {
				AppendKey(&h, v, i)
			}
			if dst[k] != h.Sum() {
				t.Fatalf("row %d: got %x, want %x", i, dst[k], h.Sum())
			}
			k++
		}
	})
}

// The hash follows the value, not its form: a string is the same key flat and in a dictionary, an INT as a BIGINT.
func TestHashKeysFollowsTheValue(t *testing.T) {
	t.Parallel()
	flat := &Vector{Type: TString, Len: 4, Offs: []uint32{0, 1, 1, 2, 3}, Data: []byte("aba")}
	dict := &Vector{Type: TString, Len: 4, Codes: []uint32{0, 1, 2, 0}, Offs: []uint32{0, 1, 1, 2}, Data: []byte("ab")}
	a, b := make([]uint64, 4), make([]uint64, 4)
	HashKeys(a, []*Vector{flat}, 4, nil)
	HashKeys(b, []*Vector{dict}, 4, nil)
	if !slices.Equal(a, b) {
		t.Errorf("flat %x, dictionary %x", a, b)
	}
	if want := uint64(0x2db60605234d7cb9); a[1] != want {
		t.Errorf("empty string: got %x, want %x of testdata/keys.txt", a[1], want)
	}
	small := &Vector{Type: TInt, Len: 1, I64: []int64{42}}
	large := &Vector{Type: TBigInt, Len: 1, I64: []int64{42}}
	HashKeys(a[:1], []*Vector{small}, 1, nil)
	HashKeys(b[:1], []*Vector{large}, 1, nil)
	if a[0] != b[0] {
		t.Errorf("INT %x, BIGINT %x", a[0], b[0])
	}
}

func BenchmarkHashKeysDict(b *testing.B)  { benchHash(b, true) }
func BenchmarkHashKeysFlat(b *testing.B)  { benchHash(b, false) }
func BenchmarkGatherHalf(b *testing.B)    { benchGather(b, TBigInt) }
func BenchmarkGatherStrings(b *testing.B) { benchGather(b, TString) }

func benchVector(t Type, dict bool) *Vector {
	v := NewVector(t, 4096)
	if dict {
		v.Codes = []uint32{}
	}
	for i := range 4096 {
		switch {
		case t.Phys() == PhysI64:
			v.I64 = append(v.I64, int64(i))
		case dict:
			v.Codes = append(v.Codes, uint32(i%500))
			if i >= 500 {
				break
			}
			fallthrough
		default:
			v.Data = append(v.Data, fmt.Sprint("sym", i%500)...)
			v.Offs = append(v.Offs, uint32(len(v.Data)))
		}
	}
	v.Len = 4096
	return v
}

func benchHash(b *testing.B, dict bool) {
	b.Helper()
	v, dst := benchVector(TString, dict), make([]uint64, 4096)
	for b.Loop() {
		HashKeys(dst, []*Vector{v}, 4096, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/row")
}

func benchGather(b *testing.B, t Type) {
	b.Helper()
	v, sel := benchVector(t, false), []uint32{}
	for i := range 2048 {
		sel = append(sel, uint32(2*i))
	}
	for b.Loop() {
		Gather(v, sel)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2048, "ns/row")
}

// A maker of batches fills the same memory again and again; what was appended before stays as it was.
func TestAppendSharesNothing(t *testing.T) {
	t.Parallel()
	for _, entries := range []int{2, 9} { // fewer and more than rows
		src := &Vector{Type: TString, Len: 3, Codes: []uint32{0, 1, 0}, Offs: []uint32{0, 2, 4}, Data: []byte("aabb")}
		for i := 2; i < entries; i++ {
			src.Data = append(src.Data, "cc"...)
			src.Offs = append(src.Offs, uint32(len(src.Data)))
		}
		dst := NewVector(TString, 0)
		Append(dst, src, nil)
		Append(dst, src, []uint32{1})
		copy(src.Data, "xxxxxxxxxxxxxxxxxxxx")
		src.Offs[1] = 1
		Append(dst, src, []uint32{0})
		var got []string
		for i := range dst.Len {
			got = append(got, string(dst.Bytes(i)))
		}
		if d := cmp.Diff([]string{"aa", "bb", "aa", "bb", "x"}, got); d != "" {
			t.Errorf("%d entries: (-want +got):\n%s", entries, d)
		}
	}
}
