package telemetry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope names our meter and tracer.
const scope = "github.com/leatsql/leat"

// Config of a process's telemetry.
type Config struct {
	// Service is the name in traces, such as "leat-engine"; OTEL_SERVICE_NAME wins. Empty: "leat".
	Service string
	// Instance tells processes of one service apart; empty: left out.
	Instance string
	Version  string
	Log      LogConfig
	// Getenv reads OTEL_*; nil: none is set.
	Getenv func(string) string
}

// Telemetry is what the rooms of a process use. All its parts may be used from any goroutine.
type Telemetry struct {
	Log      hclog.InterceptLogger
	Tracer   trace.Tracer
	Meter    metric.Meter
	Registry *prometheus.Registry
	Health   *Health
	Stages   *Stages
	Links    *Links

	lines   metric.Int64Counter
	metrics *sdkmetric.MeterProvider
	traces  *sdktrace.TracerProvider
}

// New makes the telemetry of a process. It fails only on OTEL_* settings that cannot be used.
func New(ctx context.Context, c Config) (*Telemetry, error) {
	if c.Service == "" {
		c.Service = "leat"
	}
	if c.Getenv == nil {
		c.Getenv = func(string) string { return "" }
	}
	if c.Log.ProcessorID == "" {
		c.Log.ProcessorID = c.Instance
	}
	t := &Telemetry{Registry: prometheus.NewRegistry(), Health: &Health{}, Stages: &Stages{}, Links: &Links{}}
	res, err := newResource(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("read the OTEL_* settings: %w", err)
	}
	if err := t.startMetrics(ctx, res, c.Version); err != nil {
		return nil, fmt.Errorf("set up metrics: %w", err)
	}
	open := &openSpans{spans: map[string]trace.Span{}}
	if err := t.startTraces(ctx, res, open, c.Getenv); err != nil {
		return nil, errors.Join(fmt.Errorf("set up traces: %w", err), t.metrics.Shutdown(ctx))
	}
	t.Log = NewLog(c.Log, t.countLine, open.forward)
	return t, nil
}

// Shutdown sends what is left to send; ctx bounds it.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	return errors.Join(t.traces.Shutdown(ctx), t.metrics.Shutdown(ctx))
}

// countLine counts a log line by its level.
func (t *Telemetry) countLine(r *Record) {
	t.lines.Add(context.Background(), 1,
		metric.WithAttributes(attribute.String("level", strings.ToLower(levelNames[r.Level]))))
}

func newResource(ctx context.Context, c Config) (*resource.Resource, error) {
	attrs := []attribute.KeyValue{
		attribute.String("service.name", c.Service), attribute.String("service.version", c.Version),
	}
	if c.Instance != "" {
		attrs = append(attrs, attribute.String("service.instance.id", c.Instance))
	}
	return resource.New(ctx, resource.WithAttributes(attrs...), resource.WithFromEnv(), resource.WithTelemetrySDK())
}

func (t *Telemetry) startMetrics(ctx context.Context, res *resource.Resource, version string) error {
	exporter, err := otelprom.New(otelprom.WithRegisterer(t.Registry), otelprom.WithoutScopeInfo(),
		otelprom.WithoutTargetInfo())
	if err != nil {
		return err
	}
	t.metrics = sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(res))
	t.Meter = t.metrics.Meter(scope)
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := t.Registry.Register(c); err != nil {
			return err
		}
	}
	return t.instruments(ctx, version)
}

// startTraces makes the tracer. Without a collector a span is recorded only when the caller's trace is sampled, so that
// its flag travels on, and no span is sent anywhere.
func (t *Telemetry) startTraces(
	ctx context.Context, res *resource.Resource, open *openSpans, getenv func(string) string,
) error {
	opts := []sdktrace.TracerProviderOption{sdktrace.WithResource(res), sdktrace.WithSpanProcessor(open)}
	if tracesWanted(getenv) {
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithTimeout(10*time.Second))
		if err != nil {
			return err
		}
		opts = append(opts, sdktrace.WithBatcher(exporter))
	} else {
		opts = append(opts, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	}
	t.traces = sdktrace.NewTracerProvider(opts...)
	t.Tracer = t.traces.Tracer(scope)
	return nil
}

// tracesWanted tells whether OTEL_* names a collector and does not turn traces off.
func tracesWanted(getenv func(string) string) bool {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}
