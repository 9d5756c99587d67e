package sink

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/lease"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const within = 30 * time.Second

// rig is a server with the log of one object and a sink of it.
type rig struct {
	t         *testing.T
	leat, app *nats.Conn
	js, users jetstream.JetStream
	object    *plan.Object
	sink      *catalog.Sink
	writer    *task.Appender
	epoch     uint64
}

func newRig(t *testing.T, o *plan.Object, s *catalog.Sink) *rig {
	t.Helper()
	srv, err := broker.Start(t.Context(), broker.Config{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Shutdown() }) // a folder in memory
	r := &rig{t: t, object: o, sink: s}
	s.ID, s.From, s.State = "s1", o.Name, catalog.Running
	if r.leat, err = srv.Leat("leat", topic.ConnectOptions("test")...); err != nil {
		t.Fatal(err)
	}
	if r.app, err = srv.App("app"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.leat.Close(); r.app.Close() })
	if r.js, err = jetstream.New(r.leat); err != nil {
		t.Fatal(err)
	}
	if r.users, err = jetstream.New(r.app); err != nil {
		t.Fatal(err)
	}
	r.shards()
	store, err := catalog.Open(t.Context(), r.js, 1)
	if err != nil {
		t.Fatal(err)
	}
	cat := catalog.New()
	cat.Objects[o.Name], cat.Sinks[s.Name] = o, s
	if _, err := store.Write(t.Context(), cat); err != nil {
		t.Fatal(err)
	}
	return r
}

// shards makes the logs and the writer of the rows.
func (r *rig) shards() {
	r.t.Helper()
	var log topic.Log
	for name, filters := range map[string][]string{
		topic.ShardName(r.object.Topic, 0): {
			topic.Filter(topic.ClassSource, r.object.Topic),
			topic.Filter(topic.ClassResult, r.object.Topic),
		},
		"LEAT_DLQ_" + DeadTopic(r.sink.Name): {topic.Filter(topic.ClassDead, DeadTopic(r.sink.Name))},
	} {
		l, err := topic.CreateShard(r.t.Context(), r.js, topic.ShardConfig{
			Name: name, Subjects: filters,
			MaxBytes: topic.MinMaxBytes(16, 0), WriterSubjects: 16,
		}, topic.JetStreamConfig{})
		if err != nil {
			r.t.Fatal(err)
		}
		if len(filters) == 2 {
			log = l
		}
	}
	logs := make([]topic.Log, r.object.Partitions)
	for i := range logs {
		logs[i] = log
	}
	w, err := task.NewAppender(task.AppenderConfig{
		Name: "ingest", Epoch: 1, Topic: r.object.Topic, Schema: r.object.Schema(), Logs: logs,
		Clock: func() int64 { return 0 },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := w.Open(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	go func() { _ = w.Run(r.t.Context()) }() // it ends with the test
	r.writer = w
}

// append writes a batch to the log and waits until it is there.
func (r *rig) append(partition int, b *vector.Batch) {
	r.t.Helper()
	b.Watermark = 0
	if err := r.writer.Write(r.t.Context(), partition, b, ""); err != nil {
		r.t.Fatal(err)
	}
	if err := r.writer.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// run runs the service until the returned function is called, which wants it to end in time.
func (r *rig) run(open func(*delivery) (target, error)) (*Service, func()) {
	r.t.Helper()
	r.epoch++
	ctx, cancel := context.WithCancel(r.t.Context())
	members, err := lease.Open(ctx, r.js, lease.Config{
		ID: fmt.Sprint("m", r.epoch), Roles: []string{Role}, Heartbeat: 50 * time.Millisecond,
		Timeout: 300 * time.Millisecond,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := New(ctx, Config{
		Conn: r.leat, App: r.app, Members: members, Log: hclog.NewNullLogger(),
		Console: os.Stdout,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	s.openTarget = open
	var wg sync.WaitGroup
	wg.Go(func() { _ = members.Run(ctx) })
	wg.Go(func() { _ = s.Run(ctx) })
	return s, func() {
		r.t.Helper()
		cancel()
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(within):
			r.t.Fatal("the service does not stop")
		}
	}
}

// until polls until ok.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: not within %s", what, within)
		}
		<-tick.C
	}
}

// messages reads what the stream of a subject holds.
func (r *rig) messages(stream string) []*jetstream.RawStreamMsg {
	r.t.Helper()
	s, err := r.users.Stream(r.t.Context(), stream)
	if err != nil {
		return nil
	}
	var out []*jetstream.RawStreamMsg
	state := s.CachedInfo().State
	for seq := state.FirstSeq; seq <= state.LastSeq; seq++ {
		m, err := s.GetMsg(r.t.Context(), seq)
		if err != nil {
			continue // deleted
		}
		out = append(out, m)
	}
	return out
}

func nameObject() *plan.Object {
	return &plan.Object{Name: "o", Topic: "o", Partitions: 1, Key: []int{0}, Columns: []plan.Column{
		{Name: "name", Type: vector.TString, Key: true}, {Name: "n", Type: vector.TBigInt},
	}}
}

// nameRow is one row of nameObject; null has no name.
type nameRow struct {
	name string
	null bool
	n    int64
	op   vector.Op
}

func nameBatch(o *plan.Object, rows ...nameRow) *vector.Batch {
	names := vector.NewVector(vector.TString, len(rows))
	n := &vector.Vector{Type: vector.TBigInt, Len: len(rows)}
	b := &vector.Batch{Schema: o.Schema(), Rows: len(rows), Time: make([]int64, len(rows))}
	for i, row := range rows {
		names.Data = append(names.Data, row.name...)
		names.Offs = append(names.Offs, uint32(len(names.Data)))
		names.Len++
		if row.null {
			vector.SetNull(names, i)
		}
		n.I64 = append(n.I64, row.n)
		b.Ops = append(b.Ops, row.op)
	}
	b.Cols = []*vector.Vector{names, n}
	return b
}

func TestSubjectsAreEscaped(t *testing.T) {
	t.Parallel()
	o := nameObject()
	r := newRig(t, o, &catalog.Sink{Name: "s", Target: "NATS", Address: "out.{name}.x"})
	r.append(0, nameBatch(o, nameRow{name: "plain-1_A"}, nameRow{name: "a.>", n: 1}, nameRow{name: "", n: 2},
		nameRow{name: "*\r\n\x00 é", n: 3}, nameRow{null: true, n: 4}, nameRow{name: "gone", n: 5, op: vector.Delete},
		nameRow{name: "old", op: vector.UpdateBefore}))
	s, stop := r.run(nil)
	r.until("all rows are delivered", func() bool { return len(r.messages("OUT_S")) == 5 })
	r.until("the null is refused", func() bool { return len(s.Report()) == 1 && s.Report()[0].Dead == 1 })
	stop()
	var got []string
	for _, m := range r.messages("OUT_S") {
		got = append(got, m.Subject+" "+string(m.Data)+" "+m.Header.Get(headerOp))
	}
	want := []string{
		`out.plain-1_A.x {"name":"plain-1_A","n":0} `, `out.a=2E=3E.x {"name":"a.>","n":1} `,
		`out.=.x {"name":"","n":2} `,
		`out.=2A=0D=0A=00=20=C3=A9.x {"name":"*\r\n\u0000 é","n":3} `, `out.gone.x  delete`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// Nothing of it comes again after a restart, the dead letter included.
	r.append(0, nameBatch(o, nameRow{name: "later", n: 6}))
	_, stop = r.run(nil)
	r.until("the new row is delivered", func() bool { return len(r.messages("OUT_S")) == 6 })
	stop()
	dead, err := r.js.Stream(t.Context(), "LEAT_DLQ_S-s")
	if err != nil {
		t.Fatal(err)
	}
	letters := 0
	for seq := uint64(1); seq <= dead.CachedInfo().State.LastSeq; seq++ {
		if m, err := dead.GetMsg(t.Context(), seq); err == nil && m.Header.Get(topic.HeaderKind) == "dead" {
			letters++
		}
	}
	if letters != 1 {
		t.Errorf("%d dead letters, want 1", letters)
	}
}

func TestBucketFollowsTheTable(t *testing.T) {
	t.Parallel()
	o := nameObject()
	r := newRig(t, o, &catalog.Sink{Name: "s", Target: "KV", Address: "names"})
	r.append(0, nameBatch(o, nameRow{name: "a", n: 1}, nameRow{name: "b.c", n: 2},
		nameRow{name: "a", n: 3, op: vector.UpdateAfter}))
	_, stop := r.run(nil)
	entry := func(key string) string {
		kv, err := r.users.KeyValue(t.Context(), "names")
		if err != nil {
			return err.Error()
		}
		e, err := kv.Get(t.Context(), key)
		if err != nil {
			return err.Error()
		}
		return string(e.Value())
	}
	r.until("a is there", func() bool {
		return entry("a") == `{"name":"a","n":3}` && entry("b=2Ec") == `{"name":"b.c","n":2}`
	})
	stop()
	r.append(0, nameBatch(o, nameRow{name: "a", n: 3, op: vector.Delete},
		nameRow{name: "b.c", n: 9, op: vector.UpdateAfter}))
	_, stop = r.run(nil)
	r.until("a is gone", func() bool {
		return entry("a") == jetstream.ErrKeyNotFound.Error() && entry("b=2Ec") == `{"name":"b.c","n":9}`
	})
	stop()
}

// Rows that a full stream took in another order than that of the log are not lost at a start.
func TestRowsAcceptedOutOfOrderAreNotLost(t *testing.T) {
	t.Parallel()
	o := nameObject()
	r := newRig(t, o, &catalog.Sink{Name: "s", Target: "NATS", Address: "out.{name}"})
	if _, err := r.users.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "OUT", Subjects: []string{"out.*"}, MaxMsgs: 2,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
	}); err != nil {
		t.Fatal(err)
	}
	// The second x is refused while the first is there; y is taken.
	r.append(0, nameBatch(o, nameRow{name: "x", n: 1}, nameRow{name: "x", n: 2}, nameRow{name: "y", n: 3}))
	s, stop := r.run(nil)
	r.until("the sink waits", func() bool {
		rep := s.Report()
		return len(r.messages("OUT")) == 2 && len(rep) == 1 && rep[0].Reason != ""
	})
	stop()
	st, err := r.users.Stream(t.Context(), "OUT")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	_, stop = r.run(nil)
	defer stop()
	r.until("the refused row is there, and no other twice", func() bool {
		var got []string
		for _, m := range r.messages("OUT") {
			got = append(got, string(m.Data))
		}
		return slices.Equal(got, []string{`{"name":"y","n":3}`, `{"name":"x","n":2}`})
	})
}
