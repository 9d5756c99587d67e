package main

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/natscontext"

	"github.com/leatsql/leat/internal/errcode"
)

const (
	defaultNATS    = "nats://127.0.0.1:4222"
	connectTimeout = 5 * time.Second
)

// natsURL returns the server that a client command talks to: --nats, else where leat dev listens, else the usual port.
func (g *globals) natsURL() (string, error) {
	if g.nats != "" {
		return withScheme(g.nats), nil
	}
	s, err := g.readDevState()
	if err != nil {
		return "", err
	}
	if s != nil && s.NATS != "" {
		return s.NATS, nil
	}
	return defaultNATS, nil
}

// withScheme makes a plain HOST:PORT a URL.
func withScheme(s string) string {
	if strings.Contains(s, "://") {
		return s
	}
	return "nats://" + s
}

// connect connects a client command: by --nats, by --context, or to leat dev. name is what the server shows of it.
func (g *globals) connect(name string) (*nats.Conn, error) {
	timeout := connectTimeout
	if g.timeout > 0 {
		timeout = min(timeout, g.timeout)
	}
	opts := []nats.Option{nats.Name("leat " + name), nats.Timeout(timeout), nats.ReconnectBufSize(-1)}
	if g.nats == "" && g.context != "" {
		nc, _, err := natscontext.Connect(g.context, opts...)
		if err != nil {
			return nil, errcode.New(errcode.Unreach, "context %s: %w", g.context, err).
				WithHint("nats context ls lists the contexts")
		}
		return nc, nil
	}
	url, err := g.natsURL()
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, errcode.New(errcode.Unreach, "NATS server %s: %w", redacted(url), err).
			WithHint("leat dev starts one; --nats and --context name another")
	}
	return nc, nil
}
