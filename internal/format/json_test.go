package format

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// fields makes a schema of name and type in turn.
func fields(nameType ...any) *vector.Schema {
	s := &vector.Schema{}
	for i := 0; i < len(nameType); i += 2 {
		s.Fields = append(s.Fields, vector.Field{Name: nameType[i].(string), Type: nameType[i+1].(vector.Type)})
	}
	return s
}

// decodeAll reads data to its end and returns the rows as JSON lines and the bad rows as "line code reason".
func decodeAll(tb testing.TB, d Decoder, b *Builder, data []byte) (rows string, bad []string) {
	tb.Helper()
	var out bytes.Buffer
	w, err := NewWriter("jsonl", &out)
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.Begin(b.Schema()); err != nil {
		tb.Fatal(err)
	}
	d.Start()
	for p := 0; p < len(data); {
		n := d.Decode(data[p:], true, b)
		batch, wrong := b.Take(), b.TakeBad()
		if batch != nil {
			checkBatch(tb, batch)
			if err := w.Write(batch); err != nil {
				tb.Fatal(err)
			}
		}
		for _, r := range wrong {
			bad = append(bad, string(intText(int64(r.Line)))+" "+r.Code+" "+r.Reason)
		}
		if p += n; n == 0 && batch == nil && wrong == nil {
			tb.Fatalf("no progress at byte %d of %q", p, data)
		}
	}
	return out.String(), bad
}

// checkBatch wants every column to be as long as the batch says.
func checkBatch(tb testing.TB, b *vector.Batch) {
	tb.Helper()
	for i, v := range b.Cols {
		n := map[vector.Phys]int{
			vector.PhysBool: len(v.Bool), vector.PhysI64: len(v.I64), vector.PhysF64: len(v.F64),
			vector.PhysI128: len(v.I128),
		}[v.Type.Phys()]
		if v.Type.Phys() == vector.PhysStr {
			if n = len(v.Codes); v.Codes == nil {
				n = len(v.Offs) - 1
			}
			for k := range v.Len {
				_ = v.Bytes(k) // panics where codes or offsets are wrong
			}
		}
		if n != b.Rows || v.Len != b.Rows || len(b.Time) != b.Rows {
			tb.Fatalf("column %d has %d values, length %d; times %d; rows %d", i, n, v.Len, len(b.Time), b.Rows)
		}
	}
}

func TestJSONValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ       vector.Type
		in, value string // value "": the row is bad
	}{
		{vector.TBigInt, `1`, `1`},
		{vector.TBigInt, `-0`, `0`},
		{vector.TBigInt, `1.0`, `1`},
		{vector.TBigInt, `1e3`, `1000`},
		{vector.TBigInt, `1200e-2`, `12`},
		{vector.TBigInt, `1.5`, ``},
		{vector.TBigInt, `"7"`, `7`},
		{vector.TBigInt, `" 7 "`, `7`},
		{vector.TBigInt, `"x"`, ``},
		{vector.TBigInt, `true`, ``},
		{vector.TBigInt, `null`, `null`},
		{vector.TBigInt, `{}`, ``},
		{vector.TBigInt, `9223372036854775807`, `9223372036854775807`},
		{vector.TBigInt, `9223372036854775808`, ``},
		{vector.TBigInt, `-9223372036854775808`, `-9223372036854775808`},
		{vector.TBigInt, `-9223372036854775809`, ``},
		{vector.TBigInt, `1e400`, ``},
		{vector.TBigInt, `0e999999999999`, `0`},
		{vector.TBigInt, `01`, ``},
		{vector.TBigInt, `""`, ``},
		{vector.TInt, `2147483647`, `2147483647`},
		{vector.TInt, `2147483648`, ``},
		{vector.TInt, `-2147483649`, ``},
		{vector.TDouble, `0.1`, `0.1`},
		{vector.TDouble, `"NaN"`, `"NaN"`},
		{vector.TDouble, `-0.0`, `-0.0`},
		{vector.TDouble, `"-Infinity"`, `"-Infinity"`},
		{vector.TDouble, `1e309`, ``},
		{vector.TDouble, `"1.5e2"`, `150.0`},
		{vector.TDouble, `"0x10"`, ``},
		{vector.TDouble, `"1_000"`, ``},
		{vector.TDouble, `73.967322069999998`, `73.96732207`},
		{vector.TDecimal(18, 4), `10`, `10.0000`},
		{vector.TDecimal(18, 4), `"10.1234"`, `10.1234`},
		{vector.TDecimal(18, 4), `10.12345`, ``},
		{vector.TDecimal(18, 4), `10.12340`, `10.1234`},
		{vector.TDecimal(5, 2), `1000`, ``},
		{vector.TDecimal(5, 2), `-999.99`, `-999.99`},
		{
			vector.TDecimal(38, 8), `"123456789012345678901234567890.00001305"`,
			`123456789012345678901234567890.00001305`,
		},
		{vector.TDecimal(18, 8), `"0.00001305"`, `0.00001305`},
		{vector.TDecimal(18, 8), `1.305e-5`, `0.00001305`},
		{vector.TDecimal(38, 0), `-1e37`, `-10000000000000000000000000000000000000`},
		{vector.TDecimal(3, 0), `-0`, `0`},
		{vector.TDecimal(18, 4), `"1e5"`, `100000.0000`},
		{vector.TString, `"a"`, `"a"`},
		{vector.TString, `1.50`, `"1.50"`},
		{vector.TString, `false`, `"false"`},
		{vector.TString, `"\u00e4\ud83d\ude00\ud800"`, "\"ä😀\ufffd\""},
		{vector.TString, `"\q"`, ``},
		{vector.TString, `""`, `""`},
		{vector.TString, `{"a" : [1, "b c\"" ]}`, `"{\"a\":[1,\"b c\\\"\"]}"`},
		{vector.TString, "\"\xff\"", "\"\ufffd\""},
		{vector.TString, "\"a\tb\"", ``},
		{
			vector.TString, `"plain text longer than a word, then ä, then \n"`,
			`"plain text longer than a word, then ä, then \n"`,
		},
		{vector.TBoolean, `true`, `true`},
		{vector.TBoolean, `"False"`, `false`},
		{vector.TBoolean, `1`, ``},
		{vector.TTimestamp, `0`, `"1970-01-01T00:00:00.000Z"`},
		{vector.TTimestamp, `"2021-04-17T16:43:37.020616Z"`, `"2021-04-17T16:43:37.020Z"`},
		{vector.TTimestamp, `"2013-12-02 21:15:00"`, `"2013-12-02T21:15:00.000Z"`},
		{vector.TTimestamp, `"2015-05-17T10:05:03+02:00"`, `"2015-05-17T08:05:03.000Z"`},
		{vector.TTimestamp, `"2015-02-29"`, ``},
		{vector.TTimestamp, `"2016-02-29"`, `"2016-02-29T00:00:00.000Z"`},
		{vector.TTimestamp, `"2015-05-17T25:00:00"`, ``},
		{vector.TTimestamp, `"2015-05-17T10:05:03 junk"`, ``},
		{vector.TDate, `"2020-01-01"`, `"2020-01-01"`},
		{vector.TDate, `1`, `"1970-01-02"`},
		{vector.TDate, `"2020-13-01"`, ``},
		{vector.TTime, `"12:30"`, `"12:30:00"`},
		{vector.TTime, `86400000`, ``},
		{vector.TBytes, `"aGk="`, `"aGk="`},
		{vector.TBytes, `"%"`, ``},
		{vector.TBytes, `"aGk"`, `"aGk="`},
	} {
		b, err := NewBuilder(fields("v", c.typ), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, bad := decodeAll(t, NewJSON(true), b, []byte(`{"v":`+c.in+`}`))
		if want := `{"v":` + c.value + "}\n"; c.value != "" && (got != want || bad != nil) {
			t.Errorf("%s %s: got %q %v, want %s", c.typ, c.in, got, bad, want)
		}
		if c.value == "" && (got != "" || len(bad) != 1) {
			t.Errorf("%s %s: got %q %v, want a bad row", c.typ, c.in, got, bad)
		}
	}
}

func TestJSONRows(t *testing.T) {
	t.Parallel()
	s := fields("a", vector.TBigInt, "b", vector.TString)
	for _, c := range []struct {
		name, in string
		lines    bool
		rows     string
		bad      []string
	}{
		{
			"order changes, unknown and nested fields",
			`{"x":{"y":[1,{}]},"b":"1","a":1}` + "\n" + `{"a":2,"z":null,"b":"2"}` + "\n" + `{"b":"3","a":3}`, true,
			"{\"a\":1,\"b\":\"1\"}\n{\"a\":2,\"b\":\"2\"}\n{\"a\":3,\"b\":\"3\"}\n", nil,
		},
		{"last of equal keys, null included", `{"a":1,"a":2,"b":"x","b":null}`, true, "{\"a\":2,\"b\":null}\n", nil},
		{"case, escaped key", `{"A":1,"\u0062":"x"}`, true, "{\"a\":1,\"b\":\"x\"}\n", nil},
		{
			"empty lines and CRLF", "\r\n{\"a\":1}\r\n  \n{\"a\":2}\r\n", true,
			"{\"a\":1,\"b\":null}\n{\"a\":2,\"b\":null}\n", nil,
		},
		{
			"a bad line alone is bad", "{\"a\":1}\noops\n{\"a\":\"n/a\"}\n{\"a\":2} x\n{\"a\":3}", true,
			"{\"a\":1,\"b\":null}\n{\"a\":3,\"b\":null}\n",
			[]string{
				`2 LEAT-5201 byte 1: want an object, found "oops"`, `3 LEAT-5203 "n/a" is not BIGINT`,
				"4 LEAT-5201 byte 9: more text behind the object",
			},
		},
		{
			"a line that breaks off", "{\"a\":1,\n\"b\":\"x\"}\n{\"a\":2}", true, "{\"a\":2,\"b\":null}\n",
			[]string{
				"1 LEAT-5201 byte 8: the text ends in the middle of a value",
				`2 LEAT-5201 byte 1: want an object, found "\"b\":\"x\"}"`,
			},
		},
		{
			"a message over several lines", "{\n  \"a\": 1,\n  \"b\": \"x\"\n}\n{\"a\":2}", false,
			"{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":null}\n", nil,
		},
		{"rows behind each other", `{"a":1}{"a":2}`, false, "{\"a\":1,\"b\":null}\n{\"a\":2,\"b\":null}\n", nil},
		{
			"a list", ` [ {"a":1} , {"a":"x"}, {"a":3} ] `, false, "{\"a\":1,\"b\":null}\n{\"a\":3,\"b\":null}\n",
			[]string{`1 LEAT-5203 "x" is not BIGINT`},
		},
		{"an empty list", `[]`, false, "", nil},
		{
			"a list with a broken row", "[\n{\"a\":1},\n{\"a\":},\n{\"a\":3}\n]", false,
			"{\"a\":1,\"b\":null}\n{\"a\":3,\"b\":null}\n",
			[]string{"3 LEAT-5201 byte 6: want a value"},
		},
		{
			"a list that is not closed", `[{"a":1}`, false, "{\"a\":1,\"b\":null}\n",
			[]string{"1 LEAT-5201 a list of rows is not closed"},
		},
		{
			"an indented broken row", "{\n \"a\": oops,\n \"b\": 1\n}\n{\"a\":2}", false, "{\"a\":2,\"b\":null}\n",
			[]string{"1 LEAT-5201 byte 9: want a value"},
		},
		{
			"too deep", `{"x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`, true, "",
			[]string{"1 LEAT-5207 byte 133: nested too deep"},
		},
	} {
		for _, most := range []int{1, 2, 100} {
			b, err := NewBuilder(s, Options{MaxRows: most})
			if err != nil {
				t.Fatal(err)
			}
			rows, bad := decodeAll(t, NewJSON(c.lines), b, []byte(c.in))
			if diff := cmp.Diff(c.rows, rows) + cmp.Diff(c.bad, bad); diff != "" {
				t.Errorf("%s, batches of %d: -want +got\n%s", c.name, most, diff)
			}
		}
	}
}

func TestEventTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ        vector.Type
		format, in string
		want       int64
		bad        bool
	}{
		{vector.TBigInt, "", `5`, 5, false},
		{vector.TBigInt, "", `null`, 0, true},
		{vector.TBigInt, "", `-1`, 0, true},
		{vector.TTimestamp, "", `"1970-01-01T00:00:01Z"`, 1000, false},
		{vector.TDate, "", `1`, 86_400_000, false},
		{vector.TString, "", `"1970-01-01T00:00:01.5Z"`, 1500, false},
		{vector.TString, "", `"soon"`, 0, true},
		{vector.TString, "dd/MMM/yyyy:HH:mm:ss Z", `"17/May/2015:10:05:03 +0000"`, 1431857103000, false},
		{vector.TString, "yyyy-MM-dd'T'HH:mm:ss.SSSX", `"2015-05-17T10:05:03.250+02"`, 1431849903250, false},
		{vector.TString, "yyyyMMddHHmmss", `"20150517100503"`, 1431857103000, false},
		{vector.TString, "M/d/yy h:mm a", `"5/7/15 1:05 PM"`, 1431003900000, false},
		{vector.TString, "yyyy-MM-dd HH:mm:ss VV", `"2015-05-17 12:05:03 Europe/Berlin"`, 1431857103000, false},
		{vector.TString, "yyyy", `"15"`, 0, true},
	} {
		b, err := NewBuilder(fields("v", c.typ), Options{EventTime: "V", EventTimeFormat: c.format})
		if err != nil {
			t.Fatal(err)
		}
		NewJSON(true).Decode([]byte(`{"v":`+c.in+`}`), true, b)
		batch, bad := b.Take(), b.TakeBad()
		switch {
		case c.bad && (len(bad) != 1 || bad[0].Code != CodeTime):
			t.Errorf("%s %q: got %v, want a bad event time", c.in, c.format, bad)
		case !c.bad && (batch == nil || batch.Time[0] != c.want):
			t.Errorf("%s %q: got %v %v, want %d", c.in, c.format, batch, bad, c.want)
		}
	}
	if _, err := NewBuilder(fields("v", vector.TBoolean), Options{EventTime: "v"}); err == nil {
		t.Error("a BOOLEAN event time was accepted")
	}
	if _, err := NewBuilder(fields("v", vector.TString),
		Options{EventTime: "v", EventTimeFormat: "yyyy-QQ"}); err == nil {
		t.Error("an unknown pattern letter was accepted")
	}
}

func TestMaxFuture(t *testing.T) {
	t.Parallel()
	b, err := NewBuilder(fields("v", vector.TBigInt), Options{EventTime: "v"})
	if err != nil {
		t.Fatal(err)
	}
	b.Now, b.MaxFuture = 1000, 100
	NewJSON(true).Decode([]byte("{\"v\":1100}\n{\"v\":1101}\n"), true, b)
	if bad := b.TakeBad(); b.Rows() != 1 || len(bad) != 1 || bad[0].Code != CodeFuture || b.Largest() != 1100 {
		t.Errorf("got %d rows, %v, largest %d", b.Rows(), bad, b.Largest())
	}
}

// oracle is how encoding/json sees a row of the fuzzer's schema.
type oracle struct {
	I any
	D any
	S any
	B any
}

// FuzzJSON compares what is accepted, and each value, with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"i":1,"d":2.5,"s":"x","b":true}`, `{"I":"1","s":{"a":[1,2]},"x":[{}]}`, `{"s":"\ud83d\ude00\n"}`, ` { } `,
		`{"i":1e2,"i":2}`,
		`{"d":-0.0,"b":null}`, `[1]`, `{"i":01}`, "{\"s\":\"\xff\x01\"}",
		`{"s":1.0E+2,"d":12345678901234567890123456789}`, `{"a":1,}`,
	} {
		f.Add([]byte(s))
	}
	schema := fields("i", vector.TBigInt, "d", vector.TDouble, "s", vector.TString, "b", vector.TBoolean)
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.ContainsAny(data, "\n") || len(data) > 1<<12 ||
			bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > 100 {
			return
		}
		b, err := NewBuilder(schema, Options{})
		if err != nil {
			t.Fatal(err)
		}
		trimmed := bytes.TrimLeft(data, " \t\r")
		if len(trimmed) == 0 || trimmed[0] != '{' {
			return
		}
		NewJSON(true).Decode(data, true, b)
		batch, bad := b.Take(), b.TakeBad()
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var want oracle
		valid := json.Valid(data)
		if valid {
			if err := dec.Decode(&want); err != nil {
				t.Fatalf("%q: %v", data, err)
			}
		}
		switch {
		case !valid:
			if batch != nil || len(bad) != 1 || bad[0].Code != CodeSyntax {
				t.Fatalf("%q is no JSON, got %v %v", data, batch, bad)
			}
		case batch == nil:
			if len(bad) != 1 || bad[0].Code == CodeSyntax {
				t.Fatalf("%q is JSON, got %v", data, bad)
			}
		default:
			checkBatch(t, batch)
			compareRow(t, data, batch, want)
		}
	})
}

func compareRow(t *testing.T, data []byte, b *vector.Batch, want oracle) {
	t.Helper()
	if v := b.Cols[0]; !sameNumber(v.Null(0), want.I, func(r *big.Rat) bool {
		return r.Cmp(new(big.Rat).SetInt64(v.I64[0])) == 0
	}) {
		t.Fatalf("%q: i is %v, want %v", data, v.Value(0), want.I)
	}
	if v := b.Cols[1]; !sameNumber(v.Null(0), want.D, func(r *big.Rat) bool {
		f, _ := r.Float64()
		return f == v.F64[0] || math.IsNaN(v.F64[0])
	}) {
		t.Fatalf("%q: d is %v, want %v", data, v.Value(0), want.D)
	}
	if v := b.Cols[2]; v.Null(0) != (want.S == nil) {
		t.Fatalf("%q: s is %v, want %v", data, v.Value(0), want.S)
	} else if s, ok := want.S.(string); ok && s != string(v.Bytes(0)) {
		t.Fatalf("%q: s is %q, want %q", data, v.Bytes(0), s)
	} else if want.S != nil {
		checkText(t, data, v.Bytes(0), want.S)
	}
	if v := b.Cols[3]; v.Null(0) != (want.B == nil) {
		t.Fatalf("%q: b is %v, want %v", data, v.Value(0), want.B)
	} else if w, ok := want.B.(bool); ok && w != v.Bool[0] {
		t.Fatalf("%q: b is %v, want %v", data, v.Bool[0], w)
	}
}

// checkText wants a nested value to be the same JSON after the white space is gone.
func checkText(t *testing.T, data, got []byte, want any) {
	t.Helper()
	if !utf8.Valid(got) {
		t.Fatalf("%q: s is %q, no UTF-8", data, got)
	}
	switch want.(type) {
	case map[string]any, []any:
		dec := json.NewDecoder(bytes.NewReader(got))
		dec.UseNumber()
		var again any
		if err := dec.Decode(&again); err != nil || !reflect.DeepEqual(again, want) {
			t.Fatalf("%q: s is %q (%v), want %v", data, got, err, want)
		}
	}
}

// sameNumber compares a number, or a number in a string, exactly; other strings are special doubles.
func sameNumber(null bool, want any, same func(*big.Rat) bool) bool {
	text, ok := "", false
	switch w := want.(type) {
	case nil:
		return null
	case json.Number:
		text, ok = w.String(), true
	case string:
		text, ok = strings.TrimSpace(w), true
	}
	if !ok || null {
		return false
	}
	if _, exp, found := strings.Cut(strings.ToLower(text), "e"); found && len(exp) > 5 {
		return true // too large for the oracle
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		f := strings.ToLower(text)
		return strings.Contains(f, "nan") || strings.Contains(f, "inf")
	}
	return same(r)
}
