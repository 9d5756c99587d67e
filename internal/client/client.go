// Package client talks to a coordinator over NATS: statements, rows of queries, the state, dead letters.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Client is a connection to Leat's API. It may be used by several goroutines.
type Client struct {
	nc      *nats.Conn
	timeout time.Duration
}

const defaultTimeout = 30 * time.Second

// New returns a client over a connection of the users' account. timeout bounds one request; 0 is 30 s.
func New(nc *nats.Conn, timeout time.Duration) *Client {
	if timeout == 0 {
		timeout = defaultTimeout
	}
	return &Client{nc: nc, timeout: timeout}
}

// call sends a request and decodes the answer.
func (c *Client) call(ctx context.Context, subject string, req, resp any) error {
	data, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	m, err := c.nc.RequestWithContext(ctx, subject, data)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return &api.Error{
			Code: "LEAT-4007", Message: "no coordinator answers at " + c.nc.ConnectedUrlRedacted(),
			Retryable: true, Hint: "is leat running there? leat dev starts one; --nats names another address",
		}
	case errors.Is(err, context.DeadlineExceeded):
		return &api.Error{
			Code: "LEAT-4001", Message: fmt.Sprintf("no answer in %s", c.timeout), Retryable: true,
			Hint: "the broker or the coordinator is slow; --timeout waits longer",
		}
	case err != nil:
		return fmt.Errorf("ask %s: %w", subject, err)
	}
	if code := m.Header.Get("Nats-Service-Error-Code"); code != "" {
		return &api.Error{Code: code, Message: m.Header.Get("Nats-Service-Error")}
	}
	if err := json.Unmarshal(m.Data, resp); err != nil {
		return fmt.Errorf("decode the answer of %s: %w", subject, err)
	}
	return nil
}

// Execute runs a script. A statement that fails is in the answer's Error, what ran before it in Results.
func (c *Client) Execute(ctx context.Context, req api.ExecuteRequest) (*api.ExecuteResponse, error) {
	var resp api.ExecuteResponse
	if err := c.call(ctx, api.SubjectExecute, req, &resp); err != nil {
		return nil, err
	}
	return &resp, nil
}

// Status asks for the state of all that runs.
func (c *Client) Status(ctx context.Context) (*api.Status, error) {
	var s api.Status
	return &s, c.call(ctx, api.SubjectStatus, struct{}{}, &s)
}

// DLQ works on dead letters.
func (c *Client) DLQ(ctx context.Context, req api.DLQRequest) (*api.DLQResponse, error) {
	var resp api.DLQResponse
	if err := c.call(ctx, api.SubjectDLQ, req, &resp); err != nil {
		return nil, err
	}
	if resp.Error != nil {
		return nil, resp.Error
	}
	return &resp, nil
}

// Rows iterates over the rows of a query.
type Rows struct {
	c      *Client
	result api.Result
	schema *vector.Schema
	batch  []([]byte)
	done   bool
	failed error
	// Notice, if set, hears what the server says beside the rows.
	Notice func(string)
}

// Schema makes the columns of a result of kind rows.
func Schema(r api.Result) (*vector.Schema, error) {
	s := &vector.Schema{}
	for _, col := range r.Columns {
		t, err := parser.ParseType(col.Type)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", col.Name, err)
		}
		s.Fields = append(s.Fields, vector.Field{Name: col.Name, Type: t})
	}
	return s, nil
}

// Rows opens the rows of a result of kind rows.
func (c *Client) Rows(r api.Result) (*Rows, error) {
	s, err := Schema(r)
	if err != nil {
		return nil, err
	}
	return &Rows{c: c, result: r, schema: s}, nil
}

// Schema is the columns of the rows.
func (r *Rows) Schema() *vector.Schema { return r.schema }

const fetchWait = 1000 // ms

// Next returns the next batch, (nil, nil) when nothing came for a second, and io.EOF at the end.
func (r *Rows) Next(ctx context.Context) (*vector.Batch, error) {
	if len(r.batch) == 0 && !r.done {
		if err := r.fetch(ctx); err != nil {
			return nil, err
		}
	}
	if len(r.batch) == 0 {
		if !r.done {
			return nil, nil //nolint:nilnil // nothing yet is neither a batch nor an error
		}
		if r.failed != nil {
			return nil, r.failed
		}
		return nil, io.EOF
	}
	var pb messages.ProcessBatch
	if err := messages.DecodeProcessBatch(r.batch[0], &pb); err != nil {
		return nil, fmt.Errorf("decode rows: %w", err)
	}
	r.batch = r.batch[1:]
	b := &vector.Batch{Watermark: pb.Watermark}
	if err := vector.FromColumns(&pb.Columns, r.schema, b); err != nil {
		return nil, fmt.Errorf("decode rows: %w", err)
	}
	return b, nil
}

func (r *Rows) fetch(ctx context.Context) error {
	var resp api.FetchResponse
	req := api.FetchRequest{Cursor: r.result.Cursor, WaitMs: fetchWait, Format: "batch"}
	if err := r.c.call(ctx, api.SubjectFetch+"."+r.result.Instance, req, &resp); err != nil {
		return err
	}
	if resp.Notice != "" && r.Notice != nil {
		r.Notice(resp.Notice)
	}
	r.batch, r.done = resp.Batches, resp.Done
	if resp.Error != nil {
		r.done, r.failed = true, resp.Error
	}
	return nil
}

// Close ends the query.
func (r *Rows) Close(ctx context.Context) error {
	if r.done {
		return nil
	}
	r.done = true
	var resp struct{}
	return r.c.call(ctx, api.SubjectClose+"."+r.result.Instance, map[string]string{"cursor": r.result.Cursor}, &resp)
}
