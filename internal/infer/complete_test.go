package infer

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// create parses a declaration.
func create(t *testing.T, text string, ksql bool) *ast.Create {
	t.Helper()
	statements, errs := parser.Parse(text, parser.Options{Upper: ksql})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	return statements[0].(*ast.Create)
}

// users starts a broker and returns the users' JetStream.
func users(t *testing.T) jetstream.JetStream {
	t.Helper()
	s, err := broker.Start(t.Context(), broker.Config{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := s.App("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nc.Close()
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// TestCompleteFile: the statement that is made declares the columns, is read back as itself, and defines the object.
func TestCompleteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "o.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	gz := gzip.NewWriter(f)
	for i := range 200_000 { // far more than a sample
		fmt.Fprintf(gz, "%s%d,2024-01-02 03:04:05,%d.5\n", map[bool]string{true: "id,At,price\n"}[i == 0], i, i)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s := Sources{Open: func(p string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, p)) }}
	for _, c := range []struct {
		text, want string
		ksql       bool
	}{
		{
			"CREATE STREAM s FROM 'o.csv.gz' WITH (event_time = 'at');",
			"CREATE STREAM s (id BIGINT, At TIMESTAMP, price DOUBLE) FROM 'o.csv.gz' WITH (event_time = 'at')", false,
		},
		{
			"CREATE TABLE t WITH (path = 'o.csv.gz', key = 'id');",
			"CREATE TABLE t (id BIGINT, At TIMESTAMP, price DOUBLE) WITH (path = 'o.csv.gz', key = 'id')", false,
		},
		{
			"CREATE STREAM s WITH (path = 'o.csv.gz', timestamp = 'at', timestamp_format = 'yyyy-MM-dd HH:mm:ss');",
			"CREATE STREAM s (id BIGINT, At STRING, price DOUBLE) WITH (path = 'o.csv.gz', timestamp = 'at', " +
				"timestamp_format = 'yyyy-MM-dd HH:mm:ss')", false,
		},
		{
			"CREATE STREAM s WITH (path = 'o.csv.gz', value_format = 'DELIMITED');",
			"CREATE STREAM S (ID BIGINT, AT TIMESTAMP, PRICE DOUBLE) WITH (path = 'o.csv.gz', " +
				"value_format = 'DELIMITED')", true,
		},
	} {
		st := create(t, c.text, c.ksql)
		def := plan.Defaults{Profile: plan.ProfileOf(map[bool]string{true: plan.ProfileKsql}[c.ksql])}
		note, err := s.Complete(t.Context(), st, def)
		if err != nil {
			t.Fatal(err)
		}
		if st.Text != c.want || !strings.Contains(note, c.want) || !strings.Contains(note, "1000 records") {
			t.Errorf("got  %s\nwant %s\n%s", st.Text, c.want, note)
		}
		again := create(t, st.Text+";", c.ksql)
		if got := ast.Format(again); got != c.want {
			t.Errorf("read back: %s", got)
		}
		if note, err := s.Complete(t.Context(), again, def); note != "" || err != nil {
			t.Errorf("columns are there: %q, %v", note, err)
		}
		o, _, err := plan.Define(again, def)
		if err != nil || len(o.Columns) != 3 || o.Statement != c.want {
			t.Errorf("define: %v %+v", err, o)
		}
	}
}

func TestCompleteSubject(t *testing.T) {
	t.Parallel()
	js := users(t)
	s := Sources{NATS: js}
	refused := func(text, want string) {
		t.Helper()
		_, err := s.Complete(t.Context(), create(t, text, false), plan.Defaults{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	refused("CREATE STREAM s WITH (subject = 'orders.>');", "no stream captures subject orders.> yet")
	_, err := js.CreateStream(t.Context(),
		jetstream.StreamConfig{Name: "O", Subjects: []string{"orders.>"}, Storage: jetstream.MemoryStorage})
	if err != nil {
		t.Fatal(err)
	}
	refused("CREATE STREAM s FROM NATS 'orders.>';", "holds no message")
	for i := range maxRecords + 50 {
		body := fmt.Sprintf(`{"id":%d,"note":{"who":"x%d"}}`, i, i)
		if i >= maxRecords {
			body = `{"beyond":1}`
		}
		if _, err := js.Publish(t.Context(), fmt.Sprintf("orders.%d", i%3), []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	st := create(t, "CREATE STREAM s FROM NATS 'orders.>';", false)
	if _, err := s.Complete(t.Context(), st, plan.Defaults{}); err != nil {
		t.Fatal(err)
	}
	const want = "CREATE STREAM s (id BIGINT, note STRUCT<who STRING>) FROM NATS 'orders.>'"
	if st.Text != want {
		t.Errorf("got  %s\nwant %s", st.Text, want)
	}
	refused("CREATE STREAM s WITH (subject = 'orders.>', format = 'msgpack');", "format msgpack")
	refused("CREATE STREAM s WITH (subject = 'orders.>', format = 'csv');", "CSV messages")
	refused("CREATE STREAM s WITH (connector = 'http');", "connector http has no rows")
	refused("CREATE STREAM s FROM 'x.csv';", "reads no files")
}

// TestCompleteBucket: the key stands in front of the columns of the values.
func TestCompleteBucket(t *testing.T) {
	t.Parallel()
	js := users(t)
	s := Sources{NATS: js}
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b", Storage: jetstream.MemoryStorage})
	if err != nil {
		t.Fatal(err)
	}
	empty := create(t, "CREATE TABLE t WITH (connector = 'kv', bucket = 'b');", false)
	if _, err := s.Complete(t.Context(), empty, plan.Defaults{}); err == nil {
		t.Error("an empty bucket has columns")
	}
	for k, v := range map[string]string{"x": `{"price":1.5,"id":7}`, "y": `{"price":2}`} {
		if _, err := kv.Put(t.Context(), k, []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Delete(t.Context(), "y"); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"CREATE TABLE t WITH (connector = 'kv', bucket = 'b');": "CREATE TABLE t " +
			"(key STRING PRIMARY KEY, price DOUBLE, id BIGINT) WITH (connector = 'kv', bucket = 'b')",
		"CREATE TABLE t WITH (connector = 'kv', bucket = 'b', key = 'ID');": "CREATE TABLE t " +
			"(id BIGINT, price DOUBLE) WITH (connector = 'kv', bucket = 'b', key = 'ID')",
		"CREATE STREAM o WITH (connector = 'object', bucket = 'files');": "CREATE STREAM o " +
			"(name STRING, size BIGINT, digest STRING, modified TIMESTAMP, data BYTES, deleted BOOLEAN) " +
			"WITH (connector = 'object', bucket = 'files')",
	} {
		st := create(t, text, false)
		if _, err := s.Complete(t.Context(), st, plan.Defaults{}); err != nil {
			t.Fatal(err)
		}
		if st.Text != want {
			t.Errorf("got  %s\nwant %s", st.Text, want)
		}
		if _, _, err := plan.Define(create(t, st.Text+";", false), plan.Defaults{}); err != nil {
			t.Error(err)
		}
	}
}
