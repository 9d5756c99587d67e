package sink

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/pgtest"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// pgServer is a running PostgreSQL.
type pgServer struct {
	*pgtest.Server
	t *testing.T
}

func startPostgres(t *testing.T) *pgServer {
	t.Helper()
	return &pgServer{Server: pgtest.Start(t), t: t}
}

// rows returns the rows of a query as text; an error, which may be one of a server that is away, gives none.
func (p *pgServer) rows(query string) []string {
	p.t.Helper()
	c, err := pgx.Connect(p.t.Context(), p.DSN)
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
		&catalog.Sink{Name: "s", Target: "POSTGRES", Address: p.DSN, Props: map[string]string{"table": "people"}},
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
	p.Kill()
	r.append(0, nameBatch(o, nameRow{name: "d", n: 5}))
	p.Restart()
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
	r := newRig(t, o, &catalog.Sink{Name: "s", Target: "POSTGRES", Address: p.DSN})
	c, err := pgx.Connect(t.Context(), p.DSN)
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
