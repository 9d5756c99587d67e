// Package plan binds statements to a catalog and makes plans of them: names and types, a logical tree, rules, and the
// physical plan of stages and exchanges. It does no I/O; the same statement over the same objects gives the same plan.
package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Object is a stream or table as the planner and the services know it. It is plain data: the catalog keeps it as JSON.
type Object struct {
	Name    string         `json:"name"` // as declared
	Kind    ast.ObjectKind `json:"kind"`
	Columns []Column       `json:"columns"`
	// Key lists the key columns: what partitions the topic; the primary key of a table.
	Key []int `json:"key,omitempty"`
	// Part lists the columns whose hash places a row on its partition; nil: Key.
	Part []int `json:"part"`
	// EventTime is the column that gives the event time; "" is the broker's append time (declared objects) or the time
	// that the rows bring along (derived ones).
	EventTime       string `json:"event_time,omitempty"`
	EventTimeFormat string `json:"event_time_format,omitempty"`
	// DelayMs is the watermark delay; DelaySet tells that the statement (or an input's) declared it.
	DelayMs  int64 `json:"delay_ms,omitempty"`
	DelaySet bool  `json:"delay_set,omitempty"`
	// Topic is the log's name, Partitions its number of partitions.
	Topic      string `json:"topic"`
	Partitions int    `json:"partitions"`
	// Source describes where rows come from; nil for a derived object.
	Source *Source `json:"source,omitempty"`
	// Query is the id of the query that writes a derived object.
	Query string `json:"query,omitempty"`
	// Windowed: the key includes window_start and window_end.
	Windowed bool `json:"windowed,omitempty"`
	// Updating: rows may be updates and deletes (a changelog), not only inserts.
	Updating bool `json:"updating,omitempty"`
	// Statement is the text that made the object.
	Statement string `json:"statement"`
	ReadOnly  bool   `json:"read_only,omitempty"` // SOURCE
	// Profile is the dialect of the statement that made the object; "" is leat.
	Profile string `json:"profile,omitempty"`
	// External is the topic as the statement names it, where it is another name than the log's (profile ksql).
	External string   `json:"external,omitempty"`
	Encoding Encoding `json:"encoding,omitzero"`
	// WindowType and WindowMs tell how the windows of the key lie: TUMBLING, HOPPING, SESSION; "" without windows.
	WindowType string `json:"window_type,omitempty"`
	WindowMs   int64  `json:"window_ms,omitempty"`
}

// Encoding is how the records of an object are written outside of Leat: formats of value and key, in their canonical
// spelling (json, csv, kafka, none, ...), and the delimiters of csv.
type Encoding struct {
	Value          string `json:"value,omitempty"`
	ValueDelimiter string `json:"value_delimiter,omitempty"`
	Key            string `json:"key,omitempty"`
	KeyDelimiter   string `json:"key_delimiter,omitempty"`
}

// Column is a column of an object.
type Column struct {
	Name string      `json:"name"`
	Type vector.Type `json:"type"`
	Key  bool        `json:"key,omitempty"`
	// Headers: the column holds all headers of the record; Header: the last one of that name. Neither is in the value.
	Headers bool   `json:"headers,omitempty"`
	Header  string `json:"header,omitempty"`
}

// OfHeaders tells that the column is filled from the headers of a record.
func (c Column) OfHeaders() bool { return c.Headers || c.Header != "" }

// HeaderColumns are the columns that headers fill: the header of each, "" for the list of all; nil where there
// are none.
func (o *Object) HeaderColumns() map[int]string {
	var out map[int]string
	for i, c := range o.Columns {
		if !c.OfHeaders() {
			continue
		}
		if out == nil {
			out = map[int]string{}
		}
		out[i] = c.Header
	}
	return out
}

// Source is the WITH clause of a declared object, resolved.
type Source struct {
	Connector     string            `json:"connector"` // nats, file, stdin, http, generator, kv, object, postgres
	Path          string            `json:"path,omitempty"`
	Subject       string            `json:"subject,omitempty"`
	URL           string            `json:"url,omitempty"`
	Generator     string            `json:"generator,omitempty"`
	Bucket        string            `json:"bucket,omitempty"`     // kv, object
	DSN           string            `json:"dsn,omitempty"`        // postgres
	Table         string            `json:"table,omitempty"`      // postgres
	RefreshMs     int64             `json:"refresh_ms,omitempty"` // postgres
	Format        string            `json:"format"`               // json, csv, msgpack, raw, debezium
	Delimiter     string            `json:"delimiter,omitempty"`
	Header        string            `json:"header,omitempty"`   // auto, true, false
	Delivery      string            `json:"delivery,omitempty"` // jetstream (default), core
	OnError       string            `json:"on_error"`           // dlq, skip, fail_fast
	Late          string            `json:"late"`               // drop, topic
	IdleMs        int64             `json:"idle_ms"`
	MaxFutureMs   int64             `json:"max_future_ms"` // 0: off
	CorrelationID string            `json:"correlation_id,omitempty"`
	RecordID      string            `json:"record_id,omitempty"`
	MaxBytes      int64             `json:"max_bytes,omitempty"`
	Retention     int64             `json:"retention,omitempty"`
	Follow        bool              `json:"follow,omitempty"`
	Options       map[string]string `json:"options,omitempty"` // rate, limit, seed, ... of a generator
}

// KeyNames are the names of the key columns.
func (o *Object) KeyNames() []string {
	out := make([]string, 0, len(o.Key))
	for _, k := range o.Key {
		if !o.bound(k) {
			out = append(out, o.Columns[k].Name)
		}
	}
	return out
}

// OptionEager is the option of a source that lets a file be read before anybody reads the stream: a table that has to
// be complete before its streams start.
const OptionEager = "eager"

// Placement lists the columns whose hash places a row on its partition; without any, rows lie where their writer put
// them.
func (o *Object) Placement() []int {
	if o.Part != nil {
		return o.Part
	}
	return o.Key
}

// Schema returns the columns as a schema.
func (o *Object) Schema() *vector.Schema {
	s := &vector.Schema{Fields: make([]vector.Field, len(o.Columns))}
	for i, c := range o.Columns {
		s.Fields[i] = vector.Field{Name: c.Name, Type: c.Type}
	}
	return s
}

// Catalog finds objects by name.
type Catalog interface {
	// Object returns the object that an identifier names: quoted names match exactly, others without regard to case.
	Object(name ast.Ident) (*Object, bool)
	// Names lists all objects, sorted, for hints.
	Names() []string
}

// Objects is a Catalog in memory.
type Objects map[string]*Object

// Object implements Catalog.
func (c Objects) Object(name ast.Ident) (*Object, bool) {
	if o, ok := c[name.Name]; ok {
		return o, true
	}
	if name.Quoted || name.Exact {
		return nil, false
	}
	for _, n := range c.Names() {
		if strings.EqualFold(n, name.Name) {
			return c[n], true
		}
	}
	return nil, false
}

// Names implements Catalog.
func (c Objects) Names() []string {
	return slices.Sorted(maps.Keys(c))
}

func lookup(c Catalog, name ast.Ident) (*Object, error) {
	if o, ok := c.Object(name); ok {
		return o, nil
	}
	e := sqlerr.New(sqlerr.UnknownObject, name.At, "no stream or table %q", name.Name)
	if near := sqlerr.Nearest(name.Name, c.Names()); near != "" {
		return nil, e.WithHint("did you mean %q?", near)
	}
	if names := c.Names(); len(names) > 0 {
		return nil, e.WithHint("there are: %s", strings.Join(names, ", "))
	}
	return nil, e.WithHint("CREATE STREAM %s (...) WITH (...) declares one", name.Name)
}
