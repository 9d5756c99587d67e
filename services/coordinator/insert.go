package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const pushTimeout = 10 * time.Second

// insertValues sends the rows to the ingest that owns the topic; it answers after the append.
func (c *Coordinator) insertValues(ctx context.Context, s *session, st *ast.InsertValues) (api.Result, error) {
	o, batch, err := c.binder(s, plan.Persistent).InsertValues(st)
	if err != nil {
		return api.Result{}, err
	}
	resp, err := c.push(ctx, o, batchMessage(o, batch))
	if err != nil {
		return api.Result{}, err
	}
	return message(fmt.Sprintf("inserted %d rows into %s", resp.Rows, o.Name)), nil
}

// batchMessage is a request to ingest that carries rows as columns.
func batchMessage(o *plan.Object, rows *vector.Batch) *nats.Msg {
	var pb messages.ProcessBatch
	pb.Watermark = vector.NoTime
	vector.ToColumns(rows, &pb.Columns)
	msg := nats.NewMsg(api.SubjectPush + "." + o.Topic)
	msg.Header.Set(api.HeaderFormat, "batch")
	msg.Data = pb.Append(nil)
	return msg
}

// push sends rows to ingest and reads its answer.
func (c *Coordinator) push(ctx context.Context, o *plan.Object, msg *nats.Msg) (*api.PushResponse, error) {
	m, err := c.ask(ctx, msg, pushTimeout)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, &api.Error{
			Code: "LEAT-4005", Message: "no ingest takes rows for " + o.Name + " at the moment",
			Retryable: true, Hint: "is an ingest service running? try again",
		}
	case errors.Is(err, context.DeadlineExceeded):
		return nil,
			&api.Error{
				Code: "LEAT-4006", Message: "no answer from ingest in 10 s: the rows may have been taken or not",
				Hint: "send them with an Idempotency-Key to be able to try again", Retryable: true,
			}
	case err != nil:
		return nil, fmt.Errorf("push rows to %s: %w", o.Name, err)
	}
	var resp api.PushResponse
	if err := json.Unmarshal(m.Data, &resp); err != nil {
		return nil, fmt.Errorf("decode the answer of ingest: %w", err)
	}
	if resp.Error != nil {
		return &resp, resp.Error
	}
	return &resp, nil
}
