package topic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// JetStreamConfig tunes a JetStream.
type JetStreamConfig struct {
	Timeout time.Duration // of one request; 0: 5 s
	Budget  *PullBudget   // shared by all logs of a connection; nil: one of this log's own
}

// JetStream is a shard kept as a JetStream stream. It makes one attempt a call and settles nothing: Writer does. The
// connection must have been opened with ConnectOptions.
type JetStream struct {
	js      jetstream.JetStream
	nc      *nats.Conn
	name    string
	prefix  string // of the JetStream API, with its dot
	timeout time.Duration
	budget  *PullBudget
}

// NewJetStream returns the log over the stream name. It asks the broker nothing; OpenShard checks that the stream is
// fit.
func NewJetStream(js jetstream.JetStream, name string, cfg JetStreamConfig) *JetStream {
	l := &JetStream{js: js, nc: js.Conn(), name: name, prefix: "$JS.API.", timeout: cfg.Timeout, budget: cfg.Budget}
	switch o := js.Options(); {
	case o.Domain != "":
		l.prefix = "$JS." + o.Domain + ".API."
	case o.APIPrefix != "":
		l.prefix = strings.TrimSuffix(o.APIPrefix, ".") + "."
	}
	if l.timeout == 0 {
		l.timeout = 5 * time.Second
	}
	if l.budget == nil {
		l.budget = NewPullBudget(0)
	}
	return l
}

// Name returns the name of the stream.
func (l *JetStream) Name() string { return l.name }

// JetStream returns the JetStream context the log works through.
func (l *JetStream) JetStream() jetstream.JetStream { return l.js }

// Append implements Log. It is the only function that publishes to a topic.
func (l *JetStream) Append(ctx context.Context, m *Message, expect uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	h := make(nats.Header, len(m.Header)+1)
	for k, v := range m.Header {
		h[k] = []string{v}
	}
	ack, err := l.js.PublishMsg(ctx, &nats.Msg{Subject: m.Subject, Header: h, Data: m.Data},
		jetstream.WithExpectLastSequencePerSubject(expect), jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, appendError(m.Subject, err)
	}
	if ack.Stream != l.name {
		return 0, fmt.Errorf("append to %s: stream %s took it, not %s", m.Subject, ack.Stream, l.name)
	}
	return ack.Sequence, nil
}

// The codes of the broker that a writer has to tell apart.
const (
	codeNoResources      = 10023
	codeTooLarge         = 10054
	codeWrongLast        = 10071
	codeStoreFailed      = 10077
	codeWrongLastPending = 10164
)

// appendError maps what a publish answered to the errors of a Log.
func appendError(subject string, err error) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		if errors.Is(err, nats.ErrMaxPayload) {
			return fmt.Errorf("append to %s: %w: %w", subject, ErrTooLarge, err)
		}
		return fmt.Errorf("append to %s: %w: %w", subject, ErrNoAnswer, err)
	}
	switch api.ErrorCode {
	case codeWrongLast:
		_, number, _ := strings.Cut(api.Description, "wrong last sequence: ")
		last, perr := strconv.ParseUint(strings.TrimSpace(number), 10, 64)
		if perr != nil { // without the number nothing is known
			return fmt.Errorf("append to %s: %w: %w", subject, ErrUndecided, err)
		}
		return &WrongLastError{Last: last}
	case codeWrongLastPending:
		return ErrUndecided
	case codeNoResources:
		return fmt.Errorf("append to %s: %w: %w", subject, ErrServerFull, err)
	case codeTooLarge:
		return fmt.Errorf("append to %s: %w: %w", subject, ErrTooLarge, err)
	case codeStoreFailed:
		switch { // one code, three meanings
		case strings.Contains(api.Description, "maximum bytes exceeded"):
			return ErrFull
		case strings.Contains(api.Description, "message too large"):
			return fmt.Errorf("append to %s: %w: %w", subject, ErrTooLarge, err)
		}
		return fmt.Errorf("append to %s: %w", subject, err)
	default:
	}
	if api.Code == 503 { // the server is there and cannot: starting, without a leader, or its store is broken
		return fmt.Errorf("append to %s: %w: %w", subject, ErrNoAnswer, err)
	}
	return fmt.Errorf("append to %s: %w", subject, err)
}

// Last implements Log.
func (l *JetStream) Last(ctx context.Context, subject string) (*Message, error) {
	return l.get(ctx, getRequest{LastBySubject: subject})
}

// Get implements Log.
func (l *JetStream) Get(ctx context.Context, seq uint64) (*Message, error) {
	return l.get(ctx, getRequest{Seq: seq})
}

type getRequest struct {
	Seq           uint64 `json:"seq,omitempty"`
	LastBySubject string `json:"last_by_subj,omitempty"`
}

type getAnswer struct {
	Error   *jetstream.APIError `json:"error"`
	Message *struct {
		Subject string    `json:"subject"`
		Seq     uint64    `json:"seq"`
		Header  []byte    `json:"hdrs"`
		Data    []byte    `json:"data"`
		Time    time.Time `json:"time"`
	} `json:"message"`
}

// get asks the leader: never DIRECT.GET, which any replica answers, maybe from the past.
func (l *JetStream) get(ctx context.Context, req getRequest) (*Message, error) {
	what := fmt.Sprintf("message %d of %s", req.Seq, l.name)
	if req.LastBySubject != "" {
		what = "last message of " + req.LastBySubject
	}
	body, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	resp, err := l.nc.RequestWithContext(ctx, l.prefix+"STREAM.MSG.GET."+l.name, body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", what, ErrNoAnswer, err)
	}
	var a getAnswer
	if err = json.Unmarshal(resp.Data, &a); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", what, ErrNoAnswer, err)
	}
	if a.Error != nil {
		return nil, apiError(what, a.Error)
	}
	if a.Message == nil {
		return nil, fmt.Errorf("%s: %w: an answer without a message", what, ErrNoAnswer)
	}
	m := &Message{
		Subject: a.Message.Subject, Seq: a.Message.Seq, TimeMs: a.Message.Time.UnixMilli(), Data: a.Message.Data,
	}
	if len(a.Message.Header) > 0 {
		h, err := nats.DecodeHeadersMsg(a.Message.Header)
		if err != nil {
			return nil, fmt.Errorf("%s: header: %w", what, err)
		}
		if err = m.setHeader(h); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	}
	return m, nil
}

// apiError maps the error of a request that changes nothing or may be repeated.
func apiError(what string, err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeMessageNotFound ||
		api.ErrorCode == jetstream.JSErrCodeStreamNotFound || api.ErrorCode == jetstream.JSErrCodeConsumerNotFound) {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	if api == nil || api.Code == 503 {
		return fmt.Errorf("%s: %w: %w", what, ErrNoAnswer, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// setHeader takes the header of a stored message; the fence goes to its own fields.
func (m *Message) setHeader(h nats.Header) error {
	for k, v := range h {
		if len(v) == 0 {
			continue
		}
		if k == HeaderFence {
			fence, err := strconv.ParseUint(v[0], 10, 64)
			if err != nil {
				return fmt.Errorf("fence of message %d: %w", m.Seq, err)
			}
			m.Fence, m.HasFence = fence, true
			continue
		}
		if m.Header == nil {
			m.Header = make(map[string]string, len(h))
		}
		m.Header[k] = v[0]
	}
	return nil
}

// Trim implements Log. Purging by subject and sequence removes what is strictly below the sequence, so a sequence no
// higher than the subject's last keeps that. The last is read first; it only grows, so an old answer is safe as well.
func (l *JetStream) Trim(ctx context.Context, subject string, below uint64) error {
	last, err := l.Last(ctx, subject)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("trim %s below %d: %w", subject, below, err)
	}
	below = min(below, last.Seq)
	if below <= 1 {
		return nil
	}
	body, err := json.Marshal(jetstream.StreamPurgeRequest{Subject: subject, Sequence: below})
	if err != nil {
		return fmt.Errorf("trim %s below %d: %w", subject, below, err)
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	resp, err := l.nc.RequestWithContext(ctx, l.prefix+"STREAM.PURGE."+l.name, body)
	if err != nil {
		return fmt.Errorf("trim %s below %d: %w: %w", subject, below, ErrNoAnswer, err)
	}
	var a struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err = json.Unmarshal(resp.Data, &a); err != nil {
		return fmt.Errorf("trim %s below %d: %w: %w", subject, below, ErrNoAnswer, err)
	}
	if a.Error != nil {
		return apiError(fmt.Sprintf("trim %s below %d", subject, below), a.Error)
	}
	return nil
}

// Info implements Log.
func (l *JetStream) Info(ctx context.Context) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	s, err := l.js.Stream(ctx, l.name)
	if err != nil {
		return Info{}, apiError("state of shard "+l.name, err)
	}
	return shardInfo(s.CachedInfo()), nil
}

func shardInfo(i *jetstream.StreamInfo) Info {
	return Info{
		Created: i.Created, FirstSeq: i.State.FirstSeq, LastSeq: i.State.LastSeq, Messages: i.State.Msgs,
		Bytes: i.State.Bytes, MaxBytes: uint64(max(i.Config.MaxBytes, 0)), Replicas: max(i.Config.Replicas, 1),
	}
}
