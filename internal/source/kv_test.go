package source

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// take reads n rows of a source and writes each as its operation and its values; bad records are their reasons.
func take(t *testing.T, src Source, cfg Config, from Position, n int) (out []string, pos Position) {
	t.Helper()
	if err := src.Open(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := NewReader(src, cfg, false, from)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	keys := format.JSONKeys(cfg.Schema)
	for len(out) < n {
		b, err := r.NextContext(ctx)
		if err != nil {
			t.Fatalf("after %q: %v", out, err)
		}
		for i := range b.Rows {
			op := map[vector.Op]string{vector.Insert: "+", vector.Delete: "-"}[b.Op(i)]
			out = append(out, op+string(format.AppendRow(nil, keys, b, i)))
		}
		for _, bad := range r.Bad() {
			out = append(out, "bad "+bad.Reason)
		}
	}
	return out, r.Position()
}

func check(t *testing.T, got []string, wanted ...string) {
	t.Helper()
	if !slices.Equal(got, wanted) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
	}
}

func TestKV(t *testing.T) {
	t.Parallel()
	_, js := usersOf(t)
	src := func(keys int) *KV { return &KV{Stream: Stream{JS: js}, Bucket: "prices", Keys: keys} }
	if err := src(1).Open(t.Context(), Position{}); err == nil || !strings.Contains(err.Error(), "nats kv add prices") {
		t.Fatalf("got %v", err)
	}
	kv, err := js.CreateKeyValue(t.Context(),
		jetstream.KeyValueConfig{Bucket: "prices", History: 10, Storage: jetstream.MemoryStorage})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key, value string) {
		t.Helper()
		if _, err := kv.Put(t.Context(), key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	put("eu.1", `{"price":1.5}`)
	put("=FC=E9", `{"price":2}`)
	put("a=20b", `{"sym":"other","price":3}`)
	put("bad", `x`)
	if err := kv.Delete(t.Context(), "eu.1"); err != nil {
		t.Fatal(err)
	}
	put("eu.1", `{"price":4}`)
	put("null", ` null`)
	schema := &vector.Schema{
		Fields: []vector.Field{{Name: "sym", Type: vector.TString}, {Name: "price", Type: vector.TDouble}},
	}
	cfg := Config{Schema: schema, Keys: []string{"sym"}, Table: true, Outside: true, Nulls: format.NullKey}
	wanted := []string{
		`+{"sym":"eu.1","price":1.5}`, `+{"sym":"=FC=E9","price":2.0}`, `+{"sym":"a b","price":3.0}`,
		`bad byte 1: want an object, found "x"`, `-{"sym":"eu.1","price":null}`, `+{"sym":"eu.1","price":4.0}`,
		`-{"sym":"null","price":null}`,
	}
	got, _ := take(t, src(1), cfg, Position{}, len(wanted))
	slices.Sort(got)
	slices.Sort(wanted)
	check(t, got, wanted...)

	// A start goes on behind the revision that was read.
	_, pos := take(t, src(1), cfg, Position{}, len(wanted))
	if err := kv.Purge(t.Context(), "eu.1"); err != nil {
		t.Fatal(err)
	}
	got, _ = take(t, src(1), cfg, pos, 2)
	// The last one comes again; Block leaves it out.
	check(t, got, `-{"sym":"null","price":null}`, `-{"sym":"eu.1","price":null}`)

	// Text beside the key, and keys of two columns.
	for key, value := range map[string]string{"x.7": "hello"} {
		put(key, value)
	}
	two := Config{
		Schema: &vector.Schema{Fields: []vector.Field{
			{Name: "a", Type: vector.TString}, {Name: "n", Type: vector.TBigInt}, {Name: "v", Type: vector.TString},
		}}, Format: "raw", Keys: []string{"a", "n"}, Table: true, Outside: true, Nulls: format.NullKey,
	}
	got, _ = take(t, src(2), two, Position{Seq: 9}, 1)
	check(t, got, `+{"a":"x","n":7,"v":"hello"}`)
}

func TestObjects(t *testing.T) {
	t.Parallel()
	_, js := usersOf(t)
	src := func() *Objects { return &Objects{Stream: Stream{JS: js}, Bucket: "files", Data: true} }
	if err := src().Open(t.Context(), Position{}); err == nil ||
		!strings.Contains(err.Error(), "nats object add files") {
		t.Fatalf("got %v", err)
	}
	store, err := js.CreateObjectStore(t.Context(),
		jetstream.ObjectStoreConfig{Bucket: "files", Storage: jetstream.MemoryStorage})
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, data []byte) {
		t.Helper()
		if _, err := store.PutBytes(t.Context(), name, data); err != nil {
			t.Fatal(err)
		}
	}
	put("a/b.txt", []byte("hello"))
	put("empty", nil)
	put("large", bytes.Repeat([]byte("x"), MaxObject+1))
	schema := &vector.Schema{Fields: []vector.Field{
		{Name: "name", Type: vector.TString},
		{Name: "size", Type: vector.TBigInt},
		{Name: "DATA", Type: vector.TBytes},
		{Name: "deleted", Type: vector.TBoolean},
	}}
	cfg := Config{Schema: schema}
	wanted := []string{
		`+{"name":"a/b.txt","size":5,"DATA":"aGVsbG8=","deleted":false}`,
		`+{"name":"empty","size":0,"DATA":"","deleted":false}`,
		fmt.Sprintf(`+{"name":"large","size":%d,"DATA":null,"deleted":false}`, MaxObject+1),
	}
	got, pos := take(t, src(), cfg, Position{}, 3)
	check(t, got, wanted...)
	put("a/b.txt", []byte("again"))
	if err := store.Delete(t.Context(), "empty"); err != nil {
		t.Fatal(err)
	}
	got, _ = take(t, src(), cfg, pos, 3)
	check(t, got[1:], `+{"name":"a/b.txt","size":5,"DATA":"YWdhaW4=","deleted":false}`,
		`+{"name":"empty","size":null,"DATA":null,"deleted":true}`)
}

// TestNullsOfSubjects: a message without a body ends the row of the key that its header names, as sinks write it.
func TestNullsOfSubjects(t *testing.T) {
	t.Parallel()
	nc, js := usersOf(t)
	s := &Stream{JS: js, Subject: "rows.>", Name: "rows"}
	if err := s.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct{ key, body string }{
		{"", `{"id":1,"name":"a"}`}, {"1", ""}, {"x", `{"id":2,"name":"b"}`}, {"2", "null"}, {"", ""}, {"1.2", ""},
	} {
		msg := nats.NewMsg("rows.a")
		msg.Data = []byte(m.body)
		if m.key != "" {
			msg.Header.Set("Leat-Key", m.key)
		}
		if err := nc.PublishMsg(msg); err != nil {
			t.Fatal(err)
		}
	}
	schema := &vector.Schema{
		Fields: []vector.Field{{Name: "id", Type: vector.TBigInt}, {Name: "name", Type: vector.TString}},
	}
	got, _ := take(t, &Stream{JS: js, Subject: "rows.>", Name: "rows"},
		Config{Schema: schema, Keys: []string{"id"}, Table: true, Nulls: format.NullKey}, Position{}, 6)
	slices.Sort(got)
	check(t, got, `+{"id":1,"name":"a"}`, `+{"id":2,"name":"b"}`, `-{"id":1,"name":null}`, `-{"id":2,"name":null}`,
		"bad \"1.2\" is not BIGINT", "bad a record without a value ends the row of a key, but comes without the key")
}
