// Package lease decides who runs a task: members with heartbeats, leases with epochs, and a placement that every
// member computes alike. A lease only says who should run; the fence of the log decides who can write, so that taking
// over too early is safe and costs a move.
package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/zeebo/xxh3"

	"github.com/leatsql/leat/internal/catalog"
)

// Config is one member.
type Config struct {
	ID    string   // unique in the life of the cluster: a process that starts again takes a new one
	Roles []string // ingest, engine, sink, coordinator
	// Heartbeat is the time between heartbeats (default 1 s); Timeout how long a member may be silent by the clock of
	// the one who asks before its leases are taken (default 12 s: it must outlast an election of the brokers).
	Heartbeat time.Duration
	Timeout   time.Duration
	Replicas  int
	// Status, if set, gives what the heartbeat carries (any JSON).
	Status func() json.RawMessage
}

// Beat is the value of a member's key.
type Beat struct {
	ID     string          `json:"id"`
	Roles  []string        `json:"roles"`
	N      uint64          `json:"n"`
	Status json.RawMessage `json:"status,omitempty"`
}

// Entry is the value of a lease's key. Owner is "" after a release.
type Entry struct {
	Owner string `json:"owner"`
	Epoch uint64 `json:"epoch"`
}

// Manager is this process's view of members and leases. Run keeps it fresh; the other methods are safe for concurrent
// use.
type Manager struct {
	cfg     Config
	conn    *nats.Conn
	leases  jetstream.KeyValue
	members jetstream.KeyValue

	mu    sync.Mutex
	seen  map[string]sighting // members, by id
	held  map[string]Entry    // leases as last seen, by task
	ready bool                // the first values of both watches have come
	moved chan struct{}       // closed and made anew when members or leases change

	probing atomic.Bool
}

// sighting is a member's last beat and when it came, by this process's monotonic clock.
type sighting struct {
	beat Beat
	at   time.Time
}

const (
	defaultHeartbeat = time.Second
	defaultTimeout   = 12 * time.Second
)

// Open opens the buckets. Nothing runs until Run.
func Open(ctx context.Context, js jetstream.JetStream, cfg Config) (*Manager, error) {
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = defaultHeartbeat
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	leases, err := catalog.OpenBucket(ctx, js, catalog.BucketLeases, cfg.Replicas)
	if err != nil {
		return nil, err
	}
	members, err := catalog.OpenBucket(ctx, js, catalog.BucketMembers, cfg.Replicas)
	if err != nil {
		return nil, err
	}
	return &Manager{
		cfg: cfg, conn: js.Conn(), leases: leases, members: members, seen: map[string]sighting{},
		held: map[string]Entry{}, moved: make(chan struct{}),
	}, nil
}

// Clear forgets all members: the embedded server's folder had one process at a time, so what an earlier one left is
// void.
func (m *Manager) Clear(ctx context.Context) error {
	keys, err := m.members.Keys(ctx)
	if errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	for _, k := range keys {
		if err := m.members.Purge(ctx, k); err != nil {
			return fmt.Errorf("clear member %s: %w", k, err)
		}
	}
	return nil
}

// Run sends heartbeats and follows members and leases until ctx ends; then it leaves the cluster.
func (m *Manager) Run(ctx context.Context) error {
	mw, err := m.members.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch members: %w", err)
	}
	defer func() { _ = mw.Stop() }()
	lw, err := m.leases.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch leases: %w", err)
	}
	defer func() { _ = lw.Stop() }()
	// who asked asks again
	alive, err := m.conn.Subscribe(aliveSubject(m.cfg.ID), func(msg *nats.Msg) { _ = msg.Respond(nil) })
	if err != nil {
		return fmt.Errorf("answer whether this member is alive: %w", err)
	}
	defer func() { _ = alive.Unsubscribe() }()
	var probes sync.WaitGroup
	defer probes.Wait()
	tick := time.NewTicker(m.cfg.Heartbeat)
	defer tick.Stop()
	initial := 2
	n := uint64(0)
	m.beat(ctx, &n)
	for {
		select {
		case <-ctx.Done():
			m.leave(ctx)
			return context.Cause(ctx)
		case <-tick.C:
			m.beat(ctx, &n)
			m.signal() // a silent member is noticed by time alone
			if m.probing.CompareAndSwap(false, true) {
				probes.Go(func() {
					defer m.probing.Store(false)
					m.probe(ctx)
				})
			}
		case e, ok := <-mw.Updates():
			if !ok {
				return errors.New("the watch of members ended")
			}
			m.update(e, &initial, m.sawMember)
		case e, ok := <-lw.Updates():
			if !ok {
				return errors.New("the watch of leases ended")
			}
			m.update(e, &initial, m.sawLease)
		}
	}
}

// update applies an entry of a watch; nil is the marker behind the first values.
func (m *Manager) update(e jetstream.KeyValueEntry, initial *int, apply func(jetstream.KeyValueEntry)) {
	m.mu.Lock()
	if e == nil {
		*initial--
		m.ready = *initial <= 0
	} else {
		apply(e)
	}
	m.mu.Unlock()
	m.signal()
}

func (m *Manager) sawMember(e jetstream.KeyValueEntry) {
	var b Beat
	if e.Operation() != jetstream.KeyValuePut || json.Unmarshal(e.Value(), &b) != nil {
		delete(m.seen, e.Key())
		return
	}
	m.seen[e.Key()] = sighting{beat: b, at: time.Now()}
}

func (m *Manager) sawLease(e jetstream.KeyValueEntry) {
	var l Entry
	if e.Operation() != jetstream.KeyValuePut || json.Unmarshal(e.Value(), &l) != nil {
		delete(m.held, e.Key())
		return
	}
	m.held[e.Key()] = l
}

func (m *Manager) signal() {
	m.mu.Lock()
	close(m.moved)
	m.moved = make(chan struct{})
	m.mu.Unlock()
}

// beat sends a heartbeat. An error is not fatal: the next one comes soon, and others judge by silence.
func (m *Manager) beat(ctx context.Context, n *uint64) {
	*n++
	b := Beat{ID: m.cfg.ID, Roles: m.cfg.Roles, N: *n}
	if m.cfg.Status != nil {
		b.Status = m.cfg.Status()
	}
	data, err := json.Marshal(b)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timeout/2)
	defer cancel()
	_, _ = m.members.Put(ctx, m.cfg.ID, data)
}

const leaveTimeout = 2 * time.Second

// leave removes the member, so that others take over at once.
func (m *Manager) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	_ = m.members.Purge(ctx, m.cfg.ID)
}

// ID is this member's id.
func (m *Manager) ID() string { return m.cfg.ID }

// Changed returns a channel that is closed at the next change of members or leases, or heartbeat.
func (m *Manager) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.moved
}

// Ready reports whether the first values of both watches have come.
func (m *Manager) Ready() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ready
}

// Live lists the members of a role that are not silent, sorted; this member is always among its roles'.
func (m *Manager) Live(role string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for id, s := range m.seen { // any order: sorted below
		if slices.Contains(s.beat.Roles, role) && (id == m.cfg.ID || time.Since(s.at) < m.cfg.Timeout) {
			out = append(out, id)
		}
	}
	if slices.Contains(m.cfg.Roles, role) && !slices.Contains(out, m.cfg.ID) {
		out = append(out, m.cfg.ID)
	}
	slices.Sort(out)
	return out
}

// Beats returns the last beat of each live member, by id.
func (m *Manager) Beats() []Beat {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Beat
	for _, s := range m.seen { // any order: sorted below
		if time.Since(s.at) < m.cfg.Timeout {
			out = append(out, s.beat)
		}
	}
	slices.SortFunc(out, func(a, b Beat) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}

// Mine reports whether the lease of task, as last seen, names this member with that epoch.
func (m *Manager) Mine(task string, epoch uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.held[task]
	return ok && e.Owner == m.cfg.ID && e.Epoch == epoch
}

// Owner returns the owner and epoch of a task as last seen.
func (m *Manager) Owner(task string) (Entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.held[task]
	return e, ok
}

// ErrHeld says that another live member has the lease.
var ErrHeld = errors.New("the lease is held by another member")

// Acquire takes the lease of task with a new epoch: it is free, released, mine (a restart in place), or its owner is
// silent for longer than Timeout.
func (m *Manager) Acquire(ctx context.Context, task string) (epoch uint64, err error) {
	e, err := m.leases.Get(ctx, task)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return m.put(ctx, task, Entry{Owner: m.cfg.ID, Epoch: 1}, 0)
	}
	if err != nil {
		return 0, fmt.Errorf("read the lease of %s: %w", task, err)
	}
	var l Entry
	if err := json.Unmarshal(e.Value(), &l); err != nil {
		return 0, fmt.Errorf("decode the lease of %s: %w", task, err)
	}
	if l.Owner != "" && l.Owner != m.cfg.ID && m.alive(l.Owner) {
		return 0, fmt.Errorf("%s by %s: %w", task, l.Owner, ErrHeld)
	}
	return m.put(ctx, task, Entry{Owner: m.cfg.ID, Epoch: l.Epoch + 1}, e.Revision())
}

func (m *Manager) alive(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.seen[id]
	return ok && time.Since(s.at) < m.cfg.Timeout
}

// put writes a lease by revision (0: it must not exist).
func (m *Manager) put(ctx context.Context, task string, l Entry, rev uint64) (uint64, error) {
	data, err := json.Marshal(l)
	if err != nil {
		return 0, fmt.Errorf("encode the lease of %s: %w", task, err)
	}
	if rev == 0 {
		_, err = m.leases.Create(ctx, task, data)
	} else {
		_, err = m.leases.Update(ctx, task, data, rev)
	}
	var api *jetstream.APIError
	if errors.Is(err, jetstream.ErrKeyExists) || errors.As(err, &api) &&
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return 0, fmt.Errorf("%s was taken at the same time: %w", task, ErrHeld)
	}
	if err != nil {
		return 0, fmt.Errorf("write the lease of %s: %w", task, err)
	}
	m.mu.Lock()
	m.held[task] = l
	m.mu.Unlock()
	return l.Epoch, nil
}

// Release gives the lease up if it is still this member's with that epoch.
func (m *Manager) Release(ctx context.Context, task string, epoch uint64) error {
	e, err := m.leases.Get(ctx, task)
	if err != nil {
		return fmt.Errorf("read the lease of %s: %w", task, err)
	}
	var l Entry
	if err := json.Unmarshal(e.Value(), &l); err != nil {
		return fmt.Errorf("decode the lease of %s: %w", task, err)
	}
	if l.Owner != m.cfg.ID || l.Epoch != epoch {
		return nil
	}
	_, err = m.put(ctx, task, Entry{Epoch: epoch}, e.Revision())
	return err
}

// Place chooses the member that should run a task: the one with the highest hash of (task, member). A member that joins
// or leaves moves only what it takes or had (rendezvous hashing, Thaler and Ravishankar 1998). "" without members.
func Place(task string, members []string) string {
	best, most := "", uint64(0)
	for _, id := range members {
		if h := xxh3.HashString(task + "\x00" + id); best == "" || h > most || h == most && id < best {
			best, most = id, h
		}
	}
	return best
}
