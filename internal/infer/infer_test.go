package infer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// declared writes columns as a statement declares them.
func declared(cols []vector.Field) string {
	var parts []string
	for _, c := range cols {
		parts = append(parts, ast.Ident{Name: c.Name}.String()+" "+ast.FormatType(c.Type))
	}
	return strings.Join(parts, ", ")
}

func TestColumns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   Sample
		want string
	}{
		{
			"scalars",
			Sample{Text: []byte(`{"a":1,"b":true,"c":"x","d":1.0,"e":1e3,"f":null,"g":"2024-01-02T03:04:05.678Z"}`)},
			"a BIGINT, b BOOLEAN, c STRING, d DOUBLE, e DOUBLE, f STRING, g TIMESTAMP",
		},
		{
			"an integer becomes a double where one comes",
			Sample{Text: []byte("{\"a\":1}\n{\"a\":2.5}\n{\"a\":3}")},
			"a DOUBLE",
		},
		{
			"digits beyond BIGINT are kept",
			Sample{Text: []byte(`{"a":9223372036854775807,"b":9223372036854775808,"c":1e999}`)},
			"a BIGINT, b STRING, c STRING",
		},
		{
			"types that do not fit are text",
			Sample{Text: []byte("{\"a\":1,\"b\":{\"x\":1},\"c\":[1]}\n{\"a\":\"y\",\"b\":2,\"c\":{}}")},
			"a STRING, b STRING, c STRING",
		},
		{
			"nested",
			Sample{Text: []byte(`{"o":{"x":1,"l":[{"y":null}]}}` + "\n" +
				`{"o":{"z":true,"l":[{"y":2.5},{"w":"v"}]}}`)},
			"o STRUCT<x BIGINT, l ARRAY<STRUCT<y DOUBLE, w STRING>>, z BOOLEAN>",
		},
		{
			"empty containers",
			Sample{Text: []byte(`{"l":[],"o":{},"n":[null]}`)},
			"l ARRAY<STRING>, o STRING, n ARRAY<STRING>",
		},
		{"a list of rows", Sample{Text: []byte(`[{"a":1},{"b":2}]`)}, "a BIGINT, b BIGINT"},
		{"messages, a broken one among them", Sample{Messages: [][]byte{[]byte(`{`), []byte(`{"a":1}`)}}, "a BIGINT"},
		{
			"the last line of a text that is cut",
			Sample{Text: []byte("{\"a\":1}\n{\"a\":\"x\"}"), Cut: true},
			"a BIGINT",
		},
		{"names that differ in case", Sample{Text: []byte(`{"Id":1,"id":2.5}`)}, "Id DOUBLE"},
		{
			"dates alone are text",
			Sample{Text: []byte(`{"d":"2024-01-02","t":"2024-01-02 03:04"}`)},
			"d STRING, t TIMESTAMP",
		},
		{
			"csv",
			Sample{
				Format: "csv", Delimiter: ",",
				Text: []byte("a,b,c,d,e,f\n1,1.5,true,x,007,2024-01-02 03:04:05\n,2,,y,1,\n"),
			},
			"a BIGINT, b DOUBLE, c BOOLEAN, d STRING, e STRING, f TIMESTAMP",
		},
		{
			"csv with quotes, another delimiter and a mark",
			Sample{Format: "csv", Delimiter: ";", Text: []byte("\ufeffa;\"b;c\"\n\"1\";\"x\ny\"\n")},
			`a BIGINT, "b;c" STRING`,
		},
		{
			"csv: empty columns are text",
			Sample{Format: "csv", Delimiter: ",", Text: []byte("a,b\n,1\n")},
			"a STRING, b BIGINT",
		},
		{
			"csv: bad records have no say",
			Sample{Format: "csv", Delimiter: ",", Text: []byte("a,b\n1,2\nx\nx,y,z\n")},
			"a BIGINT, b BIGINT",
		},
		{
			"csv: a header that is declared",
			Sample{Format: "csv", Delimiter: ",", Header: true, Text: []byte("2023,2024\n1,2\n")},
			"2023 BIGINT, 2024 BIGINT",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.in.Format == "" {
				c.in.Format = "json"
			}
			cols, _, err := Columns(c.in)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.NewReplacer(`"2023"`, "2023", `"2024"`, "2024").Replace(declared(cols))
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNoColumns(t *testing.T) {
	t.Parallel()
	wide := ""
	for i := range maxFields + 1 {
		wide += fmt.Sprintf(`"a%d":1,`, i)
	}
	for _, c := range []struct {
		in   Sample
		want string
	}{
		{Sample{Format: "json"}, "no record"},
		{Sample{Format: "json", Text: []byte("x\ny\n")}, "invalid character"},
		{Sample{Format: "json", Text: []byte(`[1,2]`)}, "no JSON object"},
		{Sample{Format: "json", Text: []byte(`{}`)}, "no record has a field"},
		{Sample{Format: "json", Text: []byte("{" + strings.TrimSuffix(wide, ",") + "}")}, "more than 256 fields"},
		{Sample{Format: "json", Text: bytes.Repeat([]byte(" "), maxBytes)}, "longer than"},
		{Sample{Format: "msgpack"}, "cannot be found out"},
		{Sample{Format: "csv", Delimiter: ",", Text: []byte("1,2\n3,4\n")}, "no header"},
		{Sample{Format: "csv", Delimiter: ",", Text: []byte("a,,b\n")}, "field 2 is empty"},
		{Sample{Format: "csv", Delimiter: ",", Text: []byte("a,A\n")}, "twice"},
	} {
		_, _, err := Columns(c.in)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: got %v, want %q", c.in.Text, err, c.want)
		}
	}
}

// decode reads data into the columns and returns the bad rows.
func decode(
	t interface{ Fatal(...any) }, cfg format.Config, cols []vector.Field, data []byte,
) (rows int, bad []format.BadRow) {
	s := &vector.Schema{Fields: cols}
	dec, err := format.New(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := format.NewBuilder(s, format.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dec.Decode(data, true, b)
	return b.Rows(), b.TakeBad()
}

func drawValue(t *rapid.T, depth int) any {
	kinds := 8
	if depth > 8 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.Int64().Draw(t, "int")
	case 3:
		return rapid.Float64().Draw(t, "float")
	case 4:
		return json.Number(
			rapid.StringMatching(`-?[1-9][0-9]{0,25}(\.[0-9]{1,5})?([eE][-+]?[0-9]{1,3})?`).Draw(t, "number"),
		)
	case 5:
		return rapid.String().Draw(t, "text")
	case 6:
		return rapid.SampledFrom([]string{
			"2024-02-29T10:00:00Z", "2023-02-29T10:00:00Z", "2024-01-01 00:00", "2024-01-01T00:00:00.123456789+02:00",
			"2024-01-01", "2024-01-01T24:00:00", "2024-01-01 10:00:00,5", "1900-01-01T10:00:00-0530", "true", "12",
		}).Draw(t, "moment")
	case 7:
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "len"))
		for i := range list {
			list[i] = drawValue(t, depth+1)
		}
		return list
	default:
		return drawObject(t, depth+1)
	}
}

func drawObject(t *rapid.T, depth int) map[string]any {
	out := map[string]any{}
	for range rapid.IntRange(1, 4).Draw(t, "fields") {
		out[rapid.SampledFrom([]string{"a", "b", "c", "d e", `q"`, "select"}).Draw(t, "name")] = drawValue(t, depth)
	}
	return out
}

// TestSampleFits: every record of a sample is a row of the columns that it makes.
func TestSampleFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		n := rapid.IntRange(1, 5).Draw(t, "records")
		for range n {
			line, err := json.Marshal(drawObject(t, 0))
			if err != nil {
				t.Skip(err)
			}
			text = append(append(text, line...), '\n')
		}
		cols, records, err := Columns(Sample{Format: "json", Text: text})
		if err != nil || records != n {
			t.Fatalf("%d records of %d, %v\n%s", records, n, err, text)
		}
		if rows, bad := decode(t, format.Config{Lines: true}, cols, text); rows != n || len(bad) > 0 {
			t.Fatalf("%d rows of %d under %s\n%s\n%+v", rows, n, declared(cols), text, bad)
		}
	})
}

// TestSampleFitsCSV: the same for CSV.
func TestSampleFitsCSV(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte("a,b,c\n")
		n := rapid.IntRange(1, 6).Draw(t, "records")
		for range n {
			for k := range 3 {
				v := rapid.SampledFrom([]string{
					"", "1", "-7", "007", "1.5", "-0.0", "1e3", "9223372036854775808", "true", "FALSE", "x y", "é",
					`"q,""z"`, "2024-01-02 03:04:05", "2024-01-02T03:04:05+01:00", "2024-01-02",
					"2024-13-01 00:00:00", " 5", "NaN", ".5", "5.", "+1",
				}).Draw(t, "field")
				if k == 0 && v == "" {
					v = "z" // an empty line is no record
				}
				text = append(append(text, v...), ",,\n"[k])
			}
		}
		cols, records, err := Columns(Sample{Format: "csv", Delimiter: ",", Text: text})
		if err != nil || records != n {
			t.Fatalf("%d records of %d, %v\n%s", records, n, err, text)
		}
		if rows, bad := decode(t, format.Config{Format: "csv", Lines: true}, cols, text); rows != n || len(bad) > 0 {
			t.Fatalf("%d rows of %d under %s\n%s\n%+v", rows, n, declared(cols), text, bad)
		}
	})
}

func FuzzColumns(f *testing.F) {
	for _, s := range []string{
		`{"a":[{"b":1}]}`, "a,b\n1,2\n", `[[[`, "{\"a\":1}{\"a\":", strings.Repeat(`{"a":`, 200),
	} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, csv bool) {
		in := Sample{Format: "json", Text: data}
		if csv {
			in = Sample{Format: "csv", Delimiter: ",", Text: data}
		}
		cols, records, err := Columns(in)
		if err != nil {
			return
		}
		if records > maxRecords || len(cols) == 0 || len(cols) > maxFields {
			t.Fatalf("%d records, %d columns", records, len(cols))
		}
		for _, c := range cols {
			if c.Type.Depth() > vector.MaxDepth {
				t.Fatalf("%s is too deep", c.Type)
			}
		}
	})
}
