package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// BatchSpan starts the span of work on a batch and returns what ends it. Many traces may meet in a batch, so it is
// linked to the one it carries instead of being its child. A batch that carries none has no span: the hot path pays
// nothing.
type BatchSpan func(name, traceparent string, rows int) (end func())

// StartBatch is a BatchSpan of this process's tracer.
func (t *Telemetry) StartBatch(name, traceparent string, rows int) func() {
	if traceparent == "" {
		return func() {}
	}
	ctx := Extract(context.Background(), map[string]string{HeaderTraceparent: traceparent})
	link := trace.Link{SpanContext: trace.SpanContextFromContext(ctx)}
	_, span := t.Tracer.Start(context.Background(), name, trace.WithLinks(link), trace.WithAttributes(
		attribute.String("messaging.system", "nats"), attribute.Int("messaging.batch.message_count", rows)))
	return func() { span.End() }
}

// Start calls f, which may be nil.
func (f BatchSpan) Start(name, traceparent string, rows int) func() {
	if f == nil || traceparent == "" {
		return func() {}
	}
	return f(name, traceparent, rows)
}
