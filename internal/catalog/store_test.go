package catalog_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
)

func openStore(t *testing.T) (*catalog.Store, jetstream.JetStream) {
	t.Helper()
	s, err := broker.Start(context.Background(), broker.Config{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := s.Leat("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); _ = s.Shutdown() })
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	store, err := catalog.Open(t.Context(), js, 1)
	if err != nil {
		t.Fatal(err)
	}
	return store, js
}

// TestConflict lets the first of two writers win; the other one writes nothing.
func TestConflict(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	write := func(c *catalog.Catalog, next int) error {
		n := c.Clone()
		n.NextQuery = next
		_, err := store.Write(t.Context(), n)
		return err
	}
	read := func() *catalog.Catalog {
		c, err := store.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, next := range []int{2, 20} { // into an empty bucket, and over an entry
		c := read()
		if err := write(c, next); err != nil {
			t.Fatal(err)
		}
		if err := write(c, next+1); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("the second writer: %v", err)
		}
		if got := read().NextQuery; got != next {
			t.Errorf("the catalog has %d, want %d", got, next)
		}
	}
}

// TestWatch hears of the catalog as it is and of every change behind it.
func TestWatch(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	var seen []int
	errEnough := errors.New("enough")
	err := store.Watch(t.Context(), func(c *catalog.Catalog) error {
		seen = append(seen, c.NextQuery)
		if len(seen) == 3 {
			return errEnough
		}
		n := c.Clone()
		n.NextQuery++
		_, err := store.Write(t.Context(), n)
		return err
	})
	if !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	if d := gocmp.Diff([]int{1, 2, 3}, seen); d != "" {
		t.Error(d)
	}
}

// TestLaterVersion refuses a document that a newer leat wrote, and one that is no document.
func TestLaterVersion(t *testing.T) {
	t.Parallel()
	store, js := openStore(t)
	kv, err := js.KeyValue(t.Context(), catalog.BucketCatalog)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"version":99}`: "newer leat",
		`{"version":`:    "decode the catalog",
	} {
		if _, err := kv.Put(t.Context(), "catalog", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Read(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestPlanAgain plans queries from what the catalog keeps of them, after a way through the store: the same plans.
func TestPlanAgain(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	statements, errs := parser.Parse(`
		CREATE STREAM t (k STRING, v DECIMAL(10, 2), ts BIGINT) WITH (event_time = 'ts', watermark = '2s');
		CREATE TABLE u (k STRING PRIMARY KEY, city STRING);
		CREATE TABLE a AS SELECT k, window_start, SUM(v) AS s FROM t WINDOW SLIDING(1h, 5m) GROUP BY k HAVING s > 1;
		CREATE STREAM b WITH (partitions = 3) AS SELECT t.v, u.city FROM t LEFT JOIN u ON t.k = u.k WHERE v > 1
			PARTITION BY u.city;
		CREATE STREAM c AS
			SELECT k, AVG(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS m FROM t;`,
		parser.Options{})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	cat := catalog.New()
	first := map[string]string{}
	for _, st := range statements {
		c, _ := st.(*ast.Create)
		if c.As == nil {
			o, _, err := plan.Define(c, plan.Defaults{Partitions: 4})
			if err != nil {
				t.Fatal(err)
			}
			cat.Objects[o.Name] = o
			continue
		}
		id := "q" + c.Name.Name
		p, o, err := (&plan.Binder{Catalog: cat}).CreateAs(id, c)
		if err != nil {
			t.Fatal(err)
		}
		first[id] = p.Explain()
		sources := map[string]*plan.Object{"t": cat.Objects["t"], "u": cat.Objects["u"]}
		cat.Queries[id] = &catalog.Query{
			ID: id, Statement: c.Text, Result: o.Name, Sources: sources,
			State: catalog.Running,
		}
		cat.Objects[o.Name] = o
	}
	if _, err := store.Write(t.Context(), cat); err != nil {
		t.Fatal(err)
	}
	again, err := store.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range first { // any order: independent
		for range 2 {
			p, err := again.Queries[id].Plan(again.Objects[again.Queries[id].Result])
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			if d := gocmp.Diff(want, p.Explain()); d != "" {
				t.Errorf("%s is planned otherwise: %s", id, d)
			}
		}
	}
}
