package operator

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

var (
	nestedPoint = vector.TStruct(vector.Field{Name: "x", Type: vector.TDouble},
		vector.Field{Name: "tags", Type: vector.TArray(vector.TString)})
	nestedTypes = []vector.Type{
		vector.TArray(vector.TBigInt), vector.TMap(vector.TString, vector.TDecimal(30, 2)), nestedPoint,
		vector.TArray(nestedPoint), vector.TMap(vector.TInt, vector.TArray(vector.TBoolean)),
		vector.TString, vector.TDouble, vector.TDecimal(20, 0),
	}
)

// genValue draws a value of type t, as vector.AppendAny takes it. There are few different ones.
func genValue(t *rapid.T, typ vector.Type) any {
	x := rapid.IntRange(0, 5).Draw(t, "x")
	if x == 5 {
		return nil
	}
	n := x % 3
	switch typ.Kind {
	case vector.Array:
		list := make([]any, n)
		for i := range list {
			list[i] = genValue(t, *typ.Elem)
		}
		return list
	case vector.Map:
		entries := make([]vector.Entry, n)
		for i := range entries {
			entries[i] = vector.Entry{Key: int64(n - i), Val: genValue(t, *typ.Elem)}
			if typ.Key.Kind == vector.String {
				entries[i].Key = fmt.Sprint("k", n-i)
			}
		}
		return entries
	case vector.Struct:
		list := make([]any, len(typ.Fields))
		for i, f := range typ.Fields {
			list[i] = genValue(t, f.Type)
		}
		return list
	case vector.Boolean:
		return x%2 == 0
	case vector.Double:
		return float64(x) / 2
	case vector.Decimal:
		return vector.FromInt64(int64(x))
	case vector.String:
		return fmt.Sprint("s", x)
	default:
		return int64(x)
	}
}

func mustAppend(tb interface{ Fatal(args ...any) }, v *vector.Vector, x any) {
	if err := vector.AppendAny(v, x); err != nil {
		tb.Fatal(err)
	}
}

func jsonOf(v *vector.Vector, i int) string { return string(vector.AppendJSON(nil, v, i)) }

// TestNestedCodec: values come back as they were, and equal values, and only those, have equal bytes.
func TestNestedCodec(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(nestedTypes).Draw(t, "type")
		v := vector.NewVector(typ, 2)
		mustAppend(t, v, genValue(t, typ))
		mustAppend(t, v, genValue(t, typ))
		a, b := appendValue(nil, v, 0), appendValue(nil, v, 1)
		if same := vector.Equal(v, 0, v, 1); same != (string(a) == string(b)) {
			t.Fatalf("%s and %s: equal %v, bytes %x and %x", jsonOf(v, 0), jsonOf(v, 1), same, a, b)
		}
		back := vector.NewVector(typ, 2)
		rest := readValue(back, appendRaw(appendRaw(nil, v, 0), v, 1))
		if rest = readValue(back, rest); rest == nil || len(rest) > 0 {
			t.Fatalf("%d bytes left", len(rest))
		}
		for i := range 2 {
			if !vector.Equal(v, i, back, i) {
				t.Fatalf("%s came back as %s", jsonOf(v, i), jsonOf(back, i))
			}
		}
		if !validValues([]vector.Type{typ, typ}, append(a, b...)) {
			t.Fatalf("%x%x: not valid", a, b)
		}
	})
}

// FuzzNestedValue: readValue takes what validValue says, and hostile bytes make no vector that breaks.
func FuzzNestedValue(f *testing.F) {
	f.Add(byte(0), []byte{1, 2, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(byte(1), []byte{1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 'a', 0})
	f.Add(byte(3), []byte{1, 255, 255, 255, 255, 0})
	f.Add(byte(4), []byte{1, 2, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, which byte, src []byte) {
		typ := nestedTypes[int(which)%len(nestedTypes)]
		v := vector.NewVector(typ, 1)
		rest, want := readValue(v, src), validValue(typ, src)
		if (rest == nil) != (want == nil) || len(rest) != len(want) {
			t.Fatalf("readValue leaves %d bytes, validValue %d", len(rest), len(want))
		}
		if rest != nil {
			again := vector.NewVector(typ, 1)
			if readValue(again, appendRaw(nil, v, 0)) == nil || !vector.Equal(v, 0, again, 0) {
				t.Fatalf("%s came back as %s", jsonOf(v, 0), jsonOf(again, 0))
			}
		}
	})
}

// nestedIn is a key of any type and a nested value.
func nestedIn(key, value vector.Type) *vector.Schema {
	return &vector.Schema{Fields: []vector.Field{{Name: "k", Type: key}, {Name: "v", Type: value}}}
}

// TestNestedState runs a table, an aggregate and a lookup join over nested keys and values, with a snapshot in between,
// against the naive answer: the last value of each key.
func TestNestedState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := nestedIn(rapid.SampledFrom(nestedTypes).Draw(t, "key"), rapid.SampledFrom(nestedTypes).Draw(t, "value"))
		latest := &Aggregate{
			Keys: []int{0}, Emit: EmitBatch, Schema: in,
			Aggs: []Agg{{Func: "LATEST_BY_OFFSET", Args: []int{1}, Filter: -1}},
		}
		join := &LookupJoin{
			StreamKeys: []int{0}, TableKeys: []int{0}, Left: true,
			Schema: &vector.Schema{Fields: slices.Concat(in.Fields, in.Fields)},
		}
		table, agg := map[string]string{}, map[string]string{}
		ins := []*vector.Schema{in, in}
		specs := [][]Spec{{&Materialize{Keys: []int{0}, Schema: in}}, {latest}, {join}}
		got := make([]map[string]string, 3)
		chains := make([]*Chain, 3)
		for i := range specs {
			got[i] = map[string]string{}
			chains[i] = nestedChain(t, ins, specs[i], got[i])
		}
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			b := vector.NewBatch(in, 4)
			for range rapid.IntRange(1, 5).Draw(t, "rows") {
				mustAppend(t, b.Cols[0], genValue(t, in.Fields[0].Type))
				mustAppend(t, b.Cols[1], genValue(t, in.Fields[1].Type))
				k, v := jsonOf(b.Cols[0], b.Rows), jsonOf(b.Cols[1], b.Rows)
				table[k] = v
				if _, here := agg[k]; !here || v != "null" {
					agg[k] = v
				}
				b.Time = append(b.Time, int64(b.Rows))
				b.Rows++
			}
			for i, c := range chains {
				c.Process(i/2, b) // the join's table is port 1
				c.Flush()
				fresh := nestedChain(t, ins, specs[i], got[i])
				if err := fresh.Restore(c.Snapshot(nil)); err != nil {
					t.Fatal(err)
				}
				chains[i] = fresh
			}
			chains[2].Process(0, b)
		}
		joined := maps.Clone(got[2])
		for k := range joined {
			if k == "null" {
				table[k] = "null" // a null key has no row
			}
			if joined[k] != table[k] {
				t.Fatalf("join: %s is %s, want %s", k, joined[k], table[k])
			}
		}
		if d := gocmp.Diff(agg, got[1]); d != "" {
			t.Fatalf("aggregate (-want +got):\n%s", d)
		}
		delete(table, "null")
		delete(got[0], "null")
		if d := gocmp.Diff(table, got[0]); d != "" {
			t.Fatalf("table (-want +got):\n%s", d)
		}
	})
}

// nestedChain builds a chain whose rows set got[first column] to the last column, as JSON.
func nestedChain(t *rapid.T, in []*vector.Schema, specs []Spec, got map[string]string) *Chain {
	c, err := BuildOn(in, specs, &recorder{}, func(b *vector.Batch) {
		for i := range b.Rows {
			if b.Sel == nil || slices.Contains(b.Sel, uint32(i)) {
				got[jsonOf(b.Cols[0], i)] = jsonOf(b.Cols[len(b.Cols)-1], i)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNestedIsNotOrdered(t *testing.T) {
	t.Parallel()
	in := nestedIn(vector.TString, vector.TArray(vector.TInt))
	_, err := BuildOn(
		[]*vector.Schema{in},
		[]Spec{&Sort{Keys: []SortKey{{Col: 1}}, Limit: -1, Schema: in}},
		&recorder{},
		nil,
	)
	if want := "Sort: ORDER BY v: ARRAY<INT> has no order"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, name := range []string{"MIN", "MAX"} {
		_, err := ResolveAggIn(expr.Leat, name, []vector.Type{vector.TArray(vector.TInt)})
		if want := name + " of ARRAY<INT> is not defined"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
