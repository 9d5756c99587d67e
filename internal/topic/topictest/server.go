package topictest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/topic"
)

// Server is a NATS server in the process of the test, without a port, with a file store.
type Server struct {
	dir string
	mu  sync.Mutex // connections ask for the server while it restarts
	srv *server.Server
}

// StartServer starts a server over dir; the test's end stops it.
func StartServer(tb testing.TB, dir string) *Server {
	tb.Helper()
	s := &Server{dir: dir}
	s.Start(tb)
	tb.Cleanup(s.Stop)
	return s
}

// Start starts the server, again after Stop over the same files.
func (s *Server) Start(tb testing.TB) {
	tb.Helper()
	srv, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: s.dir, NoSigs: true, NoLog: true, MaxPayload: 8 << 20,
		JetStreamMaxStore: 4 << 30, JetStreamMaxMemory: 64 << 20,
	})
	if err != nil {
		tb.Fatalf("start a server: %v", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		tb.Fatal("the server is not ready after 20 s")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.srv = srv
}

func (s *Server) current() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.srv
}

// Stop stops the server as a signal does; its files stay.
func (s *Server) Stop() {
	srv := s.current()
	srv.Shutdown()
	srv.WaitForShutdown()
}

// InProcessConn lets a connection find the server that runs now, after a restart too.
func (s *Server) InProcessConn() (net.Conn, error) { return s.current().InProcessConn() }

// Connect opens a connection as Leat does; the test's end closes it.
func (s *Server) Connect(tb testing.TB) jetstream.JetStream {
	tb.Helper()
	opts := append(topic.ConnectOptions("leat test"), nats.InProcessServer(s), nats.ReconnectJitter(0, 0),
		nats.ReconnectWait(10*time.Millisecond))
	nc, err := nats.Connect("", opts...)
	if err != nil {
		tb.Fatalf("connect: %v", err)
	}
	tb.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		tb.Fatalf("connect: %v", err)
	}
	return js
}

// OpenJetStream makes an empty shard that takes Subjects.
func OpenJetStream(tb testing.TB, js jetstream.JetStream, maxBytes int64) Shard {
	tb.Helper()
	const name = "LEAT_x_0"
	if maxBytes == 0 {
		maxBytes = 1 << 30
	}
	// Made by hand: a shard of a few KB is below what CreateShard allows.
	s, err := js.CreateStream(tb.Context(), jetstream.StreamConfig{
		Name: name, Subjects: []string{Subjects}, MaxBytes: maxBytes, Discard: jetstream.DiscardNew,
	})
	if err != nil {
		tb.Fatalf("make a shard: %v", err)
	}
	l, err := topic.OpenShard(tb.Context(), js, name, topic.JetStreamConfig{})
	if err != nil {
		tb.Fatalf("open the shard: %v", err)
	}
	return Shard{Log: l, Delete: func(seq uint64) error { return s.DeleteMsg(context.Background(), seq) }}
}
