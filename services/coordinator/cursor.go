package coordinator

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const (
	cursorIdle   = 60 * time.Second // a client that does not fetch for so long is gone
	maxCursors   = 256
	maxFetchWait = 2 * time.Second
	fetchRows    = 2048      // rows of an answer at the most
	fetchBytes   = 384 << 10 // bytes of an answer, roughly
	bufferRows   = 4096      // rows kept for a client; beyond, the query waits for it
)

// cursors are the running queries of clients.
type cursors struct {
	mu  sync.Mutex
	all map[string]*cursor
}

func newCursors() *cursors { return &cursors{all: map[string]*cursor{}} }

// cursor is one running query. The runner collects rows in buf and waits when its client is slow.
type cursor struct {
	id     string
	schema *vector.Schema
	cancel context.CancelFunc
	more   chan struct{} // capacity 1: buf has rows, or the query has ended
	room   chan struct{} // capacity 1: buf was taken

	mu      sync.Mutex
	buf     *vector.Batch
	err     error
	ended   bool
	gone    bool // nobody fetches any more
	fetched time.Time
	notice  string
	dead    int
}

// start runs a query in a goroutine of its own; it lives until the client has all, closes it, or stays away.
func (cs *cursors) start(
	parent context.Context, schema *vector.Schema, run func(context.Context, *cursor) error,
) (*cursor, error) {
	var id [12]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	cur := &cursor{
		id: hex.EncodeToString(id[:]), schema: schema, more: make(chan struct{}, 1),
		room: make(chan struct{}, 1), fetched: time.Now(),
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	cur.cancel = cancel
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.all) >= maxCursors {
		cancel()
		return nil, &api.Error{
			Code: "LEAT-5101", Message: "too many queries of clients are running",
			Hint: "close some", Retryable: true,
		}
	}
	cs.all[cur.id] = cur
	go func() {
		err := run(ctx, cur)
		cur.mu.Lock()
		cur.err, cur.ended = err, true
		cur.mu.Unlock()
		signal(cur.more)
	}()
	return cur, nil
}

// signal wakes who waits on c, now or next time.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake already
	}
}

var errGone = errors.New("the client is gone")

// Result implements direct.Sink: it keeps the rows and waits while the client is slow.
func (c *cursor) Result(_ string, _ int, b *vector.Batch) error {
	timer := time.NewTimer(cursorIdle)
	defer timer.Stop()
	for {
		c.mu.Lock()
		switch {
		case c.gone:
			c.mu.Unlock()
			return errGone
		case c.buf == nil || c.buf.Rows < bufferRows:
			if c.buf == nil {
				c.buf = vector.NewBatch(b.Schema, b.Live())
			}
			plain := *vector.Compact(b)
			plain.Ops = nil // the client is shown rows
			vector.AppendBatch(c.buf, &plain)
			c.mu.Unlock()
			signal(c.more)
			return nil
		}
		c.mu.Unlock()
		select {
		case <-c.room:
		case <-timer.C:
			return &api.Error{Code: "LEAT-4003", Message: "the client took no rows for a minute"}
		}
	}
}

// take returns up to fetchRows rows; nil when there are none.
func (c *cursor) take() (b *vector.Batch, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fetched = time.Now()
	if c.buf == nil {
		return nil, c.ended
	}
	b = c.buf
	c.buf = nil
	if n := answerRows(b); b.Rows > n {
		c.buf = vector.CloneBatch(vector.Slice(b, n, b.Rows))
		b = vector.Slice(b, 0, n)
		signal(c.more)
	}
	signal(c.room)
	return b, false
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

// answerRows is how many rows of b go into one answer: it must fit a message of any NATS server.
func answerRows(b *vector.Batch) int {
	size := 0
	for _, v := range b.Cols {
		size += len(v.Data)
	}
	perRow := size/max(1, b.Rows) + 16*len(b.Cols)
	return min(fetchRows, max(1, fetchBytes/max(1, perRow)))
}

// stop cancels the query and lets a runner that waits for its client end.
func (c *cursor) stop() {
	c.cancel()
	c.mu.Lock()
	c.gone = true
	c.mu.Unlock()
	signal(c.room)
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
		for id, c := range cs.all { // any order: each is judged on its own
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
		return api.FetchResponse{Done: true, Error: &api.Error{
			Code: string(sqlerr.NotFound), Message: "no such cursor",
			Hint: "it ended, or its client stayed away for a minute",
		}}
	}
	wait := min(max(time.Duration(req.WaitMs)*time.Millisecond, 0), maxFetchWait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		b, ended := cur.take()
		switch {
		case b != nil:
			var resp api.FetchResponse
			addRows(&resp, b, req.Format)
			return c.seen(cur, resp)
		case ended:
			return c.ended(cur, api.FetchResponse{})
		}
		select {
		case <-cur.more:
		case <-timer.C:
			return c.seen(cur, api.FetchResponse{})
		case <-ctx.Done():
			return c.seen(cur, api.FetchResponse{})
		}
	}
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
	if cur.err != nil && !errors.Is(cur.err, errGone) {
		resp.Error = apiError(cur.err, "")
	}
	cur.mu.Unlock()
	c.cursors.close(cur.id)
	return resp
}

// addRows puts rows into an answer in the format the client wants.
func addRows(resp *api.FetchResponse, b *vector.Batch, as string) {
	if as != "json" {
		var pb messages.ProcessBatch
		pb.Watermark = b.Watermark
		vector.ToColumns(b, &pb.Columns)
		resp.Batches = append(resp.Batches, pb.Append(nil))
		return
	}
	keys := format.JSONKeys(b.Schema)
	for i := range b.Rows {
		resp.Rows = append(resp.Rows, format.AppendRow(nil, keys, b, i))
	}
}
