package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const (
	passWait  = time.Second // a scan waits so long for a task to pass the ends of its inputs
	passPoll  = 5 * time.Millisecond
	chunkWait = 5 * time.Second
	// recoverWait is how much longer it waits for a task that has not its state yet.
	recoverWait = 3 * time.Second
	chunkRows   = 4096
)

// scan answers a request for the rows of a task's table, or for the moment when it has passed a position.
func (e *Engine) scan(ctx context.Context, t *liveTask, m *nats.Msg) {
	var req api.ScanRequest
	if err := json.Unmarshal(m.Data, &req); err != nil {
		respondError(m, "the request cannot be read: "+err.Error())
		return
	}
	if !t.pass(ctx, req.Inputs, req.Whole) {
		respondError(m, fmt.Sprintf("task %s recovers", t.w.name()))
		return
	}
	if !req.Rows {
		_ = m.Respond(nil) // nobody waits any more when this fails
		return
	}
	rows, err := t.rows(ctx)
	if err != nil {
		respondError(m, err.Error())
		return
	}
	for _, b := range rows {
		for from := 0; from < b.Rows; from += chunkRows {
			if !e.send(m.Reply, vector.Slice(b, from, min(b.Rows, from+chunkRows))) {
				return
			}
		}
	}
	end := nats.NewMsg(m.Reply)
	end.Header.Set(api.HeaderEnd, "1")
	_ = e.cfg.Conn.PublishMsg(end) // nobody waits any more when this fails
}

func respondError(m *nats.Msg, text string) {
	out := nats.NewMsg(m.Reply)
	out.Header.Set(api.HeaderError, text)
	_ = m.RespondMsg(out) // nobody waits any more when this fails
}

// send sends a chunk and waits until the receiver asks for the next one.
func (e *Engine) send(to string, b *vector.Batch) bool {
	var pb messages.ProcessBatch
	pb.Watermark = vector.NoTime
	vector.ToColumns(b, &pb.Columns)
	_, err := e.cfg.Conn.Request(to, pb.Append(nil), chunkWait)
	return err == nil
}

// pass waits, at most a second, until the task has taken its inputs up to the given sequences and written what came of
// it. false: it has not its state yet, or, where whole is asked for, has not passed them yet.
func (t *liveTask) pass(ctx context.Context, inputs map[string]uint64, whole bool) bool {
	deadline := time.Now().Add(passWait)
	tick := time.NewTicker(passPoll)
	defer tick.Stop()
	for {
		n := t.numbers.Numbers()
		late := time.Now().After(deadline)
		if t.passed(n, inputs) || !whole && late && n.Live && !n.Redoing {
			return true
		}
		if late && time.Now().After(deadline.Add(recoverWait)) {
			return false
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}

func (t *liveTask) passed(n task.Numbers, inputs map[string]uint64) bool {
	if !n.Live || n.Redoing {
		return false
	}
	for i, in := range t.w.stage.Inputs {
		if i < len(n.Positions) && n.Positions[i] < inputs[stage.InputTopic(in)] {
			return false
		}
	}
	return !slices.ContainsFunc(n.Outputs, func(o task.OutputNumbers) bool { return o.Depth > 0 })
}

// rows takes a copy of the task's table between two steps.
func (t *liveTask) rows(ctx context.Context) ([]*vector.Batch, error) {
	var out []*vector.Batch
	var table bool
	done := make(chan struct{})
	call := func(m task.Machine) {
		table = m.Scan(func(b *vector.Batch) { out = append(out, vector.CloneBatch(vector.Compact(b))) })
		close(done)
	}
	ctx, cancel := context.WithTimeout(ctx, chunkWait)
	defer cancel()
	select {
	case t.calls <- call:
	case <-ctx.Done():
		return nil, fmt.Errorf("task %s is busy or recovers", t.w.name())
	}
	select {
	case <-done:
	case <-ctx.Done():
		return nil, fmt.Errorf("task %s stopped", t.w.name())
	}
	if !table {
		return nil, fmt.Errorf("task %s holds no table", t.w.name())
	}
	return out, nil
}
