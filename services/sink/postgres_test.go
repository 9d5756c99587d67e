package sink

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/pause"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// postgresBin finds the programs of a PostgreSQL server: Debian keeps them out of the path.
func postgresBin(t *testing.T) string {
	t.Helper()
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
		t.Fatal("PostgreSQL is not installed")
	}
	t.Skip("SKIP: PostgreSQL is not installed (apt-get install postgresql)")
	return ""
}

// asUser runs a program as somebody who is not root, whom PostgreSQL refuses.
func asUser(t *testing.T, dir string, cmd *exec.Cmd) {
	t.Helper()
	cmd.Dir = dir
	if os.Getuid() != 0 {
		return
	}
	name := "postgres"
	u, err := user.Lookup(name)
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Skip("SKIP: there is no user but root to run PostgreSQL")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// pgServer is a running PostgreSQL.
type pgServer struct {
	t    *testing.T
	bin  string
	dir  string
	port int
	cmd  *exec.Cmd
}

func startPostgres(t *testing.T) *pgServer {
	t.Helper()
	p := &pgServer{t: t, bin: postgresBin(t)}
	dir, err := os.MkdirTemp("/tmp", "leat-pg-") //nolint:usetesting // a short path, open to the other user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p.dir = dir
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	init := exec.CommandContext(
		t.Context(),
		filepath.Join(p.bin, "initdb"),
		"-D",
		filepath.Join(dir, "data"),
		"-A",
		"trust",
		"-U",
		"leat",
		"--no-sync",
		"-E",
		"UTF8",
	)
	asUser(t, dir, init)
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p.start()
	t.Cleanup(p.stop)
	return p
}

func (p *pgServer) start() {
	p.t.Helper()
	p.cmd = exec.CommandContext(
		context.WithoutCancel(p.t.Context()),
		filepath.Join(p.bin, "postgres"),
		"-D",
		filepath.Join(p.dir, "data"),
		"-p",
		strconv.Itoa(p.port),
		"-k",
		p.dir,
		"-c",
		"listen_addresses=127.0.0.1",
		"-c",
		"fsync=off",
	)
	asUser(p.t, p.dir, p.cmd)
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	deadline := time.Now().Add(within)
	for {
		c, err := pgx.Connect(p.t.Context(), p.dsn())
		if err == nil {
			_ = c.Close(p.t.Context())
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("PostgreSQL does not answer: %v", err)
		}
		pause.For(p.t.Context(), 50*time.Millisecond)
	}
}

// stop kills the server at once, as a crash would.
func (p *pgServer) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	_ = p.cmd.Wait()
}

func (p *pgServer) dsn() string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=leat dbname=postgres sslmode=disable", p.port)
}

// rows returns the rows of a query as text; an error, which may be one of a server that is away, gives none.
func (p *pgServer) rows(query string) []string {
	p.t.Helper()
	c, err := pgx.Connect(p.t.Context(), p.dsn())
	if err != nil {
		return nil
	}
	defer func() { _ = c.Close(p.t.Context()) }()
	rows, err := c.Query(p.t.Context(), query)
	if err != nil {
		return nil
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil
	}
	return out
}

// TestPostgresTable: upserts and deletes of a table arrive exactly once over a restart of the sink and a crash of the
// server.
func TestPostgresTable(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	o := nameObject()
	o.Updating = true
	r := newRig(
		t,
		o,
		&catalog.Sink{Name: "s", Target: "POSTGRES", Address: p.dsn(), Props: map[string]string{"table": "people"}},
	)
	r.append(
		0,
		nameBatch(
			o,
			nameRow{name: "a", n: 1},
			nameRow{name: "b", n: 2},
			nameRow{name: "a", n: 3, op: vector.UpdateAfter},
			nameRow{name: "c", n: 4},
			nameRow{name: "b", op: vector.Delete},
		),
	)
	_, stop := r.run(nil)
	const people = `SELECT name || '=' || n FROM people ORDER BY name`
	r.until("the rows are there", func() bool { return slices.Equal(p.rows(people), []string{"a=3", "c=4"}) })
	p.stop()
	r.append(0, nameBatch(o, nameRow{name: "d", n: 5}))
	p.start()
	r.until(
		"rows go on after the crash",
		func() bool { return slices.Equal(p.rows(people), []string{"a=3", "c=4", "d=5"}) },
	)
	stop()
	r.append(0, nameBatch(o, nameRow{name: "a", op: vector.Delete}))
	_, stop = r.run(nil)
	r.until("rows go on after a restart", func() bool { return slices.Equal(p.rows(people), []string{"c=4", "d=5"}) })
	stop()
}

// TestPostgresStream: rows of a stream are inserted once; a row that the table refuses is a dead letter.
func TestPostgresStream(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	o := &plan.Object{Name: "Orders", Topic: "orders", Partitions: 1, Columns: []plan.Column{
		{Name: "name", Type: vector.TString}, {Name: "n", Type: vector.TBigInt},
	}}
	r := newRig(t, o, &catalog.Sink{Name: "s", Target: "POSTGRES", Address: p.dsn()})
	c, err := pgx.Connect(t.Context(), p.dsn())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(t.Context())) }()
	if _, err := c.Exec(t.Context(), `CREATE TABLE orders (name text NOT NULL, n bigint CHECK (n < 10))`); err != nil {
		t.Fatal(err)
	}
	r.append(
		0,
		nameBatch(
			o,
			nameRow{name: "a", n: 1},
			nameRow{name: "b", n: 20},
			nameRow{null: true, n: 2},
			nameRow{name: "c", n: 3},
		),
	)
	s, stop := r.run(nil)
	r.until("two rows are there", func() bool {
		return slices.Equal(p.rows(`SELECT name || n FROM orders ORDER BY n`), []string{"a1", "c3"})
	})
	r.until("two are dead letters", func() bool { return len(s.Report()) == 1 && s.Report()[0].Dead == 2 })
	stop()
	r.append(0, nameBatch(o, nameRow{name: "a", n: 1}))
	_, stop = r.run(nil)
	r.until("an equal row is a row of its own", func() bool {
		return slices.Equal(p.rows(`SELECT name || n FROM orders ORDER BY n`), []string{"a1", "a1", "c3"})
	})
	stop()
}
