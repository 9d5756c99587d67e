package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/client"
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/pause"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
	"github.com/leatsql/leat/services/coordinator"
)

// demoScript is a generated market with standing queries.
const demoScript = `
CREATE STREAM trades (trade_id BIGINT, symbol STRING, price DECIMAL(18,4), volume BIGINT, ts BIGINT, venue STRING)
  WITH (generator = 'trades', rate = '800', symbols = '40', seed = '7', format = 'json', event_time = 'ts',
        key = 'symbol', watermark = '2s');
CREATE STREAM quotes (quote_id BIGINT, symbol STRING, bid DECIMAL(18,4), ask DECIMAL(18,4), bid_size BIGINT,
  ask_size BIGINT, ts BIGINT, venue STRING)
  WITH (generator = 'quotes', rate = '400', symbols = '40', seed = '8', format = 'json', event_time = 'ts',
        key = 'symbol', watermark = '2s');
CREATE TABLE stats_5m AS
  SELECT symbol, window_start, window_end, COUNT(*) AS n, AVG(price) AS avg_price, MIN(price) AS low,
         MAX(price) AS high, SUM(volume) AS volume
  FROM trades WINDOW TUMBLING(5m) GROUP BY symbol;
CREATE TABLE moving_1h AS
  SELECT symbol, window_start, window_end, AVG(price) AS avg_price, STDDEV(price) AS volatility, COUNT(*) AS n
  FROM trades WINDOW SLIDING(1h, 5m) GROUP BY symbol;
CREATE TABLE bursts AS
  SELECT symbol, window_start, window_end, COUNT(*) AS n, SUM(volume) AS volume
  FROM trades WINDOW SESSION(30s) GROUP BY symbol;
CREATE STREAM large_trades AS
  SELECT symbol, price, volume, price * volume AS notional, venue, ts FROM trades WHERE volume > 4500;
CREATE SINK large_out FROM large_trades TO NATS 'demo.large.{symbol}';
`

const (
	demoEvery = time.Second
	demoRows  = 8
)

// demoScreen shows results changing, rates, lag and dead letters until ctx ends. On a terminal it redraws, elsewhere it
// prints a block every ten seconds.
func (g *globals) demoScreen(ctx context.Context, c *coordinator.Coordinator, cfg nodeConfig) {
	live := isTerminal(g.stdout)
	every := demoEvery
	if !live {
		every = 10 * demoEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var before *api.Status
	for n := 0; ; n++ {
		status := c.Status()
		if n == 0 { // the first picture comes soon, once rates are known
			before = &status
			if !pause.For(ctx, demoEvery) {
				return
			}
			status = c.Status()
		}
		text := demoNodes(&status, before, every, cfg) + demoHints(demoStats(ctx, c), cfg.natsURL)
		if live {
			text = "\x1b[H\x1b[2J" + text
		}
		fmt.Fprint(g.stdout, text)
		before = &status
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// demoNodes is the upper part of one picture: what each node did since the picture before.
func demoNodes(now, before *api.Status, every time.Duration, cfg nodeConfig) string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "Leat demo: a generated market, four standing queries, a sink.  Ctrl-C stops; a later start "+
		"goes on.\n")
	fmt.Fprintf(&sb, "NATS %s   HTTP %s\n\n", cfg.natsURL, "http://"+cfg.listener.Addr().String())
	fmt.Fprintf(&sb, "%-14s %-12s %12s %12s %10s %8s %8s\n", "NODE", "STATE", "IN", "OUT", "IN/s", "LAG", "DEAD")
	for _, s := range now.Sources {
		fmt.Fprintf(&sb, "%-14s %-12s %12s %12s %10s %8s %8d\n", s.Name, s.State, thousands(s.Counts.In),
			thousands(s.Counts.Out), rate(s.Counts.In, sourceIn(before, s.Name), every), "", s.Counts.DeadLettered)
	}
	for _, q := range now.Queries {
		in, out := firstIn(&q), lastOut(&q)
		fmt.Fprintf(&sb, "%-14s %-12s %12s %12s %10s %8d %8d\n", q.Result, q.State, thousands(in), thousands(out),
			rate(in, queryIn(before, q.ID), every), q.Lag, deadOf(&q))
	}
	for _, s := range now.Sinks {
		fmt.Fprintf(&sb, "%-14s %-12s %12s %12s %10s %8d %8d\n", s.Name, s.State, "", thousands(s.Delivered),
			rate(s.Delivered, sinkOut(before, s.Name), every), s.Lag, s.Dead)
	}
	return sb.String()
}

// demoHints is the lower part: results, and what to try.
func demoHints(stats []string, natsURL string) string {
	var sb strings.Builder
	sb.WriteString("\nfive-minute statistics, newest window (SELECT ... FROM stats_5m):\n")
	for _, line := range stats {
		sb.WriteString("  " + line + "\n")
	}
	fmt.Fprintf(&sb, "\ntry in another terminal:\n  leat sql -c \"SELECT symbol, n, avg_price FROM stats_5m WHERE "+
		"symbol = 'SYM0' LIMIT 5\"\n"+
		"  leat sql -c \"SELECT symbol, price, volume FROM large_trades EMIT CHANGES LIMIT 5\"\n"+
		"  nats --server %s sub 'demo.large.>'\n  leat dlq list\n", natsURL)
	return sb.String()
}

func rate(now, before uint64, every time.Duration) string {
	return thousands(uint64(float64(now-min(now, before)) / every.Seconds()))
}

func sourceIn(s *api.Status, name string) uint64 {
	for _, x := range s.Sources {
		if x.Name == name {
			return x.Counts.In
		}
	}
	return 0
}

func queryIn(s *api.Status, id string) uint64 {
	for i := range s.Queries {
		if s.Queries[i].ID == id {
			return firstIn(&s.Queries[i])
		}
	}
	return 0
}

func sinkOut(s *api.Status, name string) uint64 {
	for _, x := range s.Sinks {
		if x.Name == name {
			return x.Delivered
		}
	}
	return 0
}

func firstIn(q *api.QueryStatus) uint64 {
	if len(q.Stages) == 0 {
		return 0
	}
	return q.Stages[0].Counts.In
}

func lastOut(q *api.QueryStatus) uint64 {
	if len(q.Stages) == 0 {
		return 0
	}
	return q.Stages[len(q.Stages)-1].Counts.Out
}

func deadOf(q *api.QueryStatus) (n uint64) {
	for _, s := range q.Stages {
		n += s.Counts.DeadLettered
	}
	return n
}

// demoStats asks for some rows of the statistics, as a user would, and returns them as the lines of a table.
func demoStats(ctx context.Context, c *coordinator.Coordinator) []string {
	resp := c.Execute(ctx, api.ExecuteRequest{Script: "SELECT symbol, window_start, n, CAST(avg_price AS " +
		"DECIMAL(18,4)) AS avg_price, " +
		fmt.Sprintf("low, high, volume FROM stats_5m ORDER BY window_start DESC, n DESC LIMIT %d", demoRows)})
	if resp.Error != nil {
		return []string{"not yet: " + resp.Error.Message}
	}
	got := c.Fetch(ctx, api.FetchRequest{Cursor: resp.Results[0].Cursor, WaitMs: 2000})
	if len(got.Batches) == 0 {
		return []string{"no rows yet"}
	}
	var text strings.Builder
	if err := demoTable(&text, resp.Results[0], got.Batches[0]); err != nil {
		return []string{err.Error()}
	}
	return strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
}

// demoTable writes an encoded batch as a table.
func demoTable(out io.Writer, r api.Result, data []byte) error {
	schema, err := client.Schema(r)
	if err != nil {
		return err
	}
	var pb messages.ProcessBatch
	if err := messages.DecodeProcessBatch(data, &pb); err != nil {
		return err
	}
	var b vector.Batch
	if err := vector.FromColumns(&pb.Columns, schema, &b); err != nil {
		return err
	}
	w, err := format.NewWriter("table", out)
	if err != nil {
		return err
	}
	return errors.Join(w.Begin(schema), w.Write(&b), w.End())
}
