package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/broker"
)

// bareStream is the one stream of a bare server.
const bareStream = "BARE"

// How long an idle process is watched, behind what it takes to settle.
const (
	settleTime = time.Second
	watchTime  = 3 * time.Second
)

// childBare is an embedded server with one stream and a message in it. Arguments: address, data folder.
func childBare(ctx context.Context, args []string) (*childReport, error) {
	return nil, serveBroker(ctx, args, func(js jetstream.JetStream) error {
		if _, err := makeStream(ctx, js, bareStream, "bare"); err != nil {
			return err
		}
		if _, err := js.Publish(ctx, "bare", make([]byte, 1024)); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		<-ctx.Done()
		return nil
	})
}

func serveBroker(ctx context.Context, args []string, f func(jetstream.JetStream) error) error {
	s, err := broker.Start(ctx, broker.Config{Listen: arg(args, 0), StoreDir: arg(args, 1)})
	if err != nil {
		return err
	}
	js, err := appJetStream(s, "bare")
	if err == nil {
		err = f(js)
	}
	return errors.Join(err, s.Shutdown())
}

// readiness measures how long leat dev takes to its first answer, and what it takes when nothing happens.
func (b *bench) readiness(ctx context.Context) error {
	leat := func() (*dev, error) { return b.dev(ctx) }
	bare := func() (*dev, error) { return b.bare(ctx, "bare") }
	start := func(f func() (*dev, error)) func() (usage, error) {
		return func() (usage, error) {
			d, err := f()
			if err != nil {
				return usage{}, err
			}
			u, err := d.close()
			u.wall, u.records = d.ready, 1
			return u, err
		}
	}
	m, err := b.rounds(ctx, []entrant{{"ready", start(leat)}, {"limit.ready", start(bare)}})
	if err != nil {
		return err
	}
	for _, name := range []string{"ready", "limit.ready"} {
		r := Result{Name: name, P50Ms: ms(m[name].wall), PeakRSSBytes: m[name].peak}
		if name == "ready" {
			r.Limit = "limit.ready"
		}
		b.add(r, nil)
	}
	return b.idle(ctx, leat, bare)
}

func (b *bench) idle(ctx context.Context, leat, bare func() (*dev, error)) error {
	for _, w := range []struct {
		name, limit string
		start       func() (*dev, error)
	}{{"idle", "limit.idle", leat}, {"limit.idle", "", bare}} {
		d, err := w.start()
		if err != nil {
			return err
		}
		err = rest(ctx, settleTime)
		c, from := d.cpu(), time.Now()
		if err == nil {
			err = rest(ctx, watchTime)
		}
		r := Result{
			Name: w.name, Limit: w.limit, PeakRSSBytes: d.rss(),
			CPUPercent: 100 * (d.cpu() - c).Seconds() / time.Since(from).Seconds(),
		}
		if _, cerr := d.close(); err != nil || cerr != nil {
			return errors.Join(err, cerr)
		}
		b.add(r, nil)
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
