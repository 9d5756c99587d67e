//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/e2e/rig"
	"github.com/leatsql/leat/internal/pgtest"
)

// hook is a receiver of a webhook that heeds idempotency keys.
type hook struct {
	mu    sync.Mutex
	posts int
	rows  map[string]string // by idempotency key
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.posts++; h.posts%3 == 0 { // taken, but the answer is lost
		h.rows[r.Header.Get("Idempotency-Key")] = string(body)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	h.rows[r.Header.Get("Idempotency-Key")] = string(body)
}

// list returns the ids of the rows that came, sorted.
func (h *hook) list() (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, body := range h.rows { // any order: sorted below
		var row struct{ ID int64 }
		if json.Unmarshal([]byte(body), &row) == nil {
			out = append(out, fmt.Sprint(row.ID))
		}
	}
	slices.Sort(out)
	return out
}

const connectorsSQL = `
CREATE TABLE prices (item STRING PRIMARY KEY, price DOUBLE)
  WITH (connector = 'kv', bucket = 'prices', partitions = '2');
CREATE TABLE customers (id BIGINT PRIMARY KEY, name STRING)
  WITH (dsn = '%[1]s', table = 'customers', refresh = '200ms', partitions = '2');
CREATE STREAM orders (id BIGINT, item STRING, customer BIGINT) WITH (subject = 'orders.new', partitions = '2');
CREATE STREAM priced AS SELECT o.id, o.item, p.price, o.customer FROM orders o JOIN prices p ON o.item = p.item;
CREATE STREAM named AS SELECT o.id AS id, o.item, c.name FROM orders o JOIN customers c ON o.customer = c.id;
CREATE TABLE totals AS SELECT item, COUNT(*) AS n, SUM(price) AS total FROM priced GROUP BY item;
CREATE SINK totals_kv FROM totals TO KV 'totals';
CREATE SINK priced_pg FROM priced TO POSTGRES '%[1]s' WITH (table = 'priced');
CREATE SINK named_http FROM named TO HTTP '%[2]s/in?secret=1';
`

// connectorRig is leat dev between a bucket, a database and a receiver.
type connectorRig struct {
	t    *testing.T
	d    *rig.Dev
	db   *pgx.Conn
	hook *hook
	js   jetstream.JetStream
	kv   jetstream.KeyValue
}

func (c *connectorRig) text(query string) (out string) {
	c.t.Helper()
	rows, err := c.db.Query(c.t.Context(), query)
	if err != nil {
		return err.Error()
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err.Error()
	}
	return strings.Join(list, " ")
}

func (c *connectorRig) until(what, want string, got func() string) {
	c.t.Helper()
	rig.Until(c.t, 60*time.Second, what, func() (bool, string) {
		have := got()
		return have == want, "have " + have
	})
}

func (c *connectorRig) connect() {
	c.t.Helper()
	nc, err := nats.Connect(c.d.NATS)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(nc.Close)
	if c.js, err = jetstream.New(nc); err != nil {
		c.t.Fatal(err)
	}
}

func (c *connectorRig) put(item, value string) {
	c.t.Helper()
	if _, err := c.kv.PutString(c.t.Context(), item, value); err != nil {
		c.t.Fatal(err)
	}
}

func (c *connectorRig) order(id int, item string, customer int) {
	c.t.Helper()
	body := fmt.Sprintf(`{"id":%d,"item":%q,"customer":%d}`, id, item, customer)
	as := jetstream.WithMsgID(fmt.Sprint("o", id))
	if _, err := c.js.Publish(c.t.Context(), "orders.new", []byte(body), as); err != nil {
		c.t.Fatal(err)
	}
}

// total reads a row of the result table from the bucket, as any client of NATS would.
func (c *connectorRig) total(item string) func() string {
	return func() string {
		kv, err := c.js.KeyValue(c.t.Context(), "totals")
		if err != nil {
			return err.Error()
		}
		e, err := kv.Get(c.t.Context(), item)
		if err != nil {
			return err.Error()
		}
		return string(e.Value())
	}
}

func (c *connectorRig) tables(want string) {
	c.t.Helper()
	c.until("the tables are read", want, func() string {
		prices, _, _ := c.d.Rows("SELECT * FROM prices")
		customers, _, _ := c.d.Rows("SELECT * FROM customers")
		return fmt.Sprintf("%d %d", len(prices), len(customers))
	})
}

// TestConnectors: rows come from a KV bucket, a PostgreSQL table and a subject, and go to a KV bucket, a PostgreSQL
// table and a webhook, over a kill of leat dev.
func TestConnectors(t *testing.T) {
	t.Parallel()
	c := &connectorRig{t: t, hook: &hook{rows: map[string]string{}}}
	dsn := pgtest.Start(t).DSN
	var err error
	if c.db, err = pgx.Connect(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.db.Close(t.Context()) })
	c.text(`CREATE TABLE customers (id bigint PRIMARY KEY, name text, other int)`)
	c.text(`INSERT INTO customers VALUES (1, 'ann'), (2, 'bob')`)
	receiver := httptest.NewServer(c.hook)
	t.Cleanup(receiver.Close)
	c.d = rig.NewDev(t)
	c.d.Start()
	c.connect()
	if c.kv, err = c.js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "prices"}); err != nil {
		t.Fatal(err)
	}
	c.put("pen", `{"price": 1.5}`)
	c.put("ink", `{"price": 4}`)
	c.put("old", `{"price": 9}`)
	if err := c.kv.Delete(t.Context(), "old"); err != nil {
		t.Fatal(err)
	}
	c.d.SQL(fmt.Sprintf(connectorsSQL, dsn, receiver.URL))
	c.tables("2 2")
	c.order(1, "pen", 1)
	c.order(2, "ink", 2)
	c.order(3, "old", 1)
	c.until("sums in the bucket", `{"item":"pen","n":1,"total":1.5}`, c.total("pen"))
	const priced = `SELECT id || '=' || price FROM priced ORDER BY id`
	c.until("rows in PostgreSQL", "1=1.5 2=4", func() string { return c.text(priced) })
	c.until("rows at the webhook", "1 2 3", func() string { return strings.Join(c.hook.list(), " ") })

	c.d.Kill()
	c.text(`DELETE FROM customers WHERE id = 2`)
	c.text(`INSERT INTO customers VALUES (3, 'cyd'), (4, 'dan')`)
	c.d.Start()
	c.connect()
	if c.kv, err = c.js.KeyValue(t.Context(), "prices"); err != nil {
		t.Fatal(err)
	}
	if err := c.kv.Purge(t.Context(), "ink"); err != nil {
		t.Fatal(err)
	}
	c.put("pen", `{"price": 2}`)
	c.put("cap", `{"price": 3}`)
	c.put("nib", `{"price": 5}`)
	c.tables("3 3")
	c.until("the new price", "2.0", func() string {
		rows, _, words := c.d.Rows("SELECT price FROM prices WHERE item = 'pen'")
		if len(rows) != 1 {
			return words
		}
		return fmt.Sprint(rows[0]["price"])
	})
	c.order(4, "pen", 3)
	c.order(5, "ink", 2)
	c.order(6, "cap", 4)
	c.until("sums go on", `{"item":"pen","n":2,"total":3.5}`, c.total("pen"))
	c.until("rows in PostgreSQL go on", "1=1.5 2=4 4=2 6=3", func() string { return c.text(priced) })
	c.until("rows at the webhook go on", "1 2 3 4 6", func() string { return strings.Join(c.hook.list(), " ") })
	r := c.d.SQL("DESCRIBE customers")
	if !strings.Contains(r.Stdout+r.Stderr, "postgres customers") {
		t.Errorf("DESCRIBE does not tell where the rows come from:\n%s", r.Stdout)
	}
}
