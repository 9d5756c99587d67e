package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/pause"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const (
	// headerIdempotency names a row for ever: a receiver that has seen it answers 2xx and does nothing.
	headerIdempotency = "Idempotency-Key"
	webhookTimeout    = 30 * time.Second
	webhookAnswer     = 4 << 10 // bytes of an answer that are read, for the error
	defaultRetries    = -1      // for ever
)

// webhookTarget posts each row as a JSON object. Rows of a partition go one after the other, in the order of the log. A
// start repeats what was sent since the recorded position, under the same idempotency keys.
type webhookTarget struct {
	d       *delivery
	client  *http.Client
	keys    []string
	url     string
	retries int

	waiting []posting
	tries   int
}

// posting is a row that was not answered yet: its request, and the row for a dead letter.
type posting struct {
	body    []byte
	key, id string
	del     bool
	b       *vector.Batch
	i       int
}

func newWebhookTarget(d *delivery) (target, error) {
	t := &webhookTarget{d: d, url: d.sink.Address, keys: format.JSONKeys(d.object.Schema()), retries: defaultRetries}
	if u, err := url.Parse(t.url); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &fatalError{fmt.Errorf("sink %s: %q is no URL: want http://host/path", d.sink.Name, t.url)}
	}
	if v := d.sink.Props["max_retries"]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, &fatalError{fmt.Errorf("sink %s: max_retries %q is no number", d.sink.Name, v)}
		}
		t.retries = n
	}
	t.client = &http.Client{
		Timeout: webhookTimeout,
		// A redirect would turn a POST into a GET: the answer is looked at as it is.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1},
	}
	return t, nil
}

func (t *webhookTarget) open(_ context.Context, recorded *record) (Position, error) {
	return recorded.Position, nil
}

func (t *webhookTarget) write(_ context.Context, b *vector.Batch, i int, pos Position) error {
	p := posting{id: t.d.tag() + ":" + pos.String(), b: b, i: i, del: b.Op(i) == vector.Delete}
	p.body = format.AppendRow(nil, t.keys, b, i)
	if len(t.d.object.Key) > 0 {
		p.key = keyText(b, t.d.object.Key, i)
	}
	t.waiting = append(t.waiting, p)
	return nil
}

// flush posts what waits. After an error it is called again and goes on with the row that failed.
func (t *webhookTarget) flush(ctx context.Context, _ *record) error {
	for len(t.waiting) > 0 {
		p := &t.waiting[0]
		err := t.post(ctx, p)
		var refused *refusedError
		switch {
		case err == nil:
		case errors.As(err, &refused):
			if err := t.d.refuse(ctx, p.b, p.i, codeRefused, err); err != nil {
				return err
			}
		default:
			t.tries++
			if t.retries >= 0 && t.tries > t.retries {
				if err := t.d.refuse(ctx, p.b, p.i, codeRefused, err); err != nil {
					return err
				}
				break
			}
			return err
		}
		t.tries = 0
		t.waiting = t.waiting[1:]
	}
	t.waiting = nil
	return nil
}

// refusedError is an answer that says that the receiver will never take the row.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

// later are the answers of a 4xx that ask to try again.
var later = []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}

func (t *webhookTarget) post(ctx context.Context, p *posting) error {
	body := p.body
	if p.del {
		body = nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return &fatalError{fmt.Errorf("sink %s: %w", t.d.sink.Name, err)}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "leat")
	req.Header.Set(headerIdempotency, p.id)
	req.Header.Set(headerSink, t.d.sink.Name)
	if p.key != "" {
		req.Header.Set(headerKey, p.key)
	}
	if p.del {
		req.Header.Set(headerOp, "delete")
	}
	if t.d.origin.trace != "" {
		req.Header.Set("Traceparent", t.d.origin.trace)
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return fmt.Errorf("post to %s: %w", t.host(), hideURL(err))
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, webhookAnswer))
	switch s := resp.StatusCode; {
	case s >= 200 && s < 300:
		return nil
	case s >= 400 && s < 500 && !slices.Contains(later, s):
		return &refusedError{fmt.Sprintf("%s answers %s: %.200s", t.host(), resp.Status, bytes.TrimSpace(text))}
	default:
		if wait, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && wait > 0 {
			pause.For(ctx, min(time.Duration(wait)*time.Second, webhookTimeout))
		}
		return fmt.Errorf("%s answers %s: %.200s", t.host(), resp.Status, bytes.TrimSpace(text))
	}
}

// host is what messages say of the address: its path and query may hold a secret.
func (t *webhookTarget) host() string {
	u, err := url.Parse(t.url)
	if err != nil {
		return "the receiver"
	}
	return u.Scheme + "://" + u.Host
}

// hideURL takes the URL out of an error of the HTTP client.
func hideURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func (t *webhookTarget) guarantee() string {
	return "at least once to " + t.host() + ", each row under an Idempotency-Key of its own: once, where the " +
		"receiver heeds it"
}

func (t *webhookTarget) close() error {
	t.client.CloseIdleConnections()
	return nil
}
