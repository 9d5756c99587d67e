package sink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// positions is the table in which PostgreSQL keeps how far each delivery has come: it is written in the transaction of
// the rows, so that a start finds both or neither.
const positions = `CREATE TABLE IF NOT EXISTS leat_positions (
	sink text PRIMARY KEY, epoch bigint NOT NULL, seq bigint NOT NULL, row bigint NOT NULL)`

// postgresTarget writes rows into a table of PostgreSQL: an upsert by the object's key, an insert where it has none.
// Rows and position are one transaction, and the position's epoch fences an earlier owner: exactly once.
type postgresTarget struct {
	d     *delivery
	cfg   *pgx.ConnConfig
	conn  *pgx.Conn
	table pgx.Identifier
	epoch int64

	upsert, remove string
	waiting        []pgRow
}

// pgRow is a row that is not committed yet.
type pgRow struct {
	sql  string
	args []any
	b    *vector.Batch
	i    int
}

func newPostgresTarget(d *delivery) (target, error) {
	cfg, err := pgx.ParseConfig(d.sink.Address)
	if err != nil {
		return nil, &fatalError{fmt.Errorf("sink %s: the connection string does not parse: %s", d.sink.Name,
			hideDSN(err))}
	}
	cfg.RuntimeParams["application_name"] = "leat sink " + d.sink.Name
	cfg.RuntimeParams["timezone"] = "UTC"
	name := d.sink.Props["table"]
	if name == "" {
		name = strings.ToLower(d.object.Name)
	}
	t := &postgresTarget{d: d, cfg: cfg, table: strings.Split(name, ".")}
	t.statements()
	return t, nil
}

// hideDSN keeps what follows a connection string out of an error: it may hold a password.
func hideDSN(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "("); i >= 0 {
		return strings.Trim(text[i:], "()")
	}
	return "not a URL or a list of key=value"
}

// pgTypes are the column types of a table that the sink makes.
func pgType(t vector.Type) string {
	switch t.Kind {
	case vector.Boolean:
		return "boolean"
	case vector.Int:
		return "integer"
	case vector.BigInt, vector.Interval:
		return "bigint"
	case vector.Double:
		return "double precision"
	case vector.Decimal:
		return fmt.Sprintf("numeric(%d, %d)", t.Precision, t.Scale)
	case vector.Bytes:
		return "bytea"
	case vector.Date:
		return "date"
	case vector.Time:
		return "time(3)"
	case vector.Timestamp:
		return "timestamp(3)"
	case vector.Array, vector.Map, vector.Struct:
		return "jsonb"
	default:
		return "text"
	}
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// statements makes the texts of insert and delete. Values go as text and are cast by the server, which knows its types.
func (t *postgresTarget) statements() {
	o := t.d.object
	names, values := make([]string, len(o.Columns)), make([]string, len(o.Columns))
	for i, c := range o.Columns {
		names[i] = quoted(c.Name)
		values[i] = fmt.Sprintf("$%d::text::%s", i+1, pgType(c.Type))
		if c.Type.Kind == vector.Bytes {
			values[i] = fmt.Sprintf("decode($%d::text, 'hex')", i+1)
		}
	}
	t.upsert = fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.table.Sanitize(), strings.Join(names, ", "),
		strings.Join(values, ", "))
	if !upserts(o) {
		return
	}
	var keys, sets, conds []string
	for i := range o.Columns {
		if k := slices.Index(o.Key, i); k < 0 {
			sets = append(sets, names[i]+" = EXCLUDED."+names[i])
		}
	}
	for n, k := range o.Key {
		keys = append(keys, names[k])
		value := strings.Replace(values[k], fmt.Sprintf("$%d:", k+1), fmt.Sprintf("$%d:", n+1), 1)
		conds = append(conds, names[k]+" = "+value)
	}
	action := "NOTHING"
	if len(sets) > 0 {
		action = "UPDATE SET " + strings.Join(sets, ", ")
	}
	t.upsert += fmt.Sprintf(" ON CONFLICT (%s) DO %s", strings.Join(keys, ", "), action)
	t.remove = fmt.Sprintf("DELETE FROM %s WHERE %s", t.table.Sanitize(), strings.Join(conds, " AND "))
}

// upserts tells whether rows replace those of their key: the key of a stream is no primary key.
func upserts(o *plan.Object) bool { return o.Updating && len(o.Key) > 0 }

// open makes the tables that are missing and takes the position over.
func (t *postgresTarget) open(ctx context.Context, recorded *record) (Position, error) {
	var err error
	if t.conn, err = pgx.ConnectConfig(ctx, t.cfg); err != nil {
		return Position{}, fmt.Errorf("connect to PostgreSQL at %s: %w", t.host(), err)
	}
	o := t.d.object
	defs := make([]string, 0, len(o.Columns)+1)
	for _, c := range o.Columns {
		defs = append(defs, quoted(c.Name)+" "+pgType(c.Type))
	}
	if upserts(o) {
		keys := make([]string, len(o.Key))
		for n, k := range o.Key {
			keys[n] = quoted(o.Columns[k].Name)
		}
		defs = append(defs, "PRIMARY KEY ("+strings.Join(keys, ", ")+")")
	}
	for _, sql := range []string{
		positions, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s)", t.table.Sanitize(), strings.Join(defs, ", ")),
	} {
		// Two partitions may begin together, and IF NOT EXISTS is no protection against that.
		if _, err = t.conn.Exec(ctx, sql); err != nil && !alreadyThere(err) {
			return Position{}, t.told(fmt.Errorf("make the table: %w", err))
		}
	}
	return t.takeOver(ctx, recorded)
}

// alreadyThere tells the errors of making what another one is making at the same time.
func alreadyThere(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains([]string{"42P07", "23505"}, pg.Code)
}

func (t *postgresTarget) takeOver(ctx context.Context, recorded *record) (Position, error) {
	t.epoch = int64(recorded.Epoch)
	var seq, row int64
	err := t.conn.QueryRow(ctx, `INSERT INTO leat_positions AS p (sink, epoch, seq, row) VALUES ($1, $2, $3, $4)
		ON CONFLICT (sink) DO UPDATE SET epoch = EXCLUDED.epoch WHERE p.epoch <= EXCLUDED.epoch
		RETURNING p.seq, p.row`, t.d.tag(), t.epoch, int64(recorded.Seq), recorded.Row).Scan(&seq, &row)
	if errors.Is(err, pgx.ErrNoRows) {
		return Position{}, fmt.Errorf("table leat_positions of %s: sink %s has a later owner", t.host(), t.d.tag())
	}
	if err != nil {
		return Position{}, t.told(fmt.Errorf("read the position of the sink: %w", err))
	}
	return Position{Seq: uint64(seq), Row: int(row)}, nil
}

func (t *postgresTarget) host() string {
	return fmt.Sprintf("%s:%d/%s", t.cfg.Host, t.cfg.Port, t.cfg.Database)
}

// told makes an error that nobody can wait out a fatal one.
func (t *postgresTarget) told(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && !waits(pg.Code) {
		return &fatalError{fmt.Errorf("PostgreSQL at %s: %w", t.host(), err)}
	}
	return fmt.Errorf("PostgreSQL at %s: %w", t.host(), err)
}

// waits tells the errors of a server that may take the same statement later: lost connections, resources, locks,
// serialization, shutdown, read-only.
func waits(code string) bool {
	return slices.Contains([]string{"08", "53", "55", "40", "57", "25"}, code[:min(2, len(code))])
}

// ofRow tells the errors that a row of its own makes: bad data, or a constraint.
func ofRow(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains([]string{"22", "23"}, pg.Code[:min(2, len(pg.Code))])
}

func (t *postgresTarget) write(_ context.Context, b *vector.Batch, i int, _ Position) error {
	o := t.d.object
	r := pgRow{sql: t.upsert, b: b, i: i}
	if b.Op(i) == vector.Delete {
		if t.remove == "" { // a stream's record without a value
			return nil
		}
		r.sql = t.remove
		for _, k := range o.Key {
			r.args = append(r.args, pgValue(b.Cols[k], i))
		}
	} else {
		for _, v := range b.Cols {
			r.args = append(r.args, pgValue(v, i))
		}
	}
	t.waiting = append(t.waiting, r)
	return nil
}

// pgValue is a value as text, or nil.
func pgValue(v *vector.Vector, i int) any {
	if v.Null(i) {
		return nil
	}
	switch v.Type.Kind {
	case vector.Bytes:
		return fmt.Sprintf("%x", v.Bytes(i))
	case vector.Array, vector.Map, vector.Struct:
		return string(vector.AppendJSON(nil, v, i))
	case vector.Interval:
		return fmt.Sprint(v.I64[i])
	default:
		return string(vector.AppendText(nil, v, i))
	}
}

// flush commits what waits, with the position. A row that the table refuses is found by writing the rows one by one.
func (t *postgresTarget) flush(ctx context.Context, r *record) error {
	if len(t.waiting) == 0 {
		return nil
	}
	err := t.commit(ctx, r.Position, false)
	if ofRow(err) {
		err = t.commit(ctx, r.Position, true)
	}
	var f *fatalError
	switch {
	case err == nil:
		t.waiting = nil
		return nil
	case errors.As(err, &f), t.conn.IsClosed():
		return &brokenError{t.told(err)}
	default:
		return t.told(err)
	}
}

func (t *postgresTarget) commit(ctx context.Context, pos Position, oneByOne bool) error {
	tx, err := t.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	tag, err := tx.Exec(ctx, `UPDATE leat_positions SET seq = $3, row = $4 WHERE sink = $1 AND epoch = $2`, t.d.tag(),
		t.epoch, int64(pos.Seq), pos.Row)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != 1 {
		return &fatalError{fmt.Errorf("sink %s has a later owner", t.d.tag())}
	}
	if oneByOne {
		err = t.each(ctx, tx)
	} else {
		var batch pgx.Batch
		for _, r := range t.waiting {
			batch.Queue(r.sql, r.args...)
		}
		err = tx.SendBatch(ctx, &batch).Close()
	}
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// each writes the rows one by one; those that are refused become dead letters.
func (t *postgresTarget) each(ctx context.Context, tx pgx.Tx) error {
	for _, r := range t.waiting {
		point, err := tx.Begin(ctx) // a savepoint
		if err != nil {
			return err
		}
		_, err = point.Exec(ctx, r.sql, r.args...)
		if err == nil {
			err = point.Commit(ctx)
		}
		if err == nil {
			continue
		}
		if !ofRow(err) {
			return err
		}
		if rerr := point.Rollback(ctx); rerr != nil {
			return rerr
		}
		if err := t.d.refuse(ctx, r.b, r.i, codeRefused, err); err != nil {
			return err
		}
	}
	return nil
}

func (t *postgresTarget) guarantee() string {
	return fmt.Sprintf("exactly once into table %s of %s (rows and position in one transaction)", t.table.Sanitize(),
		t.host())
}

func (t *postgresTarget) close() error {
	if t.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return t.conn.Close(ctx)
}
