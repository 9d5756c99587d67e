package parser_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/vector"
)

func genType(t *rapid.T, depth int) vector.Type {
	flat := []vector.Type{
		vector.TBoolean, vector.TInt, vector.TBigInt, vector.TDouble, vector.TDecimal(38, 18), vector.TDecimal(5, 0),
		vector.TString, vector.TBytes, vector.TDate, vector.TTime, vector.TTimestamp, vector.TInterval,
	}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 3:
		if depth > 0 {
			return vector.TArray(genType(t, depth-1))
		}
	case 4:
		if depth > 0 {
			return vector.TMap(genType(t, depth-1), genType(t, depth-1))
		}
	case 5:
		fields := []vector.Field{}
		for range rapid.IntRange(1, 3).Draw(t, "fields") {
			name := rapid.SampledFrom([]string{"a", "aB", "from", "KEY", "a b", `q"<`, "1e3", "1R", "ä", "_x"}).
				Draw(t, "name")
			if depth > 0 {
				fields = append(fields, vector.Field{Name: name, Type: genType(t, depth-1)})
			}
		}
		if len(fields) > 0 {
			return vector.TStruct(fields...)
		}
	}
	return rapid.SampledFrom(flat).Draw(t, "flat")
}

func TestTypesAreReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := genType(t, 4)
		got, err := parser.ParseType(ast.FormatType(want))
		if err != nil || !got.Equal(want) {
			t.Fatalf("%s came back as %s, %v", ast.FormatType(want), got, err)
		}
	})
	for _, bad := range []string{"", "ARRAY", "ARRAY<INT> INT", "INT;", "NOPE", strings.Repeat("ARRAY<", 10_000)} {
		if got, err := parser.ParseType(bad); err == nil {
			t.Errorf("%.40q: got %s", bad, got)
		}
	}
}
