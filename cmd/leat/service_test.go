package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/internal/client"
	"github.com/leatsql/leat/internal/telemetry"
	"github.com/leatsql/leat/internal/web"
	"github.com/leatsql/leat/services/coordinator"
)

// rig is all services in this process over an embedded server, as leat dev runs them.
type rig struct {
	t    *testing.T
	app  *nats.Conn
	c    *client.Client
	http string
}

func startRig(t *testing.T, partitions int) *rig {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := broker.Start(ctx, broker.Config{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	tel, err := telemetry.New(ctx, telemetry.Config{
		Service: "test",
		Log:     telemetry.LogConfig{Level: hclog.Warn, Output: testLog{t}},
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := nodeConfig{
		roles: allRoles, telemetry: tel, console: io.Discard, partitions: partitions, fresh: true,
		natsURL: "test", heartbeat: 200 * time.Millisecond,
	}
	if cfg.leat, err = s.Leat("test"); err != nil {
		t.Fatal(err)
	}
	if cfg.app, err = s.App("test"); err != nil {
		t.Fatal(err)
	}
	if cfg.listener, err = web.Listen(ctx, "127.0.0.1:0", false); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	cfg.onReady = func(*coordinator.Coordinator) { close(ready) }
	done := make(chan error, 1)
	go func() {
		done <- runNode(ctx, cfg)
		close(done) // the cleanup reads it too
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; ignoreStop(err) != nil {
			t.Errorf("the node ended with %v", err)
		}
		_ = s.Shutdown()
		_ = tel.Shutdown(context.Background())
	})
	select {
	case <-ready:
	case err := <-done:
		t.Fatalf("the node did not start: %v", err)
	}
	user, err := s.App("user")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(user.Close)
	return &rig{t: t, app: user, c: client.New(user, 20*time.Second), http: "http://" + cfg.listener.Addr().String()}
}

// testLog writes log lines to the test's.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	if strings.Contains(string(p), `"ERROR"`) {
		l.t.Logf("%s", p)
	}
	return len(p), nil
}

// exec runs a script and wants it to succeed.
func (r *rig) exec(script string) []api.Result {
	r.t.Helper()
	resp, err := r.c.Execute(r.t.Context(), api.ExecuteRequest{Script: script})
	if err != nil {
		r.t.Fatalf("%s: %v", script, err)
	}
	if resp.Error != nil {
		r.t.Fatalf("%s: %v hint: %s", script, resp.Error, resp.Error.Hint)
	}
	return resp.Results
}

// refuse runs a script and wants an error with a code.
func (r *rig) refuse(script, code string) {
	r.t.Helper()
	_ = r.refusal(script, code) // it fails the test itself
}

// refusal runs a script that must fail, and returns the error.
func (r *rig) refusal(script, code string) *api.Error {
	r.t.Helper()
	resp, err := r.c.Execute(r.t.Context(), api.ExecuteRequest{Script: script})
	if err != nil {
		r.t.Fatalf("%s: %v", script, err)
	}
	if resp.Error == nil {
		r.t.Fatalf("%s: no error, want %s", script, code)
	}
	if resp.Error.Code != code {
		r.t.Errorf("%s: %v, want %s", script, resp.Error, code)
	}
	return resp.Error
}

// rows runs a query that ends and returns its rows as text.
func (r *rig) rows(script string) []string {
	r.t.Helper()
	out, err := r.tryRows(script)
	if err != nil {
		r.t.Fatalf("%s: %v", script, err)
	}
	return out
}

func (r *rig) tryRows(script string) ([]string, error) {
	r.t.Helper()
	res := r.exec(script)
	last := res[len(res)-1]
	if last.Kind != "rows" {
		r.t.Fatalf("%s answers with a %s", script, last.Kind)
	}
	rows, err := r.c.Rows(last)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for {
		b, err := rows.Next(r.t.Context())
		if errors.Is(err, io.EOF) {
			slices.Sort(out)
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		for i := range b.Rows {
			var cells []string
			for _, c := range b.Cols {
				cells = append(cells, fmt.Sprint(c.Value(i)))
			}
			out = append(out, strings.Join(cells, " "))
		}
	}
}

// eventually runs a query until it answers with the rows that are wanted.
func (r *rig) eventually(script string, want ...string) {
	r.t.Helper()
	var got []string
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); {
		var err error
		var e *api.Error
		if got, err = r.tryRows(script); err == nil && slices.Equal(got, want) {
			return
		}
		if err != nil && (!errors.As(err, &e) || !e.Retryable) { // a task that starts may be asked again
			r.t.Fatalf("%s: %v", script, err)
		}
	}
	r.t.Errorf("%s answers %v, want %v", script, got, want)
}

// post sends an HTTP request; header comes as name, value, ...
func (r *rig) post(path, body string, header ...string) (answer, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.http+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header}, string(data)
}

// answer is the head of what the server said.
type answer struct {
	StatusCode int
	Header     http.Header
}

// TestStatements drives the services through the API of the users' account.
func TestStatements(t *testing.T) {
	t.Parallel()
	r := startRig(t, 8)
	r.exec(`CREATE STREAM s (k STRING KEY, v INT); CREATE TABLE u (id INT PRIMARY KEY, name STRING);
		CREATE TABLE sums AS SELECT k, SUM(v) AS total, COUNT(*) AS n FROM s GROUP BY k;
		CREATE STREAM big AS SELECT k, v FROM s WHERE v > 2;`)
	tests := map[string]func(t *testing.T, r *rig){
		"insert then select": insertThenSelect,
		"refusals":           refusals,
		"show":               shows,
		"http":               overHTTP,
		"limits":             sqlLimits,
		"cursors":            cursors,
		"subjects":           subjects,
		"pause":              pauseResume,
	}
	for name, f := range tests { // any order: they do not depend on each other
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := *r
			one.t = t
			f(t, &one)
		})
	}
}

// insertThenSelect reads what was just written, from a stream, a table and a derived table over 8 partitions.
func insertThenSelect(_ *testing.T, r *rig) {
	r.exec(`CREATE STREAM i (k STRING KEY, v INT); CREATE TABLE it (id INT PRIMARY KEY, name STRING);
		CREATE TABLE isum AS SELECT k, SUM(v) AS total FROM i GROUP BY k`)
	total := map[string]int{}
	for n := range 12 {
		k := fmt.Sprintf("k%d", n%5)
		total[k] += n
		r.exec(fmt.Sprintf("INSERT INTO i VALUES ('%s', %d); INSERT INTO it VALUES (%d, 'n%d')", k, n, n%3, n))
		if got := r.rows("SELECT v FROM i WHERE v = " + fmt.Sprint(n)); len(got) != 1 {
			r.t.Fatalf("after INSERT %d the stream answers %v", n, got)
		}
		if got := r.rows(fmt.Sprintf("SELECT name FROM it WHERE id = %d", n%3)); len(got) != 1 ||
			got[0] != fmt.Sprintf("n%d", n) {
			r.t.Fatalf("after INSERT %d the table answers %v", n, got)
		}
		if got := r.rows(fmt.Sprintf("SELECT total FROM isum WHERE k = '%s'", k)); len(got) != 1 ||
			got[0] != fmt.Sprint(total[k]) {
			r.t.Fatalf("after INSERT %d the sums answer %v, want %d", n, got, total[k])
		}
	}
	if got := r.rows("SELECT COUNT(*) AS n, SUM(v) AS s FROM i"); !slices.Equal(got, []string{"12 66"}) {
		r.t.Errorf("count and sum: %v", got)
	}
	if got := r.rows("SELECT k FROM isum ORDER BY total DESC LIMIT 1"); !slices.Equal(got, []string{"k1"}) {
		r.t.Errorf("the largest: %v", got)
	}
}

func refusals(_ *testing.T, r *rig) {
	e := r.refusal("SELECT kk FROM s", "LEAT-3101")
	if e.Position == nil || e.Position.Line != 1 || e.Position.Column != 8 || e.Hint == "" {
		r.t.Errorf("the error has position %+v and hint %q", e.Position, e.Hint)
	}
	r.refuse("DROP STREAM s", "LEAT-5003")
	r.refuse("CREATE STREAM s (a INT)", "LEAT-5001")
	r.refuse("DROP STREAM nothing", "LEAT-5002")
	r.refuse("DESCRIBE nothing", "LEAT-3102")
	r.refuse("TERMINATE q999", "LEAT-5002")
	r.refuse("SELEC 1", "LEAT-3001")
	r.exec("CREATE STREAM c1 (k STRING KEY, v INT); CREATE STREAM c2 (k STRING KEY, v INT); INSERT INTO c2 SELECT k, " +
		"v FROM c1")
	r.refuse("INSERT INTO c1 SELECT k, v FROM c2", "LEAT-3107")
	r.exec("DROP STREAM IF EXISTS nothing; CREATE STREAM IF NOT EXISTS s (a INT)")
}

func shows(_ *testing.T, r *rig) {
	for script, want := range map[string][]string{ // any order: independent
		"SHOW STREAMS":                          {"s", "big"},
		"SHOW TABLES":                           {"sums", "u"},
		"SHOW QUERIES":                          {"sums", "q1", "running"},
		"SHOW FUNCTIONS":                        {"UCASE", "SUM"},
		"SHOW TOPICS":                           {"sums"},
		"DESCRIBE sums":                         {"total", "BIGINT", "k"},
		"DESCRIBE sums EXTENDED":                {"total", "partitions"},
		"EXPLAIN SELECT * FROM s":               {"Logical plan", "Scan stream s"},
		"EXPLAIN q1":                            {"Physical plan", "write sums"},
		"SHOW PROPERTIES":                       {"emit"},
		"SHOW SINKS":                            {},
		"DESCRIBE FUNCTION ucase":               {"UCASE"},
		"SET 'emit' = 'record'; SHOW VARIABLES": {},
	} {
		var text bytes.Buffer
		for _, res := range r.exec(script) {
			_ = json.NewEncoder(&text).Encode(res)
		}
		for _, w := range want {
			if !strings.Contains(strings.ToLower(text.String()), strings.ToLower(w)) {
				r.t.Errorf("%s does not name %q: %s", script, w, text.String())
			}
		}
	}
}

func overHTTP(t *testing.T, r *rig) {
	t.Helper()
	r.exec("CREATE STREAM h (k STRING KEY, v INT)")
	resp, body := r.post("/api/v1/streams/h/rows", "{\"k\":\"a\",\"v\":1}\n{\"k\":\"b\",\"v\":2}\n", "Content-Type",
		"application/x-ndjson")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("rows: %d %s", resp.StatusCode, body)
	}
	resp, body = r.post("/api/v1/statements", `{"script":"SELECT k, v FROM h"}`, "Accept", "application/x-ndjson")
	lines := strings.Split(strings.TrimSpace(body), "\n")
	slices.Sort(lines)
	if want := []string{`{"k":"a","v":1}`, `{"k":"b","v":2}`}; resp.StatusCode != http.StatusOK ||
		!slices.Equal(lines, want) {
		t.Errorf("rows as ndjson: %d %v", resp.StatusCode, lines)
	}
	tests := []struct {
		name, path, body string
		header           []string
		want             int
		contains         string
	}{
		{
			"wrong SQL", "/api/v1/statements", `{"script":"SELECT x FROM h"}`, nil, 400,
			`"position":{"line":1,"column":8`,
		},
		{"no JSON", "/api/v1/statements", `nothing`, nil, 400, "LEAT-2001"},
		{"no stream", "/api/v1/streams/none/rows", "{}", nil, 404, "LEAT-5002"},
		{"not found", "/api/v1/statements", `{"script":"DROP STREAM none"}`, nil, 404, "LEAT-5002"},
		{"exists", "/api/v1/statements", `{"script":"CREATE STREAM h (a INT)"}`, nil, 409, "LEAT-5001"},
		{"content type", "/api/v1/streams/h/rows", "x", []string{"Content-Type", "image/png"}, 415, "image/png"},
		{
			"too large", "/api/v1/streams/h/rows", strings.Repeat("x", maxRows),
			[]string{"Content-Type", "text/csv"},
			413,
			"",
		},
		{
			"another site", "/api/v1/statements", `{"script":"SHOW STREAMS"}`,
			[]string{"Origin", "https://example.com"},
			403, "",
		},
		{"another host", "/api/v1/statements", `{"script":"SHOW STREAMS"}`, []string{"Host", "example.com"}, 421, ""},
		{"no path", "/api/v1/nothing", `{}`, nil, 404, ""},
	}
	for _, tc := range tests {
		resp, body := r.post(tc.path, tc.body, tc.header...)
		if resp.StatusCode != tc.want || !strings.Contains(body, tc.contains) {
			t.Errorf("%s: %d %s, want %d %s", tc.name, resp.StatusCode, body, tc.want, tc.contains)
		}
		if tc.contains != "" && resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: content type %s", tc.name, resp.Header.Get("Content-Type"))
		}
	}
}

const maxRows = 9 << 20

// sqlLimits wants an error in good time for texts made to be expensive.
func sqlLimits(t *testing.T, r *rig) {
	t.Helper()
	columns := make([]string, 201)
	for i := range columns {
		columns[i] = fmt.Sprintf("c%d INT", i)
	}
	for name, script := range map[string]string{ // any order: independent
		"1 MB of text":       "SELECT '" + strings.Repeat("x", 1<<20) + "' AS a",
		"parentheses":        "SELECT " + strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000) + " AS a",
		"minus signs":        "SELECT " + strings.Repeat("- ", 10_000) + "1 AS a",
		"NOT":                "SELECT " + strings.Repeat("NOT ", 10_000) + "TRUE AS a",
		"subqueries":         strings.Repeat("SELECT * FROM (", 1000) + "SELECT * FROM s" + strings.Repeat(") x", 1000),
		"columns":            "CREATE STREAM wide (" + strings.Join(columns, ", ") + ")",
		"expanding aliases":  "SELECT v + v AS a0" + doubling(60) + " FROM s",
		"a window of a year": "SELECT COUNT(*) AS n FROM s WINDOW SLIDING(365d, 1ms) EMIT CHANGES",
	} {
		begun := time.Now()
		resp, err := r.c.Execute(t.Context(), api.ExecuteRequest{Script: script})
		var e *api.Error
		if !errors.As(err, &e) && err == nil {
			e = resp.Error
		}
		if took := time.Since(begun); e == nil || !strings.HasPrefix(e.Code, "LEAT-3") || took > 3*time.Second {
			t.Errorf("%s: %v %v after %s", name, e, err, took)
		}
	}
}

// doubling makes aliases each twice as long as the one before.
func doubling(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ", a%d + a%d AS a%d", i, i, i+1)
	}
	return b.String()
}

// cursors of push queries end by LIMIT, by close, and are unknown afterwards.
func cursors(t *testing.T, r *rig) {
	t.Helper()
	r.exec("CREATE STREAM cu (v INT); INSERT INTO cu VALUES (1), (2), (3)")
	if got := r.rows("SELECT v FROM cu EMIT CHANGES LIMIT 2"); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("LIMIT 2: %v", got)
	}
	res := r.exec("SELECT v FROM cu EMIT CHANGES")[0]
	rows, err := r.c.Rows(res)
	if err != nil {
		t.Fatal(err)
	}
	for seen := 0; seen < 3; {
		b, err := rows.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b != nil {
			seen += b.Rows
		}
	}
	if err := rows.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
	again, err := r.c.Rows(res)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Next(t.Context()); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a closed cursor answers %v", err)
	}
	// A slow reader of a large answer gets all of it.
	for range 10 {
		r.exec("INSERT INTO cu VALUES (7)" + strings.Repeat(", (7)", 999))
	}
	if got := r.rows("SELECT v FROM cu WHERE v = 7"); len(got) != 10_000 {
		t.Errorf("%d rows, want 10000", len(got))
	}
}

// subjects publishes to a source's subject and reads the answer on a sink's, as any NATS client does.
func subjects(t *testing.T, r *rig) {
	t.Helper()
	r.exec(`CREATE STREAM ev (k STRING, v INT) WITH (subject = 'ev.>', key = 'k');
		CREATE STREAM evbig AS SELECT k, v * 10 AS v FROM ev WHERE v > 1;
		CREATE SINK evout FROM evbig TO NATS 'evout.{k}'`)
	sub, err := r.app.SubscribeSync("evout.>")
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(r.app)
	if err != nil {
		t.Fatal(err)
	}
	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	publish := func(data string) {
		t.Helper()
		m := nats.NewMsg("ev.x")
		m.Header.Set("traceparent", "00-"+traceID+"-00f067aa0ba902b7-01")
		m.Header.Set("Leat-Correlation-Id", "order 7")
		m.Data = []byte(data)
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatalf("publish: %v", err)
		}
	}
	publish(`{"k":"a","v":1}`)
	publish(`{"k":"b","v":2}`)
	publish(`not json`)
	m, err := sub.NextMsg(15 * time.Second)
	if err != nil {
		t.Fatalf("no answer on evout.>: %v", err)
	}
	if m.Subject != "evout.b" || strings.TrimSpace(string(m.Data)) != `{"k":"b","v":20}` {
		t.Errorf("%s %s", m.Subject, m.Data)
	}
	if tp := m.Header.Get("traceparent"); !strings.Contains(tp, traceID) {
		t.Errorf("the answer carries traceparent %q: %v", tp, m.Header)
	}
	var letters *api.DLQResponse
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); {
		if letters, err = r.c.DLQ(t.Context(), api.DLQRequest{Op: "list", Query: "ev"}); err != nil {
			t.Fatal(err)
		}
		if letters.Count > 0 {
			break
		}
	}
	if letters.Count != 1 || letters.Letters[0].TraceID != traceID || letters.Letters[0].CorrelationID != "order 7" {
		t.Errorf("dead letters: %+v", letters)
	}
}

// pauseResume keeps counts over a pause.
func pauseResume(t *testing.T, r *rig) {
	t.Helper()
	r.exec("CREATE STREAM p (k STRING KEY, v INT); CREATE TABLE psum AS SELECT k, COUNT(*) AS n FROM p GROUP BY k; " +
		"INSERT INTO p VALUES ('a', 1)")
	r.eventually("SELECT n FROM psum", "1")
	r.exec("PAUSE psum; INSERT INTO p VALUES ('a', 2)")
	r.exec("RESUME psum")
	r.eventually("SELECT n FROM psum", "2")
	r.refuse("DROP STREAM p", "LEAT-5003")
	r.exec("DROP TABLE psum; DROP STREAM p")
	r.refuse("SELECT * FROM psum", "LEAT-3102")
}
