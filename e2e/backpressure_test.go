//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/e2e/rig"
)

const (
	pressRow   = 8000      // bytes of a row, about
	pressBytes = 300 << 20 // what all topics hold, about
)

// pressed is a leat dev whose only sink is stopped: its target is a stream that holds two messages.
type pressed struct {
	*rig.Dev
	t    *testing.T
	p    *publisher
	next int64
}

const pressSQL = `CREATE STREAM s (id BIGINT, pad STRING) WITH (%s, partitions = 1, max_bytes = '24MB');
	CREATE STREAM q WITH (partitions = 1) AS SELECT id, pad FROM s;
	CREATE SINK o FROM %s TO NATS 'target.rows';`

func newPressed(t *testing.T, source, from string) *pressed {
	t.Helper()
	d := &pressed{Dev: rig.NewDev(t), t: t}
	d.Start()
	d.p = newPublisher(t, d.NATS)
	if _, err := d.p.js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "TARGET", Subjects: []string{"target.>"}, MaxMsgs: 2,
		Discard: jetstream.DiscardNew,
	}); err != nil {
		t.Fatal(err)
	}
	d.SQL(fmt.Sprintf(pressSQL, source, from))
	return d
}

func (d *pressed) row(id int64) string {
	return fmt.Sprintf(`{"id":%d,"pad":"%s%d"}`, id, strings.Repeat("x", pressRow), id)
}

// release gives the target room and wants every row there, once and in order.
func (d *pressed) release() {
	d.t.Helper()
	st, err := d.p.js.Stream(d.t.Context(), "TARGET")
	if err != nil {
		d.t.Fatal(err)
	}
	cfg := st.CachedInfo().Config
	cfg.MaxMsgs = -1
	if _, err := d.p.js.UpdateStream(d.t.Context(), cfg); err != nil {
		d.t.Fatal(err)
	}
	rig.Until(d.t, drainWithin, "all rows come out", func() (bool, string) {
		info, err := st.Info(d.t.Context())
		return err == nil && int64(info.State.Msgs) >= d.next, fmt.Sprintf("%d of %d %v", info.State.Msgs, d.next, err)
	})
	var got []int64
	for _, m := range readStream(d.t, d.p, "target.rows") {
		got = append(got, number(rig.Decode(d.t, string(m.Data()))[0]["id"]))
	}
	want := map[int64]bool{}
	for id := range d.next {
		want[id] = true
	}
	once(d.t, "the target", got, want)
	checkCounts(d.t, d.Dev)
}

// bounded wants memory and disk within their limits.
func (d *pressed) bounded() {
	d.t.Helper()
	memory, disk := d.PeakBytes(), rig.FolderBytes(d.Data)
	d.t.Logf("%d rows accepted; memory at most %d MiB, folder %d MiB", d.next, memory>>20, disk>>20)
	if memory > 512<<20 {
		d.t.Errorf("the process took %d MiB", memory>>20)
	}
	if disk > 1<<30 {
		d.t.Errorf("the folder takes %d MiB", disk>>20)
	}
}

// TestStoppedSinkHTTP pushes rows over HTTP until ingest says that it is full.
func TestStoppedSinkHTTP(t *testing.T) {
	t.Parallel()
	d := newPressed(t, "connector = 'http', format = 'json'", "s")
	const batch = 200
	told := false
	for began := time.Now(); !told && time.Since(began) < drainWithin; {
		var body strings.Builder
		for k := range int64(batch) {
			body.WriteString(d.row(d.next+k) + "\n")
		}
		if told = d.post(body.String()); !told {
			d.next += batch
		}
		if d.next*pressRow > 2*pressBytes {
			t.Fatal("more than all topics may hold was taken")
		}
	}
	if !told {
		t.Fatal("the client was never told to come again")
	}
	d.bounded()
	d.release()
}

// post sends rows once, under a key, until they are taken, or the server has said that it is full; then it waits until
// they are taken or surely were not.
func (d *pressed) post(body string) (full bool) {
	d.t.Helper()
	key := fmt.Sprint("rows-", d.next)
	ctx, cancel := context.WithTimeout(d.t.Context(), 3*time.Second)
	defer cancel()
	resp, err := d.Post(ctx, "s", "application/x-ndjson", []byte(body), http.Header{"Idempotency-Key": {key}})
	if errors.Is(err, context.DeadlineExceeded) {
		return d.askWhileBusy()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	switch {
	case resp.StatusCode == http.StatusOK:
		return false
	case resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != "":
		d.t.Logf("told: %d, Retry-After %s, %s", resp.StatusCode, resp.Header.Get("Retry-After"), text)
		return true
	case resp.StatusCode == http.StatusServiceUnavailable: // in doubt: it waits for room
		return d.askWhileBusy()
	}
	d.t.Fatalf("status %d: %s", resp.StatusCode, text)
	return false
}

// askWhileBusy counts the rows that wait for room, and asks with a request that finds no place.
func (d *pressed) askWhileBusy() (full bool) {
	d.t.Helper()
	d.next += 200 // they are in the queue of ingest, and come out after the release
	ctx, cancel := context.WithTimeout(d.t.Context(), drainWithin)
	defer cancel()
	answers := make(chan int, 400)
	for range cap(answers) {
		go func() {
			resp, err := d.Post(ctx, "s", "application/x-ndjson", nil, nil)
			if err != nil {
				answers <- 0
				return
			}
			_ = resp.Body.Close() // only its status counts
			if resp.Header.Get("Retry-After") == "" && resp.StatusCode != http.StatusOK {
				answers <- -resp.StatusCode
				return
			}
			answers <- resp.StatusCode
		}()
	}
	got := map[int]int{}
	for range cap(answers) {
		got[<-answers]++
	}
	d.t.Logf("while rows wait for room, %d requests are answered %v", cap(answers), got)
	return got[http.StatusTooManyRequests] > 0
}

// TestStoppedSinkNATS publishes to the subject until JetStream refuses.
func TestStoppedSinkNATS(t *testing.T) {
	t.Parallel()
	d := newPressed(t, "subject = 's.>', format = 'json'", "q")
	var refusal error
	for refusal == nil {
		if d.next*pressRow > 2*pressBytes {
			t.Fatal("more than all topics may hold was taken")
		}
		refusal = d.publish()
	}
	t.Logf("told after %d rows: %v", d.next, refusal)
	d.bounded()
	d.release()
}

// publish publishes some rows and stops at the first that is refused.
func (d *pressed) publish() error {
	d.t.Helper()
	for range 100 {
		ctx, cancel := context.WithTimeout(d.t.Context(), drainWithin)
		_, err := d.p.js.Publish(ctx, "s.a", []byte(d.row(d.next)), jetstream.WithRetryAttempts(0))
		cancel()
		if err != nil {
			return err
		}
		d.next++
	}
	return nil
}

// TestSimpleSelect passes the ten thousand records that an engine hung on after two hundred.
func TestSimpleSelect(t *testing.T) {
	t.Parallel()
	d := rig.NewDev(t)
	d.Start()
	d.SQL(`CREATE STREAM s (id BIGINT, symbol STRING, price DOUBLE) WITH (subject = 's.>', format = 'json');
		CREATE STREAM simple_select_baseline AS SELECT id, symbol, price FROM s;`)
	p := newPublisher(t, d.NATS)
	const n = 10_000
	var futures []jetstream.PubAckFuture
	ctx, cancel := context.WithTimeout(t.Context(), drainWithin)
	defer cancel()
	began := time.Now()
	for id := range n {
		f, err := p.js.PublishAsync("s.a", fmt.Appendf(nil, `{"id":%d,"symbol":"S%d","price":%d.5}`, id, id%10, id))
		if err != nil {
			t.Fatal(err)
		}
		if futures = append(futures, f); len(futures) < 1000 {
			continue
		}
		for _, f := range futures {
			if !acknowledged(ctx, f) {
				t.Fatal("a record was not acknowledged")
			}
		}
		futures = futures[:0]
	}
	waitIDs(t, d, "simple_select_baseline", n)
	t.Logf("%d records in %s", n, time.Since(began).Round(time.Millisecond))
	checkCounts(t, d)
}
