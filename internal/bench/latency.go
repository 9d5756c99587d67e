package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const latencyScript = `CREATE STREAM src (id BIGINT, ts BIGINT, v BIGINT)
  WITH (connector = 'nats', subject = '` + inSubject + `', format = 'json', event_time = 'ts', partitions = 1);
CREATE STREAM kept AS SELECT id, ts, v FROM src WHERE v >= 0;
CREATE SINK s FROM kept TO NATS '` + outSubject + `';`

const (
	lowRate     = 1_000 // rows a second
	latencyTime = 3 * time.Second
	warmRows    = 500
	floodRows   = 40_000
)

// latencies measures publish -> result at 1,000 rows a second, beside two raw hops, then at half of what goes through.
func (b *bench) latencies(ctx context.Context) error {
	limit, err := b.paced(ctx, "limit.hops", func() (*dev, error) { return b.bare(ctx, "hops") }, "")
	if err != nil {
		return err
	}
	return b.leatLatency(ctx, limit)
}

func (b *bench) leatLatency(ctx context.Context, limit *Result) (err error) {
	d, err := b.dev(ctx)
	if err != nil {
		return err
	}
	defer func() {
		_, cerr := d.close()
		err = errors.Join(err, cerr)
	}()
	p, err := newProbe(ctx, d, latencyScript)
	if err != nil {
		return err
	}
	low, err := p.measure(ctx, "latency", lowRate)
	if err != nil {
		return err
	}
	through, err := p.flood(ctx)
	if err != nil {
		return err
	}
	half, err := p.measure(ctx, "latency_half_load", through/2)
	if err != nil {
		return err
	}
	b.add(*low, limit)
	b.add(*limit, nil)
	b.add(Result{Name: "latency_flood", Records: floodRows, RecordsPerS: through}, nil)
	b.add(*half, limit)
	return nil
}

// paced measures a server at the low rate.
func (b *bench) paced(
	ctx context.Context, name string, start func() (*dev, error), script string,
) (r *Result, err error) {
	d, err := start()
	if err != nil {
		return nil, err
	}
	defer func() {
		_, cerr := d.close()
		err = errors.Join(err, cerr)
	}()
	p, err := newProbe(ctx, d, script)
	if err != nil {
		return nil, err
	}
	return p.measure(ctx, name, lowRate)
}

// childHops is a server and a relay: a consumer that publishes what it gets. With the publisher and the reader outside
// that makes two raw hops, as rows take through Leat. Arguments: address, data folder.
func childHops(ctx context.Context, args []string) (*childReport, error) {
	return nil, serveBroker(ctx, args, func(js jetstream.JetStream) error {
		in, err := makeStream(ctx, js, inStream, inSubject)
		if err != nil {
			return err
		}
		if _, err := makeStream(ctx, js, outStream, outSubject); err != nil {
			return err
		}
		c, err := in.CreateConsumer(ctx, jetstream.ConsumerConfig{
			AckPolicy:     jetstream.AckNonePolicy,
			MemoryStorage: true,
		})
		if err != nil {
			return fmt.Errorf("make a consumer: %w", err)
		}
		failed := make(chan error, 1)
		run, err := c.Consume(func(m jetstream.Msg) {
			if err := publish(js, outSubject, m.Data()); err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
		if err != nil {
			return fmt.Errorf("read the input: %w", err)
		}
		defer run.Stop()
		if _, err := makeStream(ctx, js, bareStream, "bare"); err != nil { // the sign that it is ready
			return err
		}
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		}
	})
}

// probe publishes rows to a server and takes the time until their results come.
type probe struct {
	d    *dev
	it   jetstream.MessagesContext
	next int64
}

type probeRow struct {
	ID int64 `json:"id"`
	TS int64 `json:"ts"`
	V  int64 `json:"v"`
}

func newProbe(ctx context.Context, d *dev, script string) (*probe, error) {
	if script != "" {
		for _, s := range [][2]string{{inStream, inSubject}, {outStream, outSubject}} {
			if _, err := makeStream(ctx, d.js, s[0], s[1]); err != nil {
				return nil, err
			}
		}
		if err := d.execute(ctx, script); err != nil {
			return nil, err
		}
	}
	out, err := d.js.Stream(ctx, outStream)
	if err != nil {
		return nil, fmt.Errorf("open the results: %w", err)
	}
	c, err := out.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return nil, fmt.Errorf("read the results: %w", err)
	}
	p := &probe{d: d}
	if p.it, err = c.Messages(jetstream.PullMaxMessages(8 * maxPending)); err != nil {
		return nil, fmt.Errorf("read the results: %w", err)
	}
	_, _, err = p.send(ctx, warmRows, lowRate)
	return p, err
}

// measure sends rows at a rate.
func (p *probe) measure(ctx context.Context, name string, perS float64) (*Result, error) {
	n := int(perS * latencyTime.Seconds())
	c := p.d.cpu()
	lat, wall, err := p.send(ctx, n, perS)
	if err != nil {
		return nil, err
	}
	slices.Sort(lat)
	r := usage{wall: wall, cpu: p.d.cpu() - c, records: int64(n), peak: p.d.rss()}.result(name)
	r.P50Ms, r.P99Ms = ms(lat[n/2]), ms(lat[min(n-1, n*99/100)])
	return &r, nil
}

// flood sends rows as fast as they are taken and returns how many come through in a second.
func (p *probe) flood(ctx context.Context) (float64, error) {
	_, wall, err := p.send(ctx, floodRows, 0)
	return floodRows / wall.Seconds(), err
}

// send publishes n rows at a rate (0: as fast as they are acknowledged) and returns what each took, in the order sent,
// and the time from the first publish to the last result. Each result comes once and has its row's values.
func (p *probe) send(ctx context.Context, n int, perS float64) ([]time.Duration, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	first, start := p.next, time.Now()
	p.next += int64(n)
	sent, lat := make([]time.Duration, n), make([]time.Duration, n)
	failed := make(chan error, 1)
	go func() { failed <- p.publishAll(ctx, first, start, sent, perS) }()
	for range n {
		m, err := p.it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return nil, 0, errors.Join(fmt.Errorf("read the results: %w: %s", err, p.d.stderr.String()), p.d.ended())
		}
		at := time.Since(start)
		var row probeRow
		if err := json.Unmarshal(m.Data(), &row); err != nil {
			return nil, 0, fmt.Errorf("decode a result: %w: %.200q", err, m.Data())
		}
		i := row.ID - first
		if i < 0 || i >= int64(n) || lat[i] != 0 || row.V != row.ID%7 {
			return nil, 0, fmt.Errorf("a result that is twice, or of no row: %s", m.Data())
		}
		lat[i] = at
	}
	wall := time.Since(start)
	if err := <-failed; err != nil {
		return nil, 0, err
	}
	for i := range lat {
		lat[i] -= sent[i]
	}
	return lat, wall, nil
}

func (p *probe) publishAll(
	ctx context.Context, first int64, start time.Time, sent []time.Duration, perS float64,
) error {
	for i := range sent {
		if perS > 0 {
			due := time.Duration(float64(i) / perS * float64(time.Second))
			if wait := due - time.Since(start); wait > 0 {
				if err := rest(ctx, wait); err != nil {
					return err
				}
			}
		}
		id := first + int64(i)
		row := fmt.Appendf(nil, `{"id":%d,"ts":%d,"v":%d}`, id, firstTime+id, id%7)
		sent[i] = time.Since(start)
		if err := publish(p.d.js, inSubject, row); err != nil {
			return err
		}
	}
	return flushed(ctx, p.d.js)
}
