//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatsql/leat/e2e/rig"
)

const stopWithin = 20 * time.Second

// TestSecondDevIsRefused starts a second leat dev on a folder that is in use, and one on a port that is.
func TestSecondDevIsRefused(t *testing.T) {
	t.Parallel()
	d := rig.NewDev(t)
	d.Start()
	r := rig.Run(t, d.Home, "", "dev", "--data", d.Data, "--nats", "127.0.0.1:0", "--http", "127.0.0.1:0")
	if r.Code != 5 || !strings.Contains(r.Stderr, "LEAT-5") {
		t.Errorf("on a folder in use: exit code %d, want 5\n%s", r.Code, r.Stderr)
	}
	for _, flag := range []string{"--nats", "--http"} {
		other := filepath.Join(d.Home, "other")
		addr := map[string]string{"--nats": d.NATS, "--http": d.HTTP}
		args := []string{"dev", "--data", other, "--nats", "127.0.0.1:0", "--http", "127.0.0.1:0"}
		for i := range args {
			if args[i] == flag {
				args[i+1] = addr[flag]
			}
		}
		r := rig.Run(t, d.Home, "", args...)
		if r.Code != 4 || !strings.Contains(r.Stderr, addr[flag]) {
			t.Errorf("%s on a port in use: exit code %d, want 4 and the address\n%s", flag, r.Code, r.Stderr)
		}
	}
	d.SQL("SHOW STREAMS") // the first one is well
}

// TestCleanStop ends leat dev by signals: the exit code tells, nothing hangs, and a later start goes on.
func TestCleanStop(t *testing.T) {
	t.Parallel()
	d, p, folder := startOrders(t)
	for i, stop := range []struct {
		signal syscall.Signal
		code   int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		if err := p.upTo(t.Context(), orderSettled+int64(i+1)*1000); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		d.Signal(stop.signal)
		if code := d.Wait(stopWithin); code != stop.code {
			t.Errorf("%s: exit code %d, want %d\n%s", stop.signal, code, stop.code, d.Stderr())
		}
		t.Logf("%s: stopped in %s", stop.signal, time.Since(began).Round(time.Millisecond))
		d.Start()
	}
	checkOrders(t, d, p, folder)
}

// wrongSQL are statements that are refused, and where.
var wrongSQL = []struct{ sql, at, words string }{
	{"SELEC 1", "1:1", ""},
	{"SELECT FROM orders", "1:8", ""},
	{"SELECT amonut FROM orders", "1:8", "amount"},
	{"SELECT amount FROM ordrs", "1:20", "orders"},
	{"SELECT 'open FROM orders", "1:8", ""},
	{"SELECT amount FROM orders WHERE", "1:3", ""},
	{"SELECT nosuch(amount) FROM orders", "1:8", "nosuch"},
	{"SELECT SUM(customer) FROM orders", "1:8", ""},
	{"SELECT amount FROM orders WHERE customer > 5", "1:33", ""},
	{"SELECT amount, COUNT(*) FROM orders GROUP BY customer", "1:8", ""},
	{"SELECT COUNT(*) FROM orders WHERE COUNT(*) > 1", "1:35", ""},
	{"SELECT SUM(COUNT(*)) FROM orders", "1:12", ""},
	{"SELECT LENGTH() FROM orders", "1:8", ""},
	{"SELECT CAST(amount AS NOSUCH) FROM orders", "1:2", ""},
	{"SELECT * FROM orders WINDOW TUMBLING(0s)", "1:", ""},
	{"CREATE STREAM orders (id BIGINT) WITH (subject = 'x.>')", "1:15", "exists"},
	{"CREATE STREAM x (id NOSUCH) WITH (subject = 'x.>')", "1:21", ""},
	{"CREATE STREAM x (id BIGINT) WITH (nosuch = 'x')", "1:35", ""},
	{"CREATE STREAM x (id BIGINT, id BIGINT) WITH (subject = 'x.>')", "1:", "id"},
	{"CREATE STREAM x (id BIGINT) WITH (subject = 'leat.api.>')", "1:", ""},
	{"CREATE SINK s FROM nothing TO NATS 'out.x'", "1:20", ""},
	{"CREATE SINK s FROM orders TO NATS 'out.{nosuch}'", "1:35", "nosuch"},
	{"CREATE SINK s FROM orders TO POSTGRES 'dsn'", "1:39", "no connection string"},
	{"CREATE SINK s FROM orders TO HTTP 'hook'", "1:35", "no URL"},
	{"CREATE SINK s FROM orders TO OBJECT 'b'", "1:30", "not supported"},
	{"DROP STREAM nosuch", "1:13", ""},
	{"INSERT INTO orders (nosuch) VALUES (1)", "1:21", ""},
	{"INSERT INTO orders (id) VALUES (1, 2)", "1:", ""},
	{"SELECT * FROM orders MATCH_RECOGNIZE (x)", "1:", ""},
	{"SELECT amount + FROM orders", "1:", ""},
	{"SELECT " + strings.Repeat("(", 3000) + "1" + strings.Repeat(")", 3000), "1:", ""},
	{"SELECT '" + strings.Repeat("x", 100_000) + "'", "", ""},
}

// TestWrongSQL wants exit code 3, the place with a caret, and a running server behind it.
func TestWrongSQL(t *testing.T) {
	t.Parallel()
	d := rig.NewDev(t)
	d.Start()
	d.SQL("CREATE STREAM orders (id BIGINT, customer STRING, amount BIGINT) WITH (subject = 'orders.>')")
	for _, c := range wrongSQL {
		began := time.Now()
		r := d.Try(c.sql)
		if r.Code != 3 {
			// Names that are not there, or there already, are a matter of the state.
			if r.Code != 5 || !strings.Contains(r.Stderr, "[LEAT-5") {
				t.Errorf("%.80s: exit code %d, want 3\n%.600s", c.sql, r.Code, r.Stderr)
				continue
			}
		}
		if c.at != "" && (!strings.Contains(r.Stderr, ":"+c.at) || !strings.Contains(r.Stderr, "^")) {
			t.Errorf("%.80s: no caret at %s\n%.600s", c.sql, c.at, r.Stderr)
		}
		if !strings.Contains(r.Stderr, c.words) || r.Stdout != "" {
			t.Errorf("%.80s: want %q on stderr and nothing on stdout\n%.600s%s", c.sql, c.words, r.Stderr, r.Stdout)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%.80s: refused after %s", c.sql, took)
		}
	}
	d.SQL("SELECT id FROM orders")
}

// TestOlderStore puts an older copy of the folder back: what is ahead of it stops with words.
func TestOlderStore(t *testing.T) {
	t.Parallel()
	d := rig.NewDev(t)
	d.Start()
	d.SQL(`CREATE STREAM s (id BIGINT) WITH (subject = 's.>', partitions = 1);
		CREATE TABLE n AS SELECT id % 3 AS k, COUNT(*) AS n FROM s GROUP BY id % 3;
		CREATE SINK f FROM s TO FILE '` + d.Home + `/s.jsonl'`)
	p := newPublisher(t, d.NATS)
	sendIDs(t, p, 0, 300)
	waitIDs(t, d, "s", 300)
	stop := func() {
		t.Helper()
		d.Signal(syscall.SIGINT)
		d.Wait(stopWithin)
	}
	stop()
	older := filepath.Join(d.Home, "older")
	if err := os.CopyFS(older, os.DirFS(d.Data)); err != nil {
		t.Fatal(err)
	}
	d.Start()
	sendIDs(t, p, 300, 600)
	waitIDs(t, d, "s", 600)
	rig.Until(t, drainWithin, "the file has all rows", func() (bool, string) {
		text, err := os.ReadFile(d.Home + "/s.jsonl")
		return strings.Count(string(text), "\n") == 600, fmt.Sprint(err)
	})
	stop()
	mixStores(t, d.Data, older)
	d.Start()
	stopped := map[string]string{}
	rig.Until(t, drainWithin, "what is ahead of the log stops", func() (bool, string) {
		s, err := rig.ReadStatus(t.Context(), d.HTTP)
		if err != nil {
			return false, err.Error()
		}
		for _, q := range s.Queries {
			if q.State == "stopped" {
				stopped["query "+q.ID] = q.Reason
			}
		}
		for _, k := range s.Sinks {
			if k.State == "stopped" {
				stopped["sink "+k.Name] = k.Reason
			}
		}
		return len(stopped) == 2, fmt.Sprintf("%v", stopped)
	})
	for what, reason := range stopped {
		if !strings.Contains(reason, "backwards") && !strings.Contains(reason, "made again") {
			t.Errorf("%s stopped with %q", what, reason)
		}
	}
	t.Logf("stopped: %v", stopped)
}

// mixStores puts the older log of the topic into the newer store: its positions are ahead of it.
func mixStores(t *testing.T, data, older string) {
	t.Helper()
	var found int
	err := filepath.WalkDir(data, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.IsDir() || e.Name() != "LEAT_s_0" {
			return err
		}
		found++
		rel, err := filepath.Rel(data, path)
		if err != nil {
			return err
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		if err := os.CopyFS(path, os.DirFS(filepath.Join(older, rel))); err != nil {
			return err
		}
		return filepath.SkipDir
	})
	if err != nil || found != 1 {
		t.Fatalf("the log of the topic was found %d times: %v", found, err)
	}
}

// sendIDs publishes rows with an id alone.
func sendIDs(t *testing.T, p *publisher, from, to int) {
	t.Helper()
	for id := from; id < to; id++ {
		if err := p.send(t.Context(), "s.a", fmt.Sprint("id-", id), fmt.Appendf(nil, `{"id":%d}`, id)); err != nil {
			t.Fatal(err)
		}
	}
}
