package operator

import (
	"fmt"
	"math"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// unnestRows runs one Unnest over rows of values and returns the output rows as JSON, position included.
func unnestRows(tb interface{ Fatal(...any) }, in *vector.Schema, spec *Unnest, rows [][]any) ([]string, *recorder) {
	spec.Schema = &vector.Schema{Fields: slices.Clone(in.Fields)}
	for _, f := range spec.Funcs {
		spec.Schema.Fields = append(spec.Schema.Fields, vector.Field{Name: f.Func, Type: f.T})
	}
	if spec.Ordinal {
		spec.Schema.Fields = append(spec.Schema.Fields, vector.Field{Name: "at", Type: vector.TBigInt})
	}
	var got []string
	rec := &recorder{}
	c, err := BuildOn([]*vector.Schema{in}, []Spec{spec}, rec, func(b *vector.Batch) {
		for i := range b.Rows {
			line := fmt.Sprint("@", b.Time[i])
			for _, v := range b.Cols[1:] {
				line += " " + jsonOf(v, i)
			}
			got = append(got, line)
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
	b := vector.NewBatch(in, len(rows))
	for i, row := range rows {
		for k, v := range row {
			if err := vector.AppendAny(b.Cols[k], v); err != nil {
				tb.Fatal(err)
			}
		}
		b.Time = append(b.Time, int64(i))
		b.Rows++
	}
	c.Process(0, b)
	return got, rec
}

func TestUnnestAgainstModel(t *testing.T) {
	t.Parallel()
	in := &vector.Schema{Fields: []vector.Field{
		{Name: "a", Type: vector.TArray(vector.TBigInt)}, {Name: "b", Type: vector.TArray(nestedPoint)},
	}}
	rapid.Check(t, func(t *rapid.T) {
		outer := rapid.Bool().Draw(t, "outer")
		var rows [][]any
		var want []string
		filtered := 0
		for r := range rapid.IntRange(0, 9).Draw(t, "rows") {
			row := []any{genValue(t, in.Fields[0].Type), genValue(t, in.Fields[1].Type)}
			rows = append(rows, row)
			a, _ := row[0].([]any)
			b, _ := row[1].([]any)
			n := max(len(a), len(b))
			if n == 0 && outer {
				want = append(want, fmt.Sprintf("@%d %s null null null", r, valueText(t, in.Fields[1].Type, row[1])))
			} else if n == 0 {
				filtered++
			}
			for i := range n {
				var x, y any
				if i < len(a) {
					x = a[i]
				}
				if i < len(b) {
					y = b[i]
				}
				want = append(want, fmt.Sprintf("@%d %s %s %s %d", r, valueText(t, in.Fields[1].Type, row[1]),
					valueText(t, vector.TBigInt, x), valueText(t, nestedPoint, y), i+1))
			}
		}
		got, rec := unnestRows(t, in, &Unnest{
			Funcs: []TableFunc{{"EXPLODE", []int{0}, vector.TBigInt}, {"UNNEST", []int{1}, nestedPoint}},
			Outer: outer, Ordinal: true,
		}, rows)
		if d := gocmp.Diff(want, got); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
		if rec.filtered != filtered {
			t.Fatalf("filtered: got %d, want %d", rec.filtered, filtered)
		}
	})
}

func valueText(t *rapid.T, typ vector.Type, x any) string {
	v := vector.NewVector(typ, 1)
	mustAppend(t, v, x)
	return jsonOf(v, 0)
}

func TestCubeExplode(t *testing.T) {
	t.Parallel()
	typ := vector.TArray(vector.TInt)
	in := &vector.Schema{Fields: []vector.Field{{Name: "a", Type: typ}}}
	i := func(x int64) any { return x }
	for _, c := range []struct {
		in   any
		want []string
		fail bool
	}{
		{[]any{i(1), i(2)}, []string{"[null,null]", "[null,2]", "[1,null]", "[1,2]"}, false},
		{[]any{i(1), nil, i(2)}, []string{"[null,null,null]", "[null,null,2]", "[1,null,null]", "[1,null,2]"}, false},
		{[]any{nil}, []string{"[null]"}, false},
		{[]any{}, []string{"[]"}, false},
		{nil, nil, false},
		{slices.Repeat([]any{i(1)}, 17), nil, true},
	} {
		got, rec := unnestRows(t, in, &Unnest{Funcs: []TableFunc{{"CUBE_EXPLODE", []int{0}, typ}}}, [][]any{{c.in}})
		for k := range c.want {
			c.want[k] = "@0 " + c.want[k]
		}
		if d := gocmp.Diff(c.want, got); d != "" || (rec.fail == 1) != c.fail {
			t.Errorf("%v: failed %v (-want +got):\n%s", c.in, rec.failures, d)
		}
	}
}

func TestGenerateSeries(t *testing.T) {
	t.Parallel()
	in := &vector.Schema{Fields: []vector.Field{
		{Name: "k", Type: vector.TInt},
		{Name: "a", Type: vector.TBigInt},
		{Name: "b", Type: vector.TBigInt},
		{Name: "s", Type: vector.TBigInt},
	}}
	most := int64(math.MaxInt64)
	for _, c := range []struct {
		from, to, step any // step 0: none is given
		want           string
		fail           bool
	}{
		{int64(1), int64(3), nil, "[1 2 3]", false},
		{int64(3), int64(1), nil, "[3 2 1]", false},
		{int64(5), int64(5), nil, "[5]", false},
		{int64(1), int64(6), int64(2), "[1 3 5]", false},
		{int64(1), int64(-4), int64(-2), "[1 -1 -3]", false},
		{int64(1), int64(3), int64(-1), "[]", false},
		{int64(1), int64(3), int64(0), "[]", true},
		{nil, int64(3), nil, "[]", false},
		{-most - 1, most, most, fmt.Sprint([]int64{-most - 1, -1, most - 1}), false},
		{-most - 1, most, nil, "[]", true},
		{most, -most - 1, -most - 1, fmt.Sprint([]int64{most, -1}), false},
	} {
		args := []int{1, 2}
		if c.step != nil {
			args = append(args, 3)
		}
		got, rec := unnestRows(t, in, &Unnest{Funcs: []TableFunc{{"GENERATE_SERIES", args, vector.TBigInt}}},
			[][]any{{int64(0), c.from, c.to, c.step}})
		numbers := []int64{}
		for _, line := range got {
			var x int64
			if _, err := fmt.Sscan(line[len(line)-len(lastWord(line)):], &x); err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, x)
		}
		if fmt.Sprint(numbers) != c.want || (rec.fail == 1) != c.fail {
			t.Errorf("%v to %v by %v: got %v, want %s; %v", c.from, c.to, c.step, numbers, c.want, rec.failures)
		}
	}
}

func lastWord(s string) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ' ' {
			return s[i+1:]
		}
	}
	return s
}

// TestUnnestInPieces: one row with many elements leaves in batches of at most outRows.
func TestUnnestInPieces(t *testing.T) {
	t.Parallel()
	in := &vector.Schema{Fields: []vector.Field{{Name: "k", Type: vector.TInt}, {Name: "n", Type: vector.TBigInt}}}
	got, _ := unnestRows(t, in, &Unnest{Funcs: []TableFunc{{"GENERATE_SERIES", []int{0, 1}, vector.TBigInt}}},
		[][]any{{int64(1), int64(3 * outRows)}, {int64(1), int64(1)}})
	if len(got) != 3*outRows+1 || got[3*outRows-1] != fmt.Sprintf("@0 %d %d", 3*outRows, 3*outRows) {
		t.Errorf("got %d rows", len(got))
	}
}

// TestUnreadColumnsAreNull: what nobody reads is not copied, and the functions see it all the same.
func TestUnreadColumnsAreNull(t *testing.T) {
	t.Parallel()
	in := &vector.Schema{Fields: []vector.Field{
		{Name: "k", Type: vector.TInt},
		{Name: "a", Type: vector.TArray(vector.TBigInt)},
		{Name: "n", Type: vector.TInt},
	}}
	got, _ := unnestRows(t, in, &Unnest{
		Funcs: []TableFunc{{"EXPLODE", []int{1}, vector.TBigInt}}, Unread: []int{1},
	}, [][]any{{int64(1), []any{int64(5), nil}, int64(7)}})
	if d := gocmp.Diff([]string{"@0 null 7 5", "@0 null 7 null"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func BenchmarkExplode(b *testing.B) {
	in := &vector.Schema{
		Fields: []vector.Field{{Name: "k", Type: vector.TBigInt}, {Name: "a", Type: vector.TArray(vector.TBigInt)}},
	}
	spec := &Unnest{
		Funcs: []TableFunc{{"EXPLODE", []int{1}, vector.TBigInt}}, Unread: []int{1},
		Schema: &vector.Schema{Fields: append(slices.Clone(in.Fields), vector.Field{Name: "e", Type: vector.TBigInt})},
	}
	rows := 0
	c, err := BuildOn([]*vector.Schema{in}, []Spec{spec}, &recorder{}, func(b *vector.Batch) { rows += b.Rows })
	if err != nil {
		b.Fatal(err)
	}
	batch := vector.NewBatch(in, 1024)
	for i := range 1024 {
		appendWord(batch.Cols[0], uint64(i))
		for e := range 4 {
			appendWord(batch.Cols[1].Kids[0], uint64(e))
		}
		vector.Close(batch.Cols[1])
		batch.Time = append(batch.Time, 0)
	}
	batch.Rows = 1024
	for b.Loop() {
		c.Process(0, batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
}
