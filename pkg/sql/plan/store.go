package plan

import (
	"regexp"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const (
	defaultRefreshMs = 10_000
	leastRefreshMs   = 100
)

var bucketName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,255}$`)

// password finds a secret in a connection string.
var password = regexp.MustCompile(`(?i)^[a-z]+://[^/@]*:[^/@]+@|\b(ssl)?password\s*=`)

// HoldsPassword tells that a connection string holds a secret, which the catalog would keep and show.
func HoldsPassword(dsn string) bool { return password.MatchString(dsn) }

func setDSN(d *definition, v string, at ast.Span) error {
	if HoldsPassword(v) {
		return sqlerr.New(sqlerr.BadProperty, at, "a password in a statement would be kept in the catalog").
			WithHint("the environment of the server holds it: PGPASSWORD, or a file that PGPASSFILE names")
	}
	return setString(func(d *definition) *string { return &d.s.DSN })(d, v, at)
}

// store checks what the connectors of buckets and databases need.
func (d *definition) store(c *ast.Create) error {
	s := d.s
	wants := map[string]ast.ObjectKind{"kv": ast.Table, "object": ast.Stream, "postgres": ast.Table}
	kind, ok := wants[s.Connector]
	switch {
	case !ok && (s.Bucket != "" || s.Table != "" || s.RefreshMs != 0):
		return sqlerr.New(sqlerr.BadProperty, c.Name.At, "bucket, table and refresh have no meaning for connector %s",
			s.Connector).WithHint("connector = 'kv', 'object' or 'postgres'")
	case !ok:
		return nil
	case c.Kind != kind && kind == ast.Table:
		return unsupported(c.Name.At, "a stream from connector "+s.Connector).
			WithHint("CREATE TABLE reads it; SELECT .. EMIT CHANGES follows its changes")
	case c.Kind != kind:
		return unsupported(c.Name.At, "a table from connector "+s.Connector).WithHint("CREATE STREAM reads it")
	}
	if s.Connector != "postgres" {
		if s.DSN != "" || s.Table != "" || s.RefreshMs != 0 {
			return sqlerr.New(sqlerr.BadProperty, c.Name.At, "dsn, table and refresh belong to connector postgres")
		}
		if !bucketName.MatchString(s.Bucket) {
			return sqlerr.New(sqlerr.BadProperty, c.Name.At, "connector %s needs the name of a bucket", s.Connector).
				WithHint("WITH (connector = '%s', bucket = 'prices')", s.Connector)
		}
		return nil
	}
	return d.postgres(c)
}

func (d *definition) postgres(c *ast.Create) error {
	s := d.s
	switch {
	case s.DSN == "":
		return sqlerr.New(sqlerr.BadProperty, c.Name.At, "connector postgres needs a dsn").
			WithHint("WITH (connector = 'postgres', dsn = 'postgres://user@host/db', table = 'customers')")
	case s.Bucket != "":
		return sqlerr.New(sqlerr.BadProperty, c.Name.At, "a bucket has no meaning for connector postgres")
	case s.RefreshMs == 0:
		s.RefreshMs = defaultRefreshMs
	case s.RefreshMs < leastRefreshMs:
		return sqlerr.New(sqlerr.BadProperty, c.Name.At, "refresh is at least %d ms", leastRefreshMs)
	}
	if s.Table == "" {
		s.Table = strings.ToLower(d.o.Name)
	}
	return nil
}

// storeColumns checks the columns against the connector and the format.
func (d *definition) storeColumns(c *ast.Create) error {
	s := d.s
	headers := len(d.o.HeaderColumns()) > 0
	switch {
	case (s.Connector == "postgres" || s.Connector == "object") && headers:
		return sqlerr.New(sqlerr.BadStatement, c.Name.At, "rows of connector %s have no headers", s.Connector)
	case (s.Connector == "postgres" || s.Connector == "object") && s.Format != "json":
		return sqlerr.New(sqlerr.BadProperty, c.Name.At, "connector %s has no format", s.Connector).
			WithHint("leave the format out")
	case s.Connector == "kv" && s.Format == "csv":
		return unsupported(c.Name.At, "format csv in a KV bucket").WithHint("json, msgpack, raw or kafka")
	case s.Format == "debezium" && c.Kind == ast.Stream && len(d.o.Key) > 0 && d.profile == expr.Ksql:
		return unsupported(c.Name.At, "format debezium of a stream in the ksql profile").WithHint("CREATE TABLE")
	}
	if s.Connector != "object" {
		return nil
	}
	known := map[string]vector.Kind{
		"name": vector.String, "size": vector.BigInt, "digest": vector.String, "modified": vector.Timestamp,
		"data": vector.Bytes, "deleted": vector.Boolean,
	}
	for i, col := range d.o.Columns {
		kind, ok := known[strings.ToLower(col.Name)]
		if !ok || kind != col.Type.Kind {
			return sqlerr.New(sqlerr.BadStatement, c.Columns[i].At, "an object store has no column %q of type %s",
				col.Name, col.Type).
				WithHint("name STRING, size BIGINT, digest STRING, modified TIMESTAMP, data BYTES, deleted BOOLEAN")
		}
	}
	return nil
}

// nullable formats are those of which a record may lack its value.
var nullable = []string{"json", "msgpack", "debezium"}

// NullValues says what a record without a value is to an object: "key" ends the row of its key, "row" is a row with
// null values, "none" is nothing, "" is a bad record.
func (o *Object) NullValues() string {
	switch {
	case o.Source != nil && o.Source.Connector == "kv":
		return "key"
	case o.Source == nil || !slices.Contains(nullable, o.Source.Format):
		return ""
	case o.Source.Format == "debezium":
		return "none"
	case o.Kind == ast.Table && len(o.Key) > 0:
		return "key"
	case o.Profile == ProfileKsql && o.Kind == ast.Stream:
		return "row"
	default:
		return ""
	}
}
