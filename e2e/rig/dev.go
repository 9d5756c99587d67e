package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Dev is leat dev on a folder, which is started again after each stop or kill, at the same addresses.
type Dev struct {
	*Process
	Home string // of its commands, and the folder in which it runs
	Data string
	NATS string // HOST:PORT
	HTTP string // HOST:PORT
	Args []string
	t    testing.TB
}

// NewDev returns a leat dev that does not run yet.
func NewDev(tb testing.TB, args ...string) *Dev {
	tb.Helper()
	home := tb.TempDir()
	return &Dev{
		t: tb, Home: home, Data: filepath.Join(home, "data"), NATS: FreeAddr(tb), HTTP: FreeAddr(tb),
		Args: args,
	}
}

// ReadyWithin bounds a start, recovery of the store included.
const ReadyWithin = 30 * time.Second

// Start starts it and waits until it is ready.
func (d *Dev) Start() {
	d.t.Helper()
	d.Launch()
	Until(d.t, ReadyWithin, "leat dev is ready", func() (bool, string) {
		if d.Ended() {
			d.t.Fatalf("leat dev ended: %s", d.Stderr())
		}
		return strings.Contains(d.Stderr(), "  ready\n"), "it runs"
	})
}

// Launch starts it without waiting.
func (d *Dev) Launch() {
	d.t.Helper()
	args := append([]string{
		Binary(d.t), "dev", "--data", d.Data, "--nats", d.NATS, "--http", d.HTTP, "--log-level",
		"warn",
	}, d.Args...)
	d.Process = Start(d.t, "leat dev", d.Home, args...)
	d.tellWhenFailed()
}

// tellWhenFailed logs the status at the end of a test that fails.
func (d *Dev) tellWhenFailed() {
	p := d.Process
	d.t.Cleanup(func() {
		if d.t.Failed() && !p.Ended() {
			d.t.Logf("status: %s", d.describe())
		}
	})
}

// describe returns the status in words for a test that fails.
func (d *Dev) describe() string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s, err := ReadStatus(ctx, d.HTTP)
	if err != nil {
		return err.Error()
	}
	var text strings.Builder
	for _, src := range s.Sources {
		fmt.Fprintf(&text, "\n  source %s %s %s: %+v", src.Name, src.State, src.Reason, src.Counts)
	}
	for _, q := range s.Queries {
		fmt.Fprintf(&text, "\n  query %s of %s %s %s, lag %d", q.ID, q.Result, q.State, q.Reason, q.Lag)
		for _, st := range q.Stages {
			fmt.Fprintf(&text, "\n    stage %s: %d tasks, %+v", st.ID, st.Tasks, st.Counts)
		}
	}
	for _, m := range s.Members {
		fmt.Fprintf(&text, "\n  member %s %v: %v", m.ID, m.Roles, m.Tasks)
	}
	for _, k := range s.Sinks {
		fmt.Fprintf(&text, "\n  sink %s %s %s: delivered %d, dead %d, lag %d", k.Name, k.State, k.Reason, k.Delivered,
			k.Dead, k.Lag)
	}
	return text.String()
}

// SQL runs statements and returns what the command said. It fails the test when the command does.
func (d *Dev) SQL(statements string) Result {
	d.t.Helper()
	r := d.Try(statements)
	if r.Code != 0 {
		d.t.Fatalf("exit code %d for %s\n%s", r.Code, statements, r.Stderr)
	}
	return r
}

// Try runs statements and returns how that ended.
func (d *Dev) Try(statements string) Result {
	d.t.Helper()
	return d.Run("sql", "-c", statements, "-o", "jsonl")
}

// Run runs a command against this leat dev.
func (d *Dev) Run(args ...string) Result {
	d.t.Helper()
	return Run(d.t, d.Home, "", append(args, "--nats", "nats://"+d.NATS)...)
}

// Rows runs a pull query and decodes its rows. ok is false while the query cannot be answered.
func (d *Dev) Rows(query string) (rows []map[string]any, ok bool, words string) {
	d.t.Helper()
	r := d.Try(query)
	if r.Code != 0 {
		return nil, false, r.Stderr
	}
	return Decode(d.t, r.Stdout), true, ""
}

// Decode decodes lines of JSON; numbers stay as they are written.
func Decode(tb testing.TB, lines string) []map[string]any {
	tb.Helper()
	var out []map[string]any
	dec := json.NewDecoder(strings.NewReader(lines))
	dec.UseNumber()
	for {
		var row map[string]any
		err := dec.Decode(&row)
		if err == io.EOF {
			return out
		}
		if err != nil {
			tb.Fatalf("row %d is not JSON: %v", len(out)+1, err)
		}
		out = append(out, row)
	}
}

// Post sends rows to a stream over HTTP.
func (d *Dev) Post(ctx context.Context, stream, kind string, body []byte, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.HTTP+"/api/v1/streams/"+stream+"/rows",
		bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("Content-Type", kind)
	maps.Copy(req.Header, header)
	return http.DefaultClient.Do(req)
}

// Counts are the figures of a stage or source.
type Counts struct {
	In           uint64 `json:"in"`
	Used         uint64 `json:"used"`
	Out          uint64 `json:"out"`
	Filtered     uint64 `json:"filtered"`
	Late         uint64 `json:"late"`
	DeadLettered uint64 `json:"dead_lettered"`
	Skipped      uint64 `json:"skipped"`
}

// Sum is what In must be.
func (c Counts) Sum() uint64 { return c.Used + c.Filtered + c.Late + c.DeadLettered + c.Skipped }

// Status is what the status of the API tells, as far as tests read it.
type Status struct {
	Sources []struct {
		Name, State, Reason string
		Counts              Counts
		Links               []Link
	}
	Queries []struct {
		ID, Result, State, Reason string
		Lag                       uint64
		Stages                    []struct {
			ID     string
			Tasks  int
			Counts Counts
			Links  []Link
		}
	}
	Sinks []struct {
		Name, State, Reason  string
		Delivered, Dead, Lag uint64
	}
	Members []struct {
		ID           string
		Roles, Tasks []string
	}
}

// Link is a bounded link.
type Link struct {
	Name      string
	Depth     int64
	Capacity  int64
	HighWater uint64 `json:"high_water"`
	BlockedMs int64  `json:"blocked_ms"`
}

// ReadStatus reads the status over HTTP.
func ReadStatus(ctx context.Context, addr string) (s Status, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/api/v1/status", nil)
	if err != nil {
		return s, fmt.Errorf("make a request: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, fmt.Errorf("read the status: %w", err)
	}
	defer resp.Body.Close()
	return s, json.NewDecoder(resp.Body).Decode(&s)
}

// FolderBytes is how much the files below dir hold.
func FolderBytes(dir string) (n int64) {
	_ = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil // a file that goes away meanwhile counts nothing
	})
	return n
}
