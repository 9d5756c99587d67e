package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/leatsql/leat/internal/errcode"
)

// readyTimeout bounds a start; recovering a large store takes its time.
const readyTimeout = 2 * time.Minute

// Server is a running embedded server.
type Server struct {
	cfg   Config
	srv   *server.Server
	pw    passwords
	lock  *os.File
	dir   string // of the store
	moved bool

	mu    sync.Mutex
	conns []*nats.Conn // in-process connections handed out; Shutdown closes them
	down  bool
}

// Start starts a server and returns when it takes connections. ctx bounds the start only.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, errcode.New(errcode.BadConfig, "embedded NATS server: %w", err)
	}
	cfg.setDefaults()
	s := &Server{cfg: cfg}
	if err := s.open(); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// open makes and locks the folder of the store.
func (s *Server) open() error {
	if s.cfg.Memory {
		dir, err := os.MkdirTemp("", "leat-memory-")
		if err != nil {
			return errcode.New(errcode.StoreBad, "make a folder for the server: %w", err)
		}
		s.dir = dir
		return nil
	}
	if err := os.MkdirAll(s.cfg.StoreDir, 0o700); err != nil {
		return errcode.New(errcode.StoreBad, "make the data folder: %w", err)
	}
	f, err := lock(s.cfg.StoreDir)
	if err != nil {
		return err
	}
	s.lock, s.dir = f, filepath.Join(s.cfg.StoreDir, "nats")
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return errors.Join(errcode.New(errcode.StoreBad, "make the store folder: %w", err), s.release())
	}
	return nil
}

func (s *Server) start(ctx context.Context) error {
	if s.cfg.Listen != "" {
		addr, moved, err := place(ctx, s.cfg.Listen, s.cfg.MayMove)
		if err != nil {
			return err
		}
		s.cfg.Listen, s.moved = addr, moved
	}
	l := storeLimits(&s.cfg)
	var err error
	if s.pw, err = newPasswords(); err != nil {
		return err
	}
	opts, err := options(&s.cfg, s.dir, l, s.pw)
	if err != nil {
		return err
	}
	if s.srv, err = server.NewServer(opts); err != nil {
		return errcode.New(errcode.BadConfig, "embedded NATS server: %w", err)
	}
	log := newServerLog(s.cfg.Log)
	s.srv.SetLoggerV2(log, s.cfg.Log.IsTrace(), false, false)
	go s.srv.Start() // returns when the server listens; Shutdown ends what it started
	return s.waitReady(ctx, log)
}

// waitReady waits until the server takes connections and its JetStream runs, or has said why not.
func (s *Server) waitReady(ctx context.Context, log *serverLog) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		if s.srv.ReadyForConnections(20*time.Millisecond) && s.srv.JetStreamEnabled() {
			return nil
		}
		select {
		case text := <-log.fatal:
			s.stop()
			return errcode.New(errcode.StoreBad, "the embedded NATS server gave up: %s", wordsOf(text))
		case <-ctx.Done():
			s.stop()
			return fmt.Errorf("start the embedded NATS server: %w", context.Cause(ctx))
		default:
		}
	}
}

// Leat returns a new in-process connection into Leat's own account. Shutdown closes it.
func (s *Server) Leat(name string, opts ...nats.Option) (*nats.Conn, error) {
	return s.connect(name, nats.UserInfo(userLeat, s.pw.leat), opts)
}

// App returns a new in-process connection into the users' account. Shutdown closes it.
func (s *Server) App(name string, opts ...nats.Option) (*nats.Conn, error) {
	return s.connect(name, nats.UserInfo(userApp, s.pw.app), opts)
}

func (s *Server) connect(name string, user nats.Option, opts []nats.Option) (*nats.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errcode.New(errcode.Unreach, "connect %s: the embedded NATS server is stopped", name)
	}
	all := append([]nats.Option{
		nats.InProcessServer(s.srv),
		nats.Name(name),
		// The reconnect buffer would send a timed-out append again, behind the back of its writer.
		nats.ReconnectBufSize(-1),
		nats.MaxReconnects(-1),
		nats.Timeout(10 * time.Second),
		user,
	}, opts...)
	nc, err := nats.Connect("", all...)
	if err != nil {
		return nil, errcode.New(errcode.Unreach, "connect %s to the embedded NATS server: %w", name, err)
	}
	s.conns = append(s.conns, nc)
	return nc, nil
}

// ClientURL returns the address for network clients, or "" when none may connect.
func (s *Server) ClientURL() string {
	if s.cfg.Listen == "" {
		return ""
	}
	host, _, err := splitAddr(s.cfg.Listen)
	if err != nil {
		return ""
	}
	a, ok := s.srv.Addr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	return "nats://" + hostPort(a, host)
}

// Moved tells whether the port asked for was taken, so that ClientURL has another.
func (s *Server) Moved() bool { return s.moved }

// Durability is what acknowledged data survives.
func (s *Server) Durability() Durability { return s.cfg.Durability }

// Shutdown closes the connections handed out, stops the server, waits until its store is closed, and frees the folder.
// A second call does nothing.
func (s *Server) Shutdown() error {
	s.mu.Lock()
	if s.down {
		s.mu.Unlock()
		return nil
	}
	s.down = true
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for _, nc := range conns {
		nc.Close()
	}
	s.stop()
	return s.release()
}

func (s *Server) stop() {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

// release frees what open took.
func (s *Server) release() error {
	if s.cfg.Memory {
		if err := os.RemoveAll(s.dir); err != nil {
			return fmt.Errorf("remove the server's folder: %w", err)
		}
		return nil
	}
	if s.lock == nil {
		return nil
	}
	f := s.lock
	s.lock = nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("free the data folder: %w", err)
	}
	return nil
}
