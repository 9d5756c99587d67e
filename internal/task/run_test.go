package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/internal/topic/topictest"
	"github.com/leatsql/leat/pkg/sql/vector"
)

func TestMain(m *testing.M) {
	// nats.go leaves one behind for every publisher that waits for acknowledgements later.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(
		"github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

// stepper is a toy that tells each step to the test before it takes it.
type stepper struct {
	*toy
	step   int
	before func(step int)
}

func (s *stepper) Step(port int, writer string, in *vector.Batch, out Output) {
	s.step++
	if s.before != nil {
		s.before(s.step)
	}
	s.toy.Step(port, writer, in, out)
}

// rig is a chain of tasks over an embedded server: S/0 -> x0 -> E/0, E/1 -> g0, g1 -> R.
type rig struct {
	t     *testing.T
	js    jetstream.JetStream
	store state.Store
	logs  map[string]topic.Log
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, js: topictest.StartServer(t, t.TempDir()).Connect(t), logs: map[string]topic.Log{}}
	store, err := state.OpenJetStream(t.Context(), r.js, state.JetStreamConfig{SnapshotBytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	r.store = store
	r.open(t, "")
	return r
}

// open makes the shards of the topics; prefix keeps two runs apart.
func (r *rig) open(t *testing.T, prefix string) {
	t.Helper()
	for _, s := range []struct{ name, class string }{
		{"S", topic.ClassSource},
		{"E", topic.ClassResult},
		{"R", topic.ClassResult},
		{"late", topic.ClassResult},
		{"dead", topic.ClassDead},
	} {
		name := prefix + s.name
		if r.logs[name] != nil {
			continue
		}
		log, err := topic.CreateShard(t.Context(), r.js, topic.ShardConfig{
			Name: topic.ShardName(name, 0), Subjects: []string{topic.Filter(s.class, name)},
			MaxBytes: topic.MinMaxBytes(4, 0), WriterSubjects: 4,
		}, topic.JetStreamConfig{})
		if err != nil {
			t.Fatal(err)
		}
		r.logs[name] = log
	}
}

// fill writes the source through the real Appender.
func (r *rig) fill(rows int) {
	a, err := NewAppender(AppenderConfig{
		Name: "i0", Epoch: 1, Topic: "S", Schema: toySchema, Logs: []topic.Log{r.logs["S"]},
		Limits: Limits{MessageBytes: 500},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err = a.Open(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- a.Run(r.t.Context()) }()
	for n := 0; n < rows; n += 5 {
		var list []toyRow
		for i := n; i < n+5; i++ {
			list = append(list, toyRow{id: int64(i), key: int64(i * 7 % 6), t: int64(i*2 + i*i%11)})
		}
		b := toyBatch(list)
		b.Watermark = int64(2 * n)
		if err = a.Write(r.t.Context(), 0, b, fmt.Sprint(n+5)); err != nil {
			r.t.Fatal(err)
		}
	}
	end := toyBatch(nil)
	end.Watermark = vector.MaxTime
	if err = a.Write(r.t.Context(), 0, end, "end"); err != nil {
		r.t.Fatal(err)
	}
	a.Close()
	if err = <-ran; err != nil {
		r.t.Fatal(err)
	}
}

// config is the task of one kind on one partition; its topics bear the prefix, its source does not.
func (r *rig) config(prefix string, kind toyKind, p int, before func(int)) Config {
	in, out, name, class, writer := "S", prefix+"E", "x", topic.ClassSource, "i0"
	if kind == toyAggregate {
		in, out, name, class, writer = prefix+"E", prefix+"R", "g", topic.ClassResult, prefix+"x0"
	}
	logs := func(topicName string, all bool) []topic.Log {
		list := []topic.Log{r.logs[topicName], r.logs[topicName]}
		if !all {
			list[1-p] = nil
		}
		return list
	}
	cfg := Config{
		Name: fmt.Sprintf("%s%s%d", prefix, name, p), Snapshots: r.store, Bounded: true,
		Limits: Limits{MessageBytes: 300},
		Inputs: []Input{{
			Topic: in, Partition: p, Log: r.logs[in], Schema: toySchema,
			Filters: []string{topic.PartitionFilter(class, in, p)},
		}},
		Outputs: []OutputConfig{{Topic: out, Schema: toySchema, Logs: logs(out, kind == toyExchange)}},
		Machine: &stepper{toy: newToy(kind, p, 2, []string{writer}), before: before},
	}
	if kind == toyExchange {
		cfg.DeadLetters = &OutputConfig{Topic: prefix + "dead", Logs: logs(prefix+"dead", false)}
	} else {
		cfg.Late = &OutputConfig{Topic: prefix + "late", Schema: toySchema, Logs: logs(prefix+"late", false)}
	}
	return cfg
}

// rows reads the rows of every subject that the three tasks write.
func (r *rig) rows(prefix string) map[string][]toyRow {
	out := map[string][]toyRow{}
	for _, name := range []string{"E", "R", "late", "dead"} {
		log := r.logs[prefix+name]
		info, err := log.Info(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		for seq := uint64(1); seq <= info.LastSeq; seq++ {
			m, err := log.Get(r.t.Context(), seq)
			if err != nil {
				r.t.Fatal(err)
			}
			place, err := topic.ParseSubject(m.Subject)
			if err != nil {
				r.t.Fatal(err)
			}
			key := fmt.Sprintf("%s/%d", name, place.Partition)
			if name == "dead" {
				if len(m.Data) > 0 {
					out[key] = append(out[key], toyRow{id: int64(len(m.Data))})
				}
				continue
			}
			d, err := Decode(m, name, toySchema)
			if err != nil {
				r.t.Fatal(err)
			}
			out[key] = append(out[key], toyRows(d.Batch)...)
		}
	}
	return out
}

// run runs the three tasks to the end of their input; disturb returns the hook of one life, nil for none.
func (r *rig) run(prefix string, disturb func(life int, kill func()) func(step int)) {
	var wg sync.WaitGroup
	for _, c := range []struct {
		kind toyKind
		p    int
	}{{toyExchange, 0}, {toyAggregate, 0}, {toyAggregate, 1}} {
		wg.Go(func() {
			for life := 1; ; life++ {
				ctx, kill := context.WithCancel(r.t.Context())
				nudge := make(chan struct{}, 1)
				nudge <- struct{}{}
				cfg := r.config(prefix, c.kind, c.p, disturb(life, kill))
				cfg.Epoch, cfg.Nudge = uint64(life), nudge
				inner := cfg.Machine.(*stepper).before
				cfg.Machine.(*stepper).before = func(step int) {
					if step%5 == 0 {
						select {
						case nudge <- struct{}{}:
						default:
						}
					}
					if inner != nil {
						inner(step)
					}
				}
				err := Run(ctx, cfg)
				killed := ctx.Err() != nil
				kill()
				if err == nil {
					return
				}
				if !killed {
					r.t.Errorf("%s: %v", cfg.Name, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestRunKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.open(t, "K")
	r.fill(200)
	r.run("", func(int, func()) func(int) { return nil })
	want := r.rows("")
	r.run("K", func(life int, kill func()) func(int) {
		if life > 12 {
			return nil
		}
		return func(step int) {
			if step == 1+life*5%7 {
				kill()
			}
		}
	})
	got := r.rows("K")
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(toyRow{})); diff != "" {
		t.Errorf("killed run differs from the undisturbed one (-want +got):\n%s", diff)
	}
	if len(want["E/0"]) == 0 || len(want["R/1"]) == 0 || len(want["dead/0"]) == 0 {
		t.Errorf("nothing to compare: %d keys", len(want))
	}
}

// TestZombie lets an owner sleep in the middle of a step while another one takes over and finishes.
func TestZombie(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fill(60)
	asleep, wake := make(chan struct{}), make(chan struct{})
	old := r.config("", toyExchange, 0, func(step int) {
		if step == 4 {
			close(asleep)
			<-wake
		}
	})
	old.Epoch = 1
	ended := make(chan error, 1)
	go func() { ended <- Run(t.Context(), old) }()
	<-asleep
	next := r.config("", toyExchange, 0, nil)
	next.Epoch = 2
	if err := Run(t.Context(), next); err != nil {
		t.Fatalf("the new owner: %v", err)
	}
	before := r.rows("")
	close(wake)
	if err := <-ended; !errors.Is(err, topic.ErrFenced) {
		t.Fatalf("the zombie ended with %v, want %v", err, topic.ErrFenced)
	}
	if diff := cmp.Diff(before, r.rows(""), cmp.AllowUnexported(toyRow{})); diff != "" {
		t.Errorf("the zombie wrote (-before +after):\n%s", diff)
	}
	seen := map[int64]bool{}
	for _, rows := range []string{"E/0", "E/1"} {
		for _, row := range before[rows] {
			if seen[row.id] {
				t.Errorf("row %d twice", row.id)
			}
			seen[row.id] = true
		}
	}
	if len(seen) == 0 {
		t.Error("no rows")
	}
}

// TestStopAndGoOn ends a task in good order and starts it again: the second life redoes nothing.
func TestStopAndGoOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fill(100)
	stop := make(chan struct{})
	first := r.config("", toyExchange, 0, func(step int) {
		if step == 9 {
			close(stop)
		}
	})
	first.Epoch, first.Stop, first.Report = 1, stop, &Report{}
	if err := Run(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	at := first.Report.Numbers().Step
	second := r.config("", toyExchange, 0, nil)
	second.Epoch, second.Report = 2, &Report{}
	if err := Run(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	taken := uint64(second.Machine.(*stepper).step)
	if total := second.Report.Numbers().Step; at < 9 || taken != total-at {
		t.Errorf("stopped after step %d of %d; the second life took %d steps, want %d", at, total, taken, total-at)
	}
	v, _, err := r.store.Load(t.Context(), "x0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := decodePointer(v)
	if err != nil {
		t.Fatal(err)
	}
	names, err := r.store.List(t.Context(), "x0/")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{p.Newest.Name}
	if p.Older != nil {
		want = append(want, p.Older.Name)
	}
	slices.Sort(want)
	slices.Sort(names)
	if !p.Clean || !slices.Equal(names, want) {
		t.Errorf("clean %v, objects %v, want %v", p.Clean, names, want)
	}
}

// TestGapStopsTheTask removes a message that has not been read: the task says which.
func TestGapStopsTheTask(t *testing.T) {
	t.Parallel()
	log := topic.NewMemory(topic.MemoryConfig{})
	out := topic.NewMemory(topic.MemoryConfig{})
	w := &sourceWriter{subject: topic.Subject(topic.ClassSource, "S", 0, "i0")}
	for i := range 5 {
		w.add("i0", []toyRow{{id: int64(i)}}, int64(i), false)
	}
	for i, m := range w.rest {
		if _, err := log.Append(t.Context(), m, uint64(i)); err != nil {
			t.Fatal(err)
		}
	}
	log.Delete(3)
	cfg := func(lease func(context.Context) (bool, error)) Config {
		return Config{
			Name: "x0", Epoch: 1, Snapshots: state.NewMemory(), Machine: newToy(toyExchange, 0, 1, []string{"i0"}),
			Inputs: []Input{{
				Topic: "S", Log: log, Schema: toySchema,
				Filters: []string{topic.PartitionFilter(topic.ClassSource, "S", 0)},
			}},
			Outputs: []OutputConfig{{Topic: "E", Schema: toySchema, Logs: []topic.Log{out}}}, Lease: lease,
		}
	}
	var gap *topic.GapError
	if err := Run(t.Context(), cfg(nil)); !errors.As(err, &gap) || gap.Missing != 3 {
		t.Errorf("got %v, want a gap at message 3", err)
	}
	stale := cfg(func(context.Context) (bool, error) { return false, nil })
	stale.Epoch = 2
	if err := Run(t.Context(), stale); !errors.Is(err, topic.ErrFenced) {
		t.Errorf("an owner without lease ended with %v, want %v", err, topic.ErrFenced)
	}
}
