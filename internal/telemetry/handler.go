package telemetry

import (
	"encoding/json"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// health is the document of the health pages.
type health struct {
	Kind   string        `json:"kind"`
	State  HealthState   `json:"state"`
	Checks []CheckResult `json:"checks"`
}

// Handle puts /livez, /readyz, /healthz and /metrics on mux. A health page is one word, with ?verbose a JSON document
// of every check; degraded is 200, unhealthy 503.
func (t *Telemetry) Handle(mux *http.ServeMux) {
	mux.Handle("GET /livez", t.probe(Live))
	mux.Handle("GET /readyz", t.probe(Ready))
	mux.Handle("GET /healthz", t.probe(Live, Ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.Registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, EnableOpenMetrics: true,
	}))
}

func (t *Telemetry) probe(probes ...Probe) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state, results := t.Health.Run(r.Context(), probes...)
		w.Header().Set("Cache-Control", "no-store")
		status := http.StatusOK
		if state == Unhealthy {
			status = http.StatusServiceUnavailable
		}
		if !r.URL.Query().Has("verbose") {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(state.String() + "\n")) // the client is gone
			return
		}
		if results == nil {
			results = []CheckResult{}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		doc := health{Kind: "leat.health/v1", State: state, Checks: results}
		_ = json.NewEncoder(w).Encode(doc) // the client is gone
	})
}
