//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatsql/leat/e2e/rig"
)

// letter is a dead letter as leat dlq tells it.
type letter struct {
	ID, Source, Code, Error, Original string
	Sequence                          uint64
	Base64                            bool
}

// letters lists the dead letters of a topic.
func letters(t *testing.T, d *rig.Dev, topic string) []letter {
	t.Helper()
	r := d.Run("dlq", "list", "-o", "json", "--limit", "10000")
	if r.Code != 0 {
		t.Fatalf("leat dlq list: exit code %d: %s", r.Code, r.Stderr)
	}
	var doc struct{ Letters []letter }
	if err := json.Unmarshal([]byte(r.Stdout), &doc); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(doc.Letters, func(l letter) bool { return !strings.HasPrefix(l.ID, topic+"/") })
}

// waitLetters waits until as many dead letters are there.
func waitLetters(t *testing.T, d *rig.Dev, n int, topic string) []letter {
	t.Helper()
	var got []letter
	rig.Until(t, drainWithin, fmt.Sprintf("%d dead letters", n), func() (bool, string) {
		got = letters(t, d, topic)
		return len(got) >= n, fmt.Sprintf("%d are there", len(got))
	})
	if len(got) != n {
		t.Fatalf("%d dead letters, want %d: %+v", len(got), n, got)
	}
	return got
}

// waitIDs waits until a stream holds exactly the ids 0 to n-1.
func waitIDs(t *testing.T, d *rig.Dev, name string, n int64) {
	t.Helper()
	want := map[int64]bool{}
	for id := range n {
		want[id] = true
	}
	checkLog(t, d, name, want)
}

// TestGarbage sends what is no record among many that are.
func TestGarbage(t *testing.T) {
	t.Parallel()
	d := rig.NewDev(t)
	d.Start()
	d.SQL(`CREATE STREAM js (id BIGINT, name STRING) WITH (subject = 'js.>', format = 'json');
		CREATE STREAM mp (id BIGINT, name STRING) WITH (subject = 'mp.>', format = 'msgpack');
		CREATE STREAM out AS SELECT id, 100 / id AS share FROM js WHERE id < 1000000;
		CREATE STREAM names AS SELECT id, name FROM mp;`)
	p := newPublisher(t, d.NATS)
	ctx, cancel := context.WithTimeout(t.Context(), settleWithin)
	defer cancel()
	send := func(subject, id string, data []byte) {
		t.Helper()
		if err := p.send(ctx, subject, id, data); err != nil {
			t.Fatal(err)
		}
	}
	garbage := [][]byte{
		[]byte(`{"id":`), []byte("\x00\x01\x02\xff\xfe"), []byte(`{"id":"seven"}`),
		[]byte(`{"id":99999999999999999999}`),
		bytes.Repeat([]byte("["), 100_000), []byte("plain text"), []byte(`7`),
	}
	bombs := [][]byte{
		{0xdd, 0xff, 0xff, 0xff, 0xff},
		{0xc6, 0xff, 0xff, 0xff, 0xff},
		bytes.Repeat([]byte{0x91}, 500_000),
		{0xc1},
	}
	for i := range 200 {
		send("js.a", fmt.Sprint("j", i), fmt.Appendf(nil, `{"id":%d,"name":"n%d"}`, i, i))
		send("mp.a", fmt.Sprint("m", i), []byte{
			0x82, 0xa2, 'i', 'd', 0xcc, byte(i), 0xa4, 'n', 'a', 'm', 'e', 0xa1,
			'x',
		})
		if i%20 == 10 && i/20 < len(garbage) {
			send("js.a", fmt.Sprint("g", i), garbage[i/20])
		}
		if i%20 == 15 && i/20 < len(bombs) {
			send("mp.a", fmt.Sprint("b", i), bombs[i/20])
		}
	}
	waitIDs(t, d, "names", 200)
	waitIDs(t, d, "js", 200)
	// a list that never ends is told twice: its first element, and its end
	atSource := waitLetters(t, d, len(garbage)+1, "js")
	atSource = slices.CompactFunc(atSource, func(a, b letter) bool { return a.Sequence == b.Sequence })
	if len(atSource) != len(garbage) {
		t.Fatalf("dead letters of %d messages, want %d", len(atSource), len(garbage))
	}
	for i, l := range atSource {
		if !l.Base64 && l.Original != string(garbage[i]) && !strings.HasPrefix(string(garbage[i]), l.Original) ||
			l.Code == "" || l.Sequence == 0 {
			t.Errorf("dead letter %d is %.200v, want %.40q", i, l, garbage[i])
		}
	}
	waitLetters(t, d, len(bombs), "mp")
	// One row divides by zero: it alone is missing.
	rig.Until(t, drainWithin, "all rows but one", func() (bool, string) {
		rows, ok, words := d.Rows("SELECT id FROM out")
		return ok && len(rows) == 199, fmt.Sprintf("%d rows %s", len(rows), words)
	})
	poisoned := waitLetters(t, d, 1, "q1")
	if !strings.Contains(poisoned[0].Original, `"id":0`) {
		t.Errorf("dead letter of the query: %+v", poisoned[0])
	}
	checkCounts(t, d)
	retryAndDrop(t, d, atSource)
}

// retryAndDrop retries a letter, which fails again, and drops all.
func retryAndDrop(t *testing.T, d *rig.Dev, atSource []letter) {
	t.Helper()
	if r := d.Run("dlq", "show", atSource[0].ID); r.Code != 0 || !strings.Contains(r.Stdout, `{"id":`) {
		t.Errorf("leat dlq show: %d %s %s", r.Code, r.Stdout, r.Stderr)
	}
	if r := d.Run("dlq", "retry", "--all", "--query", "js", "--dry-run"); r.Code != 0 ||
		len(letters(t, d, "js")) < len(atSource) {
		t.Errorf("leat dlq retry --dry-run: %d %s", r.Code, r.Stderr)
	}
	if r := d.Run("dlq", "retry", atSource[5].ID); r.Code != 0 {
		t.Errorf("leat dlq retry: %d %s", r.Code, r.Stderr)
	}
	if r := d.Run("dlq", "drop", "--all"); r.Code != 2 {
		t.Errorf("leat dlq drop --all without --yes: exit code %d", r.Code)
	}
	if r := d.Run("dlq", "drop", "--all", "--yes"); r.Code != 0 {
		t.Errorf("leat dlq drop: %d %s", r.Code, r.Stderr)
	}
	rig.Until(t, drainWithin, "no dead letters", func() (bool, string) {
		n := len(letters(t, d, "js"))
		return n == 0, fmt.Sprint(n)
	})
}

// TestRetriedLetterTakesEffect mends what was wrong and retries: the row counts once.
func TestRetriedLetterTakesEffect(t *testing.T) {
	t.Parallel()
	d := rig.NewDev(t)
	d.Start()
	d.SQL(`CREATE STREAM s (id BIGINT, at BIGINT)
		WITH (subject = 's.>', format = 'json', event_time = 'at', max_future = '1h');
		CREATE STREAM t AS SELECT id FROM s;`)
	p := newPublisher(t, d.NATS)
	ctx, cancel := context.WithTimeout(t.Context(), settleWithin)
	defer cancel()
	// Too far ahead of the clock now, and not any more when it is retried.
	soon := time.Now().Add(time.Hour + 2*time.Second).UnixMilli()
	if err := p.send(ctx, "s.a", "1", fmt.Appendf(nil, `{"id":0,"at":%d}`, soon)); err != nil {
		t.Fatal(err)
	}
	l := waitLetters(t, d, 1, "s")
	rig.Until(t, drainWithin, "the time comes nearer", func() (bool, string) {
		return time.Now().Add(time.Hour).UnixMilli() > soon, "not yet"
	})
	for range 2 {
		if r := d.Run("dlq", "retry", l[0].ID); r.Code != 0 && !strings.Contains(r.Stderr, "LEAT-5") {
			t.Errorf("leat dlq retry: %d %s", r.Code, r.Stderr)
		}
	}
	waitIDs(t, d, "t", 1)
}

// TestLargeMessages sends messages around the limits.
func TestLargeMessages(t *testing.T) {
	t.Parallel()
	d := rig.NewDev(t)
	d.Start()
	d.SQL(`CREATE STREAM s (id BIGINT, name STRING)
		WITH (subject = 's.>', format = 'json'); CREATE STREAM t AS SELECT id FROM s;`)
	p := newPublisher(t, d.NATS)
	ctx, cancel := context.WithTimeout(t.Context(), settleWithin)
	defer cancel()
	row := func(id, size int) []byte {
		return fmt.Appendf(nil, `{"id":%d,"name":%q}`, id, strings.Repeat("x", size))
	}
	if err := p.send(ctx, "s.a", "0", row(0, 10)); err != nil {
		t.Fatal(err)
	}
	large := row(9, 9<<20)
	if _, err := p.js.Publish(ctx, "s.a", large); err == nil {
		t.Error("a message of 9 MiB was accepted over NATS")
	}
	resp, err := d.Post(ctx, "s", "application/x-ndjson", large, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("9 MiB over HTTP: status %d, want 413", resp.StatusCode)
	}
	// Whatever the broker takes becomes a row or a dead letter, and does not stand in the way of what follows.
	most := int(p.nc.MaxPayload())
	for id, size := range []int{0: 10, 1: 1 << 20, 2: 3 << 20, 3: 5 << 20, 4: most - 2000, 5: most - 200, 6: 10} {
		if err := p.send(ctx, "s.a", fmt.Sprint(id), row(id, min(size, most-200))); id > 0 && err != nil {
			t.Fatal(err)
		}
	}
	rig.Until(t, drainWithin, "rows and dead letters", func() (bool, string) {
		rows, ok, words := d.Rows("SELECT id FROM t")
		dead := len(letters(t, d, "s"))
		return ok && len(rows)+dead == 7 && number(rows[len(rows)-1]["id"]) == 6,
			fmt.Sprintf("%d rows, %d dead letters %s", len(rows), dead, words)
	})
}

// TestRowsThatGrow lets a query make a row of what fits that no message can hold.
func TestRowsThatGrow(t *testing.T) {
	t.Parallel()
	d := rig.NewDev(t)
	d.Start()
	d.SQL(`CREATE STREAM s (id BIGINT, name STRING) WITH (subject = 's.>', format = 'json');
		CREATE STREAM t AS SELECT id, name || name || name || name AS wide FROM s;`)
	p := newPublisher(t, d.NATS)
	ctx, cancel := context.WithTimeout(t.Context(), settleWithin)
	defer cancel()
	for id, size := range []int{10, 3 << 20, 10} {
		row := fmt.Appendf(nil, `{"id":%d,"name":%q}`, id, strings.Repeat("x", size))
		if err := p.send(ctx, "s.a", fmt.Sprint(id), row); err != nil {
			t.Fatal(err)
		}
	}
	rig.Until(t, drainWithin, "the rows around the large one", func() (bool, string) {
		rows, ok, words := d.Rows("SELECT id FROM t")
		return ok && len(rows) == 2 && len(letters(t, d, "q1")) == 1, fmt.Sprintf("%d rows %s", len(rows), words)
	})
}
