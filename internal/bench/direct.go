package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
)

const declareTrades = `CREATE STREAM trades (symbol STRING, price DECIMAL(18,4), volume BIGINT, ts BIGINT, venue STRING)
  WITH (connector = 'file', path = '${in}', format = 'json', event_time = 'ts', watermark = '1s');
`

// scripts are the SQL of the direct workloads. Columns come in the order of the limit programs.
var scripts = map[string]string{
	"w1": declareTrades + `SELECT symbol, price, price * volume AS notional FROM trades WHERE venue = 'XNAS' AND volume > 1000;`,
	"w2": declareTrades + `SELECT symbol, window_start, COUNT(*) AS n, AVG(price) AS avg, MIN(price) AS lo, MAX(price) AS hi
FROM trades WINDOW TUMBLING(1s) GROUP BY symbol;`,
	"w3": declareTrades + `SELECT symbol, window_start, COUNT(*) AS n, AVG(price) AS avg, MIN(price) AS lo, MAX(price) AS hi
FROM trades WINDOW SLIDING(60s, 5s) GROUP BY symbol;`,
	"w4": declareTrades + `CREATE TABLE symbols (symbol STRING PRIMARY KEY, sector STRING, lot BIGINT)
  WITH (connector = 'file', path = '${table}', format = 'json');
SELECT t.symbol, s.sector, t.price, t.volume * s.lot AS shares FROM trades t JOIN symbols s ON t.symbol = s.symbol;`,
}

// handColumns are those in which float64 gives the same text.
var handColumns = map[string][]int{"w1": {0, 1}, "w2": {0, 1, 2, 4, 5}, "w3": {0, 1, 2, 4, 5}, "w4": nil}

// handShare is how much of the rows the program by hand gets: it is ten times slower.
const handShare = 5

// direct measures one of w1 to w4; w2 also in message mode.
func (b *bench) direct(ctx context.Context, w string) error {
	in, err := b.input("trades.ndjson", func(p string) error { return writeTrades(p, b.cfg.Rows) })
	if err != nil {
		return err
	}
	few, err := b.input("trades.few.ndjson", func(p string) error { return writeTrades(p, b.cfg.Rows/handShare) })
	if err != nil {
		return err
	}
	table, err := b.input("symbols.ndjson", writeSymbols)
	if err != nil {
		return err
	}
	if err := b.oracle(ctx, w, few, table); err != nil {
		return err
	}
	_, want, err := b.child(ctx, "limit", w, in, table, b.path("want"))
	if err != nil {
		return err
	}
	entrants := []entrant{
		{"limit." + w, func() (usage, error) { return b.limitRun(ctx, w, in, table, &want.Answer) }},
		{w, func() (usage, error) { return b.leatRun(ctx, w, "direct", in, table, want) }},
		{"hand." + w, func() (usage, error) {
			u, _, err := b.child(ctx, "hand", w, few, table, b.path("out"), "")
			return u, err
		}},
	}
	if w == "w1" {
		entrants = append(entrants, entrant{"limit.scan", func() (usage, error) { return b.limitRun(ctx, "scan", in, table, nil) }})
	}
	if w == "w2" {
		entrants = append(entrants, entrant{"w2_message", func() (usage, error) { return b.leatRun(ctx, w, "message", in, table, want) }})
	}
	m, err := b.rounds(ctx, entrants)
	if err != nil {
		return err
	}
	return b.addDirect(w, in, m)
}

func (b *bench) addDirect(w, in string, m map[string]usage) error {
	st, err := os.Stat(in)
	if err != nil {
		return fmt.Errorf("look at the input: %w", err)
	}
	limit := m["limit."+w].result("limit." + w)
	r := m[w].result(w)
	r.BytesPerRecord = float64(st.Size()) / float64(b.cfg.Rows)
	b.add(r, &limit)
	if u, ok := m["w2_message"]; ok {
		b.add(u.result("w2_message"), &limit)
	}
	b.add(limit, nil)
	if u, ok := m["limit.scan"]; ok {
		b.add(u.result("limit.scan"), nil)
	}
	b.add(m["hand."+w].result("hand."+w), nil)
	return nil
}

// oracle lets the limit program and the one by hand agree on the same rows.
func (b *bench) oracle(ctx context.Context, w, in, table string) error {
	columns := ""
	for _, c := range handColumns[w] {
		columns += strconv.Itoa(c)
	}
	_, limit, err := b.child(ctx, "limit", w, in, table, b.path("out"), columns)
	if err != nil {
		return err
	}
	_, hand, err := b.child(ctx, "hand", w, in, table, b.path("out"), columns)
	if err != nil {
		return err
	}
	if limit.Answer != hand.Answer {
		return fmt.Errorf("the limit program answers %+v, the one by hand %+v", limit.Answer, hand.Answer)
	}
	return nil
}

func (b *bench) limitRun(ctx context.Context, w, in, table string, want *Answer) (usage, error) {
	u, r, err := b.child(ctx, "limit", w, in, table, b.path("out"))
	if err == nil && want != nil && r.Answer != *want {
		err = fmt.Errorf("the limit program answers %+v, then %+v", *want, r.Answer)
	}
	return u, err
}

// leatRun runs a script with leat run and checks the answer.
func (b *bench) leatRun(ctx context.Context, w, mode, in, table string, want *childReport) (usage, error) {
	script := b.path(w + ".sql")
	if err := os.WriteFile(script, []byte(scripts[w]), 0o600); err != nil {
		return usage{}, fmt.Errorf("write the script: %w", err)
	}
	out := b.path("out")
	u, err := b.run(ctx, out, "run", script, "--mode", mode, "--define", "in="+in, "--define", "table="+table, "-o", "jsonl", "-q")
	if err != nil {
		return u, err
	}
	u.records = want.Records
	_, got, err := b.child(ctx, "answer", out)
	if err != nil {
		return u, err
	}
	if got.Answer != want.Answer {
		return u, fmt.Errorf("wrong answer in %s mode: %d rows, checksum %x; want %d rows, %x", mode, got.Answer.Rows, got.Answer.Sum,
			want.Answer.Rows, want.Answer.Sum)
	}
	return u, nil
}
