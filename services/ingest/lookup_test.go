package ingest

import (
	"bytes"
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/pgtest"
	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// lookupRig is a table of PostgreSQL and the source that reads it.
type lookupRig struct {
	t    *testing.T
	js   jetstream.JetStream
	db   *pgx.Conn
	o    *plan.Object
	src  *lookup
	read *source.Reader
	seen map[string]string // what the log was told, by key
	pos  source.Position
}

func newLookupRig(t *testing.T, columns []plan.Column, table string) *lookupRig {
	t.Helper()
	dsn := pgtest.Start(t).DSN
	s, err := broker.Start(t.Context(), broker.Config{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown() })
	nc, err := s.App("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	r := &lookupRig{t: t, seen: map[string]string{}}
	if r.js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	if r.db, err = pgx.Connect(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.db.Close(context.WithoutCancel(t.Context())) })
	r.o = &plan.Object{
		Name: "t", Topic: "t", Partitions: 1, Kind: ast.Table, Updating: true, Columns: columns,
		Source: &plan.Source{Connector: "postgres", DSN: dsn, Table: table, RefreshMs: 1, Format: "json"},
	}
	for i, c := range columns {
		if c.Key {
			r.o.Key = append(r.o.Key, i)
		}
	}
	return r
}

func (r *lookupRig) exec(text string, args ...any) {
	r.t.Helper()
	if _, err := r.db.Exec(r.t.Context(), text, args...); err != nil {
		r.t.Fatal(err)
	}
}

// start begins a source where the log stands.
func (r *lookupRig) start() {
	r.t.Helper()
	src, err := newLookup(r.js, r.o, 1)
	if err != nil {
		r.t.Fatal(err)
	}
	r.src = src.(*lookup)
	if err := r.src.Open(r.t.Context(), r.pos); err != nil {
		r.t.Fatal(err)
	}
	if r.read, err = source.NewReader(r.src, source.ConfigOf(r.o), false, r.pos); err != nil {
		r.t.Fatal(err)
	}
}

// take moves one block into the log and returns its rows.
func (r *lookupRig) take() (out []string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	b, err := r.read.Block(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, bad := range b.Bad {
		out = append(out, "bad "+bad.Column+" "+bad.Reason)
	}
	keys := format.JSONKeys(b.Batch.Schema)
	for i := range b.Batch.Rows {
		row := string(format.AppendRow(nil, keys, b.Batch, i))
		key := ""
		for _, k := range r.o.Key {
			key += string(vector.AppendText(nil, b.Batch.Cols[k], i)) + "/"
		}
		if b.Batch.Op(i) == vector.Delete {
			delete(r.seen, key)
			out = append(out, "-"+key)
		} else {
			r.seen[key] = row
			out = append(out, "+"+row)
		}
	}
	r.pos = b.Position
	if err := r.src.Commit(r.t.Context(), b.Position); err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *lookupRig) want(got []string, wanted ...string) {
	r.t.Helper()
	if !slices.Equal(got, wanted) {
		r.t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
	}
}

// TestLookupTypes: every type comes as it is, and differences alone are told.
func TestLookupTypes(t *testing.T) {
	t.Parallel()
	list := vector.TArray(vector.TBigInt)
	r := newLookupRig(t, []plan.Column{
		{Name: "id", Type: vector.TBigInt, Key: true},
		{Name: "Name", Type: vector.TString, Key: true},
		{Name: "ok", Type: vector.TBoolean},
		{Name: "d", Type: vector.TDouble},
		{Name: "n", Type: vector.TDecimal(20, 4)},
		{Name: "ts", Type: vector.TTimestamp},
		{Name: "day", Type: vector.TDate},
		{Name: "tm", Type: vector.TTime},
		{Name: "b", Type: vector.TBytes},
		{Name: "l", Type: list},
		{Name: "s", Type: vector.TStruct(vector.Field{Name: "x", Type: vector.TString})},
	}, "public.Things")
	r.exec(`CREATE TABLE public."Things" (id bigint, name text, ok bool, d float8, n numeric, ts timestamptz, day date,
		tm time, b bytea, l int[], s jsonb, more text, PRIMARY KEY (id, name))`)
	r.exec(`INSERT INTO public."Things" VALUES
		(1, E'a"\n', true, 0.1, 1.5, '2024-01-02 03:04:05.6789+02', '2024-02-29', '10:11:12.5', '\x00ff', '{1,2}',
		'{"x": "y"}'),
		(2, '', false, 'NaN', -12345678901234.5678, '1969-12-31 23:59:59.999+00', NULL, NULL,
		repeat('x', 100)::bytea, '{}', NULL)`)
	r.start()
	long := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("x"), 100))
	r.want(r.take(),
		`+{"id":1,"Name":"a\"\n","ok":true,"d":0.1,"n":1.5000,"ts":"2024-01-02T01:04:05.678Z",`+
			`"day":"2024-02-29","tm":"10:11:12.500","b":"AP8=","l":[1,2],"s":{"x":"y"}}`,
		`+{"id":2,"Name":"","ok":false,"d":"NaN","n":-12345678901234.5678,"ts":"1969-12-31T23:59:59.999Z",`+
			`"day":null,"tm":null,"b":"`+long+`","l":[],"s":null}`)
	r.exec(`UPDATE public."Things" SET more = 'unseen'`)
	r.exec(`UPDATE public."Things" SET ok = NULL WHERE id = 2`)
	r.exec(`DELETE FROM public."Things" WHERE id = 1`)
	r.exec(`INSERT INTO public."Things" (id, name) VALUES (3, 'c')`)
	var got []string
	for len(got) < 3 {
		got = append(got, r.take()...)
	}
	slices.Sort(got)
	r.want(got,
		`+{"id":2,"Name":"","ok":null,"d":"NaN","n":-12345678901234.5678,"ts":"1969-12-31T23:59:59.999Z",`+
			`"day":null,"tm":null,"b":"`+long+`","l":[],"s":null}`,
		`+{"id":3,"Name":"c","ok":null,"d":null,"n":null,"ts":null,"day":null,"tm":null,"b":null,"l":null,"s":null}`,
		"-1/a\"\n/")
}

// TestLookupRestarts: whatever was in the log at a crash, and whatever happened to the table meanwhile, a start makes
// them equal.
func TestLookupRestarts(t *testing.T) {
	t.Parallel()
	r := newLookupRig(t,
		[]plan.Column{{Name: "id", Type: vector.TBigInt, Key: true}, {Name: "v", Type: vector.TString}}, "things")
	r.exec(`CREATE TABLE things (id bigint PRIMARY KEY, v text)`)
	r.exec(`INSERT INTO things SELECT i, repeat('x', 5000) FROM generate_series(1, 200) i`) // several chunks
	round := func(lost bool) {
		r.t.Helper()
		r.start()
		if before := r.pos; lost { // told, but never in the log
			if _, err := r.src.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.pos = before
			return
		}
		r.take()
	}
	equal := func() {
		r.t.Helper()
		rows, err := r.db.Query(t.Context(), `SELECT id || '/', '{"id":' || id || ',"v":"' || v || '"}' FROM things`)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		for rows.Next() {
			var k, v string
			if err := rows.Scan(&k, &v); err != nil {
				t.Fatal(err)
			}
			want[k] = v
		}
		for range 60 {
			if maps.Equal(r.seen, want) {
				return
			}
			r.take()
		}
		t.Fatalf("the log has %d rows, the table %d", len(r.seen), len(want))
	}
	round(true) // a crash before the first row
	r.exec(`DELETE FROM things WHERE id = 7`)
	round(false) // a crash in the middle of the first difference
	r.exec(`DELETE FROM things WHERE id = 1`)
	r.start()
	equal()
	r.exec(`INSERT INTO things VALUES (1000, 'a'), (1001, 'b')`)
	r.exec(`UPDATE things SET v = 'new' WHERE id = 2`)
	round(true) // the difference is told and lost
	r.exec(`DELETE FROM things WHERE id = 1000`)
	r.exec(`UPDATE things SET v = repeat('x', 5000) WHERE id = 2`)
	r.start()
	equal()
	r.start() // nothing is missing: only what changes now is told
	r.exec(`UPDATE things SET v = 'last' WHERE id = 3`)
	r.want(r.take(), `+{"id":3,"v":"last"}`)
}

func TestLookupRefuses(t *testing.T) {
	t.Parallel()
	r := newLookupRig(t,
		[]plan.Column{{Name: "id", Type: vector.TBigInt, Key: true}, {Name: "v", Type: vector.TString}}, "things")
	next := func(want string) {
		t.Helper()
		r.start()
		_, err := r.src.Next(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	next("does not exist")
	r.exec(`CREATE TABLE things (id bigint, w text)`)
	next(`no column "v"; there are: id, w`)
	r.exec(`ALTER TABLE things RENAME w TO v`)
	r.exec(`INSERT INTO things VALUES (1, 'a'), (1, 'b')`)
	next("two rows have the key")
}

// TestLookupState: what is written is read.
func TestLookupState(t *testing.T) {
	t.Parallel()
	s := &lookupState{
		spec: "x", rows: map[string]uint64{`{"id":1}`: 7, `{"id":"a b"}`: 1<<64 - 1},
		dirty: map[string]bool{`{"id":2}`: true}, end: source.Position{Seq: 5, Row: 3},
	}
	got := &lookupState{spec: "x", rows: map[string]uint64{}, dirty: map[string]bool{}}
	data := s.format()
	if err := got.parse(data); err != nil || !maps.Equal(got.rows, s.rows) || !maps.Equal(got.dirty, s.dirty) ||
		got.end != s.end {
		t.Fatalf("%v %+v", err, got)
	}
	for cut := range data {
		bad := &lookupState{spec: "x", rows: map[string]uint64{}, dirty: map[string]bool{}}
		if err := bad.parse(data[:cut]); err == nil {
			t.Fatalf("cut at %d it is read", cut)
		}
	}
	other := &lookupState{spec: "y", rows: map[string]uint64{}, dirty: map[string]bool{}}
	if err := other.parse(data); err != nil || len(other.rows) != 0 {
		t.Fatal("the state of another statement is taken")
	}
}
