// Package telemetry is what a Leat process tells about itself: log lines, metrics, traces and health.
//
// New makes one Telemetry a process; it is handed down, and no global provider is set. Every instrument of the process
// is on one Prometheus registry. Measured things (Stage, Link) are atomics that a scrape reads: the paths of records
// only add to them. Trace ids are always real, so that traceparent travels through every hop; spans leave the process
// only when OTEL_* names a collector.
package telemetry
