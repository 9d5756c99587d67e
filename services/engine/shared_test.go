package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

var numberSchema = &vector.Schema{Fields: []vector.Field{{Name: "n", Type: vector.Type{Kind: vector.BigInt}}}}

// partition is a log with rows 0, 1, 2, ... of several writers.
type partition struct {
	log  *topic.Memory
	last map[string]uint64
	n    int64
}

func newPartition() *partition {
	return &partition{log: topic.NewMemory(topic.MemoryConfig{}), last: map[string]uint64{}}
}

func (p *partition) append(ctx context.Context, writer string) error {
	b := vector.NewBatch(numberSchema, 1)
	b.Rows, b.Time = 1, []int64{p.n}
	b.Cols[0].Len, b.Cols[0].I64 = 1, []int64{p.n}
	pb := messages.ProcessBatch{BatchID: strconv.FormatInt(p.n, 10), Watermark: p.n}
	vector.ToColumns(b, &pb.Columns)
	m := &topic.Message{
		Subject: topic.Subject(topic.ClassSource, "t", 0, writer), Data: pb.Append(nil),
		Header: map[string]string{topic.HeaderKind: "batch", topic.HeaderProvenance: pb.BatchID},
	}
	seq, err := p.log.Append(ctx, m, p.last[writer])
	p.last[writer] = seq
	p.n++
	return err
}

func (p *partition) input() task.Input {
	return task.Input{
		Topic: "t", Log: p.log, Schema: numberSchema,
		Filters: []string{topic.PartitionFilter(topic.ClassSource, "t", 0)},
	}
}

func (p *partition) reader() topic.ReaderConfig {
	return topic.ReaderConfig{Log: p.log, Topic: "t/0", Filters: p.input().Filters}
}

// follower reads like a task that restarts now and then.
type follower struct {
	open  func(context.Context, topic.ReaderConfig) (task.Feed, error)
	cfg   topic.ReaderConfig
	rnd   *rand.Rand
	chain map[string]uint64
	rows  []int64
}

// read takes rows until it has the one numbered upTo, pausing and restarting at random.
func (f *follower) read(ctx context.Context, upTo int64) error {
	feed, err := f.open(ctx, f.cfg)
	if err != nil {
		return err
	}
	defer func() { feed.Close() }()
	for len(f.rows) == 0 || f.rows[len(f.rows)-1] < upTo {
		for range f.rnd.IntN(20) {
			runtime.Gosched()
		}
		if f.rnd.IntN(25) == 0 {
			feed.Close()
			f.cfg.Chain = f.chain
			if feed, err = f.open(ctx, f.cfg); err != nil {
				return err
			}
		}
		d, err := feed.Next(ctx)
		if err != nil {
			return err
		}
		f.rows = append(f.rows, d.Batch.Cols[0].I64[0])
		f.chain[d.Message.Subject] = d.Message.Seq
		f.cfg.After = topic.Mark(topic.Info{}, d.Message)
		f.cfg.After.Created = d.Created
	}
	return nil
}

// TestSharedReadsAreLikeReadsAlone has tasks start, pause, stop and start again at random over one partition: each sees
// what it would see alone.
func TestSharedReadsAreLikeReadsAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, s := newPartition(), newShared()
		s.limits = ringLimits{
			bytes: rapid.SampledFrom([]int{1, 4 << 10, 1 << 20}).Draw(t, "bytes"), items: 8,
			patience: time.Duration(rapid.IntRange(0, 1).Draw(t, "patience")) * time.Millisecond,
		}
		seed, members := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 8).Draw(t, "members")
		const rows = 200
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		before := rapid.IntRange(0, rows).Draw(t, "before")
		writers := []string{"a", "b"}
		rnd := rand.New(rand.NewPCG(seed, 0))
		fill := func(upTo int) {
			for int(p.n) < upTo {
				if err := p.append(ctx, writers[rnd.IntN(2)]); err != nil {
					t.Fatalf("append: %v", err)
				}
				if rnd.IntN(30) == 0 {
					p.log.KillCursors()
				}
			}
		}
		fill(before)
		followers, errs := make([]*follower, members), make([]error, members)
		var wg sync.WaitGroup
		for i := range followers {
			f := &follower{
				open: s.feed(p.input()), cfg: p.reader(), rnd: rand.New(rand.NewPCG(seed, uint64(i+1))),
				chain: map[string]uint64{},
			}
			followers[i] = f
			wg.Go(func() { errs[i] = f.read(ctx, rows-1) })
		}
		fill(rows)
		wg.Wait()
		for i, f := range followers {
			if errs[i] != nil {
				t.Fatalf("member %d behind row %d: %v", i, len(f.rows), errs[i])
			}
			for n, row := range f.rows {
				if row != int64(n) {
					t.Fatalf("member %d took row %d in place of %d", i, row, n)
				}
			}
		}
		if len(s.groups) != 0 {
			t.Fatalf("%d groups are left", len(s.groups))
		}
	})
}

// counted counts what the readers behind s deliver.
func counted(s *shared) *atomic.Int64 {
	var n atomic.Int64
	open := s.open
	s.open = func(c topic.ReaderConfig, name string, schema *vector.Schema) task.Feed {
		return &countedFeed{open(c, name, schema), &n}
	}
	return &n
}

type countedFeed struct {
	task.Feed
	n *atomic.Int64
}

func (f *countedFeed) Next(ctx context.Context) (*task.Delivery, error) {
	d, err := f.Feed.Next(ctx)
	if err == nil {
		f.n.Add(1)
	}
	return d, err
}

func openMembers(t *testing.T, s *shared, p *partition, n int) []task.Feed {
	t.Helper()
	out := make([]task.Feed, n)
	for i := range out {
		f, err := s.feed(p.input())(t.Context(), p.reader())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Close)
		out[i] = f
	}
	return out
}

func take(t *testing.T, f task.Feed, want int64) *task.Delivery {
	t.Helper()
	d, err := f.Next(t.Context())
	if err != nil {
		t.Fatalf("row %d: %v", want, err)
	}
	if got := d.Batch.Cols[0].I64[0]; got != want {
		t.Fatalf("row %d came in place of %d", got, want)
	}
	return d
}

func TestOneFetchServesAll(t *testing.T) {
	t.Parallel()
	p, s := newPartition(), newShared()
	reads := counted(s)
	members := openMembers(t, s, p, 10)
	for i := range int64(100) {
		if err := p.append(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		first := take(t, members[0], i)
		for _, m := range members[1:] {
			if d := take(t, m, i); d != first {
				t.Fatalf("row %d was decoded again", i)
			}
		}
	}
	if n := reads.Load(); n != 100 {
		t.Fatalf("%d messages were read for 100", n)
	}
}

// TestALateTaskJoins starts behind the others and shares once it has caught up.
func TestALateTaskJoins(t *testing.T) {
	t.Parallel()
	p, s := newPartition(), newShared()
	reads := counted(s)
	early := openMembers(t, s, p, 1)[0]
	for i := range int64(10) {
		if err := p.append(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		take(t, early, i)
	}
	late := openMembers(t, s, p, 1)[0]
	for i := range int64(10) {
		take(t, late, i)
	}
	for i := int64(10); i < 30; i++ {
		if err := p.append(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		take(t, late, i)
		take(t, early, i)
	}
	if n := reads.Load(); n > 40 {
		t.Fatalf("%d messages were read, want 40 at most: 10 alone, then 30 for both", n)
	}
	if readers, members := s.rings(); readers != 1 || members != 2 {
		t.Fatalf("%d readers for %d members", readers, members)
	}
}

// TestASlowTaskHoldsNobody never takes until the others are done, and then takes all.
func TestASlowTaskHoldsNobody(t *testing.T) {
	t.Parallel()
	p, s := newPartition(), newShared()
	s.limits = ringLimits{bytes: 1 << 20, items: 4, patience: time.Millisecond}
	members := openMembers(t, s, p, 3)
	for i := range int64(50) {
		if err := p.append(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			take(t, members[2], 0)
		}
		take(t, members[0], i)
		take(t, members[1], i)
	}
	for i := int64(1); i < 50; i++ {
		take(t, members[2], i)
	}
}

// TestEveryMemberHearsOfAGap removes a message that nobody has read yet.
func TestEveryMemberHearsOfAGap(t *testing.T) {
	t.Parallel()
	p, s := newPartition(), newShared()
	members := openMembers(t, s, p, 5)
	for range 6 {
		if err := p.append(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	for i := range int64(3) {
		for _, m := range members[:4] {
			take(t, m, i)
		}
	}
	p.log.KillCursors()
	p.log.Delete(4)
	for i, m := range members {
		if i == 4 { // from the start
			for n := range int64(3) {
				take(t, m, n)
			}
		}
		_, err := m.Next(t.Context())
		var gap *topic.GapError
		if !errors.As(err, &gap) || gap.Missing != 4 {
			t.Fatalf("member %d: %v, want that message 4 is missing", i, err)
		}
	}
}

// TestADriverThatStopsHandsOver cancels the member that reads while another one waits.
func TestADriverThatStopsHandsOver(t *testing.T) {
	t.Parallel()
	p, s := newPartition(), newShared()
	members := openMembers(t, s, p, 2)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	stopped := make(chan error, 1)
	wg.Go(func() {
		_, err := members[0].Next(ctx)
		stopped <- err
	})
	got := make(chan error, 1)
	wg.Go(func() {
		d, err := members[1].Next(t.Context())
		if err == nil && d.Message.Seq != 1 {
			err = fmt.Errorf("message %d", d.Message.Seq)
		}
		got <- err
	})
	cancel()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Fatalf("the stopped member got %v", err)
	}
	if err := p.append(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatalf("the other member: %v", err)
	}
	wg.Wait()
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rings tells how many readers there are for how many members.
func (s *shared) rings() (readers, members int) {
	s.mu.Lock()
	groups := slices.Collect(maps.Values(s.groups))
	s.mu.Unlock()
	for _, g := range groups {
		g.mu.Lock()
		readers += len(g.rings)
		for _, r := range g.rings {
			members += len(r.members)
		}
		g.mu.Unlock()
	}
	return readers, members
}
