package vector

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/messages"
)

// TestBuildAgainstValues builds vectors row by row in the three ways there are, and wants the values back.
func TestBuildAgainstValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := genVector(t, rapid.SampledFrom(genTypes).Draw(t, "type"))
		byRow, byValue := NewVector(v.Type, 0), NewVector(v.Type, 0)
		for i := range v.Len {
			AppendFrom(byRow, v, i)
			if err := AppendAny(byValue, v.Value(i)); err != nil {
				t.Fatal(err)
			}
		}
		want := cells(v, nil)
		if d := gocmp.Diff(want, cells(byRow, nil)); d != "" {
			t.Fatalf("AppendFrom (-want +got):\n%s", d)
		}
		if d := gocmp.Diff(want, cells(byValue, nil)); d != "" {
			t.Fatalf("AppendAny (-want +got):\n%s", d)
		}
	})
}

// TestOrderAgreesWithKeys: rows are equal where Compare says 0, where their keys are the same bytes, and where their
// texts are the same; the order is total.
func TestOrderAgreesWithKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(genTypes).Draw(t, "type")
		v, w := genVector(t, typ), genVector(t, typ)
		var h messages.KeyHasher
		key := func(v *Vector, i int) []byte {
			h.Reset()
			AppendKey(&h, v, i)
			return slices.Clone(h.Canonical())
		}
		for i := range min(v.Len, 12) {
			for j := range min(w.Len, 12) {
				c := Compare(v, i, w, j)
				same := bytes.Equal(key(v, i), key(w, j))
				if (c == 0) != same || Equal(v, i, w, j) != same || c != -Compare(w, j, v, i) {
					t.Fatalf("%v and %v: compare %d, keys equal: %v", v.Value(i), w.Value(j), c, same)
				}
				if texts := bytes.Equal(AppendJSON(nil, v, i), AppendJSON(nil, w, j)); texts != same {
					t.Fatalf("%v and %v: texts equal %v, keys equal %v", v.Value(i), w.Value(j), texts, same)
				}
			}
		}
		order := make([]int, v.Len)
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return Compare(v, a, v, b) })
		for k := range order[:max(0, len(order)-1)] {
			if Compare(v, order[0], v, order[k+1]) > 0 || Compare(v, order[k], v, order[k+1]) > 0 {
				t.Fatal("the order is not total")
			}
		}
	})
}

func TestCloseSortsEntries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := NewVector(TMap(TString, TBigInt), 0)
		var want []any
		for range rapid.IntRange(1, 4).Draw(t, "rows") {
			model := map[string]int64{}
			for range rapid.IntRange(0, 6).Draw(t, "entries") {
				k := rapid.SampledFrom([]string{"b", "a", "", "B", "ä"}).Draw(t, "k")
				x := rapid.Int64Range(0, 9).Draw(t, "x")
				model[k] = x
				AppendBytes(v.Kids[0], []byte(k))
				v.Kids[1].I64 = append(v.Kids[1].I64, x)
				SetLen(v.Kids[1], v.Kids[1].Len+1)
			}
			Close(v)
			row := []Entry{}
			for k, x := range model {
				row = append(row, Entry{k, x})
			}
			slices.SortFunc(row, func(a, b Entry) int { return cmp.Compare(a.Key.(string), b.Key.(string)) })
			want = append(want, row)
		}
		if d := gocmp.Diff(want, cells(v, nil)); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	})
}

func TestNestedText(t *testing.T) {
	t.Parallel()
	point := TStruct(Field{"x", TDouble}, Field{`"y`, TDecimal(5, 2)})
	for _, c := range []struct {
		typ   Type
		value any
		want  string
	}{
		{TArray(TBigInt), []any{int64(1), nil, int64(-3)}, `[1,null,-3]`},
		{TArray(TString), []any{}, `[]`},
		{TArray(TString), nil, `null`},
		{TMap(TString, TBoolean), []Entry{{"b", true}, {"a", nil}, {"b", false}}, `{"a":null,"b":false}`},
		{TMap(TInt, TString), []Entry{{int64(10), "x"}, {int64(9), `"`}}, `{"9":"\"","10":"x"}`},
		{point, []any{1.5, Int128{Lo: 150}}, `{"x":1.5,"\"y":1.50}`},
		{TArray(point), []any{[]any{nil, nil}, nil}, `[{"x":null,"\"y":null},null]`},
		{TArray(TDate), []any{int64(0)}, `["1970-01-01"]`},
	} {
		v := NewVector(c.typ, 1)
		if err := AppendAny(v, c.value); err != nil {
			t.Fatal(err)
		}
		if got := string(AppendJSON(nil, v, 0)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.typ, got, c.want)
		}
	}
	v := NewVector(TArray(TArray(TInt)), 1)
	for _, bad := range []any{int64(1), "x", []any{int64(1)}, []any{[]any{int64(1), "x"}}, []Entry{}} {
		if err := AppendAny(v, bad); err == nil || v.Len != 0 || v.Kids[0].Len != 0 {
			t.Errorf("%v is no ARRAY<ARRAY<INT>>: got %v, %d rows", bad, err, v.Len)
		}
	}
}

func TestTypeEqual(t *testing.T) {
	t.Parallel()
	types := append(slices.Clone(genTypes), TStruct(), TStruct(Field{"A", TInt}), TStruct(Field{"a", TInt}),
		TStruct(Field{"a", TBigInt}), TArray(TArray(TString)), TMap(TString, TString), TDecimal(12, 3))
	for _, a := range types {
		for _, b := range types {
			if got, want := a.Equal(b), a.String() == b.String(); got != want {
				t.Errorf("%s and %s: got %v, want %v", a, b, got, want)
			}
		}
	}
	if d := TArray(TStruct(Field{"a", TInt}, Field{"b", TMap(TInt, TArray(TInt))})).Depth(); d != 4 {
		t.Errorf("depth: got %d, want 4", d)
	}
}

func BenchmarkGatherNested(b *testing.B) {
	v := NewVector(TArray(TBigInt), 1024)
	sel := make([]uint32, 0, 512)
	for i := range 1024 {
		for e := range i % 5 {
			v.Kids[0].I64 = append(v.Kids[0].I64, int64(e))
			SetLen(v.Kids[0], v.Kids[0].Len+1)
		}
		Close(v)
		if i%2 == 0 {
			sel = append(sel, uint32(i))
		}
	}
	for b.Loop() {
		Gather(v, sel)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(sel)), "ns/row")
	if v.Len != 1024 {
		b.Fatal(fmt.Sprint(v.Len))
	}
}
