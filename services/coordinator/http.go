package coordinator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/pkg/sql/ast"
)

const maxBody = 8 << 20

// Handler serves /api/v1/. Host and origin are checked in front of it.
func (c *Coordinator) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/statements", c.httpStatements)
	mux.HandleFunc("POST /api/v1/fetch", c.httpFetch)
	mux.HandleFunc("POST /api/v1/streams/{name}/rows", c.httpRows)
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, c.Status())
	})
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	_ = json.NewEncoder(w).Encode(v) // the client is gone when this fails
}

// problem writes an error as application/problem+json (RFC 9457).
func problem(w http.ResponseWriter, status int, e *api.Error) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": e.Message, "status": status,
		"code": e.Code, "hint": e.Hint, "retryable": e.Retryable, "position": e.Position,
	})
}

// statusOf is the HTTP status of an error code.
func statusOf(e *api.Error) int {
	switch {
	case e.Code == "LEAT-5101" || e.Code == "LEAT-4101":
		return http.StatusTooManyRequests
	case strings.HasPrefix(e.Code, "LEAT-4"):
		return http.StatusServiceUnavailable
	case e.Code == "LEAT-5002":
		return http.StatusNotFound
	case strings.HasPrefix(e.Code, "LEAT-5"):
		return http.StatusConflict
	default:
		return http.StatusBadRequest
	}
}

func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	in := json.NewDecoder(r.Body)
	in.DisallowUnknownFields()
	if err := in.Decode(into); err != nil {
		problem(w, http.StatusBadRequest, &api.Error{Code: "LEAT-2001", Message: "the body is not the JSON that is " +
			"taken here: " + err.Error()})
		return false
	}
	return true
}

// httpStatements runs a script. With Accept: application/x-ndjson the rows of the last statement are streamed, one JSON
// object a line; else the answer is JSON with cursors.
func (c *Coordinator) httpStatements(w http.ResponseWriter, r *http.Request) {
	var req api.ExecuteRequest
	if !readJSON(w, r, &req) {
		return
	}
	resp := c.Execute(r.Context(), req)
	if resp.Error != nil {
		problem(w, statusOf(resp.Error), resp.Error)
		return
	}
	if n := len(resp.Results); n > 0 && resp.Results[n-1].Kind == "rows" &&
		strings.Contains(r.Header.Get("Accept"), "ndjson") {
		c.streamRows(w, r, resp.Results[n-1].Cursor)
		return
	}
	writeJSON(w, resp)
}

// streamRows writes rows as they come; it ends with the query or the client.
func (c *Coordinator) streamRows(w http.ResponseWriter, r *http.Request, cursor string) {
	defer c.cursors.close(cursor)
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := http.NewResponseController(w)
	for {
		resp := c.Fetch(r.Context(), api.FetchRequest{
			Cursor: cursor, WaitMs: maxFetchWait.Milliseconds(),
			Format: "json",
		})
		for _, row := range resp.Rows {
			if _, err := w.Write(append(row, '\n')); err != nil {
				return
			}
		}
		if resp.Error != nil {
			_ = json.NewEncoder(w).Encode(map[string]any{"error": resp.Error})
		}
		if out.Flush() != nil || resp.Done || r.Context().Err() != nil {
			return
		}
	}
}

func (c *Coordinator) httpFetch(w http.ResponseWriter, r *http.Request) {
	var req api.FetchRequest
	if readJSON(w, r, &req) {
		req.Format = "json"
		writeJSON(w, c.Fetch(r.Context(), req))
	}
}

// rowFormats maps content types to formats of rows.
var rowFormats = map[string]string{
	"application/json": "json", "application/x-ndjson": "json", "text/csv": "csv",
	"application/msgpack": "msgpack", "application/x-msgpack": "msgpack", "": "json",
}

// httpRows takes rows for a stream: 200 after the append, 429 when ingest is full.
func (c *Coordinator) httpRows(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	o, ok := c.Catalog().Object(ast.Ident{Name: name})
	if !ok {
		problem(w, http.StatusNotFound, &api.Error{Code: "LEAT-5002", Message: "no stream " + name})
		return
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	as, ok := rowFormats[strings.TrimSpace(kind)]
	if !ok && strings.HasPrefix(kind, "application/x-www-form-urlencoded") { // what curl -d sends unasked
		as, ok = "json", true
	}
	if !ok {
		problem(w, http.StatusUnsupportedMediaType,
			&api.Error{
				Code: "LEAT-2001", Message: "content type " + kind + " is not taken",
				Hint: "application/x-ndjson, text/csv or application/msgpack",
			})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		problem(w, http.StatusRequestEntityTooLarge,
			&api.Error{Code: "LEAT-3301", Message: "the body is larger than 8 MiB"})
		return
	}
	if err != nil {
		return // the client is gone
	}
	msg := nats.NewMsg(api.SubjectPush + "." + o.Topic)
	msg.Header.Set(api.HeaderFormat, as)
	for from, to := range map[string]string{
		"Idempotency-Key":     "Leat-Idempotency-Key",
		"Leat-Correlation-Id": "Leat-Correlation-Id", "Traceparent": "traceparent",
	} { // any order: headers are a map again
		if v := r.Header.Get(from); v != "" && len(v) <= 256 {
			msg.Header.Set(to, v)
		}
	}
	msg.Data = body
	resp, err := c.push(r.Context(), o, msg)
	if err != nil {
		e := apiError(err, "")
		problem(w, statusOf(e), e)
		return
	}
	writeJSON(w, resp)
}
