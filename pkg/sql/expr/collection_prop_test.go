package expr

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// The columns of the collection models: two lists, a number that looks outside, and a map.
var modelColumns = columns{
	"a": {Index: 0, Name: "a", T: vector.TArray(vector.TBigInt)},
	"b": {Index: 1, Name: "b", T: vector.TArray(vector.TBigInt)},
	"n": {Index: 2, Name: "n", T: vector.TBigInt},
	"m": {Index: 3, Name: "m", T: vector.TMap(vector.TString, vector.TBigInt)},
}

// modelRow is a row as Go values; nil is NULL.
type modelRow struct {
	a, b []any
	n    any
	m    []vector.Entry
}

func anySmall(t *rapid.T) any {
	if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
		return nil
	}
	return rapid.Int64Range(-3, 4).Draw(t, "n")
}

func anyList(t *rapid.T) []any {
	if rapid.IntRange(0, 5).Draw(t, "null list") == 0 {
		return nil
	}
	list := []any{}
	for range rapid.IntRange(0, 6).Draw(t, "elements") {
		list = append(list, anySmall(t))
	}
	return list
}

func anyMap(t *rapid.T) []vector.Entry {
	if rapid.IntRange(0, 5).Draw(t, "null map") == 0 {
		return nil
	}
	m := []vector.Entry{}
	for _, k := range []string{"a", "b", "c"} {
		if rapid.Bool().Draw(t, "has") {
			m = append(m, vector.Entry{Key: k, Val: anySmall(t)})
		}
	}
	return m
}

func orNil[T any](list []T) any {
	if list == nil {
		return nil
	}
	return list
}

// modelBatch draws rows and the batch of them, some not selected, the lists not at the beginning of their vectors.
func modelBatch(t *rapid.T) ([]modelRow, *vector.Batch) {
	rows := make([]modelRow, rapid.IntRange(1, 12).Draw(t, "rows"))
	skip := rapid.IntRange(0, 2).Draw(t, "rows before")
	b := &vector.Batch{Rows: len(rows), Time: make([]int64, len(rows))}
	full := make([]*vector.Vector, 4)
	for _, c := range modelColumns {
		full[c.Index] = vector.NewVector(c.T, 0)
	}
	for i := -skip; i < len(rows); i++ {
		r := modelRow{a: anyList(t), b: anyList(t), n: anySmall(t), m: anyMap(t)}
		for k, x := range []any{orNil(r.a), orNil(r.b), r.n, orNil(r.m)} {
			if err := vector.AppendAny(full[k], x); err != nil {
				t.Fatal(err)
			}
		}
		if i >= 0 {
			rows[i] = r
		}
	}
	for _, v := range full {
		b.Cols = append(b.Cols, vector.SliceVector(v, skip, v.Len))
	}
	if rapid.Bool().Draw(t, "sel") {
		b.Sel = []uint32{}
		for i := range rows {
			if rapid.Bool().Draw(t, "selected") {
				b.Sel = append(b.Sel, uint32(i))
			}
		}
	}
	return rows, b
}

func distinctOf(list []any) []any {
	out := []any{}
	for _, x := range list {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

func keep(list []any, yes func(any) bool) []any {
	out := []any{}
	for _, x := range list {
		if yes(x) {
			out = append(out, x)
		}
	}
	return out
}

func sorted(list []any, direction int) []any {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(x, y any) int {
		switch {
		case x == nil || y == nil:
			return map[bool]int{true: 1}[x == nil] - map[bool]int{true: 1}[y == nil]
		default:
			return direction * cmp.Compare(x.(int64), y.(int64))
		}
	})
	return out
}

// both applies a model to two lists that are not NULL.
func both(r modelRow, f func(a, b []any) []any) any {
	if r.a == nil || r.b == nil {
		return nil
	}
	return f(r.a, r.b)
}

func one(r modelRow, f func(a []any) any) any {
	if r.a == nil {
		return nil
	}
	return f(r.a)
}

func add(x, y any) any {
	if x == nil || y == nil {
		return nil
	}
	return x.(int64) + y.(int64)
}

// collectionModels are functions with what they do, written for one row.
var collectionModels = []struct {
	sql   string
	model func(r modelRow) any
}{
	{"ARRAY_DISTINCT(a)", func(r modelRow) any { return one(r, func(a []any) any { return distinctOf(a) }) }},
	{"ARRAY_UNION(a, b)", func(r modelRow) any {
		return both(r, func(a, b []any) []any { return distinctOf(slices.Concat(a, b)) })
	}},
	{"ARRAY_INTERSECT(a, b)", func(r modelRow) any {
		return both(r, func(a, b []any) []any {
			return keep(distinctOf(a), func(x any) bool { return slices.Contains(b, x) })
		})
	}},
	{"ARRAY_EXCEPT(a, b)", func(r modelRow) any {
		return both(r, func(a, b []any) []any {
			return keep(distinctOf(a), func(x any) bool { return !slices.Contains(b, x) })
		})
	}},
	{"ARRAY_REMOVE(a, n)", func(r modelRow) any {
		return one(r, func(a []any) any { return keep(a, func(x any) bool { return x != r.n }) })
	}},
	{"ARRAY_CONTAINS(a, n)", func(r modelRow) any {
		return one(r, func(a []any) any { return slices.Contains(a, r.n) })
	}},
	{"ARRAY_CONCAT(a, b)", func(r modelRow) any {
		if r.a == nil && r.b == nil {
			return nil
		}
		return append(append([]any{}, r.a...), r.b...)
	}},
	{"ARRAY_SORT(a)", func(r modelRow) any { return one(r, func(a []any) any { return sorted(a, 1) }) }},
	{"ARRAY_SORT(a, 'DESC')", func(r modelRow) any { return one(r, func(a []any) any { return sorted(a, -1) }) }},
	{"ARRAY_MAX(a)", func(r modelRow) any {
		return one(r, func(a []any) any {
			if s := sorted(keep(a, func(x any) bool { return x != nil }), -1); len(s) > 0 {
				return s[0]
			}
			return nil
		})
	}},
	{"a[n]", func(r modelRow) any {
		return one(r, func(a []any) any {
			i, ok := r.n.(int64)
			switch {
			case ok && i > 0 && int(i) <= len(a):
				return a[i-1]
			case ok && i < 0 && int(-i) <= len(a):
				return a[len(a)+int(i)]
			}
			return nil
		})
	}},
	{"SLICE(a, n, 3)", func(r modelRow) any {
		return one(r, func(a []any) any {
			from, ok := r.n.(int64)
			if !ok {
				from = 1
			}
			if from < 1 || len(a) < 3 || from > 4 {
				return nil
			}
			return append([]any{}, a[from-1:3]...)
		})
	}},
	{"a = b", func(r modelRow) any {
		if r.a == nil || r.b == nil {
			return nil
		}
		return slices.Equal(r.a, r.b)
	}},
	{"TRANSFORM(a, x => x + n)", func(r modelRow) any {
		return one(r, func(a []any) any {
			out := []any{}
			for _, x := range a {
				out = append(out, add(x, r.n))
			}
			return out
		})
	}},
	{"FILTER(a, x => x > n)", func(r modelRow) any {
		return one(r, func(a []any) any {
			return keep(a, func(x any) bool { return x != nil && r.n != nil && x.(int64) > r.n.(int64) })
		})
	}},
	{"REDUCE(a, n, (s, x) => COALESCE(s + x, s))", func(r modelRow) any {
		s := r.n
		for _, x := range r.a {
			if y := add(s, x); y != nil {
				s = y
			}
		}
		return s
	}},
	{"TRANSFORM(a, x => REDUCE(FILTER(b, y => y < x), n, (s, z) => s + z + x))", func(r modelRow) any {
		return one(r, func(a []any) any {
			out := []any{}
			for _, x := range a {
				s := r.n
				for _, y := range r.b {
					if x != nil && y != nil && y.(int64) < x.(int64) {
						s = add(add(s, y), x)
					}
				}
				out = append(out, s)
			}
			return out
		})
	}},
	{"m['b']", func(r modelRow) any {
		for _, e := range r.m {
			if e.Key == "b" {
				return e.Val
			}
		}
		return nil
	}},
	{"MAP_VALUES(FILTER(m, (k, v) => k <> 'b' OR v = n))", func(r modelRow) any {
		if r.m == nil {
			return nil
		}
		out := []any{}
		for _, e := range r.m {
			if e.Key != "b" || e.Val != nil && e.Val == r.n {
				out = append(out, e.Val)
			}
		}
		return out
	}},
	{"CASE WHEN n > 0 THEN a WHEN n < 0 THEN b END", func(r modelRow) any {
		switch n, ok := r.n.(int64); {
		case ok && n > 0:
			return orNil(r.a)
		case ok && n < 0:
			return orNil(r.b)
		}
		return nil
	}},
	{"STRUCT(x := a, y := n)->x[1]", func(r modelRow) any {
		if len(r.a) == 0 {
			return nil
		}
		return r.a[0]
	}},
	{"CAST(CAST(a AS ARRAY<STRING>) AS ARRAY<BIGINT>)", func(r modelRow) any { return orNil(r.a) }},
}

func TestCollectionModels(t *testing.T) {
	t.Parallel()
	for _, c := range collectionModels {
		t.Run(c.sql, func(t *testing.T) {
			t.Parallel()
			p, err := Compile(mustBind(t, c.sql, modelColumns))
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				rows, b := modelBatch(t)
				ctx := &Context{}
				v := p.Eval(ctx, b)
				if len(ctx.Errors) > 0 || v.Len != b.Rows {
					t.Fatalf("%d rows, errors %v", v.Len, ctx.Errors)
				}
				for i := range selectedRows(b) {
					if d := gocmp.Diff(c.model(rows[i]), v.Value(i)); d != "" {
						t.Fatalf("row %d, %+v (-want +got):\n%s", i, rows[i], d)
					}
				}
			})
		})
	}
}

func selectedRows(b *vector.Batch) func(func(int) bool) { return rows(b.Rows, b.Sel) }

// TestLambdaErrors wants an error inside of a lambda to be one of its row alone.
func TestLambdaErrors(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"TRANSFORM(a, x => 6 / x)", "FILTER(a, x => 6 / x > 0)", "REDUCE(a, 0, (s, x) => s + 6 / x)",
		"TRANSFORM(b, y => TRANSFORM(a, x => 6 / x))[1]",
	} {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			p, err := Compile(mustBind(t, sql, modelColumns))
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				rows, b := modelBatch(t)
				ctx := &Context{}
				v := p.Eval(ctx, b)
				var failed []uint32
				for i := range selectedRows(b) {
					if slices.Contains(rows[i].a, any(int64(0))) && (sql[10] != 'b' || len(rows[i].b) > 0) {
						failed = append(failed, uint32(i))
						if !v.Null(i) {
							t.Fatalf("row %d fails and is %v", i, v.Value(i))
						}
					}
				}
				var got []uint32
				for _, e := range ctx.Errors {
					got = append(got, e.Row)
				}
				if !slices.Equal(got, failed) {
					t.Fatalf("errors in %v, want %v", ctx.Errors, failed)
				}
			})
		})
	}
}

// TestLambdaBound wants an end to lambdas that run too often for one row.
func TestLambdaBound(t *testing.T) {
	t.Parallel()
	list := make([]any, 3000)
	for i := range list {
		list[i] = int64(i)
	}
	v := vector.NewVector(vector.TArray(vector.TBigInt), 1)
	if err := vector.AppendAny(v, list); err != nil {
		t.Fatal(err)
	}
	b := &vector.Batch{Rows: 1, Time: []int64{0}, Cols: []*vector.Vector{v}}
	for sql, fails := range map[string]bool{
		"REDUCE(TRANSFORM(a, x => ARRAY_LENGTH(a)), 0, (s, x) => s + x)":                             false,
		"ARRAY_LENGTH(TRANSFORM(a, x => REDUCE(a, x, (s, y) => s + y)))":                             true,
		fmt.Sprintf("ARRAY_LENGTH(TRANSFORM(SLICE(a, 1, %d), x => REDUCE(a, x, (s, y) => y)))", 300): false,
	} {
		p, err := Compile(mustBind(t, sql, columns{"a": modelColumns["a"]}))
		if err != nil {
			t.Fatal(err)
		}
		ctx := &Context{}
		if p.Eval(ctx, b); len(ctx.Errors) > 0 != fails {
			t.Errorf("%s: errors %v", sql, ctx.Errors)
		}
	}
}
