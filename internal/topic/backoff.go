package topic

import "time"

// waits says how long to wait before the same append goes out again: doubling from first to most. Waits for the broker
// carry jitter, lest all writers come back at once.
var waits = [...]struct {
	first, most time.Duration
	jitter      float64
}{
	reasonNone:       {0, 0, 0},
	reasonFull:       {time.Millisecond, 200 * time.Millisecond, 0},
	reasonServerFull: {time.Second, 15 * time.Second, 0.5},
	reasonUndecided:  {2 * time.Millisecond, 500 * time.Millisecond, 0.5},
	reasonNoAnswer:   {10 * time.Millisecond, 2 * time.Second, 0.5},
}

// backoff is the wait of one append; it begins anew when the reason changes.
type backoff struct {
	why  reason
	wait time.Duration
}

func (b *backoff) next(why reason, jitter float64) time.Duration {
	w := waits[why]
	if why != b.why || b.wait == 0 {
		b.why, b.wait = why, w.first
	} else {
		b.wait = min(2*b.wait, w.most)
	}
	return b.wait - time.Duration(float64(b.wait)*w.jitter*jitter)
}
