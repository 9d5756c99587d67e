package expr

import (
	"testing"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// headersType is the type of a column that holds the headers of a record.
func headersType() vector.Type {
	return vector.TArray(vector.TStruct(
		vector.Field{Name: "KEY", Type: vector.TString}, vector.Field{Name: "VALUE", Type: vector.TBytes}))
}

// headerRows has four rows: two headers of one key, no headers, no list, a header without a value.
func headerRows(t *testing.T) *vector.Batch {
	t.Helper()
	v := vector.NewVector(headersType(), 4)
	pair := v.Kids[0]
	add := func(key, value string, null bool) {
		vector.AppendBytes(pair.Kids[0], []byte(key))
		if null {
			vector.AppendNull(pair.Kids[1])
		} else {
			vector.AppendBytes(pair.Kids[1], []byte(value))
		}
		vector.SetLen(pair, pair.Len+1)
	}
	end := func() {
		v.Offs = append(v.Offs, uint32(pair.Len))
		vector.SetLen(v, v.Len+1)
	}
	add("a", "1", false)
	add("b", "x", false)
	add("a", "2", false)
	end()
	end()
	vector.AppendNull(v)
	add("a", "", true)
	end()
	return &vector.Batch{Rows: 4, Cols: []*vector.Vector{v}}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	column := &Column{Name: "headers", T: headersType()}
	for _, c := range []struct {
		call, key string
		want      [4]string
	}{
		{"HEADER", "a", [4]string{"2", "NULL", "NULL", "NULL"}},
		{"REMOVE_HEADER", "b", [4]string{"x", "NULL", "NULL", "NULL"}},
		{"HAS_HEADER", "a", [4]string{"true", "false", "false", "true"}},
		{"HAS_HEADER", "A", [4]string{"false", "false", "false", "false"}},
		{"HEADER_KEYS", "", [4]string{"a,b,a", "", "", "a"}},
	} {
		args := []Expr{column}
		if c.key != "" {
			args = append(args, &Literal{V: c.key, T: vector.TString})
		}
		x, err := NewCall(c.call, args, sqlerr.Span{})
		if err != nil {
			t.Fatal(err)
		}
		ctx := &Context{}
		v := mustCompile(t, x).Eval(ctx, headerRows(t))
		for i, want := range c.want {
			got := "NULL"
			if !isNull(v, i) {
				got = string(vector.AppendText(nil, v, i))
			}
			if got != want || len(ctx.Errors) > 0 {
				t.Errorf("%s(%q) of row %d is %q, want %q; errors %v", c.call, c.key, i, got, want, ctx.Errors)
			}
		}
	}
	if _, err := NewCall("HEADER", []Expr{&Literal{V: "a", T: vector.TString}}, sqlerr.Span{}); err == nil {
		t.Error("HEADER without headers is accepted")
	}
}
