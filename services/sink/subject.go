package sink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/pause"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Headers of a delivered message.
const (
	headerSink = "Leat-Sink"
	headerKey  = "Leat-Key"
	headerOp   = "Leat-Op"
	headerKV   = "KV-Operation"
)

const (
	window         = 256 // publishes in flight
	ackTimeout     = 5 * time.Second
	scanIdle       = 5 * time.Second
	scanMessages   = 1000
	outStreamBytes = 256 << 20
	codeRefused    = "LEAT-5401"
	codeTooLarge   = "LEAT-5402"
)

// streamTarget publishes rows into a JetStream stream of the users: a stream that captures the subjects, or the stream
// of a KV bucket. Each message has an id made of its position, and the position in a header. A start reads the stream
// from the recorded sequence on and leaves out what it finds: once, unless an append stays undecided for longer than
// the duplicate window of the stream.
type streamTarget struct {
	d       *delivery
	js      jetstream.JetStream
	address *address
	keys    []string // JSON
	key     []int    // key columns, for the header and the KV key
	kv      bool
	ensure  func(ctx context.Context) (jetstream.Stream, error)
	stream  jetstream.Stream
	words   string

	flight []flight
	last   uint64 // largest sequence acknowledged
	// there is what the target held at the start beyond the recorded position: rows, or, of a bucket, keys with the
	// position of their last row. Rows may have been accepted in another order than that of the log.
	there    map[Position]bool
	thereKey map[string]Position
}

// flight is a publish that is not acknowledged yet, of row i of b.
type flight struct {
	msg    *nats.Msg
	future jetstream.PubAckFuture
	b      *vector.Batch
	i      int
}

func newStreamTarget(d *delivery) *streamTarget {
	schema := d.object.Schema()
	js, err := jetstream.New(d.s.cfg.App, jetstream.WithPublishAsyncMaxPending(2*window))
	if err != nil {
		js = d.s.app
	}
	return &streamTarget{d: d, js: js, keys: format.JSONKeys(schema), key: d.object.Key}
}

// newSubjectTarget delivers to subjects.
func newSubjectTarget(d *delivery) *streamTarget {
	t := newStreamTarget(d)
	t.address = parseAddress(d.sink.Address, d.object)
	t.ensure = t.subjectStream
	return t
}

// subjectStream finds the stream that captures the subjects, or makes one.
func (t *streamTarget) subjectStream(ctx context.Context) (jetstream.Stream, error) {
	pattern := t.address.filter()
	name, err := t.js.StreamNameBySubject(ctx, pattern)
	if err == nil {
		t.words = fmt.Sprintf("exactly once into stream %s (message id and position; "+
			"by the duplicate window of the stream)", name)
		return t.js.Stream(ctx, name)
	}
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("look for a stream that captures %s: %w", pattern, err)
	}
	name = "OUT_" + strings.ToUpper(t.d.sink.Name)
	st, err := t.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: name, Subjects: []string{pattern},
		MaxBytes: outStreamBytes, Discard: jetstream.DiscardOld, Storage: jetstream.FileStorage,
		Replicas:    max(1, t.d.s.cfg.Replicas),
		Description: "Leat: results of sink " + t.d.sink.Name, Metadata: map[string]string{"leat.kind": "sink"},
	})
	if err != nil && errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another partition's delivery was first
		st, err = t.js.Stream(ctx, name)
	}
	if err != nil {
		return nil, fmt.Errorf("make stream %s for %s: %w", name, pattern, err)
	}
	t.words = fmt.Sprintf("exactly once into stream %s, which Leat made "+
		"(message id and position; by its duplicate window)", name)
	return st, nil
}

// newKVTarget delivers to a KV bucket: a put of the row under its key, a delete for a delete.
func newKVTarget(d *delivery) *streamTarget {
	t := newStreamTarget(d)
	t.kv = true
	t.address = &address{literal: "$KV." + d.sink.Address + "."}
	t.ensure = func(ctx context.Context) (jetstream.Stream, error) {
		if len(d.object.Key) == 0 {
			return nil, &fatalError{fmt.Errorf("a KV sink needs a key; %s has none", d.object.Name)}
		}
		_, err := t.js.KeyValue(ctx, d.sink.Address)
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			_, err = t.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket: d.sink.Address, History: 1,
				MaxBytes: outStreamBytes, Replicas: max(1, d.s.cfg.Replicas),
				Description: "Leat: results of sink " + d.sink.Name,
			})
		}
		if err != nil && !errors.Is(err, jetstream.ErrBucketExists) {
			return nil, fmt.Errorf("open KV bucket %s: %w", d.sink.Address, err)
		}
		t.words = "exactly once per key into KV bucket " + d.sink.Address + " (message id and position in each entry)"
		return t.js.Stream(ctx, "KV_"+d.sink.Address)
	}
	return t
}

// open implements target.
func (t *streamTarget) open(ctx context.Context, recorded *record) (Position, error) {
	st, err := t.ensure(ctx)
	if err != nil {
		return Position{}, err
	}
	t.stream = st
	info, err := st.Info(ctx)
	if err != nil {
		return Position{}, fmt.Errorf("read the state of stream %s: %w", st.CachedInfo().Config.Name, err)
	}
	t.last = info.State.LastSeq
	if recorded.Target == 0 { // the first start: nothing of ours can be there
		recorded.Target = t.last + 1
		return recorded.Position, nil
	}
	return recorded.Position, t.find(ctx, recorded.Target, info.State.LastSeq)
}

// find reads the target from the recorded sequence to its end and notes the rows of this delivery.
func (t *streamTarget) find(ctx context.Context, from, end uint64) error {
	t.there, t.thereKey = map[Position]bool{}, map[string]Position{}
	if from > end {
		return nil
	}
	cfg := jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
		HeadersOnly: true,
	}
	if !t.kv {
		cfg.FilterSubjects = []string{t.address.filter()}
	}
	c, err := t.stream.OrderedConsumer(ctx, cfg)
	if err != nil {
		return fmt.Errorf("read what the target holds: %w", err)
	}
	if info := c.CachedInfo(); info != nil && info.NumPending == 0 {
		return nil
	}
	it, err := c.Messages(jetstream.PullMaxMessages(scanMessages))
	if err != nil {
		return fmt.Errorf("read what the target holds: %w", err)
	}
	defer it.Stop()
	for {
		nctx, cancel := context.WithTimeout(ctx, scanIdle)
		m, err := it.Next(jetstream.NextContext(nctx))
		cancel()
		if err != nil && ctx.Err() == nil && nctx.Err() != nil {
			return nil // what was there is gone, or is not ours to read
		}
		if err != nil {
			return fmt.Errorf("read what the target holds: %w", err)
		}
		t.note(m)
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read what the target holds: %w", err)
		}
		if meta.Sequence.Stream >= end || meta.NumPending == 0 {
			return nil
		}
	}
}

// note remembers a message of this delivery.
func (t *streamTarget) note(m jetstream.Msg) {
	p, ok := parsePosition(m.Headers().Get(headerPosition))
	if !ok || m.Headers().Get(headerSink) != t.d.tag() {
		return
	}
	t.there[p] = true
	if k := m.Subject(); t.thereKey[k].Less(p) {
		t.thereKey[k] = p
	}
}

// holds reports whether the target held a row at the start. A bucket keeps the last row of a key: an earlier one has
// had its time.
func (t *streamTarget) holds(subject string, pos Position) bool {
	if t.kv {
		return !t.thereKey[subject].Less(pos)
	}
	return t.there[pos]
}

// write implements target.
func (t *streamTarget) write(ctx context.Context, b *vector.Batch, i int, pos Position) error {
	subject, err := t.subject(b, i)
	if err != nil {
		return t.refuse(ctx, b, i, codeRefused, err)
	}
	if t.holds(subject, pos) {
		return nil
	}
	msg := nats.NewMsg(subject)
	msg.Header.Set(nats.MsgIdHdr, "leat/"+t.d.tag()+"/"+pos.String())
	msg.Header.Set(headerSink, t.d.tag())
	msg.Header.Set(headerPosition, pos.String())
	if o := t.d.origin; o.trace != "" {
		msg.Header.Set(messages.HeaderTraceParent, o.trace)
	}
	if o := t.d.origin; o.correlation != "" {
		msg.Header.Set(messages.HeaderCorrelationID, o.correlation)
	}
	deleted := b.Ops != nil && b.Ops[i] == vector.Delete
	if len(t.key) > 0 && !t.kv {
		msg.Header.Set(headerKey, keyText(b, t.key, i))
	}
	switch {
	case deleted && t.kv:
		msg.Header.Set(headerKV, "DEL")
	case deleted:
		msg.Header.Set(headerOp, "delete")
	default:
		msg.Data = format.AppendRow(nil, t.keys, b, i)
	}
	if most := t.d.s.cfg.App.MaxPayload(); int64(len(msg.Data)+1024) > most {
		return t.refuse(ctx, b, i, codeTooLarge, fmt.Errorf("the row has %d bytes, the server takes %d", len(msg.Data),
			most))
	}
	f := flight{msg: msg, b: b, i: i}
	f.future, _ = t.js.PublishMsgAsync(msg) // an error is met in settle, which sends again
	t.flight = append(t.flight, f)
	if len(t.flight) >= window {
		return t.settle(ctx)
	}
	return nil
}

// refuse keeps a row as a dead letter, behind those before it.
func (t *streamTarget) refuse(ctx context.Context, b *vector.Batch, i int, code string, why error) error {
	if err := t.settle(ctx); err != nil {
		return err
	}
	return t.d.refuse(ctx, b, i, code, why)
}

// settle waits for all acknowledgements, in order. What failed is sent again, under the same id, until it is taken, or
// refused for good.
func (t *streamTarget) settle(ctx context.Context) error {
	for k := range t.flight {
		if err := t.settleOne(ctx, k); err != nil {
			t.flight = append(t.flight[:0], t.flight[k:]...)
			return err
		}
	}
	t.flight = t.flight[:0]
	return nil
}

func (t *streamTarget) settleOne(ctx context.Context, k int) error {
	f := &t.flight[k]
	for wait := firstWait; ; wait = min(wait*2, longestWait) {
		seq, err := t.ack(ctx, f)
		if err == nil {
			t.last = max(t.last, seq)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var api *jetstream.APIError
		if errors.As(err, &api) && slices.Contains(refusals, api.ErrorCode) {
			return t.d.refuse(ctx, f.b, f.i, codeTooLarge, err)
		}
		if t.kv && t.replaced(k) { // sent now, it would come behind the later row of its key
			return nil
		}
		t.d.waits(err)
		if !pause.For(ctx, wait) {
			return context.Cause(ctx)
		}
		f.future = nil
	}
}

// refusals are answers of a stream that will be the same for ever.
var refusals = []jetstream.ErrorCode{
	10054, // the message is larger than the stream's MaxMsgSize
}

// replaced reports whether a later row of the same key is in flight behind row k.
func (t *streamTarget) replaced(k int) bool {
	for _, f := range t.flight[k+1:] {
		if f.msg.Subject == t.flight[k].msg.Subject {
			return true
		}
	}
	return false
}

func (t *streamTarget) ack(ctx context.Context, f *flight) (uint64, error) {
	if f.future == nil {
		ctx, cancel := context.WithTimeout(ctx, ackTimeout)
		defer cancel()
		f.msg.Reply = ""
		a, err := t.js.PublishMsg(ctx, f.msg)
		if err != nil {
			return 0, fmt.Errorf("publish to %s: %w", f.msg.Subject, err)
		}
		return a.Sequence, nil
	}
	timer := time.NewTimer(ackTimeout)
	defer timer.Stop()
	select {
	case a := <-f.future.Ok():
		return a.Sequence, nil
	case err := <-f.future.Err():
		return 0, fmt.Errorf("publish to %s: %w", f.msg.Subject, err)
	case <-timer.C:
		return 0, fmt.Errorf("publish to %s: no answer in %s", f.msg.Subject, ackTimeout)
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// flush implements target.
func (t *streamTarget) flush(ctx context.Context, r *record) error {
	if err := t.settle(ctx); err != nil {
		return err
	}
	r.Target = t.last + 1
	return nil
}

func (t *streamTarget) guarantee() string { return t.words }

func (t *streamTarget) close() error { return nil }

// subject is where row i goes.
func (t *streamTarget) subject(b *vector.Batch, i int) (string, error) {
	if t.kv {
		key := keyText(b, t.key, i)
		if key == "" {
			return "", errors.New("the key is null")
		}
		return t.address.literal + key, nil
	}
	return t.address.subject(b, i)
}

// address is a subject with {columns}.
type address struct {
	literal string // of a KV
	parts   []string
	cols    []int // cols[k] stands behind parts[k]
}

// parseAddress takes a pattern apart; the columns exist, the coordinator has checked them.
func parseAddress(pattern string, o *plan.Object) *address {
	a := &address{}
	for {
		before, rest, found := strings.Cut(pattern, "{")
		a.parts = append(a.parts, before)
		if !found {
			return a
		}
		name, after, _ := strings.Cut(rest, "}")
		col := 0
		for i, c := range o.Columns {
			if strings.EqualFold(c.Name, name) {
				col = i
			}
		}
		a.cols = append(a.cols, col)
		pattern = after
	}
}

// filter is the pattern with wildcards for tokens that hold a column.
func (a *address) filter() string {
	var sb strings.Builder
	for i, p := range a.parts {
		sb.WriteString(p)
		if i < len(a.cols) {
			sb.WriteByte('*')
		}
	}
	tokens := strings.Split(sb.String(), ".")
	for i, t := range tokens {
		if strings.Contains(t, "*") {
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, ".")
}

func (a *address) subject(b *vector.Batch, i int) (string, error) {
	var sb strings.Builder
	for k, p := range a.parts {
		sb.WriteString(p)
		if k == len(a.cols) {
			break
		}
		v := b.Cols[a.cols[k]]
		if v.Null(i) {
			return "", fmt.Errorf("column %s of the subject is null", b.Schema.Fields[a.cols[k]].Name)
		}
		sb.WriteString(format.EscapeKey(string(vector.AppendText(nil, v, i))))
	}
	return sb.String(), nil
}

// keyText joins the key columns with dots, each escaped; "" when one is null.
func keyText(b *vector.Batch, cols []int, i int) string {
	parts := make([]string, len(cols))
	for k, c := range cols {
		if b.Cols[c].Null(i) {
			return ""
		}
		parts[k] = format.EscapeKey(string(vector.AppendText(nil, b.Cols[c], i)))
	}
	return strings.Join(parts, ".")
}
