package broker

import (
	"bufio"
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/leatsql/leat/internal/errcode"
)

// place settles the address to listen on before the server starts, so that a taken port is an error with words. Where
// it may move it returns port 0 and true.
func place(ctx context.Context, addr string, mayMove bool) (string, bool, error) {
	host, port, err := splitAddr(addr)
	if err != nil {
		return "", false, errcode.New(errcode.Usage, "listen address: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err == nil {
		return addr, false, l.Close()
	}
	if port == 0 {
		return "", false, errcode.New(errcode.PortTaken, "listen on %s: %w", addr, err)
	}
	if mayMove {
		return net.JoinHostPort(host, "0"), true, nil
	}
	e := errcode.New(errcode.PortTaken, "port %d of %s cannot be used: %w", port, host, err)
	if answersNATS(ctx, addr) {
		e = errcode.New(errcode.PortTaken, "port %d is taken: a NATS server answers there: %w", port, err)
		return "", false, e.WithHint("use that server with --nats nats://%s, or any free port with --nats %s", addr,
			net.JoinHostPort(host, "0"))
	}
	return "", false, e.WithHint("choose another port, or %s for any free one", net.JoinHostPort(host, "0"))
}

// answersNATS tells whether what listens on addr greets like a NATS server.
func answersNATS(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetReadDeadline(deadline); err != nil {
			return false
		}
	}
	greeting := make([]byte, len("INFO "))
	_, err = bufio.NewReader(c).Read(greeting)
	return err == nil && strings.HasPrefix(string(greeting), "INFO ")
}

// hostPort joins what a listener tells.
func hostPort(a *net.TCPAddr, host string) string {
	return net.JoinHostPort(host, strconv.Itoa(a.Port))
}
