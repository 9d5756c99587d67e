package plan

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// property is one row of the table of WITH properties.
type property struct {
	name    string
	aliases []string
	apply   func(d *definition, v string, at ast.Span) error
}

// definition is an object while its WITH clause is read.
type definition struct {
	o         *Object
	s         *Source
	key       []string
	keyAt     ast.Span
	warnings  []string
	eventAt   ast.Span
	profile   expr.Profile
	formats   formatProps
	formatSet bool
	named     []namedColumn
	delimAt   ast.Span // of delimiter, if given
	windowAt  ast.Span // of window_size, if given
	timeFmtAt ast.Span // of event_time_format, if given
}

func setString(get func(*definition) *string) func(*definition, string, ast.Span) error {
	return func(d *definition, v string, at ast.Span) error {
		if v == "" {
			return sqlerr.New(sqlerr.BadProperty, at, "an empty value has no meaning here").
				WithHint("leave the property out")
		}
		*get(d) = v
		return nil
	}
}

// setColumn keeps a name that must be one of the columns; checkColumns looks it up when they are known.
func setColumn(get func(*definition) *string) func(*definition, string, ast.Span) error {
	return func(d *definition, v string, at ast.Span) error {
		d.named = append(d.named, namedColumn{get(d), at})
		*get(d) = v
		return nil
	}
}

// namedColumn is a property that names a column.
type namedColumn struct {
	name *string
	at   ast.Span
}

// checkColumns refuses properties that name no column, and gives the others the name as declared.
func (d *definition) checkColumns() error {
	for _, n := range d.named {
		i := d.column(*n.name)
		if i < 0 {
			return d.noColumn(*n.name, n.at)
		}
		*n.name = d.o.Columns[i].Name
	}
	return nil
}

func setDuration(get func(*definition) *int64) func(*definition, string, ast.Span) error {
	return func(d *definition, v string, at ast.Span) error {
		ms, ok := ParseDuration(v)
		if !ok {
			return sqlerr.New(sqlerr.BadProperty, at, "%q is not a duration", v).
				WithHint("write 500ms, 10s, 5m, 2h, 1d or a number of ms")
		}
		*get(d) = ms
		return nil
	}
}

func setBytes(get func(*definition) *int64) func(*definition, string, ast.Span) error {
	return func(d *definition, v string, at ast.Span) error {
		n, ok := ParseBytes(v)
		if !ok {
			return sqlerr.New(sqlerr.BadProperty, at, "%q is not a size", v).
				WithHint("write 64MB, 1GiB or a number of bytes")
		}
		*get(d) = n
		return nil
	}
}

func oneOf(get func(*definition) *string, allowed ...string) func(*definition, string, ast.Span) error {
	return func(d *definition, v string, at ast.Span) error {
		low := strings.ToLower(v)
		if !slices.Contains(allowed, low) {
			return sqlerr.New(sqlerr.BadProperty, at, "%q is not allowed here", v).
				WithHint("one of: %s", strings.Join(allowed, ", "))
		}
		*get(d) = low
		return nil
	}
}

var connectors = []string{"nats", "file", "stdin", "http", "generator", "kv", "object", "postgres"}

func setKey(d *definition, v string, at ast.Span) error {
	for k := range strings.SplitSeq(v, ",") {
		d.key = append(d.key, strings.TrimSpace(k))
	}
	d.keyAt = at
	return nil
}

func setCount(get func(*definition) *int, most int) func(*definition, string, ast.Span) error {
	return func(d *definition, v string, at ast.Span) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > most {
			return sqlerr.New(sqlerr.BadProperty, at, "%q is not a number from 1 to %d", v, most)
		}
		*get(d) = n
		return nil
	}
}

func ignored(why string) func(*definition, string, ast.Span) error {
	return func(d *definition, _ string, _ ast.Span) error {
		d.warnings = append(d.warnings, why)
		return nil
	}
}

// setNumber is an option whose value is a number from 0 to most; fraction allows parts.
func setNumber(name string, most float64, fraction bool) func(*definition, string, ast.Span) error {
	return func(d *definition, v string, at ast.Span) error {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || !(n >= 0 && n <= most) || !fraction && n != math.Trunc(n) {
			return sqlerr.New(sqlerr.BadProperty, at, "%s: %q is not a number from 0 to %.0f", name, v, most)
		}
		return setOption(name)(d, v, at)
	}
}

func setOption(name string) func(*definition, string, ast.Span) error {
	return func(d *definition, v string, _ ast.Span) error {
		if d.s.Options == nil {
			d.s.Options = map[string]string{}
		}
		d.s.Options[name] = v
		return nil
	}
}

// maxPartitions bounds a topic: one subject and one task each.
const maxPartitions = 1024

func properties() []property {
	return slices.Concat(placeProperties(), formatProperties(), timeProperties(), sourceProperties())
}

// placeProperties say where the rows are.
func placeProperties() []property {
	return []property{
		{name: "connector", apply: oneOf(func(d *definition) *string { return &d.s.Connector }, connectors...)},
		{name: "topic", aliases: []string{"kafka_topic"}, apply: setString(func(d *definition) *string {
			return &d.o.Topic
		})},
		{name: "path", aliases: []string{"file"}, apply: setString(func(d *definition) *string { return &d.s.Path })},
		{name: "subject", apply: setString(func(d *definition) *string { return &d.s.Subject })},
		{name: "bucket", apply: setString(func(d *definition) *string { return &d.s.Bucket })},
		{name: "dsn", apply: setDSN},
		{name: "table", apply: setString(func(d *definition) *string { return &d.s.Table })},
		{name: "refresh", apply: setDuration(func(d *definition) *int64 { return &d.s.RefreshMs })},
		{name: "url", apply: setString(func(d *definition) *string { return &d.s.URL })},
		{name: "generator", apply: oneOf(func(d *definition) *string { return &d.s.Generator }, "trades", "quotes",
			"nexmark_person", "nexmark_auction", "nexmark_bid")},
	}
}

// formatProperties say how the rows are written.
func formatProperties() []property {
	return []property{
		{name: "format", apply: setFormat(func(f *formatProps) *given { return &f.both })},
		{name: "value_format", apply: setFormat(func(f *formatProps) *given { return &f.value })},
		{name: "key_format", apply: setFormat(func(f *formatProps) *given { return &f.key })},
		{name: "delimiter", aliases: []string{"value_delimiter"}, apply: setDelimiter},
		{name: "key_delimiter", apply: setKeyDelimiter},
		{name: "window_type", apply: oneOf(func(d *definition) *string {
			return &d.o.WindowType
		}, "tumbling", "hopping", "session")},
		{name: "window_size", apply: func(d *definition, v string, at ast.Span) error {
			d.windowAt = at
			return setDuration(func(d *definition) *int64 { return &d.o.WindowMs })(d, v, at)
		}},
		{name: "header", apply: oneOf(func(d *definition) *string { return &d.s.Header }, "auto", "true", "false")},
		{name: "key", apply: setKey},
	}
}

// timeProperties say what the time of a row is, and which rows are late.
func timeProperties() []property {
	return []property{
		{name: "event_time", aliases: []string{"timestamp"}, apply: func(d *definition, v string, at ast.Span) error {
			d.o.EventTime, d.eventAt = v, at
			return nil
		}},
		{
			name: "event_time_format", aliases: []string{"timestamp_format"},
			apply: func(d *definition, v string, at ast.Span) error {
				d.o.EventTimeFormat, d.timeFmtAt = v, at
				return nil
			},
		},
		{name: "watermark", apply: func(d *definition, v string, at ast.Span) error {
			d.o.DelaySet = true
			return setDuration(func(d *definition) *int64 { return &d.o.DelayMs })(d, v, at)
		}},
		{name: "late", apply: setLate},
		{name: "idle_timeout", apply: setDuration(func(d *definition) *int64 { return &d.s.IdleMs })},
		{name: "max_future", apply: setDuration(func(d *definition) *int64 { return &d.s.MaxFutureMs })},
	}
}

// sourceProperties say how the rows are taken and kept.
func sourceProperties() []property {
	return []property{
		{name: "on_error", apply: oneOf(func(d *definition) *string {
			return &d.s.OnError
		}, "dlq", "skip", "fail_fast")},
		{name: "delivery", apply: oneOf(func(d *definition) *string { return &d.s.Delivery }, "jetstream", "core")},
		{name: "correlation_id", apply: setColumn(func(d *definition) *string { return &d.s.CorrelationID })},
		{name: "record_id", apply: setColumn(func(d *definition) *string { return &d.s.RecordID })},
		{name: "partitions", apply: setCount(func(d *definition) *int { return &d.o.Partitions }, maxPartitions)},
		{name: "replicas", apply: setNumber("replicas", 5, false)},
		{name: "max_bytes", apply: setBytes(func(d *definition) *int64 { return &d.s.MaxBytes })},
		{name: "retention", apply: setBytes(func(d *definition) *int64 { return &d.s.Retention })},
		{name: "follow", apply: func(d *definition, v string, at ast.Span) error {
			var s string
			err := oneOf(func(*definition) *string { return &s }, "true", "false")(d, v, at)
			d.s.Follow = s == "true"
			return err
		}},
		{name: "rate", apply: setNumber("rate", 1e9, true)},
		{name: "limit", apply: setNumber("limit", 1e15, false)},
		{name: "seed", apply: setNumber("seed", 1e18, false)},
		{name: "symbols", apply: setNumber("symbols", 1e6, false)},
		{name: "event_rate", apply: setNumber("event_rate", 1e12, false)},
		{name: "group", apply: setNumber("group", 1e9, false)},
		{name: "retention_ms", apply: ignored("retention_ms is ignored: use retention, in bytes")},
		{name: "wrap_single_value", apply: ignored("wrap_single_value is ignored")},
	}
}

// setLate takes late = 'drop', where late rows are counted, and for a query late = 'topic', where they are a stream. A
// declared source has no late rows: they are late for a window of a query.
func setLate(d *definition, v string, at ast.Span) error {
	if strings.EqualFold(v, "topic") && d.o.Query == "" {
		return sqlerr.New(sqlerr.NotSupported, at, "late = 'topic' of a declaration is not supported").
			WithHint("CREATE TABLE .. WITH (late = 'topic') AS SELECT ..: rows are late for the windows of a query")
	}
	return oneOf(func(d *definition) *string { return &d.s.Late }, "drop", "topic")(d, v, at)
}

func setDelimiter(d *definition, v string, at ast.Span) error {
	v, err := delimiter(v, at)
	d.s.Delimiter, d.delimAt = v, at
	return err
}

func setKeyDelimiter(d *definition, v string, at ast.Span) error {
	v, err := delimiter(v, at)
	d.o.Encoding.KeyDelimiter, d.formats.keyDelimAt = v, at
	return err
}

func delimiter(v string, at ast.Span) (string, error) {
	switch strings.ToUpper(v) {
	case "TAB":
		v = "\t"
	case "SPACE":
		v = " "
	}
	if len(v) != 1 || v == `"` || v == "\n" {
		return "", sqlerr.New(sqlerr.BadProperty, at, "a delimiter is one character, TAB or SPACE")
	}
	return v, nil
}

// apply reads a WITH clause. allowed restricts it (nil: all).
func (d *definition) apply(with []ast.Property, allowed []string) error {
	all := properties()
	seen := map[string]bool{}
	for _, w := range with {
		i := slices.IndexFunc(all, func(p property) bool {
			return p.name == w.Name || slices.Contains(p.aliases, w.Name)
		})
		if i < 0 {
			return unknownProperty(w, all)
		}
		p := all[i]
		if allowed != nil && !slices.Contains(allowed, p.name) {
			return sqlerr.New(sqlerr.BadProperty, w.At, "property %q has no meaning here", w.Name).
				WithHint("allowed: %s", strings.Join(allowed, ", "))
		}
		if seen[p.name] {
			return sqlerr.New(sqlerr.BadProperty, w.At, "property %q is given twice", p.name)
		}
		seen[p.name] = true
		if err := p.apply(d, w.Value, w.At); err != nil {
			return err
		}
	}
	return nil
}

// PropertyNames lists the properties of a declaration, for completion.
func PropertyNames() []string {
	all := properties()
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.name
	}
	slices.Sort(names)
	return names
}

func unknownProperty(w ast.Property, all []property) error {
	if strings.Contains(w.Name, "schema") {
		return sqlerr.New(sqlerr.NotSupported, w.At, "a schema registry (%s) is not supported", w.Name).
			WithHint("declare the columns in the statement")
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.name
	}
	e := sqlerr.New(sqlerr.BadProperty, w.At, "no property %q", w.Name)
	if near := sqlerr.Nearest(w.Name, names); near != "" {
		return e.WithHint("did you mean %q?", near)
	}
	slices.Sort(names)
	return e.WithHint("properties: %s", strings.Join(names, ", "))
}

// ParseDuration reads 500ms, 10s, 5m, 2h, 1d, "5 minutes" or a number of ms.
func ParseDuration(s string) (int64, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil {
		return 0, false
	}
	name := strings.TrimSpace(s[i:])
	unit, ok := durationUnits[name]
	if !ok {
		unit, ok = durationUnits[strings.TrimSuffix(name, "s")]
	}
	if !ok || n > (1<<62)/unit {
		return 0, false
	}
	return n * unit, true
}

// durationUnits are in the singular.
var durationUnits = map[string]int64{
	"": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "second": 1000,
	"sec": 1000, "minute": 60_000, "min": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000,
	"w":           604_800_000,
	"millisecond": 1, "ms": 1,
}

// ParseBytes reads 64MB, 1GiB or a number of bytes; all units are powers of 1024.
func ParseBytes(s string) (int64, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	shift, ok := map[string]uint{
		"": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20, "g": 30,
		"gb": 30, "gib": 30, "t": 40, "tb": 40, "tib": 40,
	}[strings.TrimSpace(s[i:])]
	if err != nil || !ok || n > (1<<62)>>shift {
		return 0, false
	}
	return n << shift, true
}
