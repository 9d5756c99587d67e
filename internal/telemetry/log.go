package telemetry

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.opentelemetry.io/otel/trace"
)

// Format is the form of log lines.
type Format string

// JSON is one object a line, Text is for people.
const (
	JSON Format = "json"
	Text Format = "text"
)

// LogConfig configures NewLog. The zero value logs JSON at info level to nowhere.
type LogConfig struct {
	// Level is the lowest level written; NoLevel: Info.
	Level hclog.Level
	// Format is JSON when empty.
	Format Format
	// Output takes one Write a line, one at a time; nil: none.
	Output io.Writer
	// ProcessorID names this process in each line; empty: left out.
	ProcessorID string
	// Clock gives the time of a line; nil: time.Now.
	Clock func() time.Time
}

// ParseLevel reads a level name of the log structure.
func ParseLevel(s string) (hclog.Level, error) {
	for level, name := range levelNames { // any order: names are unique
		if strings.EqualFold(s, name) {
			return level, nil
		}
	}
	return hclog.NoLevel, fmt.Errorf("%q is none of trace, debug, info, warn, error", s)
}

// NewLog makes a logger whose lines go through a sink of ours, in the field names of the log structure, and from there
// to forward, which must not log. A line's component is the logger's name (hclog's Named).
func NewLog(c LogConfig, forward ...func(*Record)) hclog.InterceptLogger {
	if c.Level == hclog.NoLevel {
		c.Level = hclog.Info
	}
	if c.Output == nil {
		c.Output = io.Discard
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	s := &sink{cfg: c, format: appendJSON, forward: forward}
	if c.Format == Text {
		s.format = appendText
	}
	log := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: c.Level, Output: io.Discard})
	log.RegisterSink(s)
	return log
}

// sink is the hclog.SinkAdapter that writes and forwards records.
type sink struct {
	cfg     LogConfig
	format  func([]byte, *Record) []byte
	forward []func(*Record)

	mu      sync.Mutex
	scratch []byte
}

// Accept takes one line from hclog, which calls it at every level.
func (s *sink) Accept(name string, level hclog.Level, msg string, args ...any) {
	if level < s.cfg.Level {
		return
	}
	r := newRecord(s.cfg.Clock(), level, msg, args)
	if name != "" {
		r.Top = set(r.Top, "component", name)
	}
	if s.cfg.ProcessorID != "" && r.text("processor_id") == "" {
		r.Top = set(r.Top, "processor_id", s.cfg.ProcessorID)
	}
	s.mu.Lock()
	s.scratch = s.format(s.scratch[:0], r)
	_, _ = s.cfg.Output.Write(s.scratch) // a log that cannot be written has nowhere to say so
	s.mu.Unlock()
	for _, f := range s.forward {
		f(r)
	}
}

// WithTrace returns log with the ids of the span in ctx on each line.
func WithTrace(ctx context.Context, log hclog.Logger) hclog.Logger {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return log
	}
	return log.With("trace_id", sc.TraceID().String(), "span_id", sc.SpanID().String())
}
