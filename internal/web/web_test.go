package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]errcode.Code{
		"127.0.0.1:0": "", "localhost:0": "", "127.0.0.2:0": "",
		"0.0.0.0:0": errcode.NotOpen, ":0": errcode.NotOpen, "[::]:0": errcode.NotOpen, "192.0.2.1:0": errcode.NotOpen,
		"example.com:0": errcode.NotOpen, "localhost.example.com:0": errcode.NotOpen, "4270": errcode.Usage,
	} {
		l, err := Listen(t.Context(), addr, false)
		switch {
		case want == "" && err == nil:
			_ = l.Close()
		case want == "" || err == nil || errcode.Of(err) != want || errcode.Hint(err) == "":
			t.Errorf("%s: got %v, want %s with a hint", addr, err, want)
		}
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	first, err := Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := Listen(t.Context(), first.Addr().String(), false); errcode.Of(err) != errcode.PortTaken {
		t.Errorf("a taken given port: %v", err)
	}
	second, err := Listen(t.Context(), first.Addr().String(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if second.Addr().String() == first.Addr().String() {
		t.Error("it did not move")
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	h := Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			Problem(w, err)
			return
		}
		_, _ = io.WriteString(w, "inside")
	}), "leat.internal")
	for _, c := range []struct {
		name, method, host string
		header             map[string]string
		body               int
		want               int
	}{
		{name: "plain", method: "GET", host: "127.0.0.1:4270", want: 200},
		{name: "name", method: "GET", host: "LOCALHOST.:4270", want: 200},
		{name: "IPv6", method: "GET", host: "[::1]:4270", want: 200},
		{name: "IPv6 without port", method: "GET", host: "[::1]", want: 200},
		{name: "listed", method: "GET", host: "leat.internal", want: 200},
		{name: "rebound name", method: "GET", host: "evil.example:4270", want: 421},
		{name: "looks like ours", method: "GET", host: "127.0.0.1.evil.example", want: 421},
		{name: "no host", method: "GET", host: "", want: 421},
		{name: "a program's POST", method: "POST", host: "127.0.0.1", body: 10, want: 200},
		{
			name: "our page's POST", method: "POST", host: "127.0.0.1:4270", want: 200,
			header: map[string]string{"Origin": "http://127.0.0.1:4270"},
		},
		{
			name: "another page's POST", method: "POST", host: "127.0.0.1:4270", want: 403,
			header: map[string]string{"Origin": "http://evil.example"},
		},
		{
			name: "another site by fetch metadata", method: "DELETE", host: "127.0.0.1:4270", want: 403,
			header: map[string]string{"Sec-Fetch-Site": "cross-site"},
		},
		{name: "largest body", method: "POST", host: "127.0.0.1", body: maxBody, want: 200},
		{name: "too large", method: "POST", host: "127.0.0.1", body: maxBody + 1, want: 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(c.method, "/x", strings.NewReader(strings.Repeat("x", c.body)))
			r.Host = c.host
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, c.want)
			}
			if h := w.Header(); h.Get("Content-Security-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Error("headers are missing")
			}
			if c.want != 200 && (w.Body.String() == "inside" || !json.Valid(w.Body.Bytes())) {
				t.Errorf("answer %q", w.Body)
			}
		})
	}
}

func TestRequestsAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	inside, leave := make(chan struct{}), make(chan struct{})
	h := Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		inside <- struct{}{}
		<-leave
	}))
	ask := func() int {
		r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	ended := make(chan int)
	for range maxRequests {
		go func() { ended <- ask() }()
		<-inside
	}
	if code := ask(); code != http.StatusServiceUnavailable {
		t.Errorf("one more: %d", code)
	}
	close(leave)
	for range maxRequests {
		if code := <-ended; code != http.StatusOK {
			t.Fatal(code)
		}
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		want   string
	}{
		{
			sqlerr.New(sqlerr.UnknownColumn, sqlerr.Span{Start: 7, End: 11}, "no column %q", "pric").WithHint("price?"),
			400,
			`"title":"no such column","status":400,"detail":"no column \"pric\"","code":"LEAT-3101","hint":"price?",` +
				`"start":7,"end":11}`,
		},
		{sqlerr.New(sqlerr.NotFound, sqlerr.Span{}, "no query q"), 404, `"code":"LEAT-5002"`},
		{sqlerr.New(sqlerr.Exists, sqlerr.Span{}, "q exists"), 409, `"code":"LEAT-5001"`},
		{fmt.Errorf("ask: %w", context.DeadlineExceeded), 503, `"code":"LEAT-4001"`},
		{errors.New("?"), 500, `"code":"LEAT-1001"`},
		{&http.MaxBytesError{Limit: 1}, 413, `"code":"LEAT-2001"`},
	} {
		w := httptest.NewRecorder()
		Problem(w, c.err)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%v: %d %s; want %d %s", c.err, w.Code, w.Body, c.status, c.want)
		}
		if retry := w.Header().Get("Retry-After") != ""; retry != (c.status == 503) {
			t.Errorf("%v: Retry-After %v", c.err, retry)
		}
	}
}

func TestServeStopsWithItsStreams(t *testing.T) {
	t.Parallel()
	l, err := Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	go func() { done <- Serve(ctx, l, Guard(mux), hclog.NewNullLogger()) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	url := "http://" + l.Addr().String()
	resp, err := client.Get(url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "first\n" {
		t.Fatal(line, err)
	}
	profile, err := client.Get(url + "/debug/pprof/")
	if err != nil {
		t.Fatal(err)
	}
	_ = profile.Body.Close()
	if profile.StatusCode != http.StatusNotFound {
		t.Errorf("profiles are public: %d", profile.StatusCode)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	var d net.Dialer
	if c, err := d.DialContext(t.Context(), "tcp", l.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
}

func TestHugeHeaderIsRefused(t *testing.T) {
	t.Parallel()
	l, err := Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- Serve(ctx, l, Guard(http.NotFoundHandler()), hclog.NewNullLogger()) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X", strings.Repeat("x", 2*maxHeader))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if resp, err := client.Do(r); err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
