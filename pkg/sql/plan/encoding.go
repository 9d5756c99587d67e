package plan

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// formats maps every spelling of a format to the canonical one.
var formats = map[string]string{
	"json": "json", "ndjson": "json", "csv": "csv", "delimited": "csv",
	"msgpack": "msgpack", "raw": "raw", "kafka": "kafka", "none": "none", "debezium": "debezium",
}

// fileFormats are formats of files that would need a library larger than Leat; each with what converts them.
var fileFormats = map[string]string{
	"parquet": "duckdb -c \"COPY (FROM 'x.parquet') TO 'x.ndjson'\" converts it",
	"arrow":   "convert it to NDJSON or CSV, with DuckDB or pyarrow",
	"orc":     "convert it to NDJSON or CSV",
}

// foreignFile tells the format of a file that Leat does not read, by the ending of its name, and what to do; how is ""
// for others.
func foreignFile(path string) (name, how string) {
	name = strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")
	return name, fileFormats[name]
}

// foreignFormats need a schema registry; each with what replaces it.
var foreignFormats = map[string]string{
	"avro": "json or msgpack", "protobuf": "json or msgpack", "protobuf_nosr": "json or msgpack", "json_sr": "json",
}

// given is a format that a statement names.
type given struct {
	name string // canonical; "" where the statement is silent
	at   ast.Span
}

// formatProps are the format properties of a statement.
type formatProps struct {
	both, value, key given
	keyDelimAt       ast.Span
}

func formatNamed(v string, at ast.Span) (string, error) {
	low := strings.ToLower(v)
	if f, ok := formats[low]; ok {
		return f, nil
	}
	if other, ok := foreignFormats[low]; ok {
		return "", sqlerr.New(sqlerr.NotSupported, at, "format %s is not supported: it needs a schema registry",
			strings.ToUpper(v)).WithHint("use %s, with the columns in the statement", other)
	}
	if how, ok := fileFormats[low]; ok {
		return "", sqlerr.New(sqlerr.NotSupported, at, "format %s is not supported", strings.ToUpper(v)).
			WithHint("%s", how)
	}
	return "", sqlerr.New(sqlerr.BadProperty, at, "there is no format %s", strings.ToUpper(v)).
		WithHint("formats: json, csv (delimited), msgpack, raw, kafka, debezium, none")
}

func setFormat(get func(*formatProps) *given) func(*definition, string, ast.Span) error {
	return func(d *definition, v string, at ast.Span) error {
		name, err := formatNamed(v, at)
		*get(&d.formats) = given{name, at}
		return err
	}
}

// resolveFormats decides the formats of value and key: what the statement says, else otherwise.
func (d *definition) resolveFormats(otherwise Encoding) error {
	f := &d.formats
	for _, one := range []given{f.value, f.key} {
		if f.both.name != "" && one.name != "" {
			return sqlerr.New(sqlerr.BadProperty, one.at, "FORMAT gives the formats of key and value already").
				WithHint("leave FORMAT or this one out")
		}
	}
	e := &d.o.Encoding
	e.Value, e.Key = otherwise.Value, otherwise.Key
	if f.both.name != "" {
		e.Value, e.Key = f.both.name, f.both.name
	}
	if f.value.name != "" {
		e.Value = f.value.name
	}
	if f.key.name != "" {
		e.Key = f.key.name
	}
	d.formatSet = f.both.name != "" || f.value.name != ""
	e.ValueDelimiter = d.s.Delimiter
	if d.formatSet {
		d.s.Format = e.Value
	}
	return d.checkDelimiters(otherwise)
}

func (d *definition) checkDelimiters(otherwise Encoding) error {
	e := &d.o.Encoding
	if e.KeyDelimiter != "" && e.Key != "csv" {
		return sqlerr.New(sqlerr.BadProperty, d.formats.keyDelimAt,
			"a delimiter belongs to format delimited; the key is %s", e.Key)
	}
	if e.ValueDelimiter != "" && d.profile == expr.Ksql && e.Value != "csv" {
		return sqlerr.New(sqlerr.BadProperty, d.delimAt, "a delimiter belongs to format delimited; this is %s", e.Value)
	}
	if e.ValueDelimiter == "" && e.Value == "csv" && otherwise.Value == "csv" {
		e.ValueDelimiter = otherwise.ValueDelimiter
	}
	if e.KeyDelimiter == "" && e.Key == "csv" && otherwise.Key == "csv" {
		e.KeyDelimiter = otherwise.KeyDelimiter
	}
	return nil
}

// checkEncoding refuses columns that the formats of a ksql object cannot hold.
func (d *definition) checkEncoding(at ast.Span) error {
	var keys, values []Column
	for i, c := range d.o.Columns {
		switch {
		case d.o.bound(i), c.OfHeaders():
		case slices.Contains(d.o.Key, i):
			keys = append(keys, c)
		default:
			values = append(values, c)
		}
	}
	if err := holds("key", d.o.Encoding.Key, keys, at); err != nil {
		return err
	}
	return holds("value", d.o.Encoding.Value, values, at)
}

// bound tells that a column is a bound of the window, which is part of the key but of no format.
func (o *Object) bound(i int) bool {
	name := o.Columns[i].Name
	return o.Windowed && (name == windowStart || name == windowEnd)
}

// Bounds are the columns of a windowed object that hold its bounds; -1, -1 without windows.
func (o *Object) Bounds() (start, end int) {
	start, end = -1, -1
	for i, c := range o.Columns {
		switch {
		case !o.bound(i):
		case c.Name == windowStart:
			start = i
		default:
			end = i
		}
	}
	return start, end
}

func holds(what, format string, cols []Column, at ast.Span) error {
	for _, c := range cols {
		nested := c.Type.Phys() == vector.PhysNested
		switch {
		case nested && (format == "csv" || format == "kafka"),
			format == "kafka" && !bareKinds[c.Type.Kind]:
			return sqlerr.New(sqlerr.TypeMismatch, at, "format %s cannot hold column %q of type %s", spelled(format),
				c.Name, c.Type).WithHint("%s_format = 'JSON' can", what)
		}
	}
	switch {
	case format == "none" && len(cols) > 0:
		return sqlerr.New(sqlerr.BadProperty, at, "format NONE has no columns; the %s has %q", what, cols[0].Name)
	case format == "kafka" && len(cols) > 1:
		return sqlerr.New(sqlerr.BadProperty, at, "format KAFKA holds one column; the %s has %d", what, len(cols)).
			WithHint("%s_format = 'JSON' or 'DELIMITED' holds several", what)
	}
	return nil
}

// bareKinds are the types of a bare value.
var bareKinds = map[vector.Kind]bool{
	vector.Int: true, vector.BigInt: true, vector.Double: true, vector.String: true, vector.Bytes: true,
}

// spelled is the name of a format as ksqlDB spells it.
func spelled(format string) string {
	if format == "csv" {
		return "DELIMITED"
	}
	return strings.ToUpper(format)
}
