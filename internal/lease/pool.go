package lease

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/leatsql/leat/internal/pause"
)

// Work is something that one member of the cluster should run at a time.
type Work struct {
	Name string
	// Version: work whose version changes is stopped and started again.
	Version string
	// Run does the work under a lease with that epoch. It returns when ctx ends, and when it cannot go on.
	Run func(ctx context.Context, epoch uint64) error
}

// State is what became of a piece of work here.
type State struct {
	Name     string
	State    string // waiting, running, stopped, done
	Reason   string
	Restarts int
}

// Pool runs the work that is placed on this member: it takes the leases, restarts what fails, stops what went
// elsewhere.
type Pool struct {
	Members *Manager
	Role    string
	Log     hclog.Logger
	// Fatal reports whether an error stops the work until its version changes; nil: none does.
	Fatal func(error) bool

	mu    sync.Mutex
	jobs  map[string]*job
	dirty chan struct{}
}

// job is a piece of work from the wait for its lease on.
type job struct {
	work   Work
	cancel context.CancelFunc
	state  State
}

// NewPool returns a pool that runs nothing yet.
func NewPool(m *Manager, role string, log hclog.Logger, fatal func(error) bool) *Pool {
	return &Pool{Members: m, Role: role, Log: log, Fatal: fatal, jobs: map[string]*job{}, dirty: make(chan struct{}, 1)}
}

// Look makes Run look at the wanted work again.
func (p *Pool) Look() {
	select {
	case p.dirty <- struct{}{}:
	default: // it will look anyway
	}
}

// Run keeps what runs here equal to what wanted lists and Place puts on this member, until ctx ends and all has
// stopped.
func (p *Pool) Run(ctx context.Context, wanted func() []Work) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		changed := p.Members.Changed()
		if p.Members.Ready() {
			p.apply(ctx, &wg, wanted())
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		case <-p.dirty:
		}
	}
}

func (p *Pool) apply(ctx context.Context, wg *sync.WaitGroup, wanted []Work) {
	members := p.Members.Live(p.Role)
	want := map[string]Work{}
	for _, w := range wanted {
		if Place(w.Name, members) == p.Members.ID() {
			want[w.Name] = w
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, j := range p.jobs { // any order: each is judged on its own
		if w, keep := want[name]; !keep || w.Version != j.work.Version {
			j.cancel()
		}
	}
	for name, w := range want { // any order: jobs are independent
		if _, runs := p.jobs[name]; runs {
			continue
		}
		jctx, cancel := context.WithCancel(ctx)
		j := &job{work: w, cancel: cancel, state: State{Name: name, State: "waiting"}}
		p.jobs[name] = j
		wg.Go(func() {
			defer cancel()
			p.loop(jctx, j)
			p.mu.Lock()
			delete(p.jobs, name)
			p.mu.Unlock()
			p.Look()
		})
	}
}

// States tells what runs here, sorted by name.
func (p *Pool) States() []State {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]State, 0, len(p.jobs))
	for _, j := range p.jobs { // any order: sorted below
		out = append(out, j.state)
	}
	slices.SortFunc(out, func(a, b State) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (p *Pool) set(j *job, state, reason string) {
	p.mu.Lock()
	j.state.State, j.state.Reason = state, reason
	p.mu.Unlock()
}

const (
	leaseRetry = 300 * time.Millisecond
	minBackoff = 200 * time.Millisecond
	maxBackoff = 15 * time.Second
)

// loop takes the lease and runs the work, again after failures, until ctx ends.
func (p *Pool) loop(ctx context.Context, j *job) {
	backoff := minBackoff
	for ctx.Err() == nil {
		epoch, err := p.Members.Acquire(ctx, j.work.Name)
		if err != nil {
			p.set(j, "waiting", err.Error())
			pause.For(ctx, leaseRetry)
			continue
		}
		p.set(j, "running", "")
		started := time.Now()
		err = p.once(ctx, j, epoch)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			p.set(j, "done", "")
			<-ctx.Done()
			return
		case p.Fatal != nil && p.Fatal(err):
			p.set(j, "stopped", err.Error())
			p.Log.Error("work stopped", "processor_id", j.work.Name, "error", err)
			<-ctx.Done() // until it is no longer wanted, or wanted in another version
			return
		}
		p.mu.Lock()
		j.state.Restarts++
		restarts := j.state.Restarts
		p.mu.Unlock()
		p.set(j, "waiting", err.Error())
		p.Log.Warn("work restarts", "processor_id", j.work.Name, "error", err, "restarts", restarts)
		if time.Since(started) > maxBackoff {
			backoff = minBackoff
		}
		pause.For(ctx, backoff)
		backoff = min(backoff*2, maxBackoff)
	}
}

var errLost = errors.New("the lease went to another member")

const releaseTimeout = 2 * time.Second

// once runs the work under one lease and gives the lease back.
func (p *Pool) once(ctx context.Context, j *job, epoch uint64) error {
	wctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go p.watch(wctx, cancel, j.work.Name, epoch)
	err := j.work.Run(wctx, epoch)
	if err == nil && wctx.Err() != nil {
		err = context.Cause(wctx)
	}
	rctx, stop := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer stop()
	if e := p.Members.Release(rctx, j.work.Name, epoch); e != nil {
		p.Log.Debug("lease not released", "processor_id", j.work.Name, "error", e)
	}
	return err
}

// watch cancels the work when its lease names somebody else.
func (p *Pool) watch(ctx context.Context, cancel context.CancelCauseFunc, name string, epoch uint64) {
	for {
		changed := p.Members.Changed()
		if !p.Members.Mine(name, epoch) {
			cancel(errLost)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}
