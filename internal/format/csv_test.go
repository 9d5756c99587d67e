package format

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func TestCSVRows(t *testing.T) {
	t.Parallel()
	s := fields("id", vector.TBigInt, "name", vector.TString, "x", vector.TDouble)
	for _, c := range []struct {
		name, in string
		cfg      Config
		rows     string
		bad      []string
	}{
		{
			"by position", "1,a,1.5\n2,b,2\n",
			Config{},
			"{\"id\":1,\"name\":\"a\",\"x\":1.5}\n{\"id\":2,\"name\":\"b\",\"x\":2.0}\n", nil,
		},
		{
			"header in another order and case", "X,ID,Name\n1.5,1,a\n",
			Config{},
			"{\"id\":1,\"name\":\"a\",\"x\":1.5}\n",
			nil,
		},
		{
			"no header: a column is missing", "id,name\n1,a,2\n",
			Config{},
			"{\"id\":1,\"name\":\"a\",\"x\":2.0}\n",
			[]string{"1 LEAT-5202 2 fields, want 3"},
		},
		{
			"header said: others ignored, missing ones null", "id,y,name\n1,2,a\n",
			Config{Header: "true"},
			"{\"id\":1,\"name\":\"a\",\"x\":null}\n", nil,
		},
		{"header denied", "id,name,x\n", Config{Header: "false"}, "", []string{`1 LEAT-5203 "id" is not BIGINT`}},
		{"byte order mark", "\ufeffid,name,x\n1,a,2\n", Config{}, "{\"id\":1,\"name\":\"a\",\"x\":2.0}\n", nil},
		{
			"null and empty", "1,,\n2,\"\",\"\"\n",
			Config{},
			"{\"id\":1,\"name\":null,\"x\":null}\n{\"id\":2,\"name\":\"\",\"x\":null}\n", nil,
		},
		{
			"quotes", "1,\"a,\"\"b\"\"\r\nc\",\"3\"\r\n",
			Config{},
			"{\"id\":1,\"name\":\"a,\\\"b\\\"\\r\\nc\",\"x\":3.0}\n", nil,
		},
		{
			"no newline at the end, empty lines", "\n\r\n1,a,1\n\n2,b,",
			Config{},
			"{\"id\":1,\"name\":\"a\",\"x\":1.0}\n{\"id\":2,\"name\":\"b\",\"x\":null}\n", nil,
		},
		{"other delimiter", "1\ta,b\t2\n", Config{Delimiter: "\t"}, "{\"id\":1,\"name\":\"a,b\",\"x\":2.0}\n", nil},
		{"spaces around numbers only", " 1 , a , 2 \n", Config{}, "{\"id\":1,\"name\":\" a \",\"x\":2.0}\n", nil},
		{
			"bad values and counts", "1,a,n/a\n2,b\n3,c,4,5\n4,d,1\n",
			Config{},
			"{\"id\":4,\"name\":\"d\",\"x\":1.0}\n",
			[]string{
				`1 LEAT-5203 "n/a" is not DOUBLE`, "2 LEAT-5202 2 fields, want 3",
				"3 LEAT-5202 4 fields, want 3",
			},
		},
		{
			"bad quotes", "1,a\"b,2\n2,\"a\"b,2\n3,c,3\n",
			Config{},
			"{\"id\":3,\"name\":\"c\",\"x\":3.0}\n",
			[]string{
				"1 LEAT-5201 a quote in a field that does not begin with one",
				"2 LEAT-5201 text behind the closing quote of a field",
			},
		},
		{
			"a quote that is not closed costs one line", "1,\"a,2\n2,b,2\n",
			Config{},
			"{\"id\":2,\"name\":\"b\",\"x\":2.0}\n",
			[]string{"1 LEAT-5201 a quoted field is not closed"},
		},
		{
			"lines are counted through quotes", "1,\"a\nb\",1\nx,y,z\n",
			Config{},
			"{\"id\":1,\"name\":\"a\\nb\",\"x\":1.0}\n",
			[]string{`3 LEAT-5203 "x" is not BIGINT`},
		},
		{"broken UTF-8", "1,a\xff,1\n", Config{}, "{\"id\":1,\"name\":\"a\ufffd\",\"x\":1.0}\n", nil},
	} {
		for _, most := range []int{1, 100} {
			b, err := NewBuilder(s, Options{MaxRows: most})
			if err != nil {
				t.Fatal(err)
			}
			d, err := NewCSV(c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			rows, bad := decodeAll(t, d, b, []byte(c.in))
			if diff := cmp.Diff(c.rows, rows) + cmp.Diff(c.bad, bad); diff != "" {
				t.Errorf("%s, batches of %d: -want +got\n%s", c.name, most, diff)
			}
		}
	}
}

// FuzzCSV reads three columns of text whole and in two pieces, and compares them with encoding/csv.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"a,b,c\n", "\"a\"\"\",\"b\nc\",d\r\n", ",,\n\"\",\"\",\"\"", "a,b\nc", "\"a,b",
		"a\"b,c,d", "\r\n\n\r", "a,b,c\r\r\n", "\"\r\n\",b,c",
	} {
		f.Add([]byte(s), uint8(3))
	}
	schema := fields("p", vector.TString, "q", vector.TString, "r", vector.TString)
	f.Fuzz(func(t *testing.T, data []byte, cut uint8) {
		if len(data) > 1<<12 {
			return
		}
		b, err := NewBuilder(schema, Options{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := NewCSV(Config{Header: "false"})
		if err != nil {
			t.Fatal(err)
		}
		whole, bad := decodeAll(t, d, b, data)
		b, err = NewBuilder(schema, Options{})
		if err != nil {
			t.Fatal(err)
		}
		pieces, badPieces := decodePieces(t, d, b, data, int(cut))
		if diff := cmp.Diff(whole, pieces) + cmp.Diff(len(bad), badPieces); diff != "" {
			t.Fatalf("%q in pieces: -whole +pieces\n%s", data, diff)
		}
		if bytes.Contains(data, []byte("\r")) || bytes.HasPrefix(data, []byte("\ufeff")) {
			return // encoding/csv changes \r\n within quotes, and knows no byte order mark
		}
		want, ok := oracleCSV(t, data)
		if ok != (bad == nil) {
			t.Fatalf("%q: bad rows %v, encoding/csv accepts: %v", data, bad, ok)
		}
		if ok && want != whole {
			t.Fatalf("%q: -want +got\n%s", data, cmp.Diff(want, whole))
		}
	})
}

// decodePieces decodes data in two pieces and returns the rows and the number of bad ones.
func decodePieces(t *testing.T, d Decoder, b *Builder, data []byte, cut int) (string, int) {
	t.Helper()
	cut = min(cut, len(data))
	d.Start()
	used := d.Decode(data[:cut], false, b)
	d.Decode(data[used:], true, b)
	var out bytes.Buffer
	w, err := NewWriter("jsonl", &out)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Begin(b.Schema()); err != nil {
		t.Fatal(err)
	}
	if batch := b.Take(); batch != nil {
		if err := w.Write(batch); err != nil {
			t.Fatal(err)
		}
	}
	return out.String(), len(b.TakeBad())
}

// oracleCSV reads rows with encoding/csv; false when one is refused. It cannot tell null from "": the text helps.
func oracleCSV(t *testing.T, data []byte) (string, bool) {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = 3
	var out []byte
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return string(out), true
		}
		if err != nil {
			return "", false
		}
		for i, f := range rec {
			out = append(out, []string{`{"p":`, `,"q":`, `,"r":`}[i]...)
			line, col := r.FieldPos(i)
			if f == "" && !quotedAt(data, line, col) {
				out = append(out, "null"...)
				continue
			}
			out = vector.AppendJSONString(out, []byte(f))
		}
		out = append(out, "}\n"...)
	}
}

// quotedAt reports whether a quote stands at a place of the text, both from 1.
func quotedAt(data []byte, line, col int) bool {
	for ; line > 1; line-- {
		data = data[bytes.IndexByte(data, '\n')+1:]
	}
	return col <= len(data) && data[col-1] == '"'
}
