package oracle

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // the driver
)

// Duck is a DuckDB database in memory.
type Duck struct{ db *sql.DB }

// OpenDuck opens an empty database that works in two threads.
func OpenDuck(ctx context.Context) (*Duck, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, fmt.Errorf("open DuckDB: %w", err)
	}
	db.SetMaxOpenConns(1)
	d := &Duck{db: db}
	return d, d.Exec(ctx, "SET threads = 2; SET TimeZone = 'UTC'; SET preserve_insertion_order = false;")
}

// Close closes it.
func (d *Duck) Close() error { return d.db.Close() }

// Exec runs statements.
func (d *Duck) Exec(ctx context.Context, text string) error {
	if _, err := d.db.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("DuckDB: %w in %s", err, text)
	}
	return nil
}

// Rows returns the rows of a query, every column as text, in no order; a null is "\N".
func (d *Duck) Rows(ctx context.Context, query string) ([][]string, error) {
	query = strings.TrimSuffix(strings.TrimSpace(query), ";")
	rows, err := d.db.QueryContext(ctx, "SELECT COLUMNS(*)::VARCHAR FROM ("+query+")")
	if err != nil {
		return nil, fmt.Errorf("DuckDB: %w in %s", err, query)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("DuckDB: %w", err)
	}
	var out [][]string
	cells, ptrs := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range cells {
		ptrs[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(ptrs...); err != nil {
			return nil, fmt.Errorf("DuckDB: %w", err)
		}
		row := make([]string, len(names))
		for i, c := range cells {
			row[i] = Null
			if c.Valid {
				row[i] = c.String
			}
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// Null is a null among texts.
const Null = "\\N"
