package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// shared lets the tasks of an engine that read one partition share one fetch and one decode. Each task has a member;
// members that stand at the same place are in one ring, which reads for them. A member that is elsewhere has a ring of
// its own, and leaves it as soon as another one holds its position.
type shared struct {
	mu     sync.Mutex
	groups map[groupKey]*group
	limits ringLimits
	open   func(topic.ReaderConfig, string, *vector.Schema) task.Feed
}

// groupKey names what may be shared: a partition, decoded by one schema.
type groupKey struct {
	topic     string
	partition int
	schema    string
}

// group is the rings of one partition.
type group struct {
	key    groupKey
	schema *vector.Schema
	users  int // guarded by the mutex of shared

	mu    sync.Mutex
	rings []*ring // the oldest first
}

func newShared() *shared {
	return &shared{groups: map[groupKey]*group{}, limits: defaultRing, open: task.OpenFeed}
}

// feed returns a function for task.Input.Open.
func (s *shared) feed(in task.Input) func(context.Context, topic.ReaderConfig) (task.Feed, error) {
	return func(_ context.Context, cfg topic.ReaderConfig) (task.Feed, error) {
		key := groupKey{in.Topic, in.Partition, fmt.Sprintf("%v", in.Schema.Fields)}
		s.mu.Lock()
		defer s.mu.Unlock()
		g := s.groups[key]
		if g == nil {
			g = &group{key: key, schema: in.Schema}
			s.groups[key] = g
		}
		g.users++
		return &member{s: s, g: g, cfg: cfg, at: cfg.After, chain: cfg.NewChain()}, nil
	}
}

// leave forgets a group that nobody uses any more.
func (s *shared) leave(g *group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.users--; g.users == 0 {
		delete(s.groups, g.key)
	}
}

// member is a task's feed. It follows the fences itself, whoever reads for it: what it accepts and what it calls a gap
// is what a reader of its own would.
type member struct {
	s     *shared
	g     *group
	cfg   topic.ReaderConfig
	chain *topic.Chain
	at    topic.Bookmark // where it began; valid while last is nil
	last  *task.Delivery // the last one delivered

	// Guarded by the mutex of the group.
	ring   *ring // nil: to be found or made
	next   uint64
	blame  patience
	closed bool
}

// Next implements task.Feed.
func (m *member) Next(ctx context.Context) (*task.Delivery, error) {
	for {
		next, err := m.take()
		switch {
		case err != nil:
			return nil, err
		case next.delivery != nil:
			if err := m.chain.Follow(next.delivery.Message); err != nil {
				return nil, err
			}
			m.last = next.delivery
			return next.delivery, nil
		case next.drive != nil:
			if err := m.drive(ctx, next.drive); err != nil {
				return nil, err
			}
			continue
		}
		select {
		case <-next.changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// upNext is one of three: the next delivery, the ring that the member has to read for now, or what to wait for.
type upNext struct {
	delivery *task.Delivery
	drive    *ring
	changed  <-chan struct{}
}

// take returns what is there.
func (m *member) take() (upNext, error) {
	g := m.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.ring != nil && m.next == m.ring.head() && m.ring.err != nil {
		if m.ring.opener == m || m.owed(m.ring.err) {
			return upNext{}, m.ring.err
		}
		m.ring.remove(m)
		m.ring = nil
	}
	if m.ring == nil || m.next == m.ring.head() {
		m.join()
	}
	r := m.ring
	if m.next < r.head() {
		d := r.items[m.next-r.first]
		if m.next++; r.waiting {
			r.signal()
		}
		return upNext{delivery: d}, nil
	}
	if r.driving {
		return upNext{changed: r.news()}, nil
	}
	r.driving = true
	return upNext{drive: r}, nil
}

// owed tells whether an error of a shared read is this member's too: a hole before its start is not.
func (m *member) owed(err error) bool {
	var gap *topic.GapError
	return !errors.As(err, &gap) || gap.Missing >= m.cfg.After.Seq && gap.Missing >= m.cfg.TrimPoint
}

// join moves the member to the ring it should be in: an older one that knows its position. One that was too slow for
// the others stays alone for a while. The mutex of the group is held.
func (m *member) join() {
	for _, r := range m.g.rings {
		if r == m.ring {
			return // younger ones come here
		}
		if limit := r.limits.patience; m.blame.left(time.Now(), limit) < limit/2 {
			break
		}
		if n, ok := r.find(m.seq(), m.position); ok {
			m.move(r, n)
			return
		}
	}
	if m.ring == nil {
		m.move(m.openRing(), 0)
	}
}

func (m *member) move(r *ring, next uint64) {
	if m.ring != nil {
		m.ring.remove(m)
	}
	m.ring, m.next = r, next
	r.members = append(r.members, m)
}

// openRing makes a ring with a reader behind the position.
func (m *member) openRing() *ring {
	cfg := m.cfg
	cfg.After = m.position()
	if m.last != nil {
		cfg.Chain = m.chain.Last()
	}
	r := &ring{
		g: m.g, opener: m, limits: m.s.limits, start: cfg.After,
		feed: m.s.open(cfg, m.g.key.topic, m.g.schema),
	}
	m.g.rings = append(m.g.rings, r)
	return r
}

func (m *member) seq() uint64 {
	if m.last == nil {
		return m.at.Seq
	}
	return m.last.Message.Seq
}

// position is the bookmark of the last message taken.
func (m *member) position() topic.Bookmark {
	if m.last == nil {
		return m.at
	}
	return markOf(m.last)
}

func markOf(d *task.Delivery) topic.Bookmark {
	b := topic.Mark(topic.Info{}, d.Message)
	b.Created = d.Created
	return b
}

// Close implements task.Feed.
func (m *member) Close() {
	m.g.mu.Lock()
	closed := m.closed
	m.closed = true
	if m.ring != nil {
		m.ring.remove(m)
		m.ring = nil
	}
	m.g.mu.Unlock()
	if !closed {
		m.s.leave(m.g)
	}
}
