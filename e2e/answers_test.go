//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/e2e/rig"
)

// declareOrders declares the orders with queries of every kind behind them, and sinks of every kind behind those.
const declareOrders = `
CREATE STREAM orders (id BIGINT, customer STRING, amount BIGINT, ts BIGINT)
  WITH (subject = 'orders.>', format = 'json', event_time = 'ts', watermark = '1s', key = 'customer', partitions = 4);
CREATE TABLE customers (customer STRING PRIMARY KEY, country STRING)
  WITH (subject = 'customers.>', format = 'json', partitions = 4);
CREATE STREAM big AS SELECT * FROM orders WHERE amount >= 500;
CREATE TABLE stats AS SELECT customer, window_start, COUNT(*) AS n, SUM(id) AS ids
  FROM orders WINDOW TUMBLING(10s) GROUP BY customer;
CREATE TABLE visits AS SELECT customer, window_start, window_end, COUNT(*) AS n, SUM(id) AS ids
  FROM orders WINDOW SESSION(5s) GROUP BY customer;
CREATE STREAM placed AS SELECT o.id AS id, o.customer AS customer, c.country AS country, o.amount AS amount
  FROM orders o LEFT JOIN customers c ON o.customer = c.customer;
CREATE TABLE countries AS SELECT country, COUNT(*) AS n, SUM(id) AS ids FROM placed GROUP BY country;
CREATE SINK big_out FROM big TO NATS 'out.big.{customer}';
CREATE SINK stats_kv FROM stats TO KV 'stats';
CREATE SINK placed_file FROM placed TO FILE '%[1]splaced.jsonl';
CREATE SINK big_file FROM big TO FILE '%[1]sbig.csv' WITH (rotate_rows = '1500');
`

func countryOf(customer string) string { return "country-" + customer[len(customer)-1:] }

// sendCustomers fills the table that orders are joined with.
func sendCustomers(t *testing.T, p *publisher) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), settleWithin)
	defer cancel()
	for n := range orderCustomers {
		c := fmt.Sprintf("c%02d", n)
		data := fmt.Appendf(nil, `{"customer":%q,"country":%q}`, c, countryOf(c))
		if err := p.send(ctx, "customers.new", "customer-"+c, data); err != nil {
			t.Fatal(err)
		}
	}
}

// sums are COUNT and SUM(id) of a group.
type sums struct{ N, IDs int64 }

// want is what the queries must answer for the first n orders.
type want struct {
	big, placed, dead map[int64]bool
	stats, visits     map[string]sums // by customer and window
	countries         map[string]sums
	late              int64
}

func wantOf(n int64) want {
	w := want{
		big: map[int64]bool{}, placed: map[int64]bool{}, dead: map[int64]bool{}, stats: map[string]sums{},
		countries: map[string]sums{},
	}
	times := map[string][]order{}
	for i := range n {
		o := orderOf(i)
		if o.garbage {
			w.dead[i] = true
			continue
		}
		w.placed[i] = true
		if o.amount >= 500 {
			w.big[i] = true
		}
		add(w.countries, countryOf(o.customer), o.id)
		if o.late {
			w.late++
			continue
		}
		add(w.stats, fmt.Sprintf("%s %d", o.customer, o.ts-o.ts%10_000), o.id)
		times[o.customer] = append(times[o.customer], o)
	}
	w.visits = sessions(times, 5000)
	return w
}

func add(m map[string]sums, key string, id int64) {
	s := m[key]
	m[key] = sums{s.N + 1, s.IDs + id}
}

// sessions cuts the orders of each customer where it was silent for the gap or longer.
func sessions(times map[string][]order, gap int64) map[string]sums {
	out := map[string]sums{}
	for customer, orders := range times {
		slices.SortFunc(orders, func(a, b order) int { return int(a.ts - b.ts) })
		for from := 0; from < len(orders); {
			to, s := from, sums{}
			for ; to < len(orders) && (to == from || orders[to].ts-orders[to-1].ts < gap); to++ {
				s = sums{s.N + 1, s.IDs + orders[to].id}
			}
			out[fmt.Sprintf("%s %d %d", customer, orders[from].ts, orders[to-1].ts+gap)] = s
			from = to
		}
	}
	return out
}

func number(v any) int64 {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return i
}

// groups reads a table with COUNT and SUM(id); the key is made of the named columns. A key that comes twice is an
// error.
func groups(t *testing.T, rows []map[string]any, columns ...string) map[string]sums {
	t.Helper()
	out := map[string]sums{}
	for _, r := range rows {
		parts := make([]string, len(columns))
		for i, c := range columns {
			parts[i] = fmt.Sprint(r[c])
		}
		key := strings.Join(parts, " ")
		if _, twice := out[key]; twice {
			t.Errorf("the key %q is there twice", key)
		}
		out[key] = sums{number(r["n"]), number(r["ids"])}
	}
	return out
}

// once checks that ids are exactly the wanted ones, each once.
func once(t *testing.T, where string, ids []int64, want map[int64]bool) {
	t.Helper()
	seen := map[int64]int{}
	for _, id := range ids {
		seen[id]++
	}
	var lost, twice, invented []int64
	for id := range want {
		switch n := seen[id]; {
		case n == 0:
			lost = append(lost, id)
		case n > 1:
			twice = append(twice, id)
		}
	}
	for id := range seen {
		if !want[id] {
			invented = append(invented, id)
		}
	}
	slices.Sort(lost)
	slices.Sort(twice)
	if len(lost)+len(twice)+len(invented) > 0 {
		t.Errorf("%s: %d of %d rows lost (%v), %d there more than once (%v), %d invented (%v)", where, len(lost),
			len(want), first(lost), len(twice), first(twice), len(invented), first(invented))
	}
}

func first(ids []int64) []int64 { return ids[:min(10, len(ids))] }

func ids(rows []map[string]any) []int64 {
	out := make([]int64, len(rows))
	for i, r := range rows {
		out[i] = number(r["id"])
	}
	return out
}

const drainWithin = 60 * time.Second

// checkOrders waits until everything that was published is through and compares every output with what it must be.
func checkOrders(t *testing.T, d *rig.Dev, p *publisher, folder string) {
	t.Helper()
	w := wantOf(p.count())
	total := int64(0)
	for _, s := range w.stats {
		total += s.N
	}
	rig.Until(t, drainWithin, "all orders are through", func() (bool, string) {
		rows, ok, words := d.Rows("SELECT * FROM stats")
		if !ok {
			return false, words
		}
		got := int64(0)
		for _, r := range rows {
			got += number(r["n"])
		}
		return got >= total, fmt.Sprintf("%d of %d counted", got, total)
	})
	step := func(what string, began time.Time) {
		t.Logf("checked %s in %s", what, time.Since(began).Round(time.Millisecond))
	}
	began := time.Now()
	for name, c := range map[string]struct {
		keys []string
		want map[string]sums
	}{
		"stats":     {[]string{"customer", "window_start"}, w.stats},
		"visits":    {[]string{"customer", "window_start", "window_end"}, w.visits},
		"countries": {[]string{"country"}, w.countries},
	} {
		settled(t, d, name, func(rows []map[string]any) string { return cmp.Diff(c.want, groups(t, rows, c.keys...)) })
	}
	for name, ids := range map[string]map[int64]bool{"big": w.big, "placed": w.placed} {
		checkLog(t, d, name, ids)
	}
	step("tables and streams", began)
	began = time.Now()
	checkFile(t, folder, w)
	checkBigFiles(t, folder, w)
	step("files", began)
	began = time.Now()
	checkSubjects(t, p, w)
	checkBucket(t, p, w)
	step("subjects and buckets", began)
	began = time.Now()
	checkDead(t, d, w)
	checkCounts(t, d)
	step("dead letters and counts", began)
}

// settled compares the rows of a table until there is no difference.
func settled(t *testing.T, d *rig.Dev, name string, diff func([]map[string]any) string) {
	t.Helper()
	rig.Until(t, drainWithin, "table "+name, func() (bool, string) {
		rows, ok, words := d.Rows("SELECT * FROM " + name)
		if !ok {
			return false, words
		}
		words = diff(rows)
		return words == "", words
	})
}

// checkLog waits for the rows of a stream's log and wants each once.
func checkLog(t *testing.T, d *rig.Dev, name string, want map[int64]bool) {
	t.Helper()
	var got []int64
	rig.Until(t, drainWithin, "stream "+name, func() (bool, string) {
		rows, ok, words := d.Rows("SELECT id FROM " + name)
		if !ok {
			return false, words
		}
		got = ids(rows)
		return len(got) >= len(want), fmt.Sprintf("%d of %d rows", len(got), len(want))
	})
	once(t, "stream "+name, got, want)
}

// checkFile wants every order in the file of the join once, with the right country.
func checkFile(t *testing.T, folder string, w want) {
	t.Helper()
	var rows []map[string]any
	rig.Until(t, drainWithin, "the file", func() (bool, string) {
		text, err := os.ReadFile(folder + "/placed.jsonl")
		if err != nil {
			return false, err.Error()
		}
		lines := strings.Count(string(text), "\n")
		if lines < len(w.placed) {
			return false, fmt.Sprintf("%d of %d lines", lines, len(w.placed))
		}
		rows = rig.Decode(t, string(text))
		return true, ""
	})
	once(t, "file placed.jsonl", ids(rows), w.placed)
	for _, r := range rows {
		if o := orderOf(number(r["id"])); r["customer"] != o.customer || r["country"] != countryOf(o.customer) {
			t.Fatalf("file placed.jsonl: row %v, want customer %s in %s", r, o.customer, countryOf(o.customer))
		}
	}
}

// checkBigFiles wants every big order once in the rotated files, each of them complete.
func checkBigFiles(t *testing.T, folder string, w want) {
	t.Helper()
	var got []int64
	rig.Until(t, drainWithin, "the rotated files", func() (bool, string) {
		got = got[:0]
		entries, err := os.ReadDir(folder)
		if err != nil {
			return false, err.Error()
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), "big") || !strings.HasSuffix(e.Name(), ".csv") {
				continue
			}
			text, err := os.ReadFile(folder + "/" + e.Name())
			if err != nil {
				return false, err.Error()
			}
			rows := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
			if len(text) > 0 && rows[0] != "id,customer,amount,ts" {
				t.Fatalf("%s begins with %q", e.Name(), rows[0])
			}
			if e.Name() != "big.csv" && len(rows) != 1501 {
				t.Fatalf("%s has %d rows, want 1500", e.Name(), len(rows)-1)
			}
			for _, r := range rows[1:] {
				var id int64
				if _, err := fmt.Sscanf(r, "%d,", &id); err != nil {
					t.Fatalf("%s: row %q: %v", e.Name(), r, err)
				}
				got = append(got, id)
			}
		}
		return len(got) >= len(w.big), fmt.Sprintf("%d of %d rows", len(got), len(w.big))
	})
	once(t, "files big*.csv", got, w.big)
}

// readStream reads all messages of the stream that captures a subject.
func readStream(t *testing.T, p *publisher, subject string) []jetstream.Msg {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), drainWithin)
	defer cancel()
	name, err := p.js.StreamNameBySubject(ctx, subject)
	if err != nil {
		t.Fatalf("no stream captures %s: %v", subject, err)
	}
	c, err := p.js.OrderedConsumer(ctx, name, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	it, err := c.Messages(jetstream.PullMaxMessages(1000))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { // tests poll: the server would keep each consumer for minutes, and 1,000 at most
		it.Stop()
		_ = p.js.DeleteConsumer(context.WithoutCancel(ctx), name, c.CachedInfo().Name)
	}()
	var out []jetstream.Msg
	for {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			t.Fatalf("read stream %s: %v", name, err)
		}
		out = append(out, m)
		if meta, err := m.Metadata(); err == nil && meta.NumPending == 0 {
			return out
		}
	}
}

// checkSubjects wants each big order once on the subject of its customer.
func checkSubjects(t *testing.T, p *publisher, w want) {
	t.Helper()
	var got []int64
	rig.Until(t, drainWithin, "subjects out.big.>", func() (bool, string) {
		got = got[:0]
		for _, m := range readStream(t, p, "out.big.*") {
			row := rig.Decode(t, string(m.Data()))[0]
			id := number(row["id"])
			if o := orderOf(id); m.Subject() != "out.big."+o.customer || number(row["amount"]) != o.amount {
				t.Fatalf("%s carries %s", m.Subject(), m.Data())
			}
			got = append(got, id)
		}
		return len(got) >= len(w.big), fmt.Sprintf("%d of %d messages", len(got), len(w.big))
	})
	once(t, "subjects out.big.>", got, w.big)
}

// checkBucket wants the last state of the table in the KV bucket.
func checkBucket(t *testing.T, p *publisher, w want) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), drainWithin)
	defer cancel()
	rig.Until(t, drainWithin, "bucket stats", func() (bool, string) {
		kv, err := p.js.KeyValue(ctx, "stats")
		if err != nil {
			return false, err.Error()
		}
		watch, err := kv.WatchAll(ctx)
		if err != nil {
			return false, err.Error()
		}
		defer func() { _ = watch.Stop() }()
		var rows []map[string]any
		for e := range watch.Updates() {
			if e == nil {
				break
			}
			rows = append(rows, rig.Decode(t, string(e.Value()))...)
		}
		diff := cmp.Diff(w.stats, groups(t, rows, "customer", "window_start"))
		return diff == "", diff
	})
}

// checkDead wants a dead letter with the original bytes for each message that is no JSON, once.
func checkDead(t *testing.T, d *rig.Dev, w want) {
	t.Helper()
	var list struct {
		Count   int
		Letters []struct{ ID, Original, Code, Source string }
	}
	r := d.Run("dlq", "list", "-o", "json", "--limit", "100000")
	if r.Code != 0 {
		t.Fatalf("leat dlq list: %d %s", r.Code, r.Stderr)
	}
	if err := json.Unmarshal([]byte(r.Stdout), &list); err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, l := range list.Letters {
		var id int64
		if _, err := fmt.Sscanf(l.Original, `{"id":%d,"customer":"broken`, &id); err != nil ||
			l.Original != string(orderOf(id).payload()) {
			t.Fatalf("dead letter %+v", l)
		}
		got = append(got, id)
	}
	once(t, "dead letters", got, w.dead)
}

// checkCounts wants that nothing vanishes at any stage.
func checkCounts(t *testing.T, d *rig.Dev) {
	t.Helper()
	rig.Until(t, drainWithin, "counts add up", func() (bool, string) {
		s, err := rig.ReadStatus(t.Context(), d.HTTP)
		if err != nil {
			return false, err.Error()
		}
		all := map[string]rig.Counts{}
		for _, src := range s.Sources {
			all["source "+src.Name] = src.Counts
		}
		for _, q := range s.Queries {
			if q.State != "running" {
				return false, fmt.Sprintf("query %s of %s is %s: %s", q.ID, q.Result, q.State, q.Reason)
			}
			for _, st := range q.Stages {
				all["stage "+st.ID] = st.Counts
			}
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if c := all[name]; c.In != c.Sum() {
				return false, fmt.Sprintf("%s: in %d, used and the others %d: %+v", name, c.In, c.Sum(), c)
			}
		}
		return true, ""
	})
}
