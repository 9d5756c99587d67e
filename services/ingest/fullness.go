package ingest

import (
	"sync"

	"github.com/leatsql/leat/internal/topic"
)

// fullness knows which of a topic's subjects wait for room.
type fullness struct {
	mu   sync.Mutex
	full map[string]bool
}

// saw takes the status of one subject's writer.
func (f *fullness) saw(st topic.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if st.Kind != topic.StatusFull && st.Kind != topic.StatusServerFull {
		delete(f.full, st.Subject)
		return
	}
	if f.full == nil {
		f.full = map[string]bool{}
	}
	f.full[st.Subject] = true
}

// yes reports whether any of them does.
func (f *fullness) yes() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.full) > 0
}
