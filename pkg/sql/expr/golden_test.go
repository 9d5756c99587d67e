package expr

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/vector"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden evaluates the expressions of testdata/*.txt, one a line, `expression -> TYPE value`. Each is evaluated
// three times: folded at compile time, and with its constants in columns, flat and with dictionaries, among rows that
// are not selected and would fail. Files named ksql... are bound under that profile.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			runGolden(t, file)
		})
	}
}

func runGolden(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			fmt.Fprintln(&got, line)
			continue
		}
		call, _, _ := strings.Cut(line, " -> ")
		cols := columns{}
		if strings.HasPrefix(filepath.Base(file), "ksql") {
			cols[underKsql] = nil
		}
		fmt.Fprintf(&got, "%s -> %s\n", call, goldenCase(t, call, cols))
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// goldenBatch has the row of constants in the middle of others.
func goldenBatch() *vector.Batch {
	return &vector.Batch{
		Rows: 1, Time: []int64{1_600_000_000_000}, AppendTime: 1_700_000_000_123, Partition: 3,
		Seq: 77,
	}
}

func goldenCase(t *testing.T, call string, cols columns) string {
	t.Helper()
	a, err := parseExpr(call)
	if err != nil {
		return "ERROR " + err.Error()
	}
	x, err := cols.bind(a)
	if err != nil {
		return "ERROR " + err.Error()
	}
	folded := oneRow(t, x, goldenBatch(), 0)
	for _, dict := range []bool{false, true} {
		b := goldenBatch()
		b.Rows, b.Sel, b.Time = 4, []uint32{2}, []int64{0, 1, b.Time[0], 3}
		if dict {
			b.Rows, b.Sel = 6, []uint32{2, 3, 4, 5} // more rows than entries
			b.Time = []int64{0, 1, b.Time[2], b.Time[2], b.Time[2], b.Time[2]}
		}
		hidden := hide(x, b, dict)
		if got := oneRow(t, hidden, b, 2); got != folded && !strings.Contains(call, "RANDOM") &&
			!strings.Contains(call, "UUID") {
			t.Errorf("%s: folded %s, in columns (dictionary %v) %s", call, folded, dict, got)
		}
	}
	return folded
}

// oneRow returns the value of a row as text.
func oneRow(t *testing.T, x Expr, b *vector.Batch, row int) string {
	t.Helper()
	p, err := Compile(x)
	if err != nil {
		return "ERROR " + err.Error()
	}
	ctx := &Context{}
	for range 2 { // the second time on used memory
		ctx.Errors = ctx.Errors[:0]
		v := p.Eval(ctx, b)
		if v.Len != b.Rows {
			t.Fatalf("%s: %d rows of %d", x, v.Len, b.Rows)
		}
		for _, e := range ctx.Errors {
			if b.Sel != nil && e.Row < b.Sel[0] {
				t.Errorf("%s: row %d is not selected and fails with %s", x, e.Row, e.Msg)
			}
			if int(e.Row) == row {
				if !isNull(v, row) {
					t.Errorf("%s: row %d fails and is not null", x, row)
				}
				return "FAILS " + e.Code + " " + e.Msg
			}
		}
		if !v.Type.Equal(x.Type()) && v.Type.Kind != vector.Null {
			t.Errorf("%s: the vector has type %s, the expression %s", x, v.Type, x.Type())
		}
		if isNull(v, row) {
			continue
		}
		text := strings.ReplaceAll(string(vector.AppendText(nil, v, row)), "\n", `\n`)
		return x.Type().String() + " " + text
	}
	return x.Type().String() + " NULL"
}

// hide moves the literals of an expression into columns of b, in which the selected rows hold the value and the others
// are null, or hold what fails.
func hide(x Expr, b *vector.Batch, dict bool) Expr {
	each := func(list []Expr) []Expr {
		out := make([]Expr, len(list))
		for i, a := range list {
			out[i] = hide(a, b, dict)
		}
		return out
	}
	switch n := x.(type) {
	case *Literal:
		if n.T.Kind == vector.Null {
			return n
		}
		b.Cols = append(b.Cols, hiddenColumn(n, b, dict))
		return &Column{Index: len(b.Cols) - 1, Name: fmt.Sprintf("c%d", len(b.Cols)), T: n.T}
	case *Lambda:
		return &Lambda{Params: n.Params, Body: hide(n.Body, b, dict)}
	case *Call:
		if n.Func.Name == "->" {
			return &Call{Func: n.Func, Args: []Expr{hide(n.Args[0], b, dict), n.Args[1]}, T: n.T, At: n.At}
		}
		return &Call{Func: n.Func, Args: each(n.Args), T: n.T, At: n.At}
	case *Cast:
		return &Cast{X: hide(n.X, b, dict), T: n.T, Try: n.Try, Profile: n.Profile, At: n.At}
	case *Case:
		c := &Case{When: each(n.When), Then: each(n.Then), T: n.T}
		if n.Else != nil {
			c.Else = hide(n.Else, b, dict)
		}
		return c
	case *Try:
		return &Try{X: hide(n.X, b, dict)}
	default:
		return x
	}
}

func hiddenColumn(l *Literal, b *vector.Batch, dict bool) *vector.Vector {
	one := literalVector(l)
	v := vector.NewVector(l.T, b.Rows)
	for i := range b.Rows {
		if i < int(b.Sel[0]) && i%2 == 0 {
			vector.AppendNull(v)
			continue
		}
		if i < int(b.Sel[0]) { // another value: zero
			zero := &Literal{T: l.T, V: map[vector.Phys]any{
				vector.PhysBool: false, vector.PhysI64: int64(0),
				vector.PhysF64: 0.0, vector.PhysI128: vector.Int128{}, vector.PhysStr: "?",
			}[l.T.Phys()]}
			vector.Append(v, literalVector(zero), nil)
			continue
		}
		vector.Append(v, one, nil)
	}
	if dict && l.T.Phys() == vector.PhysStr {
		d := &vector.Vector{Type: l.T, Len: b.Rows, Valid: v.Valid, Offs: []uint32{0}, Codes: make([]uint32, b.Rows)}
		for k, i := range []int{int(b.Sel[0]), 1} {
			d.Data = append(d.Data, v.Bytes(i)...)
			d.Offs = append(d.Offs, uint32(len(d.Data)))
			for j := range b.Rows {
				if bytes.Equal(v.Bytes(j), v.Bytes(i)) {
					d.Codes[j] = uint32(k)
				}
			}
		}
		return d
	}
	return v
}
