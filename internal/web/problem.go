package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// document is an error over HTTP (RFC 9457), with the code, and the place in the statement as byte offsets.
type document struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Hint   string `json:"hint,omitempty"`
	Start  *int   `json:"start,omitempty"`
	End    *int   `json:"end,omitempty"`
}

// statusOf is the HTTP status of an error without a better one, by the exit code of its code.
var statusOf = map[int]int{
	1: http.StatusInternalServerError, 2: http.StatusBadRequest, 3: http.StatusBadRequest,
	4: http.StatusServiceUnavailable, 5: http.StatusConflict, 6: http.StatusUnprocessableEntity,
}

// Problem answers with err. A later attempt is worth it where its code says so.
func Problem(w http.ResponseWriter, err error) {
	code := errcode.Of(err)
	status := statusOf[code.Exit()]
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		status, code = http.StatusRequestEntityTooLarge, errcode.Usage
	case code == errcode.Code(sqlerr.NotFound):
		status = http.StatusNotFound
	case code.Retryable():
		w.Header().Set("Retry-After", "1")
	}
	write(w, status, code, err)
}

func problem(w http.ResponseWriter, status int, err *errcode.Error) { write(w, status, err.Code, err) }

func write(w http.ResponseWriter, status int, code errcode.Code, err error) {
	entry, _ := errcode.Lookup(code)
	d := document{
		Type: "about:blank", Title: entry.Title, Status: status, Detail: err.Error(), Code: string(code),
		Hint: errcode.Hint(err),
	}
	if sql, ok := errors.AsType[*sqlerr.Error](err); ok {
		d.Detail, d.Start, d.End = sql.Msg, &sql.Span.Start, &sql.Span.End
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(d) // the client is gone
}
