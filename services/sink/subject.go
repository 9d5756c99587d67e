package sink

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/format"
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
	scanIdle       = 2 * time.Second
	outStreamBytes = 256 << 20
	codeRefused    = "LEAT-5401"
	codeTooLarge   = "LEAT-5402"
)

// streamTarget publishes rows into a JetStream stream of the users: a stream that captures the subjects, or the stream of
// a KV bucket. Each message has an id made of its position, and the position in a header. A start reads the stream from
// the recorded sequence on and leaves out what it finds: once, unless an append stays undecided for longer than the
// duplicate window of the stream.
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
}

// flight is a publish that is not acknowledged yet.
type flight struct {
	msg    *nats.Msg
	future jetstream.PubAckFuture
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
		t.words = fmt.Sprintf("exactly once into stream %s (message id and position; by the duplicate window of the stream)", name)
		return t.js.Stream(ctx, name)
	}
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("look for a stream that captures %s: %w", pattern, err)
	}
	name = "OUT_" + strings.ToUpper(t.d.sink.Name)
	st, err := t.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{pattern}, MaxBytes: outStreamBytes,
		Discard: jetstream.DiscardOld, Storage: jetstream.FileStorage, Replicas: max(1, t.d.s.cfg.Replicas),
		Description: "Leat: results of sink " + t.d.sink.Name, Metadata: map[string]string{"leat.kind": "sink"}})
	if err != nil && errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another partition's delivery was first
		st, err = t.js.Stream(ctx, name)
	}
	if err != nil {
		return nil, fmt.Errorf("make stream %s for %s: %w", name, pattern, err)
	}
	t.words = fmt.Sprintf("exactly once into stream %s, which Leat made (message id and position; by its duplicate window)", name)
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
			_, err = t.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: d.sink.Address, History: 1, MaxBytes: outStreamBytes,
				Replicas: max(1, d.s.cfg.Replicas), Description: "Leat: results of sink " + d.sink.Name})
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
	return t.found(ctx, recorded, info.State.LastSeq)
}

// found reads the target from the recorded sequence to its end and returns the furthest position of this delivery.
func (t *streamTarget) found(ctx context.Context, recorded *record, end uint64) (Position, error) {
	best := recorded.Position
	if recorded.Target > end {
		return best, nil
	}
	cfg := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: recorded.Target,
		HeadersOnly: true}
	if !t.kv {
		cfg.FilterSubjects = []string{t.address.filter()}
	}
	c, err := t.stream.OrderedConsumer(ctx, cfg)
	if err != nil {
		return best, fmt.Errorf("read what the target holds: %w", err)
	}
	for {
		m, err := c.Next(jetstream.FetchMaxWait(scanIdle))
		if errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) {
			return best, nil
		}
		if err != nil {
			return best, fmt.Errorf("read what the target holds: %w", err)
		}
		if m.Headers().Get(headerSink) == t.d.id() {
			if p, ok := parsePosition(m.Headers().Get(headerPosition)); ok && best.Less(p) {
				best = p
			}
		}
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Stream >= end || meta.NumPending == 0 {
			return best, nil //nolint:nilerr // a message without metadata is no stream's
		}
	}
}

// write implements target.
func (t *streamTarget) write(ctx context.Context, b *vector.Batch, i int, pos Position) error {
	subject, err := t.subject(b, i)
	if err != nil {
		return &refusedError{codeRefused, err}
	}
	msg := nats.NewMsg(subject)
	msg.Header.Set(nats.MsgIdHdr, "leat/"+t.d.id()+"/"+pos.String())
	msg.Header.Set(headerSink, t.d.id())
	msg.Header.Set(headerPosition, pos.String())
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
	if int64(len(msg.Data)+1024) > t.d.s.cfg.App.MaxPayload() {
		return &refusedError{codeTooLarge, fmt.Errorf("the row has %d bytes, the server takes %d", len(msg.Data), t.d.s.cfg.App.MaxPayload())}
	}
	f := flight{msg: msg}
	f.future, _ = t.js.PublishMsgAsync(msg) // an error is met in settle, which sends again
	t.flight = append(t.flight, f)
	if len(t.flight) >= window {
		return t.settle(ctx)
	}
	return nil
}

// settle waits for all acknowledgements, in order. What failed is sent again, under the same id, until it is taken.
func (t *streamTarget) settle(ctx context.Context) error {
	wait := 100 * time.Millisecond
	for k := range t.flight {
		f := &t.flight[k]
		for {
			seq, err := t.ack(ctx, f)
			if err == nil {
				t.last = max(t.last, seq)
				break
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			t.d.n.reason.Store(err.Error())
			if !pause(ctx, wait) {
				return context.Cause(ctx)
			}
			wait = min(wait*2, 5*time.Second)
			f.future = nil
		}
	}
	t.flight = t.flight[:0]
	return nil
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
		sb.WriteString(escape(string(vector.AppendText(nil, v, i))))
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
		parts[k] = escape(string(vector.AppendText(nil, b.Cols[c], i)))
	}
	return strings.Join(parts, ".")
}

// escape makes a value a token: letters, digits, - and _ stay, everything else becomes = and hex. An empty value is =.
func escape(s string) string {
	if s == "" {
		return "="
	}
	var sb strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			sb.WriteByte(c)
		} else {
			fmt.Fprintf(&sb, "=%02X", c)
		}
	}
	return sb.String()
}
