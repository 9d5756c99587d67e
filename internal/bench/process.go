package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what a run took.
type usage struct {
	wall, cpu time.Duration
	peak      int64 // bytes
	records   int64
}

// tail keeps the end of what a child wrote to stderr.
type tail struct{ buf []byte }

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*tailBytes {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailBytes:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.buf)) }

// command is a child of the binary under test, with the user's settings and folders out of its way.
func (b *bench) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.cfg.Leat, args...)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "LEAT_") && !strings.HasPrefix(e, "XDG_") && !strings.HasPrefix(e, "GODEBUG=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, "XDG_STATE_HOME="+b.dir, "XDG_CONFIG_HOME="+b.dir, "XDG_DATA_HOME="+b.dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs leat to its end, its stdout in the file out.
func (b *bench) run(ctx context.Context, out string, args ...string) (usage, error) {
	f, err := os.Create(out)
	if err != nil {
		return usage{}, fmt.Errorf("make the output: %w", err)
	}
	defer f.Close()
	var stderr tail
	cmd := b.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = f, &stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return usage{}, fmt.Errorf("leat %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return usage{
		wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		peak: peakRSS(cmd.ProcessState),
	}, nil
}

// childReport is what a child of `leat bench` prints.
type childReport struct {
	Records int64   `json:"records"`
	WallNs  int64   `json:"wall_ns"`
	CPUNs   int64   `json:"cpu_ns"`
	Answer  Answer  `json:"answer"`
	PerKey  float64 `json:"per_key"`
	GCNs    int64   `json:"gc_ns"`
	// StateBytes is the size of the state, StoredBytes what of it lies in files.
	StateBytes  int64 `json:"state_bytes"`
	StoredBytes int64 `json:"stored_bytes"`
	// Series are the figures of several runs in one process.
	Series []childReport `json:"series,omitempty"`
}

// child runs a program of this package in a process of its own and returns its own figures, with the peak memory of the
// process.
func (b *bench) child(ctx context.Context, name string, args ...string) (usage, *childReport, error) {
	var stdout bytes.Buffer
	var stderr tail
	all := append([]string{"bench", "--child", name, "--"}, args...)
	cmd := b.command(ctx, all...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return usage{}, nil, fmt.Errorf("leat %s: %w: %s", strings.Join(all, " "), err, stderr.String())
	}
	var r childReport
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		return usage{}, nil, fmt.Errorf("decode the report of %s: %w", name, err)
	}
	u := usage{
		wall: time.Duration(r.WallNs), cpu: time.Duration(r.CPUNs), peak: peakRSS(cmd.ProcessState),
		records: r.Records,
	}
	return u, &r, nil
}

// daemon is a child that serves until it is stopped.
type daemon struct {
	cmd    *exec.Cmd
	stderr tail
	done   chan struct{} // closed when it has ended
	err    error         // why it ended, behind done
	start  time.Time
}

func (b *bench) daemon(ctx context.Context, args ...string) (*daemon, error) {
	d := &daemon{cmd: b.command(ctx, args...), done: make(chan struct{})}
	d.cmd.Stderr = &d.stderr
	d.start = time.Now()
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start leat %s: %w", strings.Join(args, " "), err)
	}
	go func() {
		defer close(d.done)
		d.err = d.cmd.Wait()
	}()
	return d, nil
}

// stop ends the daemon in good order and returns what it took in all.
func (d *daemon) stop() (usage, error) {
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-d.done:
	case <-time.After(20 * time.Second):
		_ = d.cmd.Process.Kill()
		<-d.done
		return usage{}, fmt.Errorf("leat did not stop: %s", d.stderr.String())
	}
	s := d.cmd.ProcessState
	return usage{cpu: s.UserTime() + s.SystemTime(), peak: peakRSS(s)}, nil
}

// ended returns an error when the daemon is gone.
func (d *daemon) ended() error {
	select {
	case <-d.done:
		return fmt.Errorf("leat ended early: %w: %s", d.err, d.stderr.String())
	default:
		return nil
	}
}

// ticksPerS is the unit of /proc on every Linux we build for.
const ticksPerS = 100

// cpu returns the CPU time a running daemon has taken; 0 where the system does not tell.
func (d *daemon) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	rest := string(text[bytes.LastIndexByte(text, ')')+1:])
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * time.Second / ticksPerS
}

// rss returns the memory of a running daemon; 0 where the system does not tell.
func (d *daemon) rss() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}
