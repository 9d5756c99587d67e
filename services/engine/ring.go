package engine

import (
	"context"
	"slices"
	"sort"
	"time"

	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/topic"
)

// ringLimits bound what a ring keeps for members that are behind its head.
type ringLimits struct {
	bytes int
	items int
	// patience is for how long, in all, a member may keep the others waiting before it goes on alone. It comes back at
	// a tenth of the time that passes, so a member that is merely scheduled late stays.
	patience time.Duration
}

var defaultRing = ringLimits{bytes: 2 << 20, items: 1024, patience: 100 * time.Millisecond}

// ring is a reader with the deliveries that some of its members have not taken yet. Whoever needs the next delivery
// first reads it, in its own goroutine, for all. All fields but the feed are guarded by the mutex of the group; the
// feed is used by the member that drives.
type ring struct {
	g       *group
	opener  *member
	limits  ringLimits
	feed    task.Feed
	start   topic.Bookmark // where the reader began
	before  *task.Delivery // the one in front of the first item; nil: the start is
	items   []*task.Delivery
	first   uint64 // number of the first item
	bytes   int
	members []*member
	driving bool
	waiting bool          // the driver waits for room
	changed chan struct{} // closed at news; nil while nobody waits
	err     error         // why the feed ended
}

// head is the number of the item that is not read yet.
func (r *ring) head() uint64 { return r.first + uint64(len(r.items)) }

// news returns what is closed at the next news.
func (r *ring) news() <-chan struct{} {
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}

func (r *ring) signal() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// find returns the number of the item behind a position that the ring knows.
func (r *ring) find(seq uint64, at func() topic.Bookmark) (uint64, bool) {
	if r.err != nil {
		return 0, false
	}
	if r.before == nil && seq == r.start.Seq {
		return r.first, at() == r.start
	}
	if r.before != nil && seq == r.before.Message.Seq {
		return r.first, at() == markOf(r.before)
	}
	i := sort.Search(len(r.items), func(i int) bool { return r.items[i].Message.Seq >= seq })
	if i == len(r.items) || r.items[i].Message.Seq != seq || markOf(r.items[i]) != at() {
		return 0, false
	}
	return r.first + uint64(i) + 1, true
}

// remove takes a member out; the last one closes the reader.
func (r *ring) remove(m *member) {
	r.members = slices.DeleteFunc(r.members, func(o *member) bool { return o == m })
	if r.opener == m {
		r.opener = nil
	}
	if len(r.members) > 0 {
		if r.waiting {
			r.signal()
		}
		return
	}
	r.end()
	r.feed.Close()
}

// end takes the ring out of its group.
func (r *ring) end() {
	r.g.rings = slices.DeleteFunc(r.g.rings, func(o *ring) bool { return o == r })
}

// slowest returns the member that is furthest behind.
func (r *ring) slowest() *member {
	return slices.MinFunc(r.members, func(a, b *member) int {
		switch {
		case a.next < b.next:
			return -1
		case a.next > b.next:
			return 1
		}
		return 0
	})
}

func (r *ring) full() bool { return r.bytes >= r.limits.bytes || len(r.items) >= r.limits.items }

// evict forgets what all members have taken. While others read alone some is kept, so that they can join.
func (r *ring) evict() {
	done := int(r.slowest().next - r.first)
	n := 0
	for n < done && (len(r.g.rings) == 1 || r.bytes >= r.limits.bytes || len(r.items)-n >= r.limits.items) {
		r.bytes -= size(r.items[n])
		n++
	}
	if n > 0 {
		r.before = r.items[n-1]
		r.items = slices.Delete(r.items, 0, n)
		r.first += uint64(n)
	}
}

// size estimates what a delivery holds in memory.
func size(d *task.Delivery) int { return len(d.Message.Data) + 1024 }

// drive reads one delivery for all members of the ring.
func (m *member) drive(ctx context.Context, r *ring) error {
	if err := m.room(ctx, r); err != nil {
		m.g.mu.Lock()
		r.driving = false
		r.signal()
		m.g.mu.Unlock()
		return err
	}
	d, err := r.feed.Next(ctx)
	m.g.mu.Lock()
	defer m.g.mu.Unlock()
	r.driving = false
	r.signal()
	if err == nil {
		r.items = append(r.items, d)
		r.bytes += size(d)
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.err = err // each member hears it behind what was read
	r.end()
	return nil
}

// room waits until the ring has room. Members that are too slow for the others leave: they go on with a reader of their
// own.
func (m *member) room(ctx context.Context, r *ring) error {
	for {
		m.g.mu.Lock()
		r.evict()
		if !r.full() {
			r.waiting = false
			m.g.mu.Unlock()
			return nil
		}
		slow := r.slowest()
		left := slow.blame.left(time.Now(), r.limits.patience)
		if left <= 0 {
			r.remove(slow)
			slow.ring = nil
			m.g.mu.Unlock()
			continue
		}
		r.waiting = true
		changed := r.news()
		m.g.mu.Unlock()
		began := time.Now()
		timer := time.NewTimer(left)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m.g.mu.Lock()
		slow.blame.add(began, time.Now())
		m.g.mu.Unlock()
	}
}

// patience is for how long a member kept the others waiting, less a tenth of the time since.
type patience struct {
	used time.Duration
	at   time.Time
}

func (p *patience) left(now time.Time, limit time.Duration) time.Duration {
	if !p.at.IsZero() {
		p.used = max(0, p.used-now.Sub(p.at)/10)
	}
	p.at = now
	return limit - p.used
}

func (p *patience) add(from, to time.Time) { p.used += to.Sub(from) }
