package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

func fixedClock() time.Time { return time.Date(2024, 1, 15, 10, 30, 45, 123e6, time.UTC) }

func TestLogLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, json, text string
		log              func(hclog.Logger)
	}{
		{
			name: "the structure",
			log: func(l hclog.Logger) {
				l.Named("engine").With("query", "q1").Info("batch processed", "trace_id", "550e",
					"correlation_id", "b1", "metrics.records_processed", 1250, "metrics.processing_ms", 4.5,
					"table", "trades", "batch_size", 1250)
			},
			json: `{"timestamp":"2024-01-15T10:30:45.123Z","level":"INFO","message":"batch processed",` +
				`"trace_id":"550e","correlation_id":"b1","component":"engine","processor_id":"p1","query":"q1",` +
				`"metrics":{"records_processed":1250,"processing_ms":4.5},` +
				`"context":{"table":"trades","batch_size":1250}}`,
			text: `10:30:45.123 INFO  engine: batch processed query=q1 trace_id=550e correlation_id=b1 ` +
				`records_processed=1250 processing_ms=4.5 table=trades batch_size=1250`,
		},
		{
			name: "values",
			log: func(l hclog.Logger) {
				l.Error("x", "error", errors.New("a \"b\"\nc"), "d", time.Second, "nan", math.NaN(), "nil", nil,
					"b", true, Metrics{}, "odd", "metrics", Metrics{"z": 1, "a": 2})
			},
			json: `{"timestamp":"2024-01-15T10:30:45.123Z","level":"ERROR","message":"x","processor_id":"p1",` +
				`"error":"a \"b\"\nc","metrics":{"a":2,"z":1},` +
				`"context":{"d":"1s","nan":"NaN","nil":null,"b":true,"map[]":"odd"}}`,
			text: `10:30:45.123 ERROR x error="a \"b\"\nc" a=2 z=1 d=1s nan=NaN nil=<nil> b=true map[]=odd`,
		},
		{
			name: "a line that would forge another",
			log:  func(l hclog.Logger) { l.Warn("a\n12:00:00 INFO b\x1b[2J", "k=\n", "\u202e", "odd") },
			json: `{"timestamp":"2024-01-15T10:30:45.123Z","level":"WARN","message":"a\n12:00:00 INFO b\u001b[2J",` +
				`"processor_id":"p1","context":{"k=\n":"` + "\u202e" + `","extra_value":"odd"}}`,
			text: `10:30:45.123 WARN  a\n12:00:00 INFO b\x1b[2J k=\n="\u202e" extra_value=odd`,
		},
		{name: "below the level", log: func(l hclog.Logger) { l.Debug("no"); l.Trace("no") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for format, want := range map[Format]string{JSON: c.json, Text: c.text} {
				var out bytes.Buffer
				c.log(NewLog(LogConfig{Format: format, Output: &out, ProcessorID: "p1", Clock: fixedClock}))
				if want != "" {
					want += "\n"
				}
				if diff := cmp.Diff(want, out.String()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", format, diff)
				}
				if format == JSON && out.Len() > 0 && !json.Valid(out.Bytes()) {
					t.Errorf("not JSON: %s", out.String())
				}
			}
		})
	}
}

func TestLinesAreBounded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := NewLog(LogConfig{Output: &out})
	args := make([]any, 0, 1000)
	for i := range 500 {
		args = append(args, strings.Repeat("k", i+1), i)
	}
	log.Info(strings.Repeat("é", maxText), args...)
	if out.Len() > 2*maxText {
		t.Errorf("a line of %d bytes", out.Len())
	}
	if !json.Valid(out.Bytes()) {
		t.Error("not JSON")
	}
}

func TestParseLevel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]hclog.Level{
		"trace": hclog.Trace, "DEBUG": hclog.Debug, "info": hclog.Info, "Warn": hclog.Warn, "error": hclog.Error,
	} {
		if got, err := ParseLevel(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if _, err := ParseLevel("loud"); err == nil {
		t.Error("loud is a level")
	}
}

func FuzzLine(f *testing.F) {
	f.Add("m", "k", "v")
	f.Add("\x00\xff", "metrics.a", "\u2028")
	f.Fuzz(func(t *testing.T, msg, key, val string) {
		for _, format := range []Format{JSON, Text} {
			var out bytes.Buffer
			NewLog(LogConfig{Format: format, Output: &out}).Info(msg, key, val)
			if n := bytes.Count(out.Bytes(), []byte("\n")); n != 1 {
				t.Errorf("%d lines: %q", n, out.String())
			}
			if format == JSON && !json.Valid(out.Bytes()) {
				t.Errorf("not JSON: %q", out.String())
			}
		}
	})
}
