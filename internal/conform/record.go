package conform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Record is a record of a topic as it stands outside of the engine.
type Record struct {
	Topic     string
	Key       any
	Value     any
	Timestamp int64
	Timed     bool // Timestamp was given
	Window    *Window
	Headers   []Header
	// Text is the value as it was written, "" where there is none.
	Text json.RawMessage
	// Headed tells that headers were given, maybe none.
	Headed bool
}

// Window is the window in a record's key.
type Window struct {
	Start int64  `json:"start"`
	End   int64  `json:"end"`
	Type  string `json:"type"`
}

// Header is one header of a record.
type Header struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// decimal is an exact decimal in a value tree.
type decimal string

// UnmarshalJSON implements json.Unmarshaler.
func (r *Record) UnmarshalJSON(data []byte) error {
	var raw struct {
		Topic     string          `json:"topic"`
		Key       any             `json:"key"`
		Value     json.RawMessage `json:"value"`
		Timestamp *int64          `json:"timestamp"`
		Window    *Window         `json:"window"`
		Headers   *[]Header       `json:"headers"`
	}
	if err := decodeJSON(data, &raw); err != nil {
		return err
	}
	*r = Record{Topic: raw.Topic, Key: raw.Key, Text: raw.Value, Window: raw.Window}
	if len(raw.Value) > 0 {
		if err := decodeJSON(raw.Value, &r.Value); err != nil {
			return err
		}
	}
	if raw.Timestamp != nil {
		r.Timestamp, r.Timed = *raw.Timestamp, true
	}
	if raw.Headers != nil {
		r.Headers, r.Headed = *raw.Headers, true
	}
	return nil
}

// decodeJSON reads one JSON value and keeps the digits of its numbers.
func decodeJSON(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	return nil
}

// String shows the record on one line.
func (r *Record) String() string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "key %s  value %s", show(r.Key), show(r.Value))
	if r.Timed {
		fmt.Fprintf(&sb, "  time %d", r.Timestamp)
	}
	if r.Window != nil {
		fmt.Fprintf(&sb, "  window %s [%d, %d]", r.Window.Type, r.Window.Start, r.Window.End)
	}
	if r.Headed {
		fmt.Fprintf(&sb, "  headers %s", show(r.Headers))
	}
	return sb.String()
}

// show writes a value tree as JSON.
func show(v any) string {
	text, err := json.Marshal(plain(v))
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// plain makes of a value tree what encoding/json writes as a record outside has it.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v { // any order: json sorts
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case decimal:
		return json.Number(v)
	case float64:
		return doubleJSON(v)
	}
	return v
}

func doubleJSON(f float64) any {
	text := string(vector.AppendDouble(nil, f))
	if _, err := strconv.ParseFloat(text, 64); err != nil || strings.ContainsAny(text, "NI") {
		return text
	}
	return json.Number(text)
}
