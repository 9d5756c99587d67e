package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/leatsql/leat/internal/errcode"
)

// Not parallel: the signal goes to the whole process.
func TestSignalEndsTheContext(t *testing.T) {
	ctx, end := withSignals(t.Context())
	defer end()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	var by stopped
	if !errors.As(context.Cause(ctx), &by) || by.signal != syscall.SIGTERM {
		t.Errorf("cause: %v", context.Cause(ctx))
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	const page = `{"state":"degraded","checks":[{"name":"store","state":"degraded","value":"91 %","limit":"90 %"}]}`
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL)
		}
		if r.URL.Query().Has("verbose") {
			_, _ = w.Write([]byte(page))
			return
		}
		_, _ = w.Write([]byte("degraded\n"))
	}))
	defer srv.Close()
	for _, c := range []struct {
		status  int
		verbose bool
		output  string
		code    errcode.Code
		want    string
	}{
		{200, false, outputText, "", "degraded\n"},
		{
			200, true, outputText, "",
			"CHECK  STATE     VALUE  LIMIT  DETAIL\nstore  degraded  91 %   90 %   \n",
		},
		{200, false, outputJSON, "", page + "\n"},
		{503, false, outputText, errcode.Unhealthy, "degraded\n"},
	} {
		status = c.status
		var out strings.Builder
		g := &globals{process: process{stdout: &out, lookupEnv: noEnv}, output: c.output}
		u, err := g.healthURL([]string{srv.URL})
		if err != nil {
			t.Fatal(err)
		}
		err = g.health(t.Context(), u, c.verbose)
		if c.code == "" && err != nil || c.code != "" && errcode.Of(err) != c.code {
			t.Errorf("status %d: %v", c.status, err)
		}
		if out.String() != c.want {
			t.Errorf("got %q, want %q", out.String(), c.want)
		}
	}
	srv.Close()
	gone, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	g := &globals{process: process{lookupEnv: noEnv}}
	if err := g.health(t.Context(), gone, false); errcode.Of(err) != errcode.Unreach {
		t.Errorf("nobody there: %v", err)
	}
}
