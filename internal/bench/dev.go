package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/client"
	"github.com/leatsql/leat/internal/pause"
)

// dev is a running leat dev, or a bare server, with a connection of a user.
type dev struct {
	*daemon
	nc    *nats.Conn
	js    jetstream.JetStream
	data  string
	ready time.Duration // from the start of the process to its first answer
}

const (
	readyTimeout = 30 * time.Second
	pollEvery    = time.Millisecond
	maxPending   = 512 // publishes in flight
)

// freeAddr returns an address nobody listens on.
func freeAddr(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("look for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// dev starts leat dev on a folder of its own and waits until it answers.
func (b *bench) dev(ctx context.Context) (*dev, error) {
	return b.server(ctx, func(addr, data string) []string {
		return []string{"dev", "--data", data, "--nats", addr, "--http", "127.0.0.1:0", "--log-level", "error", "-q"}
	}, func(ctx context.Context, d *dev) error {
		_, err := client.New(d.nc, time.Second).Status(ctx)
		return err
	})
}

// bare starts an embedded server with one stream.
func (b *bench) bare(ctx context.Context, program string) (*dev, error) {
	return b.server(ctx, func(addr, data string) []string {
		return []string{"bench", "--child", program, "--", addr, data}
	}, func(ctx context.Context, d *dev) error {
		_, err := d.js.Stream(ctx, bareStream)
		return err
	})
}

func (b *bench) server(
	ctx context.Context, args func(addr, data string) []string, answers func(context.Context, *dev) error,
) (*dev, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp(b.dir, "data-")
	if err != nil {
		return nil, fmt.Errorf("make a data folder: %w", err)
	}
	d := &dev{data: data}
	if d.daemon, err = b.daemon(ctx, args(addr, data)...); err != nil {
		return nil, err
	}
	if err := d.wait(ctx, addr, answers); err != nil {
		_, serr := d.stop()
		return nil, errors.Join(err, serr)
	}
	return d, nil
}

// wait asks until the server answers.
func (d *dev) wait(ctx context.Context, addr string, answers func(context.Context, *dev) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var last error
	for {
		if err := d.ended(); err != nil {
			return err
		}
		if last = d.try(ctx, addr, answers); last == nil {
			d.ready = time.Since(d.start)
			return nil
		}
		if err := rest(ctx, pollEvery); err != nil {
			return fmt.Errorf("wait for the server at %s: %w: %w: %s", addr, err, last, d.stderr.String())
		}
	}
}

func (d *dev) try(ctx context.Context, addr string, answers func(context.Context, *dev) error) error {
	if d.nc == nil {
		nc, err := nats.Connect("nats://"+addr, nats.Timeout(time.Second), nats.Name("leat bench"),
			nats.MaxReconnects(-1))
		if err != nil {
			return err
		}
		js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(maxPending))
		if err != nil {
			nc.Close()
			return err
		}
		d.nc, d.js = nc, js
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return answers(ctx, d)
}

// close stops the server and removes its folder.
func (d *dev) close() (usage, error) {
	d.nc.Close()
	u, err := d.stop()
	if rerr := os.RemoveAll(d.data); rerr != nil {
		err = errors.Join(err, fmt.Errorf("remove the data folder: %w", rerr))
	}
	return u, err
}

// execute runs statements.
func (d *dev) execute(ctx context.Context, script string) error {
	resp, err := client.New(d.nc, 0).Execute(ctx, api.ExecuteRequest{Script: script})
	if err != nil {
		return fmt.Errorf("run the statements: %w", err)
	}
	if resp.Error != nil {
		return fmt.Errorf("run the statements: %w", resp.Error)
	}
	return nil
}

// stream makes a stream of the user that captures subject.
func makeStream(ctx context.Context, js jetstream.JetStream, name, subject string) (jetstream.Stream, error) {
	s, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: name, Subjects: []string{subject},
		Storage: jetstream.FileStorage, AllowDirect: true,
	})
	if err != nil {
		return nil, fmt.Errorf("make stream %s: %w", name, err)
	}
	return s, nil
}

// publish sends one message without waiting for its acknowledgement.
func publish(js jetstream.JetStream, subject string, data []byte) error {
	for {
		_, err := js.PublishAsync(subject, data)
		if err == nil {
			return nil
		}
		if !errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
			return fmt.Errorf("publish to %s: %w", subject, err)
		}
	}
}

// flushed waits until everything published is acknowledged.
func flushed(ctx context.Context, js jetstream.JetStream) error {
	select {
	case <-js.PublishAsyncComplete():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// rest waits for d; its error is the cause of the end of ctx.
func rest(ctx context.Context, d time.Duration) error {
	if !pause.For(ctx, d) {
		return context.Cause(ctx)
	}
	return nil
}
