package telemetry

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Link measures one bounded link of the chain from publisher to sink: a channel, a window of unacknowledged messages, a
// topic. Depth and Capacity are in the link's own unit. All methods may be called at once from any goroutine.
type Link struct {
	name LinkName
	from *Links

	capacity int64
	measure  func() int64 // the depth, where the link does not count it itself
	depth    atomic.Int64
	above    atomic.Bool  // the depth was above 90 % of the capacity when last looked at
	most     atomic.Int64 // the largest depth so far
	high     atomic.Int64 // how often the depth rose above 90 % of the capacity
	blocked  atomic.Int64 // nanoseconds that senders have waited and are done with
	passed   atomic.Int64

	mu      sync.Mutex
	waiting int // senders that wait now
	since   time.Time
}

// LinkName tells links apart; Queue is required.
type LinkName struct{ Queue, Query, Stage, Partition string }

// LinkState is a link at one instant.
type LinkState struct {
	Name      LinkName
	Capacity  int64
	Depth     int64
	Most      int64
	HighWater int64 // times above 90 % of the capacity
	Passed    int64
	Blocked   time.Duration // time with at least one sender waiting
	Waiting   int
}

// Links are the links of a process.
type Links struct {
	mu    sync.Mutex
	links map[*Link]struct{}
}

// Open registers a link; Close ends it. Capacity below 1 counts as 1.
func (ls *Links) Open(name LinkName, capacity int) *Link {
	return ls.open(&Link{name: name, from: ls, capacity: int64(max(capacity, 1))})
}

func (ls *Links) open(l *Link) *Link {
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

// Add counts n entries in.
func (l *Link) Add(n int) { l.look(l.depth.Add(int64(n))) }

// Done counts n entries out.
func (l *Link) Done(n int) {
	l.passed.Add(int64(n))
	l.look(l.depth.Add(-int64(n)))
}

// Set states the depth of a link whose depth is measured elsewhere, such as the bytes of a topic.
func (l *Link) Set(depth int64) {
	l.depth.Store(depth)
	l.look(depth)
}

// look takes notice of a depth.
func (l *Link) look(depth int64) {
	if depth*10 > l.capacity*9 {
		if !l.above.Swap(true) {
			l.high.Add(1)
		}
	} else {
		l.above.Store(false)
	}
	for {
		most := l.most.Load()
		if depth <= most || l.most.CompareAndSwap(most, depth) {
			return
		}
	}
}

// Wait notes that a sender waits for room; the returned function that it no longer does. Call it once.
func (l *Link) Wait() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == 0 {
		l.since = time.Now()
	}
	l.waiting++
	return l.endWait
}

func (l *Link) endWait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
	if l.waiting == 0 {
		l.blocked.Add(int64(time.Since(l.since)))
	}
}

// State returns the link as it is now. A wait that lasts counts up to now.
func (l *Link) State() LinkState {
	l.mu.Lock()
	blocked, waiting := l.blocked.Load(), l.waiting
	if waiting > 0 {
		blocked += int64(time.Since(l.since))
	}
	l.mu.Unlock()
	depth := l.depth.Load()
	if l.measure != nil {
		depth = l.measure()
	}
	return LinkState{
		Name: l.name, Capacity: l.capacity, Depth: depth, Most: l.most.Load(), HighWater: l.high.Load(),
		Passed: l.passed.Load(), Blocked: time.Duration(blocked), Waiting: waiting,
	}
}

// States returns all links, sorted by name.
func (ls *Links) States() []LinkState {
	ls.mu.Lock()
	links := make([]*Link, 0, len(ls.links))
	for l := range ls.links { // any order: sorted below
		links = append(links, l)
	}
	ls.mu.Unlock()
	states := make([]LinkState, len(links))
	for i, l := range links {
		states[i] = l.State()
	}
	slices.SortFunc(states, func(a, b LinkState) int {
		return strings.Compare(a.Name.key(), b.Name.key())
	})
	return states
}

func (n LinkName) key() string {
	return strings.Join([]string{n.Queue, n.Query, n.Stage, n.Partition}, "\x00")
}
