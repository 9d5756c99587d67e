package telemetry

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Metrics is the value of a log argument whose entries stand in the record's metrics object. A key with the prefix
// "metrics." puts one value there.
type Metrics map[string]any

const metricsPrefix = "metrics."

// Bounds of one line; what is longer is cut.
const (
	maxText   = 8 << 10
	maxFields = 64
)

// topLevel are the keys that stand in a record by themselves, in this order; every other key stands in its context.
var topLevel = []string{
	"trace_id", "span_id", "correlation_id", "component", "processor_id", "query", "stage", "task", "partition", "code",
	"error",
}

// Record is one log line.
type Record struct {
	Time    time.Time
	Level   hclog.Level
	Message string
	// Top has the fields of the line itself, Metrics and Context those of its two objects. Keys are unique.
	Top, Metrics, Context []Field
}

// Field is one key with its value.
type Field struct {
	Key   string
	Value any
}

// newRecord sorts args, which alternate keys and values, into a record. A later value replaces an earlier one.
func newRecord(now time.Time, level hclog.Level, msg string, args []any) *Record {
	r := &Record{Time: now, Level: level, Message: cut(msg)}
	if len(args) > 2*maxFields {
		args = args[:2*maxFields]
	}
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			r.Context = set(r.Context, "extra_value", value(args[i]))
			break
		}
		key := keyText(args[i])
		if m, ok := args[i+1].(Metrics); ok {
			r.addMetrics(m)
			continue
		}
		r.add(key, value(args[i+1]))
	}
	return r
}

func (r *Record) add(key string, v any) {
	name, isMetric := strings.CutPrefix(key, metricsPrefix)
	switch {
	case isMetric:
		r.Metrics = set(r.Metrics, name, v)
	case slices.Contains(topLevel, key):
		r.Top = set(r.Top, key, v)
	default:
		r.Context = set(r.Context, key, v)
	}
}

func (r *Record) addMetrics(m Metrics) {
	keys := slices.Sorted(maps.Keys(m))
	for _, k := range keys[:min(len(keys), maxFields)] {
		r.Metrics = set(r.Metrics, k, value(m[k]))
	}
}

// text returns the top-level field key as text, or "".
func (r *Record) text(key string) string {
	for _, f := range r.Top {
		if f.Key == key {
			return fmt.Sprint(f.Value)
		}
	}
	return ""
}

func set(fields []Field, key string, v any) []Field {
	for i := range fields {
		if fields[i].Key == key {
			fields[i].Value = v
			return fields
		}
	}
	return append(fields, Field{key, v})
}

func keyText(k any) string {
	if s, ok := k.(string); ok {
		return cut(s)
	}
	return cut(fmt.Sprint(k))
}

// value makes v one of the forms that both formats can write: nil, bool, a number, or a bounded text.
func value(v any) any {
	switch v := v.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		return v
	case string:
		return cut(v)
	case error:
		return cut(v.Error())
	case fmt.Stringer:
		return cut(v.String())
	case []byte:
		return cut(string(v[:min(len(v), maxText+1)]))
	case hclog.Format:
		if len(v) > 0 {
			if f, ok := v[0].(string); ok {
				return cut(fmt.Sprintf(f, v[1:]...))
			}
		}
		return cut(fmt.Sprint([]any(v)...))
	default:
		return cut(fmt.Sprint(v))
	}
}

func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "..."
}
