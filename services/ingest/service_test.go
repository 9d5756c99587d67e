package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/lease"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// cluster is a server with a catalog of one stream, and the connections of both accounts.
type cluster struct {
	leat, app *nats.Conn
	js        jetstream.JetStream
	log       *topic.JetStream
	dead      *topic.JetStream
	object    *plan.Object
}

func newCluster(t *testing.T, o *plan.Object) *cluster {
	t.Helper()
	s, err := broker.Start(t.Context(), broker.Config{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	c := &cluster{object: o}
	if c.leat, err = s.Leat("leat", topic.ConnectOptions("test")...); err != nil {
		t.Fatal(err)
	}
	if c.app, err = s.App("app"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.leat.Close(); c.app.Close() })
	if c.js, err = jetstream.New(c.leat); err != nil {
		t.Fatal(err)
	}
	make := func(name, class string) *topic.JetStream {
		subjects := []string{topic.Filter(class, o.Topic)}
		if class == topic.ClassSource {
			subjects = append(subjects, topic.Filter(topic.ClassResult, o.Topic))
		}
		l, err := topic.CreateShard(t.Context(), c.js, topic.ShardConfig{
			Name: name, Subjects: subjects,
			MaxBytes: topic.MinMaxBytes(16, 0), WriterSubjects: 16,
		}, topic.JetStreamConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	c.log, c.dead = make(topic.ShardName(o.Topic, 0), topic.ClassSource), make("LEAT_DLQ_"+o.Topic, topic.ClassDead)
	store, err := catalog.Open(t.Context(), c.js, 1)
	if err != nil {
		t.Fatal(err)
	}
	cat := catalog.New()
	cat.Objects[o.Name] = o
	if _, err := store.Write(t.Context(), cat); err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs an ingest service until the returned function is called.
func (c *cluster) run(t *testing.T, id string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	members, err := lease.Open(ctx, c.js, lease.Config{
		ID: id, Roles: []string{Role}, Heartbeat: 50 * time.Millisecond,
		Timeout: 300 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(ctx, Config{Conn: c.leat, App: c.app, Members: members, Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = members.Run(ctx) })
	wg.Go(func() { _ = s.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

// rows waits until the log holds n rows and returns their ids, sorted.
func (c *cluster) rows(t *testing.T, n int) []int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cur, err := c.log.Read(ctx, 1, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer cur.Close()
	var ids []int64
	for len(ids) < n {
		m, _, err := cur.Next(ctx)
		if err != nil {
			t.Fatalf("after %d of %d rows: %v", len(ids), n, err)
		}
		var b messages.ProcessBatch
		if err := messages.DecodeProcessBatch(m.Data, &b); err != nil {
			t.Fatal(err)
		}
		if b.Columns.Rows > 0 {
			ids = append(ids, b.Columns.Cols[0].I64[:b.Columns.Rows]...)
		}
	}
	slices.Sort(ids)
	return ids
}

func ordersObject(connector string) *plan.Object {
	o := &plan.Object{
		Name: "orders", Topic: "orders", Partitions: 3, Key: []int{1}, Statement: "CREATE STREAM orders",
		Columns: []plan.Column{{Name: "id", Type: vector.TBigInt}, {Name: "customer", Type: vector.TString, Key: true}},
		Source: &plan.Source{
			Connector: connector, Format: "json", OnError: "dlq", IdleMs: 200,
			MaxFutureMs: 3_600_000,
		},
	}
	if connector == "nats" {
		o.Source.Subject = "orders.>"
	}
	return o
}

func TestServiceTakesASubjectOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, ordersObject("nats"))
	js, err := jetstream.New(c.app)
	if err != nil {
		t.Fatal(err)
	}
	want, next := []int64(nil), int64(0)
	for round := range 3 { // each service goes on where the one before stopped
		stop := c.run(t, fmt.Sprint("m", round))
		for range 20 {
			publish(t, js, fmt.Appendf(nil, "{\"id\":%d,\"customer\":\"c%d\"}\nnope\n{\"id\":%d,\"customer\":null}",
				next, next%5, next+1))
			want = append(want, next, next+1)
			next += 2
		}
		if got := c.rows(t, len(want)); !slices.Equal(got, want) {
			t.Errorf("round %d: got %v, want %v", round, got, want)
		}
		stop()
	}
	info, err := c.dead.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	letters := 0
	for seq := info.FirstSeq; seq <= info.LastSeq; seq++ {
		m, err := c.dead.Get(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Data) > 0 {
			letters++
		}
	}
	if letters != 60 {
		t.Errorf("%d dead letters, want 60", letters)
	}
}

// publish publishes until a stream captures the subject: the service makes it.
func publish(t *testing.T, js jetstream.JetStream, data []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, err := js.Publish(ctx, "orders.new", data)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func TestServiceTakesPushedRows(t *testing.T) {
	t.Parallel()
	c := newCluster(t, ordersObject("http"))
	stop := c.run(t, "m0")
	if r := c.push(t, "json", "k1",
		[]byte("{\"id\":1,\"customer\":\"a\"}\n{\"id\":\"x\"}\n{\"id\":2,\"customer\":\"b\"}\n")); r.Rows != 2 ||
		r.Dead != 1 {
		t.Fatalf("answer %+v", r)
	}
	if r := c.push(t, "csv", "", []byte("customer,id\nc,3\n")); r.Rows != 1 {
		t.Fatalf("answer %+v", r)
	}
	pb := messages.ProcessBatch{Watermark: vector.NoTime}
	b := &vector.Batch{
		Schema: c.object.Schema(), Rows: 1, Time: []int64{vector.NoTime}, Watermark: vector.NoTime,
		Cols: []*vector.Vector{
			{Type: vector.TBigInt, Len: 1, I64: []int64{4}},
			{Type: vector.TString, Len: 1, Offs: []uint32{0, 1}, Data: []byte("d")},
		},
	}
	vector.ToColumns(b, &pb.Columns)
	if r := c.push(t, "batch", "", pb.Append(nil)); r.Rows != 1 {
		t.Fatalf("answer %+v", r)
	}
	stop()
	stop = c.run(t, "m1")
	defer stop()
	c.push(t, "json", "k1", []byte("{\"id\":1,\"customer\":\"a\"}\n{\"id\":\"x\"}\n{\"id\":2,\"customer\":\"b\"}\n"))
	c.push(t, "json", "k2", []byte("{\"id\":5,\"customer\":\"a\"}"))
	if r := c.push(t, "json", "", []byte("[{]")); r.Dead != 1 || r.Rows != 0 {
		t.Errorf("answer %+v", r)
	}
	if got := c.rows(t, 5); !slices.Equal(got, []int64{1, 2, 3, 4, 5}) {
		t.Errorf("got %v: a request sent twice with a key counts once", got)
	}
}

// push sends rows and waits for the answer; the service may still be starting.
func (c *cluster) push(t *testing.T, format, key string, data []byte) api.PushResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		m := nats.NewMsg(api.SubjectPush + ".orders")
		m.Header.Set(api.HeaderFormat, format)
		if key != "" {
			m.Header.Set("Leat-Idempotency-Key", key)
		}
		m.Data = data
		answer, err := c.leat.RequestMsgWithContext(ctx, m)
		if err != nil {
			if ctx.Err() != nil {
				t.Fatal(err)
			}
			continue
		}
		var r api.PushResponse
		if err := json.Unmarshal(answer.Data, &r); err != nil {
			t.Fatal(err)
		}
		if r.Error != nil && r.Error.Retryable {
			continue
		}
		return r
	}
}

func TestPusherTellsWhenFull(t *testing.T) {
	t.Parallel()
	c := newCluster(t, ordersObject("http"))
	p := NewPusher(&Pusher{Object: c.object}) // nothing serves
	sub, err := c.leat.Subscribe("full", p.Handle)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for range pushWaiting {
		if err := c.leat.PublishRequest("full", c.leat.NewRespInbox(), nil); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := c.leat.Request("full", nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var r api.PushResponse
	if err := json.Unmarshal(answer.Data, &r); err != nil || r.Error == nil || r.Error.Code != codeTryLater {
		t.Errorf("got %s, %v", answer.Data, err)
	}
}
