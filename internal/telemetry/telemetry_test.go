package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTelemetry(t *testing.T, c Config) *Telemetry {
	t.Helper()
	tel, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tel.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tel
}

func get(t *testing.T, tel *Telemetry, path string) (int, string) {
	t.Helper()
	mux := http.NewServeMux()
	tel.Handle(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestMetricNames(t *testing.T) {
	t.Parallel()
	tel := newTelemetry(t, Config{Version: "v1"})
	s := tel.Stages.Open(StageName{Query: "q1", Stage: "q1.1", Partition: "3"})
	s.Count(Records{In: 7, Out: 6, Filtered: 5, Late: 4, DeadLettered: 3, Skipped: 2})
	s.Lag(1500 * time.Millisecond)
	s.StateSize(4096, 1024, 7)
	s.Step(t.Context(), 3*time.Millisecond)
	s.Error(t.Context(), "LEAT-5203")
	s.Retry(t.Context())
	s.Restart(t.Context())
	l := tel.Links.Open(LinkName{Queue: "fetch", Query: "q1", Stage: "q1.1", Partition: "3"}, 10)
	l.Set(10)
	tel.Log.Warn("x")
	_, page := get(t, tel, "/metrics")
	stage := `{partition="3",query="q1",stage="q1.1"}`
	queue := `{partition="3",query="q1",queue="fetch",stage="q1.1"}`
	for _, want := range []string{
		"leat_records_in_total" + stage + " 7", "leat_records_out_total" + stage + " 6",
		"leat_records_filtered_total" + stage + " 5", "leat_records_late_total" + stage + " 4",
		"leat_records_dead_lettered_total" + stage + " 3", "leat_records_skipped_total" + stage + " 2",
		"leat_lag_seconds" + stage + " 1.5", "leat_state_bytes" + stage + " 4096",
		"leat_state_stored_bytes" + stage + " 1024", "leat_state_keys" + stage + " 7",
		"leat_queue_depth" + queue + " 10", "leat_queue_capacity" + queue + " 10",
		"leat_queue_blocked_seconds_total" + queue + " 0", "leat_queue_high_water_total" + queue + " 1",
		`leat_step_duration_seconds_bucket{query="q1",stage="q1.1",le="0.005"} 1`,
		`leat_errors_total{code="LEAT-5203",query="q1",stage="q1.1"} 1`,
		`leat_retries_total{query="q1",stage="q1.1"} 1`, `leat_task_restarts_total{query="q1",stage="q1.1"} 1`,
		`leat_log_lines_total{level="warn"} 1`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no line %q", want)
		}
	}
	if !regexp.MustCompile(`(?m)^leat_build_info\{go_version="go[^"]+",version="v1"\} 1$`).MatchString(page) {
		t.Error("no build info")
	}
	s.Close()
	l.Close()
	if _, page := get(t, tel, "/metrics"); strings.Contains(page, "leat_records_in_total{") ||
		strings.Contains(page, "leat_queue_depth{") {
		t.Error("series of closed stages and links stay")
	}
}

func TestTraceContextTravels(t *testing.T) {
	t.Parallel()
	tel := newTelemetry(t, Config{})
	ctx, span := tel.Tracer.Start(t.Context(), "send")
	defer span.End()
	if !span.SpanContext().TraceID().IsValid() || span.IsRecording() {
		t.Errorf("without a collector: %+v, recording %v", span.SpanContext(), span.IsRecording())
	}
	header := map[string]string{}
	Inject(ctx, header)
	back := trace.SpanContextFromContext(Extract(t.Context(), header))
	if back.TraceID() != span.SpanContext().TraceID() || !back.IsRemote() {
		t.Errorf("%v came back as %v", header, back)
	}

	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for key, ok := range map[string]bool{"traceparent": true, "Traceparent": true, "trace-parent": false} {
		ctx := Extract(t.Context(), map[string]string{key: parent})
		if got := trace.SpanContextFromContext(ctx).IsValid(); got != ok {
			t.Errorf("%s: valid is %v", key, got)
		}
	}
	child, span2 := tel.Tracer.Start(Extract(t.Context(), map[string]string{HeaderTraceparent: parent}), "next")
	defer span2.End()
	header = map[string]string{}
	Inject(child, header)
	if got := header[HeaderTraceparent]; !strings.HasPrefix(got, parent[:36]) || !strings.HasSuffix(got, "-01") {
		t.Errorf("the sampled flag or the trace is lost: %s", got)
	}
	for _, bad := range []string{"", "00-x", parent + "zz", strings.Repeat("0", maxHeader+1)} {
		if trace.SpanContextFromContext(Extract(t.Context(), map[string]string{HeaderTraceparent: bad})).IsValid() {
			t.Errorf("%.20q is taken", bad)
		}
	}
}

// The exporter reads the process's environment itself, so this test is not parallel.
func TestSpansAndLinesReachTheCollector(t *testing.T) {
	var body atomic.Pointer[[]byte]
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			body.Store(&b)
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	var lines bytes.Buffer
	tel, err := New(t.Context(), Config{Service: "leat-engine", Getenv: os.Getenv, Log: LogConfig{Output: &lines}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := tel.Tracer.Start(t.Context(), "step of q1")
	log := WithTrace(ctx, tel.Log)
	log.Info("hung on its span", "rows", 7)
	span.End()
	log.Info("too late for its span")
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	b := body.Load()
	if b == nil {
		t.Fatal("nothing reached the collector")
	}
	for _, want := range []string{"step of q1", "leat-engine", "hung on its span"} {
		if !bytes.Contains(*b, []byte(want)) {
			t.Errorf("the collector did not get %q", want)
		}
	}
	if bytes.Contains(*b, []byte("too late")) {
		t.Error("a line after the end is on the span")
	}
	if id := span.SpanContext().TraceID().String(); strings.Count(lines.String(), `"trace_id":"`+id+`"`) != 2 {
		t.Errorf("lines without the trace id %s:\n%s", id, lines.String())
	}
}

func TestTracesWanted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"OTEL_SERVICE_NAME": "x"}, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "x"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_SDK_DISABLED": "TRUE"}, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_TRACES_EXPORTER": "none"}, false},
	} {
		if got := tracesWanted(func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("%v: %v", c.env, got)
		}
	}
}

func TestHealthPages(t *testing.T) {
	t.Parallel()
	tel := newTelemetry(t, Config{})
	state := OK
	tel.Health.Add(Live, "loop", func(context.Context) Finding { return Finding{} })
	remove := tel.Health.Add(Ready, "store", func(context.Context) Finding {
		return Finding{State: state, Value: "91 %", Limit: "90 %", Detail: "disk"}
	})
	for _, c := range []struct {
		state              HealthState
		livez, readyz, all int
		word               string
	}{{OK, 200, 200, 200, "ok"}, {Degraded, 200, 200, 200, "degraded"}, {Unhealthy, 200, 503, 503, "unhealthy"}} {
		state = c.state
		for path, want := range map[string]int{"/livez": c.livez, "/readyz": c.readyz, "/healthz": c.all} {
			if code, _ := get(t, tel, path); code != want {
				t.Errorf("%s while %s: %d, want %d", path, c.state, code, want)
			}
		}
		if _, page := get(t, tel, "/readyz"); page != c.word+"\n" {
			t.Errorf("page %q", page)
		}
	}
	_, page := get(t, tel, "/healthz?verbose")
	const want = `{"kind":"leat.health/v1","state":"unhealthy","checks":[{"name":"loop","state":"ok"},` +
		`{"name":"store","state":"unhealthy","value":"91 %","limit":"90 %","detail":"disk"}]}` + "\n"
	if page != want || !json.Valid([]byte(page)) {
		t.Errorf("got %s", page)
	}
	remove()
	if code, page := get(t, tel, "/readyz?verbose"); code != 200 || !strings.Contains(page, `"checks":[]`) {
		t.Errorf("without checks: %d %s", code, page)
	}
}

func TestCheckThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h Health
		var runs atomic.Int32
		release := make(chan struct{})
		h.Add(Ready, "stuck", func(context.Context) Finding {
			runs.Add(1)
			<-release
			return Finding{}
		})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if state, results := h.Run(t.Context(), Ready); state != Unhealthy || len(results) != 1 {
					t.Errorf("%v, %v", state, results)
				}
			})
		}
		wg.Wait()
		if n := runs.Load(); n != 1 {
			t.Errorf("%d runs pile up", n)
		}
		close(release)
		synctest.Wait()
		if state, _ := h.Run(t.Context(), Ready); state != OK || runs.Load() != 2 {
			t.Errorf("afterwards: %v", state)
		}
	})
}
