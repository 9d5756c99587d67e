package sink

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// receiver answers POSTs by what its test says and keeps what it took, once for each idempotency key.
type receiver struct {
	mu     sync.Mutex
	seen   map[string]bool
	bodies []string
	asked  int
	status func(asked int, body string) int
}

func (h *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	if s := h.status(h.asked, string(body)); s != http.StatusOK {
		http.Error(w, "no", s)
		return
	}
	id := r.Header.Get(headerIdempotency)
	if h.seen[id] || id == "" {
		return
	}
	h.seen[id] = true
	h.bodies = append(h.bodies, r.Header.Get(headerKey)+" "+r.Header.Get(headerOp)+" "+string(body))
}

func (h *receiver) took() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.bodies)
}

// TestWebhook: rows come in order, each once by its key, over failures, refusals and a restart.
func TestWebhook(t *testing.T) {
	t.Parallel()
	h := &receiver{seen: map[string]bool{}, status: func(asked int, body string) int {
		switch {
		case body == `{"name":"bad","n":2}`:
			return http.StatusUnprocessableEntity
		case asked%3 == 0:
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	r := newRig(t, nameObject(), &catalog.Sink{Name: "s", Target: "HTTP", Address: srv.URL + "/hook?token=secret"})
	r.append(0, nameBatch(r.object, nameRow{name: "a", n: 1}, nameRow{name: "bad", n: 2}, nameRow{name: "c", n: 3},
		nameRow{name: "a", op: vector.Delete}))
	s, stop := r.run(nil)
	r.until("all is delivered", func() bool { return len(h.took()) == 3 })
	r.until("the bad row is a dead letter", func() bool { return len(s.Report()) == 1 && s.Report()[0].Dead == 1 })
	stop()
	r.append(0, nameBatch(r.object, nameRow{name: "d", n: 4}))
	_, stop = r.run(nil)
	r.until("the new row is delivered", func() bool { return len(h.took()) == 4 })
	stop()
	want := []string{
		`a  {"name":"a","n":1}`, `c  {"name":"c","n":3}`, `a delete `,
		`d  {"name":"d","n":4}`,
	}
	if got := h.took(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestWebhookGivesUp: with max_retries a receiver that does not answer well loses rows to the dead letters, not the
// delivery.
func TestWebhookGivesUp(t *testing.T) {
	t.Parallel()
	h := &receiver{seen: map[string]bool{}, status: func(_ int, body string) int {
		if body == `{"name":"a","n":1}` {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	}}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	r := newRig(t, nameObject(), &catalog.Sink{
		Name: "s", Target: "HTTP", Address: srv.URL, Props: map[string]string{"max_retries": "2"},
	})
	r.append(0, nameBatch(r.object, nameRow{name: "a", n: 1}, nameRow{name: "b", n: 2}))
	s, stop := r.run(nil)
	r.until("b is delivered", func() bool { return len(h.took()) == 1 })
	r.until("a is a dead letter", func() bool { return len(s.Report()) == 1 && s.Report()[0].Dead == 1 })
	stop()
}
