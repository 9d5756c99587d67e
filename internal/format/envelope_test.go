package format

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

var pairSchema = &vector.Schema{Fields: []vector.Field{
	{Name: "id", Type: vector.TBigInt}, {Name: "name", Type: vector.TString}, {Name: "at", Type: vector.TTimestamp},
}}

// rowsOf writes the rows of a builder as one line each: the operation, the event time, the values.
func rowsOf(b *Builder) string {
	var sb strings.Builder
	out := b.Take()
	if out != nil {
		keys := JSONKeys(out.Schema)
		for i := range out.Rows {
			fmt.Fprintf(&sb, "%s %d %s\n", map[vector.Op]string{vector.Insert: "+", vector.Delete: "-"}[out.Op(i)],
				out.Time[i], AppendRow(nil, keys, out, i))
		}
	}
	for _, bad := range b.TakeBad() {
		fmt.Fprintf(&sb, "bad %d:%d %s\n", bad.Line, bad.Record, bad.Reason)
	}
	return sb.String()
}

func pairBuilder(t *testing.T, o Options) *Builder {
	t.Helper()
	b, err := NewBuilder(pairSchema, o)
	if err != nil {
		t.Fatal(err)
	}
	b.Now = 7
	return b
}

func want(t *testing.T, got, wanted string) {
	t.Helper()
	if strings.TrimSpace(got) != strings.TrimSpace(wanted) {
		t.Errorf("got\n%s\nwant\n%s", got, wanted)
	}
}

// TestEnvelope: keys from outside fill their columns, and deletes are rows that need no event time.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	b := pairBuilder(t, Options{Keys: []string{"id"}, Nulls: NullKey, EventTime: "at"})
	d := NewJSON(false)
	put := func(e Envelope, data string) {
		b.Envelope(e)
		if d.Start(); data == "" {
			b.Null(nil)
		} else if n := d.Decode([]byte(data), true, b); n != len(data) {
			t.Fatalf("%q: %d bytes read", data, n)
		}
		b.Record = 0
	}
	put(Envelope{Delete: true, Keys: []string{"4"}}, "")
	put(Envelope{Keys: []string{"1"}}, `{"name":"a","at":10}`)
	put(Envelope{Keys: []string{"2"}}, `{"id":9,"name":"b","at":30}`)
	put(Envelope{}, `{"id":3,"at":20}`)
	put(Envelope{Delete: true, Keys: []string{"1"}}, "")
	put(Envelope{Keys: []string{"2"}}, " null ")
	put(Envelope{Delete: true}, `{"id":3}{"id":4,"at":25}`)
	put(Envelope{Keys: []string{"x"}}, `{"at":1}`)
	put(Envelope{Keys: []string{"1", "2"}}, `{"at":1}`)
	put(Envelope{}, "null")
	put(Envelope{Keys: []string{"5"}}, `{"name":"e"}`)
	want(t, rowsOf(b), `
- 7 {"id":4,"name":null,"at":null}
+ 10 {"id":1,"name":"a","at":"1970-01-01T00:00:00.010Z"}
+ 30 {"id":2,"name":"b","at":"1970-01-01T00:00:00.030Z"}
+ 20 {"id":3,"name":null,"at":"1970-01-01T00:00:00.020Z"}
- 30 {"id":1,"name":null,"at":null}
- 30 {"id":2,"name":null,"at":null}
- 30 {"id":3,"name":null,"at":null}
- 25 {"id":4,"name":null,"at":"1970-01-01T00:00:00.025Z"}
bad 1:0 "x" is not BIGINT
bad 1:0 the key has 2 parts, want 1
bad 1:0 a record without a value ends the row of a key, but comes without the key
bad 1:0 the event time at is null`)
	put(Envelope{}, `{"id":1,"at":40}`)
	if out := b.Take(); out.Ops != nil {
		t.Error("a batch of inserts has operations")
	}
}

// TestNulls: what a null is hangs on the object.
func TestNulls(t *testing.T) {
	t.Parallel()
	for nulls, wanted := range map[Nulls]string{
		NullBad:   "+ 7 {\"id\":1,\"name\":null,\"at\":null}\nbad 1:0 byte 1: want an object, found \"null\"",
		NullRow:   "- 7 {\"id\":null,\"name\":null,\"at\":null}\n+ 7 {\"id\":1,\"name\":null,\"at\":null}",
		NullEmpty: "+ 7 {\"id\":1,\"name\":null,\"at\":null}",
	} {
		b := pairBuilder(t, Options{Nulls: nulls})
		NewJSON(true).Decode([]byte("null\n{\"id\":1}\n"), true, b)
		want(t, rowsOf(b), wanted)
	}
	b := pairBuilder(t, Options{Nulls: NullRow})
	NewJSON(true).Decode([]byte("nullx\nnul\n"), true, b)
	if out := rowsOf(b); strings.Count(out, "bad") != 2 {
		t.Error(out)
	}
}

const debezium = `{"before":null,"after":{"id":1,"name":"a"},"source":{"table":"t"},"op":"r","ts_ms":1}
{"schema":{"type":"struct","fields":[{"field":"before"}]},"payload":{"op":"c",` +
	`"after":{"id":2,"name":"b"},"before":null}}
{"op":"u","before":{"id":1,"name":"a"},"after":{"name":"c","id":1}}

{"schema":null,"payload":{"before":{"id":2,"name":"b"},"after":null,"op":"d"}}
null
{"schema":{},"payload":null}
{"op":"m","message":{"prefix":"x"}}
{"op":"t"}
{"op":"d","before":null}
{"op":"c","after":null}
{"op":"c","after":{"id":"x"}}
{"op":"c","after":{"id":3
{"id":4}
[1]
{"op":"c","after":{"id":5}} 6
{}
{"op":"c","after":{"id":7}}`

// TestDebezium: the same events as lines and as messages, of a table and of a stream.
func TestDebezium(t *testing.T) {
	t.Parallel()
	b := pairBuilder(t, Options{Nulls: NullEmpty})
	NewDebezium(true, true).Decode([]byte(debezium), true, b)
	table := rowsOf(b)
	want(t, table, `
+ 7 {"id":1,"name":"a","at":null}
+ 7 {"id":2,"name":"b","at":null}
+ 7 {"id":1,"name":"c","at":null}
- 7 {"id":2,"name":"b","at":null}
+ 7 {"id":7,"name":null,"at":null}
bad 9:7 a change event with op "t" is not supported
bad 10:8 the delete has no row before it: the key is not known
bad 11:9 the change event has no row after the change
bad 12:10 "x" is not BIGINT
bad 13:11 byte 26: the text ends in the middle of a value
bad 14:12 a change event with op "" is not supported
bad 15:13 byte 1: want a change event, found "[1]"
bad 16:14 byte 29: more text behind the event
bad 17:15 a change event with op "" is not supported`)
	b = pairBuilder(t, Options{Nulls: NullEmpty})
	NewDebezium(true, false).Decode([]byte(debezium), true, b)
	want(t, strings.Join(strings.SplitAfter(rowsOf(b), "\n")[:5], ""), `
+ 7 {"id":1,"name":"a","at":null}
+ 7 {"id":2,"name":"b","at":null}
+ 7 {"id":1,"name":"c","at":null}
+ 7 {"id":7,"name":null,"at":null}
bad 9:7 a change event with op "t" is not supported`)
	b = pairBuilder(t, Options{Nulls: NullEmpty})
	d := NewDebezium(false, true)
	for line := range strings.SplitSeq(debezium, "\n") {
		d.Start()
		d.Decode([]byte(line), true, b)
	}
	// In a message the event with more text behind it counts, and the text is bad.
	if got, lines := strings.Count(rowsOf(b), "\n"), strings.Count(table, "\n"); got != lines+1 {
		t.Errorf("%d rows as messages, %d as lines", got, lines)
	}
}

// TestDebeziumCut: events that come in pieces are the same events.
func TestDebeziumCut(t *testing.T) {
	t.Parallel()
	whole := pairBuilder(t, Options{Nulls: NullEmpty})
	NewDebezium(true, true).Decode([]byte(debezium), true, whole)
	wanted := rowsOf(whole)
	for cut := range len(debezium) {
		b := pairBuilder(t, Options{Nulls: NullEmpty})
		d := NewDebezium(true, true)
		n := d.Decode([]byte(debezium)[:cut], false, b)
		d.Decode([]byte(debezium)[n:], true, b)
		if got := rowsOf(b); got != wanted {
			t.Fatalf("cut at %d:\n%s", cut, got)
		}
	}
}

func TestKeyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.String(), 1, 3).Draw(t, "parts")
		var list []string
		for _, p := range parts {
			list = append(list, EscapeKey(p))
		}
		key := strings.Join(list, ".")
		if got := SplitKey(key, len(parts)); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", parts) {
			t.Fatalf("%q: %q, want %q", key, got, parts)
		}
	})
	for in, out := range map[string]string{
		"a.b": "a.b", "x=41": "x=41", "a=": "a=", "=ZZ": "=ZZ", "=FF": "=FF", "a=2Eb": "a.b", "=": "",
	} {
		if got := SplitKey(in, 1); got[0] != out {
			t.Errorf("%q: %q, want %q", in, got[0], out)
		}
	}
	if SplitKey("a.b", 3) != nil {
		t.Error("two parts are three")
	}
}

func FuzzDebezium(f *testing.F) {
	for line := range strings.SplitSeq(debezium, "\n") {
		f.Add([]byte(line), true)
	}
	f.Add([]byte(strings.Repeat(`{"payload":`, 300)), false)
	f.Fuzz(func(t *testing.T, data []byte, lines bool) {
		b, err := NewBuilder(pairSchema, Options{Nulls: NullEmpty})
		if err != nil {
			t.Fatal(err)
		}
		d := NewDebezium(lines, true)
		for p := 0; p < len(data); {
			n := d.Decode(data[p:], true, b)
			rows, bad := b.Take(), b.TakeBad()
			if n == 0 && rows == nil && bad == nil {
				t.Fatalf("nothing is read of %q", data[p:])
			}
			p += n
		}
	})
}
