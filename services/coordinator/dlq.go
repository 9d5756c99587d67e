package coordinator

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

const (
	dlqLimit  = 100    // letters in an answer, unless asked for more
	dlqMost   = 10_000 // letters in one answer at the most
	dlqPrefix = "LEAT_DLQ_"
)

// DLQ lists, shows, retries or drops dead letters. A letter is never removed from its log, whose order fences its
// writer: one that was retried or dropped is marked in a bucket and no longer listed.
func (c *Coordinator) DLQ(ctx context.Context, req api.DLQRequest) api.DLQResponse {
	resp, err := c.dlq(ctx, req)
	if err != nil {
		resp.Error = apiError(err, "")
	}
	return resp
}

func (c *Coordinator) dlq(ctx context.Context, req api.DLQRequest) (api.DLQResponse, error) {
	resp := api.DLQResponse{Letters: []api.DeadLetter{}}
	if !slices.Contains([]string{"list", "show", "retry", "drop"}, req.Op) {
		return resp, &api.Error{
			Code: "LEAT-2001", Message: fmt.Sprintf("no operation %q", req.Op),
			Hint: "list, show, retry or drop",
		}
	}
	if (req.Op == "retry" || req.Op == "drop") && req.ID == "" && !req.All && req.Query == "" && req.Reason == "" {
		return resp, &api.Error{Code: "LEAT-2001", Message: req.Op + " needs an id, --query, --reason or --all"}
	}
	if q, ok := c.Catalog().Query(req.Query); ok {
		req.Query = q.ID // it may be named by its result
	}
	marks, err := catalog.OpenBucket(ctx, c.js, catalog.BucketMarks, c.cfg.Replicas)
	if err != nil {
		return resp, err
	}
	found, err := c.letters(ctx, req, marks)
	if err != nil {
		return resp, err
	}
	if req.ID != "" && len(found) == 0 {
		return resp, &api.Error{
			Code: string(sqlerr.NotFound), Message: "no dead letter " + req.ID,
			Hint: "leat dlq list shows them",
		}
	}
	resp.Count = len(found)
	if (req.Op == "retry" || req.Op == "drop") && !req.DryRun {
		n, err := c.dispose(ctx, req.Op, found, marks)
		resp.Count = n
		if err != nil {
			return resp, err
		}
	}
	limit := min(max(req.Limit, 0), dlqMost)
	if limit == 0 {
		limit = dlqLimit
	}
	for _, l := range found[:min(len(found), limit)] {
		resp.Letters = append(resp.Letters, l.readable(req.Op == "show"))
	}
	return resp, nil
}

// letter is a dead letter with its place.
type letter struct {
	topic     string // of the dead letters: an object's, a query's or a sink's
	partition int
	seq       uint64
	*messages.DeadLetter
}

func (l letter) id() string { return fmt.Sprintf("%s/%d/%d", l.topic, l.partition, l.seq) }

func (l letter) markKey() string { return fmt.Sprintf("%s.%d.%d", l.topic, l.partition, l.seq) }

func (l letter) readable(whole bool) api.DeadLetter {
	d := api.DeadLetter{
		ID: l.id(), Source: l.Source, Subject: l.Subject, Partition: l.Partition, Sequence: l.Sequence,
		Row: l.Row, Query: l.Query, Stage: l.Stage, Code: l.Code, Error: l.Error, CorrelationID: l.CorrelationID,
		TraceID:  l.TraceID,
		Attempts: l.Attempts, Time: time.UnixMilli(l.TimeMs).UTC().
				Format(time.RFC3339Nano), Format: l.Format, Truncated: l.Truncated,
	}
	original := l.Original
	const preview = 120
	if !whole && len(original) > preview {
		original = original[:preview]
		for len(original) > 0 && !utf8.Valid(original) && utf8.Valid(l.Original) {
			original = original[:len(original)-1]
		}
	}
	if utf8.Valid(original) {
		d.Original = string(original)
	} else {
		d.Original, d.Base64 = base64.StdEncoding.EncodeToString(original), true
	}
	return d
}

// letters reads the dead letters that match, oldest first by topic.
func (c *Coordinator) letters(ctx context.Context, req api.DLQRequest, marks jetstream.KeyValue) ([]letter, error) {
	var out []letter
	for _, name := range c.deadTopics() {
		got, err := c.lettersOf(ctx, name, req)
		if err != nil {
			return nil, err
		}
		out = append(out, got...)
	}
	keys, err := marks.Keys(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil, fmt.Errorf("read the marks of dead letters: %w", err)
	}
	gone := map[string]bool{}
	for _, k := range keys {
		gone[k] = true
	}
	return slices.DeleteFunc(out, func(l letter) bool { return gone[l.markKey()] }), nil
}

// deadTopics lists the topics that may hold dead letters.
func (c *Coordinator) deadTopics() []string {
	cat := c.Catalog()
	var out []string
	for _, n := range cat.Names() {
		if cat.Objects[n].Source != nil {
			out = append(out, cat.Objects[n].Topic)
		}
	}
	out = append(out, slices.Sorted(maps.Keys(cat.Queries))...)
	for _, s := range slices.Sorted(maps.Keys(cat.Sinks)) {
		out = append(out, sinkDead(s))
	}
	return out
}

func sinkDead(sink string) string { return "S-" + strings.ToLower(sink) }

func (c *Coordinator) lettersOf(ctx context.Context, name string, req api.DLQRequest) ([]letter, error) {
	if id := strings.Split(req.ID, "/"); req.ID != "" && id[0] != name {
		return nil, nil
	}
	log := topic.NewJetStream(c.js, dlqPrefix+name, topic.JetStreamConfig{})
	info, err := log.Info(ctx)
	if errors.Is(err, topic.ErrNotFound) || err == nil && info.LastSeq == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the dead letters of %s: %w", name, err)
	}
	cursor, err := log.Read(ctx, 1, 4<<20, topic.Filter(topic.ClassDead, name))
	if err != nil {
		return nil, fmt.Errorf("read the dead letters of %s: %w", name, err)
	}
	defer cursor.Close()
	var out []letter
	for len(out) < dlqMost {
		m, pending, err := cursor.Next(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the dead letters of %s: %w", name, err)
		}
		if l, ok := decodeLetter(m); ok && l.matches(req) {
			out = append(out, l)
		}
		if m.Seq >= info.LastSeq || pending == 0 {
			break
		}
	}
	return out, nil
}

func decodeLetter(m *topic.Message) (letter, bool) {
	d, err := messages.DecodeDeadLetter(m.Data)
	if err != nil { // epoch and progress messages are none
		return letter{}, false
	}
	place, err := topic.ParseSubject(m.Subject)
	if err != nil {
		return letter{}, false
	}
	return letter{topic: place.Name, partition: place.Partition, seq: m.Seq, DeadLetter: d}, true
}

func (l letter) matches(req api.DLQRequest) bool {
	if req.ID != "" && l.id() != req.ID {
		return false
	}
	if req.Reason != "" && !strings.EqualFold(l.Code, req.Reason) {
		return false
	}
	return req.Query == "" || strings.EqualFold(l.Query, req.Query) || strings.EqualFold(l.topic, req.Query) ||
		strings.EqualFold(l.Source, req.Query)
}

// dispose retries or drops letters; it returns how many.
func (c *Coordinator) dispose(ctx context.Context, op string, found []letter, marks jetstream.KeyValue) (int, error) {
	n := 0
	for _, l := range found {
		if op == "retry" {
			if err := c.retry(ctx, l); err != nil {
				return n, err
			}
		}
		if _, err := marks.Put(ctx, l.markKey(), []byte(op)); err != nil {
			return n, fmt.Errorf("mark dead letter %s: %w", l.id(), err)
		}
		n++
	}
	return n, nil
}

// retry sends a record to the ingest of its stream once more, under an idempotency key of its own: a crash between the
// append and the mark does not double it.
func (c *Coordinator) retry(ctx context.Context, l letter) error {
	if l.Truncated {
		return &api.Error{Code: "LEAT-5301", Message: "dead letter " + l.id() +
			" keeps only the beginning of its record", Hint: "send the record again from where it came"}
	}
	o := c.objectOf(l)
	if o == nil {
		return &api.Error{
			Code:    string(sqlerr.NotFound),
			Message: fmt.Sprintf("the stream of dead letter %s is gone", l.id()),
		}
	}
	msg := nats.NewMsg(api.SubjectPush + "." + o.Topic)
	msg.Header.Set(api.HeaderFormat, l.Format)
	msg.Header.Set("Leat-Idempotency-Key", "dlq/"+l.id())
	msg.Header.Set("Leat-Retry-Count", strconv.FormatUint(uint64(l.Attempts)+1, 10))
	if l.CorrelationID != "" {
		msg.Header.Set("Leat-Correlation-Id", l.CorrelationID)
	}
	msg.Data = l.Original
	_, err := c.push(ctx, o, msg)
	return err
}

// objectOf is the stream that a letter's record belongs to: the one with that topic or name.
func (c *Coordinator) objectOf(l letter) *plan.Object {
	cat := c.Catalog()
	for _, n := range cat.Names() {
		if o := cat.Objects[n]; o.Topic == l.Source || o.Topic == l.topic {
			return o
		}
	}
	o, _ := cat.Object(ast.Ident{Name: l.Source})
	return o
}
