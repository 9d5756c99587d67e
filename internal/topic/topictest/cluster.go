package topictest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/topic"
)

// Cluster is several servers in the process of the test, on ports of the loopback.
type Cluster struct{ servers []*server.Server }

// StartCluster starts n servers and waits until they can make streams; the test's end stops them.
func StartCluster(tb testing.TB, n int) *Cluster {
	tb.Helper()
	var ports []int
	var routes []string
	for range n {
		var lc net.ListenConfig
		l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		ports = append(ports, port)
		routes = append(routes, fmt.Sprintf("nats-route://127.0.0.1:%d", port))
		if err = l.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	c := &Cluster{}
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("n%d", i+1), Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: tb.TempDir(), JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 64 << 20,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port},
			Routes:  server.RoutesFromStr(strings.Join(routes, ",")),
		})
		if err != nil {
			tb.Fatal(err)
		}
		c.servers = append(c.servers, s)
		s.Start()
		tb.Cleanup(func() {
			s.Shutdown()
			s.WaitForShutdown()
		})
	}
	return c
}

// Connect opens a connection that knows all servers, and waits until the cluster has a leader.
func (c *Cluster) Connect(tb testing.TB) jetstream.JetStream {
	tb.Helper()
	var urls []string
	for _, s := range c.servers {
		if !s.ReadyForConnections(20 * time.Second) {
			tb.Fatal("a server is not ready after 20 s")
		}
		urls = append(urls, s.ClientURL())
	}
	nc, err := nats.Connect(strings.Join(urls, ","), topic.ConnectOptions("leat test")...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		tb.Fatal(err)
	}
	const name = "READY"
	for deadline := time.Now().Add(30 * time.Second); ; {
		ctx, cancel := context.WithTimeout(tb.Context(), time.Second)
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{"ready"}, Replicas: len(urls),
		})
		cancel()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			tb.Fatalf("no leader after 30 s: %v", err)
		}
	}
	if err = js.DeleteStream(tb.Context(), name); err != nil {
		tb.Fatal(err)
	}
	return js
}

// StopLeader stops the server that leads a stream.
func (c *Cluster) StopLeader(ctx context.Context, tb testing.TB, js jetstream.JetStream, stream string) {
	tb.Helper()
	s, err := js.Stream(ctx, stream)
	if err != nil {
		tb.Errorf("leader of %s: %v", stream, err)
		return
	}
	for _, srv := range c.servers {
		if srv.Name() == s.CachedInfo().Cluster.Leader {
			srv.Shutdown()
			srv.WaitForShutdown()
			return
		}
	}
	tb.Errorf("%s has no leader", stream)
}
