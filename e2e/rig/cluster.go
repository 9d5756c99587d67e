package rig

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATS is a NATS server with JetStream on files, in the process of the test.
type NATS struct {
	t    testing.TB
	opts *server.Options
	srv  *server.Server
}

// StartNATS starts a server that ends with the test.
func StartNATS(tb testing.TB) *NATS {
	tb.Helper()
	n := &NATS{t: tb, opts: &server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: tb.TempDir(),
		NoSigs: true, NoLog: true, MaxPayload: 8 << 20, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 64 << 30,
	}}
	n.Start()
	tb.Cleanup(n.Stop)
	return n
}

// Start starts the server, again at the same address after a Stop.
func (n *NATS) Start() {
	n.t.Helper()
	srv, err := server.NewServer(n.opts)
	if err != nil {
		n.t.Fatal(err)
	}
	go srv.Start() // Stop ends it
	if !srv.ReadyForConnections(ReadyWithin) {
		n.t.Fatal("the NATS server is not ready")
	}
	if a, ok := srv.Addr().(*net.TCPAddr); ok {
		n.opts.Port = a.Port
	}
	n.srv = srv
}

// Stop stops the server.
func (n *NATS) Stop() {
	n.srv.Shutdown()
	n.srv.WaitForShutdown()
}

// Addr is where it listens.
func (n *NATS) Addr() string { return n.srv.Addr().String() }

// Cluster is the services of Leat as processes over one NATS server.
type Cluster struct {
	*Dev // the commands, and the coordinator as its process
	NATS *NATS
	root string
	n    int
}

// NewCluster returns a cluster whose services do not run yet.
func NewCluster(tb testing.TB) *Cluster {
	tb.Helper()
	c := &Cluster{Dev: NewDev(tb), NATS: StartNATS(tb)}
	c.Dev.NATS = c.NATS.Addr()
	c.root = tb.TempDir()
	return c
}

// Root is the folder in which files of sinks are.
func (c *Cluster) Root() string { return c.root }

// Serve starts a service.
func (c *Cluster) Serve(role string) *Process {
	c.t.Helper()
	c.n++
	args := []string{
		Binary(c.t), "serve", role, "--nats", "nats://" + c.Dev.NATS, "--file-root", c.root, "--log-level",
		"info",
	}
	if role == "coordinator" {
		args = append(args, "--http", c.HTTP)
	}
	p := Start(c.t, fmt.Sprintf("leat serve %s (%d)", role, c.n), c.Home, args...)
	if role == "coordinator" {
		c.Process = p
		c.tellWhenFailed()
		Until(c.t, ReadyWithin, "the coordinator answers", func() (bool, string) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_, err := ReadStatus(ctx, c.HTTP)
			return err == nil, fmt.Sprint(err)
		})
	}
	return p
}
