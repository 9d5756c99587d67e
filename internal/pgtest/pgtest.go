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
	if os.Getenv("LEAT_REQUIRE") != "" {
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

// Start starts a server that ends with the test, and returns its connection string.
func Start(tb testing.TB) string {
	tb.Helper()
	programs := bin(tb)
	dir, err := os.MkdirTemp("/tmp", "leat-pg-") // a short path, open to the other user
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	as := somebody(tb, dir)
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	data := filepath.Join(dir, "data")
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.CommandContext(context.WithoutCancel(tb.Context()), filepath.Join(programs, name), args...)
		c.Dir, c.SysProcAttr = dir, as
		return c
	}
	if out, err := command("initdb", "-D", data, "-A", "trust", "-U", "leat", "--no-sync", "-E", "UTF8").CombinedOutput(); err != nil {
		tb.Fatalf("initdb: %v\n%s", err, out)
	}
	server := command("postgres", "-D", data, "-p", strconv.Itoa(port), "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
	if err := server.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT)
		_ = server.Wait()
	})
	dsn := fmt.Sprintf("host=127.0.0.1 port=%d user=leat dbname=postgres sslmode=disable", port)
	for deadline := time.Now().Add(answersWithin); ; {
		c, err := pgx.Connect(tb.Context(), dsn)
		if err == nil {
			c.Close(tb.Context())
			return dsn
		}
		if time.Now().After(deadline) {
			tb.Fatalf("PostgreSQL does not answer: %v", err)
		}
		pause.For(tb.Context(), askEvery)
	}
}
