package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a running binary. What it writes to stderr is kept, and shown when the test fails.
type Process struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	err  *output
	done chan struct{} // closed when the process has ended
}

// output collects what a process writes, up to a bound.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxOutput = 4 << 20

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len() < maxOutput {
		o.buf.Write(p)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Env is the environment of a process in a test: nothing of the developer's reaches it, and it writes below dir.
func Env(dir string) []string {
	outer := func(name string) string {
		return name + "=" + os.Getenv(name) //nolint:forbidigo // for the tests this package is main
	}
	return []string{
		"HOME=" + dir, "XDG_STATE_HOME=" + filepath.Join(dir, "state"), outer("PATH"), "TMPDIR=" + os.TempDir(),
		"NO_COLOR=1", outer("GOMAXPROCS"),
	}
}

// Start starts a process that the end of the test kills.
func Start(tb testing.TB, name, home string, cmd ...string) *Process {
	tb.Helper()
	p := &Process{t: tb, name: name, err: &output{}, done: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(tb.Context()), cmd[0], cmd[1:]...)
	p.cmd.Env, p.cmd.Dir, p.cmd.Stderr = Env(home), home, p.err
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.done)
	}()
	tb.Cleanup(func() {
		p.Signal(syscall.SIGCONT)
		p.Kill()
		if tb.Failed() {
			tb.Logf("stderr of %s (pid %d):\n%s", name, p.cmd.Process.Pid, tail(p.err.String(), 12_000))
		}
	})
	return p
}

func tail(s string, most int) string {
	if len(s) > most {
		return "[...]" + s[len(s)-most:]
	}
	return s
}

// Stderr is what the process has written so far.
func (p *Process) Stderr() string { return p.err.String() }

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal; a process that has ended does not mind.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill ends the process at once (SIGKILL) and waits until it is gone.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Wait waits for the end of the process and returns its exit code.
func (p *Process) Wait(most time.Duration) int {
	p.t.Helper()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-timer.C:
		p.Signal(syscall.SIGQUIT) // it tells where its goroutines stand
		<-p.done
		p.t.Fatalf("%s did not end within %s", p.name, most)
		return -1
	}
}

// PeakBytes is the largest resident memory the process had.
func (p *Process) PeakBytes() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		var kb int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}

// Result is how a command ended.
type Result struct {
	Code           int
	Stdout, Stderr string
}

const commandTimeout = 60 * time.Second

// Run runs a command of the binary to its end.
func Run(tb testing.TB, home, stdin string, args ...string) Result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, Binary(tb), args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Stdin = Env(home), home, &out, &errs, strings.NewReader(stdin)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatalf("run leat %s: %v", strings.Join(args, " "), err)
	}
	if ctx.Err() != nil {
		tb.Fatalf("leat %s did not end within %s\n%s", strings.Join(args, " "), commandTimeout, errs.String())
	}
	return Result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}
