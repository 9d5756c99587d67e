package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/zeebo/xxh3"

	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const (
	pgPage    = 2000 // rows that are asked for at a time
	pgConnect = 10 * time.Second
)

// pgTable reads the rows of a table of PostgreSQL as JSON.
type pgTable struct {
	o     *plan.Object
	cfg   *pgx.ConnConfig
	table pgx.Identifier
}

func newPgTable(o *plan.Object) (*pgTable, error) {
	cfg, err := pgx.ParseConfig(o.Source.DSN)
	if err != nil { // the error repeats the text, which may hold a secret
		return nil, fmt.Errorf("source %s: the dsn does not parse: want a URL or a list of key=value", o.Name)
	}
	cfg.RuntimeParams["application_name"] = "leat source " + o.Name
	cfg.RuntimeParams["timezone"] = "UTC"
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = pgConnect
	}
	return &pgTable{o: o, cfg: cfg, table: strings.Split(o.Source.Table, ".")}, nil
}

func (t *pgTable) host() string {
	return fmt.Sprintf("%s:%d/%s", t.cfg.Host, t.cfg.Port, t.cfg.Database)
}

// read reads the table as it is at one moment, in the order of its key.
func (t *pgTable) read(ctx context.Context, row func(key, row []byte, hash uint64) error) (err error) {
	conn, err := pgx.ConnectConfig(ctx, t.cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it has only read
	text, err := t.query(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DECLARE leat NO SCROLL CURSOR FOR "+text); err != nil {
		return err
	}
	for {
		n, err := t.page(ctx, tx, row)
		if err != nil || n < pgPage {
			return err
		}
	}
}

// query is the text that reads the columns of the object as texts.
func (t *pgTable) query(ctx context.Context, tx pgx.Tx) (string, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf("SELECT * FROM %s LIMIT 0", t.table.Sanitize()))
	if err != nil {
		return "", err
	}
	var names []string
	for _, f := range rows.FieldDescriptions() {
		names = append(names, f.Name)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return "", err
	}
	var list, order []string
	for i, c := range t.o.Columns {
		at := slices.Index(names, c.Name)
		if at < 0 {
			at = slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, c.Name) })
		}
		if at < 0 {
			return "", fmt.Errorf("it has no column %q; there are: %s", c.Name, strings.Join(names, ", "))
		}
		name := pgx.Identifier{names[at]}.Sanitize()
		list = append(list, fmt.Sprintf(pgText(c.Type), name))
		if slices.Contains(t.o.Key, i) {
			order = append(order, name)
		}
	}
	return fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", strings.Join(list, ", "), t.table.Sanitize(),
		strings.Join(order, ", ")), nil
}

// pgText is the expression of a column as the decoder of JSON reads its type.
func pgText(t vector.Type) string {
	switch t.Kind {
	case vector.Timestamp:
		return "floor(extract(epoch FROM %s) * 1000)::bigint::text"
	case vector.Date:
		return "to_char(%s, 'YYYY-MM-DD')"
	case vector.Time:
		return "(%s)::time::text"
	case vector.Bytes:
		return "translate(encode(%s, 'base64'), E'\\n', '')"
	case vector.Array, vector.Map, vector.Struct:
		return "to_jsonb(%s)::text"
	default:
		return "%s::text"
	}
}

// page reads the next rows of the cursor and returns how many there were.
func (t *pgTable) page(ctx context.Context, tx pgx.Tx, row func(key, row []byte, hash uint64) error) (int, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf("FETCH %d FROM leat", pgPage))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var key, text []byte
	n := 0
	for ; rows.Next(); n++ {
		key, text = append(key[:0], '{'), append(text[:0], '{')
		for i, v := range rows.RawValues() {
			c := &t.o.Columns[i]
			text = appendMember(text, c, v)
			if c.Key {
				key = appendMember(key, c, v)
			}
		}
		key, text = append(key, '}'), append(text, '}')
		if err := row(key, text, xxh3.Hash(text)); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

// appendMember appends a column to the object that dst is the beginning of.
func appendMember(dst []byte, c *plan.Column, v []byte) []byte {
	if len(dst) > 1 {
		dst = append(dst, ',')
	}
	dst = append(vector.AppendJSONString(dst, []byte(c.Name)), ':')
	if v == nil {
		return append(dst, "null"...)
	}
	switch c.Type.Kind {
	case vector.Array, vector.Map, vector.Struct, vector.Boolean:
		return append(dst, v...)
	default: // numbers too: the decoder reads those in quotes, NaN among them
		return vector.AppendJSONString(dst, v)
	}
}
