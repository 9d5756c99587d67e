package telemetry

import (
	"context"
	"net/textproto"

	"go.opentelemetry.io/otel/propagation"
)

// The W3C headers, as they stand in NATS messages.
const (
	HeaderTraceparent = "traceparent"
	HeaderTracestate  = "tracestate"
	HeaderBaggage     = "baggage"
)

// maxHeader bounds a foreign header that is parsed.
const maxHeader = 8 << 10

var propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// Inject writes the trace context and baggage of ctx into header.
func Inject(ctx context.Context, header map[string]string) {
	propagator.Inject(ctx, propagation.MapCarrier(header))
}

// Extract returns ctx with the trace context and baggage of header. What is malformed or too long is as if absent.
func Extract(ctx context.Context, header map[string]string) context.Context {
	return propagator.Extract(ctx, carrier(header))
}

// carrier reads a key as it is and in the form that HTTP libraries make of it.
type carrier map[string]string

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string {
	v, ok := c[key]
	if !ok {
		v = c[textproto.CanonicalMIMEHeaderKey(key)]
	}
	if len(v) > maxHeader {
		return ""
	}
	return v
}

// Set implements propagation.TextMapCarrier.
func (c carrier) Set(key, value string) { c[key] = value }

// Keys implements propagation.TextMapCarrier.
func (c carrier) Keys() []string { return []string{HeaderTraceparent, HeaderTracestate, HeaderBaggage} }
