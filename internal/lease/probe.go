package lease

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	probeAfter = 2 // heartbeats that did not come
	probeWait  = time.Second
)

// aliveSubject is what a member listens on as long as its connection lives.
func aliveSubject(id string) string { return "leat.ctl.alive." + id }

// probe asks members that are silent. The broker knows at once that a process has ended: it has no responders. One that
// hangs, or a broker that does not answer, is left to Timeout. A member that was given up too early costs a move.
func (m *Manager) probe(ctx context.Context) {
	for id, at := range m.silent() {
		ctx, cancel := context.WithTimeout(ctx, probeWait)
		_, err := m.conn.RequestWithContext(ctx, aliveSubject(id), nil)
		cancel()
		if !errors.Is(err, nats.ErrNoResponders) {
			continue
		}
		m.mu.Lock()
		if s, ok := m.seen[id]; ok && s.at.Equal(at) {
			delete(m.seen, id)
		}
		m.mu.Unlock()
		m.signal()
	}
}

// silent lists the members whose heartbeats are late, with the last one.
func (m *Manager) silent() map[string]time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]time.Time{}
	for id, s := range m.seen { // any order: each is judged on its own
		if id != m.cfg.ID && time.Since(s.at) > probeAfter*m.cfg.Heartbeat {
			out[id] = s.at
		}
	}
	return out
}
