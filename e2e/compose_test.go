//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/e2e/rig"
)

const (
	composeWithin = 4 * time.Minute  // the whole test, the way down excluded
	composeDown   = 60 * time.Second // the way down
	composeFile   = "deploy/compose/compose.yaml"
)

// stack is the project of deploy/compose under a name, a tag and a port of its own.
type stack struct {
	*rig.Dev // the commands
	t        *testing.T
	ctx      context.Context // it bounds the test, whose only value this is
	env      []string
}

func newStack(t *testing.T) *stack {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), composeWithin)
	t.Cleanup(cancel)
	s := &stack{Dev: rig.NewDev(t), t: t, ctx: ctx}
	_, port, _ := strings.Cut(s.NATS, ":")
	name := fmt.Sprintf("leat-e2e-%d", os.Getpid())
	s.env = append(os.Environ(), "COMPOSE_PROJECT_NAME="+name, "LEAT_TAG="+name, "LEAT_NATS_PORT="+port)
	return s
}

// try runs a command in the folder of the repository.
func (s *stack) try(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = rig.Root(), s.env, &out, &errs, time.Second
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w (%w)\n%s", strings.Join(args, " "), err, context.Cause(ctx),
			errs.String())
	}
	return out.String(), nil
}

// run runs a command that must end well, and tells how long it took.
func (s *stack) run(args ...string) string {
	s.t.Helper()
	began := time.Now()
	out, err := s.try(s.ctx, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("%s: %s", strings.Join(args, " "), time.Since(began).Round(time.Millisecond))
	return out
}

func composeArgs(args ...string) []string {
	return append([]string{"docker", "compose", "-f", composeFile}, args...)
}

// compose runs docker compose as a user does.
func (s *stack) compose(args ...string) string {
	s.t.Helper()
	return s.run(composeArgs(args...)...)
}

// remove takes away everything of the project, and shows first what the services said when the test has failed.
func (s *stack) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), composeDown)
	defer cancel()
	if s.t.Failed() {
		for _, args := range [][]string{composeArgs("ps", "-a"), composeArgs("logs", "--no-color", "--tail", "60")} {
			out, err := s.try(ctx, args...)
			s.t.Log(out, err)
		}
	}
	if _, err := s.try(ctx, composeArgs("down", "-v", "--timeout", "5", "--rmi", "all")...); err != nil {
		s.t.Error(err)
	}
}

// confinement is what docker inspect tells of a container, as far as it confines.
type confinement struct {
	Config     struct{ User string }
	HostConfig struct {
		ReadonlyRootfs, Privileged   bool
		CapDrop, CapAdd, SecurityOpt []string
		PortBindings                 map[string][]struct{ HostIP string }
		Memory, PidsLimit            int64
	}
}

// confined wants every container without rights, and ports on loopback alone.
func (s *stack) confined() {
	s.t.Helper()
	for id := range strings.FieldsSeq(s.compose("ps", "-q")) {
		var got []confinement
		if err := json.Unmarshal([]byte(s.run("docker", "inspect", id)), &got); err != nil || len(got) != 1 {
			s.t.Fatalf("docker inspect: %d containers, %v", len(got), err)
		}
		h := got[0].HostConfig
		if got[0].Config.User != "65532:65532" || !h.ReadonlyRootfs || h.Privileged || h.Memory == 0 ||
			h.PidsLimit == 0 ||
			len(h.CapAdd) > 0 || !cmp.Equal(h.CapDrop, []string{"ALL"}) ||
			!cmp.Equal(h.SecurityOpt, []string{"no-new-privileges:true"}) {
			s.t.Errorf("container %s: %+v", id, got[0])
		}
		for port, bindings := range h.PortBindings {
			for _, b := range bindings {
				if b.HostIP != "127.0.0.1" {
					s.t.Errorf("container %s: port %s is on %q", id, port, b.HostIP)
				}
			}
		}
	}
}

// apart wants that the users' account sees none of Leat's streams.
func (s *stack) apart(p *publisher) {
	s.t.Helper()
	names := p.js.StreamNames(s.ctx)
	for name := range names.Name() {
		if strings.HasPrefix(name, "LEAT_") || strings.HasPrefix(name, "KV_LEAT_") {
			s.t.Errorf("the users' account has the stream %s", name)
		}
	}
	if err := names.Err(); err != nil {
		s.t.Errorf("list the users' streams: %v", err)
	}
}

// right compares tables, streams, subjects, bucket, files and dead letters with what they must be.
func (s *stack) right(p *publisher) {
	s.t.Helper()
	began, w := time.Now(), wantOf(p.count())
	settled(s.t, s.Dev, "stats", func(rows []map[string]any) string {
		return cmp.Diff(w.stats, groups(s.t, rows, "customer", "window_start"))
	})
	settled(s.t, s.Dev, "countries", func(rows []map[string]any) string {
		return cmp.Diff(w.countries, groups(s.t, rows, "country"))
	})
	checkLog(s.t, s.Dev, "placed", w.placed)
	checkSubjects(s.t, p, w)
	checkBucket(s.t, p, w)
	checkDead(s.t, s.Dev, w)
	s.t.Logf("tables, subjects, bucket and dead letters in %s", time.Since(began).Round(time.Millisecond))
	folder := s.files(w)
	checkFile(s.t, folder, w)
	checkBigFiles(s.t, folder, w)
	s.t.Logf("%d orders checked in %s", p.count(), time.Since(began).Round(time.Millisecond))
}

// files copies the folder of the sink until the file of the join is complete, and returns the copy.
func (s *stack) files(w want) string {
	s.t.Helper()
	folder := filepath.Join(s.t.TempDir(), "files")
	rig.Until(s.t, drainWithin, "the files of the sink", func() (bool, string) {
		if err := os.RemoveAll(folder); err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.try(s.ctx, composeArgs("cp", "sink:/files", folder)...); err != nil {
			return false, err.Error()
		}
		placed, err := os.ReadFile(filepath.Join(folder, "placed.jsonl"))
		if err != nil {
			return false, err.Error()
		}
		big, err := csvRows(folder)
		lines := bytes.Count(placed, []byte("\n"))
		return err == nil && lines >= len(w.placed) && big >= len(w.big),
			fmt.Sprintf("%d and %d rows, %v", lines, big, err)
	})
	return folder
}

// csvRows counts the rows of the rotated files.
func csvRows(folder string) (n int, err error) {
	paths, err := filepath.Glob(filepath.Join(folder, "big*.csv"))
	for _, path := range paths {
		text, rerr := os.ReadFile(path)
		err = errors.Join(err, rerr)
		n += max(0, bytes.Count(text, []byte("\n"))-1)
	}
	return n, err
}

// TestCompose does what README says about Docker Compose, kills the engine and the NATS server while a client
// publishes, takes everything down and up again, and wants every order in every output once.
func TestCompose(t *testing.T) {
	if os.Getenv("LEAT_DOCKER") != "1" {
		t.Skip("SKIPPED: it needs a Docker engine with docker compose; LEAT_DOCKER=1 asks for it")
	}
	s := newStack(t)
	s.run("make", "compose")
	t.Cleanup(s.remove)
	s.compose("up", "-d", "--build", "--wait")
	s.confined()
	s.SQL(fmt.Sprintf(declareOrders, ""))
	p := newPublisher(t, s.NATS)
	s.apart(p)
	sendCustomers(t, p)
	rig.Until(t, takeWithin, "customers are there", func() (bool, string) {
		rows, ok, words := s.Rows("SELECT * FROM customers")
		return ok && len(rows) == orderCustomers, fmt.Sprintf("%d %s", len(rows), words)
	})
	if err := p.upTo(s.ctx, orderSettled); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	published := make(chan error, 1)
	go func() { published <- p.run(ctx, 500) }()
	for _, service := range []string{"engine", "nats"} {
		s.compose("kill", "-s", "SIGKILL", service)
		s.compose("up", "-d", "--wait")
	}
	stop()
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	s.right(p)
	s.compose("down")
	s.compose("up", "-d", "--wait")
	if err := p.upTo(s.ctx, p.next+orderCycle); err != nil {
		t.Fatal(err)
	}
	s.right(p)
}
