package telemetry

import (
	"context"
	"slices"
	"sync"
	"time"
)

// HealthState is the answer of a check, from good to bad.
type HealthState uint8

// OK works; Degraded works with less than it should (HTTP 200); Unhealthy does not work (HTTP 503).
const (
	OK HealthState = iota
	Degraded
	Unhealthy
)

var healthNames = [...]string{OK: "ok", Degraded: "degraded", Unhealthy: "unhealthy"}

func (s HealthState) String() string { return healthNames[min(int(s), len(healthNames)-1)] }

// MarshalText writes the state's name.
func (s HealthState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Probe says which question a check belongs to: does the process turn, can it do its work.
type Probe uint8

// Live must hold while NATS is away; Ready needs NATS, leases and queues.
const (
	Live Probe = iota
	Ready
)

// checkTimeout bounds one check; one that takes longer is unhealthy.
const checkTimeout = 2 * time.Second

// Finding is what a check found. Value and Limit are for people, in the unit of the check.
type Finding struct {
	State  HealthState `json:"state"`
	Value  string      `json:"value,omitempty"`
	Limit  string      `json:"limit,omitempty"`
	Detail string      `json:"detail,omitempty"`
}

// Check answers one question about the process. It ends with ctx.
type Check func(ctx context.Context) Finding

// CheckResult is one check with what it found.
type CheckResult struct {
	Name string `json:"name"`
	Finding
}

type check struct {
	name  string
	probe Probe
	run   Check

	mu   sync.Mutex
	call *call // the one that runs, if one does
}

// call is one run of a check; finding is there when done is closed.
type call struct {
	done    chan struct{}
	finding Finding
}

// Health is the list of checks of a process. The zero value has none and is healthy.
type Health struct {
	mu     sync.Mutex
	checks []*check // in order of registration
}

// Add registers a check under a name; the returned function takes it off. Names need not be unique.
func (h *Health) Add(p Probe, name string, run Check) func() {
	c := &check{name: name, probe: p, run: run}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, c)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.checks = slices.DeleteFunc(h.checks, func(o *check) bool { return o == c })
	}
}

// Run asks every check of the probes, at the same time, and returns the worst state.
func (h *Health) Run(ctx context.Context, probes ...Probe) (HealthState, []CheckResult) {
	h.mu.Lock()
	var asked []*check
	for _, c := range h.checks {
		if slices.Contains(probes, c.probe) {
			asked = append(asked, c)
		}
	}
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	calls := make([]*call, len(asked))
	for i, c := range asked {
		calls[i] = c.ask(ctx)
	}
	worst := OK
	results := make([]CheckResult, len(asked))
	for i, c := range asked {
		results[i] = CheckResult{Name: c.name}
		select {
		case <-calls[i].done:
			results[i].Finding = calls[i].finding
		case <-ctx.Done():
			results[i].Finding = Finding{State: Unhealthy, Limit: checkTimeout.String(), Detail: "no answer in time"}
		}
		worst = max(worst, results[i].State)
	}
	return worst, results
}

// ask starts the check in a goroutine of its own, or joins the run before: one that hangs must not pile up.
func (c *check) ask(ctx context.Context) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.call != nil {
		return c.call
	}
	now := &call{done: make(chan struct{})}
	c.call = now
	go func() {
		// The asker may leave before the others who join it.
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
		defer cancel()
		now.finding = c.run(own)
		c.mu.Lock()
		c.call = nil
		c.mu.Unlock()
		close(now.done)
	}()
	return now
}
