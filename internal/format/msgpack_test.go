package format

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func packed(tb testing.TB, docs ...any) []byte {
	tb.Helper()
	var out bytes.Buffer
	enc := msgpack.NewEncoder(&out)
	enc.SetSortMapKeys(true)
	for _, d := range docs {
		if err := enc.Encode(d); err != nil {
			tb.Fatal(err)
		}
	}
	return out.Bytes()
}

type row = map[string]any

func TestMsgpackRows(t *testing.T) {
	t.Parallel()
	s := fields("id", vector.TBigInt, "s", vector.TString, "d", vector.TDecimal(18, 2), "t", vector.TTimestamp)
	one := "{\"id\":1,\"s\":\"a\",\"d\":1.50,\"t\":\"1970-01-01T00:00:01.000Z\"}\n"
	for _, c := range []struct {
		name string
		in   []byte
		rows string
		bad  []string
	}{
		{"a map", packed(t, row{"id": 1, "S": "a", "d": "1.50", "t": 1000, "x": row{"y": []int{1}}}), one, nil},
		{"a list by position", packed(t, []any{1, "a", 1.5, time.UnixMilli(1000)}), one, nil},
		{
			"rows behind each other", packed(t, row{"id": 1}, []any{2, nil, nil, nil}),
			"{\"id\":1,\"s\":null,\"d\":null,\"t\":null}\n{\"id\":2,\"s\":null,\"d\":null,\"t\":null}\n", nil,
		},
		{
			"a list of rows, one of them bad", packed(t, []any{row{
				"id": 1, "s": "a", "d": 1.5,
				"t": "1970-01-01T00:00:01Z",
			}, row{"id": "x"}, []any{1, "a", "1.5", 1000}}),
			one + one,
			[]string{`1 LEAT-5203 "x" is not BIGINT`},
		},
		{
			"values of other types", packed(t, row{"id": 2.0, "s": 7, "d": 3}, row{"id": true},
				row{"s": row{"b": 1, "a": []any{nil}}}),
			"{\"id\":2,\"s\":\"7\",\"d\":3.00,\"t\":null}\n" +
				"{\"id\":null,\"s\":\"{\\\"a\\\":[null],\\\"b\\\":1}\",\"d\":null,\"t\":null}\n",
			[]string{`1 LEAT-5203 "true" is not BIGINT`},
		},
		{
			"large integers", packed(t, row{"id": uint64(1) << 63}, row{"id": uint64(1)<<63 - 1}),
			"{\"id\":9223372036854775807,\"s\":null,\"d\":null,\"t\":null}\n",
			[]string{`1 LEAT-5204 "9223372036854775808" is out of range of BIGINT`},
		},
		{
			"wrong number of values, no row, an empty list", packed(t, []any{1}, 5, []any{}), "",
			[]string{"1 LEAT-5202 1 values, want 4", "1 LEAT-5201 want a map or a list of values"},
		},
		{
			"a bomb",
			[]byte{0xdd, 0xff, 0xff, 0xff, 0xff},
			"",
			[]string{"1 LEAT-5201 malformed message: byte 5: 4294967295 elements promised, 0 bytes left"},
		},
		{
			"cut off behind a good row", append(packed(t, row{"id": 9}), 0x82, 0xa2),
			"{\"id\":9,\"s\":null,\"d\":null,\"t\":null}\n",
			[]string{"1 LEAT-5201 malformed message: byte 1: 4 elements promised, 1 bytes left"},
		},
	} {
		for _, most := range []int{1, 100} {
			b, err := NewBuilder(s, Options{MaxRows: most})
			if err != nil {
				t.Fatal(err)
			}
			rows, bad := decodeAll(t, NewMsgpack(), b, c.in)
			if diff := cmp.Diff(c.rows, rows) + cmp.Diff(c.bad, bad); diff != "" {
				t.Errorf("%s, batches of %d: -want +got\n%s", c.name, most, diff)
			}
		}
	}
}

// FuzzMsgpack wants no panic and a batch in order, whatever comes.
func FuzzMsgpack(f *testing.F) {
	f.Add(packed(f, row{"id": 1, "s": "a", "b": []byte{1}}))
	f.Add(packed(f, []any{row{"id": 1.5}, []any{1, 2, 3}}))
	f.Add([]byte{0x81, 0xa2, 'i', 'd', 0xc7, 0xff, 0xff})
	f.Add([]byte{0x81, 0x81, 0x01, 0x02, 0x03})
	s := fields("id", vector.TBigInt, "s", vector.TString, "b", vector.TBytes)
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := NewBuilder(s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		decodeAll(t, NewMsgpack(), b, data)
	})
}

func TestRawAndBareValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cfg  Config
		typ  vector.Type
		in   string
		rows string
		bad  int
	}{
		{
			Config{Format: "raw", Lines: true},
			vector.TString, "a\r\n\nb\xff",
			"{\"v\":\"a\"}\n{\"v\":\"\"}\n{\"v\":\"b\ufffd\"}\n", 0,
		},
		{Config{Format: "raw"}, vector.TBytes, "a\nb", "{\"v\":\"YQpi\"}\n", 0},
		{Config{Format: "kafka"}, vector.TBigInt, "\x00\x00\x00\x00\x00\x00\x01\x00", "{\"v\":256}\n", 0},
		{Config{Format: "kafka"}, vector.TInt, "\xff\xff\xff\xfe", "{\"v\":-2}\n", 0},
		{Config{Format: "kafka"}, vector.TDouble, "\x3f\xf0\x00\x00\x00\x00\x00\x00", "{\"v\":1.0}\n", 0},
		{Config{Format: "kafka"}, vector.TInt, "x", "", 1},
		{Config{Format: "kafka"}, vector.TString, "x", "{\"v\":\"x\"}\n", 0},
	} {
		s := fields("v", c.typ)
		d, err := New(c.cfg, s)
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewBuilder(s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if rows, bad := decodeAll(t, d, b, []byte(c.in)); rows != c.rows || len(bad) != c.bad {
			t.Errorf("%s %s %q: got %q %v, want %q", c.cfg.Format, c.typ, c.in, rows, bad, c.rows)
		}
	}
	for _, c := range []Config{
		{Format: "avro"},
		{Format: "raw"},
		{Format: "none"},
		{Format: "csv", Delimiter: "ab"},
		{Format: "csv", Header: "maybe"},
		{Format: "msgpack", Lines: true},
	} {
		if _, err := New(c, fields("a", vector.TBigInt)); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
