package web

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/leatsql/leat/internal/errcode"
)

// Limits of what a client may send or hold open.
const (
	maxHeader   = 64 << 10
	maxBody     = 8 << 20
	maxRequests = 1000
)

// policy is the Content-Security-Policy: what the page may load is its own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Guard returns next behind the checks that every page of ours has: the Host names this machine (421, against DNS
// rebinding) or is one of hosts, a request that changes something comes from our own pages or from no page (403), the
// body is bounded (413), and so is the number of requests at once (503).
func Guard(next http.Handler, hosts ...string) http.Handler {
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, errcode.New(errcode.Usage, "the request comes from a page of another site"))
	}))
	inner := csrf.Handler(http.MaxBytesHandler(next, maxBody))
	slots := make(chan struct{}, maxRequests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		if host := hostOf(r.Host); !isLoopback(host) && !slices.Contains(hosts, host) {
			problem(w, http.StatusMisdirectedRequest, errcode.New(errcode.Usage, "this is no server of %q", r.Host))
			return
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			h.Set("Retry-After", "1")
			problem(w, http.StatusServiceUnavailable,
				errcode.New(errcode.Timeout, "%s requests are open already", strconv.Itoa(maxRequests)))
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// hostOf returns the host of a Host header, without port, brackets and final dot, in small letters.
func hostOf(header string) string {
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(header, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
