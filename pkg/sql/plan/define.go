package plan

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Defaults are what a session brings to a declaration.
type Defaults struct {
	Partitions int // 8; 1 in leat run
	Profile    expr.Profile
	// KeyFormat and ValueFormat are the formats of a session; "" leaves them to the profile.
	KeyFormat, ValueFormat string
}

// Defaults of a declared source.
const (
	defaultIdleMs      = 5_000
	defaultMaxFutureMs = 3_600_000
)

// Define makes the object of a CREATE STREAM or TABLE that declares a source. Warnings are for the user.
func Define(c *ast.Create, def Defaults) (o *Object, warnings []string, err error) {
	d := newDefinition(c, def)
	if err := d.source(c, def); err != nil {
		return nil, nil, err
	}
	if err := d.columns(c); err != nil {
		return nil, nil, err
	}
	if err := d.keys(c); err != nil {
		return nil, nil, err
	}
	if err := d.windowed(c); err != nil {
		return nil, nil, err
	}
	if err := d.eventTime(); err != nil {
		return nil, nil, err
	}
	if err := d.checkColumns(); err != nil {
		return nil, nil, err
	}
	if err := d.storeColumns(c); err != nil {
		return nil, nil, err
	}
	if d.profile == expr.Ksql {
		if err := d.ksqlObject(c); err != nil {
			return nil, nil, err
		}
	}
	if d.s.Delimiter != "" && d.s.Format != "csv" && (d.formatSet || d.s.Path != "") {
		return nil, nil, sqlerr.New(sqlerr.BadProperty, d.delimAt, "a delimiter belongs to format csv; this is %s",
			d.s.Format)
	}
	if d.o.Topic == "" {
		d.o.Topic = TopicName(d.o.Name)
	}
	if !validTopic(d.o.Topic) {
		return nil, nil, sqlerr.New(sqlerr.BadProperty, c.Name.At, "%q cannot name a topic", d.o.Topic).
			WithHint("WITH (topic = 'letters_digits_underscores') names one")
	}
	d.o.Source = d.s
	return d.o, d.warnings, nil
}

func newDefinition(c *ast.Create, def Defaults) *definition {
	return &definition{profile: def.Profile, o: &Object{
		Name: c.Name.Name, Kind: c.Kind, Statement: c.Text, Partitions: max(1, def.Partitions),
		ReadOnly: c.Source,
	}, s: &Source{
		OnError: "dlq", Late: "drop", IdleMs: defaultIdleMs, MaxFutureMs: -1,
		Header: "auto",
	}}
}

// source reads what a statement says of where rows come from and how they are written.
func (d *definition) source(c *ast.Create, def Defaults) error {
	if c.FromNATS != "" || c.FromFile != "" {
		d.s.Subject, d.s.Path = c.FromNATS, c.FromFile
	}
	if err := d.apply(c.With, nil); err != nil {
		return err
	}
	if err := d.declaredFormats(c, def); err != nil {
		return err
	}
	return d.connector(c)
}

// TopicName is the topic of an object: its name in lower case.
func TopicName(name string) string { return strings.ToLower(name) }

// validTopic is the rule for topic names: [a-z][a-z0-9_]{0,62}.
func validTopic(t string) bool {
	for i := range len(t) {
		c := t[i]
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return len(t) > 0 && len(t) <= 63
}

// connector chooses the connector that the properties imply and checks what it needs.
func (d *definition) connector(c *ast.Create) error {
	s := d.s
	given := map[string]string{
		"nats": s.Subject, "file": s.Path, "http": s.URL, "generator": s.Generator, "postgres": s.DSN,
	}
	if s.Connector == "" {
		for _, name := range connectors {
			if given[name] == "" {
				continue
			}
			if s.Connector != "" {
				return sqlerr.New(sqlerr.BadProperty, c.Name.At,
					"%s: subject, path, url, generator and dsn exclude each other", c.Name.Name)
			}
			s.Connector = name
		}
	}
	switch s.Connector {
	case "":
		s.Connector = "http" // rows come by INSERT and POST
	case "nats":
		if s.Subject == "" {
			return sqlerr.New(sqlerr.BadProperty, c.Name.At, "connector nats needs a subject").
				WithHint("WITH (subject = 'orders.>')")
		}
		if why := badSubject(s.Subject); why != "" {
			return sqlerr.New(sqlerr.BadProperty, d.subjectSpan(c), "subject %q %s", s.Subject, why).
				WithHint("tokens between dots; * is one token, > the rest: orders.*, orders.>")
		}
	case "file":
		if s.Path == "" {
			return sqlerr.New(sqlerr.BadProperty, c.Name.At, "connector file needs a path").
				WithHint("WITH (path = 'orders.csv')")
		}
	case "generator":
		if s.Generator == "" {
			return sqlerr.New(sqlerr.BadProperty, c.Name.At, "connector generator needs a generator").
				WithHint("WITH (generator = 'trades')")
		}
	}
	if err := d.store(c); err != nil {
		return err
	}
	if s.MaxFutureMs < 0 {
		s.MaxFutureMs = defaultMaxFutureMs
		if s.Connector == "file" || s.Connector == "stdin" {
			s.MaxFutureMs = 0
		}
	}
	if s.Delivery == "" {
		s.Delivery = "jetstream"
	}
	if s.Format == "" {
		if name, how := foreignFile(s.Path); how != "" {
			return unsupported(d.pathSpan(c), "format "+strings.ToUpper(name)).WithHint("%s", how)
		}
		s.Format = FormatOfPath(s.Path, "json")
	}
	if p := strings.TrimSuffix(strings.ToLower(s.Path), ".gz"); strings.HasSuffix(p, ".tsv") && s.Delimiter == "" {
		s.Delimiter = "\t"
	}
	return nil
}

// FormatOfPath is the format that the ending of a path names, or otherwise.
func FormatOfPath(path, otherwise string) string {
	p := strings.TrimSuffix(strings.ToLower(path), ".gz")
	switch {
	case strings.HasSuffix(p, ".csv"), strings.HasSuffix(p, ".tsv"):
		return "csv"
	case strings.HasSuffix(p, ".json"), strings.HasSuffix(p, ".ndjson"), strings.HasSuffix(p, ".jsonl"):
		return "json"
	default:
		return otherwise
	}
}

// maxSubject is the longest subject a source may name, in bytes.
const maxSubject = 1024

// badSubject says what is wrong with the subject of a source; "" if nothing is.
func badSubject(s string) string {
	if len(s) > maxSubject {
		return "is too long"
	}
	tokens := strings.Split(s, ".")
	for i, t := range tokens {
		switch {
		case t == "":
			return "has an empty token"
		case strings.ContainsAny(t, " \t\r\n\f\x00"):
			return "holds white space"
		case t == ">" && i < len(tokens)-1:
			return "has > before its end"
		}
	}
	switch first := tokens[0]; {
	case first == ">":
		return "takes everything, the server's own subjects too"
	case first == "leat", first == "_leat", first == "_INBOX", strings.HasPrefix(first, "$"):
		return "belongs to the server or to Leat"
	}
	return ""
}

func (d *definition) subjectSpan(c *ast.Create) ast.Span { return givenAt(c, "subject") }

func (d *definition) pathSpan(c *ast.Create) ast.Span { return givenAt(c, "path", "file") }

// givenAt is where a statement gives one of some properties, or what stands in FROM.
func givenAt(c *ast.Create, names ...string) ast.Span {
	for _, w := range c.With {
		if slices.Contains(names, w.Name) {
			return w.At
		}
	}
	if c.FromNATS != "" || c.FromFile != "" {
		return c.FromAt
	}
	return c.Name.At
}

// reservedColumns are the names of row metadata; a column of that name could not be told from it.
var reservedColumns = []string{"rowtime", "rowpartition", "rowoffset", "windowstart", "windowend"}

func refuseReserved(name string, at ast.Span) error {
	if !slices.Contains(reservedColumns, strings.ToLower(name)) {
		return nil
	}
	return sqlerr.New(sqlerr.BadStatement, at, "%q is the name of row metadata; a column may not have it", name).
		WithHint("choose another name (AS ...)")
}

func (d *definition) columns(c *ast.Create) error {
	if len(c.Columns) == 0 {
		return NoColumns(c, "nothing is known of its rows here")
	}
	if len(c.Columns) > maxColumns {
		return sqlerr.New(sqlerr.TooLarge, c.Columns[maxColumns].At, "%d columns; the limit is %d", len(c.Columns),
			maxColumns)
	}
	for _, col := range c.Columns {
		if err := d.header(&col); err != nil {
			return err
		}
		if err := checkType(col.Type, 1, col.At); err != nil {
			return err
		}
		if err := refuseReserved(col.Name.Name, col.At); err != nil {
			return err
		}
		if slices.ContainsFunc(c.Columns[:len(d.o.Columns)], func(o ast.ColumnDef) bool {
			return same(col.Name, o.Name.Name) || same(o.Name, col.Name.Name)
		}) {
			return sqlerr.New(sqlerr.Ambiguous, col.At, "two columns are named %q", col.Name.Name)
		}
		d.o.Columns = append(d.o.Columns, Column{
			Name: col.Name.Name, Type: col.Type, Headers: col.Headers, Header: col.Header,
		})
	}
	return nil
}

// keys takes the key from KEY and PRIMARY KEY behind columns, or from the property.
func (d *definition) keys(c *ast.Create) error {
	for i, col := range c.Columns {
		if col.Key || col.Primary {
			d.o.Key = append(d.o.Key, i)
			d.o.Columns[i].Key = true
		}
		if col.Primary && c.Kind == ast.Stream {
			d.warnings = append(d.warnings, "PRIMARY KEY of a stream is taken as KEY: a stream keeps every row")
		}
	}
	for _, k := range d.key {
		i := d.column(k)
		if i < 0 {
			return d.noColumn(k, d.keyAt)
		}
		if !slices.Contains(d.o.Key, i) {
			d.o.Key = append(d.o.Key, i)
			d.o.Columns[i].Key = true
		}
	}
	for _, i := range d.o.Key {
		if err := refuseMapKey(d.o.Columns[i].Type, c.Columns[i].At); err != nil {
			return err
		}
	}
	if c.Kind == ast.Table && len(d.o.Key) == 0 {
		return sqlerr.New(sqlerr.BadStatement, c.Name.At, "table %s needs a primary key", c.Name.Name).
			WithHint("write PRIMARY KEY behind a column")
	}
	d.o.Updating = c.Kind == ast.Table
	return nil
}

func (d *definition) column(name string) int {
	i := slices.IndexFunc(d.o.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		i = slices.IndexFunc(d.o.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
	}
	return i
}

func (d *definition) noColumn(name string, at ast.Span) error {
	names := make([]string, len(d.o.Columns))
	for i, c := range d.o.Columns {
		names[i] = c.Name
	}
	e := sqlerr.New(sqlerr.UnknownColumn, at, "no column %q in %s", name, d.o.Name)
	if near := sqlerr.Nearest(name, names); near != "" {
		return e.WithHint("did you mean %q?", near)
	}
	return e.WithHint("columns: %s", strings.Join(names, ", "))
}

func (d *definition) eventTime() error {
	if d.o.EventTime == "" {
		if d.o.EventTimeFormat != "" {
			return sqlerr.New(sqlerr.BadProperty, d.timeFmtAt, "event_time_format needs event_time").
				WithHint("WITH (event_time = 'ts', event_time_format = '...')")
		}
		return nil
	}
	i := d.column(d.o.EventTime)
	if i < 0 {
		return d.noColumn(d.o.EventTime, d.eventAt)
	}
	d.o.EventTime = d.o.Columns[i].Name
	switch k := d.o.Columns[i].Type.Kind; {
	case d.o.EventTimeFormat != "" && k != vector.String:
		return sqlerr.New(sqlerr.BadProperty, d.timeFmtAt, "event_time_format belongs to a STRING; %q is %s",
			d.o.EventTime, d.o.Columns[i].Type)
	case k == vector.BigInt, k == vector.Timestamp:
	case k == vector.String && d.o.EventTimeFormat != "":
	case k == vector.String:
		return sqlerr.New(sqlerr.BadProperty, d.eventAt, "event_time %q is a STRING; its form is not known",
			d.o.EventTime).
			WithHint("declare it TIMESTAMP (ISO), or add event_time_format = 'yyyy-MM-dd HH:mm:ss'")
	default:
		return sqlerr.New(sqlerr.BadProperty, d.eventAt, "event_time is BIGINT ms or TIMESTAMP; %q is %s",
			d.o.EventTime, d.o.Columns[i].Type)
	}
	return nil
}

// maxTypeDepth bounds how deep types may lie inside one another.
const maxTypeDepth = 8

// checkType refuses a column type that no row can hold.
func checkType(t vector.Type, depth int, at ast.Span) error {
	if depth > maxTypeDepth {
		return sqlerr.New(sqlerr.TooLarge, at, "types are nested more than %d deep", maxTypeDepth)
	}
	inner := []vector.Type{}
	switch t.Kind {
	case vector.Interval, vector.Null:
		return unsupported(at, "a column of type "+t.String())
	case vector.Array:
		inner = append(inner, *t.Elem)
	case vector.Map:
		inner = append(inner, *t.Key, *t.Elem)
	case vector.Struct:
		for i, f := range t.Fields {
			inner = append(inner, f.Type)
			if slices.ContainsFunc(t.Fields[:i], func(g vector.Field) bool { return g.Name == f.Name }) {
				return sqlerr.New(sqlerr.Ambiguous, at, "two fields are named %q", f.Name)
			}
		}
	default:
	}
	for _, i := range inner {
		if err := checkType(i, depth+1, at); err != nil {
			return err
		}
	}
	return nil
}
