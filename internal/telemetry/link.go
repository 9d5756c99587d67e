package telemetry

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Link measures one bounded link of the chain from publisher to sink: a window of messages read ahead, of appends
// without an acknowledgement, of rows that wait. Depth and Capacity are in the link's own unit. Its owner counts and
// states the figures. All methods may be called at once from any goroutine.
type Link struct {
	name LinkName
	from *Links

	capacity int64
	depth    atomic.Int64
	above    atomic.Bool  // the depth was above 90 % of the capacity when last stated
	high     atomic.Int64 // how often the depth rose above 90 % of the capacity
	blocked  atomic.Int64 // nanoseconds
}

// LinkName tells links apart; Queue is required.
type LinkName struct{ Queue, Query, Stage, Partition string }

// LinkState is a link at one instant.
type LinkState struct {
	Name      LinkName
	Capacity  int64
	Depth     int64
	HighWater int64         // times above 90 % of the capacity, as far as stated
	Blocked   time.Duration // time with at least one sender waiting
}

// Links are the links of a process.
type Links struct {
	mu    sync.Mutex
	links map[*Link]struct{}
}

// Open registers a link; Close ends it. Capacity below 1 counts as 1.
func (ls *Links) Open(name LinkName, capacity int64) *Link {
	l := &Link{name: name, from: ls, capacity: max(capacity, 1)}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.links == nil {
		ls.links = map[*Link]struct{}{}
	}
	ls.links[l] = struct{}{}
	return l
}

// Close takes the link off the list.
func (l *Link) Close() {
	l.from.mu.Lock()
	defer l.from.mu.Unlock()
	delete(l.from.links, l)
}

// Set states the depth.
func (l *Link) Set(depth int64) {
	l.depth.Store(depth)
	if above := depth*10 > l.capacity*9; l.above.Swap(above) != above && above {
		l.high.Add(1)
	}
}

// Blocked states for how long senders have waited in all.
func (l *Link) Blocked(total time.Duration) { l.blocked.Store(int64(total)) }

// State returns the link as it is now.
func (l *Link) State() LinkState {
	return LinkState{
		Name: l.name, Capacity: l.capacity, Depth: l.depth.Load(), HighWater: l.high.Load(),
		Blocked: time.Duration(l.blocked.Load()),
	}
}

// States returns all links, sorted by name.
func (ls *Links) States() []LinkState {
	ls.mu.Lock()
	states := make([]LinkState, 0, len(ls.links))
	for l := range ls.links { // any order: sorted below
		states = append(states, l.State())
	}
	ls.mu.Unlock()
	slices.SortFunc(states, func(a, b LinkState) int { return strings.Compare(a.Name.key(), b.Name.key()) })
	return states
}

func (n LinkName) key() string {
	return strings.Join([]string{n.Queue, n.Query, n.Stage, n.Partition}, "\x00")
}
