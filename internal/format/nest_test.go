package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

var (
	nestPoint = vector.TStruct(vector.Field{Name: "X", Type: vector.TDouble},
		vector.Field{Name: "tags", Type: vector.TArray(vector.TString)},
		vector.Field{Name: "m", Type: vector.TMap(vector.TString, vector.TInt)})
	nestTypes = []vector.Type{
		vector.TArray(vector.TBigInt), vector.TMap(vector.TString, vector.TDecimal(12, 2)), nestPoint,
		vector.TArray(nestPoint), vector.TMap(vector.TBigInt, vector.TArray(vector.TBoolean)),
		vector.TArray(vector.TArray(vector.TString)),
	}
)

// genAny draws a value of type t as encoding/json would hold it, with the JSON that Leat writes for it.
func genAny(t *rapid.T, typ vector.Type) (value any, text string) {
	x := rapid.IntRange(0, 6).Draw(t, "x")
	if x == 6 {
		return nil, "null"
	}
	n := x % 4
	switch typ.Kind {
	case vector.Array:
		list, texts := []any{}, []string{}
		for range n {
			v, s := genAny(t, *typ.Elem)
			list, texts = append(list, v), append(texts, s)
		}
		return list, "[" + strings.Join(texts, ",") + "]"
	case vector.Map:
		m, texts := map[string]any{}, []string{}
		for i := range n {
			key := fmt.Sprint(i + 1)
			v, s := genAny(t, *typ.Elem)
			m[key] = v
			texts = append(texts, `"`+key+`":`+s)
		}
		return m, "{" + strings.Join(texts, ",") + "}"
	case vector.Struct:
		m, texts := map[string]any{}, []string{}
		for _, f := range typ.Fields {
			v, s := genAny(t, f.Type)
			name := f.Name
			if x == 1 {
				name = strings.ToLower(name)
			}
			if v != nil || x != 2 { // a field that is missing is null
				m[name] = v
			}
			texts = append(texts, `"`+f.Name+`":`+s)
		}
		return m, "{" + strings.Join(texts, ",") + "}"
	case vector.Boolean:
		return x%2 == 0, fmt.Sprint(x%2 == 0)
	case vector.Double:
		return float64(x) + 0.5, fmt.Sprint(float64(x) + 0.5)
	case vector.Decimal:
		return json.Number(fmt.Sprint(x)), fmt.Sprint(x, ".00")
	case vector.String:
		s := fmt.Sprintf("s\"%d,ü", x)
		return s, fmt.Sprintf(`"s\"%d,ü"`, x)
	default:
		return x, fmt.Sprint(x)
	}
}

// column0 is the first column of what a decoder makes of data, as JSON, and the bad rows.
func column0(t *rapid.T, d Decoder, s *vector.Schema, data []byte) (rows []string, bad []BadRow) {
	b, err := NewBuilder(s, Options{MaxRows: 3})
	if err != nil {
		t.Fatal(err)
	}
	d.Start()
	for len(data) > 0 {
		n := d.Decode(data, true, b)
		data = data[n:]
		if batch := b.Take(); batch != nil {
			for i := range batch.Rows {
				rows = append(rows, string(vector.AppendJSON(nil, batch.Cols[0], i)))
			}
		} else if n == 0 {
			t.Fatalf("no progress before %q", data)
		}
		bad = append(bad, b.TakeBad()...)
	}
	return rows, bad
}

// TestNestedAgainstValues: JSON, CSV and msgpack give the values that were written, and bad records between them leave
// nothing behind.
func TestNestedAgainstValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(nestTypes).Draw(t, "type")
		s := &vector.Schema{Fields: []vector.Field{{Name: "v", Type: typ}, {Name: "n", Type: vector.TBigInt}}}
		var want []string
		var asJSON, asCSV, asPack bytes.Buffer
		for range rapid.IntRange(1, 9).Draw(t, "rows") {
			v, text := genAny(t, typ)
			spaced, err := json.MarshalIndent(v, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			record := map[string]any{"v": v, "n": 1}
			if rapid.IntRange(0, 3).Draw(t, "bad") == 0 {
				record["n"] = []int{1} // the nested value was read before the record was refused
			} else {
				want = append(want, text)
			}
			line, err := json.Marshal([]any{record["n"]})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&asJSON, "{\"v\":%s, \"n\" : %s}\n", spaced, line[1:len(line)-1])
			if v == nil {
				fmt.Fprintf(&asCSV, ",%s\n", line[1:len(line)-1])
			} else {
				fmt.Fprintf(&asCSV, "\"%s\",%s\n", strings.ReplaceAll(string(spaced), `"`, `""`), line[1:len(line)-1])
			}
			doc, err := msgpack.Marshal([]any{unnumber(v), record["n"]})
			if err != nil {
				t.Fatal(err)
			}
			asPack.Write(doc)
		}
		csv, err := NewCSV(Config{Header: "false"})
		if err != nil {
			t.Fatal(err)
		}
		pack := append([]byte{0xdc, 0, byte(bytes.Count(asJSON.Bytes(), []byte(`"n" :`)))}, asPack.Bytes()...)
		for name, c := range map[string]struct {
			d    Decoder
			data []byte
		}{"json": {NewJSON(false), asJSON.Bytes()}, "csv": {csv, asCSV.Bytes()}, "msgpack": {NewMsgpack(), pack}} {
			got, bad := column0(t, c.d, s, c.data)
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("%s (-want +got):\n%s", name, d)
			}
			if n := bytes.Count(asJSON.Bytes(), []byte(`"n" :`)) - len(want); len(bad) != n {
				t.Fatalf("%s: got %d bad rows, want %d: %v", name, len(bad), n, bad)
			}
		}
	})
}

// unnumber turns json.Number into strings, which msgpack has no other form for.
func unnumber(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case []any:
		for i := range v {
			v[i] = unnumber(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = unnumber(v[k])
		}
	}
	return v
}

func TestNestedShapes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ        vector.Type
		json, want string // want begins with "bad: " for a bad row
	}{
		{
			vector.TArray(vector.TString), `[1, true, {"a": [1, 2]}, [ ], null, "x"]`,
			`["1","true","{\"a\":[1,2]}","[]",null,"x"]`,
		},
		{vector.TArray(vector.TDecimal(5, 2)), `["1.5", 2]`, `[1.50,2.00]`},
		{vector.TMap(vector.TString, vector.TInt), `{"b":"1","a":2,"b":3}`, `{"a":2,"b":3}`},
		{vector.TMap(vector.TInt, vector.TInt), `{"10":1,"9":2}`, `{"9":2,"10":1}`},
		{nestPoint, `{"TAGS":["a"],"x":1,"y":{"z":[]}}`, `{"X":1.0,"tags":["a"],"m":null}`},
		{nestPoint, `{"X":1,"x":2}`, `{"X":2.0,"tags":null,"m":null}`},
		{nestPoint, `{}`, `{"X":null,"tags":null,"m":null}`},
		{nestPoint, `null`, `null`},
		{nestPoint, `[]`, "bad: LEAT-5203 v: a list is not STRUCT<X DOUBLE, tags ARRAY<STRING>, m MAP<STRING, INT>>"},
		{vector.TArray(vector.TInt), `{}`, "bad: LEAT-5203 v: an object is not ARRAY<INT>"},
		{vector.TArray(vector.TInt), `"[1]"`, `bad: LEAT-5203 v: "\"[1]\"" is not ARRAY<INT>`},
		{vector.TArray(vector.TInt), `5`, `bad: LEAT-5203 v: "5" is not ARRAY<INT>`},
		{vector.TArray(vector.TInt), `[1, "x"]`, `bad: LEAT-5203 v[]: "x" is not INT`},
		{vector.TArray(vector.TInt), `[3000000000]`, `bad: LEAT-5204 v[]: "3000000000" is out of range of INT`},
		{nestPoint, `{"tags":[[]],"X":"y"}`, `bad: LEAT-5203 v->X: "y" is not DOUBLE`},
		{vector.TMap(vector.TInt, vector.TInt), `{"x":1}`, `bad: LEAT-5203 v[]: "x" is not INT`},
		{vector.TArray(vector.TInt), `[1,]`, "bad: LEAT-5201 : byte 9: want a value"},
		{vector.TArray(vector.TInt), `[1 2]`, "bad: LEAT-5201 : byte 9: want a comma or the closing bracket"},
		{vector.TMap(vector.TInt, vector.TInt), `{1:1}`, "bad: LEAT-5201 : byte 7: want a key in quotes"},
		{vector.TArray(vector.TInt), `[1`, "bad: LEAT-5201 : byte 8: the text ends in the middle of a value"},
		{vector.TArray(vector.TInt), `[` + strings.Repeat(`[`, 200), "bad: LEAT-5207 : byte 134: nested too deep"},
		{
			vector.TArray(vector.TInt), `[` + strings.Repeat("0,", vector.MaxElements) + `0]`,
			"bad: LEAT-5207 v: the record has too many nested values",
		},
		{
			vector.TArray(nestPoint), `[` + strings.Repeat("{},", vector.MaxElements) + `{}]`,
			"bad: LEAT-5207 v: the record has too many nested values",
		},
	} {
		s := &vector.Schema{Fields: []vector.Field{{Name: "v", Type: c.typ}}}
		b, err := NewBuilder(s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		record := `{"v":` + c.json + `}`
		if strings.Contains(c.want, "middle") {
			record = `{"v":` + c.json
		}
		NewJSON(false).Decode([]byte(record), true, b)
		got := ""
		for _, bad := range b.TakeBad() {
			got = "bad: " + bad.Code + " " + bad.Column + ": " + bad.Reason
		}
		if batch := b.Take(); batch != nil {
			got += string(vector.AppendJSON(nil, batch.Cols[0], 0))
		}
		if got != c.want {
			t.Errorf("%s of %.60s:\ngot  %.300s\nwant %s", c.typ, c.json, got, c.want)
		}
	}
}

// TestManyNullFieldsAreRefused: a small record of empty structs with many fields is no large batch.
func TestManyNullFieldsAreRefused(t *testing.T) {
	t.Parallel()
	var fields []vector.Field
	for i := range 100 {
		fields = append(fields, vector.Field{Name: fmt.Sprint("f", i), Type: vector.TBigInt})
	}
	s := &vector.Schema{Fields: []vector.Field{{Name: "v", Type: vector.TArray(vector.TStruct(fields...))}}}
	b, err := NewBuilder(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	record := `{"v":[` + strings.Repeat("{},", 100_000) + `{}]}`
	if NewJSON(false).Decode([]byte(record), true, b); len(b.TakeBad()) != 1 {
		t.Error("ten million nulls were taken")
	}
	small := `{"v":[` + strings.Repeat("{},", 1000) + `{}]}` + "\n"
	n := NewJSON(false).Decode([]byte(strings.Repeat(small, 100)), true, b)
	if rows := n / len(small); rows > 12 {
		t.Errorf("%d rows of 100,000 cells in a batch", rows)
	}
}

func TestNestedWriters(t *testing.T) {
	t.Parallel()
	s := &vector.Schema{Fields: []vector.Field{
		{Name: "a", Type: vector.TArray(vector.TString)}, {Name: "s", Type: nestPoint},
	}}
	b := vector.NewBatch(s, 1)
	if err := vector.AppendAny(b.Cols[0], []any{"x", nil}); err != nil {
		t.Fatal(err)
	}
	if err := vector.AppendAny(b.Cols[1], []any{1.5, []any{}, []vector.Entry{{Key: "k", Val: int64(1)}}}); err != nil {
		t.Fatal(err)
	}
	b.Rows, b.Time = 1, []int64{0}
	for kind, want := range map[string]string{
		"jsonl":    `{"a":["x",null],"s":{"X":1.5,"tags":[],"m":{"k":1}}}` + "\n",
		"csv":      "a,s\n" + `"[""x"",null]","{""X"":1.5,""tags"":[],""m"":{""k"":1}}"` + "\n",
		"vertical": "-[ row 1 ]-\na: [\"x\",null]\ns: {\"X\":1.5,\"tags\":[],\"m\":{\"k\":1}}\n(1 row)\n",
		"table": "a          | s\n-----------+--------------------------------\n" +
			"[\"x\",null] | {\"X\":1.5,\"tags\":[],\"m\":{\"k\":1}}\n(1 row)\n",
	} {
		var out bytes.Buffer
		w, err := NewWriter(kind, &out)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []func() error{
			func() error { return w.Begin(s) }, func() error { return w.Write(b) }, w.End,
		} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		lines := func(s string) []string {
			parts := strings.Split(s, "\n")
			for i := range parts {
				parts[i] = strings.TrimRight(parts[i], " ")
			}
			return parts
		}
		if d := cmp.Diff(lines(want), lines(out.String())); d != "" {
			t.Errorf("%s (-want +got):\n%s", kind, d)
		}
	}
}

// FuzzNested: no text makes a batch that breaks, in any of the formats.
func FuzzNested(f *testing.F) {
	f.Add(byte(0), []byte(`{"v":[1,null]}`))
	f.Add(byte(3), []byte(`{"v":[{"x":1,"tags":["a"],"m":{"b":1,"a":2}},null,{}]}`))
	f.Add(byte(4), []byte(`{"v":{"2":[true],"1":null,"2":[]}}{"v":5}`))
	f.Add(byte(2), []byte("\x81\xa1v\x83\xa1x\x01\xa4tags\x91\xa1a\xa1m\x81\xa1b\x02"))
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		s := &vector.Schema{Fields: []vector.Field{{Name: "v", Type: nestTypes[int(which)%len(nestTypes)]}}}
		csv, err := NewCSV(Config{Header: "false", Delimiter: "\t"})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []Decoder{NewJSON(false), NewJSON(true), csv, NewMsgpack()} {
			b, err := NewBuilder(s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			d.Start()
			for range 4 {
				d.Decode(data, true, b)
				batch := b.Take()
				if batch == nil {
					continue
				}
				again := vector.NewVector(batch.Cols[0].Type, 0)
				vector.Append(again, batch.Cols[0], nil)
				for i := range batch.Rows {
					if !vector.Equal(again, i, batch.Cols[0], i) {
						t.Fatalf("row %d: a copy differs", i)
					}
				}
			}
		}
	})
}
