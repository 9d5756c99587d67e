package expr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// FuzzExpr evaluates whatever binds, under both profiles, over rows with nulls and empty collections: nothing panics,
// rows that fail are null, and the result has its type and its rows.
func FuzzExpr(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if call, _, ok := strings.Cut(line, " -> "); ok && !strings.HasPrefix(line, "#") {
				f.Add(call)
			}
		}
	}
	for _, c := range collectionModels {
		f.Add(c.sql)
	}
	b := fuzzBatch(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 300 {
			return
		}
		a, err := parseExpr(text)
		if err != nil {
			return
		}
		for _, ksql := range []bool{false, true} {
			cols := columns{}
			for name, c := range modelColumns {
				cols[name], cols[strings.ToUpper(name)] = c, c
			}
			if ksql {
				cols[underKsql] = &Column{}
			}
			x, err := cols.bind(a)
			if err != nil {
				continue
			}
			evalFuzzed(t, Settle(x), b)
		}
	})
}

func evalFuzzed(t *testing.T, x Expr, b *vector.Batch) {
	t.Helper()
	p, err := Compile(x)
	if err != nil {
		return
	}
	for _, sel := range [][]uint32{nil, {1, 3}, {}} {
		b.Sel = sel
		ctx := &Context{}
		v := p.Eval(ctx, b)
		if v.Len != b.Rows {
			t.Fatalf("%s: %d rows of %d", x, v.Len, b.Rows)
		}
		for _, e := range ctx.Errors {
			if !isNull(v, int(e.Row)) {
				t.Fatalf("%s: row %d fails and is %v", x, e.Row, v.Value(int(e.Row)))
			}
		}
		copied := vector.NewVector(v.Type, 0) // walks through all that the rows hold
		for i := range selectedRows(b) {
			vector.AppendFrom(copied, v, i)
		}
		for i := range copied.Len {
			vector.AppendJSON(nil, copied, i)
		}
	}
}

func fuzzBatch(tb testing.TB) *vector.Batch {
	tb.Helper()
	rows := [][]any{
		{nil, nil, nil, nil},
		{[]any{int64(1), nil, int64(-3)}, []any{}, int64(2), []vector.Entry{{Key: "a", Val: int64(1)}, {Key: "b"}}},
		{[]any{}, []any{int64(7)}, int64(-1), []vector.Entry{}},
		{[]any{int64(0), int64(0)}, nil, int64(0), []vector.Entry{{Key: "b", Val: int64(0)}}},
	}
	b := &vector.Batch{Rows: len(rows), Time: make([]int64, len(rows)), Cols: make([]*vector.Vector, len(modelColumns))}
	for _, c := range modelColumns {
		v := vector.NewVector(c.T, len(rows))
		for _, r := range rows {
			if err := vector.AppendAny(v, r[c.Index]); err != nil {
				tb.Fatal(err)
			}
		}
		b.Cols[c.Index] = v
	}
	return b
}
