package topic

import "sync"

// minPull is the least a reader asks for at once; a message that is larger is asked for alone.
const minPull = 64 << 10

// PullBudget bounds the bytes that all readers of one connection have asked the broker for. The broker keeps at most 64
// MB waiting for a connection and drops it beyond; ten readers of 16 MB each were seen to stand still.
type PullBudget struct {
	mu    sync.Mutex
	left  int
	taken int
}

// NewPullBudget returns a budget of maxBytes (0: 32 MiB).
func NewPullBudget(maxBytes int) *PullBudget {
	if maxBytes == 0 {
		maxBytes = 32 << 20
	}
	return &PullBudget{left: maxBytes}
}

// take reserves up to want bytes, at least minPull even when nothing is left, at most half of what is left.
func (b *PullBudget) take(want int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := max(min(want, b.left/2), minPull)
	b.left -= n
	b.taken += n
	return n
}

func (b *PullBudget) give(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
	b.taken -= n
}

// Taken returns how many bytes readers may have under way.
func (b *PullBudget) Taken() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken
}
