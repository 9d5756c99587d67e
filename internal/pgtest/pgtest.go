// Package pgtest runs a PostgreSQL server for tests.
package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/leatsql/leat/internal/pause"
)

const (
	answersWithin = 30 * time.Second
	askEvery      = 50 * time.Millisecond
)

// bin finds the programs of the server: Debian keeps them out of the path.
func bin(tb testing.TB) string {
	tb.Helper()
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if p, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	for _, d := range dirs {
		if _, err := os.Stat(filepath.Join(d, "initdb")); err == nil {
			return d
		}
	}
	if os.Getenv("LEAT_REQUIRE") != "" { //nolint:forbidigo // tests alone come here, and they have no main to ask it
		tb.Fatal("PostgreSQL is not installed")
	}
	tb.Skip("SKIP: PostgreSQL is not installed (apt-get install postgresql)")
	return ""
}

// somebody is a user for the server, which refuses root; nil where the test has no need of one.
func somebody(tb testing.TB, dir string) *syscall.SysProcAttr {
	tb.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		tb.Skip("SKIP: there is no user but root to run PostgreSQL")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		tb.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// Server is a PostgreSQL server.
type Server struct {
	// DSN is its connection string.
	DSN string

	tb       testing.TB
	programs string
	dir      string
	as       *syscall.SysProcAttr
	port     int
	running  *exec.Cmd
}

// Start starts a server that ends with the test.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{tb: tb, programs: bin(tb)}
	var err error
	s.dir, err = os.MkdirTemp("/tmp", "leat-pg-") //nolint:usetesting // a short path, open to the other user
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(s.dir) })
	s.as = somebody(tb, s.dir)
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	s.DSN = fmt.Sprintf("host=127.0.0.1 port=%d user=leat dbname=postgres sslmode=disable", s.port)
	out, err := s.command("initdb", "-A", "trust", "-U", "leat", "--no-sync", "-E", "UTF8").CombinedOutput()
	if err != nil {
		tb.Fatalf("initdb: %v\n%s", err, out)
	}
	s.Restart()
	tb.Cleanup(s.Kill)
	return s
}

// command is a program of the server over its data.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	args = append([]string{"-D", filepath.Join(s.dir, "data")}, args...)
	c := exec.CommandContext(context.WithoutCancel(s.tb.Context()), filepath.Join(s.programs, name), args...)
	c.Dir, c.SysProcAttr = s.dir, s.as
	return c
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	_ = s.running.Process.Signal(syscall.SIGQUIT)
	_ = s.running.Wait()
}

// Restart starts a server that was killed, and waits for its answer.
func (s *Server) Restart() {
	s.tb.Helper()
	s.running = s.command("postgres", "-p", strconv.Itoa(s.port), "-k", s.dir, "-c", "listen_addresses=127.0.0.1",
		"-c", "fsync=off")
	if err := s.running.Start(); err != nil {
		s.tb.Fatal(err)
	}
	for deadline := time.Now().Add(answersWithin); ; {
		c, err := pgx.Connect(s.tb.Context(), s.DSN)
		if err == nil {
			_ = c.Close(s.tb.Context())
			return
		}
		if time.Now().After(deadline) {
			s.Kill()
			s.tb.Fatalf("PostgreSQL does not answer: %v", err)
		}
		pause.For(s.tb.Context(), askEvery)
	}
}
