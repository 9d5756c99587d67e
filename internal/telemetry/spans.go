package telemetry

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// maxOpenSpans bounds the spans that log lines can be hung on; a span above it gets none.
const maxOpenSpans = 4096

// openSpans knows the recorded spans that have not ended, so that a log line with a span_id becomes an event of its
// span.
type openSpans struct {
	mu    sync.Mutex
	spans map[string]trace.Span
}

// OnStart implements sdktrace.SpanProcessor.
func (o *openSpans) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.spans) < maxOpenSpans {
		o.spans[s.SpanContext().SpanID().String()] = s
	}
}

// OnEnd implements sdktrace.SpanProcessor.
func (o *openSpans) OnEnd(s sdktrace.ReadOnlySpan) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.spans, s.SpanContext().SpanID().String())
}

// Shutdown implements sdktrace.SpanProcessor.
func (o *openSpans) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (o *openSpans) ForceFlush(context.Context) error { return nil }

// forward adds r as an event to the span it names.
func (o *openSpans) forward(r *Record) {
	id := r.text("span_id")
	if id == "" {
		return
	}
	o.mu.Lock()
	s := o.spans[id]
	o.mu.Unlock()
	if s == nil {
		return
	}
	attrs := []attribute.KeyValue{attribute.String("log.level", levelNames[r.Level])}
	for _, group := range [][]Field{r.Top, r.Metrics, r.Context} {
		for _, f := range group {
			if f.Key != "trace_id" && f.Key != "span_id" {
				attrs = append(attrs, attribute.String(f.Key, fmt.Sprint(f.Value)))
			}
		}
	}
	s.AddEvent(r.Message, trace.WithTimestamp(r.Time), trace.WithAttributes(attrs...))
}
