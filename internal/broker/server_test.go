package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"
	"go.uber.org/goleak"

	"github.com/leatsql/leat/internal/errcode"
)

// holdEnv makes the test binary a process that holds a data folder, see TestSecondProcess.
const holdEnv = "BROKER_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdEnv); dir != "" {
		s, err := Start(context.Background(), Config{StoreDir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		_ = s.Shutdown()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func leat(t *testing.T, s *Server) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	return opened(t)(s.Leat("test leat"))
}

// network returns a client that comes over the network, as a user's does.
func network(t *testing.T, s *Server) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, js := opened(t)(nats.Connect(s.ClientURL()))
	t.Cleanup(nc.Close)
	return nc, js
}

func opened(t *testing.T) func(*nats.Conn, error) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	return func(nc *nats.Conn, err error) (*nats.Conn, jetstream.JetStream) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		return nc, js
	}
}

func wantCode(t *testing.T, err error, code errcode.Code, words ...string) {
	t.Helper()
	if err == nil || errcode.Of(err) != code {
		t.Fatalf("got %v (%s), want %s", err, errcode.Of(err), code)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func TestAccountsAreApart(t *testing.T) {
	t.Parallel()
	s := start(t, Config{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	_, own := leat(t, s)
	users, app := network(t, s)
	ctx := t.Context()

	cfg := jetstream.StreamConfig{Name: "LEAT_a", Subjects: []string{"leat.src.a.>"}, MaxBytes: 1 << 20}
	stream, err := own.CreateStream(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := own.Publish(ctx, "leat.src.a.0.w", []byte("mine")); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Stream(ctx, "LEAT_a"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("a user looks for Leat's stream: got %v, want not found", err)
	}
	for name := range app.StreamNames(ctx).Name() {
		t.Errorf("a user's list shows stream %s", name)
	}
	if _, err := app.Publish(ctx, "leat.src.a.0.w", []byte("forged")); !errors.Is(err, jetstream.ErrNoStreamResponse) {
		t.Errorf("a forged append: got %v, want no stream", err)
	}
	sub, err := users.SubscribeSync(">")
	if err != nil {
		t.Fatal(err)
	}
	if err := users.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := own.Publish(ctx, "leat.src.a.0.w", []byte("mine too")); err != nil {
		t.Fatal(err)
	}
	if m, err := sub.NextMsg(100 * time.Millisecond); err == nil && strings.HasPrefix(m.Subject, "leat.") {
		t.Errorf("a user hears %s", m.Subject)
	}
	info, err := stream.Info(ctx)
	if err != nil || info.State.Msgs != 2 {
		t.Errorf("Leat's stream holds %v, %v; want its own two messages", info, err)
	}
}

func TestRequestsAndDiscoveryCross(t *testing.T) {
	t.Parallel()
	s := start(t, Config{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	own, _ := leat(t, s)
	users, _ := network(t, s)

	echo := micro.HandlerFunc(func(r micro.Request) {
		for _, part := range []string{"one", "two", ""} { // a stream of answers, as a query gives
			if err := r.Respond([]byte(part)); err != nil {
				t.Error(err)
			}
		}
	})
	svc, err := micro.AddService(own, micro.Config{Name: "leat-coordinator", Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = svc.Stop() }()
	if err := svc.AddEndpoint("query", echo, micro.WithEndpointSubject("leat.api.query")); err != nil {
		t.Fatal(err)
	}

	if err := own.Flush(); err != nil { // the server knows the subscriptions from here on
		t.Fatal(err)
	}
	inbox := users.NewRespInbox()
	sub, err := users.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	if err := users.PublishRequest("leat.api.query", inbox, []byte("SELECT 1")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two", ""} {
		m, err := sub.NextMsg(5 * time.Second)
		if err != nil || string(m.Data) != want {
			t.Fatalf("answer: got %v, %v; want %q", m, err, want)
		}
	}
	m, err := users.Request("$SRV.PING", nil, 5*time.Second)
	if err != nil || !strings.Contains(string(m.Data), "leat-coordinator") {
		t.Fatalf("discovery: %v, %v", m, err)
	}
	if _, err := users.Request("leat.ctl.engine", nil, 5*time.Second); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("control from a user: got %v, want nobody there", err)
	}
}

func TestUsersHaveTheirOwnJetStream(t *testing.T) {
	t.Parallel()
	s := start(t, Config{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	_, app := network(t, s)
	_, own := leat(t, s)
	ctx := t.Context()
	orders := jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}}
	if _, err := app.CreateStream(ctx, orders); err != nil {
		t.Fatal(err)
	}
	if ack, err := app.Publish(ctx, "orders.new", []byte(`{}`)); err != nil || ack.Sequence != 1 {
		t.Fatalf("publish: %v, %v", ack, err)
	}
	inProcess, js := opened(t)(s.App("test app"))
	defer inProcess.Close()
	if _, err := js.Stream(ctx, "ORDERS"); err != nil {
		t.Errorf("Leat's connection into the users' account does not see their stream: %v", err)
	}
	_, err := own.CreateStream(ctx, jetstream.StreamConfig{Name: "LEAT_b", Subjects: []string{"leat.src.b.>"}})
	var api *jetstream.APIError
	if !errors.As(err, &api) || api.ErrorCode != 10113 {
		t.Errorf("a stream without MaxBytes in Leat's account: got %v, want 10113", err)
	}
}

func TestLimitsOfTheAccounts(t *testing.T) {
	t.Parallel()
	s := start(t, Config{StoreDir: t.TempDir(), Listen: "127.0.0.1:0", MaxStore: 90 << 20})
	_, own := leat(t, s)
	_, app := network(t, s)
	a, err := own.AccountInfo(t.Context())
	if err != nil || a.Limits.MaxStore != 60<<20 {
		t.Errorf("Leat's share: %+v, %v", a, err)
	}
	b, err := app.AccountInfo(t.Context())
	if err != nil || b.Limits.MaxStore != 30<<20 {
		t.Errorf("the users' share: %+v, %v", b, err)
	}
	nc, _ := network(t, s)
	if got := nc.MaxPayload(); got != DefaultMaxPayload {
		t.Errorf("largest message: %d", got)
	}
}

func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx := t.Context()
	for i := range uint64(3) {
		s, err := Start(ctx, Config{StoreDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		_, js := leat(t, s)
		cfg := jetstream.StreamConfig{Name: "LEAT_a", Subjects: []string{"leat.src.a.>"}, MaxBytes: 1 << 20}
		if _, err := js.CreateOrUpdateStream(ctx, cfg); err != nil {
			t.Fatal(err)
		}
		ack, err := js.Publish(ctx, "leat.src.a.0.w", []byte("x"))
		if err != nil || ack.Sequence != i+1 {
			t.Fatalf("start %d: %v, %v", i, ack, err)
		}
		for range 2 {
			if err := s.Shutdown(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Leat("late"); errcode.Of(err) != errcode.Unreach {
			t.Errorf("a connection after the end: %v", err)
		}
	}
}

func TestPowerSyncsAlways(t *testing.T) {
	t.Parallel()
	for d, want := range map[Durability]bool{Process: false, Power: true} {
		c := Config{StoreDir: "x", Durability: d}
		c.setDefaults()
		o, err := options(&c, "x", limits{memory: minStore, file: minStore}, passwords{"lx", "ax"})
		if err != nil || o.SyncAlways != want {
			t.Errorf("%s: sync always is %v, %v", d, o.SyncAlways, err)
		}
		if o.HTTPPort != 0 || o.HTTPSPort != 0 {
			t.Errorf("%s: monitoring listens without being asked", d)
		}
	}
}

func TestMemoryLeavesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Memory: true})
	if s.ClientURL() != "" || s.srv.Addr() != nil {
		t.Error("the server listens without being asked")
	}
	_, js := leat(t, s)
	cfg := jetstream.StreamConfig{
		Name: "LEAT_a", Subjects: []string{"leat.src.a.>"}, MaxBytes: 1 << 20, Storage: jetstream.MemoryStorage,
	}
	if _, err := js.CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	s := start(t, Config{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	taken := strings.TrimPrefix(s.ClientURL(), "nats://")
	_, err := Start(t.Context(), Config{StoreDir: t.TempDir(), Listen: taken})
	wantCode(t, err, errcode.PortTaken, "a NATS server answers there")
	if hint := errcode.Hint(err); !strings.Contains(hint, "--nats nats://"+taken) {
		t.Errorf("hint: %q", hint)
	}
	moved := start(t, Config{StoreDir: t.TempDir(), Listen: taken, MayMove: true})
	if !moved.Moved() || moved.ClientURL() == s.ClientURL() {
		t.Errorf("moved: %v to %s", moved.Moved(), moved.ClientURL())
	}
	if s.Moved() {
		t.Error("a free port counts as moved")
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	_, err = Start(t.Context(), Config{StoreDir: dir, Listen: l.Addr().String()})
	wantCode(t, err, errcode.PortTaken, "cannot be used")
	start(t, Config{StoreDir: dir}) // a failed start frees the folder
}

func TestSecondProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), holdEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "held\n" {
		t.Fatalf("the holder says %q, %v", line, err)
	}
	_, err = Start(t.Context(), Config{StoreDir: dir})
	wantCode(t, err, errcode.DataInUse, dir, fmt.Sprintf("in use by process %d", cmd.Process.Pid))
	if err := cmd.Process.Kill(); err != nil { // the lock ends with its process, however it ends
		t.Fatal(err)
	}
	_ = cmd.Wait()
	_ = in.Close()
	start(t, Config{StoreDir: dir})
}

func TestStoreThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{StoreDir: file})
	wantCode(t, err, errcode.StoreBad, "file")
}

func TestValidateListsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Config{
		Durability: "eternal", MaxPayload: 1 << 30, MaxStore: 1, Listen: "127.0.0.1:99999", Monitor: "0.0.0.0:8222",
	})
	wantCode(t, err, errcode.BadConfig, "store folder", `"eternal"`, "largest message", "store limit", "99999",
		"not on loopback")
}
