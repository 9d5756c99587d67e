package telemetry_test

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leatsql/leat/internal/telemetry"
)

func TestBatchSpansAreLinked(t *testing.T) {
	t.Parallel()
	seen := tracetest.NewSpanRecorder()
	tel := &telemetry.Telemetry{Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(seen)).Tracer("test")}
	tel.StartBatch("quiet", "", 3)()
	tel.StartBatch("send orders", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 7)()
	var none telemetry.BatchSpan
	none.Start("nobody", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 1)()
	spans := seen.Ended()
	if len(spans) != 1 {
		t.Fatalf("got %d spans, want the one of the batch with a trace", len(spans))
	}
	s := spans[0]
	if s.Name() != "send orders" || len(s.Links()) != 1 ||
		s.Links()[0].SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("got span %q with links %v", s.Name(), s.Links())
	}
	if s.Parent().IsValid() {
		t.Error("a batch is nobody's child: many traces may meet in it")
	}
}
