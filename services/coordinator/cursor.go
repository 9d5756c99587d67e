package coordinator

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const (
	cursorIdle    = 60 * time.Second // a client that does not fetch for so long is gone
	maxCursors    = 256
	maxFetchWait  = 2 * time.Second
	fetchBytes    = 512 << 10 // an answer is sent once it holds so much
	pendingChunks = 2         // one being fetched, one ready: the query waits for its client
)

// cursors are the running queries of clients.
type cursors struct {
	mu  sync.Mutex
	all map[string]*cursor
}

func newCursors() *cursors { return &cursors{all: map[string]*cursor{}} }

// cursor is one running query. The runner puts encoded batches into chunks and waits when the client is slow.
type cursor struct {
	id     string
	schema *vector.Schema
	chunks chan []byte
	cancel context.CancelFunc

	mu      sync.Mutex
	err     error
	ended   bool
	fetched time.Time
	notice  string
	dead    int
}

// start runs a query in a goroutine of its own; it lives until the client has all, closes it, or stays away.
func (cs *cursors) start(parent context.Context, schema *vector.Schema, run func(context.Context, *cursor) error) (*cursor, error) {
	var id [12]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	cur := &cursor{id: hex.EncodeToString(id[:]), schema: schema, chunks: make(chan []byte, pendingChunks), fetched: time.Now()}
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	cur.cancel = cancel
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.all) >= maxCursors {
		cancel()
		return nil, &api.Error{Code: "LEAT-5101", Message: "too many queries of clients are running", Hint: "close some", Retryable: true}
	}
	cs.all[cur.id] = cur
	go func() {
		err := run(ctx, cur)
		cur.mu.Lock()
		cur.err, cur.ended = err, true
		cur.mu.Unlock()
		close(cur.chunks)
	}()
	return cur, nil
}

// Result implements direct.Sink: it encodes a batch and waits for the client to take it.
func (c *cursor) Result(_ string, _ int, b *vector.Batch) error {
	var pb messages.ProcessBatch
	pb.Watermark = b.Watermark
	vector.ToColumns(b, &pb.Columns)
	chunk := pb.Append(nil)
	timer := time.NewTimer(cursorIdle)
	defer timer.Stop()
	select {
	case c.chunks <- chunk:
		return nil
	case <-timer.C:
		return &api.Error{Code: "LEAT-4003", Message: "the client took no rows for a minute"}
	}
}

// Dead implements direct.Sink: rows that fail in a client's query are told, not kept.
func (c *cursor) Dead(_ string, _ *vector.Batch, _ uint32, code, msg string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead++
	c.notice = "a row failed and is left out: " + msg + " [" + code + "]"
}

// Late implements direct.Sink.
func (c *cursor) Late(string, *vector.Batch, []uint32) {}

// get finds a cursor and notes that its client is alive.
func (cs *cursors) get(id string) (*cursor, bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c, ok := cs.all[id]
	if ok {
		c.mu.Lock()
		c.fetched = time.Now()
		c.mu.Unlock()
	}
	return c, ok
}

// close ends a cursor.
func (cs *cursors) close(id string) {
	cs.mu.Lock()
	c, ok := cs.all[id]
	delete(cs.all, id)
	cs.mu.Unlock()
	if ok {
		c.stop()
	}
}

// stop cancels the query and takes what it still sends, so that it ends.
func (c *cursor) stop() {
	c.cancel()
	go func() {
		for range c.chunks { //nolint:revive // drained so that the runner can end
		}
	}()
}

// expire closes cursors whose clients stay away, and all of them at the end.
func (cs *cursors) expire(ctx context.Context) error {
	tick := time.NewTicker(cursorIdle / 4)
	defer tick.Stop()
	for {
		all := false
		select {
		case <-ctx.Done():
			all = true
		case <-tick.C:
		}
		cs.mu.Lock()
		for id, c := range cs.all { //nolint:maprange // each is judged on its own
			c.mu.Lock()
			gone := all || time.Since(c.fetched) > cursorIdle
			c.mu.Unlock()
			if gone {
				delete(cs.all, id)
				c.stop()
			}
		}
		cs.mu.Unlock()
		if all {
			return context.Cause(ctx)
		}
	}
}

// Fetch returns the next rows of a cursor.
func (c *Coordinator) Fetch(ctx context.Context, req api.FetchRequest) api.FetchResponse {
	cur, ok := c.cursors.get(req.Cursor)
	if !ok {
		return api.FetchResponse{Done: true, Error: &api.Error{Code: string(sqlerr.NotFound), Message: "no such cursor",
			Hint: "it ended, or its client stayed away for a minute"}}
	}
	var resp api.FetchResponse
	wait := min(max(time.Duration(req.WaitMs)*time.Millisecond, 0), maxFetchWait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	size := 0
	for size < fetchBytes {
		var chunk []byte
		var open bool
		if size == 0 {
			select {
			case chunk, open = <-cur.chunks:
			case <-timer.C:
				return c.seen(cur, resp)
			case <-ctx.Done():
				return c.seen(cur, resp)
			}
		} else {
			select {
			case chunk, open = <-cur.chunks:
			default:
				return c.seen(cur, resp)
			}
		}
		if !open {
			return c.ended(cur, resp)
		}
		size += len(chunk)
		if err := addChunk(&resp, cur, chunk, req.Format); err != nil {
			resp.Error = apiError(err, "")
			resp.Done = true
			return resp
		}
	}
	return c.seen(cur, resp)
}

func (c *Coordinator) seen(cur *cursor, resp api.FetchResponse) api.FetchResponse {
	cur.mu.Lock()
	defer cur.mu.Unlock()
	cur.fetched = time.Now()
	resp.Notice, cur.notice = cur.notice, ""
	return resp
}

func (c *Coordinator) ended(cur *cursor, resp api.FetchResponse) api.FetchResponse {
	resp = c.seen(cur, resp)
	resp.Done = true
	cur.mu.Lock()
	if cur.err != nil {
		resp.Error = apiError(cur.err, "")
	}
	cur.mu.Unlock()
	c.cursors.close(cur.id)
	return resp
}

// addChunk adds a batch to an answer in the format the client wants.
func addChunk(resp *api.FetchResponse, cur *cursor, chunk []byte, as string) error {
	if as != "json" {
		resp.Batches = append(resp.Batches, chunk)
		return nil
	}
	var pb messages.ProcessBatch
	if err := messages.DecodeProcessBatch(chunk, &pb); err != nil {
		return err
	}
	var b vector.Batch
	if err := vector.FromColumns(&pb.Columns, cur.schema, &b); err != nil {
		return err
	}
	keys := format.JSONKeys(cur.schema)
	for i := range b.Rows {
		resp.Rows = append(resp.Rows, format.AppendRow(nil, keys, &b, i))
	}
	return nil
}
