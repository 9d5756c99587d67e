package web

import (
	"context"
	"net"

	"github.com/leatsql/leat/internal/errcode"
)

// DefaultAddr is where HTTP listens when no address is given.
const DefaultAddr = "127.0.0.1:4270"

// Listen opens addr, which must be on loopback; port 0 is any free one. Where it may move, a taken port becomes a free
// one: compare the listener's address.
func Listen(ctx context.Context, addr string, mayMove bool) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, errcode.New(errcode.Usage, "HTTP address: %w", err).WithHint("host:port, as in %s", DefaultAddr)
	}
	if !isLoopback(host) {
		return nil, errcode.New(errcode.NotOpen, "HTTP on %s would be open to the network, unauthenticated", addr).
			WithHint("use 127.0.0.1, [::1] or localhost")
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil && mayMove {
		l, err = lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, errcode.New(errcode.PortTaken, "HTTP: %w", err).
			WithHint("choose another port, or %s for any free one", net.JoinHostPort(host, "0"))
	}
	return l, nil
}

// isLoopback tells whether host can only mean this machine. Other names are not looked up: they may change.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
